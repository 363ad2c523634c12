# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recalculate follows the contract now, where nobody edited an invoice."""

from odoo import SUPERUSER_ID, api

from odoo.addons.psa_invoicing.models.billing.line_terms import LineTerms


def migrate(cr, _version):
    """On drafts that are there, what differs from the contract was edited."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    for draft in env["account.move"].search(
        [("is_project_invoice", "=", True), ("state", "=", "draft")]
    ):
        LineTerms(env).note_edits(draft)
