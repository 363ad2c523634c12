# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the manual invoice leaves out is found, each reason in its own way."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from odoo import models
from odoo.fields import Domain
from odoo.tools import format_date

from ...core import obstacles
from ...core.billing import Request, Transaction
from ...core.kinds import (
    MILESTONE,
    MODELS,
    NON_CHARGEABLE,
    ORDER_LINE,
    TIME,
    TRANSACTION_MODELS,
    TYPES,
    Key,
)
from ...models.billing.selection import Selection
from .psa_manual_invoice_left_out import LeftOut

COVERED = ("billable_fixed", "billable_milestones")
# What the order has to say about.
OF_CONTRACT = (obstacles.BEYOND, obstacles.CORRECTED, obstacles.TERMS)


class PsaManualInvoice(models.TransientModel):
    _inherit = "psa.manual.invoice"  # pylint: disable=consider-merging-classes-inherited

    def _left_out(self) -> list[LeftOut]:
        request = self._checked_request()
        found: dict = {}
        # sudo: the administrator was just checked; they need not read timesheets.
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

    def _of(self, found: dict, reason: str, about=None) -> LeftOut:
        return found.setdefault((reason, about), LeftOut(reason, about))

    def _collect_projects(self, request: Request, found: dict):
        """Projects that cannot be billed at all."""
        for project in self.project_ids:
            if project.id not in request.project_ids:
                self._of(found, obstacles.PROJECT, project)

    def _collect_open(self, request: Request, found: dict):
        """What is open and could be billed, were it not for a setting or a hold."""
        wide = replace(
            request, cutoff_date=None, types=TYPES, unit_ids=(), milestone_ids=()
        )
        selection = Selection(self.env)
        items = [
            item
            for source in MODELS
            for item in selection.of_source(
                source, wide, with_held=True, domain=self._not_shown(source)
            )
        ]
        rests = selection.left_out(request)
        # What is shown in part, too.
        open_keys = {item.key for item in items}
        items += [rest for key, (rest, _why) in rests.items() if key not in open_keys]
        items.sort(key=lambda item: (item.date, item.project_id))
        held, others = self._held(items), self._of_other_units(items, request)
        beyond = {key: obstacle for key, (_rest, obstacle) in rests.items()}
        lines = selection.lines_by_id(item.sale_line_id for item in items)
        Line = self.env["psa.manual.invoice.line"]
        for item in items:
            line = lines[item.sale_line_id]
            reason = self._why_not_shown(item, request, held, others, beyond)
            in_the_way = reason in OF_CONTRACT
            left_out = self._of(found, reason, line.order_id if in_the_way else None)
            if reason == obstacles.TERMS:
                left_out.texts.add(beyond[item.key].text)
            amount = Line._amount(line, item.quantity, item.is_chargeable)
            row = partial(self._item_row, item, line)
            left_out.add(item.key, row, amount, line.currency_id)
            left_out.kinds.add(item.kind)
            left_out.last = max(filter(None, [left_out.last, item.date]))

    def _not_shown(self, source: str) -> Domain:
        """Transactions of a kind that are not in the review."""
        shown = self.env["psa.manual.invoice.line"]._search(
            [("wizard_id", "=", self.id), ("source", "=", source)]
        )
        return Domain("id", "not in", shown.subselect("source_id"))

    def _why_not_shown(self, item, request, held, others, beyond) -> str:
        """:return: one of ``core.obstacles``"""
        if item.key in held:
            return obstacles.HOLD
        if item.date > request.cutoff_date:
            return obstacles.LATER
        if item.kind not in request.types:
            return obstacles.TYPE
        if item.key in others:
            return obstacles.UNIT
        if request.milestone_ids and item.source == MILESTONE:
            return obstacles.MILESTONE
        return beyond[item.key].code if item.key in beyond else obstacles.SINCE

    def _held(self, items: list[Transaction]) -> set[Key]:
        return self._within(items, lambda _model: Domain("billing_hold", "=", True))

    def _of_other_units(self, items: list[Transaction], request: Request) -> set[Key]:
        if not (unit_ids := list(request.unit_ids)):
            return set()
        inside = self._within(items, lambda model: model._psa_unit_domain(unit_ids))
        return {item.key for item in items} - inside

    def _within(self, items: list[Transaction], domain: Callable) -> set[Key]:
        """:param domain: of a kind of transactions"""
        found = set()
        for records in self._records([item.key for item in items]):
            own = Domain("id", "in", records.ids) & domain(records)
            found |= {(records._billing_source, id_) for id_ in records.search(own).ids}
        return found

    def _item_row(self, item: Transaction, line) -> dict:
        return {
            "type": item.kind,
            "project": self.project_ids.browse(item.project_id).display_name,
            "date": format_date(self.env, item.date),
            "who": item.who,
            "text": item.text,
            "quantity": f"{self._figure(item.quantity)} {line.product_uom_id.name}",
        }

    def _domain_of(self, model, request: Request, of_any_date=False) -> Domain:
        """Transactions up to the cut-off date, of what the wizard was opened on."""
        names = model._billing_columns
        domain = Domain(names["project_id"], "in", request.project_ids)
        if not of_any_date:
            domain &= Domain(names["date"], "<=", request.cutoff_date)
        if request.sale_line_ids:
            domain &= Domain(names["sale_line_id"], "in", request.sale_line_ids)
        if request.picks is not None:
            domain &= Domain("id", "in", model._psa_picked_ids(request))
        return domain

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
            move, row = detail.move_id, partial(self._detail_row, detail)
            left_out = self._of(found, obstacles.DRAFT, move)
            left_out.add(key, row, detail.amount, move.currency_id)

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
            self._of(found, obstacles.NO_LINE).add(
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
                if quantity := record.open_quantity:
                    order = record._psa_contract_lines().order_id
                    left_out = self._of(found, obstacles.ORDER, order)
                    row = partial(self._record_row, record, quantity)
                    left_out.add((source, record.id), row)

    def _collect_unreached(self, request: Request, found: dict):
        if MILESTONE not in request.types:
            return
        Milestone = self.env["project.milestone"]
        domain = self._domain_of(Milestone, request, of_any_date=True) & Domain(
            [
                ("is_reached", "=", False),
                ("sale_line_id.qty_delivered_method", "=", "milestones"),
                ("sale_line_id.state", "=", "sale"),
            ]
        )
        for milestone in Milestone.search(domain):
            ordered = milestone.sale_line_id.product_uom_qty
            quantity = milestone.quantity_percentage * ordered
            row = partial(self._unreached_row, milestone, quantity)
            self._of(found, obstacles.UNREACHED).add((MILESTONE, milestone.id), row)

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
                    key = (model._billing_source, record.id)
                    row = partial(self._record_row, record, rest)
                    self._of(found, obstacles.NON_CHARGEABLE).add(key, row)

    def _collect_covered(self, request: Request, found: dict):
        """Time on contract lines that are billed by a price, not by the hour."""
        if TIME not in request.types:
            return
        Entry = self.env["account.analytic.line"]
        domain = self._domain_of(Entry, request) & Domain(
            [("timesheet_invoice_type", "in", COVERED), ("unit_amount", "!=", 0)]
        )
        for entry in Entry.search(domain):
            self._of(found, obstacles.COVERED).add(
                (TIME, entry.id), partial(self._record_row, entry, entry.unit_amount)
            )
