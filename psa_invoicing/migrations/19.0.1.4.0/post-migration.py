# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A row of the schedule knows for which date of the frequency it was planned."""


def migrate(cr, _version):
    """Until now nobody could move a row."""
    cr.execute(
        "UPDATE psa_invoice_schedule SET planned_date = run_date "
        "WHERE planned_date IS NULL"
    )
