"""``python3 -m tools <command>``: see ``commands.py`` for what there is."""

from __future__ import annotations

import os
import sys

from . import bootstrap, cleaning, odoo_source
from .bootstrap import INSIDE
from .console import Problem
from .settings import ROOT


def main() -> int:
    """Carry out the command, inside the environment unless it removes that."""
    try:
        if sys.argv[1:2] == ["stop"]:
            return cleaning.stop()
        if sys.argv[1:2] == ["clean"]:
            return cleaning.clean()
        if os.environ.get(INSIDE) != "1":
            odoo_source.check_given()
            python = bootstrap.ensure_environment()
            os.chdir(ROOT)
            os.environ[INSIDE] = "1"
            os.execv(python, [python, "-m", "tools", *sys.argv[1:]])
        from . import commands

        return commands.run(sys.argv[1:])
    except Problem as problem:
        return _refuse(problem)
    except PermissionError as error:
        what = f"{error.filename}: {error.strerror}."
        return _refuse(Problem(what, "Run this as its owner, or name another folder."))
    except KeyboardInterrupt:
        print("\nInterrupted; the same command continues.", file=sys.stderr)
        return 130


def _refuse(problem: Problem) -> int:
    print(f"\nProblem: {problem.what}\nRemedy:  {problem.remedy}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
