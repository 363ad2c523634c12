# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the manual invoice leaves out, why, and the button that remedies it.

Nothing is lost: a transaction up to the cut-off date is in the review, or listed here.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from odoo import models
from odoo.tools import format_date

from ...core import obstacles
from ...core.kinds import MODELS, Key
from ...models.shared import actions, texts
from ...models.shared.external_arguments import as_keys
from .psa_manual_invoice import TYPE_FIELDS

# Rows that are shown of a reason; the button is for all of them.
ROWS = 80
# Reasons that are settled at once; the other buttons open a document in a new window.
DECIDED_HERE = {
    obstacles.HOLD,
    obstacles.LATER,
    obstacles.MILESTONE,
    obstacles.NON_CHARGEABLE,
    obstacles.TYPE,
    obstacles.UNIT,
    obstacles.UNREACHED,
}
# Reasons that a person may settle for one of several transactions.
ONE_BY_ONE = {obstacles.HOLD, obstacles.NON_CHARGEABLE, obstacles.UNREACHED}


@dataclass
class LeftOut:
    """Transactions that are left out for one reason.

    :ivar reason: what the remedy goes by
    :ivar about: the record that is in the way: a draft, an order, a project
    :ivar texts: what contract terms say
    :ivar keys: of the transactions
    :ivar rows: the first of them, as texts
    :ivar amounts: untaxed, by currency
    :ivar kinds: their types, of what is open
    :ivar last: the day of the last of them, of what is open
    """

    reason: str
    about: models.BaseModel | None = None
    texts: set[str] = field(default_factory=set)
    keys: list[Key] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)
    amounts: dict = field(default_factory=lambda: defaultdict(float))
    kinds: set[str] = field(default_factory=set)
    last: date | None = None

    @property
    def about_id(self) -> int | bool:
        return self.about.id if self.about else False

    def add(
        self, key: Key, row: Callable[[], dict], amount: float = 0.0, currency=None
    ):
        """:param row: tells what the client shows of it; thousands are only counted"""
        self.keys.append(key)
        if len(self.rows) < ROWS:
            self.rows.append({"key": list(key), **row()})
        if amount:
            self.amounts[currency] += amount


class PsaManualInvoice(models.TransientModel):
    _inherit = "psa.manual.invoice"  # pylint: disable=consider-merging-classes-inherited

    def review_left_out(self) -> list[dict]:
        """What is left out, by reason, as the client shows it."""
        self._check_review()
        return [
            {
                "reason": each.reason,
                "about": each.about_id,
                "label": self._reason_label(each),
                "count": len(each.keys),
                "amount": " + ".join(texts.amounts(self.env, each.amounts)),
                "remedy": self._remedy_label(each) if self._is_for_all(each) else "",
                "row_remedy": self._remedy_label(each)
                if each.reason in ONE_BY_ONE and len(each.keys) > 1
                else "",
                "rows": each.rows,
            }
            for each in self._left_out()
        ]

    def _is_for_all(self, left_out: LeftOut) -> bool:
        """Several milestones are hardly reached with one click."""
        return left_out.reason != obstacles.UNREACHED or len(left_out.keys) == 1

    def review_remedy(
        self, reason: str, about: int | bool = False, keys: list | None = None
    ) -> dict | bool:
        """Do what makes transactions billable, or open what is in the way.

        :param about: id of the draft, order or project in question
        :param keys: these transactions only (default: all of that reason)
        :raises AccessError: where the user may not do what the remedy does
        :return: an action to open; False: read the review anew
        """
        self._check_review()
        left_out = self._find_left_out(reason, about)
        wanted = set(as_keys(self.env, keys) or left_out.keys)
        chosen = [key for key in left_out.keys if key in wanted]
        if reason not in DECIDED_HERE:
            return self._open_what_is_in_the_way(left_out)
        if reason == obstacles.HOLD:
            for records in self._records(chosen):
                records.action_psa_release()
        elif reason == obstacles.NON_CHARGEABLE:
            for records in self._records(chosen):
                records.action_psa_set_billing_type("chargeable")
        elif reason == obstacles.UNREACHED:
            self.mark_reached([source_id for _source, source_id in chosen])
        elif reason == obstacles.LATER:
            self.cutoff_date = left_out.last
        elif reason == obstacles.UNIT:
            self.unit_ids = False
        elif reason == obstacles.MILESTONE:
            self.milestone_ids = False
        else:
            for kind in left_out.kinds:
                self[TYPE_FIELDS[kind]] = True
        return False

    def _find_left_out(self, reason: str, about: int | bool) -> LeftOut:
        """:raises UserError: if it is settled already"""
        for each in self._left_out():
            if (each.reason, each.about_id) == (reason, about or False):
                return each
        return self._refuse_settled()

    def _records(self, keys: list[Key]):
        """Transactions, one kind at a time."""
        ids = defaultdict(list)
        for source, source_id in keys:
            ids[source].append(source_id)
        for source, source_ids in ids.items():
            yield self.env[MODELS[source]].browse(source_ids)

    def _open_what_is_in_the_way(self, left_out: LeftOut) -> dict:
        if left_out.about:
            return actions.open_record(left_out.about)
        return actions.named(
            self.env,
            "account_analytic_line_action",
            domain=[("id", "in", [source_id for _source, source_id in left_out.keys])],
            context={"create": False},
        )

    # === Words ===

    def _reason_label(self, left_out: LeftOut) -> str:
        about = left_out.about
        if left_out.reason == obstacles.PROJECT:
            return "\n".join(about.with_env(self.env)._billing_problems().values())
        if left_out.reason == obstacles.ORDER:
            state = dict(about._fields["state"]._description_selection(self.env))
            return self.env._(
                "The order %(order)s is not confirmed (%(state)s)",
                order=about.name,
                state=state.get(about.state, ""),
            )
        if left_out.reason == obstacles.TERMS:
            return ". ".join(sorted(left_out.texts))
        if left_out.reason == obstacles.DRAFT:
            return self.env._("On the draft %(draft)s", draft=self._draft_name(about))
        return {
            obstacles.BEYOND: self.env._(
                "Billed by an invoice that names no transactions"
            ),
            obstacles.CORRECTED: self.env._(
                "Taken back by a correction that is not billed with it"
            ),
            obstacles.COVERED: self.env._("Covered by a fixed price"),
            obstacles.HOLD: self.env._("On hold"),
            obstacles.LATER: self.env._("After the cut-off date"),
            obstacles.MILESTONE: self.env._("Milestones that are not chosen"),
            obstacles.NO_LINE: self.env._("Without a contract line"),
            obstacles.NON_CHARGEABLE: self.env._("Non-chargeable"),
            obstacles.SINCE: self.env._("Recorded since: press Refresh to see it"),
            obstacles.TYPE: self.env._("Types that are not chosen"),
            obstacles.UNIT: self.env._("Of other units"),
            obstacles.UNREACHED: self.env._("Milestones that are not reached"),
        }[left_out.reason]

    def _remedy_label(self, left_out: LeftOut) -> str:
        if left_out.reason == obstacles.LATER:
            return self.env._(
                "Bill up to %(date)s", date=format_date(self.env, left_out.last)
            )
        if left_out.reason == obstacles.UNREACHED and not self.env[
            "project.milestone"
        ].has_access("write"):
            return ""
        return {
            obstacles.BEYOND: self.env._("Open Order"),
            obstacles.CORRECTED: self.env._("Open Order"),
            obstacles.COVERED: self.env._("Show Entries"),
            obstacles.DRAFT: self.env._("Open Draft"),
            obstacles.HOLD: self.env._("Release"),
            obstacles.MILESTONE: self.env._("Include"),
            obstacles.NO_LINE: self.env._("Choose Contract Line"),
            obstacles.NON_CHARGEABLE: self.env._("Charge"),
            obstacles.ORDER: self.env._("Open Order"),
            obstacles.SINCE: "",
            obstacles.PROJECT: self.env._("Open Project"),
            obstacles.TERMS: self.env._("Open Order"),
            obstacles.TYPE: self.env._("Include"),
            obstacles.UNIT: self.env._("Include"),
            obstacles.UNREACHED: self.env._("Mark as Reached"),
        }[left_out.reason]
