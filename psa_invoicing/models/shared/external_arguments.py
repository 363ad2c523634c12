# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What other systems send with a call: plain values, checked before they are used."""

from collections.abc import Collection
from datetime import date
from math import isfinite, nan

from odoo import fields, models
from odoo.exceptions import MissingError, UserError

from ...core.kinds import SOURCES, Key

# Transactions and invoices are of these; days around them exist, too.
FIRST_YEAR, LAST_YEAR = 1950, 2250
# The first whole number that a column cannot keep.
TOO_MANY = 2**31
# What is said of many records is kept with each of them.
LONGEST_REASON = 2000


def as_date(env, value) -> date | None:
    """:param value: ``YYYY-MM-DD``, a date, or nothing
    :raises UserError: for anything else, and for a date of another age
    """
    try:
        found = fields.Date.to_date(value) or None
    except (TypeError, ValueError):
        found = date.min
    if found and not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise UserError(
            env._(
                "“%(value)s” is no date. Write year, month and day, such as "
                "%(example)s.",
                value=value,
                example="2026-12-31",
            )
        )
    return found


def as_text(value) -> str:
    """:param value: what somebody wrote, or nothing
    :return: the beginning of it; '' for what nobody can see, too, such as spaces of
        no width
    """
    text = str(value or "").strip()[:LONGEST_REASON]
    return text if any(map(str.isprintable, "".join(text.split()))) else ""


def as_word(env, word, known: Collection[str]) -> str:
    """:raises UserError: for a word that is not among the known ones"""
    if word not in tuple(known):
        raise UserError(
            env._(
                "“%(word)s” is not known here. Choose from: %(known)s.",
                word=word,
                known=", ".join(known),
            )
        )
    return word


def as_words(env, words, known: Collection[str]) -> tuple[str, ...]:
    """:param words: some of the known ones; nothing: all of them
    :raises UserError: for any other word
    """
    words = words or list(known)
    words = words if isinstance(words, list | tuple) else [words]
    return tuple(as_word(env, word, known) for word in words)


def as_ids(env, ids) -> list[int]:
    """:param ids: of records; nothing: none
    :raises UserError: for what is no id
    """
    ids = ids or ()
    if not isinstance(ids, list | tuple) or not all(
        type(each) is int and each > 0 for each in ids
    ):
        raise UserError(
            env._(
                "%(ids)s are no ids. Write a list of whole numbers, such as "
                "%(example)s.",
                ids=ids,
                example="[7, 8]",
            )
        )
    return list(ids)


def as_keys(env, picks) -> list[Key]:
    """:param picks: kinds of transactions and their ids; nothing: none
    :raises UserError: for what is no transaction
    """
    picks = picks or ()
    ids: dict[str, list[int]] = {}
    for pick in picks if isinstance(picks, list | tuple) else [picks]:
        if not isinstance(pick, list | tuple) or len(pick) != 2:
            raise UserError(
                env._(
                    "“%(pick)s” is no transaction. Write its kind and its id, such as "
                    "%(example)s.",
                    pick=pick,
                    example='["time", 12]',
                )
            )
        source, source_id = pick
        ids.setdefault(as_word(env, source, SOURCES), []).append(source_id)
    return [(source, each) for source in ids for each in as_ids(env, ids[source])]


def as_records(model: models.BaseModel, ids) -> models.BaseModel:
    """:param ids: of records of the model; nothing: none
    :raises UserError: for an id that there is not, or that is none
    :raises AccessError: for records that the user may not read
    """
    records = check_exist(model.browse(as_ids(model.env, ids)))
    records.check_access("read")
    return records


def check_exist(records: models.BaseModel) -> models.BaseModel:
    """The records that a call is about.

    :raises UserError: unless all of them exist
    """
    if missing := records - records.exists():
        raise MissingError(
            records.env._(
                "There is no %(model)s with the id %(ids)s.",
                model=records.env["ir.model"]._get(records._name).name,
                ids=", ".join(map(str, missing.ids)),
            )
        )
    return records


def check_switched_on(env, companies: models.BaseModel):
    """:param companies: of the work that a call is about
    :raises UserError: unless all of them are switched on
    """
    # sudo: whose work it is may be said to whoever sees it.
    foreign = (companies - env.companies).sudo()
    if foreign and not env.su:
        raise UserError(
            env._(
                "This work belongs to %(company)s. Switch that company on to change "
                "it.",
                company=", ".join(foreign.mapped("name")),
            )
        )


def as_number(env, value) -> float:
    """:raises UserError: for what is no number, or without end"""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = nan
    if not isfinite(found):
        raise UserError(env._("“%(value)s” is no number.", value=value))
    return found


def as_count(env, value) -> int:
    """:raises UserError: for what is no whole number from 0 on"""
    found = as_number(env, value)
    if not 0 <= found < TOO_MANY or found % 1:
        raise UserError(env._("“%(value)s” is no number.", value=value))
    return int(found)


def as_named(env, values) -> dict:
    """:param values: by name, or nothing
    :raises UserError: for anything else
    """
    if values and not isinstance(values, dict):
        raise UserError(
            env._(
                "“%(values)s” has no names. Write values by name, such as %(example)s.",
                values=values,
                example='{"quantity": 1.5}',
            )
        )
    return values or {}


def as_quantities(records: models.BaseModel, quantities) -> dict[int, float]:
    """:param quantities: by id; in JSON keys are texts
    :raises UserError: for what is no number, or of another record
    """
    try:
        found = {int(key): value for key, value in (quantities or {}).items()}
    except (AttributeError, TypeError, ValueError):
        found = {0: 0.0}
    if set(found) - set(records.ids):
        raise UserError(
            records.env._(
                "%(quantities)s are no quantities of these transactions. Write one for "
                "an id, such as %(example)s.",
                quantities=quantities,
                example='{"7": 1.5}',
            )
        )
    return {key: as_number(records.env, value) for key, value in found.items()}
