# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import test_billing
from . import test_calendar
from . import test_credit_notes
from . import test_draft_changes
from . import test_frequency_and_schedule
from . import test_history
from . import test_invoice_life
from . import test_invoice_run
from . import test_manual_invoice
from . import test_milestones
from . import test_never_twice
from . import test_odoo_button
from . import test_performance
from . import test_rights
from . import test_send_and_pay
from . import test_tours
from . import test_transactions
