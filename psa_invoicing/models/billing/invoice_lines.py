# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of an invoice: those of its orders, with the quantities of the ledger."""

from odoo.fields import Command

from ...core.billing import Bundle, Transaction, project_prefix
from ...core.kinds import MILESTONE
from .step import Step, in_customer_language


class InvoiceLines(Step):
    """Values of invoice lines, as Odoo and other add-ons prepare them."""

    def of_bundle(self, bundle: Bundle) -> list[Command]:
        """Lines of the orders that are billed, under the section they stand in; on an
        invoice of several projects, each has a section of its own with a subtotal."""
        if len(bundle.project_ids) == 1:
            return [
                Command.create({**values, "sequence": index})
                for index, values in enumerate(self._project_lines(bundle, ""))
            ]
        found = []
        projects = self.projects_by_id(bundle.project_ids)
        for project_id in bundle.project_ids:
            if lines := self._project_lines(bundle, project_prefix(project_id)):
                found += [self._project_section(projects[project_id]), *lines]
        return [
            Command.create({**values, "sequence": index})
            for index, values in enumerate(found)
        ]

    def _project_section(self, project) -> dict:
        # sudo: whoever bills a customer need not see all of its projects.
        return {"display_type": "line_section", "name": project.sudo().name}

    def _project_lines(self, bundle: Bundle, prefix: str) -> list[dict]:
        """Values of the invoice lines whose slice begins with a prefix.

        Sections of the order stand below that of the project.
        """
        found = []
        charged = {
            line_id for line_id, key in bundle.quantities if key.startswith(prefix)
        }
        lines = self.env["sale.order.line"].browse(charged)
        for order in lines.order_id:
            order = in_customer_language(order)
            for line in self._with_sections(order, charged):
                if line.display_type:
                    values = line._prepare_invoice_line()
                    if prefix and line.display_type == "line_section":
                        values["display_type"] = "line_subsection"
                    found.append(values)
                    continue
                for (line_id, key), items in bundle.slices.items():
                    if (
                        line_id != line.id
                        or not key.startswith(prefix)
                        or (line_id, key) not in bundle.quantities
                    ):
                        continue
                    sign = -1.0 if bundle.is_credit else 1.0
                    values = self.values(
                        line,
                        sign * bundle.quantities[line_id, key],
                        self.captions(line, bundle.layout, items),
                        billing_slice=key,
                    )
                    found.append(values)
        return found

    def captions(self, line, layout: str, items: list[Transaction]) -> list[str]:
        """What an invoice line says of what it charges.

        :param line: the contract line, in the customer's language
        """
        if layout == "order_line":
            items = [item for item in items if item.kind == MILESTONE]
        terms = self.env["psa.billing.terms"]
        return terms._captions(line, layout, items) if items else []

    def _with_sections(self, order, line_ids: set[int]):
        """Billed lines in the order's sequence, with their sections and notes."""
        billed = order.order_line.filtered(lambda line: line.id in line_ids)
        shown = billed | billed.parent_id | billed.parent_id.parent_id
        found = above = order.order_line.browse()
        for line in order.order_line:
            if line.display_type != "line_note":
                above = line
            # A note belongs to the line above it.
            if above and above in shown:
                found += line
        return found

    def values(self, line, quantity: float, captions: list[str], **values):
        """Values of an invoice line: the order line's, with the ledger's quantity."""
        values = line._prepare_invoice_line(quantity=quantity, **values)
        values["name"] = "\n".join([values["name"], *captions])
        return values
