# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Frequencies have several days, and a schedule's rows know where they come from."""

from odoo.tools import SQL

WEEKDAY_FIELDS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def migrate(cr, _version):
    """Existing frequencies keep their dates; no row of a schedule was moved so far.

    The new ready-made ones are there already, and have no day of the old kind.
    """
    for day, name in enumerate(WEEKDAY_FIELDS):
        cr.execute(
            SQL(
                "UPDATE psa_billing_frequency SET %s = (weekday = %s) "
                "WHERE period = 'week' AND month_day IS NOT NULL",
                SQL.identifier(name),
                str(day),
            )
        )
    # The 31st was how one said the last day.
    cr.execute(
        "UPDATE psa_billing_frequency "
        "SET month_days = NULLIF(month_day, 31)::text, month_last = (month_day = 31) "
        "WHERE period = 'month' AND month_day IS NOT NULL"
    )
    cr.execute(
        "UPDATE psa_invoice_schedule SET planned_date = run_date "
        "WHERE planned_date IS NULL"
    )
