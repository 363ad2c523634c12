"""``audit``: check a database against what the ledger of the add-on promises."""

import ast
import json

from . import database, odoo_process
from .console import Problem, say
from .settings import ADDON, ROOT, settings

# What Odoo's shell is told, and the line on which its answer is.
ANSWER = "ledger audit: "
QUESTION = f"""
import json
audit = env["psa.ledger.audit"]
answer = {{"findings": audit._findings(), **audit._counts()}}
print("{ANSWER}" + json.dumps(answer), flush=True)
"""


def audit(name: str | None = None) -> int:
    """Print what is off in a database; nothing is changed.

    :param name: of the database (default: the setting ``DB``)
    :return: exit status, 1 if there are findings
    :raises Problem: if there is no such database, or not with this add-on
    """
    name = name or settings().database
    _check_database(name)
    answer = _ask(name)
    for finding in answer["findings"]:
        say(f"{finding['reference']} ({finding['check']})")
        say(f"    {finding['message']}")
    checked = (
        f"{answer['invoice_count']} invoices and "
        f"{answer['transaction_count']} transactions checked in {name!r}"
    )
    if not answer["findings"]:
        say(f"Nothing is off: {checked}.")
        return 0
    say(f"\n{len(answer['findings'])} findings: {checked}. Nothing was changed.")
    return 1


def _check_database(name: str) -> None:
    if not database.exists(name):
        raise Problem(
            f"There is no database {name!r}.",
            "Name one with DB=..., or make the demo with: make run",
        )
    installed = database.installed_version(name)
    if not installed:
        raise Problem(
            f"The add-on is not installed in {name!r}.",
            "Name another database with DB=..., or install Project Service Invoicing.",
        )
    if installed != _version_here():
        raise Problem(
            f"The add-on in {name!r} is {installed}, and the one here "
            f"{_version_here()}.",
            f"Upgrade it first, or use the code of {installed}.",
        )


def _version_here() -> str:
    text = (ROOT / ADDON / "__manifest__.py").read_text()
    return ast.literal_eval(text)["version"]


def _ask(name: str) -> dict:
    """Let Odoo itself carry out the checks.

    :raises Problem: if it fails
    """
    log = settings().logs / f"{name}_audit.log"
    done = odoo_process.shell(name, QUESTION, log)
    for line in done.stdout.splitlines():
        if line.startswith(ANSWER):
            return json.loads(line.removeprefix(ANSWER))
    for line in log.read_text().splitlines()[-20:]:
        say(line)
    raise Problem(
        f"Odoo could not check {name!r}.",
        f"The lines above are from {log}; after a change of the code: make run",
    )
