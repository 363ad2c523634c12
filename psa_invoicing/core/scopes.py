# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What of a project is billed on dates of its own.

A project has one billing frequency, and may have others for a type of transaction or
for one contract line. A *scope* is what follows one of them. On a date of the schedule
some scopes are due, each up to a cut-off date of its own; the others wait for theirs.

Plain data, which a draft and a row of the schedule keep as JSON.
"""

from collections.abc import Mapping
from datetime import date

OWN = ""
"""The scope of whatever has no other: it follows the project's own frequency."""

Cutoffs = Mapping[str, date | None]
"""By scope, the last transaction date to bill; None: not due. It names every scope that
the project has."""


def line_scope(sale_line_id: int) -> str:
    """The scope of one contract line."""
    return f"line:{sale_line_id}"


def scope_of(kind: str, sale_line_id: int, scopes) -> str:
    """Which of some scopes a transaction belongs to.

    The contract line counts before the type, and the type before the project:

    >>> scope_of("time", 7, {"": None, "time": None})
    'time'
    >>> scope_of("time", 7, {"": None, "time": None, "line:7": None})
    'line:7'

    :param kind: type of the transaction
    :param sale_line_id: its contract line
    """
    for scope in (line_scope(sale_line_id), kind):
        if scope in scopes:
            return scope
    return OWN


def is_due(kind: str, sale_line_id: int, day: date, cutoffs: Cutoffs) -> bool:
    """Whether a transaction is to be billed.

    :param day: its date
    """
    cutoff = cutoffs.get(scope_of(kind, sale_line_id, cutoffs))
    return cutoff is not None and day <= cutoff


def last(cutoffs: Cutoffs) -> date:
    """The latest cut-off date of what is due.

    :raises ValueError: if nothing is
    """
    return max(cutoff for cutoff in cutoffs.values() if cutoff)


def until(cutoffs: Cutoffs, cutoff_date: date) -> Cutoffs:
    """Follow a person who moved the cut-off date of the whole.

    :return: unchanged if it is what :func:`last` says; else the new date for all that
        is due
    """
    if last(cutoffs) == cutoff_date:
        return cutoffs
    return {scope: cutoff and cutoff_date for scope, cutoff in cutoffs.items()}


def no_later(cutoffs: Cutoffs, limit: date) -> Cutoffs:
    """The same, up to a day that no cut-off date may exceed."""
    return {scope: cutoff and min(cutoff, limit) for scope, cutoff in cutoffs.items()}


def merged(cutoffs: Cutoffs, other: Cutoffs) -> Cutoffs:
    """What is due with one or the other, up to the later cut-off date.

    >>> merged({"": date(2026, 1, 31), "time": None}, {"time": date(2026, 1, 15)})
    {'': datetime.date(2026, 1, 31), 'time': datetime.date(2026, 1, 15)}
    """
    found = dict(cutoffs)
    for scope, cutoff in other.items():
        known = found.get(scope)
        found[scope] = max(known, cutoff) if known and cutoff else known or cutoff
    return found


def to_json(cutoffs: Cutoffs) -> dict:
    """Cut-off dates as text."""
    return {scope: cutoff and cutoff.isoformat() for scope, cutoff in cutoffs.items()}


def from_json(values: Mapping[str, str | None]) -> Cutoffs:
    """The inverse of :func:`to_json`."""
    return {scope: text and date.fromisoformat(text) for scope, text in values.items()}
