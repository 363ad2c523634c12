# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The billing period of an invoice: from the last cut-off date on."""

from datetime import date, timedelta

from odoo.tools import SQL

from ...core.billing import Request
from ...core.brief import CUTOFFS
from ...core.scopes import OWN
from .step import Step


class Period(Step):
    """What earlier invoices of the same projects have billed, by date."""

    def last_cutoffs(self, request: Request) -> dict:
        """The last cut-off date of each project before this one.

        An invoice of what is billed on dates of its own says nothing about the rest.
        """
        self.env["account.move"].flush_model(
            ["billing_cutoff_date", "billing_project_ids", "billing_request", "state"]
        )
        own = SQL("move.billing_request -> %s -> rel.project_id::text", CUTOFFS)
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT rel.project_id, MAX(move.billing_cutoff_date)
                         FROM account_move AS move
                         JOIN psa_move_project_rel AS rel ON rel.move_id = move.id
                        WHERE rel.project_id = ANY(%s)
                          AND move.billing_cutoff_date < %s
                          AND move.state <> 'cancel'
                          AND (%s IS NULL OR %s ->> %s IS NOT NULL)
                     GROUP BY rel.project_id""",
                    list(request.project_ids),
                    request.cutoff_date,
                    own,
                    own,
                    OWN,
                )
            )
        )


def period_start(first: date, last_cutoffs: dict) -> date:
    """The earliest transaction, or the day after the last cut-off date.

    :param last_cutoffs: of the projects on the invoice
    """
    return min([first, *(day + timedelta(days=1) for day in last_cutoffs.values())])
