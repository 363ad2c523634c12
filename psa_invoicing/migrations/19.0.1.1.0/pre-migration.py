# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ledger knew time and milestones; now it knows all that a project bills."""

from odoo.addons.psa_invoicing.hooks import add_columns


def migrate(cr, version):
    """Add columns empty: the history is read in SQL afterwards."""
    add_columns(cr)
