# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is asked of the billing service, and what it finds: plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from . import scopes
from .allocation import TOLERANCE
from .charges import Charge
from .kinds import CHARGEABLE, MILESTONE, TYPES, Key

# In the context of what the engine itself writes. An object, not a word: a client could
# send a word with its call, and get past the checks.
LEDGER = object()


@dataclass(frozen=True)
class Request:
    """Which transactions to bill.

    :ivar project_ids: of these projects (empty: of all)
    :ivar cutoff_date: dated up to and including this day (None: of any day)
    :ivar types: of these types
    :ivar start_date: dated from this day on (None: of any day)
    :ivar sale_line_ids: on these contract lines (empty: on all)
    :ivar credited: also what a credit note has reopened, which no run bills again
    :ivar unit_ids: of these departments (empty: of all)
    :ivar milestone_ids: milestones to bill (empty: all that are reached)
    :ivar picks: only these transactions, picked by hand (None: all)
    :ivar from_billing_start: none from before the billing start of their project
    :ivar of_drafts: also what a draft bills too much of since a correction; else that
        is for its Recalculate to settle
    :ivar run_date: the day on which it is asked (None: today); not kept
    :ivar cutoffs: by project, where not everything is due: see :mod:`.scopes`
    """

    project_ids: tuple[int, ...]
    cutoff_date: date | None
    types: tuple[str, ...] = TYPES
    start_date: date | None = None
    sale_line_ids: tuple[int, ...] = ()
    credited: bool = False
    unit_ids: tuple[int, ...] = ()
    milestone_ids: tuple[int, ...] = ()
    picks: frozenset[Key] | None = None
    from_billing_start: bool = False
    of_drafts: bool = False
    run_date: date | None = None
    cutoffs: Mapping[int, scopes.Cutoffs] = field(default_factory=dict)

    def is_due(self, item: "Transaction") -> bool:
        """Whether a transaction is billed with this request, as far as schedules go."""
        cutoffs = self.cutoffs.get(item.project_id)
        return not cutoffs or scopes.is_due(
            item.kind, item.sale_line_id, item.date, cutoffs
        )

    def of(self, project_ids: tuple[int, ...]) -> "Request":
        """The same, asked of some of its projects only."""
        cutoffs = {
            key: each for key, each in self.cutoffs.items() if key in project_ids
        }
        return replace(self, project_ids=project_ids, cutoffs=cutoffs)


class Transaction(NamedTuple):
    """Something to bill, with the quantity that is still open.

    A tuple: thousands are made at once.

    :ivar kind: one of ``TYPES``
    :ivar source: one of ``SOURCES``
    :ivar source_id: 0: it was deleted since
    :ivar source_quantity: open quantity in the transaction's own unit (hours for
        time, the contract line's unit for a milestone)
    :ivar quantity: the same in the contract line's unit, unrounded
    :ivar is_new_work: without what a credit note has reopened, which still waits to be
        reviewed
    """

    kind: str
    source: str
    source_id: int
    sale_line_id: int
    project_id: int
    date: date
    source_quantity: float
    quantity: float
    text: str = ""
    who: str = ""
    task: str = ""
    billing_type: str = CHARGEABLE
    is_new_work: bool = False

    @property
    def key(self) -> Key:
        return self.source, self.source_id

    @property
    def milestone_id(self) -> int:
        """0 of another transaction."""
        return self.source_id if self.source == MILESTONE else 0

    @property
    def is_chargeable(self) -> bool:
        return self.billing_type == CHARGEABLE

    def slice_key(self, layout: str, is_consolidated: bool) -> str:
        """What has an invoice line of its own within a contract line.

        :param layout: of the project: a line per ``order_line``, ``employee``, ``task``
            or ``entry``
        :param is_consolidated: whether several projects share the invoice
        """
        if self.source == MILESTONE:
            # Each is an amount of its own.
            layout = "entry"
        match layout:
            case "employee":
                own = self.who
            case "task":
                own = self.task
            case "entry":
                # Of one that is gone, what is left of it.
                own = ":".join(
                    map(str, self.key if self.source_id else (self.who, self.task))
                )
            case _:
                own = ""
        if is_consolidated and self.project_id:
            return f"{project_prefix(self.project_id)}{own}"
        return own

    def lowered(self, source_quantity: float) -> "Transaction":
        """The same transaction with a smaller open quantity, in its own unit."""
        factor = self.quantity / self.source_quantity
        return self._replace(
            source_quantity=source_quantity, quantity=source_quantity * factor
        )

    def typed(self, billing_type: str) -> "Transaction":
        """The same transaction with another billing type."""
        return self._replace(billing_type=billing_type)


def project_prefix(project_id: int) -> str:
    """What the slices of one project begin with on an invoice that several share."""
    return f"{project_id}/"


class Allowed(NamedTuple):
    """What contract terms let be billed.

    :ivar transactions: whole or lowered, in their order
    :ivar left_out: why not the others, or not all of them, in words
    """

    transactions: list[Transaction]
    left_out: Mapping[Key, str] = MappingProxyType({})


class Beyond(NamedTuple):
    """What contract terms leave out of a transaction, or of a part of it.

    :ivar text: why, in words
    :ivar allowed: what may be billed of it, in its own unit
    """

    text: str
    allowed: float


class Portion(NamedTuple):
    """Transactions that share an invoice line, taken as one: all that grouping and
    rounding ask about. Five thousand of them then cost no more than a hundred.

    :ivar quantity: of all of them, in the contract line's unit, unrounded
    """

    sale_line_id: int
    project_id: int
    date: date
    quantity: float
    source: str = ""
    source_id: int = 0
    who: str = ""
    task: str = ""
    billing_type: str = CHARGEABLE

    key = Transaction.key
    is_chargeable = Transaction.is_chargeable
    slice_key = Transaction.slice_key


@dataclass(frozen=True, eq=False)
class Bundle:
    """What is about to become an invoice.

    :ivar header: values of the invoice, as Odoo and other add-ons prepare them
    :ivar is_consolidated: several projects of the customer may share it
    :ivar slices: its transactions, by contract line and by what has a line of its own
        in it
    :ivar charges: what its invoice lines charge
    :ivar total: untaxed, in the currency of the orders
    :ivar due: the same with taxes, which decides: below zero it is due to the customer
    :ivar number: in the review of a manual invoice
    """

    slices: Mapping[tuple[int, str], Sequence[Transaction | Portion]]
    header: Mapping = field(default_factory=dict)
    project_ids: tuple[int, ...] = ()
    order_ids: tuple[int, ...] = ()
    layout: str = "order_line"
    is_consolidated: bool = False
    charges: Mapping[tuple[int, str], Charge] = field(default_factory=dict)
    total: float = 0.0
    due: float = 0.0
    number: int = 0

    @property
    def is_credit(self) -> bool:
        return self.due < -TOLERANCE

    @property
    def credit(self) -> float:
        """What is due to the customer: untaxed, unless it is the taxes that make it
        so."""
        if not self.is_credit:
            return 0.0
        return -(self.total if self.total < 0 else self.due)

    @property
    def transactions(self) -> list[Transaction | Portion]:
        return [item for items in self.slices.values() for item in items]


class Outcome(NamedTuple):
    """What becomes of bundles.

    :ivar added: to a draft that is there
    :ivar new: invoices, and credit notes of what is due to the customer
    """

    added: list[Bundle]
    new: list[Bundle]


# === Rows of the ledger, read by the thousand ===


class Row(NamedTuple):
    """A row of the ledger.

    :ivar move_line_id: that bills it, or 0
    :ivar price_unit: in the invoice's currency
    :ivar amount: untaxed, in the same
    :ivar item: its transaction as the row has it; the ``source_id`` of one that was
        deleted since, and of an adjustment, is 0
    """

    id: int
    move_line_id: int
    is_write_off: bool
    price_unit: float
    amount: float
    item: Transaction

    @property
    def key(self) -> Key | None:
        """Its transaction, None if there is none."""
        return self.item.key if self.item.source_id else None

    @property
    def is_charged(self) -> bool:
        """Whether an invoice line charges it, or a credit note takes it back."""
        return self.item.is_chargeable and not self.is_write_off


class Part(NamedTuple):
    """What a row has of the invoice line that bills it.

    :ivar move_line_id: that bills it, or 0
    :ivar quantity: in the contract line's unit
    :ivar price_unit: in the invoice's currency
    :ivar amount: untaxed, in the same
    """

    id: int
    move_line_id: int
    is_write_off: bool
    is_chargeable: bool
    quantity: float
    price_unit: float
    amount: float
