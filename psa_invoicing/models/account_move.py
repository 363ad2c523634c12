# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from .billing.recalculation import Recalculation
from .billing_groups import BILLING_MANAGER

# Written by the engine alone.
ENGINE_FIELDS = {
    "billing_period_start",
    "billing_project_ids",
    "billing_request",
    "billing_review",
    "billing_review_date",
    "billing_reviewed_total",
    "billing_reviewer_id",
    "billing_sending",
    "billing_sending_error",
    "billing_sent_date",
    "billing_submitter_id",
    "is_project_invoice",
    "needs_recalculation",
}
# What the figures of transactions depend on.
LIVE_FIELDS = {"move_type", "payment_state", "reopens_transactions", "state"}


class AccountMove(models.Model):
    _inherit = "account.move"

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
    reopens_transactions = fields.Boolean(
        default=True,
        copy=False,
        help="What this credit note takes back is open again, to be reviewed in the "
        "backlog. Off when only the price is credited: the transactions stay billed.",
    )
    needs_recalculation = fields.Boolean(
        readonly=True,
        copy=False,
        help="A transaction on this draft was changed since.",
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
        group_expand="_expand_states",
        help="In review: submitted, or approved and not yet confirmed. Confirmed: it "
        "has its number and is not yet sent.",
    )

    # What the list opens with, in its order, and what the cards sum and count of it.
    _psa_to_do_index = models.Index(
        """(billing_cutoff_date, id)
           INCLUDE (psa_state, amount_untaxed_signed, company_id, move_type,
                    is_project_invoice)
           WHERE psa_state IN (
            'draft', 'in_review', 'confirmed', 'sent', 'partial')"""
    )

    @api.model
    def _expand_states(self, states, _domain) -> list[str]:
        """Columns of the kanban in the order of the work, also where one is empty."""
        usual = {"draft", "confirmed", "sent", *states}
        if any(self.env.companies.mapped("billing_review_required")):
            usual.add("in_review")
        return [
            key for key, _label in self._fields["psa_state"].selection if key in usual
        ]

    @api.constrains("is_project_invoice", "billing_cutoff_date")
    def _check_cutoff_date(self):
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
        "billing_reviewed_total",
        "amount_total",
    )
    def _compute_psa_state(self):
        for move in self:
            move.psa_state = move.is_project_invoice and move._billing_state()

    def _billing_state(self) -> str:
        if self.state == "draft":
            return "in_review" if self._is_in_review() else "draft"
        if self.state == "cancel":
            return "cancelled"
        if self.payment_state == "reversed":
            return "credited"
        if self.payment_state in ("paid", "in_payment"):
            return "paid"
        if self.payment_state == "partial":
            return "partial"
        return "sent" if self.billing_sent_date else "confirmed"

    # === Rights ===

    @api.model
    def _check_billing_manager(self):
        """Refuse anyone who is not a billing administrator.

        :raises AccessError: with the group that is missing
        """
        if self.env.su or self.env.user.has_group(BILLING_MANAGER):
            return
        raise AccessError(
            self.env._(
                "Only a billing administrator may do this. Ask for the right "
                "“%(group)s”.",
                group=self.env.ref(BILLING_MANAGER).sudo().full_name,
            )
        )

    # === Life of an invoice ===

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(ENGINE_FIELDS & set(vals) for vals in vals_list):
            raise AccessError(
                self.env._("Project invoices are made from a project, not by hand.")
            )
        return super().create(vals_list)

    def _log_origin(self):
        """Say in the chatter of each invoice which contracts it comes from."""
        bodies = {}
        for move in self:
            orders = move.line_ids.sale_line_ids.order_id
            bodies[move.id] = self.env._(
                "Billed from %(orders)s.",
                orders=Markup(", ").join(order._get_html_link() for order in orders),
            )
        self._message_log_batch(bodies)

    def write(self, vals):
        """A transaction is billed as long as its invoice is a draft or posted."""
        if not self.env.su and ENGINE_FIELDS & set(vals):
            raise AccessError(
                self.env._("These figures of a project invoice follow its ledger.")
            )
        if "billing_cutoff_date" in vals:
            self.filtered("is_project_invoice").sudo().needs_recalculation = True
        was_cancelled = (
            self.filtered(lambda move: move.state == "cancel")
            if vals.get("state") == "draft"
            else self.browse()
        )
        if vals.get("state") in ("draft", "cancel"):
            self._check_nothing_depends_on(vals["state"])
        following = {}
        if "billing_cutoff_date" in vals:
            following = {
                move: names
                for move in self.filtered("is_project_invoice").sudo()
                if (names := move._dates_from_cutoff())
            }
        result = super().write(vals)
        for move, names in following.items():
            move._follow_cutoff_date(names)
        if LIVE_FIELDS & set(vals):
            # sudo: whoever may change the state need not read the ledger.
            details = self.sudo().detail_ids
            if details:
                sources = details._sources()
                details._refresh_sources(sources)
                details.sale_line_id._refresh_excluded_quantity()
                if vals.get("state") == "cancel":
                    details._tell_drafts_beyond(sources)
            for move in was_cancelled.sudo().filtered("detail_ids"):
                if move.is_project_invoice:
                    move.needs_recalculation = True
                    Recalculation(self.sudo().env).give_up_what_others_billed(move)
                elif move.move_type == "out_invoice":
                    move.invoice_line_ids._record_billing()
        return result

    def _post(self, soft=True):
        """What changed since must be looked at before it gets a number."""
        moves = self.filtered("is_project_invoice")
        if changed := moves.filtered("needs_recalculation"):
            raise UserError(
                self.env._(
                    "Transactions on %(invoices)s were changed since. Press "
                    "Recalculate first.",
                    invoices=", ".join(changed.mapped("display_name")),
                )
            )
        moves._check_approved()
        for credit_note in self.filtered(lambda move: move.move_type == "out_refund"):
            credit_note._settle_credits()
        moves._move_to_allowed_day()
        self._of_projects()._put_off_due_date()
        moves._with_amounts_to_spread()._spread_amounts()
        posted = self.browse()
        for zone, moves in self._by_billing_zone().items():
            # Odoo dates what has no date yet, in the zone of the context.
            there = moves.with_context(tz=zone) if zone else moves
            posted |= super(AccountMove, there)._post(soft=soft)
        return posted

    def _with_amounts_to_spread(self):
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
                            ELSE SUM(detail.amount) <> line.price_subtotal
                                 * CASE move.move_type WHEN 'out_refund'
                                   THEN -1 ELSE 1 END
                                 OR BOOL_OR(detail.price_unit IS DISTINCT FROM
                                            line.price_unit) END
                """,
                self.ids,
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
        self.sudo()._forget_sending()
        return result

    def unlink(self):
        """Transactions of a deleted draft are open again."""
        # sudo: whoever may delete an invoice need not read the ledger.
        details = self.sudo().detail_ids
        if details:
            details._drop()
        rows = self.env["psa.invoice.schedule"].sudo()
        if projects := self.filtered("is_project_invoice"):
            rows = rows.search([("invoice_ids", "in", projects.ids)])
        result = super().unlink()
        rows._note_deleted_draft()
        return result
