# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of an invoice: those of its orders, with the quantities of the ledger."""

from collections.abc import Sequence
from typing import NamedTuple

from odoo import models
from odoo.fields import Command
from odoo.tools import formatLang

from ...core.allocation import is_zero
from ...core.billing import Bundle, Transaction, project_prefix
from ...core.charges import Charge
from ...core.kinds import MILESTONE
from ...tools import hooks
from .step import Step, in_customer_language


class Place(NamedTuple):
    """What stands somewhere on an invoice.

    :ivar line: of the order, in the customer's language, a combo as the heading of what
        it is made of; none: the heading of a project
    :ivar key: of its slice; of a heading or a note, what slices below it begin with
    """

    line: models.BaseModel
    key: str

    @property
    def id(self) -> tuple[int, str]:
        return self.line.id or 0, self.key

    @property
    def is_charged(self) -> bool:
        return bool(self.line and not self.line.display_type and not self.is_combo)

    @property
    def is_combo(self) -> bool:
        return self.line.product_id.type == "combo"


class InvoiceLines(Step):
    """Values of invoice lines, as Odoo and other add-ons prepare them."""

    def __init__(self, env):
        super().__init__(env)
        self._prepared: dict = {}

    def of_bundle(self, bundle: Bundle) -> list[Command]:
        """Lines of the orders that are billed, under the section they stand in; on an
        invoice of several projects, each has a section of its own with a subtotal."""
        sign = -1.0 if bundle.is_credit else 1.0
        charged = [key for key in bundle.slices if key in bundle.charges]
        found = []
        for place in self.places(charged, bundle.project_ids):
            if place.is_charged:
                charge = bundle.charges[place.id]
                found += self.with_others(
                    place.line,
                    charge._replace(quantity=sign * charge.quantity),
                    self.captions(
                        place.line, bundle.layout, bundle.slices[place.id], charge
                    ),
                    billing_slice=place.key,
                )
            else:
                found.append(self.heading(place))
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
                if line.id in ids:
                    found += [Place(line, key) for id_, key in own if id_ == line.id]
                else:
                    found.append(Place(line, prefix))
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

    def captions(
        self, line, layout: str, items: list[Transaction], charge: Charge
    ) -> list[str]:
        """What an invoice line says of what it charges.

        :param line: the contract line, in the customer's language
        """
        if layout == "order_line" or (charge.share and layout != "entry"):
            layout = "order_line"
            items = [item for item in items if item.kind == MILESTONE]
        terms = self.env["psa.billing.terms"]
        captions = terms._captions(line, layout, items) if items else []
        if charge.share and line.product_uom_qty:
            first, *others = captions or [""]
            share = ": ".join(filter(None, [first, self._share(line, charge)]))
            captions = [share, *others]
        return captions

    def _share(self, line, charge: Charge) -> str:
        """“12.5 % of 10,000.00 (to date 37.5 %)”."""
        whole = line.currency_id.round(line.product_uom_qty * line.price_unit)
        figures = {
            "share": _percent(line, charge.quantity * charge.share),
            "whole": formatLang(
                line.env, whole, digits=line.currency_id.decimal_places
            ),
            "to_date": _percent(line, charge.to_date),
        }
        if line.discount:
            return line.env._(
                "%(share)s of %(whole)s less %(discount)s (to date %(to_date)s)",
                discount=_number(line.env, line.discount),
                **figures,
            )
        return line.env._("%(share)s of %(whole)s (to date %(to_date)s)", **figures)

    def _with_sections(self, order, line_ids: set[int]):
        """Billed lines in the order's sequence, with their sections, combos and
        notes."""
        billed = order.order_line.filtered(lambda line: line.id in line_ids)
        billed |= billed.linked_line_id.filtered(
            lambda line: line.product_id.type == "combo"
        )
        shown = billed | billed.parent_id | billed.parent_id.parent_id
        found = above = order.order_line.browse()
        for line in order.order_line:
            if line.display_type != "line_note":
                above = line
            # A note belongs to the line above it.
            if above and above in shown:
                found += line
        return found

    def values(self, line, charge: Charge, captions: list[str], **values):
        """Values of an invoice line: the order line's, with what the ledger charges."""
        values |= {"quantity": charge.quantity, **self.amount_values(charge)}
        if charge.share:
            # Hundreds of milestones may be of one contract line.
            prepared = self._prepared.get(line) or line._prepare_invoice_line()
            self._prepared[line] = prepared
            values = {**prepared, **values}
        else:
            values = line._prepare_invoice_line(**values)
        values["name"] = "\n".join([values["name"], *captions])
        return values

    def with_others(
        self, line, charge: Charge, captions: list[str], **values
    ) -> list[dict]:
        """The same, and values of the lines that other add-ons put beside it."""
        own = self.values(line, charge, captions, **values)
        if hooks.is_changed(line, "_prepare_invoice_lines_vals_list"):
            return line._prepare_invoice_lines_vals_list(**own)
        return [own]

    def price_back_values(self, line) -> dict:
        """Values of an invoice line that takes a cost back."""
        return self.amount_values(Charge(-1.0, own_price=line._psa_price_back()))

    def amount_values(self, charge: Charge) -> dict:
        """Values of an invoice line that bills an amount, or takes back what was billed
        at another price: its discount is in it."""
        if charge.own_price is not None:
            return {"price_unit": charge.own_price, "discount": 0.0}
        if not charge.share:
            return {}
        unit_id = self.env["ir.model.data"]._xmlid_to_res_id("uom.product_uom_unit")
        return {
            "product_uom_id": unit_id,
            "price_unit": charge.amount,
            "discount": 0.0,
            "billing_share": charge.share,
            "billing_amount": charge.amount,
            "billing_rate": charge.rate,
        }


def _percent(line, quantity: float) -> str:
    """A quantity of a contract line, as a part of what was ordered."""
    return _number(line.env, 100 * quantity / line.product_uom_qty)


def _number(env, percent: float) -> str:
    """With as many digits as it has, two of those that have no end."""
    digits = next(
        (each for each in range(5) if is_zero(percent - round(percent, each))), 2
    )
    return env._("%(number)s %%", number=formatLang(env, percent, digits=digits))
