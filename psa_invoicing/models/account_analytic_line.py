# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.tools import SQL

# Changing one of these changes what a draft should say about the entry.
BILLED_FIELDS = {
    "date",
    "employee_id",
    "name",
    "project_id",
    "so_line",
    "task_id",
    "unit_amount",
}
# Changing one of these may lead to another contract line.
REROUTING_FIELDS = {"employee_id", "project_id", "task_id"}


class AccountAnalyticLine(models.Model):
    _name = "account.analytic.line"
    _inherit = ["account.analytic.line", "psa.transaction.mixin"]

    _detail_field = "analytic_line_id"

    @api.depends("unit_amount", "so_line", "project_id")
    def _compute_billable_quantity(self):
        for entry in self:
            product = entry.so_line.sudo().product_id
            is_billed_by_time = (
                entry.project_id and product and product._is_delivered_timesheet()
            )
            entry.billable_quantity = entry.unit_amount if is_billed_by_time else 0.0

    @api.model
    def _ledger_assignments(self) -> SQL:
        """Odoo's own screens show the invoice of an entry: the last live one.

        An invoice of Odoo's own, which the ledger knows nothing of, stays noted.
        """
        return SQL(
            """
            billed_quantity = ledger.quantity,
            timesheet_invoice_id = COALESCE(
                ledger.move_id,
                (SELECT own.id
                   FROM account_move AS own
                  WHERE own.id = source.timesheet_invoice_id
                    AND own.is_project_invoice IS NOT TRUE)
            )
            """
        )

    @api.model
    def _ledger_columns(self) -> list[str]:
        return [*super()._ledger_columns(), "timesheet_invoice_id"]

    def _on_project_drafts(self):
        """Entries that nothing locks but a draft under review."""
        return self.filtered(
            # sudo: whoever may correct an entry need not see its invoice.
            lambda entry: (
                entry.sudo().timesheet_invoice_id.is_project_invoice
                and entry.sudo().timesheet_invoice_id.state == "draft"
            )
        )

    def _is_not_billed(self):
        """Only where we ask for it (``psa_unlock_drafts``): Odoo re-routes the contract
        line of entries that are not billed, whenever a task or project changes."""
        return super()._is_not_billed() or bool(
            self.env.context.get("psa_unlock_drafts") and self._on_project_drafts()
        )

    def _is_readonly(self):
        self.ensure_one()
        unlocked = self.with_context(psa_unlock_drafts=True)
        return super(AccountAnalyticLine, unlocked)._is_readonly()

    def _check_can_write(self, values):
        """An entry may be corrected as long as its invoice is under review.

        Odoo refuses as soon as an entry is on any invoice; for those on our drafts it
        is asked about the other fields only.
        """
        drafts = self._on_project_drafts()
        if drafts:
            kept = {key: val for key, val in values.items() if key not in BILLED_FIELDS}
            super(AccountAnalyticLine, drafts)._check_can_write(kept)
        if rest := self - drafts:
            super(AccountAnalyticLine, rest)._check_can_write(values)
        return None

    def write(self, vals):
        """A correction follows its new task to another contract line, and is told to
        the draft."""
        changed = BILLED_FIELDS & set(vals)
        drafts = self._on_project_drafts() if changed else self.browse()
        result = super().write(vals)
        if changed & REROUTING_FIELDS:
            drafts.with_context(psa_unlock_drafts=True)._compute_so_line()
        drafts._flag_drafts()
        return result

    @api.ondelete(at_uninstall=False)
    def _flag_drafts_on_delete(self):
        self._on_project_drafts()._flag_drafts()
