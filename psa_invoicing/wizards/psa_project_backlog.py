# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core.kinds import MODELS
from ..models.shared import rights, texts
from ..models.shared.external_arguments import as_text


class PsaProjectBacklog(models.TransientModel):
    """What becomes of open transactions when their project is archived."""

    _name = "psa.project.backlog"
    _inherit = "psa.pointing"
    _description = "Open Transactions of Archived Projects"

    project_ids = fields.Many2many(
        "project.project", required=True, readonly=True, context={"active_test": False}
    )
    transaction_count = fields.Integer(
        string="Open Transactions", compute="_compute_backlog"
    )
    held_count = fields.Integer(string="Of Them on Hold", compute="_compute_backlog")
    amounts = fields.Char(
        string="Amount, Untaxed",
        compute="_compute_backlog",
        help="At the prices of the contract lines, by currency.",
    )
    may_bill = fields.Boolean(compute="_compute_may_bill")
    decision = fields.Selection(
        [
            ("keep", "Keep: they stay in the lists of transactions"),
            ("bill", "Bill Now"),
            ("write_off", "Write Off: they are never billed"),
        ],
        required=True,
        default="keep",
    )
    reason = fields.Char(help="For whoever asks later.")

    @api.depends_context("uid")
    def _compute_may_bill(self):
        self.may_bill = rights.is_billing_manager(self.env)

    @api.depends("project_ids")
    def _compute_backlog(self):
        for wizard in self:
            wizard.project_ids.check_access("read")
            items = wizard.project_ids._psa_open_transactions()
            wizard.transaction_count = len(items)
            wizard.held_count = wizard._held_count(items)
            # Prices are for those who bill.
            wizard.amounts = wizard.may_bill and wizard._amounts(items)

    def _held_count(self, items) -> int:
        # sudo: only their number is shown.
        env, held = self.sudo().env, [("billing_hold", "=", True)]
        return sum(
            env[model].search_count([("id", "in", ids), *held])
            for model, ids in self._ids_by_model(items).items()
        )

    def _ids_by_model(self, items) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for item in items:
            found.setdefault(MODELS[item.source], []).append(item.source_id)
        return found

    def _amounts(self, items) -> str:
        """What the customers would pay before taxes, by currency."""
        # sudo: an administrator need not see the orders.
        lines = self.env["sale.order.line"].sudo()
        Line = self.env["psa.manual.invoice.line"]
        sums: dict = {}
        for item in items:
            line = lines.browse(item.sale_line_id)
            amount = Line._amount(line, item.quantity, item.is_chargeable)
            sums[line.currency_id] = sums.get(line.currency_id, 0.0) + amount
        return " + ".join(texts.amounts(self.env, sums))

    def action_apply(self):
        """Do what was chosen.

        :raises AccessError: unless the user is a billing administrator, but for keeping
        :raises UserError: if there is no reason to write off
        :return: the dialog that bills, or nothing more to do
        """
        self.ensure_one()
        close = {"type": "ir.actions.act_window_close"}
        if self.decision == "keep":
            return close
        rights.check_may_bill(self.env)
        self.project_ids.check_access("read")
        items = self.project_ids._psa_open_transactions()
        if self.decision == "bill":
            return self._bill(items)
        if not as_text(self.reason):
            raise UserError(self.env._("Say why it is written off."))
        for model, ids in self._ids_by_model(items).items():
            self.env[model].browse(ids).action_psa_write_off(self.reason)
        return close

    def _bill(self, items) -> dict:
        """The dialog that bills by hand, up to the last open transaction."""
        action = self.project_ids.action_manual_invoice()
        days = [self.project_ids._billing_today(), *(item.date for item in items)]
        action["context"]["default_cutoff_date"] = max(days)
        return action
