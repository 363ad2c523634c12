# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_frequency_id = fields.Many2one(
        related="company_id.billing_frequency_id", readonly=False
    )
    billing_after_run = fields.Selection(
        related="company_id.billing_after_run", readonly=False, required=True
    )
    billing_catch_up = fields.Selection(
        related="company_id.billing_catch_up", readonly=False, required=True
    )
    billing_reminder_days = fields.Integer(
        related="company_id.billing_reminder_days", readonly=False
    )
    billing_invoice_date = fields.Selection(
        related="company_id.billing_invoice_date", readonly=False, required=True
    )
    billing_deduct_downpayments = fields.Boolean(
        related="company_id.billing_deduct_downpayments", readonly=False
    )
    billing_release_required = fields.Boolean(
        related="company_id.billing_release_required", readonly=False
    )
    billing_review_required = fields.Boolean(
        related="company_id.billing_review_required", readonly=False
    )
    billing_stop_at_year_end = fields.Boolean(
        related="company_id.billing_stop_at_year_end", readonly=False
    )
    billing_user_id = fields.Many2one(
        related="company_id.billing_user_id", readonly=False
    )
