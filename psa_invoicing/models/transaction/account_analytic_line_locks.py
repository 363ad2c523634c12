# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What of a time entry stays as it is, and who decides on its contract line."""

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date, format_duration

from ...core.allocation import is_zero
from ...tools import rules
from ..shared import rights
from ..shared.external_arguments import as_number
from .account_analytic_line import BILLED_FIELDS

# What stays as it is once an entry is invoiced; its description may still be mended.
LOCKED_FIELDS = BILLED_FIELDS - {"name"}
# Which contract line an entry is billed on: what Odoo derives, unless somebody decides.
ROUTE_FIELDS = {"so_line", "is_so_line_edited"}
# Who sells, manages projects, books costs or bills.
ROUTE_GROUPS = ",".join(
    (
        rights.BILLING_MANAGER,
        "account.group_account_invoice",
        "project.group_project_manager",
        "sales_team.group_sale_salesman",
    )
)


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"  # pylint: disable=consider-merging-classes-inherited

    # === What the ledger locks ===

    def _psa_is_on_posted(self) -> bool:
        """Whether a confirmed invoice bills it, whatever Odoo's own field says."""
        return not is_zero(self.billed_quantity - self.billing_draft_quantity)

    def _psa_on_project_drafts(self):
        """Entries that nothing locks but drafts under review."""
        # sudo: whoever may correct an entry need not see its invoice.
        found = self.sudo().filtered(
            lambda entry: (
                not is_zero(entry.billing_draft_quantity)
                and not entry._psa_is_on_posted()
            )
        )
        others = found._psa_locking_rows("draft").analytic_line_id
        return found.filtered(lambda entry: entry._origin not in others).with_env(
            self.env
        )

    def _psa_locking_rows(self, *states):
        """Rows of the ledger that lock these entries: those of drafts under review
        follow a correction with Recalculate, and what Odoo makes in place of a credited
        invoice is for corrections.

        :param states: of their invoices
        """
        return self._psa_rows_on(*states).filtered(
            lambda row: (
                rules.is_live(row)
                and not row.origin_detail_id
                and not (
                    row.move_id.state == "draft"
                    and (
                        row.move_id.is_project_invoice
                        or row.move_line_id.billing_credited_line_id
                    )
                )
            )
        )

    def _psa_unlocked(self):
        """These entries, where those on drafts under review are not billed yet.

        Only where we ask for it: Odoo re-routes the contract line of entries that are
        not billed, whenever a task or project changes.
        """
        # A set, which no client can send.
        drafts = frozenset(self._psa_on_project_drafts().ids)
        return self.with_context(psa_unlocked=drafts)

    def _is_not_billed(self):
        """What the ledger bills is billed."""
        unlocked = self.env.context.get("psa_unlocked")
        if isinstance(unlocked, frozenset) and self._origin.id in unlocked:
            return True
        # sudo: Odoo asks for the state of its invoice as whoever sees the entry.
        entry = self.sudo()
        return (
            is_zero(entry.billed_quantity)
            and super(AccountAnalyticLine, entry)._is_not_billed()
        )

    def _psa_may_change_contract_line(self):
        """Entries that are not billed, or on a draft under review only.

        What is written off as a whole stays where it was written off, and what is
        written off in part, if its period is closed.
        """
        movable = (
            self._psa_unlocked()
            .filtered(
                lambda entry: (
                    entry._is_not_billed() and entry.billing_status != "written_off"
                )
            )
            .with_env(self.env)
        )
        return movable - movable._psa_stay_written_off()

    def _is_readonly(self):
        self.ensure_one()
        return super(AccountAnalyticLine, self._psa_unlocked())._is_readonly()

    def _check_can_write(self, values):
        """An entry may be corrected as long as its invoice is under review.

        Odoo refuses as soon as an entry is on any invoice; for those on our drafts it
        is asked about the other fields only.
        """
        # sudo: Odoo asks for its state as whoever corrects the entry, who may not.
        self.sudo().timesheet_invoice_id.mapped("state")
        self._psa_check_stay_written_off(values)
        drafts = self._psa_on_project_drafts()
        if drafts:
            kept = {key: val for key, val in values.items() if key not in BILLED_FIELDS}
            super(AccountAnalyticLine, drafts)._check_can_write(kept)
        if rest := self - drafts:
            if LOCKED_FIELDS & set(values):
                rest._psa_check_not_locked()
            super(AccountAnalyticLine, rest)._check_can_write(values)
        if ROUTE_FIELDS & set(values):
            self._psa_check_route(values)
        return None

    def _psa_check_stay_written_off(self, vals: dict):
        """:raises UserError: for entries that were written off in a closed period"""
        if not LOCKED_FIELDS & set(vals):
            return
        # sudo: whoever corrects an entry need not see what is written off.
        written_off = self.filtered(
            lambda entry: not is_zero(entry.sudo().billing_written_off_quantity)
        )
        if not written_off:
            return
        for entry in written_off._psa_stay_written_off():
            if entry._psa_changed(LOCKED_FIELDS, vals):
                entry._psa_write_offs()._check_period_open()
        if "unit_amount" in vals and not rights.may_bill(self.env):
            written_off._psa_check_covers_write_off(vals["unit_amount"])

    def _psa_check_covers_write_off(self, hours):
        """Refuse to lower what is written off: raised again, it would be open.

        :param hours: of these entries from now on
        """
        hours = abs(as_number(self.env, hours or 0.0))
        for entry in self:
            # sudo: whoever corrects an entry need not see what is written off.
            written_off = abs(entry.sudo().billing_written_off_quantity)
            if hours < written_off and not is_zero(written_off - hours):
                raise UserError(
                    self.env._(
                        "%(hours)s of “%(entry)s” were written off. Ask a billing "
                        "administrator to undo that, or to lower them.",
                        hours=format_duration(written_off),
                        entry=entry.name,
                    )
                )

    def _psa_check_not_locked(self):
        """Say which entry is invoiced, with what, and what to do; Odoo says less.

        :raises UserError: if the ledger has one of these entries on a confirmed
            invoice, or on a draft that nobody reviews here
        """
        # sudo: whoever may correct an entry need not see its invoice.
        billed = self.sudo().filtered(lambda entry: not is_zero(entry.billed_quantity))
        posted = billed.filtered(lambda entry: entry._psa_is_on_posted())
        rows = posted._psa_locking_rows("posted", "cancel")
        rows = rows or billed._psa_locking_rows("draft")
        if not rows:
            return
        entry, invoice = rows[0].analytic_line_id, rows[0].move_id
        raise UserError(
            self.env._(
                "“%(entry)s” of %(date)s is already invoiced with %(invoice)s "
                "and can no longer be changed. If it is wrong, ask a billing "
                "administrator to credit it; then it can be edited again.",
                entry=entry.name,
                date=format_date(self.env, entry.date),
                invoice=invoice.display_name,
            )
        )

    # === Who decides on its contract line ===

    def _psa_may_route(self) -> bool:
        return self.env.su or self.env.user.has_groups(ROUTE_GROUPS)

    def _psa_check_route(self, vals: dict):
        """Which contract line bills an entry is decided by who sells, manages, books or
        bills. Values that change nothing pass, as a client sends them.

        :raises AccessError: for anybody else
        """
        if self._psa_may_route():
            return
        for entry in self:
            if entry._psa_changed(ROUTE_FIELDS, vals):
                raise AccessError(
                    self.env._(
                        "The contract line of a time entry follows from its project, "
                        "its task and its employee. Ask the project manager or a "
                        "billing administrator to change it."
                    )
                )

    def _psa_take_routes(self, vals_list: list[dict]) -> list[dict]:
        """Let Odoo find the contract line of new entries, of whoever may not choose it.

        :return: what was chosen all the same, to be compared
        """
        if self._psa_may_route():
            return []
        return [
            {name: vals.pop(name) for name in ROUTE_FIELDS & set(vals)}
            for vals in vals_list
        ]

    def _psa_check_engine_fields(self, vals_list):
        """An order that is named with its own line is what Odoo finds itself."""
        # sudo: only to compare; whoever logs time need not see the order.
        lines = self.env["sale.order.line"].sudo()
        return super()._psa_check_engine_fields(
            [
                {
                    name: value
                    for name, value in vals.items()
                    if name != "order_id"
                    or not vals.get("so_line")
                    or lines.browse(vals["so_line"]).order_id.id != value
                }
                for vals in vals_list
            ]
        )

    def _psa_without_defaults(self):
        names = super()._psa_without_defaults()
        may_route = self.env.user.has_groups(ROUTE_GROUPS)
        return names if may_route else names | ROUTE_FIELDS

    @api.ondelete(at_uninstall=False)
    def _psa_flag_drafts_on_delete(self):
        self._psa_on_project_drafts()._psa_flag_drafts()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billing_details(self):
        """A posted invoice keeps its entries, also those that were credited since.

        By its name it is asked before Odoo's check, which says less.
        """
        if detail := self._psa_rows_on("posted", limit=1):
            raise UserError(
                self.env._(
                    "“%(entry)s” of %(date)s is on %(invoice)s and cannot be deleted. "
                    "If it is wrong, ask a billing administrator to credit it; then "
                    "set its hours to 0.",
                    entry=detail.analytic_line_id.name,
                    date=format_date(self.env, detail.date),
                    invoice=detail.move_id.display_name,
                )
            )
