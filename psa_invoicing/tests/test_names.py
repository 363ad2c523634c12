# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What we add to a model of others has a name of ours: theirs may come any day."""

import re

from odoo.orm.model_classes import is_model_definition
from odoo.tests import TransactionCase, tagged

PREFIXED = re.compile(r"(action_|_)?(billing|psa)_")
# What Odoo's own methods begin with; the name of the field or the matter follows.
VERB = re.compile(r"^_(check|compute|default|inverse|onchange|search|unlink_except)_")
# Names that other code may rely on.
PROMISED = {
    "action_manual_invoice",
    "billable_quantity",
    "billed_quantity",
    "detail_ids",
    "invoice_schedule_ids",
    "is_project_invoice",
    "needs_recalculation",
    "next_invoice_date",
    "open_quantity",
    "unit_id",
}
# What add-ons of others ask, which may not be there.
ASKED = {"_get_after_validation_exceptions", "_get_under_validation_exceptions"}


def is_name_of_ours(name: str) -> bool:
    """Whether a member of a core model may be called so."""
    matter = VERB.sub("", name, count=1)
    return matter in PROMISED | ASKED or bool(PREFIXED.match(matter))


def is_from_here(cls) -> bool:
    return (getattr(cls, "_module", None) or "").startswith("psa_invoicing")


def added_members(model) -> set[str]:
    """What our classes bring to a model, and no other class of it has."""
    classes = [cls for cls in model.__mro__ if is_model_definition(cls)]
    ours = {name for cls in classes if is_from_here(cls) for name in vars(cls)}
    rest = [*(cls for cls in model.__mro__ if not is_from_here(cls))]
    return {
        name
        for name in ours
        if not name.startswith("__") and not any(name in vars(cls) for cls in rest)
    }


@tagged("post_install", "-at_install")
class TestNames(TransactionCase):
    def test_what_we_add_to_models_of_others(self):
        """Fields and methods, private ones and those of our mixins, too."""
        extended = {
            model._name: added_members(model)
            for model in self.env.registry.values()
            if not model._original_module.startswith("psa_invoicing")
        }
        # Of each kind one that must have been looked at.
        self.assertLessEqual(
            {"psa_state", "_psa_is_reviewed_by", "action_psa_send"},
            extended["account.move"],
        )
        self.assertIn("billing_status", extended["project.milestone"])
        self.assertEqual(
            [
                f"{model}.{name}"
                for model, names in sorted(extended.items())
                for name in sorted(names)
                if not is_name_of_ours(name)
            ],
            [],
        )

    def test_the_rule(self):
        for name in ("can_review", "_open", "_compute_detail_count", "action_retry"):
            self.assertFalse(is_name_of_ours(name), name)
        for name in (
            "unit_id",
            "billing_hold",
            "_psa_check_may_decide",
            "_search_open_quantity",
            "_check_billing_dates",
            "action_psa_retry",
        ):
            self.assertTrue(is_name_of_ours(name), name)
