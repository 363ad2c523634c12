# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tools import sql


def pre_init_hook(env):
    """Add the stored state of project invoices before Odoo would compute it.

    No invoice of a database with years of history is a project invoice yet: there is
    nothing to compute for millions of them.
    """
    sql.create_column(env.cr, "account_move", "psa_state", "varchar")
