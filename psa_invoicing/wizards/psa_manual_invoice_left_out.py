# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the manual invoice leaves out, why, and the button that remedies it.

Nothing is lost: a transaction up to the cut-off date is in the review, or listed here.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date, formatLang

from ..core.billing import (
    MILESTONE,
    NON_CHARGEABLE,
    ORDER_LINE,
    TIME,
    TYPES,
    Key,
    Request,
    Transaction,
)
from ..models.psa_billing_selection import MODELS
from ..models.psa_transaction_mixin import TRANSACTION_MODELS
from .psa_manual_invoice import TYPE_FIELDS

# Rows that are shown of a reason; the button is for all of them.
ROWS = 80
COVERED = ("billable_fixed", "billable_milestones")
# Reasons that are settled at once; the other buttons open a document in a new window.
DECIDED_HERE = {
    "hold",
    "later",
    "milestone",
    "non_chargeable",
    "type",
    "unit",
    "unreached",
}
# Reasons that a person may settle for one of several transactions.
ONE_BY_ONE = {"hold", "non_chargeable", "unreached"}


@dataclass
class LeftOut:
    """Transactions that are left out for one reason.

    :ivar reason: what the remedy goes by
    :ivar about: the record that is in the way: a draft, an order, a project
    :ivar keys: of the transactions
    :ivar rows: the first of them, as texts
    :ivar amounts: untaxed, by currency
    :ivar kinds: their types, of what is open
    :ivar last: the day of the last of them, of what is open
    """

    reason: str
    about: models.BaseModel | None = None
    keys: list[Key] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)
    amounts: dict = field(default_factory=lambda: defaultdict(float))
    kinds: set[str] = field(default_factory=set)
    last: date | None = None

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
    # One file per side of the wizard.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.manual.invoice"

    def review_left_out(self) -> list[dict]:
        """What is left out, by reason, as the client shows it."""
        self._check_review()
        return [
            {
                "reason": each.reason,
                "about": each.about.id if each.about else False,
                "label": self._reason_label(each),
                "count": len(each.keys),
                "amount": " + ".join(
                    formatLang(self.env, amount, currency_obj=currency)
                    for currency, amount in each.amounts.items()
                ),
                "remedy": self._remedy_label(each) if self._is_for_all(each) else "",
                "row_remedy": self._remedy_label(each)
                if each.reason in ONE_BY_ONE and len(each.keys) > 1
                else "",
                "rows": each.rows,
            }
            for each in self._left_out()
        ]

    @api.model
    def _is_for_all(self, left_out: LeftOut) -> bool:
        """Several milestones are hardly reached with one click."""
        return left_out.reason != "unreached" or len(left_out.keys) == 1

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
        wanted = {(source, source_id) for source, source_id in keys or left_out.keys}
        chosen = [key for key in left_out.keys if key in wanted]
        if reason not in DECIDED_HERE:
            return self._open_what_is_in_the_way(left_out)
        if reason == "hold":
            for records in self._records(chosen):
                records.action_psa_release()
        elif reason == "non_chargeable":
            for records in self._records(chosen):
                records.action_psa_set_billing_type("chargeable")
        elif reason == "unreached":
            self.mark_reached([source_id for _source, source_id in chosen])
        elif reason == "later":
            self.cutoff_date = left_out.last
        elif reason == "unit":
            self.unit_ids = False
        elif reason == "milestone":
            self.milestone_ids = False
        else:
            for kind in left_out.kinds:
                self[TYPE_FIELDS[kind]] = True
        return False

    def _find_left_out(self, reason: str, about: int | bool) -> LeftOut:
        """:raises UserError: if it is settled already"""
        for each in self._left_out():
            if each.reason == reason and (each.about.id if each.about else False) == (
                about or False
            ):
                return each
        raise UserError(
            self.env._("This has been settled meanwhile. Press Refresh to see it.")
        )

    def _records(self, keys: list[Key]):
        """Transactions, one kind at a time."""
        ids = defaultdict(list)
        for source, source_id in keys:
            ids[source].append(source_id)
        for source, source_ids in ids.items():
            yield self.env[MODELS[source]].browse(source_ids)

    def _open_what_is_in_the_way(self, left_out: LeftOut) -> dict:
        if left_out.about:
            return {
                "type": "ir.actions.act_window",
                "res_model": left_out.about._name,
                "res_id": left_out.about.id,
                "views": [(False, "form")],
            }
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.account_analytic_line_action"
        )
        ids = [source_id for _source, source_id in left_out.keys]
        return {**action, "domain": [("id", "in", ids)], "context": {"create": False}}

    # === Finding ===

    def _left_out(self) -> list[LeftOut]:
        request = self._checked_request()
        found: dict = {}
        # sudo: the administrator was just checked; he need not read timesheets.
        wizard = self.sudo()
        for collect in (
            wizard._collect_projects,
            wizard._collect_open,
            wizard._collect_on_drafts,
            wizard._collect_without_line,
            wizard._collect_unconfirmed,
            wizard._collect_unreached,
            wizard._collect_non_chargeable,
            wizard._collect_covered,
        ):
            collect(request, found)
        return list(found.values())

    @api.model
    def _of(self, found: dict, reason: str, about=None) -> LeftOut:
        return found.setdefault((reason, about), LeftOut(reason, about))

    def _collect_projects(self, request: Request, found: dict):
        """Projects that cannot be billed at all."""
        for project in self.project_ids:
            if project.id not in request.project_ids:
                self._of(found, "project", project)

    def _collect_open(self, request: Request, found: dict):
        """What is open and could be billed, were it not for a setting or a hold."""
        wide = replace(
            request, cutoff_date=None, types=TYPES, unit_ids=(), milestone_ids=()
        )
        Billing = self.env["psa.billing"]
        items = [
            item
            for source in MODELS
            for item in Billing._select_source(
                source, wide, {}, with_held=True, domain=self._not_shown(source)
            )
        ]
        items.sort(key=lambda item: (item.date, item.project_id))
        held, others = self._held(items), self._of_other_units(items, request)
        lines = Billing._lines_by_id(item.sale_line_id for item in items)
        Line = self.env["psa.manual.invoice.line"]
        for item in items:
            reason, about = self._why_not_shown(item, request, held, others, lines)
            left_out = self._of(found, reason, about)
            line = lines[item.sale_line_id]
            left_out.add(
                item.key,
                partial(self._item_row, item, line),
                Line._amount(line, item.quantity, item.is_chargeable),
                line.currency_id,
            )
            left_out.kinds.add(item.kind)
            left_out.last = max(filter(None, [left_out.last, item.date]))

    def _not_shown(self, source: str) -> Domain:
        """Transactions of a kind that are not in the review."""
        shown = self.env["psa.manual.invoice.line"]._search(
            [("wizard_id", "=", self.id), ("source", "=", source)]
        )
        return Domain("id", "not in", shown.subselect("source_id"))

    def _why_not_shown(self, item, request, held, others, lines) -> tuple:
        """``(reason, record that is in the way)``"""
        if item.key in held:
            return "hold", None
        if item.date > request.cutoff_date:
            return "later", None
        if item.kind not in request.types:
            return "type", None
        if item.key in others:
            return "unit", None
        if request.milestone_ids and item.source == MILESTONE:
            return "milestone", None
        return "beyond", lines[item.sale_line_id].order_id

    def _held(self, items: list[Transaction]) -> set[Key]:
        held = set()
        for records in self._records([item.key for item in items]):
            found = records.search(
                [("id", "in", records.ids), ("billing_hold", "=", 1)]
            )
            held |= {(records._billing_source, each.id) for each in found}
        return held

    def _of_other_units(self, items: list[Transaction], request: Request) -> set[Key]:
        others = set()
        if not request.unit_ids:
            return others
        for records in self._records([item.key for item in items]):
            inside = records.search(
                Domain("id", "in", records.ids)
                & records._psa_unit_domain(list(request.unit_ids))
            )
            others |= {(records._billing_source, each.id) for each in records - inside}
        return others

    @api.model
    def _item_row(self, item: Transaction, line) -> dict:
        return {
            "type": item.kind,
            "project": self.project_ids.browse(item.project_id).display_name,
            "date": format_date(self.env, item.date),
            "who": item.who,
            "text": item.text,
            "quantity": f"{self._figure(item.quantity)} {line.product_uom_id.name}",
        }

    def _domain_of(self, model, request: Request) -> Domain:
        """Transactions up to the cut-off date, of what the wizard was opened on."""
        names = model._billing_columns
        domain = Domain(names["project_id"], "in", request.project_ids)
        domain &= Domain(names["date"], "<=", request.cutoff_date)
        if request.sale_line_ids:
            domain &= Domain(names["sale_line_id"], "in", request.sale_line_ids)
        if request.picks is not None:
            domain &= Domain("id", "in", model._psa_picked_ids(request))
        return domain

    @api.model
    def _record_row(self, record, quantity: float) -> dict:
        names = record._billing_columns
        employee = record[names["employee_id"]] if "employee_id" in names else None
        unit = (
            record[names["uom_id"]]
            if "uom_id" in names
            else record._psa_contract_lines().product_uom_id
        )
        return {
            "type": record._billing_source,
            "project": record[names["project_id"]].display_name,
            "date": format_date(self.env, record[names["date"]]) or "",
            "who": employee.name if employee else "",
            "text": record[names["text"]] or "",
            "quantity": f"{self._figure(quantity)} {unit.name or ''}",
        }

    def _collect_on_drafts(self, request: Request, found: dict):
        """What is on drafts already."""
        domain = [
            ("project_id", "in", request.project_ids),
            ("move_id.state", "=", "draft"),
            ("transaction_type", "in", request.types),
            ("date", "<=", request.cutoff_date),
        ]
        if request.sale_line_ids:
            domain.append(("sale_line_id", "in", request.sale_line_ids))
        for detail in self.env["psa.invoice.detail"].search(domain):
            key = detail._key
            if not key or (request.picks is not None and key not in request.picks):
                continue
            self._of(found, "draft", detail.move_id).add(
                key,
                partial(self._detail_row, detail),
                detail.amount,
                detail.move_id.currency_id,
            )

    @api.model
    def _detail_row(self, detail) -> dict:
        return {
            "type": detail.transaction_type,
            "project": detail.project_id.display_name,
            "date": format_date(self.env, detail.date),
            "who": detail.employee_name or "",
            "text": detail.name or "",
            "quantity": f"{self._figure(detail.quantity)} {detail.uom_id.name}",
        }

    def _collect_without_line(self, request: Request, found: dict):
        """Time that nobody sold."""
        if TIME not in request.types or request.sale_line_ids:
            return
        Entry = self.env["account.analytic.line"]
        domain = self._domain_of(Entry, request) & Domain("so_line", "=", False)
        domain &= Domain("billing_type", "!=", NON_CHARGEABLE)
        for entry in Entry.search(domain & Domain("unit_amount", "!=", 0)):
            self._of(found, "no_line").add(
                (TIME, entry.id), partial(self._record_row, entry, entry.unit_amount)
            )

    def _collect_unconfirmed(self, request: Request, found: dict):
        """What was done for orders that are not confirmed, or cancelled meanwhile."""
        for source in set(MODELS) - {ORDER_LINE}:
            model = self.env[MODELS[source]]
            name = model._billing_columns["sale_line_id"]
            domain = self._domain_of(model, request) & Domain(
                f"{name}.order_id.state", "!=", "sale"
            )
            for record in model.search(domain & Domain(name, "!=", False)):
                if record.open_quantity:
                    self._of(found, "order", record._psa_contract_lines().order_id).add(
                        (source, record.id),
                        partial(self._record_row, record, record.open_quantity),
                    )

    def _collect_unreached(self, request: Request, found: dict):
        if MILESTONE not in request.types:
            return
        Milestone = self.env["project.milestone"]
        domain = Domain(
            [
                ("project_id", "in", request.project_ids),
                ("is_reached", "=", False),
                ("sale_line_id.qty_delivered_method", "=", "milestones"),
                ("sale_line_id.state", "=", "sale"),
            ]
        )
        if request.sale_line_ids:
            domain &= Domain("sale_line_id", "in", request.sale_line_ids)
        if request.picks is not None:
            domain &= Domain("id", "in", Milestone._psa_picked_ids(request))
        for milestone in Milestone.search(domain):
            quantity = (
                milestone.quantity_percentage * milestone.sale_line_id.product_uom_qty
            )
            self._of(found, "unreached").add(
                (MILESTONE, milestone.id),
                partial(self._unreached_row, milestone, quantity),
            )

    @api.model
    def _unreached_row(self, milestone, quantity: float) -> dict:
        row = self._record_row(milestone, quantity)
        return {**row, "date": format_date(self.env, milestone.deadline) or ""}

    def _collect_non_chargeable(self, request: Request, found: dict):
        for name in TRANSACTION_MODELS:
            model = self.env[name]
            line = model._billing_columns["sale_line_id"]
            domain = self._domain_of(model, request) & Domain(
                [("billing_type", "=", NON_CHARGEABLE), (line, "!=", False)]
            )
            for record in model.search(domain):
                rest = (
                    record.billable_quantity
                    - record.billed_quantity
                    - record.billing_written_off_quantity
                )
                if rest:
                    self._of(found, "non_chargeable").add(
                        (model._billing_source, record.id),
                        partial(self._record_row, record, rest),
                    )

    def _collect_covered(self, request: Request, found: dict):
        """Time on contract lines that are billed by a price, not by the hour."""
        if TIME not in request.types:
            return
        Entry = self.env["account.analytic.line"]
        domain = self._domain_of(Entry, request) & Domain(
            [("timesheet_invoice_type", "in", COVERED), ("unit_amount", "!=", 0)]
        )
        for entry in Entry.search(domain):
            self._of(found, "covered").add(
                (TIME, entry.id), partial(self._record_row, entry, entry.unit_amount)
            )

    # === Words ===

    def _reason_label(self, left_out: LeftOut) -> str:
        about = left_out.about
        if left_out.reason == "project":
            return "\n".join(about.with_env(self.env)._billing_problems().values())
        if left_out.reason == "order":
            state = dict(about._fields["state"]._description_selection(self.env))
            return self.env._(
                "The order %(order)s is not confirmed (%(state)s)",
                order=about.name,
                state=state.get(about.state, ""),
            )
        if left_out.reason == "draft":
            return self.env._("On the draft %(draft)s", draft=self._draft_name(about))
        return {
            "beyond": self.env._("Billed by an invoice that names no transactions"),
            "covered": self.env._("Covered by a fixed price"),
            "hold": self.env._("On hold"),
            "later": self.env._("After the cut-off date"),
            "milestone": self.env._("Milestones that are not chosen"),
            "no_line": self.env._("Without a contract line"),
            "non_chargeable": self.env._("Non-chargeable"),
            "type": self.env._("Types that are not chosen"),
            "unit": self.env._("Of other units"),
            "unreached": self.env._("Milestones that are not reached"),
        }[left_out.reason]

    def _remedy_label(self, left_out: LeftOut) -> str:
        if left_out.reason == "later":
            return self.env._(
                "Bill up to %(date)s", date=format_date(self.env, left_out.last)
            )
        if left_out.reason == "unreached" and not self.env[
            "project.milestone"
        ].has_access("write"):
            return ""
        return {
            "beyond": self.env._("Open Order"),
            "covered": self.env._("Show Entries"),
            "draft": self.env._("Open Draft"),
            "hold": self.env._("Release"),
            "milestone": self.env._("Include"),
            "no_line": self.env._("Choose Contract Line"),
            "non_chargeable": self.env._("Charge"),
            "order": self.env._("Open Order"),
            "project": self.env._("Open Project"),
            "type": self.env._("Include"),
            "unit": self.env._("Include"),
            "unreached": self.env._("Mark as Reached"),
        }[left_out.reason]
