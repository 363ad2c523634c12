"""``make profile``: where the time of a draft invoice goes."""

import sys

from tools.console import say

from . import databases
from .arguments import parsed
from .drafts import KINDS
from .sizes import Sizes


def main(arguments: list[str]) -> int:
    """Print the steps of billing and the functions that take longest.

    :param arguments: as of ``make bench``
    :return: exit status
    """
    sizes = parsed("make profile", arguments)
    say(text(run(sizes), sizes))
    return 0


def run(sizes: Sizes) -> dict:
    """Bill as many projects as the sizes say, under a profiler."""
    try:
        projects = databases.prepare_one(
            lambda process: process.ask(
                "data.make_projects",
                sizes.projects,
                sizes.entries,
                sizes.lines,
                KINDS[0],
            )
        )
        with databases.subject(databases.WITH) as ours:
            return ours.ask("profile.drafts", projects)
    finally:
        databases.drop()


def text(found: dict, sizes: Sizes) -> str:
    """Milliseconds for each invoice, line and entry, under the profiler."""
    rest = found["total"] - sum(found["steps"].values())
    lines = [f"{'step':<10}{'share':>8}{'per invoice':>15}{'per entry':>13}"]
    for step, seconds in [*found["steps"].items(), ("rest", rest)]:
        each = seconds * 1000 / found["invoices"]
        lines.append(
            f"{step:<10}{seconds / found['total']:>8.0%}{each:>12.2f} ms"
            f"{each / sizes.entries:>10.3f} ms"
        )
    return "\n".join([*lines, "", found["functions"]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
