"""``make bench``: the table."""

import argparse
import sys
from dataclasses import fields

from tools.console import say

from . import databases, drafts, table
from .sizes import Sizes


def main(arguments: list[str]) -> int:
    """Measure, and print the table.

    :param arguments: ``--projects=1000`` and the like
    :return: exit status
    """
    parser = argparse.ArgumentParser(prog="make bench")
    for field in fields(Sizes):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    sizes = Sizes(**vars(parser.parse_args(arguments)))
    say(table.text(run(sizes)))
    return 0


def run(sizes: Sizes) -> list[table.Line]:
    """Make the data, measure everything, and remove the data."""
    try:
        projects = databases.prepare(lambda process: drafts.make(process, sizes))
        with (
            databases.subject(databases.WITH) as ours,
            databases.subject(databases.WITHOUT) as others,
        ):
            return drafts.measure(ours, others, projects, sizes)
    finally:
        databases.drop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
