# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import test_enqueuing
from . import test_job_failures
from . import test_working
