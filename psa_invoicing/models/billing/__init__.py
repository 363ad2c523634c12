# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import terms
from . import psa_billing
from . import account_move_brief
from . import account_move_ledger
