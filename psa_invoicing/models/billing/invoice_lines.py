# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of an invoice: those of its orders, with the quantities of the ledger."""

from collections.abc import Sequence
from typing import NamedTuple

from odoo import models
from odoo.fields import Command

from ...core.billing import Bundle, Transaction, project_prefix
from ...core.kinds import MILESTONE
from .step import Step, in_customer_language


class Place(NamedTuple):
    """What stands somewhere on an invoice.

    :ivar line: of the order, in the customer's language; none: the heading of a project
    :ivar key: of its slice; of a heading or a note, what slices below it begin with
    """

    line: models.BaseModel
    key: str

    @property
    def id(self) -> tuple[int, str]:
        return self.line.id or 0, self.key

    @property
    def is_charged(self) -> bool:
        return bool(self.line and not self.line.display_type)


class InvoiceLines(Step):
    """Values of invoice lines, as Odoo and other add-ons prepare them."""

    def of_bundle(self, bundle: Bundle) -> list[Command]:
        """Lines of the orders that are billed, under the section they stand in; on an
        invoice of several projects, each has a section of its own with a subtotal."""
        sign = -1.0 if bundle.is_credit else 1.0
        charged = [key for key in bundle.slices if key in bundle.quantities]
        found = []
        for place in self.places(charged, bundle.project_ids):
            if place.is_charged:
                values = self.values(
                    place.line,
                    sign * bundle.quantities[place.id],
                    self.captions(place.line, bundle.layout, bundle.slices[place.id]),
                    billing_slice=place.key,
                )
            else:
                values = self.heading(place)
            found.append(values)
        return [
            Command.create({**values, "sequence": index})
            for index, values in enumerate(found)
        ]

    def places(
        self, charged: Sequence[tuple[int, str]], project_ids: Sequence[int]
    ) -> list[Place]:
        """The order of an invoice, with its headings.

        :param charged: contract lines with their slices, in order of date
        :param project_ids: that share the invoice
        """
        if len(project_ids) == 1:
            return self._project_places(charged, "")
        found = []
        for prefix in map(project_prefix, project_ids):
            if places := self._project_places(charged, prefix):
                project = Place(self.env["sale.order.line"], prefix)
                found += [project, *places]
        return found

    def _project_places(
        self, charged: Sequence[tuple[int, str]], prefix: str
    ) -> list[Place]:
        """Of the slices that begin with a prefix."""
        own = [(line_id, key) for line_id, key in charged if key.startswith(prefix)]
        ids = {line_id for line_id, _key in own}
        found = []
        for order in self.env["sale.order.line"].browse(sorted(ids)).order_id:
            for line in self._with_sections(in_customer_language(order), ids):
                if line.display_type:
                    found.append(Place(line, prefix))
                else:
                    found += [Place(line, key) for id_, key in own if id_ == line.id]
        return found

    def heading(self, place: Place) -> dict:
        """Values of a section or note; sections of the order stand below that of the
        project."""
        if not place.line:
            # sudo: whoever bills a customer need not see all of its projects.
            project = self.env["project.project"].sudo().browse(int(place.key[:-1]))
            values = {"display_type": "line_section", "name": project.name}
        else:
            values = place.line._prepare_invoice_line()
            if place.key and place.line.display_type == "line_section":
                values["display_type"] = "line_subsection"
        return {**values, "billing_slice": place.key}

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
