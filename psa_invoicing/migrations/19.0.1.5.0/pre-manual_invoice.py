# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the manual invoice shows is kept in another way."""


def migrate(cr, _version):
    """Wizards that were left open are closed; their rows lose the foreign keys, too."""
    cr.execute("DROP TABLE IF EXISTS psa_manual_invoice_line")
    cr.execute("DELETE FROM psa_manual_invoice")
