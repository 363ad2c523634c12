# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ledger knew time and milestones; now it knows all that a project bills."""

from odoo import SUPERUSER_ID, api

from odoo.addons.psa_invoicing.models.billing.takeover import Takeover


def migrate(cr, version):
    """Take over what was invoiced beside the ledger, and note it on transactions."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    Takeover(env).upgrade_ledger()
