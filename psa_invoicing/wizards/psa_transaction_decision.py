# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from ..core.allocation import is_part, is_zero
from ..core.kinds import BILLING_TYPES, CHARGEABLE, SOURCE_FIELDS, TRANSACTION_MODELS
from ..models.shared import rights, texts
from ..models.shared.external_arguments import as_ids, as_text

# What can be selected in a list: transactions of a kind, or rows of the backlog.
SELECTABLE = (*TRANSACTION_MODELS, "psa.backlog")


class PsaTransactionDecision(models.TransientModel):
    """Ask why transactions are held or written off, and how much of them; or what they
    are billed as."""

    _name = "psa.transaction.decision"
    _inherit = "psa.pointing"
    _description = "Decision on Transactions"

    decision = fields.Selection(
        [
            ("hold", "Hold"),
            ("write_off", "Write Off"),
            ("billing_type", "Billing Type"),
        ],
        required=True,
        default="hold",
    )
    transaction_model = fields.Char(required=True)
    transaction_ids = fields.Json(string="Selected")
    transaction_count = fields.Integer(
        string="Transactions", compute="_compute_transactions"
    )
    description = fields.Char(string="Transaction", compute="_compute_transactions")
    open_quantity = fields.Float(
        string="Open",
        compute="_compute_transactions",
        help="In the unit that is shown beside it.",
    )
    uom_id = fields.Many2one(
        "uom.uom", string="Unit of Measure", compute="_compute_transactions"
    )
    quantity = fields.Float(
        string="To Write Off",
        help="How much of it is never billed, in the same unit; the rest stays open.",
    )
    billing_type = fields.Selection(BILLING_TYPES, default=CHARGEABLE)
    reason = fields.Char(help="For whoever asks later.")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        transactions = self._chosen()
        if values.get("decision") == "write_off":
            self._check_something_open(transactions)
        values["transaction_model"] = transactions._name
        values["transaction_ids"] = transactions.ids
        if len(transactions) == 1:
            values["quantity"] = transactions.open_quantity
            values["billing_type"] = transactions.billing_type or CHARGEABLE
        return values

    def _check_something_open(self, transactions):
        if all(is_zero(quantity) for quantity in transactions.mapped("open_quantity")):
            raise UserError(
                self.env._(
                    "Nothing is open on %(transactions)s: there is nothing to write "
                    "off.",
                    transactions=texts.some_of(
                        [f"“{self._text_of(each)}”" for each in transactions]
                    ),
                )
            )

    def _chosen(self):
        """The selected transactions of a list, or the one behind a row of a draft.

        :raises UserError: if nothing is selected that could be billed
        """
        model = self.env.context.get("active_model")
        ids = as_ids(self.env, self.env.context.get("active_ids"))
        if model == "psa.invoice.detail":
            detail = self.env[model].browse(ids).exists()
            key = detail._key if len(detail) == 1 else None
            # sudo: an administrator need not read timesheets.
            if key and (source := detail.sudo()[SOURCE_FIELDS[key[0]]]):
                return source
        elif model in SELECTABLE and ids:
            return self._transactions_of(model, ids)
        raise UserError(self.env._("Select the transactions first."))

    def _transactions_of(self, model: str, ids: list[int]):
        """:raises UserError: if some are gone, or belong to another company"""
        rights.check_may_bill(self.env)
        # sudo: an administrator need not read timesheets.
        transactions = self.env[model].sudo().browse(as_ids(self.env, ids)).exists()
        if not transactions:
            raise UserError(
                self.env._(
                    "These transactions were deleted meanwhile. Reload the list."
                )
            )
        rights.check_may_decide(transactions.with_env(self.env))
        return transactions

    def _transactions(self):
        self.ensure_one()
        if self.transaction_model not in SELECTABLE:
            raise UserError(self.env._("Select the transactions first."))
        return self._transactions_of(self.transaction_model, self.transaction_ids or [])

    @api.depends("transaction_model", "transaction_ids")
    def _compute_transactions(self):
        for decision in self:
            transactions = decision._transactions()
            decision.transaction_count = len(transactions)
            single = transactions if len(transactions) == 1 else transactions.browse()
            decision.description = decision._text_of(single)
            decision.open_quantity = single.open_quantity
            decision.uom_id = decision._unit_of(single)

    def _text_of(self, transaction) -> str:
        return transaction[transaction._billing_columns["text"]]

    def _unit_of(self, transaction):
        """Its own unit, else that of its contract line; of a row of the backlog, that
        which it is shown in."""
        if name := transaction._billing_columns.get("uom_id"):
            return transaction[name]
        return transaction._psa_contract_lines().product_uom_id

    def action_apply(self):
        """Do what the dialog asked about.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if there is no reason, or the quantity makes no sense
        """
        self.ensure_one()
        transactions = self._transactions().with_env(self.env)
        if self.decision == "hold":
            transactions.action_psa_hold(as_text(self.reason))
        elif self.decision == "billing_type":
            transactions.action_psa_set_billing_type(self.billing_type)
        else:
            transactions.action_psa_write_off(self.reason or "", self._quantities())
        return {"type": "ir.actions.act_window_close"}

    def _quantities(self) -> dict[int, float]:
        """How much to write off of a single transaction; all of several.

        :raises UserError: unless it is a part of what is open
        """
        if self.transaction_count != 1:
            return {}
        self._check_something_open(self._transactions())
        if not self.quantity or not is_part(self.quantity, self.open_quantity):
            raise UserError(
                self.env._(
                    "%(open)s %(unit)s are open on “%(transaction)s”. Write off all of "
                    "it, or a part.",
                    open=formatLang(self.env, self.open_quantity, digits=2),
                    unit=self.uom_id.name or "",
                    transaction=self.description,
                )
            )
        return {self.transaction_ids[0]: self.quantity}
