# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why a transaction is not billed: one vocabulary for backlog, invoice run, manual
invoice, leakage and report.

Each screen says it in a sentence of its own, and adds what only it knows of: a person
who chooses some types leaves out the others, whatever their state.
"""

from typing import NamedTuple

# What keeps a transaction itself from the next run.
CREDITED = "credited"
NO_LINE = "no_line"
HOLD = "hold"
DRAFT = "draft"
ORDER = "order"
TO_CREDIT = "to_credit"
LATER = "later"
# A person said that nobody pays for it; a fixed price covers it; it is not reached yet;
# an invoice that names no transactions has billed it.
NON_CHARGEABLE = "non_chargeable"
COVERED = "covered"
UNREACHED = "unreached"
BEYOND = "beyond"
# A correction takes it back that is not in this bill: dated later, or of another
# project, or on a draft that was not recalculated.
CORRECTED = "corrected"
# What contract terms leave out, in words of their own.
TERMS = "terms"
# There is nothing to charge that it could stand beside.
ALONE = "alone"
NOT_OPEN = "not_open"
# It was recorded after somebody had looked at what there is to bill.
SINCE = "since"

# What keeps all transactions of a project from it.
PROJECT = "project"
PROJECT_HOLD = "project_hold"
BEFORE_START = "before_start"

# What a person asked for leaves out.
TYPE = "type"
UNIT = "unit"
MILESTONE = "milestone"

# As the backlog knows them, the first that applies: whether it does, is a column of its
# query, called ``is_`` and this.
OF_TRANSACTION = [
    (CREDITED, "Credited: to Review"),
    (NO_LINE, "No Contract Line"),
    (HOLD, "On Hold"),
    (DRAFT, "On a Draft: Recalculate"),
    (ORDER, "Order Not Confirmed"),
    (TO_CREDIT, "To Credit"),
    (LATER, "Dated Later"),
    (TERMS, "Beyond Contract Terms"),
]
OF_PROJECT = [
    (PROJECT, "Project Cannot Be Billed"),
    (PROJECT_HOLD, "Project on Hold"),
    (BEFORE_START, "Before Billing Start"),
]


class Obstacle(NamedTuple):
    """
    :ivar code: one of the above
    :ivar text: in words, where contract terms have them
    """

    code: str
    text: str = ""
