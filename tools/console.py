"""What the tools say: steps while they work, and problems with their remedy."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager


class Problem(Exception):
    """Something the person at the keyboard can put right.

    :param what: what is wrong, in one sentence
    :param remedy: what to do about it
    """

    def __init__(self, what: str, remedy: str):
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


@contextmanager
def step(text: str):
    """Announce a piece of work and say how long it took."""
    started = time.monotonic()
    say(f"==> {text} ...")
    yield
    say(f"    done in {time.monotonic() - started:.0f} s")


class Progress:
    """A count that stays on one line of a terminal and out of the way in a log."""

    def __init__(self, label: str):
        self.label = label
        self.live = sys.stdout.isatty()

    def show(self, done: int, total: int, what: str = "") -> None:
        """Show ``done`` of ``total``; in a log only every tenth."""
        if self.live:
            print(
                f"\r    {self.label} {done}/{total} {what:<40.40}", end="", flush=True
            )
        elif done == total or done % 10 == 0:
            say(f"    {self.label} {done}/{total}")

    def close(self) -> None:
        """Leave the line."""
        if self.live:
            print("\r" + " " * 78 + "\r", end="", flush=True)
