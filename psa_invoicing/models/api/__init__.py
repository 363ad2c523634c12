# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_invoice_run_api
from . import project_project_api
from . import account_move_api
