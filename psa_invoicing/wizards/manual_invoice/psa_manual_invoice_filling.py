# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of the review: what is open, each on the invoice that would bill it.

PostgreSQL makes them, in one statement, out of the queries that selection asks. Python
sees only sums by contract line: five thousand transactions cost it no more than a
hundred.
"""

import json
from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from ...core import obstacles
from ...core.allocation import TOLERANCE
from ...core.billing import Bundle, Portion, Request, Transaction
from ...core.kinds import MILESTONE, MODELS, TYPES_IN
from ...models.billing.adding import Adding
from ...models.billing.contract_lines import ContractLines
from ...models.billing.grouping import Grouping
from ...models.billing.selection import Selection
from ...models.billing.step import Step

# What every kind of transaction says of itself.
OPEN_COLUMNS = {
    "source": "varchar",
    "turn": "int4",
    "source_id": "int4",
    "milestone_id": "int4",
    "kind": "varchar",
    "sale_line_id": "int4",
    "project_id": "int4",
    "date": "date",
    "uom_id": "int4",
    "who": "varchar",
    "task": "varchar",
    "text": "varchar",
    "billing_type": "varchar",
    "quantity": "float8",
    "is_credited": "bool",
}
# What the transactions of a group have in common: always, and where the layout of a
# project gives them invoice lines of their own (see ``Transaction.slice_key``).
COMMON = ("sale_line_id", "project_id", "uom_id", "milestone_id")
COMMON_BY_LAYOUT = {
    "order_line": (),
    "employee": ("who",),
    "task": ("task",),
    "entry": ("source", "source_id"),
}
# What a group says of its transactions.
PLACE_COLUMNS = {
    "rank": "int4",
    "invoice_number": "int4",
    "partner_id": "int4",
    "slice": "varchar",
    "billing_start": "date",
    "factor": "float8",
}


class Group(NamedTuple):
    """Transactions that share an invoice line.

    :ivar common: the values of the columns in which they agree
    :ivar factor: one of their unit in the unit of the contract line
    :ivar total: all of them, as one
    :ivar charged: of it, for what the customer pays, in the unit of the contract line
    """

    common: dict
    factor: float
    total: Portion
    charged: float


class PsaManualInvoice(models.TransientModel):
    _inherit = "psa.manual.invoice"  # pylint: disable=consider-merging-classes-inherited

    def _fill(self, request: Request):
        """Make rows of what a request selects, with what a person chose before."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL("DELETE FROM psa_manual_invoice_line WHERE wizard_id = %s", self.id)
        )
        # sudo: the administrator was just checked; they need not read what is open.
        wizard = self.sudo()
        transactions = wizard._open_sql(request)
        groups, limited = wizard._within_limits(wizard._groups(transactions), request)
        totals = Selection(wizard.env).in_order([each.total for each in groups])
        bundles = Grouping(wizard.env).merge(totals)
        choices = self._read_choices()
        if groups:
            places = wizard._places(groups, totals, bundles)
            query = self._insert_sql(transactions, places, limited, choices)
            self.env.cr.execute(query)
        self.invalidate_recordset(["line_ids"])
        self.env["psa.manual.invoice.line"].invalidate_model()
        self._lower_again(choices)
        self._find_drafts(bundles)

    # === What is open ===

    def _open_sql(self, request: Request) -> SQL:
        """What selection reads for a request, as a table of ``OPEN_COLUMNS``."""
        return SQL(
            "(%s) AS transaction",
            SQL(" UNION ALL ").join(
                self._open_of_source_sql(source, turn, request)
                for turn, (source, types) in enumerate(TYPES_IN.items())
                if types & set(request.types)
            ),
        )

    def _open_of_source_sql(self, source: str, turn: int, request: Request) -> SQL:
        model = self.env[MODELS[source]]
        names, table = model._billing_columns, model._table
        own_id, column = SQL.identifier(table, "id"), model._billing_column_sql
        query, quantity = Selection(self.env).open_query(
            model, model._billing_domain(request), [], request
        )

        def name_in(other: str, name: str) -> SQL:
            if name not in names:
                return SQL("NULL")
            alias = query.left_join(table, names[name], other, "id", f"named_{name}")
            return SQL.identifier(alias, "name")

        credited = model._psa_quantity_sql(table, "billing_credited_quantity")
        values = {
            "source": SQL("%s", source),
            "turn": SQL("%s", turn),
            "source_id": own_id,
            "milestone_id": own_id if source == MILESTONE else SQL("0"),
            "kind": model._psa_type_sql(),
            "sale_line_id": column("sale_line_id"),
            "project_id": column("project_id"),
            "date": column("date"),
            "uom_id": SQL("COALESCE(%s, 0)", column("uom_id")),
            "who": SQL(
                "COALESCE(%s, %s, '')",
                column("who"),
                name_in("hr_employee", "employee_id"),
            ),
            "task": SQL("COALESCE(%s, '')", name_in("project_task", "task_id")),
            "text": column("text"),
            "billing_type": model._billing_type_sql(),
            "quantity": quantity,
            "is_credited": SQL("ABS(%s) >= %s", credited, TOLERANCE),
        }
        query.add_where(SQL("%s = ANY(%s)", model._psa_type_sql(), list(request.types)))
        return query.select(
            *(
                SQL(f"(%s)::{kind} AS {name}", values[name])
                for name, kind in OPEN_COLUMNS.items()
            )
        )

    # === What it has in common ===

    def _common(self) -> list[str]:
        """The columns in which the transactions of a group agree."""
        layouts = sorted(set(self.project_ids.mapped("billing_layout")))
        return [*COMMON, *(name for each in layouts for name in COMMON_BY_LAYOUT[each])]

    def _groups(self, transactions: SQL) -> list[Group]:
        names = self._common()
        columns = SQL(", ").join(map(SQL.identifier, names))
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT %(columns)s, MIN(date) AS date, SUM(quantity) AS quantity,
                          COALESCE(SUM(quantity) FILTER (
                              WHERE billing_type = 'chargeable'), 0) AS charged
                     FROM %(transactions)s GROUP BY %(columns)s""",
                columns=columns,
                transactions=transactions,
            )
        )
        factors = Selection(self.env).uom_factors(
            {(row["uom_id"], row["sale_line_id"]) for row in rows}
        )
        return [self._group(row, names, factors) for row in rows]

    def _group(self, row: dict, names: list[str], factors: dict) -> Group:
        factor = factors[row["uom_id"], row["sale_line_id"]]
        total = Portion(
            row["sale_line_id"],
            row["project_id"],
            row["date"],
            row["quantity"] * factor,
            MILESTONE if row["milestone_id"] else row.get("source", ""),
            row["milestone_id"] or row.get("source_id", 0),
            row.get("who", ""),
            row.get("task", ""),
        )
        common = {name: row[name] for name in names}
        return Group(common, factor, total, row["charged"] * factor)

    def _within_limits(
        self, groups: list[Group], request: Request
    ) -> tuple[list[Group], dict[int, list[Transaction]]]:
        """Have selection itself say what is billed of contract lines that have less to
        bill than is open on them, and of projects with contract terms: they are few.

        :return: the groups without those of which nothing is billed; and what is
            selected of these contract lines
        """
        open_quantities: dict[int, float] = defaultdict(float)
        for group in groups:
            open_quantities[group.total.sale_line_id] += group.charged
        projects = self.env["psa.billing.terms"]._projects_with_terms()
        ids = {
            *ContractLines(self.env).limits(open_quantities, request),
            *(
                group.total.sale_line_id
                for group in groups
                if projects and group.total.project_id in projects.ids
            ),
        }
        limited: dict[int, list[Transaction]] = {line_id: [] for line_id in ids}
        if not limited:
            return groups, limited
        within = replace(request, sale_line_ids=tuple(limited))
        for item in Selection(self.env).select(within):
            limited[item.sale_line_id].append(item)
        agreeing = [name for name in self._common() if name != "uom_id"]
        selected = {
            tuple(getattr(item, name) for name in agreeing)
            for items in limited.values()
            for item in items
        }
        return [
            group
            for group in groups
            if group.total.sale_line_id not in limited
            or tuple(group.common[name] for name in agreeing) in selected
        ], limited

    def _places(
        self, groups: list[Group], totals: list[Portion], bundles: list[Bundle]
    ) -> list[dict]:
        """Where the transactions of each group stand in the review.

        :param totals: of the groups, in their order
        :param bundles: the invoices that would bill them
        :return: by group, the columns in which they agree, and ``PLACE_COLUMNS``
        """
        projects = Step(self.env).projects_by_id(total.project_id for total in totals)
        customers = self.env["res.partner"].browse(
            bundle.header["partner_id"] for bundle in bundles
        )
        ranks = {total.sale_line_id: rank for rank, total in enumerate(totals)}
        slices = {
            id(total): (number, slice_key)
            for number, bundle in enumerate(bundles)
            for (_line_id, slice_key), found in bundle.slices.items()
            for total in found
        }
        places = []
        for group in groups:
            number, slice_key = slices[id(group.total)]
            start = projects[group.total.project_id].billing_start_date
            places.append(
                {
                    **group.common,
                    "rank": ranks[group.total.sale_line_id],
                    "invoice_number": number,
                    "partner_id": customers[number].commercial_partner_id.id,
                    "slice": slice_key,
                    "billing_start": start or None,
                    "factor": group.factor,
                }
            )
        return places

    def _find_drafts(self, bundles: list[Bundle]):
        """Note which open drafts would take some of these invoices."""
        # sudo: the administrator was just checked; they need not read orders.
        env = self.sudo().env
        grouping = Grouping(env)
        moves = Adding(env).drafts(self.project_ids.ids)
        choices = {
            str(move.id): [
                number
                for number, bundle in enumerate(bundles)
                if grouping.takes(move, bundle)
            ]
            for move in moves
            if move.company_id in self.env.companies
        }
        choices = {key: numbers for key, numbers in choices.items() if numbers}
        self.sudo().draft_choices = choices
        if str(self.draft_id.id) not in choices:
            self.draft_id = False

    # === Making rows ===

    def _insert_sql(
        self,
        transactions: SQL,
        places: list[dict],
        limited: dict[int, list[Transaction]],
        choices: dict,
    ) -> SQL:
        """The statement that makes the rows, in the order of selection.

        :param limited: see :meth:`_within_limits`
        """
        common = [name for name in places[0] if name not in PLACE_COLUMNS]
        types = {name: OPEN_COLUMNS[name] for name in common} | PLACE_COLUMNS
        chosen = _by_key_sql(choices)
        selected = _by_key_sql(
            {
                _key(item): [item.quantity, item.billing_type]
                for items in limited.values()
                for item in items
            }
        )
        now = self.env.cr.now()
        return SQL(
            """
            INSERT INTO psa_manual_invoice_line (
                        wizard_id, create_uid, create_date, write_date, partner_id,
                        invoice_number, slice, source, source_id, transaction_type,
                        own_billing_type, billing_type, selected, project_id,
                        sale_line_id, date, employee_name, task_name, name, remark,
                        quantity_unrounded, to_bill)
                 SELECT %(stamp)s, partner_id, invoice_number, slice, source, source_id,
                        kind, %(type)s,
                        COALESCE(%(chosen)s ->> 'billing_type', %(type)s),
                        COALESCE((%(chosen)s ->> 'selected')::bool, TRUE), project_id,
                        sale_line_id, date, who, task, text,
                        CASE WHEN is_credited THEN %(credited)s
                             WHEN date < billing_start THEN %(before_start)s END,
                        %(quantity)s, %(quantity)s
                   FROM %(transactions)s
                   JOIN %(places)s USING (%(common)s)
                  WHERE sale_line_id <> ALL(%(limited)s)
                     OR %(selected)s IS NOT NULL
               ORDER BY rank, date, source_id, turn
            """,
            stamp=SQL("%s, %s, %s, %s", self.id, self.env.uid, now, now),
            before_start=obstacles.BEFORE_START,
            chosen=chosen,
            credited=obstacles.CREDITED,
            quantity=SQL("COALESCE((%s -> 0)::float8, quantity * factor)", selected),
            type=SQL("COALESCE(%s ->> 1, billing_type)", selected),
            transactions=transactions,
            places=_table_sql("place", types, places),
            common=SQL(", ").join(map(SQL.identifier, common)),
            selected=selected,
            limited=list(limited),
        )

    # === What a person chose stays ===

    def _remember_choices(self):
        """Keep what was unticked, lowered or typed, also of what another cut-off date
        leaves out for now."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH kept AS (
                    SELECT key, value FROM psa_manual_invoice, jsonb_each(choices)
                     WHERE id = %(id)s AND key NOT IN (
                           SELECT CONCAT(source, ':', source_id)
                             FROM psa_manual_invoice_line WHERE wizard_id = %(id)s)
                 UNION ALL
                    SELECT CONCAT(source, ':', source_id),
                           jsonb_strip_nulls(jsonb_build_object(
                               'selected',
                               CASE WHEN selected IS NOT TRUE THEN FALSE END,
                               'quantity',
                               CASE WHEN to_bill <> quantity_unrounded THEN to_bill END,
                               'billing_type',
                               CASE WHEN billing_type <> own_billing_type
                                    THEN billing_type END))
                      FROM psa_manual_invoice_line
                     WHERE wizard_id = %(id)s
                       AND (selected IS NOT TRUE OR to_bill <> quantity_unrounded
                            OR billing_type <> own_billing_type))
                UPDATE psa_manual_invoice
                   SET choices = (SELECT jsonb_object_agg(key, value) FROM kept)
                 WHERE id = %(id)s
                """,
                id=self.id,
            )
        )
        self.invalidate_recordset(["choices"])

    def _read_choices(self) -> dict:
        """From the database: the field would give a copy of thousands of them."""
        query = SQL("SELECT choices FROM psa_manual_invoice WHERE id = %s", self.id)
        return self.env.execute_query(query)[0][0] or {}

    def _lower_again(self, choices: dict):
        """What a person has lowered stays so, where more is open."""
        Line = self.env["psa.manual.invoice.line"]
        lowered = {
            key: chosen["quantity"]
            for key, chosen in choices.items()
            if "quantity" in chosen
        }
        if not lowered:
            return
        source_ids = [int(key.partition(":")[2]) for key in lowered]
        for line in Line.search(
            [("wizard_id", "=", self.id), ("source_id", "in", source_ids)]
        ):
            quantity = lowered.get(_key(line), 0.0)
            if quantity * line.quantity > 0 and abs(quantity) < abs(line.quantity):
                line.quantity = quantity


def _key(item) -> str:
    """A transaction, in ``choices``."""
    return f"{item.source}:{item.source_id}"


def _by_key_sql(values: dict) -> SQL:
    """What is known of the transaction of a row; NULL: nothing.

    A lookup, not a join: PostgreSQL could take a join for one of few rows.

    :param values: by key of a transaction
    """
    if not values:
        return SQL("NULL::jsonb")
    return SQL("(%s::jsonb -> CONCAT(source, ':', source_id))", json.dumps(values))


def _table_sql(name: str, types: dict[str, str], rows: list[dict]) -> SQL:
    """Rows as a table.

    :param types: of its columns
    """
    return SQL(
        "UNNEST(%s) AS %s(%s)",
        SQL(", ").join(
            SQL(f"%s::{kind}[]", [row[column] for row in rows])
            for column, kind in types.items()
        ),
        SQL.identifier(name),
        SQL(", ").join(map(SQL.identifier, types)),
    )
