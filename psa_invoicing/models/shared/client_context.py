# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a client may say in the context of its call.

Odoo, and we, tell our own code in the context what to leave out. At the doors the
context is the client's: there these words say nothing.
"""

import json
from collections.abc import Set

from odoo import models
from odoo.http import request
from odoo.service import model as rpc

# Checks and figures of Odoo that its own code leaves out. Other add-ons have keys of
# their own, which stay.
SWITCHES = frozenset(
    {
        "_force_unlink",
        "check_move_validity",
        "compute_all_use_raw_base_lines",
        "dynamic_unlink",
        "force_delete",
        "force_price_include",
        "force_price_recomputation",
        "forced_rate_from_register_payment",
        "ignore_discount_precision",
        "move_reverse_cancel",
        "no_cash_basis",
        "no_exchange_difference",
        "no_exchange_difference_no_recursive",
        "round_base",
        "sale_no_log_for_new_lines",
        "sale_write_from_compute",
        "skip_account_deprecation_check",
        "skip_account_move_synchronization",
        "skip_analytic_sync",
        "skip_computed_taxes",
        "skip_invoice_line_sync",
        "skip_invoice_sync",
        "skip_is_manually_modified",
        "skip_matching_number_check",
        "skip_readonly_check",
    }
)
# Ours are for the server alone.
OWN = "psa_"
# What is billed leaves its trace.
LOG_SWITCHES = {"mail_notrack", "tracking_disable"}


def without_switches(sent, switches: Set[str] = SWITCHES):
    """What a client sends, without switches in any of its contexts, however deep."""
    if isinstance(sent, list):
        return [without_switches(each, switches) for each in sent]
    if not isinstance(sent, dict):
        return sent
    return {
        key: _cleaned(each, switches)
        if key == "context"
        else without_switches(each, switches)
        for key, each in sent.items()
    }


def _cleaned(context, switches: Set[str]):
    """:param context: whatever makes a dictionary; of a report, its JSON"""
    try:
        if isinstance(context, str):
            return json.dumps(_cleaned(json.loads(context), switches))
        return {
            key: value
            for key, value in dict(context).items()
            if key not in switches and not str(key).startswith(OWN)
        }
    except (TypeError, ValueError):
        # Odoo makes no context of it, either.
        return context


def _switches_of(model) -> Set[str]:
    """:param model: that is called, or its class"""
    return SWITCHES | LOG_SWITCHES if hasattr(model, "_psa_outputs") else SWITCHES


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _dispatch(cls, endpoint):
        """The door of the web client, JSON-2, reports and all other pages."""
        params = request.params
        name = params.get("model") or params.get("__model__")
        model = request.registry.get(name) if isinstance(name, str) else None
        request.params = without_switches(params, _switches_of(model))
        return super()._dispatch(endpoint)


odoo_call_kw = rpc.call_kw


def call_kw(model, name, args, kwargs):
    """The door of XML-RPC and JSON-RPC, which know no request of a database: Odoo has
    no other hook between them and the model."""
    if "psa.guard" in model.env:
        kwargs = without_switches(dict(kwargs), _switches_of(model))
    return odoo_call_kw(model, name, args, kwargs)


rpc.call_kw = call_kw
