# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import psa_transaction_decisions
from . import psa_billing_leakage
from . import psa_backlog
from . import psa_backlog_rows
from . import psa_backlog_terms
from . import psa_backlog_finding
from . import psa_backlog_deciding
from . import psa_backlog_counts
from . import psa_backlog_groups
from . import psa_start_page
