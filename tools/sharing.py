"""A pytest plugin: processes that run one suite side by side share its files.

Each collects all of them, and runs the next that nobody else has begun. What they tell
each other is in the folder that ``PSA_SHARE`` names; at the end each leaves its figures
there. Without the variable the plugin does nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = "PSA_SHARE"
# One file of tests that takes as long as many: the last one to start would be waited
# for. Of the others, the longest come first.
LONG = ("test_state_machine.py",)
# How a line begins that a test which passed prints for whoever reads the summary.
FIGURES = "Figures: "


def pytest_configure(config):
    if folder := os.environ.get(FOLDER):
        config.pluginmanager.register(Sharing(config, Path(folder)))


def pytest_terminal_summary(terminalreporter):
    for line in _told(terminalreporter):
        terminalreporter.write_line(line)


def _told(reporter) -> list[str]:
    """What tests that passed have to tell."""
    printed = [report.capstdout for report in reporter.stats.get("passed", ())]
    lines = "\n".join(printed).splitlines()
    return [line for line in lines if line.startswith(FIGURES)]


class Sharing:
    """What this process does for the suite."""

    def __init__(self, config, folder: Path):
        self.config = config
        self.folder = folder
        self.ran = 0

    def pytest_collection_finish(self, session):
        self._leave(f"files-{os.getpid()}", len({item.path for item in session.items}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """As pytest's own loop, over the tests that are this process's."""
        if session.testsfailed:
            # A file that could not be collected: pytest says so.
            return None
        items = self._own(session.items)
        item = next(items, None)
        while item is not None:
            # Known before the item is run: what both use stays set up.
            following = next(items, None)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.ran += 1
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            item = following
        return True

    def _own(self, items: list[pytest.Item]) -> Iterator[pytest.Item]:
        """The tests of each file that this process is the first to begin."""
        by_file: dict[Path, list[pytest.Item]] = {}
        for item in items:
            by_file.setdefault(item.path, []).append(item)
        for path in sorted(by_file, key=_length, reverse=True):
            if self._begin(path):
                yield from by_file[path]

    def _begin(self, path: Path) -> bool:
        """:return: whether no other process has begun this file"""
        try:
            (self.folder / f"begun-{'-'.join(path.parts[-3:])}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def pytest_sessionfinish(self, session):
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        stats = reporter.stats
        figures = {
            "collected": session.testscollected,
            "ran": self.ran,
            "passed": len(stats.get("passed", ())),
            "failed": len(stats.get("failed", ())) + len(stats.get("error", ())),
            "skipped": len(stats.get("skipped", ())),
            "told": _told(reporter),
        }
        self._leave(f"figures-{os.getpid()}", figures)

    def _leave(self, name: str, what) -> None:
        """Write a file that nobody sees before it is complete."""
        partial = self.folder / f".{name}"
        partial.write_text(json.dumps(what))
        partial.rename(self.folder / name)


def _length(path: Path) -> tuple[bool, int]:
    return path.name in LONG, path.stat().st_size
