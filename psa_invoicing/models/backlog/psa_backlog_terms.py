# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What contract terms keep from the next run, and why."""

from odoo import models
from odoo.tools import SQL

from ...core.kinds import Key
from ..billing.left_out import LeftOut


class PsaBacklog(models.Model):
    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    def _beyond_terms(self) -> dict[Key, str]:
        """Transactions that contract terms keep from the next run, and why."""
        # sudo: as for the transactions themselves.
        today = max(company._billing_today() for company in self.env.companies)
        return LeftOut(self.sudo().env).beyond_terms(today)

    def _is_one_of_sql(self, model, keys) -> SQL:
        ids = [id_ for source, id_ in keys if source == model._billing_source]
        if not ids:
            return SQL("FALSE")
        return SQL("%s = ANY(%s)", SQL.identifier(model._table, "id"), ids)

    def _own_reason_sql(self, model) -> SQL:
        """Why a person holds a transaction, or contract terms do."""
        own = SQL.identifier(model._table, "billing_hold_reason")
        by_text: dict[str, list[Key]] = {}
        for key, text in self._beyond_terms().items():
            by_text.setdefault(text, []).append(key)
        cases = [
            SQL("WHEN %s THEN %s", self._is_one_of_sql(model, keys), text)
            for text, keys in by_text.items()
        ]
        return (
            SQL("COALESCE(%s, CASE %s END)", own, SQL(" ").join(cases))
            if cases
            else own
        )
