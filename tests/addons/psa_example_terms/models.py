# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL, float_round

from odoo.addons.psa_invoicing.core.kinds import COMPLIMENTARY, TIME


class ProjectProject(models.Model):
    _inherit = "project.project"

    psa_half_time = fields.Boolean(help="Two hours are billed as one.")
    psa_free_until = fields.Date(help="Time up to this day is paid for already.")
    psa_fee_percent = fields.Float(help="Of what an invoice charges.")


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    psa_weekend_line_id = fields.Many2one("sale.order.line", help="Has its price.")
    psa_payer_id = fields.Many2one("res.partner")
    psa_in_quarters = fields.Boolean(help="Invoices say quarters of an hour.")

    # 1. Billable quantity: what Odoo shows as delivered is the same.
    def _prepare_qty_delivered(self):
        found = super()._prepare_qty_delivered()
        for line in self.filtered("billing_project_id.psa_half_time"):
            if line.qty_delivered_method == "timesheet":
                found[line] /= 2
        return found

    # 2. Contract line and rate by date
    def _psa_rates_at(self, days):
        found = super()._psa_rates_at(days)
        for (line, day), rate in found.items():
            # sudo: whoever logs time need not see the order.
            weekend_line = rate.sudo().psa_weekend_line_id
            if weekend_line and day.isoweekday() > 5:
                found[line, day] = weekend_line.with_env(self.env)
        return found

    # 6. Lines and their rounding
    def _psa_round(self, quantity):
        if self.psa_in_quarters:
            return float_round(quantity, precision_rounding=0.25)
        return super()._psa_round(quantity)


class PsaInvoiceDetail(models.Model):
    _inherit = "psa.invoice.detail"

    # 6. Lines and their rounding
    def _quantity_step(self):
        return 0.25


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"

    # 1. Billable quantity
    @api.depends("project_id.psa_half_time")
    def _compute_billable_quantity(self):
        result = super()._compute_billable_quantity()
        for entry in self.filtered(lambda entry: entry.project_id.psa_half_time):
            entry.billable_quantity /= 2
        return result

    def _psa_billable_sql(self, alias):
        return SQL(
            "%s / CASE WHEN %s IN (SELECT id FROM project_project WHERE psa_half_time)"
            " THEN 2 ELSE 1 END",
            super()._psa_billable_sql(alias),
            SQL.identifier(alias, "project_id"),
            to_flush=self.env["project.project"]._fields["psa_half_time"],
        )


class AccountMove(models.Model):
    _inherit = "account.move"

    # 8. Advances
    def _psa_apply_advances(self):
        result = super()._psa_apply_advances()
        self._deduct_retainers()
        return result

    def _psa_fit_advances(self):
        result = super()._psa_fit_advances()
        self._deduct_retainers()
        return result

    def _deduct_retainers(self):
        for move in self.filtered("partner_id.psa_retainer"):
            lines = move.invoice_line_ids
            own = lines.filtered(lambda line: line.psa_added == "retainer")
            others = lines.search(
                [
                    ("psa_added", "=", "retainer"),
                    ("partner_id", "=", move.partner_id.id),
                    ("parent_state", "!=", "cancel"),
                    ("id", "not in", own.ids),
                ]
            )
            room = move.partner_id.psa_retainer + sum(others.mapped("price_subtotal"))
            charged = sum((lines - own).mapped("price_subtotal"))
            values = {"price_unit": -max(0, min(room, charged)), "quantity": 1}
            if own:
                own.write(values)
            elif values["price_unit"]:
                lines.create(
                    {
                        **values,
                        "move_id": move.id,
                        "name": "Retainer",
                        "psa_added": "retainer",
                        "tax_ids": lines.tax_ids.ids,
                    }
                )
            # Of two who deduct at once, the second one is to try again.
            move.partner_id.write({"psa_retainer": move.partner_id.psa_retainer})


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    psa_added = fields.Selection([("fee", "Fee"), ("retainer", "Retainer")])


class ResPartner(models.Model):
    _inherit = "res.partner"

    psa_retainer = fields.Float(help="What the customer has paid before.")


class PsaBillingTerms(models.AbstractModel):
    _inherit = "psa.billing.terms"

    # 3. Who pays
    @api.model
    def _payers(self, lines):
        paid = {line.id: line.psa_payer_id for line in lines if line.psa_payer_id}
        return {**super()._payers(lines), **paid}

    # 4. Covered by a pack
    @api.model
    def _projects_with_terms(self):
        projects = self.env["project.project"].with_context(active_test=False)
        covered = projects.search([("psa_free_until", "!=", False)])
        return super()._projects_with_terms() | covered

    @api.model
    def _cover(self, transactions, move=None):
        return [
            item.typed(COMPLIMENTARY)
            if item.kind == TIME and self._is_free(item) and item.is_chargeable
            else item
            for item in super()._cover(transactions, move)
        ]

    @api.model
    def _is_free(self, item):
        until = self.env["project.project"].browse(item.project_id).psa_free_until
        return until and item.date <= until

    # 6. Lines and their rounding
    @api.model
    def _captions(self, line, layout, items):
        captions = super()._captions(line, layout, items)
        return [*captions, self.env._("%s milestones", len(items))]

    # 7. Lines added
    @api.model
    def _add_lines(self, moves):
        result = super()._add_lines(moves)
        for move in moves:
            percent = max(move.billing_project_ids.mapped("psa_fee_percent"), default=0)
            lines = move.invoice_line_ids
            fee = lines.filtered(lambda line: line.psa_added == "fee")
            charged = lines.filtered(lambda line: not line.psa_added)
            amount = sum(charged.mapped("price_subtotal")) * percent / 100
            values = {"price_unit": amount, "quantity": 1}
            if fee:
                fee.write(values)
            elif amount:
                lines.create(
                    {
                        **values,
                        "move_id": move.id,
                        "name": "Fee",
                        "psa_added": "fee",
                        "tax_ids": charged.tax_ids.ids,
                    }
                )
        return result

    # 9. Header
    @api.model
    def _complete_headers(self, headers):
        result = super()._complete_headers(headers)
        at_once = self.env.ref("account.account_payment_term_immediate")
        for order, values in headers:
            if order.amount_untaxed > 10000:
                values["invoice_payment_term_id"] = at_once.id
                values["invoice_date"] = order.validity_date
        return result
