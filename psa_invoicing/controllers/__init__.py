# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import export
from . import portal
from . import preview
