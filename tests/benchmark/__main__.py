"""``make bench``: the table."""

import sys

from tools.console import say

from . import (
    daily,
    databases,
    drafts,
    installation,
    milestones,
    recalculation,
    runs,
    screens,
    sending,
    table,
    wizard,
    workers,
)
from .arguments import parsed
from .sizes import Sizes


def main(arguments: list[str]) -> int:
    """Measure, and print the table.

    :param arguments: ``--projects=1000`` and the like
    :return: exit status
    """
    say(table.text(run(parsed("make bench", arguments))))
    return 0


def run(sizes: Sizes) -> list[table.Line]:
    """Make the data, measure everything, and remove the data."""
    try:
        return [
            *_billing(sizes),
            *_runs(sizes),
            *_workers(sizes),
            *_pages(sizes),
            *wizard.run(sizes),
            *_installation(sizes),
        ]
    finally:
        databases.drop()


def _billing(sizes: Sizes) -> list[table.Line]:
    projects, large_drafts, fixed_price = databases.prepare(
        lambda process: (
            drafts.make(process, sizes),
            recalculation.make(process, sizes),
            milestones.make(process, sizes),
        )
    )
    with (
        databases.subject(databases.WITH) as ours,
        databases.subject(databases.WITHOUT) as others,
    ):
        lines = [
            *drafts.measure(ours, others, projects, sizes),
            *recalculation.measure(ours, large_drafts, sizes),
            *milestones.measure(ours, others, fixed_price, sizes),
        ]
        ids = projects[drafts.KINDS[0]][: sizes.together]
        invoices = drafts.make_invoices(ours, others, ids)
        return [
            *lines,
            *daily.measure(ours, others, ids, invoices, sizes),
            *sending.measure(ours, others, invoices, sizes),
        ]


def _runs(sizes: Sizes) -> list[table.Line]:
    few = databases.prepare_runs(
        lambda process: runs.make_few(process, sizes),
        lambda process, made: runs.make_many(process, sizes, made),
    )
    return runs.measure(few, sizes)


def _workers(sizes: Sizes) -> list[table.Line]:
    projects = databases.prepare_workers(lambda process: workers.make(process, sizes))
    return workers.measure(projects, sizes)


def _pages(sizes: Sizes) -> list[table.Line]:
    project = databases.prepare_pages(
        lambda process: screens.make_small(process, sizes),
        lambda process: screens.make_large(process, sizes),
    )
    with (
        databases.subject(databases.SMALL) as small,
        databases.subject(databases.LARGE) as large,
    ):
        return screens.measure(small, large, project, sizes)


def _installation(sizes: Sizes) -> list[table.Line]:
    databases.prepare_history(lambda process: installation.make(process, sizes))
    return installation.measure(sizes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
