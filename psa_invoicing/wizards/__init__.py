# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import account_move_reversal
from . import account_move_send_wizard
from . import account_payment_register
from . import psa_adopt_draft
from . import psa_contract_line_change
from . import psa_contract_rate
from . import psa_invoice_correction
from . import psa_ledger_audit
from . import psa_ledger_checks
from . import psa_manual_invoice
from . import psa_project_backlog
from . import psa_reset_to_draft
from . import psa_review_comment
from . import psa_row_removal
from . import psa_send
from . import psa_transaction_decision
from . import psa_unbilled
