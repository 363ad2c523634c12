# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_invoice_detail
from . import psa_invoice_detail_credits
from . import psa_invoice_detail_rows
from . import psa_invoice_detail_write_offs
from . import psa_invoice_detail_agreement
from . import psa_transaction_mixin
from . import psa_transaction_figures
from . import psa_transaction_write_offs
from . import sale_order_line_elsewhere
from . import sale_order_line_excluded
from . import account_move_line_billed
