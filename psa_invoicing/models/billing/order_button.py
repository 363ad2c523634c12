# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo's own button bills the amounts that a run would."""

from collections.abc import Iterator

from odoo import models

from ...core.allocation import is_zero
from .contract_lines import ContractLines
from .invoice_lines import InvoiceLines
from .recording import Recording
from .step import Step


class OrderButton(Step):
    """Prepares invoice lines for whoever invoices an order."""

    def values(self, line, **values) -> Iterator[dict]:
        """Values of the invoice lines of a contract line that is billed by amount, one
        for each milestone.

        :param line: in the customer's language
        :param values: that they have in common
        """
        total = ContractLines(self.env).running_totals([line.id])[line.id]
        prepared = InvoiceLines(self.env)
        if line.product_uom_id.compare(
            line.qty_to_invoice, line._billing_visible(line._billing_open()[line])
        ):
            # Somebody asks for more than is open: an order that is paid online is
            # invoiced as a whole.
            charge = total.next_charge([line._billing_unordered()])
            captions = prepared.captions(line, "order_line", [], charge)
            yield prepared.values(line, charge, captions, **values)
            return
        for item in Recording(self.env).open_on_contract_line(line):
            charge = total.next_charge([item.quantity])
            if not is_zero(charge.share):
                captions = prepared.captions(line, "order_line", [item], charge)
                values["billing_slice"] = item.slice_key("order_line", False)
                yield prepared.values(line, charge, captions, **values)


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    def _prepare_invoice_lines_vals_list(self, **optional_values):
        """Milestones are billed by amount; what nobody knows of, as Odoo does it."""
        if self.order_id._psa_prepared():
            return []
        if (
            # Our own service knows what it charges.
            "billing_slice" not in optional_values
            and self._psa_is_contract_line()
            and self._psa_is_billed_by_amount()
        ):
            # sudo: whoever invoices an order need not see its milestones.
            line = self.sudo()
            if found := list(OrderButton(line.env).values(line, **optional_values)):
                return found
        return super()._prepare_invoice_lines_vals_list(**optional_values)
