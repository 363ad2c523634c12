# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections.abc import Set

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools import ormcache

ADDON = "psa_invoicing"


class PsaGuard(models.AbstractModel):
    """What follows from the ledger is written by the engine alone.

    To the ORM, ``readonly`` is a word for the web client: whoever may write a record
    may write each of its fields. Here it holds for our own fields, and for those of
    Odoo that follow the ledger, whatever way a value comes: written, created, or as a
    default of the context or of the user.
    """

    _name = "psa.guard"
    _description = "Figures That Only the Engine Writes"

    _psa_outputs: frozenset[str] = frozenset()
    """Fields of Odoo that follow the ledger."""

    @ormcache()
    def _psa_engine_fields(self) -> frozenset[str]:
        """Names of the fields that no client writes."""
        return self._psa_outputs | {
            name
            for name, field in self._fields.items()
            if field.readonly and field._modules and field._modules[0].startswith(ADDON)
        }

    def _psa_check_engine_fields(self, vals_list: list[dict]):
        """:raises AccessError: if a client writes what follows from the ledger"""
        if self.env.su:
            return
        engine_fields = self._psa_engine_fields()
        if found := {name for vals in vals_list for name in engine_fields & set(vals)}:
            self._psa_refuse_figures(found)

    def _psa_refuse_figures(self, names: set[str]):
        """:raises AccessError: with what a person knows them by"""
        raise AccessError(
            self.env._(
                "These figures follow from what is billed, and nobody writes them: "
                "%(fields)s.",
                fields=", ".join(
                    self._fields[name]._description_string(self.env)
                    for name in sorted(names)
                ),
            )
        )

    def _psa_changed(self, names: Set[str], vals: dict) -> list[str]:
        """Those of the fields that values change; a client sends some as they are."""
        fields = [self._fields[name] for name in sorted(names & set(vals))]
        return [
            field.name
            for field in fields
            if self[field.name]
            != field.convert_to_record(
                field.convert_to_cache(vals[field.name], self), self
            )
        ]

    def _psa_without_defaults(self) -> frozenset[str]:
        """Names of the fields that take no default from the context or from the user,
        also in code that runs as superuser for them."""
        return self._psa_engine_fields()

    @api.model
    def default_get(self, fields):
        kept = self._psa_without_defaults()
        values = super().default_get([name for name in fields if name not in kept])
        for name in kept.intersection(fields):
            if default := self._fields[name].default:
                values[name] = default(self)
        return values

    @api.model_create_multi
    def create(self, vals_list):
        self._psa_check_engine_fields(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._psa_check_engine_fields([vals])
        return super().write(vals)
