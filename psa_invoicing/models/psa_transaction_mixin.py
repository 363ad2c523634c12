# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ..core.allocation import is_zero

# Which invoices count: a detail is live on a draft and on a posted invoice.
LIVE = SQL("move.state IN ('draft', 'posted')")


class PsaTransactionMixin(models.AbstractModel):
    """What every kind of transaction knows about its billing.

    A model that uses it names the ledger's column that points to it, and says how much
    of a record can be billed at all.
    """

    _name = "psa.transaction.mixin"
    _description = "Billable Transaction"

    _detail_field = ""
    """Name of the field of ``psa.invoice.detail`` that points to this model."""

    billed_quantity = fields.Float(
        readonly=True,
        copy=False,
        help="Quantity on draft and posted invoices, in the transaction's own unit.",
    )
    billable_quantity = fields.Float(
        compute="_compute_billable_quantity",
        help="Quantity that is to be billed in all, in the transaction's own unit.",
    )
    open_quantity = fields.Float(
        compute="_compute_open_quantity",
        help="Quantity that is not yet on an invoice, in the transaction's own unit.",
    )

    def _compute_billable_quantity(self):
        raise NotImplementedError

    @api.depends("billed_quantity", "billable_quantity")
    def _compute_open_quantity(self):
        for record in self:
            quantity = record.billable_quantity - record.billed_quantity
            record.open_quantity = 0.0 if is_zero(quantity) else quantity

    def _refresh_billed_quantity(self):
        """Recompute the billed quantity from the ledger, one UPDATE for all.

        It is written even when it stays the same: two transactions that bill the same
        record at once both update its row, so that PostgreSQL lets only one of them
        through (the other one gets a serialization failure and is tried again).
        """
        if not self:
            return
        self.flush_recordset(["billed_quantity"])
        self.env["psa.invoice.detail"].flush_model()
        self.env["account.move"].flush_model(["state"])
        self.env.cr.execute(
            SQL(
                """
                UPDATE %(table)s AS source
                   SET %(assignments)s
                  FROM (SELECT wanted.id,
                               COALESCE(SUM(detail.source_quantity)
                                        FILTER (WHERE %(live)s), 0) AS quantity,
                               COALESCE(
                                   MAX(move.id) FILTER (WHERE move.state = 'posted'),
                                   MAX(move.id) FILTER (WHERE move.state = 'draft')
                               ) AS move_id
                          FROM (SELECT DISTINCT unnest(%(ids)s)) AS wanted(id)
                     LEFT JOIN psa_invoice_detail AS detail
                            ON detail.%(column)s = wanted.id
                     LEFT JOIN account_move AS move ON move.id = detail.move_id
                      GROUP BY wanted.id) AS ledger
                 WHERE source.id = ledger.id
                """,
                table=SQL.identifier(self._table),
                assignments=self._ledger_assignments(),
                column=SQL.identifier(self._detail_field),
                live=LIVE,
                ids=self.ids,
            )
        )
        self.invalidate_recordset(self._ledger_columns())

    @api.model
    def _ledger_assignments(self) -> SQL:
        """SET clause of what follows from the ledger.

        ``ledger.quantity`` is what is billed, ``ledger.move_id`` on which invoice.
        """
        return SQL("billed_quantity = ledger.quantity")

    @api.model
    def _ledger_columns(self) -> list[str]:
        return ["billed_quantity", "open_quantity"]

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [self._without_billed_quantity(vals) for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        return super().write(
            vals if self.env.su else self._without_billed_quantity(vals)
        )

    @api.model
    def _without_billed_quantity(self, vals: dict) -> dict:
        """The ledger alone says what is billed, not a client that writes the field."""
        return {key: val for key, val in vals.items() if key != "billed_quantity"}

    def _flag_drafts(self):
        """Ask for Recalculate on the drafts that these transactions are on."""
        # sudo: whoever may correct a transaction need not see the invoice.
        drafts = (
            self.env["psa.invoice.detail"]
            .sudo()
            .search(
                [(self._detail_field, "in", self.ids), ("move_id.state", "=", "draft")]
            )
            .move_id.filtered("is_project_invoice")
        )
        drafts.needs_recalculation = True
