# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.shared import rights


class AccountMoveSendWizard(models.TransientModel):
    """Odoo's dialog to send an invoice; a draft of a project, too, which is confirmed
    when a person presses Send. It shows the mail with more rights than the user."""

    _name = "account.move.send.wizard"
    _inherit = ["account.move.send.wizard", "psa.pointing"]

    psa_version = fields.Char(
        string="Version",
        compute="_compute_psa_version",
        store=True,
        precompute=True,
        readonly=False,
        help="Of the invoice, when the dialog was opened.",
    )
    psa_is_draft = fields.Boolean("Is Draft", compute="_compute_psa_is_draft")

    @api.depends("move_id")
    def _compute_psa_version(self):
        for wizard in self:
            wizard.psa_version = wizard.move_id._psa_sending_version()

    @api.depends("move_id")
    def _compute_psa_is_draft(self):
        for wizard in self:
            wizard.psa_is_draft = wizard._psa_is_project_draft(wizard.move_id)

    @api.model
    def _psa_is_project_draft(self, move) -> bool:
        return move.is_project_invoice and move.state == "draft"

    @api.model
    def _get_move_constraints(self, move):
        constraints = super()._get_move_constraints(move)
        # Odoo asks as superuser: it is the person who counts.
        may_bill = rights.is_billing_manager(self.env)
        if may_bill and self._psa_is_project_draft(move):
            constraints.pop("not_posted", None)
        return constraints

    @api.model
    def _get_default_mail_attachments_widget(self, move, *args, **kwargs):
        """Documents of a draft are named as if it had a number: most take one for
        granted."""
        if self._psa_is_project_draft(move):
            as_posted = {"name": self.env._("[number]"), "state": "posted"}
            move = move.new(as_posted, origin=move)
        return super()._get_default_mail_attachments_widget(move, *args, **kwargs)

    def action_psa_preview(self):
        """See :meth:`~AccountMove.action_psa_preview`."""
        return self.move_id.action_psa_preview()

    def action_send_and_print(self, allow_fallback_pdf=False):
        """Confirm the draft of a project, for good; then send it. If that fails, it
        stays confirmed and says why."""
        self.ensure_one()
        move = self.move_id
        if not move.is_project_invoice:
            return super().action_send_and_print(allow_fallback_pdf=allow_fallback_pdf)
        if self.alerts:
            # These can be put right in the dialog.
            self._raise_danger_alerts(self.alerts)
        self._psa_take()
        if move.state == "draft":
            self._psa_confirm()
        with self._psa_keeping_reason(move):
            return super().action_send_and_print(allow_fallback_pdf=allow_fallback_pdf)
        return {"type": "ir.actions.act_window_close"}

    def _psa_take(self):
        """Be the only one who sends the invoice now.

        :raises UserError: if somebody else does, or has done so, or has changed it
        """
        move = self.move_id
        if not move.try_lock_for_update():
            raise UserError(
                self.env._(
                    "Somebody else is changing or sending %(invoice)s right now. Look "
                    "at it again in a moment.",
                    invoice=move.display_name,
                )
            )
        move._psa_check_version(self.psa_version)

    def _psa_confirm(self):
        """Post the draft and commit: its number stays, whatever comes next."""
        rights.check_may_bill(self.env)
        move = self.move_id
        if problems := move._psa_sending_problems(methods=self.sending_methods or []):
            raise UserError(move._psa_problems_text(problems[move]))
        proposed = self._psa_proposed()
        move._psa_confirm_to_send()
        self._psa_follow_number(proposed)
        # Where this call is tried again, it finds its own work.
        self.psa_version = move._psa_sending_version()
        if self._can_commit():
            # No client takes it for a scheduled action.
            as_itself = self.env["ir.cron"].with_context(ir_cron_progress_id=False)
            as_itself._commit_progress()
        move.invalidate_recordset()
        self._psa_take()

    def _psa_proposed(self) -> dict:
        """What the dialog says of the invoice, unless a person changes it."""
        move, template, lang = self.move_id, self.template_id, self.lang
        return {
            "subject": self._get_default_mail_subject(move, template, lang),
            "body": self._get_default_mail_body(move, template, lang),
            "mail_attachments_widget": self._get_default_mail_attachments_widget(
                move,
                template,
                invoice_edi_format=self.invoice_edi_format,
                extra_edis=self.extra_edis or {},
                pdf_report=self.pdf_report_id,
            ),
        }

    def _psa_follow_number(self, proposed: dict):
        """Let the mail, and the names of what it carries, have the number that the
        invoice has now. What a person changed stays.

        :param proposed: see :meth:`_psa_proposed`, of the draft
        """
        rows = self.mail_attachments_widget or []
        chosen = self.extra_edi_checkboxes or {}
        self._compute_extra_edi_checkboxes()
        self.extra_edi_checkboxes = {**(self.extra_edi_checkboxes or {}), **chosen}
        now = self._psa_proposed()
        for name in ("subject", "body"):
            is_own = self[name] != proposed[name]
            self[name] = self._psa_filled_in(self[name]) if is_own else now[name]
        names = {
            before["name"]: after["name"]
            for before, after in zip(
                proposed["mail_attachments_widget"],
                now["mail_attachments_widget"],
                strict=False,
            )
        }
        taken_off = {
            names.get(row["name"], row["name"]) for row in rows if row.get("skip")
        }
        self.mail_attachments_widget = [
            {**row, "skip": True} if row["name"] in taken_off else row
            for row in now["mail_attachments_widget"]
        ] + [row for row in rows if row.get("manual")]

    def _psa_filled_in(self, text: str | None) -> str:
        """:param text: that a person wrote or changed while there was no number"""
        move = self.move_id.with_context(lang=self.lang)
        for to_come, value in (
            (move.env._("[number]"), move.name),
            (move.env._("[payment reference]"), move.payment_reference),
        ):
            text = (text or "").replace(to_come, value or "")
        return text
