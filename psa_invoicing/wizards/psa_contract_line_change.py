# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import unquote

from ..core.kinds import TIME
from ..models.shared import actions, rights, texts
from ..models.shared.external_arguments import as_ids


class PsaContractLineChange(models.TransientModel):
    """Put time that was logged on the wrong contract line on another one."""

    _name = "psa.contract.line.change"
    _inherit = "psa.pointing"
    _description = "Change Contract Line"

    entry_ids = fields.Json(string="Selected")
    entry_count = fields.Integer(string="Time Entries", compute="_compute_entries")
    partner_id = fields.Many2one(
        "res.partner", string="Customer", compute="_compute_entries"
    )
    company_id = fields.Many2one("res.company", compute="_compute_entries")
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="New Contract Line",
        domain=lambda self: str(
            self._contract_line_domain(unquote("company_id"), unquote("partner_id"))
        ),
        help="A line of a confirmed order of the same customer and company.",
    )
    is_billed_by_time = fields.Boolean(compute="_compute_is_billed_by_time")

    def _contract_line_domain(self, company, partner) -> Domain:
        """Lines that take time: of a company and a customer."""
        lines = self.env["sale.order.line"]
        return Domain.AND(
            [
                lines._sellable_lines_domain(),
                lines._domain_sale_line_service(),
                [("company_id", "=", company)],
                [("order_partner_id.commercial_partner_id", "=", partner)],
            ]
        )

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        values["entry_ids"] = self._entries_of(self._selected_ids()).ids
        return values

    def _selected_ids(self) -> list[int]:
        """Time entries that are selected in their list, or in the backlog.

        :raises UserError: if something else is selected there, too
        """
        model = self.env.context.get("active_model")
        ids = self.env.context.get("active_ids") or []
        if model == "psa.backlog":
            rows = self.env[model].browse(as_ids(self.env, ids))
            if others := rows.filtered(lambda row: row.source != TIME):
                raise UserError(
                    self.env._(
                        "Only time can be put on another contract line. Select time "
                        "only: “%(transaction)s” and %(count)s more are something "
                        "else.",
                        transaction=others[0].name,
                        count=len(others) - 1,
                    )
                    if len(others) > 1
                    else self.env._(
                        "Only time can be put on another contract line. Select time "
                        "only: “%(transaction)s” is something else.",
                        transaction=others.name,
                    )
                )
            return list(dict.fromkeys(rows.mapped("source_id")))
        return ids if model == "account.analytic.line" else []

    def _entries_of(self, ids: list[int]):
        """:raises UserError: if they are gone, of another company, or of several
        customers"""
        Entry = self.env["account.analytic.line"]
        rights.check_may_bill(self.env)
        # sudo: an administrator need not read timesheets.
        entries = Entry.sudo().browse(as_ids(self.env, ids)).exists()
        entries = entries.filtered("project_id")
        if not entries:
            raise UserError(self.env._("Select the time entries first."))
        rights.check_may_decide(entries.with_env(self.env))
        customers = entries.commercial_partner_id
        if len(customers) != 1:
            raise UserError(
                self.env._(
                    "The selected entries are of several customers, or of none: "
                    "%(customers)s. A contract line has one customer: select entries "
                    "of one.",
                    customers=", ".join(customers.mapped("display_name")) or "-",
                )
            )
        companies = rights.companies_of(entries)
        if len(companies) != 1 or companies not in self.env.companies:
            raise UserError(
                self.env._(
                    "The selected entries belong to %(companies)s. Select entries of "
                    "one company that is switched on.",
                    companies=", ".join(companies.mapped("name")),
                )
            )
        return entries

    @api.depends("entry_ids")
    def _compute_entries(self):
        for wizard in self:
            entries = wizard._entries_of(wizard.entry_ids or [])
            wizard.entry_count = len(entries)
            wizard.partner_id = entries.commercial_partner_id
            wizard.company_id = rights.companies_of(entries)

    @api.depends("sale_line_id")
    def _compute_is_billed_by_time(self):
        for wizard in self:
            product = wizard.sale_line_id.product_id
            wizard.is_billed_by_time = product and product._is_delivered_timesheet()

    def action_apply(self):
        """Move what is not billed yet; what is on a draft drops out there when it is
        recalculated.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if the contract line does not suit the entries
        :return: a message with what was moved, and what was left and why
        """
        self.ensure_one()
        entries = self._entries_of(self.entry_ids or [])
        line = self.sale_line_id
        self._check_contract_line(line)
        movable = entries._psa_may_change_contract_line()
        moved = movable.filtered(lambda entry: entry.so_line != line)
        if moved:
            # As Odoo does when a person chooses the line: it stays chosen.
            moved.write({"so_line": line.id, "is_so_line_edited": True})
        result = self._result(moved, movable - moved, entries - movable)
        return actions.tell_and_close(result, "success" if moved else "warning")

    def _check_contract_line(self, line):
        """:raises UserError: unless it takes time of these entries' customer"""
        domain = self._contract_line_domain(self.company_id.id, self.partner_id.id)
        if not line.filtered_domain(domain):
            raise UserError(
                self.env._(
                    "Choose a service on a confirmed order of %(customer)s in "
                    "%(company)s.",
                    customer=self.partner_id.display_name,
                    company=self.company_id.name,
                )
            )

    def _result(self, moved, there, left) -> str:
        """What was done, in a sentence.

        :param moved: entries that are on the new contract line now
        :param there: entries that were on it before
        :param left: entries that are billed or written off
        """
        parts = [self.env._("%(count)s moved", count=len(moved))]
        if there:
            parts.append(self.env._("%(count)s were there already", count=len(there)))
        if invoiced := left.filtered("timesheet_invoice_id"):
            invoices = invoiced.timesheet_invoice_id
            parts.append(
                self.env._(
                    "%(count)s left because invoiced with %(invoices)s",
                    count=len(invoiced),
                    invoices=texts.some_of(
                        [each.name or each.display_name for each in invoices]
                    ),
                )
            )
        if written_off := left - invoiced:
            parts.append(
                self.env._("%(count)s left because written off", count=len(written_off))
            )
        return ", ".join(parts) + "."
