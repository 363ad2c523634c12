# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values as JSON keeps them, and as PostgreSQL takes them best."""

from collections.abc import Iterable

from odoo import fields
from odoo.tools import SQL


def as_json(record, name: str):
    """What a field of a record says, as JSON keeps it: records are ids."""
    value = record[name]
    kind = record._fields[name].type
    if kind == "many2many":
        return sorted(value.ids)
    if kind == "many2one":
        return value.id
    return fields.Date.to_string(value) if kind == "date" else value


def id_array(ids: Iterable[int]) -> SQL:
    """Many ids as one constant.

    A list becomes ``ARRAY[1, 2, …]``, an expression of which every element is parsed
    and simplified: of ten thousand ids that takes longer than looking them up.
    """
    return SQL("%s::int[]", f"{{{','.join(map(str, ids))}}}")
