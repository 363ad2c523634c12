# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..core.billing import ADJUSTMENT, LEDGER, MILESTONE, TIME

# Where a detail's transaction is kept, by type.
SOURCE_FIELDS = {TIME: "analytic_line_id", MILESTONE: "milestone_id"}

# What a person may change on a draft, through the Transactions tab.
EDITABLE = {"billing_type"}


class PsaInvoiceDetail(models.Model):
    """The ledger: one transaction, or part of it, on one invoice.

    A detail counts ("is live") as long as its invoice is a draft or posted. Open
    quantity of a transaction = its billable quantity - its live details. Nothing else
    says what was billed; every figure that Odoo keeps is derived from here.

    A detail copies what a reviewer, the customer and an auditor need to know about its
    transaction, so that an invoice stays as it was when an employee is renamed.
    """

    _name = "psa.invoice.detail"
    _description = "Invoice Detail"
    _order = "move_id desc, sale_line_id, date, id"
    _rec_name = "name"
    # Who and when is the invoice's: four columns less in a table of millions of rows.
    _log_access = False

    move_id = fields.Many2one(
        "account.move",
        string="Project Invoice",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Invoice Line",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty when nothing on this contract line is charged.",
    )
    transaction_type = fields.Selection(
        [
            (TIME, "Time"),
            (MILESTONE, "Milestone"),
            (ADJUSTMENT, "Adjustment"),
        ],
        string="Type",
        required=True,
        readonly=True,
    )
    analytic_line_id = fields.Many2one(
        "account.analytic.line",
        string="Time Entry",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    milestone_id = fields.Many2one(
        "project.milestone",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Contract Line",
        required=True,
        readonly=True,
        index=True,
        # What is on a draft or posted invoice is refused before it comes to this.
        ondelete="cascade",
    )
    product_id = fields.Many2one(related="sale_line_id.product_id")
    project_id = fields.Many2one(
        "project.project", readonly=True, index=True, ondelete="set null"
    )
    date = fields.Date(required=True, readonly=True)
    employee_name = fields.Char(string="Who", readonly=True)
    task_name = fields.Char(string="Task", readonly=True)
    name = fields.Char(string="Description", readonly=True)
    quantity = fields.Float(
        readonly=True,
        digits="Product Unit",
        help="In the unit of the contract line.",
    )
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )
    source_quantity = fields.Float(
        readonly=True,
        help="In the transaction's own unit: hours for time.",
    )
    price_unit = fields.Float(
        string="Unit Price", digits="Product Price", readonly=True
    )
    amount = fields.Monetary(
        readonly=True,
        help="Share in the untaxed amount of the invoice line.",
    )
    currency_id = fields.Many2one(related="move_id.currency_id")
    company_id = fields.Many2one(related="move_id.company_id")
    billing_type = fields.Selection(
        [("chargeable", "Chargeable"), ("complimentary", "Complimentary")],
        required=True,
        default="chargeable",
        help="Chargeable: the customer pays for it. Complimentary: the customer sees "
        "it on the invoice as offered, and does not pay for it.",
    )

    @property
    def _key(self):
        """The transaction, or None if it was deleted since."""
        field = SOURCE_FIELDS.get(self.transaction_type)
        source = field and self[field]
        return (self.transaction_type, source.id) if source else None

    def _price(self, amount: float, price_unit: float):
        """Note what a detail is worth, if that has changed.

        :param amount: untaxed, in the invoice's currency
        """
        if self.currency_id.compare_amounts(self.amount, amount) or (
            self.price_unit != price_unit
        ):
            self.with_context(psa_ledger=LEDGER).write(
                {"amount": amount, "price_unit": price_unit}
            )

    def _chargeable(self):
        return self.filtered(lambda detail: detail.billing_type == "chargeable")

    # === A person's changes on a draft ===

    def write(self, vals):
        if self.env.context.get("psa_ledger") is LEDGER:
            return super().write(vals)
        if refused := set(vals) - EDITABLE:
            raise UserError(
                self.env._(
                    "These transaction fields follow their source and cannot be "
                    "changed here: %(fields)s.",
                    fields=", ".join(
                        self._fields[name]._description_string(self.env)
                        for name in sorted(refused & set(self._fields))
                    ),
                )
            )
        self.move_id._check_billing_manager()
        self.move_id._check_project_drafts()
        result = super().write(vals)
        self.move_id._follow_details()
        return result

    def unlink(self):
        """Take transactions off a draft: they are open again.

        Recalculate does not add them to this invoice again.
        """
        if self.env.context.get("psa_ledger") is LEDGER:
            return super().unlink()
        self.move_id._check_billing_manager()
        moves = self.move_id
        moves._check_project_drafts()
        for move, details in self.grouped("move_id").items():
            move._cap({detail._key: 0.0 for detail in details if detail._key})
        self._drop()
        moves._follow_details()
        return True

    def _drop(self):
        """Remove details and reopen their transactions."""
        sources = self._sources()
        lines = self.sale_line_id
        self.with_context(psa_ledger=LEDGER).unlink()
        self._refresh_sources(sources)
        lines._refresh_excluded_quantity()

    # === Set-based writing ===

    @api.model
    def _insert(self, rows: list[dict]):
        """Write ledger rows in one statement; their transactions follow separately.

        The ORM's ``create`` costs ten times as much per row, and an invoice of a
        month has hundreds of them.

        :param rows: one dict of column values per row, all with the same keys
        """
        if not rows:
            return
        columns = list(rows[0])
        insert = SQL(
            "INSERT INTO psa_invoice_detail (%s)",
            SQL(", ").join(map(SQL.identifier, columns)),
        )
        self.env.cr.execute_values(
            f"{insert.code} VALUES %s",
            [[row[column] for column in columns] for row in rows],
            page_size=1000,
        )
        self.env["account.move"].invalidate_model(["detail_ids"])
        self.env["account.move.line"].invalidate_model(["detail_ids"])
        self.invalidate_model()

    def _sources(self) -> dict[str, list[int]]:
        """The transactions of these details, by type."""
        found: dict[str, list[int]] = {}
        for detail in self:
            if key := detail._key:
                found.setdefault(key[0], []).append(key[1])
        return found

    @api.model
    def _refresh_sources(self, sources: dict[str, list[int]]):
        """Bring what the transactions say about themselves in line with the ledger."""
        for kind, ids in sources.items():
            model = self.env[self._fields[SOURCE_FIELDS[kind]].comodel_name]
            model.browse(ids)._refresh_billed_quantity()
