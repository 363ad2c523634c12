# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which transactions may be billed."""

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.billing import Request
from ...core.kinds import NON_CHARGEABLE


class PsaTransactionMixin(models.AbstractModel):
    _inherit = "psa.transaction.mixin"  # pylint: disable=consider-merging-classes-inherited

    def _billing_domain(self, request: Request, with_held: bool = False) -> Domain:
        """Transactions of a request that may be billed, whatever is open on them.

        :param with_held: those on hold too
        """
        names = self._billing_columns
        domain = Domain.TRUE if with_held else Domain("billing_hold", "=", False)
        # An empty billing type means chargeable.
        domain &= Domain("billing_type", "!=", NON_CHARGEABLE)
        domain &= Domain(self._psa_contract_line_path("state"), "=", "sale")
        if request.project_ids:
            domain &= Domain(names["project_id"], "in", request.project_ids)
        if request.sale_line_ids:
            domain &= Domain(names["sale_line_id"], "in", request.sale_line_ids)
        if request.picks is not None:
            domain &= Domain("id", "in", self._psa_picked_ids(request))
        if request.start_date:
            domain &= Domain(names["date"], ">=", request.start_date)
        if request.cutoff_date:
            domain &= Domain(names["date"], "<=", request.cutoff_date)
        if request.unit_ids:
            domain &= self._psa_unit_domain(list(request.unit_ids))
        return domain

    def _psa_picked_ids(self, request: Request) -> list[int]:
        """What a person has picked of this kind."""
        return [id_ for source, id_ in request.picks if source == self._billing_source]

    def _psa_unit_domain(self, unit_ids: list[int]) -> Domain:
        """The department of the transaction, else that of its project; with those
        below."""
        project = self._billing_columns["project_id"]
        return Domain(f"{project}.unit_id", "child_of", unit_ids)

    def _psa_contract_line_path(self, name: str) -> str:
        """Path to a field of a transaction's contract line."""
        line = self._billing_columns["sale_line_id"]
        return name if line == "id" else f"{line}.{name}"

    # === Whether one may be billed ===

    def _psa_may_be_billed_domains(self) -> tuple[Domain, Domain]:
        """Whether a transaction with something open may be billed: what
        :meth:`_billing_domain` says of itself, and what it says of its contract line.

        What is open is never non-chargeable, and has a contract line and a project.
        """
        domain = self._billing_domain(
            Request(project_ids=(), cutoff_date=None, credited=True), with_held=True
        )
        names = self._billing_columns
        if names["sale_line_id"] == "id":
            return Domain.TRUE, domain
        known = {
            ("billing_type", NON_CHARGEABLE),
            (names["sale_line_id"], False),
            (names["project_id"], False),
        }
        own, of_line = self._psa_split_by_contract_line(domain)
        own = Domain.AND(
            part
            for part in getattr(own, "children", [own])
            if not all(
                each.operator == "!=" and (each.field_expr, each.value) in known
                for each in part.iter_conditions()
            )
        )
        return own, of_line

    def _psa_may_be_billed_sql(self) -> SQL:
        """Whether a row of this table may be billed, as far as it says so itself: an
        expression that joins nothing."""
        domain, _of_line = self._psa_may_be_billed_domains()
        if domain.is_true():
            return SQL("TRUE")
        query = self._search(domain, active_test=False)
        if query.from_clause.code == SQL.identifier(self._table).code:
            return query.where_clause
        return SQL("%s IN %s", SQL.identifier(self._table, "id"), query.subselect())

    def _psa_split_by_contract_line(self, domain: Domain) -> tuple[Domain, Domain]:
        """``(conditions on transactions themselves, those on contract lines)``."""
        name = self._billing_columns["sale_line_id"]
        own, of_line = Domain.TRUE, Domain.TRUE
        for part in getattr(domain, "children", [domain]):
            paths = {each.field_expr for each in part.iter_conditions()}
            if all(path.startswith(f"{name}.") for path in paths):
                of_line &= part.map_conditions(
                    lambda each: Domain(
                        each.field_expr.partition(".")[2], each.operator, each.value
                    )
                )
            else:
                own &= part
        return own, of_line
