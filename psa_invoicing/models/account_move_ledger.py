# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of an invoice are the sums of its transactions."""

from math import fsum

from odoo import models

from ..core.allocation import line_quantity
from ..core.billing import (
    ADJUSTMENT,
    CHARGEABLE,
    LEDGER,
    MILESTONE,
    Key,
    Request,
    slice_key,
)


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    def _billing_request(self) -> Request:
        """What this draft was made to bill."""
        return Request.from_json(
            self.billing_request or {},
            tuple(self.billing_project_ids.ids),
            self.billing_cutoff_date,
        )

    def _caps(self) -> dict[Key, float]:
        """What a person left of transactions, in their own unit; 0: took them off."""
        caps = (self.billing_request or {}).get("caps", ())
        return {(kind, source_id): quantity for kind, source_id, quantity in caps}

    def _cap(self, caps: dict[Key, float | None]):
        """Remember how much of transactions Recalculate may put on this invoice.

        :param caps: see :meth:`_caps`; None: all of it again
        """
        merged = {**self._caps(), **caps}
        # sudo: the caller may edit the invoice; this is the engine's own note on it.
        self.sudo().billing_request = {
            **(self.billing_request or {}),
            "caps": [
                [*key, cap] for key, cap in sorted(merged.items()) if cap is not None
            ],
        }

    def _chosen_types(self) -> dict[Key, str]:
        """Billing types that a person gave to transactions on this draft."""
        types = (self.billing_request or {}).get("types_chosen", ())
        return {(kind, source_id): chosen for kind, source_id, chosen in types}

    def _choose_types(self, types: dict[Key, str]):
        """Remember billing types, so that Recalculate keeps them.

        :param types: see :meth:`_chosen_types`
        """
        merged = {**self._chosen_types(), **types}
        # sudo: the caller may edit the invoice; this is the engine's own note on it.
        self.sudo().billing_request = {
            **(self.billing_request or {}),
            "types_chosen": [[*key, chosen] for key, chosen in sorted(merged.items())],
        }

    def _layout(self) -> str:
        """What has an invoice line of its own; decided when the draft was made."""
        return (self.billing_request or {}).get("layout", "order_line")

    def _by_slice(self, details) -> dict:
        """Which invoice line of their contract line details belong on."""
        # What is JSON is copied whenever it is read: once for all of them, then.
        layout, is_consolidated = self._layout(), self._is_consolidated()

        def slice_of(detail) -> str:
            if detail.move_line_id and not detail._key:
                # Its transaction is gone, or there never was one: it stays there.
                return detail.move_line_id.billing_slice or ""
            return slice_key(
                layout,
                detail.employee_name or "",
                detail.task_name or "",
                detail._key,
                detail.project_id.id if is_consolidated else 0,
            )

        return details.grouped(slice_of)

    def _is_consolidated(self) -> bool:
        """Whether several projects may share this invoice."""
        return bool((self.billing_request or {}).get("is_consolidated"))

    def _lines_by_slice(self) -> dict[tuple[int, str], models.BaseModel]:
        """Invoice lines of the ledger, by contract line id and slice."""
        found: dict = {}
        for line in self.invoice_line_ids.sorted("sequence"):
            if line.display_type == "product" and not line.is_downpayment:
                for contract_line in line.sale_line_ids:
                    key = contract_line.id, line.billing_slice or ""
                    found.setdefault(key, line)
        return found

    def _details_of_transactions(self):
        """All but the adjustments, which have no transaction behind them."""
        return self.detail_ids.filtered(
            lambda detail: detail.transaction_type != ADJUSTMENT
        )

    def _follow_details(self):
        """Make the lines of drafts the sums of their chargeable details."""
        # sudo: the caller may edit the invoice; order and ledger are read for it.
        for move in self.sudo():
            if move.is_project_invoice:
                move.with_context(psa_ledger=LEDGER)._follow_contract_lines()
                move._fit_downpayments()
            else:
                move._follow_allocation()
            move._spread_amounts()

    def _follow_allocation(self):
        """On an invoice that was not made here, and on a credit note, a person decides
        which transactions make up a line, not how much it is: the rest is noted as an
        adjustment."""
        Billing = self.env["psa.billing"]
        for line in self.invoice_line_ids:
            contract_line = line._contract_line()
            if line.display_type != "product" or not contract_line:
                continue
            others = line.detail_ids.filtered(
                lambda each: each.transaction_type == ADJUSTMENT
            )
            target = Billing._signed_quantity(line, contract_line)
            transactions = (line.detail_ids - others)._chargeable()
            rest = target - fsum(transactions.mapped("quantity"))
            others._drop()
            if contract_line.product_uom_id.compare(rest, 0.0):
                Billing._add_adjustment(line, contract_line, rest)
        self.invoice_line_ids.sale_line_ids._refresh_excluded_quantity()

    def _follow_contract_lines(self):
        Billing = self.env["psa.billing"]
        details = self.detail_ids.filtered(lambda each: not each.is_write_off)
        by_line = details.grouped("sale_line_id")
        contract_lines = self.env["sale.order.line"].union(*by_line)
        contract_lines._refresh_excluded_quantity()
        closing = Billing._closing_remainders(
            {line.id: each.mapped("quantity") for line, each in by_line.items()},
            Billing._free_quantities(details),
            self,
        )
        for line, found in by_line.items():
            self._follow_slices(line, found, closing.get(line.id))
        self.invoice_line_ids.filtered(
            lambda line: (
                not line.detail_ids
                and line._contract_line()
                and (
                    line._contract_line() not in contract_lines
                    or self._layout() != "order_line"
                )
            )
        ).unlink()

    def _follow_slices(self, contract_line, details, remaining: float | None):
        """Make the invoice lines of a contract line the sums of their details.

        :param remaining: what the last of them takes, if they close the contract line
        """
        line = self.env["psa.billing"]._line_in_customer_language(contract_line)
        text = line._invoice_terms()["name"]
        made = self._lines_by_slice()
        slices = {
            key: found._chargeable() for key, found in self._by_slice(details).items()
        }
        charged = [key for key, found in slices.items() if found]
        for key, found in slices.items():
            move_line = made.get((line.id, key)) or self.env["account.move.line"]
            if not move_line and not found:
                continue
            last = bool(charged) and key == charged[-1]
            quantity = line_quantity(
                found.mapped("quantity"),
                line.product_uom_id.round,
                remaining if last else None,
            )
            move_line = self._follow_slice(move_line, line, text, key, quantity, found)
            if remaining is not None:
                remaining -= move_line.product_uom_id._compute_quantity(
                    move_line.quantity, line.product_uom_id
                )

    def _follow_slice(self, move_line, line, text: str, key: str, quantity, details):
        """Make one invoice line the sum of its chargeable details.

        A line on which all is offered stays, with nothing to charge: a person may have
        written its text and price.

        :param move_line: the invoice line, if there is one
        :param line: the contract line, in the customer's language
        :param text: what an invoice line says of it
        :param quantity: in the contract line's unit
        :return: the invoice line
        """
        Billing = self.env["psa.billing"]
        layout = self._layout()
        # Thousands of rows may be behind a line; few of them have a say in its text.
        named = (
            details.filtered(lambda detail: detail.transaction_type == MILESTONE)
            if layout == "order_line"
            else details[:1]
        )
        captions = Billing._captions(line, layout, named._as_transactions())
        if move_line:
            move_line._follow(line, quantity, "\n".join([text, *captions]))
        else:
            values = Billing._line_values(
                line,
                quantity,
                captions,
                billing_slice=key,
                sequence=self._sequence_of(key),
            )
            move_line = self.env["account.move.line"].create(
                {**values, "move_id": self.id}
            )
            if "fiscal_position_id" in self._edited_fields():
                move_line.tax_ids = move_line._get_computed_taxes()
            move_line._note_written()
        (details - move_line.detail_ids).write({"move_line_id": move_line.id})
        return move_line

    def _sequence_of(self, key: str) -> int:
        """Where a new line goes: to the end, or to that of its project's section."""
        if self._is_consolidated():
            prefix = key[: key.index("/") + 1]
            if same := self.invoice_line_ids.filtered(
                lambda line: (line.billing_slice or "").startswith(prefix)
            ):
                return max(same.mapped("sequence"))
        return 1000

    def _spread_amounts(self):
        """Divide the untaxed amount of each line over its details, to the cent."""
        # sudo: who may edit an invoice need not read the ledger.
        self.sudo().detail_ids.fetch(["amount", "billing_type", "quantity"])
        for line in self.sudo().invoice_line_ids:
            details = line.detail_ids._chargeable()
            if not details:
                continue
            parts = line._shares(details.mapped("quantity"))
            for detail, amount in zip(details, parts, strict=True):
                detail._price(amount, line.price_unit, line.currency_id)
        for detail in self.sudo().detail_ids:
            if detail.billing_type != CHARGEABLE:
                currency = detail.move_id.currency_id
                detail._price(0.0, detail.price_unit, currency)
