# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    detail_ids = fields.One2many(
        "psa.invoice.detail",
        "move_line_id",
        string="Billed Transactions",
        copy=False,
    )

    def _billed_on_draft(self):
        """Lines whose quantity the ledger answers for and a person may still change."""
        if self.env.context.get("psa_ledger"):
            return self.browse()
        return self.filtered(
            lambda line: (
                line.move_id.is_project_invoice
                and line.move_id.state == "draft"
                # sudo: who may edit an invoice need not read the ledger.
                and line.sudo().detail_ids
            )
        )

    def write(self, vals):
        """A quantity typed by a person changes the ledger with it."""
        result = super().write(vals)
        if "quantity" in vals or "product_uom_id" in vals:
            for line in self._billed_on_draft():
                # sudo: as above; the invoice itself was just written as the user.
                self.env["psa.billing"].sudo()._fit_to_quantity(line.sudo())
        return result

    def unlink(self):
        """Transactions of a line that a person deletes are open again."""
        for move, lines in self._billed_on_draft().grouped("move_id").items():
            details = lines.sudo().detail_ids
            move._leave_out({detail._key for detail in details} - {None})
            details._drop()
        return super().unlink()

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
