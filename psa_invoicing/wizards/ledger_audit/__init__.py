# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_ledger_audit
from . import checks
from . import never_twice
from . import lines_are_sums
from . import transactions_agree
from . import credit_is_exact
from . import order_lines_agree
from . import invoices_agree
