# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..shared import actions, rights


class ResPartner(models.Model):
    """What a customer wants of the invoices for its projects.

    The company decides for its contacts.
    """

    _name = "res.partner"
    _inherit = ["res.partner", "psa.internal"]

    billing_frequency_id = fields.Many2one(
        "psa.billing.frequency", help="Of projects that this customer's orders create."
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

    billing_ready_amount = fields.Monetary(
        string="Ready to Invoice",
        compute="_compute_billing_ready_amount",
        groups=rights.BILLING_MANAGER,
        help="Work for this customer that the backlog shows as ready, untaxed, in the "
        "company's currency.",
    )
    billing_invoice_count = fields.Integer(
        string="Project Invoices",
        compute="_compute_billing_invoice_count",
        groups=rights.ACCOUNTANTS,
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_billing_ready_amount(self):
        customers = self.commercial_partner_id
        groups = self.env["psa.backlog"]._read_group(
            [
                ("partner_id", "child_of", customers.ids),
                ("status", "=", "ready"),
                ("company_id", "=", self.env.company.id),
            ],
            ["partner_id"],
            ["company_amount:sum"],
        )
        amounts: dict = {}
        for partner, amount in groups:
            customer = partner.commercial_partner_id
            amounts[customer] = amounts.get(customer, 0.0) + amount
        for partner in self:
            partner.billing_ready_amount = amounts.get(
                partner.commercial_partner_id._origin, 0.0
            )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_billing_invoice_count(self):
        counts = dict(
            self.env["account.move"]._read_group(
                self._psa_invoices_domain(), ["commercial_partner_id"], ["__count"]
            )
        )
        for partner in self:
            customer = partner.commercial_partner_id._origin
            partner.billing_invoice_count = counts.get(customer, 0)

    def _psa_invoices_domain(self) -> list:
        customers = self.commercial_partner_id
        return [
            ("commercial_partner_id", "in", customers.ids),
            ("is_project_invoice", "=", True),
        ]

    def action_psa_view_invoices(self):
        """The project invoices and credit notes of these customers."""
        self.check_access("read")
        return actions.list_invoices(self.env, self._psa_invoices_domain())

    def action_psa_view_backlog(self):
        """What is open for these customers.

        :raises AccessError: unless the user is a billing administrator
        """
        self.check_access("read")
        return actions.open_backlog(
            self.env, [("partner_id", "child_of", self.commercial_partner_id.ids)]
        )

    def action_manual_invoice(self):
        """Open the wizard that invoices all projects of these customers by hand.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if they have no billable project
        """
        rights.check_may_bill(self.env)
        self.check_access("read")
        projects = self.env["project.project"].search(
            [
                ("partner_id", "child_of", self.commercial_partner_id.ids),
                ("allow_billable", "=", True),
                ("is_template", "=", False),
            ]
        )
        return actions.invoice_by_hand(projects)

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
