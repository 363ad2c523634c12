# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class ResPartner(models.Model):
    """What a customer wants of the invoices for its projects.

    The company decides for its contacts.
    """

    _inherit = "res.partner"

    billing_frequency_id = fields.Many2one(
        "psa.billing.frequency",
        help="Of projects that this customer's orders create.",
    )
    billing_po_required = fields.Boolean(
        string="PO Required",
        help="Project invoices are sent only with the customer's own reference.",
    )
    billing_annex = fields.Boolean(
        string="Annex",
        default=True,
        help="The PDF of a project invoice lists the transactions behind it.",
    )
    billing_annex_names = fields.Boolean(
        string="Names in the Annex", default=True, help="Who did the work."
    )
    billing_annex_texts = fields.Boolean(
        string="Texts in the Annex", default=True, help="Task and description."
    )
    billing_annex_amounts = fields.Boolean(
        string="Amounts in the Annex", default=True, help="What each costs, untaxed."
    )
    billing_annex_receipts = fields.Boolean(
        string="Receipts With the Invoice",
        help="Images and PDFs of the expenses and vendor bills that a project invoice "
        "bills go with it by e-mail, and are in the portal. A vendor bill goes as it "
        "is, with its prices, unless other customers pay for a part of it.",
    )

    def action_manual_invoice(self):
        """Open the wizard that invoices all projects of these customers by hand.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if they have no billable project
        """
        self.env["account.move"]._check_billing_manager()
        self.check_access("read")
        projects = self.env["project.project"].search(
            [
                ("partner_id", "child_of", self.commercial_partner_id.ids),
                ("allow_billable", "=", True),
                ("is_template", "=", False),
            ]
        )
        return self.env["psa.manual.invoice"]._action_on(projects)

    def _commercial_fields(self):
        return [
            *super()._commercial_fields(),
            "billing_frequency_id",
            "billing_po_required",
            "billing_annex",
            "billing_annex_names",
            "billing_annex_texts",
            "billing_annex_amounts",
            "billing_annex_receipts",
        ]
