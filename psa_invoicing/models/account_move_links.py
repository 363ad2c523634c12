# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From an invoice to what is behind it, and back."""

from odoo import api, fields, models


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    psa_detail_count = fields.Integer(
        string="Number of Transactions", compute="_compute_psa_detail_count"
    )
    billing_credit_note_ids = fields.Many2many(
        "account.move",
        string="Credit Notes",
        compute="_compute_billing_credit_note_ids",
        help="They take back transactions of this invoice.",
    )
    billing_credit_note_count = fields.Integer(
        compute="_compute_billing_credit_note_ids"
    )

    @api.depends("detail_ids")
    def _compute_psa_detail_count(self):
        counts = dict(
            self.env["psa.invoice.detail"]
            # sudo: the number is shown to whoever sees the invoice.
            .sudo()
            ._read_group([("move_id", "in", self.ids)], ["move_id"], ["__count"])
        )
        for move in self:
            move.psa_detail_count = counts.get(move._origin, 0)

    @api.depends("detail_ids")
    def _compute_billing_credit_note_ids(self):
        found: dict = {}
        # sudo: that there are some is shown to whoever sees the invoice.
        for invoice, credit_note in (
            self.env["psa.invoice.detail"]
            .sudo()
            ._read_group(
                [
                    ("origin_detail_id.move_id", "in", self.ids),
                    ("move_id.move_type", "=", "out_refund"),
                ],
                ["origin_detail_id", "move_id"],
            )
        ):
            found.setdefault(invoice.move_id.id, set()).add(credit_note.id)
        for move in self:
            ids = sorted(found.get(move._origin.id, ()))
            move.billing_credit_note_ids = self.browse(ids)
            move.billing_credit_note_count = len(ids)

    def action_psa_view_details(self):
        """The transactions of these documents, to work on many at once."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.psa_invoice_detail_action"
        )
        return {
            **action,
            "name": self.env._(
                "Transactions of %(invoice)s",
                invoice=", ".join(self.mapped("display_name")),
            ),
            "domain": [("move_id", "in", self.ids)],
        }

    def action_psa_view_projects(self):
        """The projects that are billed here."""
        return self._psa_open_records(
            self.billing_project_ids, self.env._("Projects"), "list,kanban,form"
        )

    def action_psa_view_credit_notes(self):
        """What takes transactions of this invoice back."""
        return self._psa_open_records(
            self.billing_credit_note_ids, self.env._("Credit Notes"), "list,form"
        )

    @api.model
    def _psa_action_on_backlog(self, domain: list) -> dict:
        """The backlog of a project, an order or a customer: at first what is ready.

        :raises AccessError: unless the user is a billing administrator
        """
        self._check_billing_manager()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.psa_backlog_action"
        )
        return {
            **action,
            "domain": domain,
            "context": {"search_default_ready": 1},
        }

    def _psa_open_records(self, records, name: str, view_mode: str) -> dict:
        action = {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": records._name,
            "context": {"create": False},
        }
        if len(records) == 1:
            return {**action, "res_id": records.id, "view_mode": "form"}
        return {
            **action,
            "domain": [("id", "in", records.ids)],
            "view_mode": view_mode,
        }
