# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import res_partner
from . import sale_order
from . import project_project
from . import project_project_figures
from . import project_project_next
from . import project_project_start
from . import project_project_links
