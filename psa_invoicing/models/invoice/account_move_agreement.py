# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Posting: an invoice says what the ledger says, whoever changed it and however."""

from collections.abc import Iterator

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL

# What stays once an invoice is confirmed.
SETTLED = {"billing_cutoff_date", "psa_reopens_transactions", "reversed_entry_id"}
# What follows from lines and payments, on any invoice of the ledger.
FIGURES = {
    "amount_residual",
    "amount_tax",
    "amount_total",
    "amount_untaxed",
    "payment_state",
}
# Between these, Odoo's button changes the payment of what is not paid.
UNPAID = {"blocked", "not_paid", "partial"}
# What belongs to one invoice, and commands that change what is there.
PARTS = {
    "account.move": {Command.UPDATE, Command.DELETE},
    "account.move.line": {*Command} - {Command.CREATE, Command.CLEAR},
    "psa.invoice.detail": {*Command} - {Command.CREATE, Command.CLEAR},
}


class Reason(str):
    """Why an accountant confirms what does not agree, or takes back what was sent. No
    client can send one: what comes from there is a plain text."""

    __slots__ = ()


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _psa_disagreements(self) -> list:
        """Where these invoices and the ledger disagree: one query for all of them.

        What is not in the ledger is none of its business.

        :return: ``[(invoice, what is wrong, in a sentence)]``
        """
        sold = self.filtered(lambda move: move.is_sale_document())
        moves = sold._psa_of_projects()
        if not moves:
            return []
        # sudo: who may post an invoice need not read the ledger.
        Detail = self.env["psa.invoice.detail"].sudo()
        found = Detail._disagreements(SQL("move.id = ANY(%s)", moves.ids))
        credit_notes = moves.sudo().filtered(
            lambda move: move.state == "draft" and move.move_type == "out_refund"
        )
        return found + credit_notes._psa_credited_meanwhile()._disagreements_on_credit()

    def _psa_check_agreement(self):
        """Refuse to post what does not say what the ledger says.

        :raises UserError: with all that is off, by invoice
        """
        self._psa_answer_for(self._psa_disagreements())

    def _psa_answer_for(self, found: list):
        """Only an accountant who gives a reason posts what is off.

        :param found: see :meth:`_psa_disagreements`
        :raises UserError: with all that is off, by invoice
        """
        if not found:
            return
        reason = self.env.context.get("psa_reason")
        if isinstance(reason, Reason):
            for move, text in found:
                move._message_log(
                    body=self.env._(
                        "Confirmed all the same by %(user)s: %(reason)s. %(problem)s",
                        user=self.env.user.name,
                        reason=reason.rstrip("."),
                        problem=text,
                    )
                )
            return
        raise UserError(
            self.env._(
                "Some figures do not agree, and nothing was confirmed:\n%(problems)s\n"
                "An accountant may confirm it all the same, with a reason: Actions > "
                "Confirm All the Same.",
                problems="\n".join(
                    f"{move.display_name}: {text}" for move, text in found
                ),
            )
        )

    def _psa_check_drafts(self):
        """Refuse to change what is posted."""
        if posted := self.filtered(lambda move: move.state != "draft"):
            raise UserError(
                self.env._(
                    "%(invoices)s is no draft any more: correct it with a credit note.",
                    invoices=", ".join(posted.mapped("display_name")),
                )
            )

    def _psa_check_not_cancelled(self):
        """Others may have billed since what was on a cancelled invoice."""
        cancelled = self.filtered(lambda move: move.state == "cancel")
        if ours := cancelled._psa_of_projects():
            raise UserError(
                self.env._(
                    "%(invoices)s is cancelled, and what was on it may be billed "
                    "elsewhere. Reset it to draft first; it bills what nobody else "
                    "has.",
                    invoices=", ".join(ours.mapped("display_name")),
                )
            )

    def _psa_check_settled(self, vals: dict):
        """Refuse to change afterwards what decides what is billed, and what is open.

        :raises UserError: with the field
        """
        if self.env.su or not SETTLED & set(vals):
            return
        settled = self.filtered(lambda move: move.state != "draft")._psa_of_projects()
        for move in settled:
            if changed := move._psa_changed(SETTLED, vals):
                raise UserError(
                    self.env._(
                        "“%(field)s” of %(invoice)s stays as it is: transactions were "
                        "billed by it. Correct a confirmed invoice with a credit note.",
                        field=self._fields[changed[0]]._description_string(self.env),
                        invoice=move.display_name,
                    )
                )

    def _psa_check_figures(self, vals: dict):
        """Refuse to write Odoo's figures of an invoice of the ledger: what is paid, and
        what counts as billed, hangs on them."""
        if self.env.su or not FIGURES & set(vals):
            return
        for move in self._psa_of_projects():
            changed = set(move._psa_changed(FIGURES, vals))
            if {move.payment_state, vals.get("payment_state")} <= UNPAID:
                changed.discard("payment_state")
            if changed:
                self._psa_refuse_figures(changed)

    def _psa_check_cancelled_by_button(self):
        """Refuse to cancel, and so to open again, what a customer has or has paid:
        Odoo's button resets it first and takes the payment off, a bare ``write`` of the
        state does not."""
        if self.env.su:
            return
        # sudo: who may change the state need not see the payments.
        moves = self.sudo()._psa_of_projects()
        paid = moves.line_ids.filtered(
            lambda line: line.matched_debit_ids or line.matched_credit_ids
        ).move_id
        if found := paid | moves.filtered(lambda move: move.state == "posted"):
            raise UserError(
                self.env._(
                    "%(invoices)s is confirmed or paid, and would be open again with "
                    "its payment left on it. Press Reset to Draft, then Cancel.",
                    invoices=", ".join(found.mapped("display_name")),
                )
            )

    # === Lines and rows of other invoices ===

    def _psa_check_own_parts(self, model, vals: dict):
        """Refuse to change another invoice of the ledger through one of these: Odoo
        then brings the totals of this one alone in line.

        :param model: whose values they are
        :raises UserError: with the other invoice
        """
        if self.env.su:
            return
        # sudo: only to say which invoice it is.
        moves = self.sudo().browse(_touched(model.sudo(), vals)) - self
        moves.exists()._psa_refuse_from_elsewhere()

    def _psa_refuse_from_elsewhere(self):
        """:raises UserError: if one of these invoices is of the ledger"""
        if others := self._psa_of_projects():
            raise UserError(
                self.env._(
                    "Lines and transactions of %(others)s are changed there, not "
                    "through another invoice.",
                    others=", ".join(others.mapped("display_name")),
                )
            )


def _touched(model, vals: dict) -> Iterator[int]:
    """Invoices of which commands in values change something, however deep."""
    for name, commands in vals.items():
        field = model._fields.get(name)
        if not field or not field.relational or not isinstance(commands, list | tuple):
            continue
        comodel = model.env[field.comodel_name]
        ids: set[int] = set()
        for command in commands:
            if not isinstance(command, list | tuple) or not command:
                continue
            code, id_, values = (*command, 0, 0)[:3]
            if code in PARTS.get(comodel._name, ()):
                ids.update(values if code == Command.SET else [id_])
            if code in (Command.CREATE, Command.UPDATE) and isinstance(values, dict):
                yield from _touched(comodel, values)
        parts = comodel.browse(id_ for id_ in ids if isinstance(id_, int)).exists()
        if parts:
            yield from (parts if comodel._name == "account.move" else parts.move_id).ids
