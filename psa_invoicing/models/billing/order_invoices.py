# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoices by way of ``_create_invoices``, where another add-on has changed it: it
refuses some orders there, or adds to the invoices that were made."""

from collections.abc import Callable

from odoo import models
from odoo.exceptions import UserError

from ...core.billing import LEDGER
from ...tools import hooks


class Prepared:
    """What Odoo is to make in place of what it would. No client can say that.

    :param values_list: of the invoices
    :param lines: contract lines that they bill
    :param record: notes invoices in the ledger, before others change them
    """

    def __init__(self, values_list: list[dict], lines, record: Callable):
        self.values_list = values_list
        self.lines = lines
        self.record = record
        self.moves = None


class SaleOrder(models.Model):
    _inherit = "sale.order"  # pylint: disable=consider-merging-classes-inherited

    def _psa_create_invoices(self, prepared: Prepared):
        """Make prepared invoices with all that other add-ons do on the way.

        :raises UserError: if one of them does not let Odoo make invoices
        """
        self.with_context(psa_prepared=prepared)._create_invoices(final=True)
        if prepared.moves is None:
            raise UserError(
                self.env._(
                    "An add-on makes the invoices of orders in a way of its own, and "
                    "would bill something else than the project's work: %(addons)s. "
                    "Invoice %(orders)s with Odoo's own button, or uninstall it.",
                    addons=", ".join(hooks.changed_by(self, "_create_invoices")),
                    orders=", ".join(self.mapped("name")),
                )
            )
        return prepared.moves.exists()

    def _psa_prepared(self) -> Prepared | None:
        prepared = self.env.context.get("psa_prepared")
        return prepared if isinstance(prepared, Prepared) else None

    def _get_invoiceable_lines(self, final=False):
        if prepared := self._psa_prepared():
            return prepared.lines & self.order_line
        return super()._get_invoiceable_lines(final=final)

    def _create_account_invoices(self, invoice_vals_list, final):
        if not (prepared := self._psa_prepared()):
            return super()._create_account_invoices(invoice_vals_list, final)
        orders = self.with_context(psa_ledger=LEDGER, tracking_disable=True)
        moves = super(SaleOrder, orders)._create_account_invoices(
            prepared.values_list, final
        )
        # What follows is a person's work again.
        prepared.moves = moves.with_env(self.env).with_context(psa_prepared=None)
        prepared.record(prepared.moves)
        return prepared.moves
