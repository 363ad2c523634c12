"""What the seams of billing promise, an add-on of a few lines builds on."""

import re

from tools import database, odoo_process
from tools.odoo_source import odoo_source
from tools.settings import ROOT, settings

EXAMPLE = "psa_example_monthly_hours"
NAME = "psa_system_terms"


def test_an_add_on_may_limit_what_is_billed():
    """It is installed, and its own tests run."""
    folders = [*odoo_source().addons, ROOT, ROOT / "tests" / "addons"]
    log = settings().logs / f"{NAME}.log"
    database.copy(database.test_template(), NAME)
    try:
        odoo_process.run_to_end(
            NAME,
            log,
            f"--addons-path={','.join(map(str, folders))}",
            f"--init={EXAMPLE}",
            f"--test-tags=/{EXAMPLE}",
        )
    finally:
        database.drop(NAME)
    assert re.search(r"0 failed, 0 error\(s\) of [1-9]\d* tests", log.read_text())
