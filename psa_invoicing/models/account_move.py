# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from math import fsum

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import formatLang

from ..core.allocation import line_quantity, spread
from ..core.billing import Key, Request

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
        self.env["psa.invoice.detail"]._check_draft(self)
        messages = []
        for move in self:
            total = move.amount_untaxed
            # sudo: the administrator was just checked; he need not read timesheets.
            difference = self.env["psa.billing"].sudo()._recalculate(move.sudo())
            if move.needs_recalculation:
                move.needs_recalculation = False
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
        if "email" in methods and not self.partner_id.email:
            return self.env._(
                "the customer %(customer)s has no e-mail address. Enter one, or choose "
                "another way of sending on the customer's Accounting tab.",
                customer=self.partner_id.display_name,
            )
        return ""

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

    def _left_out(self) -> dict[Key, float | None]:
        """What a person took off this draft: a quantity in the transaction's own unit,
        or None for the whole of it, whatever becomes of it."""
        return {
            (kind, source_id): quantity
            for kind, source_id, quantity in (self.billing_request or {}).get(
                "left_out", ()
            )
        }

    def _leave_out(self, keys: set[Key], quantity: float | None = None):
        """Remember what Recalculate must not add again.

        :param quantity: see :meth:`_left_out`; 0 forgets about it
        """
        left_out = {**self._left_out(), **dict.fromkeys(keys, quantity)}
        # sudo: the caller may edit the invoice; this is the engine's own note on it.
        self.sudo().billing_request = {
            **(self.billing_request or {}),
            "left_out": [
                [*key, rest] for key, rest in sorted(left_out.items()) if rest != 0
            ],
        }

    # === Lines follow the ledger ===

    def _lines_by_contract_line(self) -> dict[tuple[int, int], models.BaseModel]:
        """Invoice lines of the ledger, by ``(invoice id, contract line id)``."""
        found = {}
        for line in self.invoice_line_ids:
            if line.display_type != "product" or line.is_downpayment:
                continue
            for contract_line in line.sale_line_ids:
                found.setdefault((line.move_id.id, contract_line.id), line)
        return found

    def _quantity_invoiced(self, contract_line) -> float:
        """What this invoice has of a contract line, in that line's unit."""
        return fsum(
            line.product_uom_id._compute_quantity(
                line.quantity, contract_line.product_uom_id
            )
            for line in self.invoice_line_ids
            if contract_line in line.sale_line_ids
        )

    def _follow_details(self):
        """Make the lines of drafts the sums of their chargeable details."""
        Billing = self.env["psa.billing"].sudo()
        # sudo: the caller may edit the invoice; order and ledger are read for it.
        for move in self.sudo().with_context(psa_ledger=True):
            details = move.detail_ids.grouped("sale_line_id")
            lines = self.env["sale.order.line"].sudo().union(*details)
            lines._refresh_excluded_quantity()
            quantities = {
                line.id: found.mapped("quantity") for line, found in details.items()
            }
            chargeable = {
                line.id: found._chargeable().mapped("quantity")
                for line, found in details.items()
            }
            closing = Billing._closing_remainders(quantities, chargeable, move)
            for line, found in details.items():
                move._follow_line(line, found._chargeable(), closing.get(line.id))
            stale = move._lines_by_contract_line()
            move.env["account.move.line"].union(
                *(
                    move_line
                    for (_id, line_id), move_line in stale.items()
                    if not chargeable.get(line_id)
                )
            ).unlink()
            move._spread_amounts()

    def _follow_line(self, contract_line, details, remaining: float | None):
        """Make one invoice line the sum of its chargeable details."""
        if not details:
            return
        Billing = self.env["psa.billing"]
        line = Billing._in_customer_language(
            contract_line.order_id
        ).order_line.filtered(lambda each: each.id == contract_line.id)
        quantity = line_quantity(
            details.mapped("quantity"), line.product_uom_id.round, remaining
        )
        names = details.filtered("milestone_id").mapped("name")
        move_line = self._lines_by_contract_line().get((self.id, line.id))
        if not move_line:
            move_line = self.env["account.move.line"].create(
                {
                    **Billing._line_values(line, quantity, names, sequence=1000),
                    "move_id": self.id,
                }
            )
        else:
            values = {}
            if line.product_uom_id.compare(move_line.quantity, quantity):
                values["quantity"] = quantity
            if name := move_line._renamed_for_milestones(line, names):
                values["name"] = name
            if values:
                move_line.write(values)
        (details - move_line.detail_ids).write({"move_line_id": move_line.id})

    def _spread_amounts(self):
        """Divide the untaxed amount of each line over its details, to the cent."""
        for line in self.sudo().invoice_line_ids:
            details = line.detail_ids._chargeable()
            parts = spread(
                line.price_subtotal,
                details.mapped("quantity"),
                line.currency_id.round,
            )
            for detail, amount in zip(details, parts, strict=True):
                if (
                    line.currency_id.compare_amounts(detail.amount, amount)
                    or detail.price_unit != line.price_unit
                ):
                    detail.with_context(psa_ledger=True).write(
                        {"amount": amount, "price_unit": line.price_unit}
                    )
        free = self.sudo().detail_ids.filtered(
            lambda detail: detail.billing_type != "chargeable" and detail.amount
        )
        free.with_context(psa_ledger=True).write({"amount": 0.0})

    # === Life of an invoice ===

    def write(self, vals):
        """A transaction is billed as long as its invoice is a draft or posted."""
        was_cancelled = (
            self.filtered(lambda move: move.state == "cancel")
            if vals.get("state") == "draft"
            else self.browse()
        )
        result = super().write(vals)
        if "state" in vals:
            # sudo: whoever may change the state need not read the ledger.
            details = self.sudo().detail_ids
            if details:
                details._refresh_sources(details._sources())
                details.sale_line_id._refresh_excluded_quantity()
                was_cancelled.sudo()._give_up_what_others_billed()
        return result

    def _give_up_what_others_billed(self):
        """A revived invoice claims only what nobody else has billed since."""
        self.filtered("detail_ids").needs_recalculation = True
        details = self.detail_ids.filtered(lambda detail: detail._is_over_claimed())
        moves = details.move_id
        details._drop()
        moves._follow_details()

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
        moves._spread_amounts()
        return super()._post(soft=soft)

    def button_draft(self):
        result = super().button_draft()
        self.filtered("billing_sent_date").billing_sent_date = False
        return result

    def unlink(self):
        """Transactions of a deleted draft are open again."""
        # sudo: whoever may delete an invoice need not read the ledger.
        details = self.sudo().detail_ids
        if details:
            details._drop()
        return super().unlink()
