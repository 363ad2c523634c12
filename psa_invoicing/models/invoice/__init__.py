# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import account_journal
from . import psa_invoice_detail_editing
from . import account_move
from . import account_move_agreement
from . import account_move_credit
from . import account_move_recalculation
from . import account_move_sending
from . import account_move_dates
from . import account_move_conflict
from . import account_move_annex
from . import account_move_review
from . import account_move_links
from . import account_move_line
from . import account_move_send
from . import mail_mail
