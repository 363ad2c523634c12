# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ledger knew time and milestones; now it knows all that a project bills."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Take over what was invoiced beside the ledger, and note it on transactions."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["psa.billing"]._upgrade_ledger()
