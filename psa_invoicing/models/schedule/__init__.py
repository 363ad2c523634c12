# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_billing_frequency
from . import psa_billing_override
from . import psa_invoice_schedule
from . import psa_invoice_schedule_attempts
from . import psa_invoice_run_line
from . import psa_invoice_run
from . import psa_invoice_run_beginning
from . import psa_invoice_run_driving
from . import psa_invoice_run_telling
from . import psa_invoice_schedule_actions
from . import project_milestone_schedule
from . import project_project_planning
from . import account_move_schedule
