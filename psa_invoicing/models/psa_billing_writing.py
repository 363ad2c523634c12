# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Second and third step of billing: one invoice per grouping key, and its ledger."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from math import fsum
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_date

from ..core.allocation import TOLERANCE, is_zero, line_quantity
from ..core.billing import (
    CHARGEABLE,
    COST,
    LEDGER,
    MILESTONE,
    Draft,
    Request,
    Transaction,
    project_prefix,
)
from ..core.scopes import OWN
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
    def _group(
        self, transactions: list[Transaction], with_credits: bool = False
    ) -> list[Draft]:
        """Divide transactions over the invoices that bill them.

        An invoice that would not charge anything is not made: what it would have
        credited waits until there is something to charge.

        :param with_credits: what is due to the customer becomes a credit note
        """
        return self._sound(self._merge(transactions), with_credits)

    @api.model
    def _merge(self, transactions: list[Transaction]) -> list[Draft]:
        """Put transactions of one project, customer and terms on one invoice; those of
        several projects only where each of them says so.
        """
        by_order: dict[tuple[int, int], list[Transaction]] = defaultdict(list)
        lines = self._lines_by_id(item.sale_line_id for item in transactions)
        for item in transactions:
            order_id = lines[item.sale_line_id].order_id.id
            by_order[item.project_id, order_id].append(item)
        headers = self._headers({order_id for _project_id, order_id in by_order})
        projects = self._projects_by_id(
            project_id for project_id, _order_id in by_order
        )
        drafts: dict[tuple, Draft] = {}
        for (project_id, order_id), items in by_order.items():
            header, reference = headers[order_id]
            project = projects[project_id]
            shared = project.billing_consolidate
            key = (
                (0, project.billing_layout) if shared else (project_id, ""),
                *self._grouping_key(header, reference),
            )
            draft = drafts.get(key)
            if draft is None:
                draft = drafts[key] = Draft(
                    dict(header),
                    (project_id,),
                    [order_id],
                    project.billing_layout,
                    shared,
                )
            if project_id not in draft.project_ids:
                draft.project_ids += (project_id,)
            if order_id not in draft.order_ids:
                self._merge_header(draft.header, header)
                draft.order_ids.append(order_id)
            for item in items:
                draft.add(item)
        return list(drafts.values())

    @api.model
    def _projects_by_id(self, ids: Iterable[int]) -> dict:
        """Projects by id; browsed together, they are fetched together."""
        return {each.id: each for each in self.env["project.project"].browse(set(ids))}

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
    def _line_in_customer_language(self, line):
        order = self._in_customer_language(line.order_id)
        return line.with_env(order.env)

    @api.model
    def _merge_header(self, header: dict, other: dict):
        """Several orders on one invoice are all named on it."""
        header["invoice_origin"] += f", {other['invoice_origin']}"
        if other["ref"] not in (header["ref"] or ""):
            header["ref"] = f"{header['ref']}, {other['ref']}"
        if header["payment_reference"] != other["payment_reference"]:
            header["payment_reference"] = False

    @api.model
    def _sound(self, drafts: list[Draft], with_credits: bool) -> list[Draft]:
        """Drafts that charge something that can stand alone, to the cent; with the
        quantities of their lines.

        :param with_credits: those that credit something, too
        """
        self._measure(drafts)
        sound = [
            draft
            for draft in drafts
            if self._charges(draft) or (with_credits and draft.total < -TOLERANCE)
        ]
        # What is left out closes no contract line of another invoice.
        return sound if len(sound) == len(drafts) else self._sound(sound, with_credits)

    @api.model
    def _measure(self, drafts: list[Draft]):
        """Note the quantities of the lines of drafts, and what they add up to."""
        for draft, quantities in zip(
            drafts, self._line_quantities(drafts), strict=True
        ):
            draft.quantities = quantities
            draft.total = self._untaxed_total(draft)

    @api.model
    def _charges(self, draft: Draft) -> bool:
        lines = self._lines_by_id(line_id for line_id, _slice in draft.quantities)
        return draft.total > TOLERANCE and any(
            line._can_be_invoiced_alone() for line in lines.values()
        )

    @api.model
    def _untaxed_total(self, draft: Draft) -> float:
        lines = self._lines_by_id(line_id for line_id, _slice in draft.quantities)
        return fsum(
            lines[line_id].currency_id.round(
                quantity
                * lines[line_id].price_unit
                * (1 - lines[line_id].discount / 100)
            )
            for (line_id, _slice), quantity in draft.quantities.items()
        )

    @api.model
    def _credit_due(self, request: Request) -> dict:
        """What is due to customers, and waits until there is more to charge.

        :return: untaxed amount, positive, by project and currency
        """
        found: dict = defaultdict(float)
        for draft in self._group(self._select(request), with_credits=True):
            if draft.total < 0:
                order = self.env["sale.order"].browse(draft.order_ids[0])
                for project in self.env["project.project"].browse(draft.project_ids):
                    found[project, order.currency_id] -= draft.total
        return found

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
        self._fetch_contracts(drafts)
        values_list = [
            {
                "move_type": "out_invoice",
                **draft.header,
                **self._billing_values(draft, request, last_cutoffs),
                "invoice_line_ids": self._invoice_lines(draft),
                **self._document_values(draft),
            }
            for draft in drafts
        ]
        moves = Move.with_context(tracking_disable=True, psa_ledger=LEDGER).create(
            self._complete(values_list)
        )
        # What follows is a person's work again.
        moves = moves.with_env(self.env)
        self._add_details(
            [
                (move, move_line, items)
                for draft, move in zip(drafts, moves, strict=True)
                for move_line, items in self._lines_and_items(draft, move)
            ]
        )
        moves._psa_state_delivery()
        for move in moves:
            if move.company_id.billing_deduct_downpayments:
                move._psa_deduct_downpayments()
        moves._psa_log_origin()
        moves._psa_note_written()
        return moves

    @api.model
    def _document_values(self, draft: Draft) -> dict:
        """A credit note is a document of Odoo's own: corrected by its transactions,
        not reviewed and recalculated."""
        if draft.total > 0:
            return {}
        return {
            "move_type": "out_refund",
            "is_project_invoice": False,
            "billing_cutoff_date": False,
            "billing_request": False,
            "invoice_date": False,
        }

    @api.model
    def _lines_and_items(self, draft: Draft, move):
        """The invoice line that was made for each slice, and its transactions.

        What is not charged hangs on no line.
        """
        made = move._psa_lines_by_slice()
        for (line_id, key), items in draft.slices.items():
            if charged := [item for item in items if item.is_chargeable]:
                yield made[line_id, key], charged
            if free := [item for item in items if not item.is_chargeable]:
                yield self.env["account.move.line"], free

    @api.model
    def _billing_values(
        self, draft: Draft, request: Request, last_cutoffs: dict
    ) -> dict:
        first = min(item.date for item in draft.transactions)
        company = self.env["res.company"].browse(draft.header["company_id"])
        invoice_date = company._billing_invoice_date(
            request.run_date or company._billing_today(), request.cutoff_date
        )
        return {
            "invoice_date": invoice_date,
            "is_project_invoice": True,
            "billing_cutoff_date": request.cutoff_date,
            "billing_period_start": self._period_start(
                first, draft.project_ids, last_cutoffs
            ),
            "billing_project_ids": [Command.set(draft.project_ids)],
            "billing_request": request.of(draft.project_ids).to_json()
            | {
                "orders": draft.order_ids,
                "layout": draft.layout,
                "is_consolidated": draft.is_consolidated,
                "invoice_date": fields.Date.to_string(invoice_date),
                "last_cutoffs": self._cutoffs_to_json(draft.project_ids, last_cutoffs),
            },
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
    def _cutoffs_to_json(self, project_ids, last_cutoffs: dict) -> dict:
        """What is dated up to the last cut-off date of its project comes late."""
        return {
            str(project_id): fields.Date.to_string(last_cutoffs[project_id])
            for project_id in project_ids
            if project_id in last_cutoffs
        }

    @api.model
    def _last_cutoffs(self, request: Request) -> dict:
        """The last cut-off date of each project before this one.

        An invoice of what is billed on dates of its own says nothing about the rest.
        """
        self.env["account.move"].flush_model(
            ["billing_cutoff_date", "billing_project_ids", "billing_request", "state"]
        )
        own = SQL("move.billing_request -> 'cutoffs' -> rel.project_id::text")
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT rel.project_id, MAX(move.billing_cutoff_date)
                         FROM account_move AS move
                         JOIN psa_move_project_rel AS rel ON rel.move_id = move.id
                        WHERE rel.project_id = ANY(%s)
                          AND move.billing_cutoff_date < %s
                          AND move.state <> 'cancel'
                          AND (%s IS NULL OR %s ->> %s IS NOT NULL)
                     GROUP BY rel.project_id""",
                    list(request.project_ids),
                    request.cutoff_date,
                    own,
                    own,
                    OWN,
                )
            )
        )

    @api.model
    def _line_quantities(
        self, drafts: list[Draft]
    ) -> list[dict[tuple[int, str], float]]:
        """Quantities of the invoice lines, by draft and slice.

        Where several lines bill one contract line, the last one closes it.
        """
        wanted: dict[int, list[float]] = defaultdict(list)
        for draft in drafts:
            for item in draft.transactions:
                wanted[item.sale_line_id].append(item.quantity)
        free = self._free_quantities(
            item for draft in drafts for item in draft.transactions
        )
        lines = self._lines_by_id(wanted)
        remaining = self._closing_remainders(wanted, free)
        slices = [
            (index, key, charged)
            for index, draft in enumerate(drafts)
            for key, items in draft.slices.items()
            if (charged := [item.quantity for item in items if item.is_chargeable])
        ]
        waiting = Counter(line_id for _index, (line_id, _key), _charged in slices)
        found: list[dict[tuple[int, str], float]] = [{} for _draft in drafts]
        for index, (line_id, key), charged in slices:
            waiting[line_id] -= 1
            quantity = line_quantity(
                charged,
                lines[line_id].product_uom_id.round,
                None if waiting[line_id] else remaining.get(line_id),
            )
            found[index][line_id, key] = quantity
            if line_id in remaining:
                remaining[line_id] -= quantity
        return found

    @api.model
    def _free_quantities(self, items: Iterable[Transaction]) -> dict[int, float]:
        """What is not charged of transactions, by contract line."""
        free: dict[int, float] = defaultdict(float)
        for item in items:
            if not item.is_chargeable:
                free[item.sale_line_id] += item.quantity
        return free

    @api.model
    def _invoice_lines(self, draft: Draft) -> list[Command]:
        """Lines of the orders that are billed, under the section they stand in; on an
        invoice of several projects, each has a section of its own with a subtotal."""
        if len(draft.project_ids) == 1:
            return [
                Command.create({**values, "sequence": index})
                for index, values in enumerate(self._project_lines(draft, ""))
            ]
        found = []
        projects = self._projects_by_id(draft.project_ids)
        for project_id in draft.project_ids:
            if lines := self._project_lines(draft, project_prefix(project_id)):
                found += [self._project_section(projects[project_id]), *lines]
        return [
            Command.create({**values, "sequence": index})
            for index, values in enumerate(found)
        ]

    @api.model
    def _project_section(self, project) -> dict:
        # sudo: whoever bills a customer need not see all of its projects.
        return {"display_type": "line_section", "name": project.sudo().name}

    @api.model
    def _project_lines(self, draft: Draft, prefix: str) -> list[dict]:
        """Values of the invoice lines whose slice begins with a prefix.

        Sections of the order stand below that of the project.
        """
        found = []
        charged = {
            line_id for line_id, key in draft.quantities if key.startswith(prefix)
        }
        lines = self.env["sale.order.line"].browse(charged)
        for order in lines.order_id:
            order = self._in_customer_language(order)
            for line in self._with_sections(order, charged):
                if line.display_type:
                    values = line._prepare_invoice_line()
                    if prefix and line.display_type == "line_section":
                        values["display_type"] = "line_subsection"
                    found.append(values)
                    continue
                for (line_id, key), items in draft.slices.items():
                    if (
                        line_id != line.id
                        or not key.startswith(prefix)
                        or (line_id, key) not in draft.quantities
                    ):
                        continue
                    sign = -1.0 if draft.total < 0 else 1.0
                    values = self._line_values(
                        line,
                        sign * draft.quantities[line_id, key],
                        self._captions(line, draft.layout, items),
                        billing_slice=key,
                    )
                    found.append(values)
        return found

    @api.model
    def _captions(self, line, layout: str, items: list[Transaction]) -> list[str]:
        """What an invoice line says below the description of its contract line.

        Three milestones of one contract line would otherwise read the same on three
        invoices.

        :param line: the contract line, in the customer's language
        """
        if not items:
            return []
        if layout == "employee":
            return [items[0].who] if items[0].who else []
        if layout == "task":
            return [items[0].task] if items[0].task else []
        if layout == "entry":
            day = format_date(line.env, items[0].date)
            return [" · ".join(filter(None, [day, items[0].who, items[0].text]))]
        return [item.text for item in items if item.kind == MILESTONE]

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
    def _line_values(self, line, quantity: float, captions: list[str], **values):
        """Values of an invoice line: the order line's, with the ledger's quantity."""
        values = line._prepare_invoice_line(quantity=quantity, **values)
        values["name"] = "\n".join([values["name"], *captions])
        return values

    # === What contract lines still have to bill ===

    @api.model
    def _closing_remainders(
        self,
        quantities: dict[int, list[float]],
        free: dict[int, float],
        move=None,
    ) -> dict[int, float]:
        """What is left to charge on contract lines that an invoice closes.

        :param quantities: all that is on the invoice, by contract line, unrounded
        :param free: what of it is not charged
        :param move: the draft in question, if it exists already
        :return: by contract line, in its unit; lines that stay open are not in it
        """
        lines = self.env["sale.order.line"].browse(quantities)
        totals = self._totals(lines, move)
        return {
            line.id: line.product_uom_id.round(totals[line.id].delivered)
            - totals[line.id].charged
            - line.product_uom_id.round(totals[line.id].never + free.get(line.id, 0.0))
            for line in lines
            if is_zero(totals[line.id].open - fsum(quantities[line.id]))
        }

    @api.model
    def _totals(self, lines, move=None) -> dict[int, "Totals"]:
        """What was delivered and billed of contract lines, unrounded, in their unit.

        :param move: a draft that does not count
        """
        delivered = self._delivered_totals(lines)
        ledger = {row[0]: row[1:] for row in self._ledger_rows(lines, move)}
        charged = {row[0]: row[1:] for row in self._charged_rows(lines, move)}
        return {
            line.id: Totals(
                delivered.get(line.id, 0.0),
                *ledger.get(line.id, (0.0, 0.0)),
                *charged.get(line.id, (0.0, 0.0)),
            )
            for line in lines
        }

    @api.model
    def _ledger_rows(self, lines, move=None) -> list[tuple]:
        """``(contract line id, in the ledger, of it never charged)``."""
        Detail = self.env["psa.invoice.detail"]
        Detail.flush_model()
        self.env["account.move"].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT detail.sale_line_id,
                       SUM(detail.quantity),
                       COALESCE(SUM(detail.quantity) FILTER (
                           WHERE detail.is_write_off
                              OR detail.billing_type <> 'chargeable'), 0)
                  FROM psa_invoice_detail AS detail
             LEFT JOIN account_move AS move ON move.id = detail.move_id
                 WHERE detail.sale_line_id = ANY(%s)
                   AND %s AND detail.move_id IS DISTINCT FROM %s
              GROUP BY detail.sale_line_id
                """,
                lines.ids,
                Detail._live_sql(),
                move.id if move else None,
            )
        )

    @api.model
    def _charged_rows(self, lines, move=None) -> list[tuple]:
        """``(contract line id, on invoices, of it not in the ledger)``.

        Credit notes count down; of drafts, and of those that reopen nothing, only the
        corrections that they bill.
        """
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT rel.order_line_id,
                       SUM(found.quantity),
                       COALESCE(SUM(found.quantity) FILTER (WHERE NOT EXISTS (
                           SELECT FROM psa_invoice_detail AS detail
                            WHERE detail.move_line_id = found.id)), 0)
                  FROM sale_order_line_invoice_rel AS rel
                  JOIN sale_order_line AS line ON line.id = rel.order_line_id
             LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
          JOIN LATERAL (
                       SELECT item.id,
                              CASE WHEN %s THEN
                                  item.quantity
                                  * COALESCE(unit.factor / line_unit.factor, 1)
                                  * CASE move.move_type WHEN 'out_refund'
                                         THEN -1 ELSE 1 END
                              ELSE (SELECT COALESCE(SUM(detail.quantity), 0)
                                      FROM psa_invoice_detail AS detail
                                     WHERE detail.move_line_id = item.id
                                       AND detail.billing_type = 'chargeable'
                                       AND NOT %s)
                              END AS quantity
                         FROM account_move_line AS item
                         JOIN account_move AS move ON move.id = item.move_id
                    LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
                        WHERE item.id = rel.invoice_line_id
                          AND (move.state <> 'cancel'
                               OR move.payment_state = 'invoicing_legacy')
                          AND move.id IS DISTINCT FROM %s
                       ) AS found ON TRUE
                 WHERE rel.order_line_id = ANY(%s)
              GROUP BY rel.order_line_id
                """,
                SQL(
                    """(move.move_type <> 'out_refund'
                        OR (move.state = 'posted'
                            AND move.psa_reopens_transactions IS NOT FALSE))"""
                ),
                self.env["psa.invoice.detail"]._credit_sql(),
                move.id if move else None,
                lines.ids,
            )
        )

    @api.model
    def _delivered_totals(self, lines) -> dict[int, float]:
        """What is to be billed of contract lines in all, unrounded, in their unit."""
        by_time = lines.filtered(
            lambda line: (
                line._psa_is_billed_by_transactions()
                and line.qty_delivered_method == "timesheet"
            )
        )
        by_cost = lines.filtered("is_expense")
        totals: dict[int, float] = {
            line.id: line.qty_delivered
            if line._psa_is_billed_when_delivered()
            else line.product_uom_qty
            for line in lines - by_time - by_cost
        }
        groups = self.env["account.analytic.line"]._read_group(
            [
                ("so_line", "in", by_time.ids),
                *by_time._timesheet_compute_delivered_quantity_domain(),
            ],
            ["so_line", "product_uom_id"],
            ["unit_amount:sum"],
        ) + self.env["psa.reinvoiced.cost"]._read_group(
            [("sale_line_id", "in", by_cost.ids)],
            ["sale_line_id", "uom_id"],
            ["billable_quantity:sum"],
        )
        for line, uom, quantity in groups:
            converted = uom._compute_quantity(
                quantity, line.product_uom_id, round=False
            )
            totals[line.id] = totals.get(line.id, 0.0) + converted
        return totals

    # === The ledger ===

    @api.model
    def _add_details(self, additions: list[tuple]):
        """Write the ledger of invoices and bring the transactions in line with it.

        :param additions: ``(invoice, invoice line or none, transactions)``
        """
        lines = self._lines_by_id(
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
                        **self._detail_values(item, lines[item.sale_line_id]),
                    }
                )
                sources[item.source].append(item.source_id)
        Detail = self.env["psa.invoice.detail"]
        Detail._insert(rows)
        Detail._refresh_sources(sources)
        if any(row["billing_type"] != CHARGEABLE for row in rows):
            self.env["sale.order.line"].browse(lines)._psa_refresh_excluded_quantity()

    @api.model
    def _bill_lines(self, additions: list[tuple]) -> dict:
        """Lines of vendor bills and expenses behind the transactions."""
        costs = self.env["psa.reinvoiced.cost"].browse(
            item.source_id
            for _move, _line, items in additions
            for item in items
            if item.source == COST
        )
        return {(COST, cost.id): cost.source_move_line_id.id for cost in costs}

    @api.model
    def _shares(self, move_line, items: list[Transaction]) -> list[float]:
        """Divide the untaxed amount of an invoice line over its transactions."""
        if not move_line or not all(item.is_chargeable for item in items):
            return [0.0] * len(items)
        return move_line._psa_shares([item.quantity for item in items])

    @api.model
    def _detail_values(self, item: Transaction, line) -> dict:
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

    # === Write-offs ===

    @api.model
    def _write_off(
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
        found = self._select_source(
            records._billing_source, request, {}, with_held=True
        )
        items = [item for item in found if item.key in request.picks]
        if not items:
            raise UserError(
                self.env._("Nothing is open on these transactions to write off.")
            )
        values = []
        for item in items:
            quantity = quantities.get(item.source_id, item.source_quantity)
            if abs(quantity) > abs(item.source_quantity) + TOLERANCE:
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
                    **self._detail_values(item.lowered(quantity), line),
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


class Totals(NamedTuple):
    """Quantities of a contract line, in its unit.

    :ivar delivered: to be billed in all
    :ivar ledger: live in the ledger, whether charged or not
    :ivar never: of it offered, not charged or written off
    :ivar charged: on live invoices, less credit notes
    :ivar foreign: of it on invoice lines that the ledger knows nothing of
    """

    delivered: float
    ledger: float
    never: float
    charged: float
    foreign: float

    @property
    def open(self) -> float:
        return fsum([self.delivered, -self.ledger, -self.foreign])
