# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_billing_frequency
from . import psa_invoice_schedule
from . import psa_invoice_run
from . import psa_invoice_detail
from . import psa_billing_selection
from . import psa_billing_writing
from . import psa_billing_recalculation
from . import psa_transaction_mixin
from . import account_analytic_line
from . import project_milestone
from . import sale_order
from . import sale_order_line
from . import project_project
from . import account_move
from . import account_move_line
from . import account_move_send
from . import mail_mail
