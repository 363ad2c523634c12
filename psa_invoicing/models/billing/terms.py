# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.tools import format_date

from ...core.billing import Allowed, Transaction


class PsaBillingTerms(models.AbstractModel):
    """What add-ons may build on: contract terms, each in its place.

    Billing asks in this order. An add-on overrides what it needs and calls ``super()``;
    where none is installed, nothing is read for it.

    1. *billable quantity* of a transaction: ``psa.transaction.mixin._psa_billable_sql``
       and ``_compute_billable_quantity``
    2. *contract line and rate by date*: ``sale.order.line._psa_rates_at``
    3. *who pays*: :meth:`_payers`
    4. *covered by a pack*: :meth:`_cover`
    5. *limits*: :meth:`_allow`
    6. *lines and their rounding*: :meth:`_captions` and ``sale.order.line._psa_round``
    7. *lines added*: :meth:`_add_lines`
    8. *advances*: ``account.move._psa_apply_advances`` and ``_psa_fit_advances``
    9. *header*: :meth:`_complete_headers`

    The ledger is the only memory: how much room is left is a sum over its live rows,
    never a counter. What is left out is left out everywhere: in the backlog and the
    preview, by a run, by Odoo's own button.

    An error that one of them raises for the user ends the billing of these projects: an
    invoice run says it on their row, and goes on with the next.
    """

    _name = "psa.billing.terms"
    _description = "Contract Terms"

    @api.model
    def _payers(self, lines) -> dict:
        """Who pays for contract lines, where it is not the customer of the order.

        They get an invoice apart, with the payment terms and the fiscal position that
        Odoo has for them; the taxes of its lines are those of the contract lines.

        :param lines: ``sale.order.line``, also of several orders and companies
        :return: ``res.partner`` by id of the contract line
        """
        return {}

    @api.model
    def _projects_with_terms(self):
        """Projects of which :meth:`_cover` and :meth:`_allow` change something. Of the
        others nothing is asked, and nothing is slower."""
        return self.env["project.project"]

    @api.model
    def _cover(self, transactions: list[Transaction], move=None) -> list[Transaction]:
        """Transactions, those typed complimentary that are paid for already.

        They are on the invoice, and cost nothing. A transaction is covered as a whole.

        :param transactions: as for :meth:`_allow`
        :param move: likewise
        :return: the same ones, in the same order; see ``Transaction.typed``
        """
        return transactions

    @api.model
    def _allow(self, transactions: list[Transaction], move=None) -> Allowed:
        """How much of transactions may be billed, and why not the rest.

        What they cost, on lines as they are laid out and rounded, says
        ``Grouping.amounts``.

        :param transactions: of projects with terms, in the order in which they are
            billed; each with its contract line and its open quantity
        :param move: a draft that is looked at anew: what is on it is among the
            transactions, and takes no room
        :return: those that may be billed, whole or lowered, each once at most; and why
            not the others
        """
        return Allowed(transactions)

    @api.model
    def _captions(self, line, layout: str, items: list[Transaction]) -> list[str]:
        """What an invoice line says below the description of its contract line.

        Three milestones of one contract line would otherwise read the same on three
        invoices.

        :param line: the contract line, in the customer's language
        :param layout: of the invoice lines: one of the project's ``billing_layout``
        :param items: what the invoice line charges, at least one; where it charges all
            of a contract line (``order_line``), no more than the milestones
        :return: lines of text
        """
        if layout == "employee":
            return [items[0].who] if items[0].who else []
        if layout == "task":
            return [items[0].task] if items[0].task else []
        if layout == "entry":
            day = format_date(line.env, items[0].date)
            return [" · ".join(filter(None, [day, items[0].who, items[0].text]))]
        return [item.text for item in items]

    @api.model
    def _add_lines(self, moves):
        """Add to invoices what no transaction says: fees, say.

        It is asked again whenever transactions of a draft have changed: who adds a line
        marks it, and finds it again. The ledger knows nothing of such lines.

        :param moves: project invoices with their lines: drafts, or credit notes of what
            is due to the customer
        """

    @api.model
    def _complete_headers(self, headers: list[tuple]):
        """Change what invoices say of themselves: terms, dates, journal.

        Orders of which it differs in customer, currency, payment terms, fiscal position
        or journal get invoices apart.

        :param headers: ``(sale.order, values of account.move)``, an order once for each
            who pays; the values, as ``_prepare_invoice`` made them, are changed in
            place. An ``invoice_date`` takes the place of the company's rule.
        """
