# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Second and third step of billing: one invoice per grouping key, and its ledger."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from math import fsum

from odoo import api, models
from odoo.fields import Command

from ..core.allocation import is_zero, line_quantity, spread
from ..core.billing import MILESTONE, Draft, Request, Transaction
from .psa_invoice_detail import SOURCE_FIELDS

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


class PsaBilling(models.AbstractModel):
    # One file per step of the service, told in order.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.billing"

    @api.model
    def _make_drafts(self, request: Request):
        """Bill a request.

        :return: draft invoices, none if there is nothing to bill
        """
        drafts = self._group(self._select(request))
        return self._write(drafts, request)

    # === Grouping ===

    @api.model
    def _group(self, transactions: list[Transaction]) -> list[Draft]:
        """Put transactions of one project, customer and terms on one invoice.

        An invoice that would not charge anything is not made: what it would have
        credited waits until there is something to charge.
        """
        by_order: dict[tuple[int, int], list[Transaction]] = defaultdict(list)
        lines = self._lines_by_id(item.sale_line_id for item in transactions)
        for item in transactions:
            order_id = lines[item.sale_line_id].order_id.id
            by_order[item.project_id, order_id].append(item)
        headers = self._headers({order_id for _project_id, order_id in by_order})
        drafts: dict[tuple, Draft] = {}
        for (project_id, order_id), items in by_order.items():
            header, reference = headers[order_id]
            key = (project_id, *self._grouping_key(header, reference))
            draft = drafts.get(key)
            if draft is None:
                draft = drafts[key] = Draft(dict(header), (project_id,), [order_id])
            else:
                self._merge_header(draft.header, header)
                draft.order_ids.append(order_id)
            for item in items:
                draft.transactions.setdefault(item.sale_line_id, []).append(item)
        return [draft for draft in drafts.values() if self._charges(draft, lines)]

    @api.model
    def _headers(self, order_ids: set[int]) -> dict[int, tuple[dict, str]]:
        """Values of an invoice of each order, as Odoo and other add-ons prepare them.

        :return: by order: the values, and the customer's own reference
        """
        headers = {}
        for order in self.env["sale.order"].browse(sorted(order_ids)):
            order = self._in_customer_language(order)
            headers[order.id] = (
                order._prepare_invoice(),
                order.client_order_ref or "",
            )
        return headers

    @api.model
    def _grouping_key(self, header: dict, reference: str) -> tuple:
        return (reference, *(header.get(name) for name in GROUPING_KEYS))

    @api.model
    def _in_customer_language(self, order):
        if lang := order.partner_invoice_id.lang:
            order = order.with_context(lang=lang)
        return order.with_company(order.company_id)

    @api.model
    def _merge_header(self, header: dict, other: dict):
        """Several orders on one invoice are all named on it."""
        header["invoice_origin"] += f", {other['invoice_origin']}"
        if other["ref"] not in (header["ref"] or ""):
            header["ref"] = f"{header['ref']}, {other['ref']}"
        if header["payment_reference"] != other["payment_reference"]:
            header["payment_reference"] = False

    @api.model
    def _charges(self, draft: Draft, lines) -> bool:
        total = fsum(
            item.quantity
            * lines[sale_line_id].price_unit
            * (1 - lines[sale_line_id].discount / 100)
            for sale_line_id, items in draft.transactions.items()
            for item in items
        )
        return total > 0 and not is_zero(total)

    @api.model
    def _lines_by_id(self, ids: Iterable[int]) -> dict:
        """Contract lines by id; browsed together, they are fetched together."""
        return {line.id: line for line in self.env["sale.order.line"].browse(set(ids))}

    # === Writing ===

    @api.model
    def _write(self, drafts: list[Draft], request: Request):
        """Create the invoices of drafts and their ledger, in a few statements."""
        Move = self.env["account.move"]
        if not drafts:
            return Move
        last_cutoffs = self._last_cutoffs(request)
        quantities = self._line_quantities(drafts)
        moves = Move.with_context(
            default_move_type="out_invoice", tracking_disable=True
        ).create(
            [
                {
                    **draft.header,
                    **self._billing_values(draft, request, last_cutoffs),
                    "invoice_line_ids": self._invoice_lines(draft, quantities[index]),
                }
                for index, draft in enumerate(drafts)
            ]
        )
        self._add_details(
            [
                (move, draft.transactions)
                for draft, move in zip(drafts, moves, strict=True)
            ]
        )
        moves._log_origin()
        return moves

    @api.model
    def _billing_values(
        self, draft: Draft, request: Request, last_cutoffs: dict
    ) -> dict:
        first = min(
            item.date for items in draft.transactions.values() for item in items
        )
        return {
            "is_project_invoice": True,
            "billing_cutoff_date": request.cutoff_date,
            "billing_period_start": self._period_start(
                first, draft.project_ids, last_cutoffs
            ),
            "billing_project_ids": [Command.set(draft.project_ids)],
            "billing_request": request.to_json() | {"orders": draft.order_ids},
        }

    @api.model
    def _period_start(self, first: date, project_ids, last_cutoffs: dict) -> date:
        """The earliest transaction, or the day after the last cut-off date."""
        starts = [
            last_cutoffs[project_id] + timedelta(days=1)
            for project_id in project_ids
            if project_id in last_cutoffs
        ]
        return min([first, *starts])

    @api.model
    def _last_cutoffs(self, request: Request) -> dict:
        """The last cut-off date of each project before this one."""
        groups = self.env["account.move"]._read_group(
            [
                ("billing_project_ids", "in", request.project_ids),
                ("billing_cutoff_date", "<", request.cutoff_date),
                ("state", "!=", "cancel"),
            ],
            ["billing_project_ids"],
            ["billing_cutoff_date:max"],
        )
        return {project.id: cutoff_date for project, cutoff_date in groups}

    @api.model
    def _line_quantities(self, drafts: list[Draft]) -> list[dict[int, float]]:
        """Quantities of the invoice lines, by draft and contract line.

        When several drafts bill one contract line, the last one closes it.
        """
        wanted: dict[int, list[float]] = defaultdict(list)
        for draft in drafts:
            for line_id, items in draft.transactions.items():
                wanted[line_id] += [item.quantity for item in items]
        lines = self._lines_by_id(wanted)
        remaining = self._closing_remainders(wanted)
        waiting = Counter(line_id for draft in drafts for line_id in draft.transactions)
        found = []
        for draft in drafts:
            quantities = {}
            for line_id, items in draft.transactions.items():
                waiting[line_id] -= 1
                quantities[line_id] = line_quantity(
                    [item.quantity for item in items],
                    lines[line_id].product_uom_id.round,
                    None if waiting[line_id] else remaining.get(line_id),
                )
                if line_id in remaining:
                    remaining[line_id] -= quantities[line_id]
            found.append(quantities)
        return found

    @api.model
    def _invoice_lines(
        self, draft: Draft, quantities: dict[int, float]
    ) -> list[Command]:
        """Lines of the order that are billed, under the section they stand in."""
        commands = []
        lines = self.env["sale.order.line"].browse(draft.transactions)
        for order in lines.order_id:
            order = self._in_customer_language(order)
            for line in self._with_sections(order, set(lines.ids)):
                values = {"sequence": len(commands)}
                if line.display_type:
                    values = line._prepare_invoice_line(**values)
                else:
                    names = [
                        item.text
                        for item in draft.transactions[line.id]
                        if item.kind == MILESTONE
                    ]
                    values = self._line_values(
                        line, quantities[line.id], names, **values
                    )
                commands.append(Command.create(values))
        return commands

    @api.model
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

    @api.model
    def _line_values(self, line, quantity: float, milestones: list[str], **values):
        """Values of an invoice line: the order line's, with the ledger's quantity.

        Three milestones of one order line would otherwise read the same on three
        invoices: their names follow the description.
        """
        values = line._prepare_invoice_line(quantity=quantity, **values)
        values["name"] = "\n".join([values["name"], *milestones])
        return values

    @api.model
    def _closing_remainders(
        self, quantities: dict[int, list[float]], move=None
    ) -> dict[int, float]:
        """What is left to charge on contract lines that an invoice closes.

        :param quantities: all that is on the invoice, by contract line, unrounded
        :param move: the draft in question, if it exists already
        :return: by contract line, in its unit; lines that stay open are not in it
        """
        lines = self.env["sale.order.line"].browse(quantities)
        open_quantities = self._open_on_lines(lines, move)
        charged, foreign = self._invoiced_totals(lines, move)
        return {
            line.id: line.qty_delivered
            - charged.get(line.id, 0.0)
            - foreign.get(line.id, 0.0)
            - line.excluded_quantity
            for line in lines
            if is_zero(open_quantities[line.id] - fsum(quantities[line.id]))
        }

    @api.model
    def _open_on_lines(self, lines, move=None) -> dict[int, float]:
        """What contract lines still have to bill, unrounded, in their own unit.

        :param move: a draft whose own details count as open
        """
        ledger = self._ledger_totals(lines, move)
        delivered = self._delivered_totals(lines)
        _charged, foreign = self._invoiced_totals(lines, move)
        return {
            line.id: fsum(
                [
                    delivered.get(line.id, 0.0),
                    -ledger.get(line.id, 0.0),
                    -foreign.get(line.id, 0.0),
                ]
            )
            for line in lines
        }

    @api.model
    def _invoiced_totals(self, lines, move=None) -> tuple[dict, dict]:
        """Quantities of live invoice lines, by contract line, in its unit.

        :param move: a draft that does not count
        :return: of the ledger, and of invoices that it knows nothing of. Credit notes
            of project invoices are in neither: what they credit is for a person to
            bill again.
        """
        charged: dict[int, float] = defaultdict(float)
        foreign: dict[int, float] = defaultdict(float)
        for line in lines:
            for each in line.invoice_lines:
                invoice = each.move_id
                if invoice.state == "cancel" or (move and invoice == move):
                    continue
                quantity = each.product_uom_id._compute_quantity(
                    each.quantity, line.product_uom_id
                )
                if invoice.is_project_invoice:
                    charged[line.id] += quantity
                elif invoice.move_type == "out_invoice":
                    foreign[line.id] += quantity
                elif not invoice.reversed_entry_id.is_project_invoice:
                    foreign[line.id] -= quantity
        return charged, foreign

    @api.model
    def _ledger_totals(self, lines, move=None) -> dict[int, float]:
        """Live quantities of contract lines, unrounded.

        :param move: a draft that does not count
        """
        domain = [
            ("sale_line_id", "in", lines.ids),
            ("move_id.state", "in", ("draft", "posted")),
        ]
        if move:
            domain.append(("move_id", "!=", move.id))
        groups = self.env["psa.invoice.detail"]._read_group(
            domain, ["sale_line_id"], ["quantity:sum"]
        )
        return {line.id: quantity for line, quantity in groups}

    @api.model
    def _delivered_totals(self, lines) -> dict[int, float]:
        """Delivered quantities of contract lines, unrounded, in their own unit."""
        by_time = lines.filtered(lambda line: line.qty_delivered_method == "timesheet")
        totals: dict[int, float] = {
            line.id: line.qty_delivered for line in lines - by_time
        }
        groups = self.env["account.analytic.line"]._read_group(
            [
                ("so_line", "in", by_time.ids),
                *by_time._timesheet_compute_delivered_quantity_domain(),
            ],
            ["so_line", "product_uom_id"],
            ["unit_amount:sum"],
        )
        for line, uom, quantity in groups:
            converted = uom._compute_quantity(
                quantity, line.product_uom_id, round=False
            )
            totals[line.id] = totals.get(line.id, 0.0) + converted
        return totals

    @api.model
    def _add_details(self, additions: list[tuple]):
        """Write the ledger of invoices and bring the transactions in line with it.

        :param additions: ``(invoice, {contract line id: transactions})``
        """
        moves = self.env["account.move"].browse(move.id for move, _items in additions)
        move_lines = moves._lines_by_contract_line()
        lines = self._lines_by_id(id_ for _move, each in additions for id_ in each)
        rows = []
        sources = defaultdict(list)
        for move, transactions in additions:
            for line_id, items in transactions.items():
                move_line = move_lines.get((move.id, line_id))
                amounts = self._shares(move_line, items)
                for item, amount in zip(items, amounts, strict=True):
                    rows.append(
                        {
                            "move_id": move.id,
                            "move_line_id": move_line.id if move_line else None,
                            "amount": amount,
                            **self._detail_values(item, lines[line_id]),
                        }
                    )
                    sources[item.kind].append(item.source_id)
        Detail = self.env["psa.invoice.detail"]
        Detail._insert(rows)
        Detail._refresh_sources(sources)

    @api.model
    def _shares(self, move_line, items: list[Transaction]) -> list[float]:
        """Divide the untaxed amount of an invoice line over its transactions."""
        if not move_line:
            return [0.0] * len(items)
        return spread(
            move_line.price_subtotal,
            [item.quantity for item in items],
            move_line.currency_id.round,
        )

    @api.model
    def _detail_values(self, item: Transaction, line) -> dict:
        return {
            "transaction_type": item.kind,
            **{
                column: item.source_id if kind == item.kind else None
                for kind, column in SOURCE_FIELDS.items()
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
            "billing_type": "chargeable",
        }
