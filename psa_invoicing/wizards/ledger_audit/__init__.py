# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_ledger_audit
from . import checks
from . import transactions_agree
from . import lines_are_sums
from . import credit_is_exact
from . import odoo_agrees
