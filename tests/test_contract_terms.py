"""What the seams of billing promise, add-ons of a few lines build on."""

import re

import pytest

from tools import database, odoo_process
from tools.odoo_source import odoo_source
from tools.settings import ROOT, settings

FOLDER = ROOT / "tests" / "addons"
NAME = "psa_system_terms"


@pytest.mark.parametrize("example", sorted(path.name for path in FOLDER.iterdir()))
def test_add_ons_may_build_on_it(example):
    """Each is installed, and its own tests run."""
    folders = [*odoo_source().addons, ROOT, FOLDER]
    log = settings().logs / f"{NAME}.log"
    with database.scratch(NAME, database.test_template()):
        odoo_process.run_to_end(
            NAME,
            log,
            f"--addons-path={','.join(map(str, folders))}",
            f"--init={example}",
            f"--test-tags=/{example}",
        )
    assert re.search(r"0 failed, 0 error\(s\) of [1-9]\d* tests", log.read_text())
