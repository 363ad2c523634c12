# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The audit of the ledger: what it is called, how it is run and shown."""

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Command

from ...core.kinds import MODELS, ORDER_LINE
from ...models.shared import rights

# In the order in which they are carried out; each has a method ``_check_<name>``, which
# returns ``(record, message)`` of all that is off.
CHECKS = [
    ("billed_too_much", "Billed More Than Once"),
    ("invoiced_elsewhere", "Invoiced Elsewhere, Too"),
    ("figures", "Figures of a Transaction"),
    ("line_quantity", "Quantity of an Invoice Line"),
    ("line_without_details", "Invoice Line Without Transactions"),
    ("detail_without_line", "Transaction Without Invoice Line"),
    ("detail_on_other_invoice", "Transaction on Another Invoice's Line"),
    ("line_amount", "Amount of an Invoice Line"),
    ("amounts", "Amounts of a Fixed Price"),
    ("line_heading", "Heading of an Invoice Line"),
    ("moved_transaction", "Transaction Moved After Billing"),
    ("detail_source", "Type of a Transaction"),
    ("taken_back", "Cost Taken Back"),
    ("cost_shares", "Shares of a Cost"),
    ("credited_too_much", "Credited More Than Billed"),
    ("credit_of_other_line", "Credit on Another Contract Line"),
    ("credit_of_cancelled", "Credit of a Cancelled Invoice"),
    ("write_off", "Write-off"),
    ("write_off_place", "Write-off of What Is Elsewhere"),
    ("excluded_quantity", "Quantity Not to Invoice"),
    ("quantity_to_invoice", "Quantity to Invoice"),
    ("delivered_quantity", "Delivered Quantity"),
    ("timesheet_invoice", "Invoice of a Time Entry"),
    ("invoice_header", "Header of a Project Invoice"),
    ("document_sign", "Invoice or Credit Note"),
    ("deducted", "Deduction of a Down Payment"),
    ("company", "Company"),
    ("billing_status", "Billing Status"),
]
# What is wrong there follows from the ledger, and can be computed anew from it.
COMPUTED_CHECKS = (
    "figures",
    "write_off_place",
    "excluded_quantity",
    "quantity_to_invoice",
    "delivered_quantity",
    "timesheet_invoice",
    "billing_status",
)
# What is computed from other fields follows when one of those is said to have changed.
FIELDS_BEHIND_CHECKS = {
    "quantity_to_invoice": "billing_excluded_quantity",
    "delivered_quantity": "qty_delivered_method",
    "billing_status": "billing_sent_date",
}


class PsaLedgerAudit(models.TransientModel):
    """Checks the whole database against what the ledger promises.

    Checking writes nothing; what follows from the ledger can be computed anew.
    The checks themselves are beside this file, one file for each promise.
    """

    _name = "psa.ledger.audit"
    _description = "Ledger Audit"

    invoice_count = fields.Integer(
        string="Invoices Checked",
        readonly=True,
        help="Draft and posted invoices and credit notes that the ledger knows.",
    )
    transaction_count = fields.Integer(
        string="Transactions Checked",
        readonly=True,
        help="Time entries, costs, milestones and order lines in the ledger.",
    )
    finding_count = fields.Integer(compute="_compute_finding_count")
    computed_count = fields.Integer(
        compute="_compute_finding_count",
        help="Findings that computing the figures anew puts right.",
    )
    line_ids = fields.One2many("psa.ledger.audit.line", "audit_id", readonly=True)

    @api.depends("line_ids.check")
    def _compute_finding_count(self):
        for audit in self:
            audit.finding_count = len(audit.line_ids)
            audit.computed_count = len(
                audit.line_ids.filtered(lambda line: line.check in COMPUTED_CHECKS)
            )

    @api.depends("create_date")
    def _compute_display_name(self):
        for audit in self:
            audit.display_name = self.env._("Ledger Audit")

    @api.model
    def action_run(self):
        """Check the database and show what is off.

        :raises AccessError: unless the user administers both the system and billing
        :return: the action that shows the result
        """
        self._check_may_run()
        # sudo: the administrator was just checked; the ledger is one for all companies.
        audit = self.sudo().create({})
        audit._check_ledger()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ledger Audit"),
            "res_model": self._name,
            "res_id": audit.id,
            "view_mode": "form",
            "target": "current",
        }

    def action_check_again(self):
        """Check the database anew and show it in the same place.

        :raises AccessError: unless the user administers both the system and billing
        """
        self._check_may_run()
        # sudo: the administrator was just checked; the ledger is one for all companies.
        self.sudo()._check_ledger()

    def action_compute_figures(self):
        """Put right what follows from the ledger, where it was found to be wrong.

        Invoices and the ledger itself are left alone.

        :raises AccessError: unless the user administers both the system and billing
        """
        self._check_may_run()
        # sudo: the administrator was just checked; the ledger is one for all companies.
        audit = self.sudo()
        audit.line_ids._compute_figures()
        audit._check_ledger()

    def _check_may_run(self):
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._(
                    "Only an administrator may check the ledger: it is that of all "
                    "companies."
                )
            )
        rights.check_may_bill(self.env)

    def _check_ledger(self):
        """Note what the checks find now."""
        findings = [Command.create(finding) for finding in self._findings()]
        self.write({**self._counts(), "line_ids": [Command.clear(), *findings]})

    def _findings(self) -> list[dict]:
        """What is off in this database, whatever company it belongs to.

        :return: for each finding its ``check`` (one of ``CHECKS``), the record by
            ``model`` and ``res_id``, its name as ``reference``, and a ``message`` that
            tells an accountant what is off and what to do
        """
        self.env.flush_all()
        audit = self.sudo()
        return [
            {
                "check": name,
                "model": record._name,
                "res_id": record.id,
                "reference": audit._reference(record),
                "message": message,
            }
            for name, _label in CHECKS
            for record, message in getattr(audit, f"_check_{name}")()
        ]

    def _counts(self) -> dict[str, int]:
        """How much there is to check."""
        self.env.flush_all()
        [counts] = self.env.execute_query_dict(self._counts_sql())
        return counts


class PsaLedgerAuditLine(models.TransientModel):
    _name = "psa.ledger.audit.line"
    _description = "Ledger Audit Finding"

    audit_id = fields.Many2one("psa.ledger.audit", required=True, ondelete="cascade")
    check = fields.Selection(CHECKS, required=True, readonly=True)
    model = fields.Char(required=True, readonly=True)
    res_id = fields.Integer(string="Record", required=True, readonly=True)
    reference = fields.Char(string="Where", readonly=True)
    message = fields.Text(string="What Is Off, and What to Do", readonly=True)

    def _compute_figures(self):
        """Compute the figures of these findings anew from the ledger."""
        for (check, model), lines in self.grouped(
            lambda line: (line.check, line.model)
        ).items():
            records = self.env[model].browse(lines.mapped("res_id")).exists()
            if check in ("figures", "timesheet_invoice"):
                records._psa_refresh_from_ledger()
            elif check == "write_off_place":
                records._psa_follow_write_offs()
                if model == MODELS[ORDER_LINE]:
                    self.env["psa.ledger.audit"]._gone_write_offs()._end_write_off()
            elif check == "excluded_quantity":
                records._psa_refresh_excluded_quantity()
            elif check in FIELDS_BEHIND_CHECKS:
                records.modified([FIELDS_BEHIND_CHECKS[check]])

    def action_open_record(self):
        """Show the record that a finding is about."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.model,
            "res_id": self.res_id,
            "view_mode": "form",
        }
