# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What other add-ons leave out of an invoice of Odoo's button, as far as they say so in
its hooks: their orders are disputed, or invoiced in another system."""

from collections.abc import Mapping

from ...core import obstacles
from ...tools import hooks
from .contract_lines import Limit
from .step import Step


class Neighbours(Step):
    """Asks Odoo's hooks, where another add-on has changed them."""

    def limits(
        self, quantities: Mapping[int, float], on_draft: Mapping[int, float]
    ) -> dict[int, Limit]:
        """Contract lines of which less is to be invoiced than a request finds open.

        :param quantities: chargeable, by contract line, in its unit
        :param on_draft: of them on a draft that is looked at anew: that is for a person
            to take off
        """
        lines = self.env["sale.order.line"].browse(
            line_id for line_id, quantity in quantities.items() if quantity > 0
        )
        found = {}
        if hooks.is_changed(lines, "_compute_qty_to_invoice"):
            for line in lines:
                left = line.qty_to_invoice + on_draft.get(line.id, 0.0)
                if line.product_uom_id.compare(quantities[line.id], left) > 0:
                    found[line.id] = Limit(max(left, 0.0), obstacles.BEYOND)
        if hooks.is_changed(self.env["sale.order"], "_get_invoiceable_lines"):
            for line in lines & self._kept_back(lines.order_id):
                found[line.id] = Limit(
                    on_draft.get(line.id, 0.0),
                    obstacles.TERMS,
                    self.env._("Another add-on keeps its order from being invoiced"),
                )
        return found

    def _kept_back(self, orders):
        """Order lines that Odoo would invoice, and another add-on does not."""
        kept = orders.order_line.browse()
        for order in orders:
            usual = hooks.of_odoo(order, "_get_invoiceable_lines")(final=True)
            kept += usual - order._get_invoiceable_lines(final=True)
        return kept
