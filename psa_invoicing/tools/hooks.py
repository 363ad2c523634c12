# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Hooks of Odoo that other add-ons have changed: only those are gone through."""

from collections.abc import Callable
from functools import partial

# Where the hooks come from; our own add-ons know the ledger, and link the entries that
# an invoice bills themselves.
OWN_MODULES = (
    "odoo.addons.sale.",
    "odoo.addons.sale_timesheet.",
    "odoo.addons.sale_project_billing_share.",
    "odoo.addons.psa_invoicing",
)


def is_changed(model, *names: str) -> bool:
    """Whether another add-on overrides one of Odoo's methods.

    :param model: any record set of the model
    """
    return any(changed_by(model, name) for name in names)


def changed_by(model, name: str) -> list[str]:
    """Other add-ons that override a method of Odoo."""
    return [
        cls.__module__.split(".")[2]
        for cls in type(model).__mro__
        if name in vars(cls) and not cls.__module__.startswith(OWN_MODULES)
    ]


def of_odoo(model, name: str) -> Callable:
    """A method of Odoo as it is without any add-on."""
    first = next(cls for cls in reversed(type(model).__mro__) if name in vars(cls))
    return partial(vars(first)[name], model)
