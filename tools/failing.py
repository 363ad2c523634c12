"""A pytest plugin: leaves the names of tests that failed in the file that
``PSA_FAILED`` names."""

import os
from pathlib import Path

FILE = "PSA_FAILED"


def pytest_terminal_summary(terminalreporter):
    reports = [
        report
        for outcome in ("failed", "error")
        for report in terminalreporter.stats.get(outcome, ())
    ]
    names = sorted({report.nodeid for report in reports})
    Path(os.environ[FILE]).write_text("\n".join(names))
