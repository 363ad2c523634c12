# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an hour costs the company: for those who may see it in Odoo."""

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, Query, ormcache
from odoo.tools.safe_eval import safe_eval

from ..shared import rights

SHOWN = "shown_entry"
OUR_RULE = "psa_invoicing.account_analytic_line_rule_billing_manager"


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"  # pylint: disable=consider-merging-classes-inherited

    def _field_to_sql(self, alias, field_expr, query=None):
        """Billing administrators read time that they would not see in Odoo, and not
        what it costs: in whatever they read, search, sort or sum."""
        value = super()._field_to_sql(alias, field_expr, query)
        if field_expr != "amount" or self.env.su:
            return value
        if not rights.is_billing_manager(self.env):
            return value
        # sudo: which entries these are is what is asked. Each is looked up by its id.
        entries = self.sudo()
        own = SQL.identifier(SHOWN, "id"), SQL.identifier(alias, "id")
        shown = Query(self.env, SHOWN, SQL.identifier(self._table))
        shown.add_where(SQL("%s = %s", *own))
        domain = self._psa_shown_in_odoo().optimize_full(entries)
        shown.add_where(domain._to_sql(entries, SHOWN, shown))
        return SQL("CASE WHEN EXISTS (%s) THEN %s END", shown.select(SQL("1")), value)

    def _psa_shown_in_odoo(self) -> Domain:
        """What the rules for the user's groups show without ours."""
        context = self.env["ir.rule"]._eval_context()
        return Domain.OR(
            safe_eval(rule, context) if rule else []
            for rule in self._psa_rules_of_odoo()
        )

    @ormcache("self.env.uid")
    def _psa_rules_of_odoo(self) -> tuple[str, ...]:
        """The domains of these rules. Odoo empties the cache when it must."""
        ours, groups = self.env.ref(OUR_RULE), self.env.user.all_group_ids
        # sudo: as Odoo does when it applies them.
        rules = self.env["ir.rule"]._get_rules(self._name).sudo() - ours
        return tuple(rule.domain_force or "" for rule in rules if rule.groups & groups)
