# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import shared
from . import settings
from . import ledger
from . import transaction
from . import billing
from . import invoice
from . import schedule
from . import project
from . import backlog
from . import api
