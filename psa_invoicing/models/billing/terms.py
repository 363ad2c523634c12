# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models

from ...core.billing import Allowed, Transaction


class PsaBillingTerms(models.AbstractModel):
    """What add-ons may build on: contract terms, each in its place.

    Billing asks in this order. What is not a method here is one of Odoo, or of the
    transactions; an add-on overrides it there, and calls ``super()``:

    1. *billable quantity* of a transaction:
       ``psa.transaction.mixin._compute_billable_quantity`` and ``_psa_billable_sql``
    2. *contract line and rate by date*: Odoo's ``so_line`` of an entry, and
       ``sale.order.line._psa_rate_at``
    3. *who pays*: ``sale.order._prepare_invoice``; whoever pays apart gets an invoice
       apart (``Grouping``)
    4. *covered by a pack*, and 5. *limits*: :meth:`_allow`
    6. *lines and their rounding*, and 7. *lines added*:
       ``sale.order.line._prepare_invoice_line``, ``account.move.create``
    8. *advances*: ``account.move._psa_deduct_downpayments``
    9. *header*: ``sale.order._prepare_invoice``

    The ledger is the only memory: how much room is left is a sum over its live rows,
    never a counter. What is left out is left out everywhere: in the backlog and the
    preview, by a run, by Odoo's own button.
    """

    _name = "psa.billing.terms"
    _description = "Contract Terms"

    @api.model
    def _projects_with_terms(self):
        """Projects of which :meth:`_allow` may leave something out. Of the others
        nothing is asked, and nothing is slower."""
        return self.env["project.project"]

    @api.model
    def _allow(self, transactions: list[Transaction], move=None) -> Allowed:
        """How much of transactions may be billed, and why not the rest.

        :param transactions: of projects with terms, in the order in which they are
            billed; each with its contract line and its open quantity
        :param move: a draft that is looked at anew: what is on it is among the
            transactions, and takes no room
        :return: those that may be billed, whole or lowered, each once at most; and why
            not the others
        """
        return Allowed(transactions)
