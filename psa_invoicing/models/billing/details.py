# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rows of the ledger: written, taken back, written off."""

from collections import defaultdict

from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core.allocation import TOLERANCE, is_part, is_zero
from ...core.billing import Request, Transaction
from ...core.kinds import ADJUSTMENT, CHARGEABLE, COST, SOURCE_FIELDS
from ...tools import rules
from ..shared import rights
from .selection import Selection
from .step import Step

# What a row that takes another one back has from it.
COPIED_RECORDS = (*SOURCE_FIELDS.values(), "source_move_line_id", "project_id")
COPIED_VALUES = (
    "transaction_type",
    "date",
    "price_unit",
    "billing_type",
    "is_write_off",
)
COPIED_TEXTS = ("employee_name", "task_name", "name")


class Details(Step):
    """Writes rows of the ledger, and brings their transactions in line with it."""

    def add(self, additions: list[tuple]):
        """Write the ledger of invoices and bring the transactions in line with it.

        :param additions: ``(invoice, invoice line or none, transactions)``
        """
        lines = self.lines_by_id(
            item.sale_line_id for _move, _line, items in additions for item in items
        )
        bills = self._bill_lines(additions)
        rows = []
        sources = defaultdict(list)
        for move, move_line, items in additions:
            amounts = self._shares(move_line, items)
            for item, amount in zip(items, amounts, strict=True):
                rows.append(
                    {
                        "move_id": move.id,
                        "move_line_id": move_line.id or None,
                        "amount": amount,
                        "source_move_line_id": bills.get(item.key),
                        **self.values(item, lines[item.sale_line_id]),
                    }
                )
                sources[item.source].append(item.source_id)
        Detail = self.env["psa.invoice.detail"]
        Detail._insert(rows)
        Detail._refresh_sources(sources)
        contract_lines = self.env["sale.order.line"].browse(lines)
        if not self._take_room(rows) and all(
            row["billing_type"] == CHARGEABLE for row in rows
        ):
            contract_lines = contract_lines.filtered("billing_excluded_quantity")
        contract_lines._psa_refresh_excluded_quantity()

    def _take_room(self, rows: list[dict]) -> bool:
        """Of two who bill the same project within its terms at once, the second one is
        to try again: both update its row.

        :return: whether there are such projects
        """
        projects = self.env["psa.billing.terms"]._projects_with_terms()
        ids = sorted({row["project_id"] for row in rows} & set(projects.ids))
        if ids:
            self.env.cr.execute(
                SQL("UPDATE project_project SET id = id WHERE id = ANY(%s)", ids)
            )
        return bool(ids)

    def _bill_lines(self, additions: list[tuple]) -> dict:
        """Lines of vendor bills and expenses behind the transactions; None of one that
        was deleted since."""
        costs = self.env["psa.reinvoiced.cost"].browse(
            item.source_id
            for _move, _line, items in additions
            for item in items
            if item.source == COST
        )
        return {(COST, cost.id): cost.source_move_line_id.id or None for cost in costs}

    def _shares(self, move_line, items: list[Transaction]) -> list[float]:
        """Divide the untaxed amount of an invoice line over its transactions."""
        if not move_line or not all(item.is_chargeable for item in items):
            return [0.0] * len(items)
        return move_line._psa_shares([item.quantity for item in items])

    def values(self, item: Transaction, line) -> dict:
        return {
            "transaction_type": item.kind,
            **{
                column: item.source_id if source == item.source else None
                for source, column in SOURCE_FIELDS.items()
            },
            "sale_line_id": line.id,
            "project_id": item.project_id,
            "date": item.date,
            "employee_name": item.who or None,
            "task_name": item.task or None,
            "name": item.text or None,
            "quantity": item.quantity,
            "source_quantity": item.source_quantity,
            "price_unit": line.price_unit,
            "billing_type": item.billing_type,
            "is_new_work": item.is_new_work,
            "is_write_off": False,
        }

    def add_adjustment(self, move_line, contract_line, quantity: float, before=()):
        """:param quantity: what it bills (or, negative, credits), in the contract
            line's unit
        :param before: who had entered how much of it: see :meth:`entered`
        """
        move = move_line.move_id
        projects, own = move.billing_project_ids, contract_line.billing_project_id
        project = own if own in projects else projects[:1] or own
        in_customer_language = move.with_context(lang=move.partner_id.lang)
        self.env["psa.invoice.detail"].create(
            {
                "move_id": move.id,
                "move_line_id": move_line.id,
                "transaction_type": ADJUSTMENT,
                "sale_line_id": contract_line.id,
                "project_id": project.id,
                "date": move.billing_cutoff_date
                or move.invoice_date
                or move.company_id._billing_today(),
                "employee_name": self.env.user.name,
                "name": in_customer_language.env._("Adjustment"),
                "quantity": quantity,
                "source_quantity": quantity,
                "price_unit": move_line.price_unit,
                "billing_type": CHARGEABLE,
                "user_id": self._who_answers_for(quantity, before),
            }
        )

    def entered(self, move_lines) -> dict:
        """Who has entered how much for which nothing was logged, by invoice line."""
        found: dict = {}
        for detail in move_lines.detail_ids:
            if detail.transaction_type == ADJUSTMENT and detail.user_id:
                quantity, _user = found.get(detail.move_line_id, (0.0, None))
                quantity += detail.quantity
                found[detail.move_line_id] = quantity, detail.user_id
        return found

    def _who_answers_for(self, quantity: float, before) -> int:
        """Whoever lowers what a billing administrator has entered, decides nothing."""
        if before and not rights.may_bill_more(self.env.user):
            most, user = before
            if quantity <= most + TOLERANCE:
                return user.id
        return self.env.uid

    def take_back(self, reversals: list[tuple]):
        """Write details that take others back.

        :param reversals: ``(detail, document, its line or none, quantity)``
        """
        rows, sources = [], defaultdict(list)
        for origin, move, move_line, quantity in reversals:
            share_of_origin = quantity / origin.quantity
            rows.append(
                {
                    **{name: origin[name].id or None for name in COPIED_RECORDS},
                    **{name: origin[name] for name in COPIED_VALUES},
                    **{name: origin[name] or None for name in COPIED_TEXTS},
                    "move_id": move.id,
                    "move_line_id": move_line.id or None,
                    "origin_detail_id": origin.id,
                    "quantity": quantity,
                    "source_quantity": origin.source_quantity * share_of_origin,
                    "amount": 0.0,
                }
            )
            if key := origin._key:
                sources[key[0]].append(key[1])
        Detail = self.env["psa.invoice.detail"]
        Detail._insert(rows)
        Detail._refresh_sources(sources)

    # === Write-offs ===

    def write_off(
        self, records, reason: str, quantities: dict[int, float], origins=None
    ):
        """Ledger rows without an invoice for what is open on transactions.

        :param records: transactions of one kind
        :param origins: rows of a draft that were lowered, by id of the transaction: a
            full credit of that invoice reopens the write-off too
        :param quantities: how much, by id, in their own unit (default: all)
        :raises UserError: if nothing is open, or less than what is asked for
        :return: the rows
        """
        request = Request(
            project_ids=(),
            cutoff_date=None,
            credited=True,
            picks=frozenset((records._billing_source, id_) for id_ in records.ids),
        )
        found = Selection(self.env).of_source(
            records._billing_source, request, with_held=True
        )
        items = [item for item in found if item.key in request.picks]
        if not items:
            raise UserError(
                self.env._("Nothing is open on these transactions to write off.")
            )
        values = []
        for item in items:
            quantity = quantities.get(item.source_id, item.source_quantity)
            if is_zero(quantity) or not is_part(quantity, item.source_quantity):
                raise UserError(
                    self.env._(
                        "Only %(open)s is open on “%(transaction)s”.",
                        open=round(item.source_quantity, 2),
                        transaction=item.text,
                    )
                )
            line = self.env["sale.order.line"].browse(item.sale_line_id)
            values.append(
                {
                    **self.values(item.lowered(quantity), line),
                    "is_write_off": True,
                    "origin_detail_id": (origins or {}).get(item.source_id),
                    "reason": reason,
                    "user_id": self.env.user.id,
                    "write_off_date": line.company_id._billing_today(),
                }
            )
        details = self.env["psa.invoice.detail"].create(values)
        details._refresh_sources(details._sources())
        details.sale_line_id._psa_refresh_excluded_quantity()
        return details


def signed_quantity(move_line, contract_line) -> float:
    """What a line bills (or, negative, credits), in its contract line's unit."""
    quantity = move_line._billing_quantity(contract_line)
    return rules.sign(move_line.move_id) * quantity
