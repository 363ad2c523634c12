# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a project invoice tells the customer of itself: on paper, in a mail and in the
portal."""

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _psa_project_names(self) -> str:
        """Whose work it is; '' on another invoice."""
        self.ensure_one()
        # sudo: it says so, whoever may read the project.
        move = self.sudo()
        if not move.is_project_invoice:
            return ""
        return ", ".join(move.billing_project_ids.mapped("name"))

    def _psa_customer_reference(self) -> str:
        """The customer's own reference; '' on another invoice. Where the customer gave
        none, Odoo puts the order's own number there."""
        self.ensure_one()
        # sudo: customers may read it, and none of our fields.
        move = self.sudo()
        if not move.is_project_invoice:
            return ""
        own = {"", *(move.invoice_origin or "").split(", ")}
        parts = (move.ref or "").strip().split(", ")
        return ", ".join(part for part in parts if part not in own)

    # === The mail ===

    def _get_mail_template(self):
        """Project invoices have one of their own."""
        # sudo: whoever sends invoices need not see whose work they bill.
        others = self.sudo().filtered(lambda move: not move.is_project_invoice)
        own = "psa_invoicing.mail_template_invoice"
        if self and not others and (template := self.env.ref(own, False)):
            return template
        return super()._get_mail_template()

    def _psa_in_mail(self) -> dict[str, str]:
        """What only a confirmed invoice has; of a draft, what stands for it in the mail
        until it is sent.

        :return: number and payment reference
        """
        self.ensure_one()
        number = self.name if self.name and self.name != "/" else ""
        is_draft = self.state == "draft"
        return {
            "number": number or self.env._("[number]"),
            "payment_reference": self.payment_reference
            or (self.env._("[payment reference]") if is_draft else ""),
        }
