# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models

from ...core.billing import Request, Transaction
from .adding import Adding
from .details import Details
from .grouping import Grouping
from .kept_decisions import KeptDecisions
from .left_out import LeftOut
from .recalculation import Quantities
from .recording import Recording
from .selection import Selection
from .takeover import Takeover
from .writing import Writing


class PsaBilling(models.AbstractModel):
    """The door of the one service that makes project invoices.

    A run, the manual invoice with its preview, a dry run and Recalculate ask for the
    same steps, each a class of its own in this folder::

        Selection     what is open, of all that was asked for
        Grouping      which of it shares an invoice, and what it comes to
        Writing       invoices, and their rows in the ledger (``Details``)

    Recalculate (``Recalculation``) asks for the first, and takes away what is on the
    draft. Nothing is committed here, and no rights are checked: the caller does that.
    What other add-ons may change of it is in ``psa.billing.terms``.
    """

    _name = "psa.billing"
    _description = "Billing Service"

    @api.model
    @api.private
    def select(self, request: Request) -> list[Transaction]:
        """What a request would bill, in the order of contract line and date."""
        return Selection(self.env).select(request)

    @api.model
    @api.private
    def bill(
        self, request: Request, transactions: list[Transaction] | None = None, into=None
    ):
        """Make draft invoices.

        :param transactions: what a person has chosen of what the request selects
            (default: all of it); what is due to the customer then becomes a credit note
        :param into: a draft; what belongs on it is added to it
        :return: the drafts that were made or added to, none if there is nothing to bill
        """
        grouping, is_chosen = Grouping(self.env), transactions is not None
        bundles = grouping.merge(transactions if is_chosen else self.select(request))
        added = [bundle for bundle in bundles if into and grouping.takes(into, bundle)]
        outcome = grouping.settle(bundles, added, with_credits=is_chosen)
        for bundle in outcome.added:
            Adding(self.env).add(into, bundle)
        moves = Writing(self.env).make(outcome.new, request)
        return moves | into if added else moves

    @api.model
    @api.private
    def left_out(self, request: Request) -> dict:
        """What a request asks for and made no invoice.

        :return: by project, how many transactions of each obstacle
        """
        return LeftOut(self.env).count(request)

    @api.model
    @api.private
    def beyond(self, request: Request) -> dict:
        """The same, of what contract lines and contract terms leave out alone: also of
        what was billed in part."""
        return LeftOut(self.env).beyond(request)

    @api.model
    @api.private
    def credit_due(self, request: Request) -> dict:
        """What is due to customers, and waits until there is more to charge.

        :return: untaxed amount, positive, by project and currency
        """
        return LeftOut(self.env).credit_due(request)

    @api.model
    @api.private
    def record(self, move_lines):
        """Note in the ledger what invoices and credit notes bill that others make.

        :param move_lines: of drafts, with a contract line
        """
        Recording(self.env).record(move_lines)

    @api.model
    @api.private
    def fit_to_quantity(self, move_line):
        """Make the ledger agree with a quantity that a person typed on a draft."""
        Quantities(self.env).fit_to_quantity(move_line)

    @api.model
    @api.private
    def write_off(
        self, records, reason: str, quantities: dict[int, float], origins=None
    ):
        """Never bill what is open on transactions; see ``Details.write_off``."""
        return Details(self.env).write_off(records, reason, quantities, origins)

    @api.model
    @api.private
    def take_over_history(self, contract_lines=None):
        """Take invoices and credit notes that exist into the ledger; those that are in
        it already are left alone.

        :param contract_lines: of these order lines (default: of all)
        """
        Takeover(self.env).take_over(contract_lines)
        if contract_lines is None:
            # sudo: decisions of all companies are found again.
            KeptDecisions(self.sudo().env).restore()

    @api.model
    @api.private
    def keep_decisions(self):
        """Write down what people have decided, where an uninstallation leaves it."""
        KeptDecisions(self.env).keep()
