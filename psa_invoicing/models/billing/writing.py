# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Third step of billing: bundles become invoices, with their ledger."""

from collections.abc import Callable
from datetime import date, timedelta

from odoo.fields import Command
from odoo.tools import SQL

from ...core.billing import LEDGER, Bundle, Request
from ...core.brief import CUTOFFS, Brief
from ...core.scopes import OWN
from ...tools import hooks
from .completing import Completing
from .details import Details
from .invoice_lines import InvoiceLines
from .order_invoices import Prepared
from .step import Step


class Writing(Step):
    """Creates invoices in a few statements, however many there are."""

    def make(self, bundles: list[Bundle], request: Request):
        """Create the invoices of bundles and their ledger, in a few statements."""
        Move = self.env["account.move"]
        if not bundles:
            return Move
        last_cutoffs = Period(self.env).last_cutoffs(request)
        self._fetch_contracts(bundles)
        lines = InvoiceLines(self.env)
        values_list = [
            {
                "move_type": "out_invoice",
                **bundle.header,
                **self._billing_values(bundle, request, last_cutoffs),
                "invoice_line_ids": lines.of_bundle(bundle),
                **self._document_values(bundle),
            }
            for bundle in bundles
        ]

        def record(moves):
            Details(self.env).add(
                [
                    (move, move_line, items)
                    for bundle, move in zip(
                        bundles, moves.with_env(self.env), strict=True
                    )
                    for move_line, items in self._lines_and_items(bundle, move)
                ]
            )

        moves = self._create(Completing(self.env).complete(values_list), record)
        moves._psa_state_delivery()
        self.env["psa.billing.terms"]._add_lines(moves)
        moves._psa_apply_advances()
        moves._psa_log_origin()
        moves._psa_note_written()
        return moves

    def _create(self, values_list: list[dict], record: Callable):
        """Invoices, by way of what other add-ons do with those of Odoo's button.

        :param record: notes them in the ledger
        """
        orders = self.env["sale.order"]
        is_odoos_way = not hooks.is_changed(orders, "_create_invoices")
        if is_odoos_way and not hooks.is_changed(orders, "_create_account_invoices"):
            context = {"tracking_disable": True, "psa_ledger": LEDGER}
            moves = self.env["account.move"].with_context(**context).create(values_list)
            # What follows is a person's work again.
            moves = moves.with_env(self.env)
            record(moves)
            return moves
        ids = {
            id_
            for each in values_list
            for _command, _id, line in each["invoice_line_ids"]
            for _link, id_, _zero in line.get("sale_line_ids", ())
        }
        lines = self.env["sale.order.line"].browse(ids)
        prepared = Prepared(values_list, lines, record)
        return lines.order_id._psa_create_invoices(prepared).with_env(self.env)

    def _document_values(self, bundle: Bundle) -> dict:
        """A credit note is a document of Odoo's own: corrected by its transactions,
        not reviewed and recalculated."""
        if not bundle.is_credit:
            return {}
        return {
            "move_type": "out_refund",
            "is_project_invoice": False,
            "billing_cutoff_date": False,
            "billing_request": False,
            "invoice_date": False,
        }

    def _lines_and_items(self, bundle: Bundle, move):
        """The invoice line that was made for each slice, and its transactions.

        What is not charged hangs on no line.
        """
        made = move._psa_lines_by_slice()
        for (line_id, key), items in bundle.slices.items():
            if charged := [item for item in items if item.is_chargeable]:
                yield made[line_id, key], charged
            if free := [item for item in items if not item.is_chargeable]:
                yield self.env["account.move.line"], free

    def _billing_values(
        self, bundle: Bundle, request: Request, last_cutoffs: dict
    ) -> dict:
        first = min(item.date for item in bundle.transactions)
        company = self.env["res.company"].browse(bundle.header["company_id"])
        invoice_date = bundle.header.get(
            "invoice_date"
        ) or company._billing_invoice_date(
            request.run_date or company._billing_today(), request.cutoff_date
        )
        own_cutoffs = {
            project_id: last_cutoffs[project_id]
            for project_id in bundle.project_ids
            if project_id in last_cutoffs
        }
        # What is dated up to the last cut-off date of its project comes late.
        brief = Brief(
            order_ids=bundle.order_ids,
            layout=bundle.layout,
            is_consolidated=bundle.is_consolidated,
            invoice_date=invoice_date,
            last_cutoffs=own_cutoffs,
        )
        return {
            "invoice_date": invoice_date,
            "is_project_invoice": True,
            "billing_cutoff_date": request.cutoff_date,
            "billing_period_start": period_start(first, own_cutoffs),
            "billing_project_ids": [Command.set(bundle.project_ids)],
            "billing_request": brief.asking(request.of(bundle.project_ids)).to_json(),
        }

    def _fetch_contracts(self, bundles: list[Bundle]):
        """Read the orders of all bundles together, rather than one by one."""
        orders = self.env["sale.order"].browse(
            {order_id for bundle in bundles for order_id in bundle.order_ids}
        )
        orders.fetch(["order_line", "partner_invoice_id", "company_id", "name"])
        orders.order_line.fetch(["invoice_lines", "sequence", "tax_ids"])


class Period(Step):
    """The billing period of an invoice: from the last cut-off date on."""

    def last_cutoffs(self, request: Request) -> dict:
        """The last cut-off date of each project before this one.

        An invoice of what is billed on dates of its own says nothing about the rest.
        """
        self.env["account.move"].flush_model(
            ["billing_cutoff_date", "billing_project_ids", "billing_request", "state"]
        )
        own = SQL("move.billing_request -> %s -> rel.project_id::text", CUTOFFS)
        return dict(
            self.env.execute_query(
                SQL(
                    """SELECT rel.project_id, MAX(move.billing_cutoff_date)
                         FROM account_move AS move
                         JOIN psa_move_project_rel AS rel ON rel.move_id = move.id
                        WHERE rel.project_id = ANY(%s)
                          AND move.billing_cutoff_date < %s
                          AND move.state <> 'cancel'
                          AND (%s IS NULL OR %s ->> %s IS NOT NULL)
                     GROUP BY rel.project_id""",
                    list(request.project_ids),
                    request.cutoff_date,
                    own,
                    own,
                    OWN,
                )
            )
        )


def period_start(first: date, last_cutoffs: dict) -> date:
    """The earliest transaction, or the day after the last cut-off date.

    :param last_cutoffs: of the projects on the invoice
    """
    return min([first, *(day + timedelta(days=1) for day in last_cutoffs.values())])
