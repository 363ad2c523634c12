# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import external_arguments
from . import rights
from . import client_context
from . import psa_guard
from . import actions
from . import texts
from . import psa_exported
from . import psa_internal
from . import psa_pointing
