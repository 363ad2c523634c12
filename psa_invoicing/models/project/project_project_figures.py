# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a project has agreed, billed and still to bill: on its page, its card and its
dashboard."""

from collections import defaultdict

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date, formatLang

from ...core import figures
from ...core.figures import Amount
from ...core.kinds import TRANSACTION_MODELS
from ...tools import rules
from ..shared import rights

CHART_MONTHS = 12


def figure(**attributes):
    """A field for one figure of a project's billing, untaxed."""
    return fields.Monetary(
        compute="_compute_billing_figures",
        currency_field="billing_currency_id",
        groups=rights.FIGURE_GROUPS,
        **attributes,
    )


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

    psa_can_see_figures = fields.Boolean(
        string="Can See Billing Figures", compute="_compute_psa_can_see_figures"
    )
    billing_currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_billing_figures",
        groups=rights.FIGURE_GROUPS,
        help="That of the project's contracts and invoices, where they share one; "
        "else the company's.",
    )
    billing_contract_amount = figure(
        string="Contract Value",
        help="What the project's confirmed orders say, untaxed and without down "
        "payments, with the costs that were added to them. What is ordered of work "
        "that is billed by the hour is an estimate.",
    )
    billing_billed_amount = figure(
        string="Billed",
        help="On confirmed invoices, less credit notes, untaxed and before down "
        "payments.",
    )
    billing_draft_amount = figure(
        string="In Draft", help="On invoices that are not confirmed yet, untaxed."
    )
    billing_ready_amount = figure(
        string="Ready to Invoice",
        help="Of any date, at the prices of the contract, untaxed: what the backlog "
        "shows as ready.",
    )
    billing_hold_amount = figure(
        string="Amount on Hold", help="Not billed until it is released, untaxed."
    )
    billing_credited_amount = figure(
        string="Credited: to Review",
        help="Open again since a credit note; no invoice run bills it until somebody "
        "releases it.",
    )
    billing_other_amount = figure(
        string="Open Otherwise",
        help="Dated later than today or before the billing start, to be credited, or "
        "of a project or an order that cannot be billed: the backlog says which.",
    )
    billing_written_off_amount = figure(
        string="Written Off", help="Never billed, at the prices of the contract."
    )
    billing_not_charged_amount = figure(
        string="Not Charged",
        help="Complimentary or non-chargeable, at the prices of the contract; and what "
        "was credited without being open again.",
    )
    billing_beyond_amount = figure(
        string="Beyond the Contract",
        help="What is billed, in draft, written off or not charged beyond what its "
        "contract line says, as with more hours than were estimated.",
    )
    billing_left_amount = figure(
        string="Left",
        help="Contract value and what went beyond it, less what is billed, in draft, "
        "written off and not charged. Of work that is billed by the hour it is what is "
        "left of the estimate, not what will be billed.",
    )
    billing_chart = fields.Json(
        compute="_compute_billing_chart", groups=rights.FIGURE_GROUPS
    )

    @api.depends("billing_user_id", "user_id")
    @api.depends_context("uid")
    def _compute_psa_can_see_figures(self):
        seen = rights.projects_with_figures(self)
        seen.psa_can_see_figures = True
        (self - seen).psa_can_see_figures = False

    # === Figures ===

    @api.depends("billing_user_id", "user_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_billing_figures(self):
        seen = rights.projects_with_figures(self)
        # sudo: it was just checked who may see amounts; he need not read timesheets.
        found = seen.sudo()._billing_amounts()
        for project in self:
            amounts = found.get(project._origin.id, [])
            currency, value = project.sudo()._psa_measure_of(amounts)
            sums = figures.add_up(project._origin.id, amounts, value)
            project.billing_currency_id = currency
            for name, amount in sums.items():
                project[f"billing_{name}_amount"] = currency.round(amount)

    def _psa_measure_of(self, amounts: list[Amount]):
        """In which currency amounts are added up, and what each is worth in it."""
        Currency = self.env["res.currency"]
        currencies = {amount.currency_id for amount in amounts}
        if len(currencies) == 1:
            return Currency.browse(currencies), lambda amount: amount.amount
        company = self._billing_company()
        today = company._billing_today()
        currency = company.currency_id
        rates = {
            other.id: Currency._get_conversion_rate(
                other.currency_id, currency, company, today
            )
            for other in self.env["res.company"].browse(
                {amount.company_id for amount in amounts}
            )
        }
        return currency, lambda each: each.company_amount * rates[each.company_id]

    def _billing_amounts(self, by_month: bool = False) -> dict[int, list[Amount]]:
        """Parts of the figures of these projects, in the companies that are on.

        However many projects there are: one statement for their contracts, one for the
        ledger, one for what is open.

        :param by_month: by month of the work, without contracts and what is not charged
        :return: by project, of its work and of its contract lines
        """
        found: dict[int, list[Amount]] = defaultdict(list)
        ids = self._origin.ids
        if not ids:
            return found
        self.env.flush_all()
        contracts = self._psa_contract_amounts(ids)
        line_ids = [line_id for line_id, _amount in contracts]
        amounts = self._psa_ledger_amounts(ids, line_ids, by_month)
        amounts += self._psa_backlog_amounts(ids, by_month)
        if not by_month:
            amounts += [amount for _line_id, amount in contracts]
        for amount in amounts:
            for project_id in {amount.project_id, amount.owner_id}:
                found[project_id].append(amount)
        return found

    def _psa_contract_amounts(self, ids: list[int]) -> list[tuple[int, Amount]]:
        """What the contract lines of projects say, by line."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.id, line.billing_project_id,
                       COALESCE(line.billing_rate_origin_line_id, line.id),
                       line.currency_id, line.company_id, line.price_subtotal,
                       line.price_subtotal / %(rate)s
                  FROM sale_order_line AS line
                  JOIN sale_order AS sale ON sale.id = line.order_id
                 WHERE line.billing_project_id = ANY(%(ids)s) AND line.state = 'sale'
                   AND line.display_type IS NULL AND line.is_downpayment IS NOT TRUE
                   AND line.company_id = ANY(%(companies)s)
                """,
                rate=SQL("COALESCE(NULLIF(sale.currency_rate, 0), 1)"),
                ids=ids,
                companies=self.env.companies.ids,
            )
        )
        return [
            (line_id, Amount(figures.CONTRACT, project_id, project_id, *values))
            for line_id, project_id, *values in rows
        ]

    def _psa_ledger_amounts(
        self, ids: list[int], line_ids: list[int], by_month: bool
    ) -> list[Amount]:
        """What became of work on these projects, and on their contract lines."""
        parts = [self._psa_ledger_sql(ids, line_ids, by_month)]
        if not by_month:
            parts.append(self._psa_never_charged_sql(line_ids))
        rows = self.env.execute_query(SQL(" UNION ALL ").join(parts))
        return [Amount(*row) for row in rows]

    def _psa_ledger_sql(
        self, ids: list[int], line_ids: list[int], by_month: bool
    ) -> SQL:
        """Columns of ``Amount`` of the ledger.

        A credit note that reopens nothing lowers what is billed, and the customer never
        pays for it: the contract is used up all the same.
        """
        return SQL(
            """
            SELECT figure.name, detail.project_id, line.billing_project_id,
                   COALESCE(line.billing_rate_origin_line_id, line.id),
                   COALESCE(move.currency_id, line.currency_id), line.company_id,
                   SUM(figure.amount),
                   SUM(figure.amount / COALESCE(
                       NULLIF(move.invoice_currency_rate, 0),
                       NULLIF(sale.currency_rate, 0), 1)),
                   %(month)s
              FROM psa_invoice_detail AS detail
              JOIN sale_order_line AS line ON line.id = detail.sale_line_id
              JOIN sale_order AS sale ON sale.id = line.order_id
         LEFT JOIN account_move AS move ON move.id = detail.move_id
        CROSS JOIN LATERAL (
                   SELECT %(live)s AS counts,
                          move.state = 'posted'
                              OR move.payment_state = 'invoicing_legacy' AS posted,
                          detail.quantity * detail.price_unit * %(untaxed)s AS value
                   ) AS item
        CROSS JOIN LATERAL (VALUES
                   ('billed', CASE WHEN item.posted THEN detail.amount END),
                   ('draft', CASE WHEN item.counts AND move.state = 'draft'
                                  THEN detail.amount END),
                   ('written_off', CASE WHEN item.counts AND detail.is_write_off
                                        THEN item.value END),
                   ('not_charged',
                    CASE WHEN detail.is_write_off THEN NULL
                         WHEN item.posted AND NOT item.counts THEN -detail.amount
                         WHEN item.counts AND detail.billing_type <> 'chargeable'
                         THEN item.value END)
                   ) AS figure(name, amount)
             WHERE (detail.project_id = ANY(%(ids)s)
                    OR detail.sale_line_id = ANY(%(line_ids)s))
               AND line.company_id = ANY(%(companies)s) AND figure.amount <> 0
          GROUP BY 1, 2, 3, 4, 5, 6, 9
            """,
            month=SQL("date_trunc('month', detail.date)::date")
            if by_month
            else SQL("NULL::date"),
            live=rules.live_sql(),
            untaxed=self._psa_untaxed_sql(),
            ids=ids,
            line_ids=line_ids,
            companies=self.env.companies.ids,
        )

    def _psa_untaxed_sql(self) -> SQL:
        """What is left of the price of a contract line after its discount and taxes
        that it includes."""
        return SQL(
            """COALESCE(line.price_subtotal
                        / NULLIF(line.product_uom_qty * line.price_unit, 0),
                        1 - COALESCE(line.discount, 0) / 100)"""
        )

    def _psa_never_charged_sql(self, line_ids: list[int]) -> SQL:
        """Columns of ``Amount`` of work that is offered or non-chargeable and on no
        invoice."""
        treated = [
            self.env[model]._psa_treated_sql(line_ids) for model in TRANSACTION_MODELS
        ]
        return SQL(
            """
            SELECT 'not_charged', line.billing_project_id, line.billing_project_id,
                   COALESCE(line.billing_rate_origin_line_id, line.id),
                   line.currency_id, line.company_id, SUM(item.value),
                   SUM(item.value / COALESCE(NULLIF(sale.currency_rate, 0), 1)),
                   NULL::date
              FROM (%(treated)s) AS treated(line_id, excluded, never)
              JOIN sale_order_line AS line ON line.id = treated.line_id
              JOIN sale_order AS sale ON sale.id = line.order_id
        CROSS JOIN LATERAL (
                   SELECT treated.never * line.price_unit * %(untaxed)s AS value
                   ) AS item
             WHERE item.value <> 0
          GROUP BY 1, 2, 3, 4, 5, 6, 9
            """,
            treated=SQL(" UNION ALL ").join(treated),
            untaxed=self._psa_untaxed_sql(),
        )

    def _psa_backlog_amounts(self, ids: list[int], by_month: bool) -> list[Amount]:
        """What is open on these projects, as the backlog shows it."""
        months = ["date:month"] if by_month else []
        groups = self.env["psa.backlog"]._read_group(
            [
                ("project_id", "in", ids),
                ("company_id", "in", self.env.companies.ids),
                ("currency_id", "!=", False),
            ],
            ["status", "project_id", "currency_id", "company_id", *months],
            ["amount:sum", "company_amount:sum"],
        )
        found = []
        for status, project, currency, company, *month, amount, in_company in groups:
            name = figures.OPEN_AS.get(status, figures.OTHER)
            ids = (project.id, project.id, None, currency.id, company.id)
            found.append(Amount(name, *ids, amount, in_company, *month))
        return found

    # === Billed and unbilled by month ===

    @api.depends("billing_user_id", "user_id")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_billing_chart(self):
        seen = rights.projects_with_figures(self)
        # sudo: it was just checked who may see amounts; he need not read timesheets.
        found = seen.sudo()._billing_amounts(by_month=True)
        for project in self:
            amounts = found.get(project._origin.id, [])
            project.billing_chart = project.sudo()._psa_chart_of(amounts)

    def _psa_chart_of(self, amounts: list[Amount]) -> dict | bool:
        """What was billed, is in draft and is open of the work of the last months.

        :return: titles of months and series, with numbers and with texts in the user's
            language; False, if there is nothing to show
        """
        currency, value = self._psa_measure_of(amounts)
        last = self._billing_today().replace(day=1)
        months = [
            last - relativedelta(months=back) for back in reversed(range(CHART_MONTHS))
        ]
        names = {
            figures.BILLED: self.env._("Billed"),
            figures.DRAFT: self.env._("In Draft"),
            "open": self.env._("Not Billed"),
        }
        sums = {name: dict.fromkeys(months, 0.0) for name in names}
        for amount in amounts:
            if amount.project_id == self._origin.id and amount.month in months:
                name = amount.name if amount.name in names else "open"
                if amount.name != figures.WRITTEN_OFF:
                    sums[name][amount.month] += value(amount)
        if not any(any(each.values()) for each in sums.values()):
            return False
        return {
            "title": self.env._(
                "Billed and unbilled work by month, in %(currency)s",
                currency=currency.name,
            ),
            "months": [
                format_date(self.env, month, date_format="LLL yy") for month in months
            ],
            "series": [
                {
                    "name": name,
                    "label": label,
                    "values": [currency.round(sums[name][month]) for month in months],
                    "texts": [
                        formatLang(self.env, sums[name][month], currency_obj=currency)
                        for month in months
                    ],
                }
                for name, label in names.items()
            ],
        }
