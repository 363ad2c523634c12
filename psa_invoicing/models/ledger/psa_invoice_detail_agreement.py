# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether invoices say what the ledger says: lines, totals and journal items."""

from collections.abc import Iterable

from odoo import models
from odoo.tools import SQL

from ...tools import agreement
from ..shared import rights

LINE_QUANTITY = "line_quantity"
LINE_WITHOUT_DETAILS = "line_without_details"
DETAIL_WITHOUT_LINE = "detail_without_line"
DETAIL_ELSEWHERE = "detail_on_other_invoice"
ITEM_AMOUNT = "item_amount"
TOTALS = "totals"
DEDUCTED = "deducted"
ENTERED = "entered"
CREDITED_CUSTOMER = "credited_customer"
CREDITED_WORTH = "credited_worth"
CHECKS = (
    LINE_QUANTITY,
    LINE_WITHOUT_DETAILS,
    DETAIL_WITHOUT_LINE,
    DETAIL_ELSEWHERE,
    ITEM_AMOUNT,
    TOTALS,
    DEDUCTED,
    ENTERED,
    CREDITED_CUSTOMER,
    CREDITED_WORTH,
)


class PsaInvoiceDetail(models.Model):
    _inherit = "psa.invoice.detail"  # pylint: disable=consider-merging-classes-inherited

    def _disagreements(self, wanted: SQL, checks: Iterable[str] = CHECKS) -> list:
        """Where invoices and the ledger disagree: one query, however many.

        :param wanted: of which invoices: a condition on ``move``
        :return: ``[(invoice, what is wrong, in a sentence)]``
        """
        self.env.flush_all()
        step = self._quantity_step()
        statements = {
            LINE_QUANTITY: agreement.line_quantity_sql(wanted, step),
            LINE_WITHOUT_DETAILS: agreement.line_without_details_sql(wanted),
            DETAIL_WITHOUT_LINE: agreement.detail_without_line_sql(wanted),
            DETAIL_ELSEWHERE: agreement.detail_elsewhere_sql(wanted),
            ITEM_AMOUNT: agreement.item_amount_sql(wanted),
            TOTALS: agreement.totals_sql(wanted),
            DEDUCTED: agreement.deducted_sql(wanted),
            ENTERED: agreement.entered_sql(wanted, step),
            CREDITED_CUSTOMER: agreement.credited_customer_sql(wanted),
            CREDITED_WORTH: agreement.credited_worth_sql(wanted, step),
        }
        rows = self.env.execute_query(
            SQL(" UNION ALL ").join(
                SQL(
                    "SELECT %s, to_jsonb(found) FROM (%s) AS found",
                    name,
                    statements[name],
                )
                for name in checks
            )
        )
        who = {row["user_id"] for check, row in rows if check == ENTERED}
        # sudo: of whoever has entered it.
        decided = self.env["res.users"].sudo().browse(who)
        decided = decided.filtered(rights.may_bill_more).ids
        rows = [row for row in rows if row[1].get("user_id") not in decided]
        # Browsed together, they are fetched together.
        moves = self.env["account.move"].browse(row.pop("id") for _check, row in rows)
        return [
            (move, self._disagreement(check, row))
            for (check, row), move in zip(rows, moves, strict=True)
        ]

    def _quantity_step(self) -> float:
        """The smallest step of a quantity on an invoice, in whatever unit."""
        return 10.0 ** -self.env["decimal.precision"].precision_get("Product Unit")

    def _disagreement(self, check: str, row: dict) -> str:
        """What is wrong, and what to do."""
        values = {
            name: f"{value:.2f}".rstrip("0").rstrip(".")
            if isinstance(value, float)
            else value
            for name, value in row.items()
        }
        if check == LINE_QUANTITY:
            return self.env._(
                "“%(line)s” has a quantity of %(quantity)s, and the transactions "
                "on it make up %(sum)s. Recalculate a draft; correct a posted "
                "invoice with a credit note.",
                **values,
            )
        if check == LINE_WITHOUT_DETAILS:
            return self.env._(
                "“%(line)s” bills %(quantity)s of a contract, and the ledger does "
                "not know of what. Delete the line on a draft and Recalculate; "
                "credit a posted invoice and bill it again.",
                **values,
            )
        if check == DETAIL_WITHOUT_LINE:
            return self.env._(
                "%(count)s transactions (%(quantity)s in all) count as billed and "
                "are on none of its lines: the customer does not pay for them. "
                "Recalculate a draft; credit a posted invoice and bill it again.",
                **values,
            )
        if check == DETAIL_ELSEWHERE:
            return self.env._(
                "“%(line)s” has %(count)s transactions of another invoice or of "
                "another contract line. Take them off a draft and Recalculate; "
                "credit a posted invoice and bill it again.",
                **values,
            )
        if check == ITEM_AMOUNT:
            return self.env._(
                "“%(line)s” comes to %(amount)s, and its journal item to %(sum)s. "
                "Change the quantity or the price of the line: both follow.",
                **values,
            )
        if check == DEDUCTED:
            return self.env._(
                "“%(line)s” takes off %(amount)s more than was paid down and is left "
                "of it. Delete the line, or deduct less.",
                **values,
            )
        if check == ENTERED:
            return self.env._(
                "“%(line)s” bills %(quantity)s for which nothing was logged, as "
                "%(user)s has entered it. Lower the quantity, or ask a billing "
                "administrator to enter it.",
                user=self.env["res.users"].browse(row["user_id"]).sudo().name,
                **values,
            )
        if check == CREDITED_CUSTOMER:
            return self.env._(
                "“%(line)s” credits %(invoice)s, which has another customer, or "
                "another currency. Credit it to whom it was sent.",
                **values,
            )
        if check == CREDITED_WORTH and row["is_more"]:
            return self.env._(
                "“%(line)s” credits %(amount)s, and only %(worth)s is left of what was "
                "billed. Lower its price.",
                **values,
            )
        if check == CREDITED_WORTH:
            return self.env._(
                "“%(line)s” credits %(amount)s of %(worth)s that were billed, and all "
                "of that work would be open again. Credit the whole price, or switch "
                "“Reopens the Transactions” off.",
                **values,
            )
        return self.env._(
            "Its total is %(amount)s, and its journal items say %(sum)s, or do not "
            "balance. Change the quantity or the price of a line: all of them follow.",
            **values,
        )

    def _disagreements_on_credit(self) -> list:
        """What is said of rows that take back what was credited since: the same as
        :meth:`_disagreements` returns."""
        return [
            (
                move,
                self.env._(
                    "“%(transaction)s” of %(invoice)s was credited meanwhile. Delete "
                    "this credit note, and credit what is still to be credited.",
                    transaction="”, “".join(
                        dict.fromkeys(
                            detail.name or detail.sale_line_id.display_name
                            for detail in details
                        )
                    ),
                    invoice=", ".join(
                        details.origin_detail_id.move_id.mapped("display_name")
                    ),
                ),
            )
            for move, details in self.grouped("move_id").items()
        ]
