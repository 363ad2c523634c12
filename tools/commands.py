"""What ``python3 -m tools`` can do."""

import argparse

from . import (
    audit,
    database,
    linting,
    pythons,
    system_packages,
    testing,
    translations,
    web_server,
)


def run(arguments: list[str]) -> int:
    """Carry out one command.

    :return: exit status
    """
    parser = argparse.ArgumentParser(prog="python3 -m tools")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="get Odoo, PostgreSQL and a template database")
    commands.add_parser("run", help="the demo in the browser")
    commands.add_parser("stop", help="stop whatever runs")
    commands.add_parser("clean", help="stop, and remove everything")
    for name, text in (
        ("test", "all suites, or a part of ours"),
        ("test-core", "Odoo's own suites with the add-on installed"),
        ("test-with", "a billing life beside other modules (MODULES)"),
        ("test-all", "each suite on the oldest and the newest PostgreSQL"),
        ("lint", "formatting and style"),
        ("bench", "what billing costs, beside its peers"),
        ("profile", "where the time of a draft invoice goes"),
    ):
        test = commands.add_parser(name, help=text)
        test.add_argument("rest", nargs="*", help="passed on (pytest, for example)")
    commands.add_parser("test-fast", help="an install and a part of the tests")
    commands.add_parser("test-pythons", help="the same on every Python that is here")
    suite = commands.add_parser("suite", help="one suite of tests, whole")
    suite.add_argument("name", choices=[*testing.SUITES, *testing.LONG_SUITES])
    suite.add_argument("rest", nargs="*", help="modules of Odoo's own suites")
    commands.add_parser("audit", help="check the ledger of a database")
    commands.add_parser("i18n", help="strings of the add-ons into the translations")
    known, rest = parser.parse_known_args(arguments)
    rest = [*getattr(known, "rest", []), *rest]
    if known.command == "setup":
        system_packages.ensure(
            system_packages.PDF, system_packages.BROWSER, required=False
        )
        database.addon_template()
        database.test_template()
        return 0
    if known.command == "run":
        return web_server.run()
    if known.command == "audit":
        return audit.audit()
    if known.command == "i18n":
        return translations.update()
    if known.command == "test-fast":
        return pythons.test_fast()
    if known.command == "test-pythons":
        return pythons.test_pythons()
    if known.command == "test-core":
        return testing.test_core(rest)
    if known.command == "test-with":
        return testing.test_with()
    if known.command == "test-all":
        return testing.test_all()
    if known.command == "suite":
        return testing.suite(known.name, rest)
    return {
        "bench": testing.bench,
        "lint": linting.lint,
        "profile": testing.profile,
        "test": testing.test,
    }[known.command](rest)
