# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The wizard as other systems use it: plain values in and out."""

from collections import defaultdict

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command

from ...core import obstacles
from ...core.kinds import MODELS, SOURCES, TYPES, Key
from ...models.shared import rights
from ...models.shared.external_arguments import (
    as_date,
    as_keys,
    as_records,
    as_words,
    check_exist,
)
from .psa_manual_invoice import TYPE_FIELDS


class PsaManualInvoice(models.TransientModel):
    _inherit = "psa.manual.invoice"  # pylint: disable=consider-merging-classes-inherited

    def _asked(self, project_ids, cutoff_date, types, unit_ids, milestone_ids, picks):
        """The wizard with what it would bill; see ``project.project.psa_invoice``.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for what is unknown, and if no project can be billed
        """
        rights.check_may_bill(self.env)
        projects = as_records(self.env["project.project"], project_ids)
        day = as_date(self.env, cutoff_date)
        if not day:
            raise UserError(self.env._("Say up to which date to bill: cutoff_date."))
        wanted = as_words(self.env, types, TYPES)
        units = as_records(self.env["hr.department"], unit_ids)
        milestones = as_records(self.env["project.milestone"], milestone_ids)
        if foreign := milestones.filtered(lambda each: each.project_id not in projects):
            raise UserError(
                self.env._(
                    "Of other projects: %(milestones)s.",
                    milestones=", ".join(foreign.mapped("display_name")),
                )
            )
        keys = as_keys(self.env, picks)
        self._check_picks(keys)
        wizard = self.create(
            {
                "project_ids": [Command.set(projects.ids)],
                "cutoff_date": day,
                "unit_ids": [Command.set(units.ids)],
                "milestone_ids": [Command.set(milestones.ids)],
                "picks": [list(key) for key in keys] or False,
                **{name: kind in wanted for kind, name in TYPE_FIELDS.items()},
            }
        )
        wizard._find()
        if not keys:
            wizard.line_ids.filtered("remark").selected = False
        return wizard

    def _check_picks(self, keys: list[Key]):
        """:raises UserError: for a transaction that there is not"""
        for source in SOURCES:
            # sudo: an administrator of billing need not read timesheets; what is not
            # of their projects is not billed.
            model = self.env[MODELS[source]].sudo()
            check_exist(model.browse(id_ for kind, id_ in keys if kind == source))

    def _invoice_values(self) -> list[dict]:
        """The invoices that Finish would make."""
        lines = defaultdict(self.line_ids.browse)
        for line in self.line_ids.filtered("selected"):
            lines[line.invoice_number] += line
        # sudo: the administrator was checked; they need not read orders.
        return [
            {
                "type": "credit_note" if bundle.is_credit else "invoice",
                "partner_id": own.partner_id.id,
                "partner": own.partner_id.display_name,
                "project_ids": own.project_id.ids,
                "currency": own.currency_id.name,
                "amount_untaxed": own.currency_id[:1].round(bundle.total),
                "transactions": [line._values() for line in own],
            }
            for bundle in self._preview(self._parts())
            if (own := lines[bundle.number].sudo())
        ]

    def _outcome_values(self) -> dict:
        """What is left out, and why there is nothing to bill, if so."""
        left_out = [
            {
                "reason": each.reason,
                "text": self._reason_label(each),
                "about_id": each.about_id,
                "transactions": [list(key) for key in each.keys],
            }
            for each in self._left_out()
        ]
        unticked = self.line_ids.filtered(lambda line: not line.selected)
        for remark, lines in unticked.grouped("remark").items():
            keys = [line._key for line in lines]
            left_out.append(self._left_out_values(remark, keys))
        known = {tuple(key) for each in left_out for key in each["transactions"]}
        known |= {line._key for line in self.line_ids}
        if rest := sorted((self._picked() or set()) - known):
            left_out.append(self._left_out_values(obstacles.NOT_OPEN, rest))
        message = ""
        if self.line_ids == unticked:
            message = self.env._("Nothing is open.")
        elif not self._preview(self._parts()):
            message = self.env._(
                "These transactions add up to nothing that could be charged."
            )
        return {"left_out": left_out, "message": message}

    def _left_out_values(self, reason: str, keys: list) -> dict:
        text = {
            obstacles.CREDITED: self.env._(
                "Credited: name them among the picks to bill them again"
            ),
            obstacles.BEFORE_START: self.env._(
                "Before billing start: name them among the picks to bill them"
            ),
            obstacles.NOT_OPEN: self.env._("Nothing is open, or of other projects"),
        }[reason]
        return {
            "reason": reason,
            "text": text,
            "about_id": False,
            "transactions": [list(key) for key in keys],
        }
