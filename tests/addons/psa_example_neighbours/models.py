# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What add-ons of others do that know nothing of this one: in Odoo's hooks, and with
invoices that are approved or merged."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class SaleOrder(models.Model):
    _inherit = "sale.order"

    is_disputed = fields.Boolean()
    is_frozen = fields.Boolean()
    is_headed = fields.Boolean()
    is_split = fields.Boolean()
    has_own_way = fields.Boolean()
    paid_by = fields.Char()

    def _get_invoiceable_lines(self, final=False):
        lines = super()._get_invoiceable_lines(final=final)
        return lines.browse() if self.is_disputed else lines

    def _prepare_invoice(self):
        return {**super()._prepare_invoice(), "paid_by": self.paid_by}

    def _get_invoice_grouping_keys(self):
        return [*super()._get_invoice_grouping_keys(), "paid_by"]

    def _create_account_invoices(self, invoice_vals_list, final):
        moves = super()._create_account_invoices(invoice_vals_list, final)
        moves.made_of = ", ".join(self.mapped("name"))
        return moves

    def _create_invoices(self, grouped=False, final=False, date=None):
        if frozen := self.filtered("is_frozen"):
            raise UserError(f"{frozen.name} is not to be invoiced.")
        if self.filtered("has_own_way"):
            return self._create_invoices_their_own_way()
        moves = super()._create_invoices(grouped=grouped, final=final, date=date)
        for move in moves:
            self._add_headings(move)
            self._split_lines(move)
        return moves

    def _create_invoices_their_own_way(self):
        """Half of what was ordered, whatever was done."""
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.partner_id.id,
                "invoice_line_ids": [
                    Command.create(line._prepare_invoice_line(quantity=5))
                    for line in self.order_line
                ],
            }
        )

    def _add_headings(self, move):
        """Each order below its name."""
        sequence = 0
        for order, lines in move.invoice_line_ids.grouped(
            lambda line: line.sale_line_ids.order_id
        ).items():
            if not order.is_headed:
                continue
            heading = {"display_type": "line_section", "sequence": sequence}
            move.invoice_line_ids = [Command.create({"name": order.name, **heading})]
            for line in lines:
                sequence += 10
                line.sequence = sequence
            sequence += 10

    def _split_lines(self, move):
        """In two halves."""
        for line in move.invoice_line_ids.filtered("sale_line_ids.order_id.is_split"):
            line.quantity /= 2
            move.invoice_line_ids = [
                Command.create(
                    line.sale_line_ids._prepare_invoice_line(quantity=line.quantity)
                )
            ]


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    quantity_of_other_system = fields.Float()
    remark = fields.Char()

    @api.depends("quantity_of_other_system")
    def _compute_qty_to_invoice(self):
        """As if nobody else had a say in it."""
        result = super()._compute_qty_to_invoice()
        for line in self.filtered("quantity_of_other_system"):
            line.qty_to_invoice = (
                line.qty_delivered - line.qty_invoiced - line.quantity_of_other_system
            )
        return result

    def _prepare_invoice_lines_vals_list(self, **optional_values):
        found = super()._prepare_invoice_lines_vals_list(**optional_values)
        if self.remark:
            found.append({"display_type": "line_note", "name": self.remark})
        return found


class TierLike(models.AbstractModel):
    """Keeps what is being approved as it is."""

    _name = "example.approved"
    _description = "Approved Document"

    is_being_approved = fields.Boolean()

    def _get_under_validation_exceptions(self):
        return ["is_being_approved"]

    def write(self, vals):
        allowed = self._get_under_validation_exceptions()
        if self.env.context.get("is_approving"):
            return super().write(vals)
        if any(self.mapped("is_being_approved")) and set(vals) - {*allowed}:
            raise UserError("It is being approved.")
        return super().write(vals)


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "example.approved"]

    made_of = fields.Char()
    paid_by = fields.Char()

    def merge(self):
        """One draft with the lines of all, in the place of them."""
        merged = self.with_context(is_merge=True).create(
            {
                "move_type": "out_invoice",
                "partner_id": self.partner_id.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": same.product_id.id,
                            "product_uom_id": same.product_uom_id.id,
                            "quantity": sum(same.mapped("quantity")),
                            "price_unit": same[0].price_unit,
                            "tax_ids": [Command.set(same.tax_ids.ids)],
                            "sale_line_ids": [Command.set(same.sale_line_ids.ids)],
                        }
                    )
                    for same in self.invoice_line_ids.grouped("sale_line_ids").values()
                ],
            }
        )
        self.with_context(is_merge=True).button_cancel()
        for line in self.invoice_line_ids.sale_line_ids:
            line.invoice_lines = line.invoice_lines - self.invoice_line_ids
        return merged.with_env(self.env)
