# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the billing of a project adds up to.

Plain data: what the database found, and what a person sees of it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import obstacles

CONTRACT = "contract"
BILLED = "billed"
DRAFT = "draft"
READY = "ready"
HELD = "hold"
CREDITED = "credited"
OTHER = "other"
WRITTEN_OFF = "written_off"
NOT_CHARGED = "not_charged"
BEYOND = "beyond"
LEFT = "left"
FIGURES = (
    CONTRACT,
    BEYOND,
    BILLED,
    DRAFT,
    WRITTEN_OFF,
    NOT_CHARGED,
    LEFT,
    READY,
    HELD,
    CREDITED,
    OTHER,
)
# What uses a contract up; what is open does not yet.
USING_UP = (BILLED, DRAFT, WRITTEN_OFF, NOT_CHARGED)
# By status in the backlog; any other is open and cannot be billed now.
OPEN_AS = {
    "ready": READY,
    obstacles.HOLD: HELD,
    obstacles.PROJECT_HOLD: HELD,
    obstacles.CREDITED: CREDITED,
}


@dataclass(frozen=True, slots=True)
class Amount:
    """A part of one figure, untaxed.

    :ivar name: one of ``FIGURES``
    :ivar project_id: whose work it is
    :ivar owner_id: the project with which the contract line is billed; work of other
        projects uses it up, too
    :ivar line_id: the contract line; of one with several rates the first
    :ivar currency_id: of ``amount``
    :ivar company_amount: the same in the currency of the company
    :ivar month: the first day of the month of the work, if that was asked for
    """

    name: str
    project_id: int | None
    owner_id: int | None
    line_id: int | None
    currency_id: int
    company_id: int
    amount: float
    company_amount: float
    month: object = None


def rest_of(contract: float, used: float) -> tuple[float, float]:
    """What is left of a contract line, and what went beyond it.

    What is ordered of work that is billed by the hour is an estimate: more may be
    billed than the contract says. It takes nothing from what is left of other lines.

    >>> rest_of(1000, 400)
    (600, 0)
    >>> rest_of(1000, 1200)
    (0.0, 200.0)

    :return: ``left, beyond``, with ``left == contract + beyond - used``
    """
    rest = contract - used
    left = rest if rest * contract > 0 else 0.0
    return left, left - rest


def add_up(
    project_id: int, amounts: Iterable[Amount], value: Callable[[Amount], float]
) -> dict[str, float]:
    """The figures of one project.

    :param amounts: of its work, and of its contract lines
    :param value: of an amount, in the one currency of the figures
    """
    found = dict.fromkeys(FIGURES, 0.0)
    contracts: dict[int, float] = defaultdict(float)
    used: dict[int, float] = defaultdict(float)
    for amount in amounts:
        if amount.project_id == project_id:
            found[amount.name] += value(amount)
        if amount.owner_id == project_id and amount.line_id:
            if amount.name == CONTRACT:
                contracts[amount.line_id] += value(amount)
            elif amount.name in USING_UP:
                used[amount.line_id] += value(amount)
    for line_id in {*contracts, *used}:
        left, beyond = rest_of(contracts[line_id], used[line_id])
        found[LEFT] += left
        found[BEYOND] += beyond
    return found
