# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ...tools import rules
from ..billing.recalculation import Recalculation
from ..shared import rights

# What the figures of transactions depend on.
LIVE_FIELDS = {"move_type", "payment_state", "psa_reopens_transactions", "state"}


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "psa.guard", "psa.internal"]

    is_project_invoice = fields.Boolean(
        string="Project Invoice",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Made from the transactions of a project, and reviewed in Project "
        "Service.",
    )
    billing_project_ids = fields.Many2many(
        "project.project",
        "psa_move_project_rel",
        "move_id",
        "project_id",
        string="Projects",
        readonly=True,
        copy=False,
        # Else a draft of an archived project would name none, and Recalculate bill all.
        context={"active_test": False},
    )
    billing_cutoff_date = fields.Date(
        string="Cut-off Date",
        copy=False,
        help="Transactions dated up to and including this day are billed. After a "
        "change, Recalculate.",
    )
    billing_period_start = fields.Date(
        readonly=True,
        copy=False,
        help="The billing period lasts from here to the cut-off date.",
    )
    billing_request = fields.Json(
        readonly=True,
        copy=False,
        help="What Recalculate looks for: types, units, milestones, and what a "
        "person took off.",
    )
    billing_sent_date = fields.Date(
        string="Sent On",
        readonly=True,
        copy=False,
        help="The day the invoice was sent to the customer.",
    )
    detail_ids = fields.One2many(
        "psa.invoice.detail", "move_id", string="Billed Transactions", copy=False
    )
    psa_reopens_transactions = fields.Boolean(
        string="Reopens Transactions",
        default=True,
        copy=False,
        help="What this credit note takes back is open again, to be reviewed in the "
        "backlog. Off when only the price is credited: the transactions stay billed.",
    )
    needs_recalculation = fields.Boolean(
        readonly=True, copy=False, help="A transaction on this draft was changed since."
    )
    psa_state = fields.Selection(
        [
            ("draft", "Draft"),
            ("in_review", "In Review"),
            ("confirmed", "Confirmed"),
            ("sent", "Sent"),
            ("partial", "Partially Paid"),
            ("paid", "Paid"),
            ("credited", "Credited"),
            ("cancelled", "Cancelled"),
        ],
        string="Billing Status",
        compute="_compute_psa_state",
        store=True,
        tracking=True,
        index="btree_not_null",
        group_expand="_psa_expand_states",
        help="In review: submitted, or approved and not yet confirmed. Confirmed: it "
        "has its number and is not yet sent.",
    )
    psa_next_action = fields.Char(
        string="Next Action",
        compute="_compute_psa_next_action",
        help="The method of the button that takes this invoice further.",
    )

    # What the list opens with, in its order, and what the cards sum and count of it.
    _psa_to_do_index = models.Index(
        """(billing_cutoff_date, id)
           INCLUDE (psa_state, amount_untaxed_signed, company_id, move_type,
                    is_project_invoice)
           WHERE psa_state IN (
            'draft', 'in_review', 'confirmed', 'sent', 'partial')"""
    )

    def _psa_expand_states(self, states, _domain) -> list[str]:
        """Columns of the kanban in the order of the work, also where one is empty."""
        usual = {"draft", "confirmed", "sent", *states}
        if any(self.env.companies.mapped("billing_review_required")):
            usual.add("in_review")
        return [
            key for key, _label in self._fields["psa_state"].selection if key in usual
        ]

    @api.constrains("is_project_invoice", "billing_cutoff_date")
    def _check_billing_cutoff_date(self):
        for move in self:
            if move.is_project_invoice and not move.billing_cutoff_date:
                raise ValidationError(
                    self.env._(
                        "Enter the cut-off date of %(invoice)s: transactions up to "
                        "that day are billed.",
                        invoice=move.display_name,
                    )
                )

    @api.depends(
        "is_project_invoice",
        "state",
        "payment_state",
        "billing_sent_date",
        "billing_review",
        "billing_reviewed_digest",
        "billing_reviewed_total",
        "amount_total",
        "currency_id",
        "detail_ids",
        "invoice_line_ids.quantity",
        "partner_id",
    )
    def _compute_psa_state(self):
        for move in self:
            move.psa_state = move.is_project_invoice and move._billing_state()

    def _billing_state(self) -> str:
        """What a project invoice's status should be."""
        if self.state == "draft":
            return "in_review" if self._psa_is_in_review() else "draft"
        if self.state == "cancel":
            return "cancelled"
        if self.payment_state == "reversed":
            return "credited"
        if self.payment_state in ("paid", "in_payment"):
            return "paid"
        if self.payment_state == "partial":
            return "partial"
        return "sent" if self.billing_sent_date else "confirmed"

    @api.depends(
        "billing_review",
        "billing_sending_error",
        "is_being_sent",
        "needs_recalculation",
        "psa_is_review_required",
        "psa_state",
    )
    def _compute_psa_next_action(self):
        for move in self:
            move.psa_next_action = move._psa_find_next_action()

    def _psa_find_next_action(self) -> str:
        """:return: a method of an invoice, or '' when none of ours comes next"""
        if self.psa_state in ("draft", "in_review"):
            if self.needs_recalculation:
                return "action_psa_recalculate"
            if self.psa_is_review_required and not self._psa_is_approved():
                is_new = self.psa_state == "draft"
                return "action_psa_submit" if is_new else "action_psa_approve"
        if self.is_being_sent:
            return ""
        if self.billing_sending_error and self.state == "posted":
            return "action_psa_retry"
        if self.psa_state in ("draft", "in_review", "confirmed"):
            return "action_psa_send"
        return "action_psa_mark_paid" if self.psa_state in ("sent", "partial") else ""

    def _compute_hide_post_button(self):
        """Ours confirms after checking more."""
        result = super()._compute_hide_post_button()
        # sudo: customers may read it, too, and none of ours.
        self.sudo().filtered("is_project_invoice").hide_post_button = True
        return result

    # === Life of an invoice ===

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._psa_check_own_parts(self, vals)
        return super().create(vals_list)

    def write(self, vals):
        """Transactions are billed as long as their invoice is a draft or posted: what
        depends on its state and its dates follows them."""
        self._psa_check_change(vals)
        to_post = self.browse()
        if vals.get("state") == "posted":
            to_post = self.filtered(lambda move: move.state != "posted")
            to_post._psa_prepare_posting()
        if "billing_cutoff_date" in vals:
            self.filtered("is_project_invoice").sudo().needs_recalculation = True
        dates = self._psa_dates_to_follow(vals)
        drafts, due_when_dated = self._psa_due_dates_to_follow(vals)
        revived = (
            self.filtered(lambda move: move.state == "cancel")
            if vals.get("state") == "draft"
            else self.browse()
        )
        result = super(AccountMove, self._psa_spare_sync(vals)).write(vals)
        to_post._psa_check_agreement()
        if vals.get("state") in ("draft", "cancel"):
            self._psa_check_prices_stay_lowered()
        for move, names in dates.items():
            move._psa_follow_cutoff_date(names)
        if LIVE_FIELDS & set(vals):
            self._psa_refresh_transactions(vals.get("state") == "cancel")
            revived._psa_bill_again()
        if "move_type" in vals:
            self._psa_follow_type()
        drafts._psa_keep_due_dates(due_when_dated)
        return result

    def _psa_check_change(self, vals):
        """Refuse to undo what others depend on, and what a draft alone allows."""
        self._psa_check_own_parts(self, vals)
        self._psa_check_settled(vals)
        self._psa_check_figures(vals)
        if "move_type" in vals:
            self._psa_check_type(vals["move_type"])
        if vals.get("state") in ("draft", "cancel"):
            self._psa_check_nothing_depends_on(vals["state"])
        if vals.get("state") == "draft":
            self._psa_check_taken_back_with_reason()
        if vals.get("state") == "cancel":
            self._psa_check_cancelled_by_button()

    def _psa_dates_to_follow(self, vals) -> dict:
        """:return: names of the dates that come from the cut-off date, by invoice"""
        if "billing_cutoff_date" not in vals:
            return {}
        return {
            move: names
            for move in self.filtered("is_project_invoice").sudo()
            if (names := move._psa_dates_from_cutoff())
        }

    def _psa_refresh_transactions(self, is_cancelled: bool):
        """Bring what is on these invoices in line with their state."""
        # sudo: whoever may change the state need not read the ledger.
        details = self.sudo().detail_ids
        if not details:
            return
        sources = details._sources()
        details._refresh_sources(sources)
        details.sale_line_id._psa_refresh_excluded_quantity()
        # What a credit note had taken back may be elsewhere now.
        written_off = details.filtered("is_write_off")
        for transactions in details._transactions(written_off._sources()):
            transactions._psa_follow_write_offs()
        if is_cancelled:
            details._tell_drafts_beyond(sources)
            self._psa_give_way()

    def _psa_bill_again(self):
        """A cancelled invoice that is a draft again bills what nobody else has."""
        # sudo: whoever may change the state need not read the ledger.
        for move in self.sudo().filtered("detail_ids"):
            if move.is_project_invoice:
                move.needs_recalculation = True
                Recalculation(move.env).give_up_what_others_billed(move)
            elif move.move_type == "out_invoice":
                move.invoice_line_ids._psa_record_billing()

    def _post(self, soft=True):
        """What changed since must be looked at before it gets a number."""
        self._psa_prepare_posting()
        projects = self.filtered("is_project_invoice")
        projects._psa_move_to_allowed_day()
        projects._psa_keep_service_day()
        self._psa_of_projects()._psa_put_off_due_date()
        posted = self.browse()
        for zone, moves in self._psa_by_zone().items():
            # Odoo dates what has no date yet, in the zone of the context.
            there = moves.with_context(tz=zone) if zone else moves
            # A set, which no client can send.
            there = there.with_context(psa_prepared=frozenset(self.ids))
            posted |= super(AccountMove, there)._post(soft=soft)
        posted.filtered("is_project_invoice")._psa_settle_reminders()
        return posted

    def _psa_prepare_posting(self):
        """Before these drafts are posted, with Odoo's button or by who writes their
        state: what was changed since is looked at, and what credit notes take back is
        settled.

        :raises UserError: if somebody has to look at one first
        """
        prepared = self.env.context.get("psa_prepared")
        if isinstance(prepared, frozenset):
            self -= self.browse(prepared)
        self._psa_check_not_cancelled()
        moves = self.filtered("is_project_invoice")
        moves._psa_check_up_to_date()
        moves._psa_check_approved()
        for credit_note in self.filtered(lambda move: move.move_type == "out_refund"):
            credit_note._psa_settle_credits()
        moves._psa_with_amounts_to_spread()._psa_spread_amounts()

    def _psa_check_up_to_date(self):
        if changed := self.filtered("needs_recalculation"):
            raise UserError(
                self.env._(
                    "Transactions on %(invoices)s were changed since. Press "
                    "Recalculate first.",
                    invoices=", ".join(changed.mapped("display_name")),
                )
            )

    def _psa_with_amounts_to_spread(self):
        """Those whose details are not worth what their lines are: most are, and there
        may be thousands of details to look at."""
        if not self:
            return self
        self.flush_model(["move_type"])
        self.env["account.move.line"].flush_model(["price_subtotal", "price_unit"])
        self.env["psa.invoice.detail"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT detail.move_id
                  FROM psa_invoice_detail AS detail
                  JOIN account_move AS move ON move.id = detail.move_id
             LEFT JOIN account_move_line AS line ON line.id = detail.move_line_id
                 WHERE detail.move_id = ANY(%s) AND detail.is_write_off IS NOT TRUE
              GROUP BY detail.move_id, move.move_type, detail.billing_type, line.id
                HAVING CASE WHEN detail.billing_type <> 'chargeable'
                            THEN BOOL_OR(detail.amount <> 0)
                            ELSE SUM(detail.amount) <> line.price_subtotal * %s
                                 OR COALESCE(line.billing_share, 0) = 0
                                AND BOOL_OR(detail.price_unit IS DISTINCT FROM
                                            line.price_unit) END
                """,
                self.ids,
                rules.sign_sql(),
            )
        )
        return self.browse({move_id for (move_id,) in rows})

    def _link_timesheets_to_invoice(self, start_date=None, end_date=None):
        """The ledger has linked the entries that an invoice bills, and no others: not
        those of another period, nor those on hold."""
        others = self.filtered(lambda move: not move.sudo().detail_ids)
        return super(AccountMove, others)._link_timesheets_to_invoice(
            start_date, end_date
        )

    def button_draft(self):
        result = super().button_draft()
        # sudo: the accountant may reset the invoice; these notes are the engine's.
        self.sudo()._psa_forget_sending()
        return result

    def _psa_drop_details(self):
        """Reopen what is on these drafts."""
        # sudo: whoever may delete an invoice need not read the ledger.
        if details := self.sudo().detail_ids:
            details._drop()

    # === What a person does with it ===

    def _psa_check_project_drafts(self):
        """Refuse what the ledger does not answer for, and what is posted."""
        if others := self.filtered(lambda move: not move.is_project_invoice):
            raise UserError(
                self.env._(
                    "%(invoices)s was not made from a project: there is nothing to "
                    "recalculate.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )
        self._psa_check_drafts()

    def action_psa_mark_paid(self):
        """Open Odoo's payment dialog.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is not confirmed
        """
        rights.check_may_bill(self.env)
        if drafts := self.filtered(lambda move: move.state != "posted"):
            raise UserError(
                self.env._(
                    "Send %(invoices)s to the customer first: only a confirmed invoice "
                    "can be paid.",
                    invoices=", ".join(drafts.mapped("display_name")),
                )
            )
        action = self.action_register_payment()
        # Stay on the invoice, as Odoo's own Pay button does.
        return {
            **action,
            "context": {**action["context"], "dont_redirect_to_payments": True},
        }

    def _psa_notification(self, message: str, kind: str) -> dict:
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_psa_deduct_downpayment(self):
        """Deduct what was paid down: all of it, or as much as is charged.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is no draft, or if nothing is left
        """
        rights.check_may_bill(self.env)
        self.check_access("write")
        self._psa_check_project_drafts()
        for move in self:
            if not move._psa_deduct_downpayments():
                nothing = self.env._(
                    "There is nothing to deduct on %(invoice)s: no down payment is "
                    "left on its contracts, or nothing is left to charge.",
                    invoice=move.display_name,
                )
                reasons = move._psa_downpayments_of_other_taxes()
                raise UserError("\n".join([nothing, *reasons]))
            move._psa_say_what_is_not_deducted()
