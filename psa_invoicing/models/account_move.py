# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from math import fsum

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import formatLang

from ..core.allocation import line_quantity, spread
from ..core.billing import ADJUSTMENT, LEDGER, Key, Request, slice_key

# Written by the engine alone.
ENGINE_FIELDS = {
    "billing_period_start",
    "billing_project_ids",
    "billing_request",
    "billing_sent_date",
    "is_project_invoice",
    "needs_recalculation",
}
# What the figures of transactions depend on.
LIVE_FIELDS = {"move_type", "payment_state", "reopens_transactions", "state"}
BILLING_MANAGER = "psa_invoicing.group_billing_manager"


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
        index="btree_not_null",
        help="Confirmed: it has its number and is not yet sent.",
    )

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

    @api.depends("is_project_invoice", "state", "payment_state", "billing_sent_date")
    def _compute_psa_state(self):
        for move in self:
            move.psa_state = move.is_project_invoice and move._billing_state()

    def _billing_state(self) -> str:
        if self.state != "posted":
            return "cancelled" if self.state == "cancel" else "draft"
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

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(ENGINE_FIELDS & set(vals) for vals in vals_list):
            raise AccessError(
                self.env._("Project invoices are made from a project, not by hand.")
            )
        return super().create(vals_list)

    def _check_drafts(self):
        """Refuse to change what is posted."""
        if posted := self.filtered(lambda move: move.state != "draft"):
            raise UserError(
                self.env._(
                    "%(invoices)s is no draft any more: correct it with a credit note.",
                    invoices=", ".join(posted.mapped("display_name")),
                )
            )

    def _check_project_drafts(self):
        """Refuse what the ledger does not answer for, and what is posted."""
        if others := self.filtered(lambda move: not move.is_project_invoice):
            raise UserError(
                self.env._(
                    "%(invoices)s was not made from a project: there is nothing to "
                    "recalculate.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )
        self._check_drafts()

    # === Buttons ===

    def action_psa_recalculate(self):
        """Bring drafts in line with their transactions.

        What a person edited on an invoice stays: prices, texts, terms, rows taken off.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is no draft
        :return: a notification with what changed
        """
        self._check_billing_manager()
        self.check_access("write")
        self._check_project_drafts()
        messages = []
        for move in self:
            total = move.amount_untaxed
            # sudo: the administrator was just checked; he need not read timesheets.
            difference = self.env["psa.billing"].sudo()._recalculate(move.sudo())
            if move.needs_recalculation:
                move.sudo().needs_recalculation = False
            if difference:
                message = move._difference_message(difference, total)
                move._message_log(body=message)
                messages.append(message)
        return self._notification(
            "\n".join(messages)
            or self.env._("Nothing has changed since the last calculation."),
            "success" if messages else "info",
        )

    def action_psa_send(self):
        """Confirm the drafts among these invoices and open Odoo's dialog to send them.

        Everything is checked first, for all of them: either all are confirmed or none.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: with all that is wrong, by invoice
        """
        self._check_billing_manager()
        problems = [
            self.env._(
                "%(invoice)s: %(problem)s", invoice=move.display_name, problem=problem
            )
            for move in self
            if (problem := move._sending_problem())
        ]
        if problems:
            raise UserError("\n".join(problems))
        drafts = self.filtered(lambda move: move.state == "draft")
        if drafts:
            drafts.action_post()
        return self.action_send_and_print()

    def _sending_problem(self) -> str:
        """:return: why this invoice cannot be sent, for an accountant, or ''"""
        if not self.is_project_invoice or self.state == "cancel":
            return self.env._("it is no project invoice that could be sent.")
        if self.state == "draft" and self.needs_recalculation:
            return self.env._(
                "transactions on it were changed since; press Recalculate first."
            )
        if self.state == "draft" and not self.invoice_line_ids:
            return self.env._("there is nothing on it.")
        methods = self.env["account.move.send"]._get_default_sending_methods(self)
        return self._mailing_problem() if "email" in methods else ""

    def _mailing_problem(self) -> str:
        if not self.partner_id.email:
            return self.env._(
                "the customer %(customer)s has no e-mail address. Enter one, or choose "
                "another way of sending on the customer's Invoicing tab.",
                customer=self.partner_id.display_name,
            )
        senders = (self.invoice_user_id, self.company_id, self.env.user)
        if not any(sender.email for sender in senders):
            return self.env._(
                "there is no e-mail address to send it from. Enter one for the company "
                "%(company)s.",
                company=self.company_id.display_name,
            )
        return ""

    def _note_failed_sending(self, reason: str):
        """No mail left: the invoice waits to be sent, and its number stays."""
        self.billing_sent_date = False
        for move in self:
            move._message_log(
                body=self.env._(
                    "The invoice was not sent: %(reason)s. Press Send to Customer to "
                    "try again.",
                    reason=reason or self.env._("the mail server refused it"),
                )
            )

    def action_psa_mark_paid(self):
        """Open Odoo's payment dialog.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is not confirmed
        """
        self._check_billing_manager()
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

    def _notification(self, message: str, kind: str) -> dict:
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _difference_message(self, difference, total_before: float) -> str:
        """What Recalculate did, in one sentence.

        :param total_before: untaxed amount before it
        """
        return self.env._(
            "Recalculated: %(added)s added, %(changed)s changed, %(dropped)s dropped; "
            "untaxed %(before)s → %(after)s.",
            added=len(difference.added),
            changed=len(difference.changed),
            dropped=len(difference.dropped),
            before=formatLang(self.env, total_before, currency_obj=self.currency_id),
            after=formatLang(
                self.env, self.amount_untaxed, currency_obj=self.currency_id
            ),
        )

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

    # === The request behind a draft ===

    def _billing_request(self) -> Request:
        """What this draft was made to bill."""
        return Request.from_json(
            self.billing_request or {},
            tuple(self.billing_project_ids.ids),
            self.billing_cutoff_date,
        )

    def _caps(self) -> dict[Key, float]:
        """What a person left of transactions, in their own unit; 0: took them off."""
        caps = (self.billing_request or {}).get("caps", ())
        return {(kind, source_id): quantity for kind, source_id, quantity in caps}

    def _cap(self, caps: dict[Key, float | None]):
        """Remember how much of transactions Recalculate may put on this invoice.

        :param caps: see :meth:`_caps`; None: all of it again
        """
        merged = {**self._caps(), **caps}
        # sudo: the caller may edit the invoice; this is the engine's own note on it.
        self.sudo().billing_request = {
            **(self.billing_request or {}),
            "caps": [
                [*key, cap] for key, cap in sorted(merged.items()) if cap is not None
            ],
        }

    # === Lines follow the ledger ===

    def _layout(self) -> str:
        """What has an invoice line of its own; decided when the draft was made."""
        return (self.billing_request or {}).get("layout", "order_line")

    def _slice_of(self, item) -> str:
        """Which invoice line of its contract line a detail belongs on."""
        if item.move_line_id and not item._key:
            # Its transaction is gone, or there never was one: it stays where it is.
            return item.move_line_id.billing_slice or ""
        return slice_key(
            self._layout(), item.employee_name or "", item.task_name or "", item._key
        )

    def _lines_by_slice(self) -> dict[tuple[int, str], models.BaseModel]:
        """Invoice lines of the ledger, by contract line id and slice."""
        found: dict = {}
        for line in self.invoice_line_ids.sorted("sequence"):
            if line.display_type == "product" and not line.is_downpayment:
                for contract_line in line.sale_line_ids:
                    key = contract_line.id, line.billing_slice or ""
                    found.setdefault(key, line)
        return found

    def _details_of_transactions(self):
        """All but the adjustments, which have no transaction behind them."""
        return self.detail_ids.filtered(
            lambda detail: detail.transaction_type != ADJUSTMENT
        )

    def _follow_details(self):
        """Make the lines of drafts the sums of their chargeable details."""
        # sudo: the caller may edit the invoice; order and ledger are read for it.
        for move in self.sudo():
            if move.is_project_invoice:
                move.with_context(psa_ledger=LEDGER)._follow_contract_lines()
            else:
                move._follow_allocation()
            move._spread_amounts()

    def _follow_allocation(self):
        """On an invoice that was not made here, and on a credit note, a person decides
        which transactions make up a line, not how much it is: the rest is noted as an
        adjustment."""
        Billing = self.env["psa.billing"]
        for line in self.invoice_line_ids:
            contract_line = line._contract_line()
            if line.display_type != "product" or not contract_line:
                continue
            others = line.detail_ids.filtered(
                lambda each: each.transaction_type == ADJUSTMENT
            )
            target = Billing._signed_quantity(line, contract_line)
            transactions = (line.detail_ids - others)._chargeable()
            rest = target - fsum(transactions.mapped("quantity"))
            others._drop()
            if contract_line.product_uom_id.compare(rest, 0.0):
                Billing._add_adjustment(line, contract_line, rest)
        self.invoice_line_ids.sale_line_ids._refresh_excluded_quantity()

    def _follow_contract_lines(self):
        Billing = self.env["psa.billing"]
        details = self.detail_ids.filtered(lambda each: not each.is_write_off)
        by_line = details.grouped("sale_line_id")
        contract_lines = self.env["sale.order.line"].union(*by_line)
        contract_lines._refresh_excluded_quantity()
        closing = Billing._closing_remainders(
            {line.id: each.mapped("quantity") for line, each in by_line.items()},
            Billing._free_quantities(details),
            self,
        )
        for line, found in by_line.items():
            self._follow_slices(line, found, closing.get(line.id))
        self.invoice_line_ids.filtered(
            lambda line: (
                not line.detail_ids
                and line._contract_line()
                and (
                    line._contract_line() not in contract_lines
                    or self._layout() != "order_line"
                )
            )
        ).unlink()

    def _follow_slices(self, contract_line, details, remaining: float | None):
        """Make the invoice lines of a contract line the sums of their details.

        :param remaining: what the last of them takes, if they close the contract line
        """
        slices: dict = {}
        for detail in details:
            slices.setdefault(self._slice_of(detail), detail.browse())
            slices[self._slice_of(detail)] += detail
        charged = [key for key, found in slices.items() if found._chargeable()]
        for key, found in slices.items():
            last = bool(charged) and key == charged[-1]
            line = self._follow_slice(
                contract_line, key, found._chargeable(), remaining if last else None
            )
            if line and remaining is not None:
                remaining -= line.product_uom_id._compute_quantity(
                    line.quantity, contract_line.product_uom_id
                )

    def _follow_slice(self, contract_line, key: str, details, remaining: float | None):
        """Make one invoice line the sum of its chargeable details.

        A line on which all is offered stays, with nothing to charge: a person may have
        written its text and price.

        :return: the invoice line, if there is one
        """
        Billing = self.env["psa.billing"]
        line = Billing._in_customer_language(
            contract_line.order_id
        ).order_line.filtered(lambda each: each.id == contract_line.id)
        quantity = line_quantity(
            details.mapped("quantity"),
            line.product_uom_id.round,
            remaining if details else None,
        )
        captions = Billing._captions(line, self._layout(), details._as_transactions())
        move_line = self._lines_by_slice().get((line.id, key))
        if not move_line and not details:
            return move_line
        if not move_line:
            move_line = self.env["account.move.line"].create(
                {
                    **Billing._line_values(
                        line, quantity, captions, billing_slice=key, sequence=1000
                    ),
                    "move_id": self.id,
                }
            )
        else:
            move_line._follow(line, quantity, captions if details else [])
        (details - move_line.detail_ids).write({"move_line_id": move_line.id})
        return move_line

    def _spread_amounts(self):
        """Divide the untaxed amount of each line over its details, to the cent."""
        # sudo: who may edit an invoice need not read the ledger.
        for line in self.sudo().invoice_line_ids:
            details = line.detail_ids._chargeable()
            if not details:
                continue
            sign = -1.0 if line.move_id.move_type == "out_refund" else 1.0
            parts = spread(
                sign * line.price_subtotal,
                details.mapped("quantity"),
                line.currency_id.round,
            )
            for detail, amount in zip(details, parts, strict=True):
                detail._price(amount, line.price_unit)
        for detail in self.sudo().detail_ids:
            if detail.billing_type != "chargeable":
                detail._price(0.0, detail.price_unit)

    # === Life of an invoice ===

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
        result = super().write(vals)
        if LIVE_FIELDS & set(vals):
            # sudo: whoever may change the state need not read the ledger.
            details = self.sudo().detail_ids
            if details:
                details._refresh_sources(details._sources())
                details.sale_line_id._refresh_excluded_quantity()
            for move in was_cancelled.sudo().filtered("detail_ids"):
                if move.is_project_invoice:
                    move.needs_recalculation = True
                    self.env["psa.billing"].sudo()._give_up_what_others_billed(move)
                elif move.move_type == "out_invoice":
                    move.invoice_line_ids._record_billing()
        return result

    def _check_nothing_depends_on(self, state: str):
        """Refuse what would leave transactions billed twice.

        :param state: that these invoices and credit notes are about to get
        """
        # sudo: whoever may change the state need not read the ledger.
        details = self.sudo().detail_ids
        taken_back = details.filtered(
            lambda detail: (
                detail.move_id.move_type == "out_refund"
                and detail.origin_detail_id
                and detail._counts()
            )
        )
        for detail in taken_back:
            if again := detail._billed_again():
                raise UserError(
                    self.env._(
                        "%(credit_note)s has to stay: what it reopened was billed "
                        "again with %(invoice)s. Credit that invoice first.",
                        credit_note=detail.move_id.display_name,
                        invoice=again.move_id.display_name or self.env._("a write-off"),
                    )
                )
        if state == "cancel":
            details.filtered(
                lambda detail: detail.move_id.move_type == "out_invoice"
            )._check_not_credited()

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
        for credit_note in self.filtered(lambda move: move.move_type == "out_refund"):
            credit_note._settle_credits()
        moves._spread_amounts()
        return super()._post(soft=soft)

    def _settle_credits(self):
        """Credit once, whatever other credit notes were posted since; and reopen what
        went with an invoice that is credited in full."""
        # sudo: whoever may post a credit note need not read the ledger.
        move = self.sudo()
        if not move.detail_ids:
            return
        move._check_credited_invoices()
        overdone = move.detail_ids.filtered("origin_detail_id").filtered(
            lambda detail: detail._is_credited_already()
        )
        overdone.move_line_id._record_billing()
        free = move.detail_ids.filtered(
            lambda detail: detail.origin_detail_id and not detail.move_line_id
        )
        free._drop()
        if move.reopens_transactions and move.reversed_entry_id:
            self.env["psa.billing"].sudo()._reopen_what_went_with_it(move)
        move._spread_amounts()

    def _check_credited_invoices(self):
        """Refuse to credit what a cancelled invoice does not bill any more."""
        cancelled = self.detail_ids.origin_detail_id.move_id.filtered(
            lambda move: move.state == "cancel"
        )
        if cancelled:
            raise UserError(
                self.env._(
                    "%(credit_note)s credits %(invoices)s, which is cancelled: what it "
                    "billed is open already. Cancel the credit note, too.",
                    credit_note=self.display_name,
                    invoices=", ".join(cancelled.mapped("display_name")),
                )
            )

    def _see_price_credits(self):
        """A credit note that only lowers prices reopens nothing."""
        for move in self.filtered(lambda move: move.move_type == "out_refund"):
            lines = move.invoice_line_ids.filtered("credited_line_id")
            lowered = lines.filtered(
                lambda line: line.currency_id.compare_amounts(
                    line.price_unit, line.credited_line_id.price_unit
                )
            )
            same_quantities = all(
                line.product_uom_id == line.credited_line_id.product_uom_id
                and not line.product_uom_id.compare(
                    line.quantity, line.credited_line_id.quantity
                )
                for line in lowered
            )
            reopens = not (lowered and same_quantities)
            if move.reopens_transactions != reopens:
                move.reopens_transactions = reopens

    def _link_timesheets_to_invoice(self, start_date=None, end_date=None):
        """The ledger has linked the entries that an invoice bills, and no others: not
        those of another period, nor those on hold."""
        others = self.filtered(lambda move: not move.sudo().detail_ids)
        return super(AccountMove, others)._link_timesheets_to_invoice(
            start_date, end_date
        )

    def action_post(self):
        """Odoo takes every entry of the credited lines off its invoice, also where only
        a part was credited: the ledger knows better."""
        result = super().action_post()
        # sudo: whoever may post a credit note need not read the ledger.
        credited = self.filtered(
            lambda move: move.move_type == "out_refund"
        ).reversed_entry_id.sudo()
        if credited.detail_ids:
            credited.detail_ids._refresh_sources(credited.detail_ids._sources())
        return result

    def _continue_project_invoice(self, origin):
        """Be reviewed and recalculated as the project invoice that this one replaces.

        :param origin: it was credited, and copied here
        """
        self.write(
            {
                "is_project_invoice": True,
                "billing_cutoff_date": origin.billing_cutoff_date,
                "billing_period_start": origin.billing_period_start,
                "billing_project_ids": [Command.set(origin.billing_project_ids.ids)],
                "billing_request": origin.billing_request,
                "needs_recalculation": False,
            }
        )
        self.env["psa.billing"]._offer_again(self, origin)
        # The entries name a project invoice, and not yet a replacement of Odoo's own.
        self.detail_ids._refresh_sources(self.detail_ids._sources())

    def button_draft(self):
        result = super().button_draft()
        # sudo: the accountant may reset the invoice; the date is the engine's.
        self.sudo().filtered("billing_sent_date").billing_sent_date = False
        return result

    def action_switch_move_type(self):
        """A project invoice says what is billed; a credit note is a document apart."""
        if self.filtered("is_project_invoice"):
            raise UserError(
                self.env._(
                    "A project invoice cannot become a credit note. Take off the rows "
                    "that make it negative; they are open again and net with later "
                    "work."
                )
            )
        return super().action_switch_move_type()

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
