# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a draft remembers of how it was asked for, and of what a person did to it since.

Recalculate builds the draft anew from it. An invoice keeps it as JSON: here, and only
here, is written down under which name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from . import scopes
from .billing import Request
from .kinds import TYPES, Key

# Keys that statements in SQL read and write, too.
CUTOFFS = "cutoffs"
WRITTEN = "written"

# What it has of the request, as it is.
ASKED = (
    "types",
    "unit_ids",
    "milestone_ids",
    "sale_line_ids",
    "picks",
    "from_billing_start",
)


@dataclass(frozen=True)
class Brief:
    """The memory of a draft.

    The cut-off date and the projects are fields of the invoice itself; Recalculate
    never adds what was credited.

    :ivar types: up to ``cutoffs`` as in :class:`.billing.Request`
    :ivar order_ids: whose lines it was made from
    :ivar layout: what has an invoice line of its own
    :ivar is_consolidated: several projects of the customer may share it
    :ivar invoice_date: that the rule gave it; None: a person chose it
    :ivar last_cutoffs: by project, up to when an earlier invoice billed it: what is
        dated up to then comes late
    :ivar caps: what a person left of transactions, in their own unit; 0: took them off
    :ivar chosen_types: billing types that a person gave to transactions on it
    :ivar known_until: rows of the ledger after this one are new to the reviewer
    :ivar written: what the billing service wrote above its lines, as JSON keeps it:
        what differs from it was edited by a person
    """

    types: tuple[str, ...] = TYPES
    unit_ids: tuple[int, ...] = ()
    milestone_ids: tuple[int, ...] = ()
    sale_line_ids: tuple[int, ...] = ()
    picks: frozenset[Key] | None = None
    from_billing_start: bool = False
    cutoffs: Mapping[int, scopes.Cutoffs] = field(default_factory=dict)
    order_ids: tuple[int, ...] = ()
    layout: str = "order_line"
    is_consolidated: bool = False
    invoice_date: date | None = None
    last_cutoffs: Mapping[int, date] = field(default_factory=dict)
    caps: Mapping[Key, float] = field(default_factory=dict)
    chosen_types: Mapping[Key, str] = field(default_factory=dict)
    known_until: int | None = None
    written: Mapping[str, object] = field(default_factory=dict)

    def asking(self, request: Request) -> "Brief":
        """The same memory of a draft that is asked for something else."""
        asked = {name: getattr(request, name) for name in ASKED}
        return replace(self, cutoffs=request.cutoffs, **asked)

    def request(self, project_ids: tuple[int, ...], cutoff_date: date) -> Request:
        """What the draft was made to bill.

        :param cutoff_date: of the draft; where a person has changed it, of all that is
            due
        """
        cutoffs = self.cutoffs
        latest = max(map(scopes.last, cutoffs.values()), default=cutoff_date)
        if latest != cutoff_date:
            cutoffs = {
                key: scopes.until(each, cutoff_date) for key, each in cutoffs.items()
            }
        return Request(
            project_ids=project_ids,
            cutoff_date=cutoff_date,
            cutoffs=cutoffs,
            **{name: getattr(self, name) for name in ASKED},
        )

    def capped(self, caps: Mapping[Key, float | None]) -> "Brief":
        """:param caps: see ``caps``; None: all of it again"""
        merged = {**self.caps, **caps}
        kept = {key: cap for key, cap in merged.items() if cap is not None}
        return replace(self, caps=kept)

    # === As JSON ===

    def to_json(self) -> dict:
        """What an invoice keeps."""
        return {
            "types": list(self.types),
            "units": list(self.unit_ids),
            "milestones": list(self.milestone_ids),
            "sale_lines": list(self.sale_line_ids),
            "picks": None if self.picks is None else sorted(map(list, self.picks)),
            "from_billing_start": self.from_billing_start,
            CUTOFFS: {
                str(project_id): scopes.to_json(cutoffs)
                for project_id, cutoffs in self.cutoffs.items()
            },
            "orders": list(self.order_ids),
            "layout": self.layout,
            "is_consolidated": self.is_consolidated,
            "invoice_date": self.invoice_date and self.invoice_date.isoformat(),
            "last_cutoffs": {
                str(project_id): day.isoformat()
                for project_id, day in self.last_cutoffs.items()
            },
            "caps": [[*key, cap] for key, cap in sorted(self.caps.items())],
            "types_chosen": [
                [*key, chosen] for key, chosen in sorted(self.chosen_types.items())
            ],
            "known_until": self.known_until,
            WRITTEN: dict(self.written),
        }

    @classmethod
    def from_json(cls, values: Mapping | None) -> "Brief":
        """The inverse of :meth:`to_json`; drafts of earlier versions, and those that
        Odoo's button has made, know less of themselves."""
        values = values or {}
        picks = values.get("picks")
        return cls(
            types=tuple(values.get("types") or TYPES),
            unit_ids=tuple(values.get("units") or ()),
            milestone_ids=tuple(values.get("milestones") or ()),
            sale_line_ids=tuple(values.get("sale_lines") or ()),
            picks=None if picks is None else frozenset(map(tuple, picks)),
            from_billing_start=values.get("from_billing_start", False),
            cutoffs={
                int(project_id): scopes.from_json(cutoffs)
                for project_id, cutoffs in (values.get(CUTOFFS) or {}).items()
            },
            order_ids=tuple(values.get("orders") or ()),
            layout=values.get("layout") or "order_line",
            is_consolidated=bool(values.get("is_consolidated")),
            invoice_date=_day(values.get("invoice_date")),
            last_cutoffs={
                int(project_id): date.fromisoformat(day)
                for project_id, day in (values.get("last_cutoffs") or {}).items()
            },
            caps={
                (source, source_id): cap
                for source, source_id, cap in values.get("caps") or ()
            },
            chosen_types={
                (source, source_id): chosen
                for source, source_id, chosen in values.get("types_chosen") or ()
            },
            known_until=values.get("known_until"),
            written=values.get(WRITTEN) or {},
        )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
