# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values of records as JSON keeps them."""

from odoo import fields


def as_json(record, name: str):
    """What a field of a record says, as JSON keeps it: records are ids."""
    value = record[name]
    kind = record._fields[name].type
    if kind == "many2many":
        return sorted(value.ids)
    if kind == "many2one":
        return value.id
    return fields.Date.to_string(value) if kind == "date" else value
