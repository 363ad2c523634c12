# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from .external_arguments import as_date, as_ids

LOGGED = ("create_uid", "write_uid")


class PsaPointing(models.AbstractModel):
    """Dialogs, and rows that a person adds: they point at nothing that the person may
    not read.

    They show parts of what they point at with more rights than the user has, and its
    name to whoever sees them. So it is checked when it is set: by what a client writes,
    by defaults in a context, and by a form that asks what would change.
    """

    _name = "psa.pointing"
    _description = "Points Only at What One May Read"

    _psa_selection = ""
    """The field for what is selected in the list that a dialog is opened from."""

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        context, field = self.env.context, self._fields.get(self._psa_selection)
        if field and context.get("active_model") == field.comodel_name:
            ids = as_ids(self.env, context.get("active_ids"))
            values[field.name] = [fields.Command.set(ids)]
        return values

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._psa_check_set(records._fields)
        return records

    def write(self, vals):
        result = super().write(vals)
        self._psa_check_set(vals)
        return result

    def _validate_fields(self, field_names, excluded_names=()):
        """What a constraint says names what is pointed at, whoever asks."""
        names = set(field_names)
        self._psa_check_set(names)
        return super()._validate_fields(names, excluded_names)

    def _update_cache(self, values, validate=True):
        """What a form has not saved yet stands here only."""
        result = super()._update_cache(values, validate)
        self._psa_check_set(values)
        return result

    def _psa_check_set(self, names):
        """:param names: of fields that were set
        :raises AccessError: for a record that the user may not read
        :raises UserError: for a date of another age
        """
        if self.env.su:
            return
        for field in map(self._fields.get, names):
            if field.relational and not field.compute and field.name not in LOGGED:
                self[field.name]._origin.check_access("read")
            elif field.type == "date" and field.store:
                for record in self:
                    as_date(self.env, record[field.name])
