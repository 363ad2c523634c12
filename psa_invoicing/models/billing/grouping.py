# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Second step of billing: which transactions share an invoice, and what it comes to."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from math import fsum
from typing import NamedTuple

from odoo import models

from ...core.allocation import TOLERANCE
from ...core.billing import Bundle, Outcome, Portion, Transaction
from ...core.charges import Charge
from .contract_lines import ContractLines
from .step import Step, in_customer_language

# Invoices of one project are merged only when they agree on all of these.
GROUPING_KEYS = (
    "company_id",
    "partner_id",
    "partner_shipping_id",
    "currency_id",
    "invoice_payment_term_id",
    "fiscal_position_id",
    "journal_id",
)


class OrderKey(NamedTuple):
    """An order, and who pays for some of its lines: 0 is its own customer."""

    order_id: int
    payer_id: int


class Share(NamedTuple):
    """What one order has on the invoice of a project."""

    project: models.BaseModel
    order_id: int
    header: dict
    items: list[Transaction | Portion]


class Grouping(Step):
    """Puts transactions into bundles, each of which becomes an invoice."""

    def group(
        self, transactions: list[Transaction], with_credits: bool = False
    ) -> list[Bundle]:
        """Divide transactions over the invoices that bill them.

        An invoice that would not charge anything is not made: what it would have
        credited waits until there is something to charge.

        :param with_credits: what is due to the customer becomes a credit note
        """
        return self.settle(self.merge(transactions), with_credits=with_credits).new

    def merge(self, transactions: Sequence[Transaction | Portion]) -> list[Bundle]:
        """Put transactions of one project, customer and terms on one invoice; those of
        several projects only where each of them says so.
        """
        by_order: dict[tuple[int, OrderKey], list] = defaultdict(list)
        lines = self.lines_by_id(item.sale_line_id for item in transactions)
        keys = self._order_keys(lines.values())
        for item in transactions:
            by_order[item.project_id, keys[item.sale_line_id]].append(item)
        headers = self._headers({key for _project_id, key in by_order})
        projects = self.projects_by_id(project_id for project_id, _key in by_order)
        shares: dict[tuple, list[Share]] = defaultdict(list)
        for (project_id, order_key), items in by_order.items():
            header, reference = headers[order_key]
            project = projects[project_id]
            is_shared = project.billing_consolidate
            key = (
                (0, project.billing_layout) if is_shared else (project_id, ""),
                *self._grouping_key(order_key, header, reference),
            )
            shares[key].append(Share(project, order_key.order_id, header, items))
        return [self._bundle(each) for each in shares.values()]

    def _bundle(self, shares: list[Share]) -> Bundle:
        project, _order_id, header, _items = shares[0]
        layout, is_consolidated = project.billing_layout, project.billing_consolidate
        header = dict(header)
        order_ids = dict.fromkeys([shares[0].order_id])
        slices: dict[tuple[int, str], list] = {}
        for share in shares:
            if share.order_id not in order_ids:
                self._merge_header(header, share.header)
                order_ids[share.order_id] = None
            for item in share.items:
                key = item.sale_line_id, item.slice_key(layout, is_consolidated)
                slices.setdefault(key, []).append(item)
        return Bundle(
            slices,
            header,
            tuple(dict.fromkeys(share.project.id for share in shares)),
            tuple(order_ids),
            layout,
            is_consolidated,
        )

    def _order_keys(self, lines: Collection) -> dict[int, OrderKey]:
        """Whose invoice contract lines belong on, by their id."""
        lines = self.env["sale.order.line"].union(*lines)
        payers = self.env["psa.billing.terms"]._payers(lines)
        return {
            line.id: OrderKey(
                line.order_id.id, payers[line.id].id if line.id in payers else 0
            )
            for line in lines
        }

    def _headers(self, keys: set[OrderKey]) -> dict[OrderKey, tuple[dict, str]]:
        """Values of an invoice of each order, as Odoo and other add-ons prepare them.

        :return: the values, and the customer's own reference
        """
        orders = self.env["sale.order"].browse(sorted({key.order_id for key in keys}))
        by_id = {order.id: in_customer_language(order) for order in orders}
        values = {key: by_id[key.order_id]._prepare_invoice() for key in sorted(keys)}
        for key, header in values.items():
            if key.payer_id:
                header["partner_id"] = key.payer_id
                # Odoo knows them of this customer.
                for name in ("fiscal_position_id", "invoice_payment_term_id"):
                    header.pop(name, None)
        self.env["psa.billing.terms"]._complete_headers(
            [(by_id[key.order_id], header) for key, header in values.items()]
        )
        return {
            key: (header, by_id[key.order_id].client_order_ref or "")
            for key, header in values.items()
        }

    def _grouping_key(self, key: OrderKey, header: dict, reference: str) -> tuple:
        """What invoices agree on that are one: those of Odoo and of other add-ons,
        too."""
        order = self.env["sale.order"].browse(key.order_id)
        names = dict.fromkeys((*GROUPING_KEYS, *order._get_invoice_grouping_keys()))
        # Links to several records are lists of commands.
        return (reference, *((name, str(header.get(name) or "")) for name in names))

    def _merge_header(self, header: dict, other: dict):
        """Several orders on one invoice are all named on it."""
        header["invoice_origin"] += f", {other['invoice_origin']}"
        if other["ref"] not in (header["ref"] or ""):
            header["ref"] = f"{header['ref']}, {other['ref']}"
        if header["payment_reference"] != other["payment_reference"]:
            header["payment_reference"] = False

    # === What it comes to ===

    def settle(
        self,
        bundles: list[Bundle],
        added: Collection[Bundle] = (),
        with_credits: bool = False,
    ) -> Outcome:
        """Decide what bundles become: the one way to it, for whoever asks.

        :param added: those of them that a bundle takes which is there
        :param with_credits: what is due to the customer becomes a credit note
        """
        new = [bundle for bundle in bundles if bundle not in added]
        return Outcome(self._measured(list(added)), self._sound(new, with_credits))

    def _sound(self, bundles: list[Bundle], with_credits: bool) -> list[Bundle]:
        """Bundles that charge something that can stand alone, to the cent.

        :param with_credits: those that credit something, too
        """
        sound = [
            bundle
            for bundle in self._measured(bundles)
            if self._charges(bundle) or (with_credits and bundle.is_credit)
        ]
        # What is left out rounds no line of another invoice.
        return sound if len(sound) == len(bundles) else self._sound(sound, with_credits)

    def _measured(self, bundles: list[Bundle]) -> list[Bundle]:
        """With what their lines charge, and what that adds up to."""
        return [
            replace(bundle, charges=charges, **self._totals(charges))
            for bundle, charges in zip(
                bundles, self._line_charges(bundles), strict=True
            )
        ]

    def _charges(self, bundle: Bundle) -> bool:
        lines = self.lines_by_id(line_id for line_id, _slice in bundle.charges)
        return bundle.due > TOLERANCE and any(
            line._can_be_invoiced_alone() for line in lines.values()
        )

    def amounts(self, transactions: Sequence[Transaction]) -> dict[int, float]:
        """What transactions cost, on lines as they are laid out and rounded.

        :return: untaxed, in the currency of the order, by id of the contract line
        """
        found: dict[int, float] = defaultdict(float)
        for bundle in self._measured(self.merge(transactions)):
            for key, charge in bundle.charges.items():
                found[key[0]] += self._totals({key: charge})["total"]
        return found

    def _totals(self, charges: dict[tuple[int, str], Charge]) -> dict[str, float]:
        """What invoice lines add up to: untaxed, and with their taxes.

        :param charges: by contract line and slice
        """
        lines = self.lines_by_id(line_id for line_id, _slice in charges)
        amounts = [
            (line := lines[line_id], charge, line._psa_worth(charge))
            for (line_id, _slice), charge in charges.items()
        ]
        total = fsum(amount for _line, _charge, amount in amounts)
        # Of one sign they keep it, whatever the taxes.
        if len({amount > 0 for _line, _charge, amount in amounts if amount}) < 2:
            return {"total": total, "due": total}
        taxed = fsum(
            line.tax_ids.compute_all(
                charge.price(line._psa_net_price()),
                currency=line.currency_id,
                quantity=charge.quantity,
                product=line.product_id,
                partner=line.order_id.partner_shipping_id,
            )["total_included"]
            for line, charge, _amount in amounts
        )
        return {"total": total, "due": taxed}

    def _line_charges(
        self, bundles: list[Bundle]
    ) -> list[dict[tuple[int, str], Charge]]:
        """What invoice lines charge, by bundle and slice."""
        slices = [
            (index, key, charged)
            for index, bundle in enumerate(bundles)
            for key, items in bundle.slices.items()
            if (charged := [item.quantity for item in items if item.is_chargeable])
        ]
        totals = ContractLines(self.env).running_totals(
            {line_id for _index, (line_id, _key), _charged in slices}
        )
        found: list[dict[tuple[int, str], Charge]] = [{} for _draft in bundles]
        for index, (line_id, key), charged in slices:
            found[index][line_id, key] = totals[line_id].next_charge(charged)
        return found

    # === Drafts that are there ===

    def lines_that_agree(self, move):
        """Contract lines of the draft's projects that belong on it.

        Those of orders that it was made from stay on it, even if a person changed its
        terms since; of another order they join if they would have been put on the same
        invoice.
        """
        own = self.env["sale.order"].browse(move._billing_brief().order_ids)
        others = move.billing_project_ids._psa_contracts() - own
        keys = self._order_keys((own | others).order_line)
        payers = {key.payer_id for key in keys.values()}
        if len(payers) > 1:
            on_it = move.invoice_line_ids.sale_line_ids
            payers = {keys[line.id].payer_id for line in on_it if line.id in keys}
            payers = payers or {0}
        agreed = {
            key
            for key in keys.values()
            if key.order_id in own.ids and key.payer_id in payers
        }
        if others:
            headers = self._headers({*keys.values()})
            wanted = {self._grouping_key(key, *headers[key]) for key in agreed}
            agreed |= {
                key
                for key in keys.values()
                if key.order_id in others.ids
                and self._grouping_key(key, *headers[key]) in wanted
            }
        return self.env["sale.order.line"].browse(
            line_id for line_id, key in keys.items() if key in agreed
        )

    def takes(self, move, bundle: Bundle) -> bool:
        """Whether what would be an invoice of its own may be added to another draft:
        same projects, customer and terms."""
        line_ids = {line_id for line_id, _slice in bundle.slices}
        return set(bundle.project_ids) <= set(
            move.billing_project_ids.ids
        ) and line_ids <= set(self.lines_that_agree(move).ids)
