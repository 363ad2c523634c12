# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is open of transactions: a query of them, and sums by contract line."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping

from odoo.fields import Domain
from odoo.tools import SQL, Query

from ...core.billing import Request
from ...core.kinds import COMPLIMENTARY, MODELS, SOURCES, Key
from .step import Step


class OpenQuantities(Step):
    """Reads what is open."""

    def open_query(
        self, model, domain, released_ids: list[int], request: Request
    ) -> tuple[Query, SQL]:
        """What is open or released, and how much of it, in the transactions' own
        unit."""
        table = model._table
        is_released = SQL("%s = ANY(%s)", SQL.identifier(table, "id"), released_ids)
        is_open = model._psa_is_open_sql(table)
        # What a draft bills too much of, since a transaction on it was lowered, is for
        # its Recalculate to settle, not for another invoice.
        is_of_draft = (
            SQL("FALSE") if request.of_drafts else model._psa_is_beyond_sql(table)
        )
        quantity = model._psa_open_sql(table)
        if not request.credited:
            quantity = SQL(
                "%s - %s",
                quantity,
                model._psa_quantity_sql(table, "billing_credited_quantity"),
            )
        model.flush_model()
        query = model._search(domain)
        if released_ids:
            query.add_where(SQL("(%s OR %s)", is_open, is_released))
            query.add_where(SQL("(%s OR NOT %s)", is_released, is_of_draft))
        else:
            # Two conditions: the first one is literally what the index says.
            query.add_where(is_open)
            query.add_where(SQL("NOT %s", is_of_draft))
        return query, quantity

    def counting(
        self,
        lines,
        request: Request,
        released: Mapping[Key, float],
        sources: Collection[str] = SOURCES,
    ) -> dict[int, float]:
        """What is open on contract lines, whenever and wherever it was done, and counts
        in a bill: not what is on hold, offered or never charged; nor, unless the
        request asks for it, what is to be taken back of a credit. Work that was
        credited counts: it may be on the draft that is looked at, and what that gives
        up of it would be missing the next time.

        :param released: quantities, in the transactions' own unit, that count as open
        :param sources: where transactions of these lines are kept
        :return: by contract line, in its unit
        """
        wide = Request(
            project_ids=(),
            cutoff_date=None,
            sale_line_ids=tuple(lines.ids),
            credited=True,
            # What a draft bills too much of comes off at once, too.
            of_drafts=True,
        )
        rows = []
        for source in sources:
            own = {
                id_: each for (kind, id_), each in released.items() if kind == source
            }
            rows += self._sums(
                self.env[MODELS[source]], wide, own, with_credits=request.credited
            )
        factors = self.uom_factors(
            {(uom_id, line_id) for line_id, uom_id, _sum in rows}
        )
        found: dict[int, float] = defaultdict(float)
        for line_id, uom_id, quantity in rows:
            found[line_id] += quantity * factors[uom_id, line_id]
        return found

    def _sums(
        self, model, request: Request, released: dict[int, float], with_credits: bool
    ) -> list[tuple]:
        """``(contract line, unit, what is open and charged)``, in that unit.

        :param with_credits: also what is to be taken back, and waits to be reviewed
        """
        domain = model._billing_domain(request)
        query, quantity = self.open_query(
            model,
            domain & Domain("billing_type", "!=", COMPLIMENTARY),
            list(released),
            request,
        )
        if not with_credits:
            credited = model._psa_quantity_sql(
                model._table, "billing_credited_quantity"
            )
            quantity = SQL("%s - LEAST(%s, 0)", quantity, credited)
        columns = SQL(
            "%s, %s",
            model._billing_column_sql("sale_line_id"),
            model._billing_column_sql("uom_id"),
        )
        if released:
            quantity = SQL(
                "%s + COALESCE((%s::jsonb ->> %s::text)::float8, 0)",
                quantity,
                json.dumps(released),
                SQL.identifier(model._table, "id"),
            )
        query.groupby = columns
        return self.env.execute_query(query.select(columns, SQL("SUM(%s)", quantity)))

    def uom_factors(
        self, pairs: set[tuple[int | None, int]]
    ) -> dict[tuple[int | None, int], float]:
        """What one unit of a transaction is in the unit of its contract line."""
        lines = self.env["sale.order.line"].browse({line_id for _uom, line_id in pairs})
        uoms = {line.id: line.product_uom_id for line in lines}
        factors = {}
        for uom_id, line_id in pairs:
            uom = self.env["uom.uom"].browse(uom_id)
            factors[uom_id, line_id] = (
                uom._compute_quantity(1.0, uoms[line_id], round=False) if uom else 1.0
            )
        return factors
