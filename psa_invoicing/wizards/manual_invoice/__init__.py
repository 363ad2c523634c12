# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_manual_invoice
from . import psa_manual_invoice_line
from . import psa_manual_invoice_filling
from . import psa_manual_invoice_review
from . import psa_manual_invoice_tree
from . import psa_manual_invoice_left_out
from . import psa_manual_invoice_finding
from . import psa_manual_invoice_api
