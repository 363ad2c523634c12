"""What can be given on the command line."""

import argparse
from dataclasses import fields

from .sizes import Sizes


def parsed(program: str, arguments: list[str]) -> Sizes:
    """:param arguments: ``--projects=1000`` and the like"""
    parser = argparse.ArgumentParser(prog=program, description=Sizes.__doc__)
    for field in fields(Sizes):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    return Sizes(**vars(parser.parse_args(arguments)))
