# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What of a contract line stays as it is, once the ledger has something of it."""

from odoo import api, models
from odoo.exceptions import UserError

from ...core.kinds import ORDER_LINE

# Changing one of these may change the unit, in which the ledger counts.
UNIT_FIELDS = {"product_id", "product_uom_id"}


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    def _psa_units(self, vals: dict) -> dict:
        """Units of these lines, if a change may concern them."""
        if not UNIT_FIELDS & set(vals):
            return {}
        return {line: line.product_uom_id for line in self}

    def _psa_check_same_units(self, units: dict):
        """:param units: before a change
        :raises UserError: if the ledger has something in the unit before
        """
        changed = self.filtered(
            lambda line: line in units and units[line] != line.product_uom_id
        )
        if row := changed._psa_ledger_rows(limit=1):
            line = row.sale_line_id
            raise UserError(
                self.env._(
                    "“%(line)s” has been billed or written off in %(unit)s: its unit "
                    "stays. Add a contract line for what is billed in another one.",
                    line=line.display_name,
                    unit=units[line].name,
                )
            )

    def _psa_check_engine_fields(self, vals_list):
        result = super()._psa_check_engine_fields(vals_list)
        for vals in vals_list if not self.env.su else ():
            if commands := vals.get("invoice_lines"):
                self._psa_check_invoice_lines(commands)
        return result

    def _psa_check_invoice_lines(self, commands: list):
        """Refuse to take invoice lines of the ledger from the order, or to it: Odoo
        would bill them again.

        :param commands: of a client, which name invoice lines
        """
        named = {
            id_
            for command in commands
            for part in command[1:3]
            for id_ in (part if isinstance(part, list | tuple) else [part])
            if isinstance(id_, int)
        }
        if self._psa_ledger_rows(limit=1) or self.env[
            "psa.invoice.detail"
        ].sudo().search([("move_line_id", "in", list(named))], limit=1):
            raise UserError(
                self.env._(
                    "Which invoice lines bill a contract line is said on the invoice, "
                    "not on the order: else they would be billed again."
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billing_details(self):
        self._psa_check_deletable()

    def _psa_check_deletable(self):
        """Refuse to delete what was billed or written off, or what is to be billed and
        would be gone with the line."""
        # sudo: whoever may edit an order need not see its corrections.
        lines = (self | self.sudo().psa_correction_ids).with_env(self.env)
        lines._psa_check_not_billed()
        lines._psa_check_nothing_written_off()
        lines._psa_check_no_open_costs()

    def _psa_check_not_billed(self):
        """Refuse to delete what a draft or posted invoice was made from."""
        if detail := self._psa_rows_on("draft", "posted", limit=1):
            raise UserError(
                self.env._(
                    "%(line)s is billed with %(invoice)s and cannot be deleted.",
                    line=detail.sale_line_id.display_name,
                    invoice=detail.move_id.display_name,
                )
            )

    def _psa_check_nothing_written_off(self):
        """Refuse to delete a line on which transactions were written off: they would
        be neither open nor written off. What is written off of the line itself ends
        with it."""
        rows = self._psa_ledger_rows([("move_id", "=", False)])
        if found := rows.filtered(lambda row: row._key and row._key[0] != ORDER_LINE):
            row = found[0]
            raise UserError(
                self.env._(
                    "“%(transaction)s” was written off on %(line)s, which cannot be "
                    "deleted. Undo that in the backlog first.",
                    transaction=row.name or row.transaction_type,
                    line=row.sale_line_id.display_name,
                )
            )

    def _psa_check_no_open_costs(self):
        """Time and milestones stay open without a contract line; an expense, or a line
        of a vendor bill, ends with it."""
        # sudo: whoever may edit an order need not see its costs.
        cost = (
            self.env["psa.reinvoiced.cost"]
            .sudo()
            .search(
                [
                    "|",
                    ("sale_line_id", "in", self.ids),
                    ("correction_line_id", "in", self.ids),
                    ("open_quantity", "!=", 0),
                ],
                limit=1,
            )
        )
        if cost:
            raise UserError(
                self.env._(
                    "“%(cost)s” is still to be invoiced on %(line)s, which cannot be "
                    "deleted. Mark it as non-chargeable in the backlog first, or reset "
                    "its bill to draft.",
                    cost=cost.name or cost.source_move_id.display_name,
                    line=cost.sale_line_id.display_name,
                )
            )

    def _psa_ledger_rows(self, domain=(), limit=None):
        # sudo: whoever may edit an order need not see the ledger.
        Detail = self.env["psa.invoice.detail"].sudo()
        return Detail.search([("sale_line_id", "in", self.ids), *domain], limit=limit)
