# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What other systems send with a call: plain values, checked before they are used."""

from collections.abc import Collection
from datetime import date

from odoo import fields, models
from odoo.exceptions import MissingError, UserError


def as_date(env, value) -> date | None:
    """:param value: ``YYYY-MM-DD``, a date, or nothing
    :raises UserError: for anything else
    """
    try:
        return fields.Date.to_date(value) or None
    except (TypeError, ValueError) as error:
        raise UserError(
            env._(
                "“%(value)s” is no date. Write year, month and day, such as "
                "%(example)s.",
                value=value,
                example="2026-12-31",
            )
        ) from error


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
    words = [words] if isinstance(words, str) else words
    return tuple(as_word(env, word, known) for word in words or known)


def as_ids(env, ids) -> list[int]:
    """:param ids: of records; nothing: none
    :raises UserError: for what is no id
    """
    ids = ids or ()
    if not isinstance(ids, list | tuple) or not all(
        isinstance(each, int) and each > 0 for each in ids
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
    """:param companies: of the transactions that a call is about
    :raises UserError: unless all of them are switched on
    """
    foreign = companies - env.companies
    if foreign and not env.su:
        raise UserError(
            env._(
                "These transactions belong to %(company)s. Switch that company on "
                "to change them.",
                company=", ".join(foreign.mapped("name")),
            )
        )


def as_quantities(records: models.BaseModel, quantities) -> dict[int, float]:
    """:param quantities: by id; in JSON keys are texts
    :raises UserError: for what is no number, or of another record
    """
    try:
        found = {int(key): float(value) for key, value in (quantities or {}).items()}
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
    return found
