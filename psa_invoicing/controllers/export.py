# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.http import request

from odoo.addons.web.controllers import export

from ..models.shared.psa_exported import as_text


class ExcelExport(export.ExcelExport):
    def from_group_data(self, fields, columns_headers, groups):
        """The headings of groups are texts, too."""
        if isinstance(groups._model, request.registry["psa.exported"]):
            groups.children = {
                tuple(map(as_text, key)) if isinstance(key, tuple) else as_text(key): of
                for key, of in groups.children.items()
            }
        return super().from_group_data(fields, columns_headers, groups)
