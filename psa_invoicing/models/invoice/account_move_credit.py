# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Credit notes: what they take back, once, and what must stay because of them."""

from math import fsum

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL

from ...core.allocation import TOLERANCE, is_rounding, is_zero
from ...core.billing import LEDGER
from ...tools import rules
from ..billing.details import Details, signed_quantity
from ..billing.recording import Recording
from ..ledger.psa_invoice_detail_agreement import CREDITED_WORTH
from ..shared import rights

# What the customer has; before that, an invoice is reset to draft.
CORRECTED_STATES = ("sent", "partial", "paid")


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    psa_can_correct = fields.Boolean(
        string="Can Correct", compute="_compute_psa_can_correct"
    )

    def _psa_check_nothing_depends_on(self, state: str):
        """Refuse what would leave transactions billed twice.

        :param state: that these invoices and credit notes are about to get
        """
        # sudo: whoever may change the state need not read the ledger.
        details = self.sudo().detail_ids
        details.filtered(
            lambda detail: (
                detail.move_id.move_type == "out_refund"
                and detail.origin_detail_id
                and rules.is_live(detail)
            )
        )._check_still_open()
        if state == "cancel":
            details.filtered(
                lambda detail: detail.move_id.move_type == "out_invoice"
            )._check_not_credited()

    def _psa_check_prices_stay_lowered(self):
        """Refuse to take a lowered price back once the rest was credited: the work is
        open again, and what was lowered would be owed for it.

        :raises UserError: with the credit note that counts on it
        """
        # sudo: whoever may change the state need not read the ledger.
        lowered = self.sudo().filtered(
            lambda move: (
                move.move_type == "out_refund" and not move.psa_reopens_transactions
            )
        )
        if not lowered.detail_ids.origin_detail_id:
            return
        Detail = lowered.env["psa.invoice.detail"]
        later = Detail.search(
            [
                ("origin_detail_id", "in", lowered.detail_ids.origin_detail_id.ids),
                ("move_id.state", "=", "posted"),
            ]
        ).move_id
        wanted = SQL("move.id = ANY(%s)", later.ids)
        for move, _text in Detail._disagreements(wanted, [CREDITED_WORTH]):
            raise UserError(
                self.env._(
                    "%(credit_notes)s has to stay: %(later)s credits what was left of "
                    "the price that it lowered. Reset that one to draft first.",
                    credit_notes=", ".join(lowered.mapped("display_name")),
                    later=move.display_name,
                )
            )

    def _psa_settle_credits(self):
        """Credit once, whatever other credit notes were posted since; and reopen what
        went with an invoice that is credited in full.

        :raises UserError: if another one has credited the same since
        """
        # sudo: whoever may post a credit note need not read the ledger.
        move = self.sudo()
        if not move.detail_ids:
            return
        move._psa_check_credited_invoices()
        overdone = move._psa_credited_meanwhile()
        self._psa_answer_for(overdone._disagreements_on_credit())
        overdone.move_line_id._psa_record_billing()
        free = move.detail_ids.filtered(
            lambda detail: detail.origin_detail_id and not detail.move_line_id
        )
        free._drop()
        if move.psa_reopens_transactions and move.reversed_entry_id:
            Recording(move.env).reopen_what_went_with_it(move)
        move._psa_spread_amounts()

    def _psa_credited_meanwhile(self):
        """Rows of these drafts that take back more than is left of what they credit."""
        rows = self.detail_ids.filtered("origin_detail_id")
        left = rows.origin_detail_id._left()
        return rows.filtered(
            lambda row: abs(row.quantity) > abs(left[row.origin_detail_id]) + TOLERANCE
        )

    def _psa_check_credited_invoices(self):
        """Refuse to credit what a cancelled invoice does not bill any more."""
        cancelled = self.detail_ids.origin_detail_id.move_id.filtered(
            lambda move: not rules.stands(move)
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

    def _psa_see_price_credits(self):
        """A credit note that only lowers prices reopens nothing."""
        for move in self.filtered(lambda move: move.move_type == "out_refund"):
            lines = move.invoice_line_ids.filtered("billing_credited_line_id")
            lowered = lines.filtered(
                lambda line: line.currency_id.compare_amounts(
                    line.price_unit, line._psa_price_before()
                )
            )
            same_quantities = all(
                line.product_uom_id == line.billing_credited_line_id.product_uom_id
                and not line.product_uom_id.compare(
                    line.quantity, line.billing_credited_line_id.quantity
                )
                for line in lowered
            )
            reopens = not (lowered and same_quantities)
            if move.psa_reopens_transactions != reopens:
                move.psa_reopens_transactions = reopens

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

    @api.depends_context("uid")
    @api.depends("psa_state")
    def _compute_psa_can_correct(self):
        """Then the button Correct takes the place of Odoo's Credit Note."""
        is_manager = rights.is_billing_manager(self.env)
        for move in self:
            move.psa_can_correct = is_manager and move.psa_state in CORRECTED_STATES

    def action_psa_correct(self):
        """Ask what should have been invoiced, and credit the difference.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is not posted, or credited already
        """
        self._psa_check_may_correct()
        return self._psa_correction_dialog(self._psa_correction())

    def _psa_check_may_correct(self):
        """See :meth:`action_psa_correct`."""
        self.ensure_one()
        rights.check_may_bill(self.env)
        self.check_access("read")
        if not (self.is_project_invoice and self.state == "posted"):
            raise UserError(
                self.env._(
                    "%(invoice)s is no confirmed project invoice: change it directly.",
                    invoice=self.display_name,
                )
            )

    def _psa_correction(self):
        """A correction that lists what is left of an invoice.

        :raises UserError: if nothing is
        """
        left = [
            (detail, quantity)
            for detail, quantity in self.detail_ids._chargeable()._left().items()
            if not is_zero(quantity)
        ]
        if not left:
            raise UserError(
                self.env._(
                    "All of %(invoice)s is credited already.", invoice=self.display_name
                )
            )
        return self.env["psa.invoice.correction"].create(
            {
                "move_id": self.id,
                "line_ids": [
                    Command.create({"detail_id": detail.id, "quantity": quantity})
                    for detail, quantity in left
                ],
            }
        )

    def _psa_correction_dialog(self, correction) -> dict:
        """What asks for the right quantities of this invoice."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Correct %(invoice)s", invoice=self.display_name),
            "res_model": correction._name,
            "res_id": correction.id,
            "view_mode": "form",
            "target": "new",
        }

    def _psa_credit_exactly(self, parts: dict):
        """Let a draft credit note of an invoice take back these transactions alone.

        :param parts: what to take back, negative, in the contract line's unit, by
            detail of the invoice
        """
        self.detail_ids._drop()
        ledger = self.with_context(psa_ledger=LEDGER)
        is_all = self.reversed_entry_id._psa_is_all_that_is_left(parts)
        reversals = []
        for line in ledger.invoice_line_ids:
            origin = line.billing_credited_line_id
            if is_all and origin._psa_is_deduction_to_give_back():
                continue
            found = [
                (detail, self, line, part)
                for detail, part in parts.items()
                if origin and detail.move_line_id == origin
            ]
            if not found:
                line.unlink()
                continue
            line.write(
                line._psa_quantity_to_credit(
                    -fsum(part for _detail, _move, _line, part in found)
                )
            )
            reversals += found
        Details(self.env).take_back(reversals)
        self._psa_spread_amounts()
        self.detail_ids.sale_line_id._psa_refresh_excluded_quantity()

    def _psa_is_all_that_is_left(self, parts: dict) -> bool:
        """Whether nothing of what an invoice charges stays.

        :param parts: what is taken back, negative, by detail
        """
        details = self.detail_ids._chargeable()
        taken_back = details._taken_back()
        return all(
            is_zero(
                detail.quantity
                + taken_back.get(detail.id, 0.0)
                + parts.get(detail, 0.0)
            )
            for detail in details
        )

    def _psa_continue_project_invoice(self, origin):
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
        Recording(self.env).offer_again(self, origin)
        # The entries name a project invoice, and not yet a replacement of Odoo's own.
        self.detail_ids._refresh_sources(self.detail_ids._sources())

    def _psa_check_type(self, move_type: str):
        """A project invoice says what is billed; a credit note is a document apart."""
        if self.filtered(
            lambda move: move.is_project_invoice and move.move_type != move_type
        ):
            raise UserError(
                self.env._(
                    "A project invoice cannot become a credit note. Take off the rows "
                    "that make it negative; they are open again and net with later "
                    "work."
                )
            )

    def _psa_follow_type(self):
        """A draft counts as what it is when it is posted: where it bills what it was
        made to credit, or the other way round, that is noted anew."""
        # sudo: whoever may change the document need not read the ledger.
        lines = self.sudo().invoice_line_ids.filtered("detail_ids")
        # Odoo counts by the type, and does not notice when it changes.
        lines.sale_line_ids.modified(["invoice_lines"])
        lines.filtered(
            lambda line: (
                not is_rounding(
                    signed_quantity(line, line._psa_contract_line())
                    - fsum(line.detail_ids._chargeable().mapped("quantity")),
                    line._psa_quantity_rounding(),
                )
            )
        )._psa_record_billing()
