# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

from ..core.billing import LEDGER

# Changing one of these by hand changes how much of the transactions is billed.
QUANTITY_FIELDS = {"quantity", "product_uom_id"}
# Changing one of these changes what each of them is worth.
PRICE_FIELDS = {"price_unit", "discount", "tax_ids"}
BILLED_METHODS = ("timesheet", "milestones")


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    detail_ids = fields.One2many(
        "psa.invoice.detail",
        "move_line_id",
        string="Billed Transactions",
        copy=False,
    )

    def _contract_line(self):
        """The order line whose transactions the ledger bills here, if there is one."""
        # sudo: who may edit an invoice need not see the order.
        return self.sudo().sale_line_ids.filtered(
            lambda line: (
                line.qty_delivered_method in BILLED_METHODS
                and line.product_id.invoice_policy == "delivery"
            )
        )[:1]

    def _billed_on_draft(self):
        """Lines whose quantity the ledger answers for and a person may still change."""
        if self.env.context.get("psa_ledger") is LEDGER:
            return self.browse()
        return self.filtered(
            lambda line: (
                line.move_id.is_project_invoice
                and line.move_id.state == "draft"
                and line.move_id.move_type == "out_invoice"
                and line.display_type == "product"
                and line._contract_line()
            )
        )

    def write(self, vals):
        """A quantity typed by a person changes the ledger with it."""
        result = super().write(vals)
        # Odoo writes invoice lines often: nothing is looked at for other fields.
        if QUANTITY_FIELDS & set(vals):
            for line in self._billed_on_draft():
                # sudo: who may edit an invoice need not read the ledger.
                self.env["psa.billing"].sudo()._fit_to_quantity(line.sudo())
        if PRICE_FIELDS & set(vals):
            self._billed_on_draft().move_id._spread_amounts()
        return result

    def unlink(self):
        """Transactions of a line that a person deletes are open again.

        What was offered on it stays offered.
        """
        for line in self._billed_on_draft():
            # sudo: who may edit an invoice need not read the ledger.
            details = line.sudo().detail_ids._chargeable()
            line.move_id._cap({detail._key: 0.0 for detail in details if detail._key})
            details._drop()
        return super().unlink()

    def _follow(self, contract_line, quantity: float, milestones: list[str]):
        """Take over what the ledger says.

        :param quantity: in the contract line's unit; a person may have chosen another
            one for the invoice
        """
        quantity = contract_line.product_uom_id._compute_quantity(
            quantity, self.product_uom_id
        )
        values = {}
        if self.product_uom_id.compare(self.quantity, quantity):
            values["quantity"] = quantity
        if name := self._renamed_for_milestones(contract_line, milestones):
            values["name"] = name
        if values:
            self.write(values)

    def _renamed_for_milestones(self, contract_line, milestones: list[str]) -> str:
        """The description with these milestones instead of those it names now.

        :return: '' if it stays as it is, or if a person wrote it
        """
        base = contract_line._prepare_invoice_line()["name"]
        known = self.env["project.milestone"].search(
            [("sale_line_id", "=", contract_line.id)]
        )
        ours = {"", *known.mapped("name")}
        rest = self.name.removeprefix(base) if self.name.startswith(base) else None
        if rest is None or set(rest.split("\n")) - ours:
            return ""
        name = "\n".join([base, *milestones])
        return name if name != self.name else ""
