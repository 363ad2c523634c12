# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Databases in which years of invoices were made before the add-on came."""

from contextlib import contextmanager
from datetime import date
from math import fsum
from unittest.mock import patch

from psycopg2.errors import ForeignKeyViolation

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL, mute_logger

from ..models.billing.takeover import Takeover
from .common import BillingCase

JANUARY = date(2026, 1, 31)
OPENING = "Opening balance"
# What the add-on writes on transactions; without it there is nothing of it.
LEDGER_COLUMNS = (
    "billed_quantity",
    "billing_draft_quantity",
    "billing_credited_quantity",
    "billing_written_off_quantity",
    "billing_hold",
    "billing_hold_reason",
)
LINE_COLUMNS = (
    "billing_project_id",
    "billing_date",
    "billable_quantity",
    "billing_excluded_quantity",
    "psa_never_billed_quantity",
)


def day(number):
    return date(2026, 1, number)


class HistoryCase(BillingCase):
    """Invoices are made with Odoo's own buttons; then all that the add-on knows of them
    is taken away, and it is installed once more."""

    def order_of(self, *hours, **values):
        """A project with an entry a day, invoiced by hand only.

        :return: its contract line
        """
        return self.time_project(*hours, **values).sale_line_id

    def invoice(self, line, quantity=None, post=True):
        """Odoo's order button, and perhaps another quantity typed on the draft."""
        move = line.order_id._create_invoices()
        if quantity is not None:
            move.invoice_line_ids.filtered("product_id").quantity = quantity
        if post:
            move.invoice_date = day(20)
            move.action_post()
        return move

    def credit(self, move, quantity=None, post=True):
        """Odoo's credit note, of all or of a part."""
        note = move._reverse_moves([{"invoice_date": day(25)}])
        if quantity is not None:
            note.invoice_line_ids.filtered("product_id").quantity = quantity
        if post:
            note.action_post()
        return note

    def forget(self):
        """A database in which the add-on has never been."""
        self.env.flush_all()
        cr = self.env.cr
        cr.execute("DELETE FROM psa_invoice_detail")
        cr.execute("DELETE FROM psa_reinvoiced_cost")
        for table, columns in (
            ("account_analytic_line", LEDGER_COLUMNS),
            ("project_milestone", (*LEDGER_COLUMNS, "billable_quantity")),
            ("sale_order_line", (*LEDGER_COLUMNS, *LINE_COLUMNS)),
            ("account_move_line", ("billing_credited_line_id",)),
            ("account_move", ("psa_reopens_transactions",)),
        ):
            cr.execute(
                SQL(
                    "UPDATE %s SET %s",
                    SQL.identifier(table),
                    SQL(", ").join(
                        SQL("%s = NULL", SQL.identifier(name)) for name in columns
                    ),
                )
            )
        # Odoo takes all entries off an invoice that is credited, be it in part.
        cr.execute(
            """UPDATE account_analytic_line SET timesheet_invoice_id = NULL
                WHERE timesheet_invoice_id IN (
                      SELECT reversed_entry_id FROM account_move
                       WHERE move_type = 'out_refund' AND state = 'posted')"""
        )
        self.env.invalidate_all()
        # Those of other companies, too.
        lines = self.env["sale.order.line"].sudo().search([])
        for name in ("qty_to_invoice", "invoice_status"):
            self.env.add_to_compute(lines._fields[name], lines)
        self.env.flush_all()
        self.env.invalidate_all()

    def install(self):
        """Forget everything, take it over, and look at what must hold on any line.

        :return: what Odoo would have invoiced before, by line
        """
        self.forget()
        lines = self.env["sale.order.line"].search([])
        before = {line: (line.qty_invoiced, self.offered(line)) for line in lines}
        status = {line.order_id: line.order_id.invoice_status for line in lines}
        self.env["psa.billing"].take_over_history()
        self.env.invalidate_all()
        for line, (invoiced, to_invoice) in before.items():
            self.assertEqual(line.qty_invoiced, invoiced, line.display_name)
            self.assertAlmostEqual(
                line.qty_to_invoice, to_invoice - line.billing_excluded_quantity, 2
            )
            if not line.billing_excluded_quantity:
                self.assertEqual(line.order_id.invoice_status, status[line.order_id])
        self.assert_taken_over(lines.filtered(lambda line: line._psa_is_in_ledger()))
        return {line: to_invoice for line, (_invoiced, to_invoice) in before.items()}

    def offered(self, line):
        """What Odoo alone would offer: it rounds fixed prices."""
        if line._psa_is_billed_by_amount():
            return line.qty_delivered - line.qty_invoiced
        return line.qty_to_invoice

    def assert_taken_over(self, contract_lines):
        """Every invoice line is the sum of its details, in quantity and in money."""
        moves = contract_lines.invoice_lines.move_id.filtered(
            lambda move: move.state != "cancel"
        )
        self.assertFalse(any(moves.mapped("is_project_invoice")))
        for item in moves.invoice_line_ids.filtered(
            lambda item: item.sale_line_ids & contract_lines and item.quantity
        ):
            sign = -1 if item.move_id.move_type == "out_refund" else 1
            unit = item.sale_line_ids.product_uom_id
            self.assertAlmostEqual(
                fsum(item.detail_ids.mapped("quantity")),
                sign * item._billing_quantity(item.sale_line_ids),
                delta=1e-6 if item.billing_share else unit.rounding / 2 + 1e-6,
            )
            self.assertAlmostEqual(
                fsum(item.detail_ids.mapped("amount")), sign * item.price_subtotal, 6
            )

    def bill(self, projects, cutoff=JANUARY):
        return projects._psa_invoice(cutoff)

    def entries(self, line):
        return self.env["account.analytic.line"].search(
            [("so_line", "=", line.id)], order="date, id"
        )


class TestHistoryInBulk(HistoryCase):
    """A whole database is written without foreign keys and indexes, which come back."""

    def keys_and_indexes(self):
        return self.env.execute_query(
            SQL(
                """
                SELECT conname, pg_get_constraintdef(oid), NULL
                  FROM pg_constraint
                 WHERE conrelid = 'psa_invoice_detail'::regclass
             UNION ALL
                SELECT indexrelid::regclass::text, indkey::text,
                       obj_description(indexrelid, 'pg_class')
                  FROM pg_index
                 WHERE indrelid IN ('psa_invoice_detail'::regclass,
                                    'account_analytic_line'::regclass)
              ORDER BY 1, 2
                """
            )
        )

    def installed(self, *, most_are_billed: bool):
        """:return: the ledger of two invoices of one contract line"""
        line = self.order_of(2, 3)
        moves = self.invoice(line)
        self.log(self.entries(line).project_id, day(9), 4)
        moves |= self.invoice(line)
        with patch.object(
            Takeover,
            "_are_most_entries_billed",
            lambda _self: most_are_billed,
        ):
            self.install()
        return [
            (*detail.analytic_line_id.mapped("billed_quantity"), detail.amount)
            for detail in moves.detail_ids
        ]

    def test_they_come_back(self):
        before = self.keys_and_indexes()
        self.assertTrue(any(comment for _name, _definition, comment in before))
        self.assertEqual(
            self.installed(most_are_billed=True), [(2, 200), (3, 300), (4, 400)]
        )
        self.assertEqual(self.keys_and_indexes(), before)

    def test_where_few_entries_were_billed(self):
        self.assertEqual(
            self.installed(most_are_billed=False), [(2, 200), (3, 300), (4, 400)]
        )

    def test_keys_are_kept_again(self):
        self.installed(most_are_billed=True)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(ForeignKeyViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("UPDATE psa_invoice_detail SET move_id = 0")

    def test_an_order_alone_holds_no_table(self):
        """Everybody goes on working while an order gets a project."""
        line = self.order_of(2)
        self.invoice(line)
        self.forget()
        with self.nothing_dropped():
            self.env["psa.billing"].take_over_history(line)
        self.assertEqual(line.invoice_lines.detail_ids.amount, 200)
        # What else was forgotten.
        self.env["psa.billing"].take_over_history()

    def test_an_upgrade_holds_no_table(self):
        """A ledger with something in it would be checked and sorted once more."""
        lines = self.order_of(2) | self.order_of(3)
        for line in lines:
            self.invoice(line)
        self.forget()
        self.env["psa.billing"].take_over_history(lines[0])
        with self.nothing_dropped():
            self.env["psa.billing"].take_over_history()
        self.assertEqual(lines.invoice_lines.detail_ids.mapped("amount"), [200, 300])

    @contextmanager
    def nothing_dropped(self):
        before = self.keys_and_indexes()
        take_over = Takeover._take_over_chunk

        def watched(step, line_ids, write):
            self.assertEqual(self.keys_and_indexes(), before)
            return take_over(step, line_ids, write)

        with patch.object(Takeover, "_take_over_chunk", watched):
            yield


class TestHistoryOfTime(HistoryCase):
    def test_what_was_billed_is_billed(self):
        line = self.order_of(2, 3)
        move = self.invoice(line)
        self.install()
        entries = self.entries(line)
        self.assertRecordValues(
            entries,
            [
                {
                    "billed_quantity": 2,
                    "open_quantity": 0,
                    "billing_status": "invoiced",
                },
                {
                    "billed_quantity": 3,
                    "open_quantity": 0,
                    "billing_status": "invoiced",
                },
            ],
        )
        self.assertEqual(entries.timesheet_invoice_id, move)
        self.assertRecordValues(
            move.detail_ids.sorted("date"),
            [
                {
                    "quantity": 2,
                    "amount": 200,
                    "employee_name": "Alice",
                    "date": day(1),
                },
                {
                    "quantity": 3,
                    "amount": 300,
                    "employee_name": "Alice",
                    "date": day(2),
                },
            ],
        )
        self.assertFalse(self.bill(line.order_id.project_ids))

    def test_a_run_bills_what_came_since(self):
        line = self.order_of(2, 3)
        self.invoice(line)
        self.log(self.entries(line).project_id, day(9), 4)
        self.install()
        move = self.bill(self.entries(line).project_id)
        self.assertEqual(move.invoice_line_ids.mapped("quantity"), [4])
        self.assertFalse(self.bill(self.entries(line).project_id))

    def test_on_a_draft_and_on_a_cancelled_invoice(self):
        draft, cancelled = self.order_of(2), self.order_of(3)
        self.invoice(draft, post=False)
        self.invoice(cancelled).button_cancel()
        self.install()
        self.assertEqual(self.entries(draft).billing_status, "draft")
        self.assertEqual(self.entries(cancelled).billing_status, "ready")
        both = (self.entries(draft) + self.entries(cancelled)).project_id
        self.assertEqual(self.bill(both).invoice_line_ids.mapped("quantity"), [3])

    def test_twice_is_once(self):
        line = self.order_of(2, 3)
        self.invoice(line, 4)
        self.install()
        before = self.env["psa.invoice.detail"].search([]).read()
        self.env["psa.billing"].take_over_history()
        self.assertEqual(self.env["psa.invoice.detail"].search([]).read(), before)

    def test_a_lower_quantity_leaves_the_latest_to_a_person(self):
        """2 + 3 + 5 h, and 8 typed on the invoice: 2 of the 5 h are open."""
        line = self.order_of(2, 3, 5)
        move = self.invoice(line, 8)
        self.install()
        entries = self.entries(line)
        self.assertEqual(entries.mapped("open_quantity"), [0, 0, 2])
        self.assertEqual(entries.mapped("billing_hold"), [False, False, True])
        self.assertEqual(entries[2].billing_hold_reason, OPENING)
        self.assertEqual(line.qty_to_invoice, 0, "It waits to be looked at.")
        self.assertFalse(self.bill(entries.project_id))
        entries.action_psa_release()
        self.assertEqual(line.qty_to_invoice, 2)
        self.assertEqual(
            self.bill(entries.project_id).invoice_line_ids.mapped("quantity"), [2]
        )
        self.assertEqual(fsum(move.detail_ids.mapped("quantity")), 8)

    def test_a_higher_quantity_is_an_adjustment(self):
        """12 typed where 10 h were logged: the next 3 h bill only 1."""
        line = self.order_of(2, 3, 5)
        move = self.invoice(line, 12)
        self.install()
        adjustment = move.detail_ids.filtered(
            lambda detail: detail.transaction_type == "adjustment"
        )
        self.assertRecordValues(
            adjustment, [{"name": OPENING, "quantity": 2, "amount": 200}]
        )
        project = self.entries(line).project_id
        self.log(project, day(9), 3)
        self.assertEqual(line.qty_to_invoice, 1)
        self.assertEqual(self.bill(project).invoice_line_ids.quantity, 1)

    def test_a_higher_quantity_takes_what_was_logged_since(self):
        """12 typed for 10 h, and 3 h came since: 2 of them were paid in advance."""
        line = self.order_of(2, 3, 5)
        move = self.invoice(line, 12)
        self.log(self.entries(line).project_id, day(9), 3)
        self.install()
        entries = self.entries(line)
        self.assertEqual(entries.mapped("open_quantity"), [0, 0, 0, 1])
        self.assertEqual(entries.mapped("billing_hold"), [False] * 3 + [True])
        self.assertEqual(fsum(move.detail_ids.mapped("amount")), 1200)
        entries.action_psa_release()
        self.assertEqual(self.bill(entries.project_id).invoice_line_ids.quantity, 1)

    def test_entries_that_no_invoice_names(self):
        """6 of 10 h invoiced, nobody knows which: the newest 4 h are open."""
        line = self.order_of(2, 3, 5)
        self.invoice(line, 6)
        self.env.cr.execute(
            "UPDATE account_analytic_line SET timesheet_invoice_id = NULL"
            " WHERE so_line = %s",
            [line.id],
        )
        self.install()
        entries = self.entries(line)
        self.assertEqual(entries.mapped("billed_quantity"), [2, 3, 1])
        self.assertEqual(entries.mapped("billing_hold"), [False, False, True])
        self.assertFalse(entries.timesheet_invoice_id)

    def test_an_entry_without_invoice_comes_first(self):
        """The 2 h of the 1st were forgotten in the invoice of 3 + 5 h."""
        line = self.order_of(2, 3, 5)
        self.invoice(line, 8)
        entries = self.entries(line)
        self.env.cr.execute(
            "UPDATE account_analytic_line SET timesheet_invoice_id = NULL"
            " WHERE id = %s",
            [entries[0].id],
        )
        self.install()
        self.assertEqual(entries.mapped("open_quantity"), [2, 0, 0])
        self.assertFalse(any(entries.mapped("billing_hold")))
        self.assertEqual(self.bill(entries.project_id).invoice_line_ids.quantity, 2)

    def test_a_credited_invoice_waits(self):
        line = self.order_of(2, 3)
        self.credit(self.invoice(line))
        self.log(self.entries(line).project_id, day(9), 4)
        self.install()
        entries = self.entries(line)
        self.assertEqual(entries.mapped("open_quantity"), [2, 3, 4])
        self.assertEqual(entries.mapped("billing_hold"), [True, True, False])
        self.assertEqual(line.qty_to_invoice, 4)
        self.assertEqual(self.bill(entries.project_id).invoice_line_ids.quantity, 4)

    def test_a_part_that_was_credited_waits(self):
        """4 of 10 h credited: the newest 4 of them are open, and wait."""
        line = self.order_of(2, 3, 5)
        note = self.credit(self.invoice(line), 4)
        self.install()
        entries = self.entries(line)
        self.assertEqual(entries.mapped("open_quantity"), [0, 0, 4])
        self.assertEqual(entries.mapped("billing_hold"), [False, False, True])
        self.assertEqual((line.qty_invoiced, line.qty_to_invoice), (6, 0))
        self.assertEqual(fsum(note.detail_ids.mapped("quantity")), -4)
        self.assertFalse(self.bill(entries.project_id))

    def test_credited_and_invoiced_anew(self):
        line = self.order_of(2, 3)
        first = self.invoice(line)
        self.credit(first)
        self.entries(line).action_psa_release()
        second = self.invoice(line)
        self.env.flush_all()
        self.assertEqual(line.qty_invoiced, 5)
        self.install()
        self.assertEqual(
            second.detail_ids.analytic_line_id,
            self.entries(line),
            "Where Odoo has them",
        )
        self.assertEqual(first.detail_ids.mapped("transaction_type"), ["adjustment"])
        self.assertFalse(any(self.entries(line).mapped("open_quantity")))

    def test_a_draft_credit_note_reopens_when_it_is_posted(self):
        line = self.order_of(2, 3)
        note = self.credit(self.invoice(line), post=False)
        self.install()
        entries = self.entries(line)
        self.assertEqual(entries.mapped("open_quantity"), [0, 0])
        self.assertFalse(self.bill(entries.project_id))
        note.action_post()
        self.assertEqual(entries.mapped("billing_status"), ["credited"] * 2)
        self.assertFalse(self.bill(entries.project_id))

    def test_corrections(self):
        """4 - 1 h invoiced as 3; a correction of -2 and 5 h came since: 3 are open."""
        line = self.order_of(4, -1)
        self.invoice(line)
        project = self.entries(line).project_id
        self.log(project, day(8), -2)
        self.log(project, day(9), 5)
        self.install()
        self.assertEqual(self.entries(line).mapped("billed_quantity"), [4, -1, 0, 0])
        self.assertEqual(self.bill(project).invoice_line_ids.quantity, 3)

    def test_thirds_of_an_hour(self):
        """20 minutes five times are 1.67 h: rounding leaves nothing open."""
        line = self.order_of(*[1 / 3] * 5)
        self.invoice(line)
        self.install()
        self.assertFalse(any(self.entries(line).mapped("open_quantity")))
        self.assertFalse(any(self.entries(line).mapped("billing_hold")))
        self.assertFalse(
            line.invoice_lines.detail_ids.filtered(
                lambda each: each.transaction_type == "adjustment"
            )
        )

    def test_days(self):
        """Sold by the day, logged in hours: 8 + 4 h are 1.5 days."""
        project = self.project()
        product = self._service("Consulting day", "timesheet", self.day)
        line = self.contract(project, product, price_unit=800)
        self.log(project, day(1), 8)
        self.log(project, day(2), 4)
        move = self.invoice(line)
        self.log(project, day(3), 2)
        self.install()
        self.assertEqual(self.entries(line).mapped("billed_quantity"), [8, 4, 0])
        self.assertRecordValues(
            move.detail_ids.sorted("date"),
            [
                {"quantity": 1, "source_quantity": 8, "amount": 800},
                {"quantity": 0.5, "source_quantity": 4, "amount": 400},
            ],
        )
        self.assertEqual(self.bill(project).invoice_line_ids.quantity, 0.25)

    def test_foreign_currency(self):
        """Amounts are in the currency of the invoice, to the cent."""
        currency = self.setup_other_currency("EUR")
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": currency.id}
        )
        project = self.project()
        line = self.contract(project, pricelist_id=pricelist.id, price_unit=33.35)
        for number in (1, 2, 3):
            self.log(project, day(number), 1 / 3)
        move = self.invoice(line)
        self.install()
        self.assertEqual(move.currency_id, currency)
        self.assertEqual(move.detail_ids.currency_id, currency)
        self.assertEqual(
            sorted(move.detail_ids.mapped("amount")), [11.11, 11.12, 11.12]
        )

    def test_two_companies(self):
        line = self.order_of(2)
        self.invoice(line)
        other = self.setup_other_company(name="Second firm")["company"]
        env = self.env(context={"allowed_company_ids": [other.id]})
        project = env["project.project"].create(
            {
                "name": "Theirs",
                "partner_id": self.customer.id,
                "allow_billable": True,
                "company_id": other.id,
            }
        )
        product = self._service("Their hour", "timesheet", self.hour)
        product.with_company(other).taxes_id = False
        order = env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "company_id": other.id,
                "order_line": [
                    Command.create({"product_id": product.id, "product_uom_qty": 10})
                ],
            }
        )
        order.action_confirm()
        project.sale_line_id = order.order_line
        employee = env["hr.employee"].create({"name": "Zoe", "company_id": other.id})
        env["account.analytic.line"].create(
            {
                "name": "Work",
                "date": day(3),
                "project_id": project.id,
                "employee_id": employee.id,
                "unit_amount": 3,
            }
        )
        self.invoice(order.order_line)
        self.install()
        theirs = self.entries(order.order_line.with_env(self.env))
        self.assertEqual(theirs.mapped("billed_quantity"), [3])
        self.assertEqual(self.entries(line).mapped("billed_quantity"), [2])

    def test_one_invoice_of_several_orders(self):
        """Sections and a down payment stay what they are."""
        first, second = self.order_of(2), self.order_of(3)
        self.env["sale.order.line"].create(
            {
                "order_id": first.order_id.id,
                "display_type": "line_section",
                "name": "Phase one",
            }
        )
        wizard = self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": first.order_id.ids,
                "advance_payment_method": "fixed",
                "fixed_amount": 50,
            }
        )
        wizard.create_invoices()
        first.order_id.invoice_ids.action_post()
        move = (first.order_id + second.order_id)._create_invoices(final=True)
        self.assertEqual(len(move), 1)
        move.action_post()
        self.install()
        self.assertEqual(
            sorted(move.detail_ids.mapped("amount")), [200, 300], "And no down payment."
        )
        self.assertEqual(move.detail_ids.sale_line_id, first + second)

    def test_two_invoices_share_an_entry(self):
        """5 h invoiced as 2 and 3: the entry is on both."""
        line = self.order_of(5)
        first = self.invoice(line, 2)
        self.entries(line).action_psa_release()
        second = self.invoice(line, 3)
        self.install()
        self.assertEqual(self.entries(line).billed_quantity, 5)
        self.assertEqual(first.detail_ids.mapped("quantity"), [2])
        self.assertEqual(second.detail_ids.mapped("quantity"), [3])


class TestHistoryOfOthers(HistoryCase):
    def package(self, *shares):
        project = self.project()
        line = self.contract(
            project, self.milestone_product, product_uom_qty=1, price_unit=3000
        )
        for number, share in enumerate(shares, start=1):
            self.milestone(project, line, share, day(number))
        return line

    def invoice_by_quantity(self, line):
        """As Odoo alone does it, to the hundredth."""
        move = self.env["account.move"].create(
            {
                **line.order_id._prepare_invoice(),
                "invoice_date": day(20),
                "invoice_line_ids": [Command.create(line._prepare_invoice_line())],
            }
        )
        move.action_post()
        return move

    def milestones(self, line):
        return self.env["project.milestone"].search(
            [("sale_line_id", "=", line.id)], order="reached_date"
        )

    def test_three_thirds(self):
        """33.33 % three times, all invoiced: nothing is left of the rounding."""
        line = self.package(0.3333, 0.3333, 0.3333)
        self.assertEqual(self.invoice_by_quantity(line).amount_untaxed, 3000)
        self.install()
        self.assertFalse(any(self.milestones(line).mapped("open_quantity")))
        self.assertFalse(any(self.milestones(line).mapped("billing_hold")))

    def test_the_first_third(self):
        line = self.package(0.3333)
        old = self.invoice_by_quantity(line)
        project = self.milestones(line).project_id
        self.milestone(project, line, 0.3333, day(2))
        self.milestone(project, line, 0.3334, day(3))
        self.install()
        milestones = self.milestones(line)
        self.assertEqual(
            milestones.mapped("billing_status"), ["invoiced"] + ["ready"] * 2
        )
        moves = old + self.bill(project)
        self.assertEqual(fsum(moves.mapped("amount_untaxed")), 3000)
        self.assertEqual(line.qty_to_invoice, 0)

    def test_amounts_of_another_time(self):
        """The add-on was here before: shares say how much was billed, to the cent."""
        line = self.package(0.125, 0.004)
        self.invoice(line)
        project = self.milestones(line).project_id
        self.milestone(project, line, 0.003, day(3))
        self.milestone(project, line, 0.868, day(4))
        self.install()
        self.assertEqual(
            self.milestones(line).mapped("billing_status"),
            ["invoiced"] * 2 + ["ready"] * 2,
        )
        self.assertEqual(
            self.milestones(line).mapped("open_quantity")[2:], [0.003, 0.868]
        )
        self.assertEqual(self.bill(project).amount_untaxed, 2613)

    def test_an_order_line_billed_by_what_was_ordered(self):
        """10 ordered, 4 invoiced: 6 are ready, with the day of the order."""
        self.time_product.invoice_policy = "order"
        project = self.project()
        line = self.contract(project, date_order="2026-01-05 12:00:00")
        line.order_id.date_order = "2026-01-05 12:00:00"
        move = self.invoice(line, 4)
        self.install()
        self.assertEqual((line.billable_quantity, line.billed_quantity), (10, 4))
        self.assertEqual((line.billing_date, line.billing_hold), (day(5), False))
        self.assertEqual(move.detail_ids.transaction_type, "order_line")
        self.assertEqual(self.bill(project).invoice_line_ids.quantity, 6)

    def test_an_order_line_that_was_credited_waits(self):
        self.time_product.invoice_policy = "order"
        project = self.project()
        line = self.contract(project)
        line.order_id.date_order = "2026-01-05 12:00:00"
        note = self.credit(self.invoice(line), 3)
        self.install()
        self.assertEqual((line.open_quantity, line.billing_status), (3, "hold"))
        self.assertEqual(line.billing_hold_reason, OPENING)
        self.assertEqual(line.qty_to_invoice, 0)
        self.assertEqual(note.detail_ids.origin_detail_id.quantity, 10)
        self.assertFalse(self.bill(project))
        line.action_psa_release()
        self.assertEqual(self.bill(project).invoice_line_ids.quantity, 3)

    def test_goods_that_were_delivered(self):
        product = self.env["product.product"].create(
            {"name": "Cable", "type": "consu", "invoice_policy": "delivery"}
        )
        project = self.project()
        self.contract(project)
        line = self.contract(project, product, price_unit=10, project_id=project.id)
        line.order_id.date_order = "2026-01-05 12:00:00"
        line.qty_delivered = 3
        move = self.invoice(line)
        line.qty_delivered = 5
        self.install()
        self.assertEqual(move.detail_ids.transaction_type, "material")
        self.assertEqual((line.billed_quantity, line.open_quantity), (3, 2))

    def test_a_bill_that_the_customer_pays(self):
        """A vendor bill of 2 pieces, re-invoiced; one more came since."""
        project = self.project()
        project.account_id = self.env["account.analytic.account"].create(
            {
                "name": "Job",
                "plan_id": self.env.ref("analytic.analytic_plan_projects").id,
            }
        )
        order_line = self.contract(project)
        order_line.order_id.project_id = project
        product = self.env["product.product"].create(
            {"name": "Parts", "type": "consu", "expense_policy": "cost"}
        )
        first = self.vendor_bill(project, product, 2)
        line = self.env["sale.order.line"].search(
            [("order_id", "=", order_line.order_id.id), ("is_expense", "=", True)]
        )
        self.assertEqual(line.product_uom_qty, 2)
        move = self.invoice(line)
        self.vendor_bill(project, product, 1)
        self.install()
        costs = self.env["psa.reinvoiced.cost"].search(
            [("project_id", "=", project.id)], order="id"
        )
        self.assertEqual(costs.mapped("billed_quantity"), [2, 0])
        self.assertEqual(move.detail_ids.source_move_line_id, first.invoice_line_ids)
        self.assertEqual(self.bill(project).invoice_line_ids.mapped("quantity"), [1])

    def vendor_bill(self, project, product, quantity):
        return self.posted_bill(
            product,
            project,
            vendor=self.partner_a,
            day=day(10),
            quantity=quantity,
        )

    def test_an_order_gets_a_project_later(self):
        """Odoo has invoiced 4 of 10 before: 6 are left to bill."""
        self.time_product.invoice_policy = "order"
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create(
                        {"product_id": self.time_product.id, "product_uom_qty": 10}
                    )
                ],
            }
        )
        order.action_confirm()
        line = order.order_line
        self.invoice(line, 4)
        self.assertFalse(line.billing_project_id)
        project = self.project()
        project.sale_line_id = line
        self.env["psa.billing"].take_over_history(line)
        self.env["psa.billing"].take_over_history(line)
        self.assertEqual((line.billed_quantity, line.open_quantity), (4, 6))
        self.assertEqual(
            self.bill(project, fields.Date.today()).invoice_line_ids.quantity, 6
        )

    def test_an_order_without_a_project_is_left_alone(self):
        product = self.env["product.product"].create({"name": "Mouse", "type": "consu"})
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create({"product_id": product.id, "product_uom_qty": 2})
                ],
            }
        )
        order.action_confirm()
        move = self.invoice(order.order_line)
        self.install()
        self.assertFalse(move.detail_ids)
        self.assertFalse(order.order_line.billable_quantity)

    def test_a_project_takes_over_few_rows_with_few_questions(self):
        """No table is made or looked through, nobody waits for the end of it."""
        self.time_product.invoice_policy = "order"
        values = {"product_id": self.time_product.id, "product_uom_qty": 10}
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create(dict(values)) for _number in range(3)],
            }
        )
        order.action_confirm()
        move = order._create_invoices()
        move.action_post()
        self.assertFalse(move.invoice_line_ids.detail_ids)
        project = self.project()
        self.env.flush_all()
        locks, queries = self.locks(), self.env.cr.sql_log_count
        project.sale_line_id = order.order_line[0]
        self.env.flush_all()
        self.assertLessEqual(self.env.cr.sql_log_count - queries, 20)
        self.assertEqual(self.locks(), locks)
        self.assertEqual(len(move.invoice_line_ids.detail_ids), 3)
        self.assertEqual(order.order_line.mapped("billed_quantity"), [10] * 3)

    def locks(self):
        """What is held of tables beyond what every SELECT and UPDATE holds."""
        return self.env.execute_query(
            SQL(
                """SELECT relation::regclass::text, mode FROM pg_locks
                    WHERE pid = pg_backend_pid() AND locktype = 'relation'
                      AND mode NOT IN ('AccessShareLock', 'RowShareLock',
                                       'RowExclusiveLock')
                 ORDER BY 1, 2"""
            )
        )
