# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.allocation import is_zero
from ...core.kinds import TIME
from ...tools import rules

# Changing one of these changes what a draft should say about the entry.
BILLED_FIELDS = {
    "date",
    "employee_id",
    "name",
    "product_uom_id",
    "project_id",
    "so_line",
    "task_id",
    "unit_amount",
}
# Changing one of these may lead to another contract line.
REROUTING_FIELDS = {"employee_id", "project_id", "task_id"}
# What Odoo calls entries that are billed by their time.
BILLED_BY_TIME = ("billable_time", "timesheet_revenues")
# As the backlog and the selection put it: an index serves what is asked literally so.
OPEN = rules.open_text(
    "CASE WHEN timesheet_invoice_type IN ('billable_time', 'timesheet_revenues')"
    " THEN COALESCE(unit_amount, 0) ELSE 0 END"
)
NEW = f"{OPEN} - COALESCE(billing_credited_quantity, 0)"
IS_OPEN = f"so_line IS NOT NULL AND ABS({OPEN}) > 0.000001"


class AccountAnalyticLine(models.Model):
    _name = "account.analytic.line"
    _inherit = ["account.analytic.line", "psa.transaction.mixin"]

    _billing_source = TIME
    _billing_detail_field = "analytic_line_id"
    _billing_columns = {
        "sale_line_id": "so_line",
        "project_id": "project_id",
        "date": "date",
        "uom_id": "product_uom_id",
        "text": "name",
        "employee_id": "employee_id",
        "task_id": "task_id",
    }
    _psa_outputs = frozenset(
        {"order_id", "timesheet_invoice_id", "timesheet_invoice_type"}
    )

    # Literally what the selection asks for: an index scan over what is open.
    _psa_open_index = models.Index(f"(project_id, date) WHERE {IS_OPEN}")
    # The same in the order of the backlog, with the ids that it has there.
    _psa_backlog_index = models.Index(f"(date, (id::bigint * 12 + 0)) WHERE {IS_OPEN}")
    # The same by contract line, and so by customer.
    _psa_line_index = models.Index(f"(so_line, project_id) WHERE {IS_OPEN}")
    # A few that no run bills: they are counted beside the backlog.
    _psa_draft_index = models.Index(
        f"(date) WHERE billing_draft_quantity <> 0 AND {IS_OPEN}"
    )
    _psa_negative_index = models.Index(
        f"(date) WHERE SIGN({NEW}) = -1 AND -SIGN({NEW}) = 1"
    )
    _psa_credited_index = models.Index("(date) WHERE billing_credited_quantity <> 0")
    _psa_unsold_index = models.Index(
        """(project_id, date) WHERE so_line IS NULL AND project_id IS NOT NULL
            AND unit_amount <> 0"""
    )
    _psa_treated_index = models.Index(
        "(so_line) WHERE billing_hold OR billing_type <> 'chargeable'"
    )

    @api.depends("unit_amount", "timesheet_invoice_type", "project_id")
    def _compute_billable_quantity(self):
        for entry in self:
            is_billed_by_time = (
                entry.project_id and entry.timesheet_invoice_type in BILLED_BY_TIME
            )
            entry.billable_quantity = entry.unit_amount if is_billed_by_time else 0.0

    def _psa_billable_sql(self, alias):
        return SQL(
            "CASE WHEN %s IN ('billable_time', 'timesheet_revenues')"
            " THEN %s ELSE 0 END",
            self._psa_column_sql(alias, "timesheet_invoice_type"),
            self._psa_quantity_sql(alias, "unit_amount"),
        )

    def _billing_domain(self, request, with_held=False):
        domain = super()._billing_domain(request, with_held) & Domain(
            [
                ("project_id", "!=", False),
                ("so_line", "!=", False),
                ("so_line.product_id.type", "=", "service"),
                ("so_line.product_id.invoice_policy", "=", "delivery"),
                ("so_line.product_id.service_type", "=", "timesheet"),
            ]
        )
        # Other add-ons bill validated entries only, and say so there.
        lines = self.env["sale.order.line"]
        return domain & Domain(lines._timesheet_compute_delivered_quantity_domain())

    def _psa_unit_domain(self, unit_ids):
        """The department that is stored on the entry, else that of its project."""
        return Domain("department_id", "child_of", unit_ids) | (
            Domain("department_id", "=", False) & super()._psa_unit_domain(unit_ids)
        )

    def _psa_unit_sql(self):
        return SQL.identifier(self._table, "department_id")

    def _psa_in_open_index_sql(self):
        return SQL(
            "%s IS NOT NULL AND %s IS NOT NULL",
            SQL.identifier(self._table, "so_line"),
            SQL.identifier(self._table, "project_id"),
        )

    def _psa_ledger_assignments(self) -> SQL:
        """Odoo's own screens show the invoice of an entry: the last live one.

        What is fully credited is on none, and may be edited again.
        """
        return SQL(
            """%s, timesheet_invoice_id = CASE
                   WHEN ABS(ledger.billed - ledger.draft) > 0.000001
                   THEN ledger.posted_id ELSE ledger.draft_id END""",
            super()._psa_ledger_assignments(),
        )

    def _psa_ledger_columns(self) -> list[str]:
        return [*super()._psa_ledger_columns(), "timesheet_invoice_id"]

    def _compute_so_line(self):
        """What is on hold or not charged counts on the contract line it is moved to.

        Odoo moves entries when their project or task changes, without a ``write``.
        """
        before = {entry: entry.so_line for entry in self._psa_treated()}
        stored = self._origin
        rows = stored._psa_write_offs()
        stay = stored._psa_stay_written_off(rows)
        entries = self.filtered(lambda entry: entry._origin not in stay)
        result = super(AccountAnalyticLine, entries)._compute_so_line()
        stored._psa_follow_write_offs(rows)
        lines = self.env["sale.order.line"].union(
            *(
                line | entry.so_line
                for entry, line in before.items()
                if entry.so_line != line
            )
        )
        if lines:
            # sudo: who may change a project need not see its orders.
            lines.sudo()._psa_refresh_excluded_quantity()
        return result

    @api.model_create_multi
    def create(self, vals_list):
        routes = self._psa_take_routes(vals_list)
        items = super().create(vals_list)
        # Odoo leaves out some of a calendar's.
        for item, route in zip(items, routes, strict=False):
            item._psa_check_route(route)
        items._psa_follow_bills()
        items._psa_wait_for_release()
        return items

    def _psa_wait_for_release(self):
        """Where the company wants it, new time is looked at before it is billed."""
        new = self.filtered(
            lambda entry: (
                entry.project_id
                and entry.company_id.billing_release_required
                and entry.project_id.allow_billable
                and not entry.billing_hold
            )
        )
        if new:
            # sudo: whoever logs time does not decide about its billing.
            new.sudo().write(
                {
                    "billing_hold": True,
                    "billing_hold_reason": self.env._("Waits for release"),
                }
            )

    def write(self, vals):
        """A correction follows its new task to another contract line, and is told to
        the draft."""
        changed = BILLED_FIELDS & set(vals)
        drafts = self._psa_on_project_drafts() if changed else self.browse()
        treated_lines = (
            self._psa_treated()._psa_contract_lines()
            if changed
            else self.env["sale.order.line"]
        )
        followed = self._psa_to_follow(changed)
        result = super().write(vals)
        if changed & REROUTING_FIELDS:
            # sudo: Odoo decides on the contract line here, not whoever writes.
            drafts.sudo()._psa_unlocked()._compute_so_line()
        if "date" in changed and "so_line" not in changed:
            self._psa_follow_rates()
        drafts._psa_flag_drafts()
        followed._psa_follow_write_offs()
        if changed:
            treated_lines |= self._psa_treated()._psa_contract_lines()
            treated_lines._psa_refresh_excluded_quantity()
            self._psa_follow_bills()
        return result

    def _psa_to_follow(self, changed: set[str]):
        """Entries whose write-offs follow what is written of them; all others are
        looked at when Odoo finds their contract line (``_compute_so_line``).

        Where nothing counts as written off, hours change that only if they bring an
        entry back that had none.
        """
        if "so_line" in changed:
            return self
        if "unit_amount" not in changed or changed & REROUTING_FIELDS:
            return self.browse()
        return self.filtered(
            lambda entry: (
                entry.billing_written_off_quantity or is_zero(entry.billable_quantity)
            )
        )

    # === Rates from a date ===

    def _timesheet_determine_sale_line(self):
        """Of a contract line with several rates, the one of the entry's day."""
        line = super()._timesheet_determine_sale_line()
        return line._psa_rate_at(self.date) if line and self.date else line

    @api.onchange("date")
    def _onchange_billing_rate(self):
        if self.date and self.so_line and not self.is_so_line_edited:
            self.so_line = self.so_line._psa_rate_at(self.date)

    def _psa_follow_rates(self):
        """Put entries on the rate of their day, but for those whose contract line a
        person chose, and those that are billed."""
        found: dict = {}
        # sudo: whoever logs time need not see the order.
        entries = self.sudo().filtered(
            lambda entry: entry.so_line and not entry.is_so_line_edited
        )
        rates = entries.so_line._psa_rates_at(set(entries.mapped("date")))
        for entry in entries:
            rate = rates[entry.so_line, entry.date]
            if rate != entry.so_line:
                found[rate] = found.get(rate, entry.browse()) | entry
        for rate, entries in found.items():
            movable = entries._psa_may_change_contract_line()
            if movable:
                movable.write({"so_line": rate.id})

    def unlink(self):
        move_lines = self._psa_reinvoiced_move_lines()
        treated_lines = self._psa_treated()._psa_contract_lines()
        result = super().unlink()
        self.env["psa.reinvoiced.cost"].sudo()._follow_bills(move_lines)
        treated_lines._psa_refresh_excluded_quantity()
        return result

    # === Re-invoiced costs ===

    def _psa_reinvoiced_move_lines(self):
        """Lines of vendor bills and expenses that these items re-invoice."""
        # sudo: whoever posts a bill need not see the order.
        return (
            self.sudo()
            .filtered(
                lambda item: item.move_line_id and item.so_line and not item.project_id
            )
            .move_line_id
        )

    def _psa_follow_bills(self):
        # sudo: whoever posts a bill need not see the order.
        self.env["psa.reinvoiced.cost"].sudo()._follow_bills(
            self._psa_reinvoiced_move_lines()
        )
