# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

FORMULA_SIGNS = ("=", "+", "-", "@")


class PsaExported(models.AbstractModel):
    """Rows with texts that anybody wrote: a spreadsheet shows them, and computes
    nothing. Odoo marks them so in CSV files only."""

    _name = "psa.exported"
    _description = "Texts Stay Texts in a Spreadsheet"

    def _export_rows(self, fields, **kwargs):
        """Here and not in ``export_data``: rows are also columns of other records."""
        rows = super()._export_rows(fields, **kwargs)
        return [[as_text(value) for value in row] for row in rows]


def as_text(value):
    is_formula = isinstance(value, str) and value.startswith(FORMULA_SIGNS)
    return f"'{value}" if is_formula else value
