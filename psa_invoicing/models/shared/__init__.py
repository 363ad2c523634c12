# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import external_arguments
from . import rights
from . import actions
from . import texts
