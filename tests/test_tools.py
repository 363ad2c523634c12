"""What the tools cannot work with gets one sentence and a remedy, no traceback."""

import ast
import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

import tools
from tools.bootstrap import INSIDE
from tools.lanes import Process, Work
from tools.odoo_process import environment
from tools.odoo_source import TESTED, odoo_source
from tools.settings import ROOT

TOO_OLD = ("python2.7", "python3.6", "python3.7", "python3.8", "python3.9")
RELEASE = "version_info = {info}\nversion = {version!r}\n"
TEXTS = '"POT-Creation-Date: {day} 18:35+0000\\n"\n'


INSTALL = """
import sys
from pathlib import Path
from tools.console import Problem
from tools.odoo_process import run_to_end

try:
    run_to_end("psa_none", Path(sys.argv[1]))
except Problem as problem:
    sys.exit(problem.what + chr(10) + problem.remedy)
"""


def refused(command: str, python: str = sys.executable, **environment) -> str:
    """Run a command, from its very start, that must fail.

    :return: what it says
    """
    done = subprocess.run(
        [python, "-m", "tools", command],
        cwd=ROOT,
        env={**os.environ, INSIDE: "", **{k: str(v) for k, v in environment.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def checkout(folder: Path, info=(19, 0, 0), version="19.0", day=TESTED) -> Path:
    """A folder of the shape of Odoo's repository."""
    texts = folder / "addons" / "sale_timesheet" / "i18n"
    texts.mkdir(parents=True)
    (texts / "sale_timesheet.pot").write_text(TEXTS.format(day=day))
    (folder / "odoo" / "addons" / "base").mkdir(parents=True)
    release = folder / "odoo" / "release.py"
    release.write_text(RELEASE.format(info=info, version=version))
    (folder / "odoo-bin").write_text("raise SystemExit('This is no Odoo.')\n")
    return folder


def test_an_old_python_understands_the_refusal():
    """A file that it cannot read would greet with a SyntaxError."""
    source = Path(tools.__file__).read_text()
    ast.parse(source, feature_version=(3, 4))
    for name in filter(shutil.which, TOO_OLD):
        # One that pyenv has put on the path may lead nowhere.
        if not subprocess.run([name, "-c", ""], capture_output=True).returncode:
            said = refused("run", python=name)
            assert "Odoo 19 runs on 3.10 to 3.13" in said


@pytest.mark.parametrize("missing", ["odoo-bin", "odoo/release.py", "addons", "."])
def test_a_folder_that_is_no_odoo(tmp_path, missing):
    gone = checkout(tmp_path / "odoo") / missing
    gone.unlink() if gone.is_file() else shutil.rmtree(gone)
    said = refused("run", ODOO_PATH=tmp_path / "odoo")
    assert f"{tmp_path}/odoo is no complete Odoo checkout" in said
    assert "Point ODOO_PATH to" in said


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ((18, 0, 0), "18.0"),
        (("saas~18", 4, 0), "saas~18.4"),
        ((19, 1, 0), "19.1"),
        (("saas~19", 1, 0), "saas~19.1"),
    ],
)
def test_another_version_of_odoo(tmp_path, info, version):
    given = checkout(tmp_path / "odoo", info, version)
    said = refused("run", ODOO_PATH=given)
    assert f"{given} is Odoo {version}." in said
    assert "need Odoo 19.0" in said


def test_an_odoo_older_than_ours_is_named_with_its_date(tmp_path):
    """It may work all the same; where it does not, its age is the likely cause."""
    old = TESTED - timedelta(days=1)
    given = checkout(tmp_path / "odoo", day=old)
    done = subprocess.run(
        [sys.executable, "-c", INSTALL, tmp_path / "odoo.log"],
        cwd=ROOT,
        env={**os.environ, "ODOO_PATH": str(given)},
        capture_output=True,
        text=True,
    )
    age = f"{given} is of about {old}, older than that of {TESTED}"
    assert age in done.stdout, "said beforehand"
    what, remedy = done.stderr.splitlines()
    assert age in what
    assert "Update it" in remedy and "odoo.log" in remedy


def test_the_age_of_this_odoo_is_known():
    assert date(2025, 9, 1) < odoo_source().built


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    said = refused("run", PSA_STATE=tmp_path / "file" / "state")
    assert "cannot be written" in said
    assert "make run PSA_CACHE=... PSA_STATE=..." in said


def test_odoo_reloads_itself_with_its_packages():
    """As ``odoo.service.server`` does, when a request took too long or too much."""
    reload = (
        "import os, sys; os.execve(sys.executable, "
        "[os.path.basename(sys.executable), '-c', 'import babel, odoo'], os.environ)"
    )
    subprocess.run([sys.executable, "-c", reload], env=environment(), check=True)


def test_a_python_named_by_mistake():
    said = refused("test-pythons", PYTHONS="/bin/false")
    assert "/bin/false is no Python that can make environments" in said


@pytest.mark.parametrize("is_shared", [True, False])
def test_who_shares_a_suite_is_told_where(monkeypatch, is_shared):
    """Suites within another work are run whole: each Python runs all of its tests."""
    monkeypatch.setenv("PSA_SHARE", "the folder of the suite that runs this test")
    told = [sys.executable, "-c", "import os, sys; sys.exit('PSA_SHARE' in os.environ)"]
    process = Process(Work("telling", told, is_shared=is_shared))
    assert process.process.wait() == is_shared
