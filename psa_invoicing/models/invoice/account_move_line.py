# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Lines of invoices: who makes, edits or deletes one changes the ledger with it."""

from odoo import api, fields, models

from odoo.addons.sale_project_billing_share.models.account_move_line import (
    SHARE_FIELDS,
)

from ...core.billing import LEDGER

# Changing one of these by hand changes how much of the transactions is billed.
QUANTITY_FIELDS = {"quantity", "product_uom_id"}
# Changing one of these changes what each of them is worth.
PRICE_FIELDS = {"price_unit", "discount", "tax_ids"}


# What is on a confirmed invoice of the ledger stays.
POSTED_FIELDS = {
    *QUANTITY_FIELDS,
    *PRICE_FIELDS,
    "amount_currency",
    "balance",
    "credit",
    "currency_id",
    "debit",
    "display_type",
    "price_subtotal",
    "price_total",
    "product_id",
    "sale_line_ids",
}


class AccountMoveLine(models.Model):
    _name = "account.move.line"
    _inherit = ["account.move.line", "psa.guard", "psa.internal"]

    _psa_outputs = frozenset(SHARE_FIELDS)

    billing_credited_line_id = fields.Many2one(
        "account.move.line",
        string="Reversed Line",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The invoice line that this one credits, or replaces.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Whoever bills an order line, it is in the ledger."""
        for vals in vals_list:
            move = self.env["account.move"].browse(vals.get("move_id"))
            move._psa_check_own_parts(self, vals)
            if vals.get("display_type", "product") == "product":
                self._psa_check_confirmed(move)
        lines = super().create(vals_list)
        # sudo: a client may name the line that is credited, if it may read it.
        if credited := lines.sudo().billing_credited_line_id:
            credited.with_env(self.env).check_access("read")
        if self.env.context.get("psa_ledger") is not LEDGER and any(
            vals.get("sale_line_ids") for vals in vals_list
        ):
            lines._psa_record_billing()
        return lines

    def _copy_data_extend_business_fields(self, values):
        """A credit note knows which line it credits."""
        result = super()._copy_data_extend_business_fields(values)
        values["billing_credited_line_id"] = self.id
        values["billing_slice"] = self.billing_slice
        values["billing_written"] = self.billing_written
        return result

    def _psa_check_engine_fields(self, vals_list):
        if not self and not self.env.su:
            vals_list = [self._psa_without_copied(vals) for vals in vals_list]
        return super()._psa_check_engine_fields(vals_list)

    def _psa_without_copied(self, vals: dict) -> dict:
        """Values of a new line, but for what a copy takes along: a credit note knows
        what it credits."""
        # sudo: only to compare; who names an origin is asked whether they may read it.
        origin = self.sudo().browse(vals.get("billing_credited_line_id"))
        copied = {
            "billing_credited_line_id": origin.id,
            "billing_slice": origin.billing_slice,
            "billing_written": origin.billing_written,
            **{name: origin[name] for name in SHARE_FIELDS},
        }
        return {
            name: value
            for name, value in vals.items()
            if name not in copied or (value or False) != (copied[name] or False)
        }

    def _psa_check_change(self, vals):
        """Refuse to change what is confirmed, or another invoice through this one."""
        if self.env.su:
            return
        self.move_id._psa_check_own_parts(self, vals)
        if "move_id" in vals:
            target = self.env["account.move"].browse(vals["move_id"])
            moved = self.filtered(lambda line: line.move_id != target)
            if moved:
                (moved.move_id | target)._psa_refuse_from_elsewhere()
        if POSTED_FIELDS & set(vals):
            self._psa_check_confirmed(self.move_id)

    def _psa_check_confirmed(self, moves):
        """Refuse to change what confirmed invoices charge."""
        if not self.env.su:
            posted = moves.filtered(lambda move: move.state == "posted")
            posted._psa_of_projects()._psa_check_drafts()

    def _psa_record_billing(self):
        """Note in the ledger what these lines of drafts bill or credit."""
        if lines := self._psa_on_drafts():
            # sudo: who may invoice an order need not read timesheets.
            self.env["psa.billing"].sudo().record(lines.sudo())

    def _psa_on_drafts(self):
        """Lines of drafts for which the ledger answers."""
        return self.filtered(
            lambda line: (
                line.display_type == "product"
                and line.move_id.move_type in ("out_invoice", "out_refund")
                and line.move_id.state == "draft"
                and line.sale_line_ids
                and line._psa_contract_line()
            )
        )

    def _psa_billed_on_draft(self):
        """Lines whose quantity the ledger answers for and a person may still change."""
        is_engine = self.env.context.get("psa_ledger") is LEDGER
        return self.browse() if is_engine else self._psa_on_drafts()

    def write(self, vals):
        """A quantity typed by a person changes the ledger with it."""
        self._psa_check_change(vals)
        spared = self._psa_spare_partner(vals)
        result = super(AccountMoveLine, spared).write(vals)
        # Odoo writes invoice lines often: nothing is looked at for other fields.
        if QUANTITY_FIELDS & set(vals):
            lines = self._psa_billed_on_draft()
            reviewed = lines.filtered("move_id.is_project_invoice")
            for line in reviewed:
                # sudo: who may edit an invoice need not read the ledger.
                self.env["psa.billing"].sudo().fit_to_quantity(line.sudo())
            (lines - reviewed)._psa_record_billing()
        if (QUANTITY_FIELDS | PRICE_FIELDS) & set(vals):
            moves = self._psa_billed_on_draft().move_id
            moves._psa_spread_amounts()
            moves._psa_see_price_credits()
        return result

    def unlink(self):
        """Transactions of a line that a person deletes are open again.

        What was offered on it stays offered.
        """
        for line in self._psa_billed_on_draft():
            # sudo: who may edit an invoice need not read the ledger.
            details = line.sudo().detail_ids._chargeable()
            if line.move_id.is_project_invoice:
                line.move_id._psa_cap(dict.fromkeys(details._keys(), 0.0))
            details._drop()
        moves = self.filtered("sale_line_ids").move_id
        result = super().unlink()
        # Odoo takes all entries of the contract line off the invoice with it, also
        # those that stay on it as offered.
        # sudo: who may edit an invoice need not read the ledger.
        details = moves.exists().sudo().detail_ids
        details._refresh_sources(details._sources())
        return result
