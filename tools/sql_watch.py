"""pytest's plugin that reads every statement which the tests make Odoo send.

Whatever PostgreSQL they run on, a test fails whose statement would not be understood
by the oldest one that Odoo runs on.
"""

from __future__ import annotations

import pytest

from odoo.sql_db import Cursor
from odoo.tools import SQL

from .newer_sql import newer_constructs

_read: set[str] = set()
_newer: list[str] = []
_execute = Cursor.execute


def pytest_configure():
    Cursor.execute = _watched_execute


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown():
    yield
    if _newer:
        text = "\n\n".join(_newer)
        _newer.clear()
        pytest.fail(text, pytrace=False)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"{len(_read)} statements were read.")


def _watched_execute(self, query, params=None, log_exceptions=True):
    _execute(self, query, params, log_exceptions)
    # Once, whatever its values; with the first of them, as they are no SQL without.
    template = query.code if isinstance(query, SQL) else str(query)
    if template not in _read:
        _read.add(template)
        text = self._obj.query.decode()
        for construct in newer_constructs(text):
            _newer.append(f"{construct}:\n{text}")
