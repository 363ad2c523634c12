# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What contract terms keep from the next run, and why."""

import json

from odoo import api, models
from odoo.tools import SQL

from ...core.billing import Beyond
from ..billing.left_out import LeftOut

# The answer of the contract terms, while one request is served.
ANSWER = "psa_backlog_terms"


class Answer(dict):
    """What is beyond contract terms: ``core.billing.Beyond`` by key of a transaction.

    Of a type of its own: a client could send the word with its call.
    """


class PsaBacklog(models.Model):
    # One file per side of the backlog.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.backlog"

    @api.model
    @api.readonly
    def web_search_read(self, *args, **kwargs):
        rows = self._with_terms()
        return super(PsaBacklog, rows).web_search_read(*args, **kwargs)

    @api.model
    @api.readonly
    def web_read_group(self, *args, **kwargs):
        rows = self._with_terms()
        return super(PsaBacklog, rows).web_read_group(*args, **kwargs)

    @api.model
    def search_panel_select_range(self, field_name, **kwargs):
        rows = self._with_terms()
        return super(PsaBacklog, rows).search_panel_select_range(field_name, **kwargs)

    def _with_terms(self):
        """Contract terms are asked once, whatever a request goes on to read."""
        return self.with_context(**{ANSWER: self._beyond_terms()})

    def _beyond_terms(self) -> Answer:
        """What contract terms keep from the next run."""
        known = self.env.context.get(ANSWER)
        if isinstance(known, Answer):
            return known
        # sudo: as for the transactions themselves.
        today = max(company._billing_today() for company in self.env.companies)
        return Answer(LeftOut(self.sudo().env).beyond_terms(today))

    def _beyond_of(self, model) -> tuple[dict[int, Beyond], dict[int, Beyond]]:
        """The same of one kind of transaction, by id: of which nothing may be billed,
        and of which a part may."""
        own = {
            id_: beyond
            for (source, id_), beyond in self._beyond_terms().items()
            if source == model._billing_source
        }
        in_part = {id_: beyond for id_, beyond in own.items() if beyond.allowed}
        return {id_: own[id_] for id_ in own.keys() - in_part.keys()}, in_part

    def _terms_columns(self, model, quantity: SQL) -> dict[str, SQL]:
        """Columns of what is open anew; what terms leave of a part has its own row.

        :param quantity: what is open anew
        """
        whole, in_part = self._beyond_of(model)
        columns = {}
        if whole:
            columns["is_terms"] = self._is_one_of_sql(model, whole)
            columns["own_hold_reason"] = SQL(
                "COALESCE(%s, %s)",
                SQL.identifier(model._table, "billing_hold_reason"),
                self._by_id_sql(model, whole, "text"),
            )
        if in_part:
            allowed = self._by_id_sql(model, in_part, "allowed")
            columns["own_quantity"] = SQL("COALESCE(%s::float8, %s)", allowed, quantity)
        return columns

    def _rest_columns(self, model, quantity: SQL) -> dict[str, SQL] | None:
        """Columns of what terms leave of transactions that they let be billed in part.

        :param quantity: what is open anew
        """
        _whole, in_part = self._beyond_of(model)
        if not in_part:
            return None
        allowed = self._by_id_sql(model, in_part, "allowed")
        return {
            **self._obstacles_sql(is_terms=SQL("TRUE")),
            "own_hold_reason": self._by_id_sql(model, in_part, "text"),
            "own_quantity": SQL("%s - %s::float8", quantity, allowed),
            "is_wanted": self._is_one_of_sql(model, in_part),
        }

    def _is_one_of_sql(self, model, ids) -> SQL:
        return SQL("%s = ANY(%s)", SQL.identifier(model._table, "id"), list(ids))

    def _by_id_sql(self, model, beyond: dict[int, Beyond], name: str) -> SQL:
        """What is said of a transaction, as text; NULL: nothing."""
        values = {id_: getattr(each, name) for id_, each in beyond.items()}
        id_ = SQL.identifier(model._table, "id")
        return SQL("(%s::jsonb ->> %s::text)", json.dumps(values), id_)
