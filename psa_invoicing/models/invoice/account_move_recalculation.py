# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recalculate, as a person sees it: what changed, what is done, what stays."""

from itertools import islice

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import formatLang

from ...core.billing import Request
from ...core.brief import Brief
from ...core.kinds import ADJUSTMENT
from ..billing.line_terms import LineTerms
from ..billing.recalculation import Recalculation
from ..billing.words import Words
from ..billing.writing import Period, period_start
from ..shared import rights

ROWS_SHOWN = 10


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    psa_pending_changes = fields.Json(
        string="Pending Changes",
        compute="_compute_psa_pending_changes",
        compute_sudo=True,
        help="What Recalculate would change: how many of each kind, and for each "
        "transaction that differs now, what it is now.",
    )
    psa_pending_summary = fields.Char(
        string="Pending Summary",
        compute="_compute_psa_pending_summary",
        help="What was changed since the invoice was calculated.",
    )
    psa_is_adoptable = fields.Boolean(
        string="Is Adoptable",
        compute="_compute_psa_is_adoptable",
        compute_sudo=True,
        help="A draft of Odoo's order button that bills projects: Recalculate asks for "
        "its cut-off date, and it is reviewed here from then on.",
    )

    # === What was changed since ===

    @api.depends(
        "billing_cutoff_date",
        "billing_request",
        "detail_ids.quantity",
        "detail_ids.billing_type",
        "needs_recalculation",
        "state",
    )
    @api.depends_context("lang")
    def _compute_psa_pending_changes(self):
        """Asked of Recalculate itself, and only where it is called for."""
        self.psa_pending_changes = False
        words = Words(self.env)
        for move in self:
            draft = move._origin
            if not (draft.needs_recalculation and draft.state == "draft"):
                continue
            difference = Recalculation(self.env).pending(draft)
            texts = {str(row.id): words.why_dropped(row) for row in difference.dropped}
            for row, item in difference.changed:
                _before, after = words.differing_facts(row.item, item)
                texts[str(row.id)] = self.env._("now %(values)s", values=after)
            move.psa_pending_changes = {
                "changed": len(difference.changed),
                "dropped": len(difference.dropped),
                "added": len(difference.added),
                "terms": len(difference.terms),
                "texts": texts,
            }

    @api.depends("psa_pending_changes")
    @api.depends_context("lang")
    def _compute_psa_pending_summary(self):
        for move in self:
            pending = move.psa_pending_changes or {}
            labels = {
                "changed": self.env._("changed"),
                "dropped": self.env._("to drop"),
                "added": self.env._("to add"),
                "terms": self.env._("prices and texts of the contract"),
            }
            move.psa_pending_summary = ", ".join(
                f"{label}: {pending[name]}"
                for name, label in labels.items()
                if pending.get(name)
            )

    # === What others guard ===

    # An add-on that locks invoices while they are approved asks which fields its lock
    # is not about. OCA's base_tier_validation does, and others took it over.

    def _get_under_validation_exceptions(self):
        """Whoever corrects an hour does not change the invoice: it only says so."""
        usual = getattr(super(), "_get_under_validation_exceptions", list)
        return [*usual(), *sorted(self._psa_engine_fields())]

    def _get_after_validation_exceptions(self):
        usual = getattr(super(), "_get_after_validation_exceptions", list)
        return [*usual(), *sorted(self._psa_engine_fields())]

    # === Recalculate ===

    def action_psa_recalculate(self):
        """Bring drafts in line with their transactions.

        What a person edited on an invoice stays: prices, texts, terms, rows taken off.
        A draft of Odoo's order button has no cut-off date: it is asked for, once.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is no draft
        :return: a notification with what changed, or the dialog that asks
        """
        rights.check_may_bill(self.env)
        self.check_access("write")
        self._psa_check_drafts()
        if self.filtered("psa_is_adoptable"):
            return self._psa_ask_for_cutoff()
        self._psa_check_project_drafts()
        messages = [message for move in self if (message := move._psa_recalculate())]
        if len(self) > 1 and messages:
            messages = [
                self.env._(
                    "%(changed)s of %(total)s invoices have changed: each says in its "
                    "history what.",
                    changed=len(messages),
                    total=len(self),
                )
            ]
        return self._psa_notification(
            messages[0] if messages else self._psa_nothing_changed(),
            "success" if messages else "info",
        )

    def _psa_recalculate(self) -> str:
        """:return: what was done, in one or two sentences; '' if nothing changed"""
        self.ensure_one()
        # sudo: the administrator was just checked; he need not read timesheets.
        move = self.sudo()
        recalculation = Recalculation(move.env)
        difference = recalculation.pending(move)
        message = ""
        if difference:
            before = move.amount_untaxed
            changes = list(islice(Words(move.env).changes(difference), ROWS_SHOWN))
            recalculation.recalculate(move, difference)
            message = move._psa_difference_message(difference, before)
            others = move._psa_other_drafts_message()
            move._message_log(
                body=move._psa_difference_body(
                    [message, move._psa_kept_message(), others],
                    changes,
                    len(difference) - len(changes),
                )
            )
            message = " ".join(filter(None, [message, others]))
        if move.needs_recalculation:
            move.needs_recalculation = False
        return message

    def _psa_nothing_changed(self) -> str:
        return " ".join(
            filter(
                None,
                [
                    self.env._("Nothing has changed since the last calculation."),
                    *(move.sudo()._psa_other_drafts_message() for move in self),
                ],
            )
        )

    def _psa_difference_message(self, difference, total_before: float) -> str:
        """What Recalculate did, in one sentence.

        :param total_before: untaxed amount before it
        """
        return self.env._(
            "Recalculated: %(added)s added, %(changed)s changed, %(dropped)s dropped; "
            "untaxed %(before)s → %(after)s.",
            added=len(difference.added),
            changed=len(difference.changed) + len(difference.terms),
            dropped=len(difference.dropped),
            before=formatLang(self.env, total_before, currency_obj=self.currency_id),
            after=formatLang(
                self.env, self.amount_untaxed, currency_obj=self.currency_id
            ),
        )

    def _psa_difference_body(
        self, sentences: list[str], changes: list, not_shown: int
    ) -> Markup:
        """What the chatter keeps of a Recalculate.

        :param changes: what was changed, the first rows of it
        :param not_shown: how many there are beyond those
        """
        summary, *others = filter(None, sentences)
        if not_shown:
            others.insert(0, self.env._("And %(count)s more.", count=not_shown))
        head = Markup("<th>%s</th>" * 4) % (
            self.env._("What"),
            self.env._("Date"),
            self.env._("Before"),
            self.env._("Now"),
        )
        rows = [Markup("<td>%s</td>" * 4) % change for change in changes]
        paragraph = Markup("<p>%s</p>")
        return Markup("").join(
            [
                paragraph % summary,
                Markup('<table class="table table-sm"><tbody>'),
                *(Markup("<tr>%s</tr>") % row for row in (head, *rows)),
                Markup("</tbody></table>"),
                *(paragraph % sentence for sentence in others),
            ]
        )

    def _psa_other_drafts_message(self) -> str:
        """What is due and stays where it is: on another draft."""
        found = Words(self.env).on_other_drafts(self)
        if not found:
            return ""
        return self.env._(
            "Not moved here: %(transactions)s.",
            transactions=", ".join(
                self.env._("%(count)s on %(invoice)s", count=count, invoice=other)
                for other, count in sorted(
                    (draft.display_name, count) for draft, count in found.items()
                )
            ),
        )

    # === What a person edited stays ===

    def _psa_kept_message(self) -> str:
        """What a person edited, and Recalculate left as it is."""
        kept = [
            *self._psa_edited_header(),
            *self._psa_edited_lines(),
            *self._psa_edited_rows(),
        ]
        if not kept:
            return ""
        return self.env._("Kept as edited: %(fields)s.", fields=", ".join(kept))

    def _psa_edited_header(self) -> list[str]:
        """Labels of what stands above the lines."""
        names = self._psa_edited_fields()
        if not self._psa_is_dated_by_rule() and self.invoice_date:
            names.append("invoice_date")
        return [self._fields[name]._description_string(self.env) for name in names]

    def _psa_edited_lines(self) -> list[str]:
        """Labels of what stands on the lines of contracts."""
        adjusted = (
            self.env["psa.invoice.detail"]
            .search([("move_id", "=", self.id), ("transaction_type", "=", ADJUSTMENT)])
            .move_line_id
        )
        kept = []
        for line in self._psa_lines_by_slice().values():
            names = [name for name in line._psa_edited_fields() if line.billing_written]
            if line in adjusted:
                names.append("quantity")
            kept += [
                self.env._(
                    "%(field)s of “%(line)s”",
                    field=line._fields[name]._description_string(self.env),
                    line=line._psa_title(),
                )
                for name in sorted(names)
            ]
        return kept

    def _psa_edited_rows(self) -> list[str]:
        """Numbers of transactions and lines about which a person decided."""
        added = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and not line.sale_line_ids
        )
        brief = self._billing_brief()
        counts = (
            (self.env._("transactions taken off or lowered"), brief.caps),
            (self.env._("billing types chosen"), brief.chosen_types),
            (self.env._("lines added by hand"), added),
        )
        return [f"{label} ({len(found)})" for label, found in counts if found]

    # === Drafts of Odoo's order button ===

    @api.depends("detail_ids.project_id", "is_project_invoice", "move_type", "state")
    def _compute_psa_is_adoptable(self):
        for move in self:
            move.psa_is_adoptable = (
                not move.is_project_invoice
                and move.move_type == "out_invoice"
                and move.state == "draft"
                and bool(move.detail_ids.project_id)
            )

    def _psa_ask_for_cutoff(self) -> dict:
        """The dialog that asks up to which day a draft bills."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.psa_adopt_draft_action"
        )
        return {**action, "context": {"default_move_ids": self.ids}}

    def _psa_adopt(self, cutoff_date):
        """Review drafts of Odoo's order button as project invoices from now on.

        What differs from the contract was edited by a person, and stays.
        """
        # sudo: the administrator was checked; he need not see orders and projects.
        for move in self.sudo():
            details = move.detail_ids
            request = Request(tuple(details.project_id.ids), cutoff_date)
            last_cutoffs = Period(move.env).last_cutoffs(request)
            brief = Brief(
                order_ids=tuple(details.sale_line_id.order_id.ids),
                last_cutoffs=last_cutoffs,
            )
            move.write(
                {
                    "is_project_invoice": True,
                    "billing_cutoff_date": cutoff_date,
                    "billing_period_start": period_start(
                        min(details.mapped("date")), last_cutoffs
                    ),
                    "billing_project_ids": [Command.set(request.project_ids)],
                    "billing_request": brief.asking(request).to_json(),
                }
            )
            LineTerms(move.env).note_edits(move)
            # The entries name a project invoice now, and may be corrected.
            details._refresh_sources(details._sources())
