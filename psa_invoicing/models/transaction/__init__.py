# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_transaction_selecting
from . import psa_reinvoiced_cost
from . import account_analytic_line
from . import account_analytic_line_costs
from . import account_analytic_line_locks
from . import hr_expense
from . import project_milestone
from . import sale_order_line
from . import sale_order_line_amounts
from . import sale_order_line_following
from . import sale_order_line_locks
from . import sale_order_line_rates
from . import project_project_orders
from . import account_move_line_costs
from . import account_move_line_corrected
from . import product_template_policy
