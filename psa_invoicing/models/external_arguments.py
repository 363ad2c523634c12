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


def as_words(env, words, known: Collection[str]) -> tuple[str, ...]:
    """:param words: some of the known ones; nothing: all of them
    :raises UserError: for any other word
    """
    if not words:
        return tuple(known)
    if isinstance(words, str):
        words = [words]
    if unknown := [str(word) for word in words if word not in known]:
        raise UserError(
            env._(
                "Unknown: %(words)s. Choose from %(known)s.",
                words=", ".join(unknown),
                known=", ".join(known),
            )
        )
    return tuple(words)


def as_records(model: models.BaseModel, ids) -> models.BaseModel:
    """:param ids: of records of the model; nothing: none
    :raises UserError: for an id that there is not, or that is no id
    :raises AccessError: for records that the user may not read
    """
    ids = [ids] if isinstance(ids, int) else list(ids or ())
    if wrong := [each for each in ids if not isinstance(each, int) or each < 1]:
        raise UserError(
            model.env._(
                "No ids: %(ids)s. Ids are whole numbers.",
                ids=", ".join(map(str, wrong)),
            )
        )
    return check_exist(model.browse(ids))


def check_exist(records: models.BaseModel) -> models.BaseModel:
    """The records that a call is about, if there are any, and all of them exist.

    :raises UserError: if not
    :raises AccessError: for records that the user may not read
    """
    if missing := records - records.exists():
        name = records.env["ir.model"]._get(records._name).name
        raise MissingError(
            records.env._(
                "There is no %(model)s with the id %(ids)s.",
                model=name,
                ids=", ".join(map(str, missing.ids)),
            )
        )
    records.check_access("read")
    return records
