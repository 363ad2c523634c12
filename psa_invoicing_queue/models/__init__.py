# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_invoice_run
from . import psa_invoice_run_line
from . import psa_invoice_run_health
