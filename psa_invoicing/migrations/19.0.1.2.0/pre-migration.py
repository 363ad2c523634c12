# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, _version):
    """Wizards that were left open know less than the present ones want to know."""
    cr.execute("DELETE FROM psa_manual_invoice_line")
