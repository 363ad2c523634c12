"""Every place where the add-ons ask for the time says whose day it means.

Dates are days in the calendar of the company. Whoever needs today, or the day of a
moment, asks ``res.company`` (``_billing_today``, ``_billing_day``, and the same in SQL)
or ``project.project`` (``_billing_today``); neither is listed here. What asks Python,
Odoo, PostgreSQL or the browser is, with a reason.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.settings import ADDONS, ROOT

COMPANY = "the day of the company: this is how it is told"
INSTANT = "a moment, in UTC, compared with moments alone"
NIGHT = "the night of a scheduled run, which bills all companies, in UTC"
NO_ZONE = "dates only: no moment is turned into a day"
USER = "the day of the user: a list or a colour to look at; no figure hangs on it"
SERVER = "the day of the server, on which the add-on is installed"

PLACES = {
    COMPANY: {
        "psa_invoicing/models/settings/res_company.py": {
            "_billing_day",
            "_billing_day_sql",
            "_billing_today",
            "_billing_today_sql",
        },
        "psa_invoicing/models/settings/resource_calendar.py": {"_billing_holidays"},
    },
    INSTANT: {
        "psa_invoicing/models/invoice/account_move_review.py": {
            "_psa_remind_of_drafts"
        },
        "psa_invoicing/models/schedule/psa_invoice_run.py": {
            "_compute_progress",
            "_gc_dry_runs",
        },
        "psa_invoicing/models/schedule/psa_invoice_run_driving.py": {"_finish"},
        "psa_invoicing/models/schedule/psa_invoice_run_telling.py": {
            "_cron_problem",
            "_endless_run_problem",
        },
        "psa_invoicing/models/transaction/psa_reinvoiced_cost.py": {"_follow_sql"},
        "psa_invoicing/models/transaction/sale_order_line.py": {
            "_timesheet_create_project_prepare_values"
        },
        "psa_invoicing/wizards/manual_invoice/psa_manual_invoice_filling.py": {
            "_insert_sql"
        },
        "psa_invoicing/wizards/psa_unbilled.py": {"_insert_sql"},
        "psa_invoicing_queue/models/psa_invoice_run_health.py": {"_idle_problem"},
    },
    NIGHT: {
        "psa_invoicing/models/schedule/psa_invoice_run_driving.py": {"_cron_run_due"},
        "psa_invoicing_queue/models/psa_invoice_run.py": {"_job_count"},
    },
    NO_ZONE: {
        "psa_invoicing/models/billing/kept_decisions.py": {"_decided_sql"},
        "psa_invoicing/core/calendar.py": {"_dates_in_months", "_nominal_dates"},
        "psa_invoicing/models/project/project_project_figures.py": {
            "_psa_ledger_sql",
            "_psa_never_charged_sql",
        },
    },
    USER: {
        "psa_invoicing/views/account_move_overview_views.xml": {"div"},
        "psa_invoicing/views/account_move_views.xml": {"div", "list", "overdue"},
        "psa_invoicing/views/project_project_views.xml": {"billing_due"},
        "psa_invoicing/views/psa_backlog_views.xml": {"older_30", "older_60"},
        "psa_invoicing/views/psa_invoice_schedule_views.xml": {"due", "this_month"},
    },
    SERVER: {
        "psa_invoicing/data/ir_cron.xml": {"nextcall"},
        "psa_invoicing/demo/contracts.xml": {"billing_date", "reached_date"},
        "psa_invoicing/demo/costs.xml": {"date", "invoice_date"},
        "psa_invoicing/demo/schedules.xml": {"billing_start_date"},
        "psa_invoicing/demo/transactions.xml": {"date", "value"},
    },
}

# What tells the time, or turns a moment into a day: in Python, in SQL, on a screen.
ASKING = {"context_today", "now", "today", "utcnow", "fromtimestamp", "time_ns"}
IN_SQL = re.compile(
    r"\bnow\(\)|\bcurrent_(date|time)|\blocaltime|\w+_timestamp\(\)|::date\b"
    r"|::timestamp|at time zone|^today\b|^now *[-+]",
    re.IGNORECASE,
)
ON_SCREEN = re.compile(r"\b(today|now|current_date|context_today|datetime|strftime)\b")
IN_BROWSER = re.compile(
    r"\bnew Date\b|\bDate\.now\b|\bluxon\b|\bDateTime\b|\btoday\b|_date_today"
)
COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
PROSE = {"confirm", "help", "placeholder", "string", "title"}


def in_python(source: str) -> Iterator[str]:
    """:return: the functions, or fields, that ask"""
    yield from _in_node(ast.parse(source), "")


def _in_node(node: ast.AST, owner: str) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        owner = node.name
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        owner = owner if owner.startswith("_") else node.targets[0].id
    if _asks(node):
        yield owner
    for child in ast.iter_child_nodes(node):
        if not _is_docstring(node, child):
            yield from _in_node(child, owner)


def _asks(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name) if name in ASKING:
            return True
        case ast.ImportFrom(names=names):
            return bool(ASKING & {each.name for each in names})
        case ast.Call(func=ast.Attribute(attr="date"), args=[], keywords=[]):
            return True
        case ast.Constant(value=str(text)):
            return bool(IN_SQL.search(text))
    return False


def _is_docstring(node: ast.AST, child: ast.AST) -> bool:
    return (
        isinstance(child, ast.Expr)
        and isinstance(child.value, ast.Constant)
        and hasattr(node, "body")
    )


def in_xml(source: str) -> Iterator[str]:
    """:return: names of what is shown, filtered or loaded by it"""
    for element in ElementTree.fromstring(source).iter():
        asked = [
            text
            for name, text in element.attrib.items()
            if name not in PROSE and ON_SCREEN.search(text)
        ]
        if asked:
            yield element.get("name") or element.tag


def in_javascript(source: str) -> Iterator[str]:
    """:return: the lines that ask"""
    for line in COMMENTS.sub("", source).splitlines():
        if IN_BROWSER.search(line):
            yield line.strip()


READERS = {".py": in_python, ".xml": in_xml, ".js": in_javascript}


def sources() -> Iterator[Path]:
    """The code of the add-ons, without their tests."""
    for addon in ADDONS:
        for path in sorted((ROOT / addon).rglob("*")):
            if path.suffix in READERS and "tests" not in path.parts:
                yield path


def found() -> set[tuple[str, str]]:
    """:return: file and place of all that asks for the time"""
    return {
        (str(path.relative_to(ROOT)), place)
        for path in sources()
        for place in READERS[path.suffix](path.read_text())
    }


def listed() -> list[tuple[str, str]]:
    return [
        (path, place)
        for files in PLACES.values()
        for path, places in files.items()
        for place in places
    ]


def test_each_says_whose_day_it_means():
    unknown = found() - set(listed())
    assert not unknown, "ask the company for its day, or say above whose day it is"


def test_what_is_gone_is_not_listed():
    assert not set(listed()) - found()


def test_nothing_means_two_days():
    assert len(listed()) == len(set(listed()))


@pytest.mark.parametrize(
    "line",
    [
        "day = fields.Date.today()",
        "day = fields.Date.context_today",
        "day = datetime.now()",
        "day = order.date_order.date()",
        "day = 'SELECT CURRENT_DATE'",
        "day = f'{a} = now()'",
        "day = [('date', '<', 'today -30d')]",
        "from odoo.fields import today",
    ],
)
def test_a_new_one_in_python_is_found(line):
    assert list(in_python(f"def _new():\n    {line}\n")) == ["_new"]


def test_others_in_python_are_not():
    source = (
        '"""Today and now()."""\ntoday = company._billing_today()\nday = today.day\n'
    )
    assert not list(in_python(source))


def test_a_new_one_on_a_screen_is_found():
    today = "domain=\"[('date', '=', context_today())]\""
    view = f"<search><filter name='due' string='Today' {today}/></search>"
    assert list(in_xml(view)) == ["due"]
    assert not list(in_xml("<field string='Today'>today</field>"))
    assert list(in_javascript("a = 1; // today\nconst { DateTime } = luxon;")) == [
        "const { DateTime } = luxon;"
    ]
