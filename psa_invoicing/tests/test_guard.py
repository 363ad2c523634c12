# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Nobody gets past it: what was tried over HTTP once, and what must not work again."""

import json
from datetime import date

from odoo.fields import Command
from odoo.models import MAGIC_COLUMNS

from ..core.billing import LEDGER
from ..models.shared.client_context import SWITCHES, without_switches
from .doors import DOORS, JSON2, WEB, DoorsCase

JANUARY = date(2026, 1, 31)
# What a client would send to get past every check of Odoo.
FORGED = {
    **dict.fromkeys(SWITCHES, True),
    "check_move_validity": False,
    "psa_ledger": True,
    "psa_reason": "Because",
    "psa_unlocked": [1, 2, 3],
}
EMPLOYEE = "base.group_user,hr_timesheet.group_hr_timesheet_user"


class GuardCase(DoorsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.employee = cls.person("guard_alice", EMPLOYEE)
        cls.alice.user_id = cls.employee
        cls.biller = cls.person("guard_biller", "psa_invoicing.group_billing_manager")
        cls.reviewer = cls.person(
            "guard_reviewer", "psa_invoicing.group_billing_reviewer"
        )
        cls.work = cls.time_project(2, 3, 4, billing_user_id=cls.reviewer.id)
        cls.entries = cls.work.timesheet_ids.sorted("date")
        cls.entries.user_id = cls.employee


class TestLockedByTheLedger(GuardCase):
    """What is billed is locked, whatever the fields say that a client can write."""

    # Odoo's own note of an invoice is taken off on purpose.
    audited = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.posted = cls.work._psa_invoice(date(2026, 1, 1))
        cls.posted.action_post()
        cls.invoiced, cls.drafted, cls.open = cls.entries
        cls.draft = cls.work._psa_invoice(date(2026, 1, 2))
        cls.other_line = cls.contract(cls.work)

    def test_what_odoo_notes_of_an_invoice_is_an_output(self):
        for door in DOORS:
            for values in (
                {"timesheet_invoice_id": False},
                {"timesheet_invoice_id": self.draft.id},
                {"timesheet_invoice_type": "non_billable"},
                {"order_id": False},
                {"billed_quantity": 0},
                {"billing_draft_quantity": 2},
                {"open_quantity": 2},
                {"billable_quantity": 0},
            ):
                with self.subTest(door=door, **values):
                    self.assert_refused(
                        "nobody writes them",
                        door,
                        self.employee,
                        self.entries,
                        "write",
                        vals=values,
                    )
        self.assertEqual(self.invoiced.timesheet_invoice_id, self.posted)

    def test_an_order_is_that_of_its_line(self):
        manager = self.person(
            "guard_manager",
            "project.group_project_manager,hr_timesheet.group_hr_timesheet_approver",
        )
        line, foreign = self.work.sale_line_id, self.time_project(1).sale_line_id
        new = {"name": "New", "project_id": self.work.id, "so_line": line.id}
        new["employee_id"] = self.alice.id
        entries = self.env["account.analytic.line"]
        same = [{**new, "order_id": line.order_id.id}]
        (id_,) = self.through(JSON2, manager, entries, "create", vals_list=same)
        self.assertEqual(entries.browse(id_).order_id, line.order_id)
        for order_id in (foreign.order_id.id, False):
            self.assert_refused(
                "nobody writes them",
                JSON2,
                manager,
                entries,
                "create",
                vals_list=[{**new, "order_id": order_id}],
            )

    def test_what_is_in_place_of_a_credited_invoice_is_for_corrections(self):
        """Odoo's reversal makes a draft anew, on which the entry may be mended."""
        order = self.open.so_line.order_id
        invoice = order._create_invoices()
        invoice.action_post()
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        values = {"reason": "Wrong", "journal_id": invoice.journal_id.id}
        wizard.create(values).modify_moves()
        self.through(WEB, self.employee, self.open, "write", vals={"unit_amount": 7})
        self.assertEqual(self.open.unit_amount, 7)

    def test_no_detour_to_an_output(self):
        """Not with a new entry, nor as a default of the client or the user."""
        new = {
            "name": "Forged",
            "date": "2026-01-09",
            "project_id": self.work.id,
            "employee_id": self.alice.id,
            "unit_amount": 1,
        }
        entries = self.env["account.analytic.line"]
        for door in DOORS:
            self.assert_refused(
                "nobody writes them",
                door,
                self.employee,
                entries,
                "create",
                vals_list=[{**new, "billed_quantity": -5}],
            )
            (id_,) = self.through(
                door,
                self.employee,
                entries,
                "create",
                vals_list=[new],
                context={
                    "default_billed_quantity": -5,
                    "default_timesheet_invoice_id": self.posted.id,
                    "default_so_line": self.other_line.id,
                    "default_is_so_line_edited": True,
                },
            )
            entry = entries.browse(id_)
            self.assertEqual((entry.billed_quantity, entry.open_quantity), (0, 1), door)
            self.assertFalse(entry.timesheet_invoice_id)
            self.assertEqual(entry.so_line, self.work.sale_line_id)
        self.env["ir.default"].with_user(self.employee).set(
            "account.analytic.line", "billed_quantity", -5, user_id=True
        )
        (id_,) = self.through(JSON2, self.employee, entries, "create", vals_list=[new])
        self.assertEqual(entries.browse(id_).billed_quantity, 0)

    def test_an_invoiced_entry_stays_locked_without_odoos_note(self):
        """Another add-on may take the entry off its invoice; the ledger has not."""
        self.entries.sudo().timesheet_invoice_id = False
        for door in DOORS:
            for values in (
                {"unit_amount": 8},
                {"date": "2026-01-20"},
                {"employee_id": self.bob.id},
                {"product_uom_id": self.day.id},
                {"project_id": self.time_project(1).id},
            ):
                with self.subTest(door=door, **values):
                    self.assert_refused(
                        "already invoiced",
                        door,
                        self.employee,
                        self.invoiced,
                        "write",
                        vals=values,
                    )
        self.assertTrue(self.invoiced.with_user(self.employee).readonly_timesheet)
        self.work.sale_line_id = self.other_line
        self.assertNotEqual(self.invoiced.so_line, self.other_line)

    def test_a_draft_is_told_without_odoos_note(self):
        self.entries.sudo().timesheet_invoice_id = False
        self.through(WEB, self.employee, self.drafted, "write", vals={"unit_amount": 1})
        self.assertTrue(self.draft.needs_recalculation)

    def test_a_draft_of_odoos_button_locks_without_odoos_note(self):
        order = self.open.so_line.order_id
        order._create_invoices()
        self.assertTrue(self.open.timesheet_invoice_id)
        self.open.sudo().timesheet_invoice_id = False
        self.assert_refused(
            "already invoiced",
            WEB,
            self.employee,
            self.open,
            "write",
            vals={"unit_amount": 8},
        )

    def test_what_is_credited_may_be_corrected(self):
        self.posted._reverse_moves().action_post()
        self.through(
            WEB, self.employee, self.invoiced, "write", vals={"unit_amount": 1}
        )
        self.assertEqual(self.invoiced.unit_amount, 1)

    def test_who_logs_time_does_not_decide_on_its_contract_line(self):
        for door in DOORS:
            for values in (
                {"so_line": False},
                {"so_line": self.other_line.id},
                {"is_so_line_edited": True},
            ):
                with self.subTest(door=door, **values):
                    self.assert_refused(
                        "The contract line of a time entry follows",
                        door,
                        self.employee,
                        self.open,
                        "write",
                        vals=values,
                    )
            self.assert_refused(
                "The contract line of a time entry follows",
                door,
                self.employee,
                self.open.browse(),
                "create",
                vals_list=[
                    {
                        "name": "Forged",
                        "project_id": self.work.id,
                        "so_line": self.other_line.id,
                    }
                ],
            )
            same = {"so_line": self.open.so_line.id, "is_so_line_edited": False}
            self.through(door, self.employee, self.open, "write", vals=same)
        self.assertEqual(self.open.so_line, self.work.sale_line_id)

    def test_who_sells_decides_on_it(self):
        for groups in (
            "sales_team.group_sale_salesman,hr_timesheet.group_hr_timesheet_approver",
            "project.group_project_manager,hr_timesheet.group_hr_timesheet_approver",
        ):
            user = self.person(f"guard_{groups[:5]}", groups)
            for line in (self.other_line, self.work.sale_line_id):
                values = {"so_line": line.id, "is_so_line_edited": True}
                self.through(WEB, user, self.open, "write", vals=values)
                self.assertEqual(self.open.so_line, line)

    def test_a_nested_command_is_a_write(self):
        """The entries of a project, written through the project."""
        manager = self.person(
            "guard_manager",
            "project.group_project_manager,hr_timesheet.group_hr_timesheet_user",
        )
        self.assert_refused(
            "nobody writes them",
            JSON2,
            manager,
            self.work,
            "write",
            vals={
                "timesheet_ids": [
                    Command.update(self.invoiced.id, {"timesheet_invoice_id": False})
                ]
            },
        )


class TestNoClientContext(GuardCase):
    """What Odoo, and we, tell our own code to leave out, a client cannot."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.draft = cls.work._psa_invoice(date(2026, 1, 2))

    def assert_agrees(self, move):
        self.assert_ledger(move)
        self.assertEqual(move._psa_disagreements(), [])
        move.line_ids._check_tax_lock_date()
        self.assertFalse(move._get_unbalanced_moves({"records": move}))

    def test_a_reviewer_writes_a_row(self):
        self.env.company.billing_review_required = True
        self.draft.action_psa_submit()
        first, second = self.draft.detail_ids.sorted("date")
        for door in DOORS:
            with self.subTest(door=door):
                quantity = first.quantity - 0.25
                self.through(
                    door,
                    self.reviewer,
                    first,
                    "write",
                    vals={"quantity": quantity},
                    context=FORGED,
                )
                self.assertEqual(first.quantity, quantity)
                self.assertEqual(
                    self.draft.amount_untaxed, 100 * (quantity + second.quantity)
                )
                self.assert_agrees(self.draft)
        self.through(JSON2, self.reviewer, second, "unlink", context=FORGED)
        self.assert_agrees(self.draft)

    def test_an_administrator_writes_an_invoice(self):
        line = self.draft.invoice_line_ids
        for number, door in enumerate(DOORS, start=1):
            with self.subTest(door=door):
                self.through(
                    door,
                    self.biller,
                    self.draft,
                    "write",
                    vals={
                        "invoice_line_ids": [
                            Command.update(line.id, {"price_unit": 100 + number})
                        ]
                    },
                    context=FORGED,
                )
                self.assertEqual(
                    self.draft.amount_untaxed, line.quantity * (100 + number)
                )
                self.assert_agrees(self.draft)
                self.through(
                    door,
                    self.biller,
                    line,
                    "write",
                    vals={"quantity": 5 - number},
                    context=FORGED,
                )
                self.assert_agrees(self.draft)

    def test_what_is_billed_is_not_deleted(self):
        self.draft.action_post()
        for door in DOORS:
            self.assert_refused(
                "cannot be deleted",
                door,
                self.employee,
                self.entries[0],
                "unlink",
                context=FORGED,
            )
            self.assert_refused(
                "posted|draft",
                door,
                self.biller,
                self.draft,
                "unlink",
                context=FORGED,
            )

    def test_a_context_of_pairs_is_one_too(self):
        self.draft.action_post()
        self.assert_refused(
            "posted|draft",
            JSON2,
            self.biller,
            self.draft,
            "unlink",
            context=[list(pair) for pair in FORGED.items()],
        )

    def test_a_log_is_not_switched_off(self):
        manager = self.person(
            "guard_planner",
            "project.group_project_manager,psa_invoicing.group_billing_manager",
        )
        for door in DOORS:
            before = len(self.work.message_ids)
            self.through(
                door,
                manager,
                self.work,
                "write",
                vals={"billing_hold_reason": door, "billing_hold": True},
                context={"tracking_disable": True, "mail_notrack": True},
            )
            self.assertGreater(len(self.work.message_ids), before, door)

    def test_a_server_action_has_the_context_of_a_client_too(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Price",
                "model_id": self.env["ir.model"]._get("account.move.line").id,
                "state": "code",
                "code": "records.write({'price_unit': 300})",
                "group_ids": [
                    Command.link(self.env.ref("account.group_account_invoice").id)
                ],
            }
        )
        line = self.draft.invoice_line_ids
        context = {**FORGED, "active_model": line._name, "active_ids": line.ids}
        self.env.flush_all()
        self.authenticate(self.biller.login, self.biller.login)
        self.web_call("/web/action/run", action_id=action.id, context=context)
        self.env.invalidate_all()
        self.assertEqual(self.draft.amount_untaxed, 1500)
        self.assert_agrees(self.draft)

    def test_others_have_keys_of_their_own(self):
        """Nothing else is dropped, and nothing that code says."""
        theirs = {"lang": "fr_FR", "their_key": False, "default_name": "Their name"}
        sent = {"ids": [1], "context": {**theirs, **FORGED}}
        kept = {"ids": [1], "context": theirs}
        self.assertEqual(without_switches(sent), kept)
        self.assertEqual(
            without_switches({"args": [[1], {"a": {"fields": {"b": sent}}}]}),
            {"args": [[1], {"a": {"fields": {"b": kept}}}]},
        )
        # Of pairs, Odoo makes a context as well.
        pairs = [list(pair) for pair in sent["context"].items()]
        self.assertEqual(without_switches({"context": pairs}), {"context": theirs})
        for nonsense in ([1], "x", 5, None, [[[], 1]]):
            self.assertEqual(
                without_switches({"context": nonsense}), {"context": nonsense}
            )
        # As the page of a report has it.
        (report,) = without_switches({"context": json.dumps(sent["context"])}).values()
        self.assertEqual(json.loads(report), theirs)
        values = {"context": "{'check_move_validity': False}"}
        self.assertEqual(without_switches(values), values, "A text of an action")
        moves = self.env["account.move"].with_context(check_move_validity=False)
        self.assertIs(moves.env.context["check_move_validity"], False)

    def test_no_way_to_another_draft(self):
        """Through an invoice, however deep, only that one is changed."""
        other = self.time_project(7)._psa_invoice(JANUARY)
        line, row = other.invoice_line_ids, other.detail_ids
        own = self.draft.invoice_line_ids
        change = Command.update(line.id, {"price_unit": 1})
        lower = Command.update(row.id, {"quantity": 1})
        for values in (
            {"invoice_line_ids": [change]},
            {"line_ids": [change]},
            {"line_ids": [Command.delete(line.id)]},
            {"line_ids": [Command.link(line.id)]},
            {"detail_ids": [lower]},
            {"detail_ids": [Command.delete(row.id)]},
            {"detail_ids": [Command.link(row.id)]},
            {"invoice_line_ids": [Command.update(own.id, {"detail_ids": [lower]})]},
            {
                "reversal_move_ids": [
                    Command.update(other.id, {"invoice_line_ids": [change]})
                ]
            },
        ):
            for door in (WEB, JSON2):
                with self.subTest(door=door, values=values):
                    self.assert_refused(
                        "changed there",
                        door,
                        self.biller,
                        self.draft,
                        "write",
                        vals=values,
                    )
        self.assert_refused(
            "changed there",
            JSON2,
            self.biller,
            own,
            "write",
            vals={"detail_ids": [lower]},
        )
        self.assert_refused(
            "changed there",
            JSON2,
            self.biller,
            self.draft.browse(),
            "create",
            vals_list=[{"move_type": "out_invoice", "line_ids": [change]}],
        )
        self.assertEqual(other.amount_untaxed, 700)
        self.assert_agrees(other)

    def test_a_row_of_the_own_draft_is_changed_through_it(self):
        row = self.draft.detail_ids.sorted("date")[0]
        self.through(
            WEB,
            self.biller,
            self.draft,
            "write",
            vals={"detail_ids": [Command.update(row.id, {"quantity": 1})]},
        )
        self.assertEqual(self.draft.amount_untaxed, 400)
        self.assert_agrees(self.draft)


class TestPostingChecks(GuardCase):
    """What is posted says what the ledger says, however it came to be posted."""

    # What is spoiled on purpose is off.
    audited = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.draft = cls.work._psa_invoice(date(2026, 1, 2))
        cls.line = cls.draft.invoice_line_ids
        cls.due = cls.draft.line_ids.filtered(
            lambda line: line.display_type == "payment_term"
        )
        cls.accountant = cls.person("guard_accountant", "account.group_account_manager")

    def spoil(self, line=None, **values):
        """What no client can do any more: another add-on may."""
        (line or self.line).with_context(
            check_move_validity=False, psa_ledger=LEDGER, skip_invoice_sync=True
        ).write(values)
        self.env.flush_all()

    def assert_not_posted(self, text, moves=None):
        """Neither with the button nor with a bare ``write``, by anybody."""
        moves = moves or self.draft
        for method, arguments in (
            ("action_post", {}),
            ("write", {"vals": {"state": "posted"}}),
        ):
            for door in (WEB, JSON2):
                with self.subTest(method=method, door=door):
                    self.assert_refused(
                        text,
                        door,
                        self.biller,
                        moves,
                        method,
                        context={**FORGED, "psa_reason": "Because"},
                        **arguments,
                    )
        self.assertEqual(set(moves.mapped("state")), {"draft"})

    def test_what_agrees_is_posted(self):
        self.through(JSON2, self.biller, self.draft, "write", vals={"state": "posted"})
        self.assertEqual(self.draft.psa_state, "confirmed")

    def test_a_line_and_its_transactions(self):
        self.spoil(quantity=9)
        self.assert_not_posted("quantity of 9, and the transactions on it make up 5")

    def test_a_line_and_its_journal_item(self):
        self.spoil(amount_currency=-400, balance=-400)
        self.spoil(self.due, amount_currency=475, balance=475)
        self.assert_not_posted("comes to 500, and its journal item to 400")

    def test_the_totals_and_the_journal_items(self):
        self.env.cr.execute(
            "UPDATE account_move_line SET amount_currency = 300 WHERE id = %s",
            self.due.ids,
        )
        self.env.invalidate_all()
        self.assert_not_posted("Its total is 575, and its journal items say 300")

    def test_a_cent_more_than_rounding_leaves(self):
        self.spoil(amount_currency=-500.01, balance=-500.01)
        # A step of the line is rounding; but nothing balances it.
        ((move, text),) = self.draft._psa_disagreements()
        self.assertEqual(move, self.draft)
        self.assertIn("do not balance", text)

    def test_one_step_of_the_currency_is_rounding_and_two_are_not(self):
        for amount, is_refused in ((0.01, False), (0.02, True)):
            for line, balance in ((self.line, -500), (self.due, 575)):
                balance += amount if balance > 0 else -amount
                self.spoil(line, amount_currency=balance, balance=balance)
            with self.subTest(amount):
                self.assertEqual(bool(self.draft._psa_disagreements()), is_refused)

    def test_a_line_that_the_ledger_does_not_know(self):
        self.line.with_context(psa_ledger=LEDGER).copy(
            {"move_id": self.draft.id, "sale_line_ids": self.line.sale_line_ids.ids}
        )
        self.assert_not_posted("the ledger does not know of what")

    def test_a_line_of_another_contract_line(self):
        other = self.contract(self.work)
        self.spoil(sale_line_ids=[Command.set(other.ids)])
        self.assert_not_posted("of another invoice or of another contract line")

    def test_one_of_many_stops_all(self):
        other = self.time_project(7)._psa_invoice(JANUARY)
        self.spoil(quantity=9)
        self.assert_not_posted("the transactions on it make up 5", self.draft + other)

    def test_what_has_to_be_looked_at_first(self):
        self.entries[0].unit_amount = 1
        self.assert_not_posted("Press Recalculate first")
        self.draft.action_psa_recalculate()
        self.env.company.billing_review_required = True
        self.assert_not_posted("has to be reviewed")

    def test_a_credit_note_credits_once(self):
        """Also where somebody writes its state."""
        self.draft.action_post()
        first, second = (self.draft._reverse_moves() for _time in range(2))
        posted = {"state": "posted"}
        self.through(JSON2, self.biller, first, "write", vals=posted)
        self.assert_refused(
            "was credited meanwhile", JSON2, self.biller, second, "write", vals=posted
        )
        self.assertEqual(
            self.entries[:2].mapped("open_quantity"), [2, 3], "Nothing twice."
        )

    def test_lines_of_others_pass(self):
        self.draft.write(
            {
                "invoice_line_ids": [
                    Command.create({"name": "Fee", "quantity": 3, "price_unit": 7.77})
                ]
            }
        )
        self.draft.action_post()
        self.assertEqual(self.draft.state, "posted")

    def test_rounding_passes(self):
        """Of cash, and of taxes over the whole invoice."""
        self.env.company.tax_calculation_rounding_method = "round_globally"
        tax = self.company_data["default_tax_sale"].copy(
            {
                "name": "21 % included",
                "amount": 21,
                "price_include_override": "tax_included",
            }
        )
        rounding = self.env["account.cash.rounding"].create(
            {
                "name": "Five Cents",
                "rounding": 0.05,
                "strategy": "add_invoice_line",
                "profit_account_id": self.company_data["default_account_revenue"].id,
                "loss_account_id": self.company_data["default_account_expense"].id,
                "rounding_method": "HALF-UP",
            }
        )
        draft = self.time_project(0.1, 0.33, billing_layout="entry")._psa_invoice(
            JANUARY
        )
        draft.invoice_line_ids.write({"tax_ids": tax.ids, "price_unit": 99.99})
        draft.invoice_cash_rounding_id = rounding
        draft.action_post()
        self.assertEqual(draft.state, "posted")

    def test_an_accountant_confirms_all_the_same(self):
        self.spoil(quantity=9)
        dialog = self.env["psa.confirm.anyway"]
        values = {"move_ids": [Command.set(self.draft.ids)], "reason": "Agreed"}
        self.assert_refused(
            "not allowed", JSON2, self.biller, dialog, "create", vals_list=[values]
        )
        (id_,) = self.through(
            JSON2,
            self.accountant,
            dialog,
            "create",
            vals_list=[{**values, "reason": ""}],
        )
        dialog = dialog.browse(id_)
        self.assertIn("make up 5", dialog.with_user(self.accountant).problems)
        self.assert_refused("Say why", JSON2, self.accountant, dialog, "action_apply")
        dialog.sudo().reason = "Agreed with the auditor."
        self.through(JSON2, self.accountant, dialog, "action_apply")
        self.assertEqual(self.draft.state, "posted")
        body = "".join(self.draft.message_ids.mapped("body"))
        self.assertIn("Agreed with the auditor. “Consulting hour”", body)
        self.assertIn("the transactions on it make up 5", body)

    def test_one_query_however_many(self):
        drafts = self.env["account.move"]
        for _number in range(4):
            drafts += self.time_project(1)._psa_invoice(JANUARY)
        self.env.flush_all()
        for moves in (drafts[:1], drafts):
            with self.assertQueryCount(1):
                moves._psa_check_agreement()
        bills = self.posted_bill(self.time_product, self.work).browse()
        with self.assertQueryCount(0):
            bills._psa_check_agreement()

    def test_what_is_confirmed_stays(self):
        self.draft.action_post()
        credit_note = self.draft._reverse_moves()
        credit_note.action_post()
        for records, values in (
            (self.draft, {"billing_cutoff_date": "2026-01-20"}),
            (self.draft, {"billing_cutoff_date": False}),
            (credit_note, {"reversed_entry_id": False}),
            (credit_note, {"psa_reopens_transactions": False}),
        ):
            with self.subTest(**values):
                self.assert_refused(
                    "stays as it is",
                    JSON2,
                    self.accountant,
                    records,
                    "write",
                    vals=values,
                )
        for values in (
            {"quantity": 1},
            {"price_unit": 1},
            {"balance": -1},
            {"price_subtotal": 1},
            {"sale_line_ids": [Command.clear()]},
            {"product_id": self.milestone_product.id},
        ):
            with self.subTest(**values):
                self.assert_refused(
                    "is no draft any more",
                    JSON2,
                    self.accountant,
                    self.line,
                    "write",
                    vals=values,
                    context=FORGED,
                )
        new = {
            "move_id": self.draft.id,
            "name": "More",
            "price_unit": 1000,
            "sale_line_ids": [Command.link(self.line.sale_line_ids.id)],
        }
        for door in DOORS:
            self.assert_refused(
                "is no draft any more",
                door,
                self.accountant,
                self.line.browse(),
                "create",
                vals_list=[new],
                context=FORGED,
            )
        self.assertEqual(self.draft.amount_total, 575)
        self.assertEqual(self.entries[:2].mapped("open_quantity"), [2, 3])

    def test_what_the_engine_notes_on_a_line_is_its_own(self):
        contract_line = self.line.sale_line_ids
        new = {"name": "Forged", "sale_line_ids": [Command.link(contract_line.id)]}
        for forged in (
            {"billing_written": [1]},
            {"billing_written": {"name": "x"}},
            {"billing_slice": "2026-01"},
            {"billing_credited_line_id": self.line.id, "billing_written": "x"},
        ):
            with self.subTest(**forged):
                self.assert_refused(
                    "nobody writes them",
                    JSON2,
                    self.accountant,
                    self.draft,
                    "write",
                    vals={"invoice_line_ids": [Command.create({**new, **forged})]},
                )
        # A line without product and unit stops no Recalculate, which takes it off: it
        # bills work of a later day.
        self.through(
            JSON2,
            self.accountant,
            self.draft,
            "write",
            vals={
                "invoice_line_ids": [
                    Command.create({**new, "quantity": 1, "price_unit": 1})
                ]
            },
        )
        self.assertEqual(self.draft.amount_untaxed, 501)
        self.through(JSON2, self.biller, self.draft, "action_psa_recalculate")
        self.assertEqual(self.draft.invoice_line_ids, self.line)
        self.assertEqual(self.draft.amount_untaxed, 500)
        (id_,) = self.through(
            JSON2, self.accountant, self.draft, "copy", context={"lang": "en_US"}
        )
        self.assertTrue(self.draft.browse(id_).invoice_line_ids)

    def test_what_is_cancelled_is_not_posted(self):
        """Somebody else has billed it since."""
        self.draft.button_cancel()
        self.work._psa_invoice(date(2026, 1, 2)).action_post()
        for door in DOORS:
            self.assert_refused(
                "is cancelled",
                door,
                self.accountant,
                self.draft,
                "write",
                vals={"state": "posted"},
            )
        self.assertEqual(sum(self.entries.mapped("billed_quantity")), 5)

    def test_a_line_moves_to_no_other_draft(self):
        other = self.time_project(7)._psa_invoice(JANUARY)
        foreign = self.env["account.move"].create({"move_type": "out_invoice"})
        for move in (other, foreign):
            for door in (WEB, JSON2):
                self.assert_refused(
                    "changed there",
                    door,
                    self.accountant,
                    self.line,
                    "write",
                    vals={"move_id": move.id},
                )
        same = {"move_id": self.draft.id}
        self.through(JSON2, self.accountant, self.line, "write", vals=same)

    def test_what_lines_and_payments_say_is_not_written(self):
        figures = (
            {"amount_total": 1},
            {"amount_untaxed": 1},
            {"amount_tax": 1},
            {"amount_residual": 1},
            {"payment_state": "paid"},
            {"payment_state": "reversed"},
            {"state": "cancel", "payment_state": "invoicing_legacy"},
        )

        def assert_not_written():
            for values in figures:
                for door in (WEB, JSON2):
                    with self.subTest(door=door, **values):
                        self.assert_refused(
                            "nobody writes them",
                            door,
                            self.accountant,
                            self.draft,
                            "write",
                            vals=values,
                        )

        assert_not_written()
        self.draft.action_post()
        assert_not_written()
        for state in ("blocked", "not_paid"):
            self.through(
                JSON2, self.accountant, self.draft, "action_toggle_block_payment"
            )
            self.assertEqual(self.draft.payment_state, state)
        # What nobody's ledger has is Odoo's business.
        others = self.env["account.move"].create({"move_type": "out_invoice"})
        legacy = {"payment_state": "invoicing_legacy"}
        self.through(JSON2, self.accountant, others, "write", vals=legacy)
        self.assertEqual(others.payment_state, "invoicing_legacy")


class TestDerivedFigures(GuardCase):
    """What follows from the ledger is written by nobody, whatever rights they have."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anything = cls.person(
            "guard_anything",
            "base.group_system,account.group_account_manager,"
            "hr_timesheet.group_timesheet_manager,project.group_project_manager,"
            "psa_invoicing.group_billing_manager,sales_team.group_sale_manager",
        )

        cls.seller = cls.person("guard_seller", "sales_team.group_sale_manager")

    def test_nobody_writes_them(self):
        draft = self.work._psa_invoice(JANUARY)
        fee = self.contract(self.work, self.milestone_product)
        travel = self.env["product.product"].create(
            {"name": "Travel", "invoice_policy": "delivery", "expense_policy": "cost"}
        )
        self.posted_bill(travel, self.work)
        costs = self.env["psa.reinvoiced.cost"].sudo()
        counted = 0
        for record in (
            draft,
            draft.invoice_line_ids,
            self.entries[0],
            self.milestone(self.work, fee, 0.1),
            fee,
            costs.search([("project_id", "=", self.work.id)], limit=1),
            self.work,
        ):
            self.assertTrue(record)
            for name in sorted(record._psa_engine_fields()):
                with self.subTest(model=record._name, field=name):
                    counted += 1
                    self.assert_refused(
                        "nobody writes them",
                        JSON2,
                        self.anything,
                        record,
                        "write",
                        # Odoo leaves out lines that stay as they are.
                        vals={name: False if record[name] else 1},
                    )
        self.assertGreater(counted, 100)

    def test_every_figure_of_ours_is_guarded(self):
        """On each model that somebody may write."""
        # Takes what a person may change, and refuses all else.
        own_check = {"psa.invoice.detail"}
        access = self.env["ir.model.access"].sudo().search([])
        writable = access.filtered(lambda each: each.perm_write or each.perm_create)
        counted = 0
        for name in set(writable.model_id.mapped("model")) - own_check:
            model = self.env[name]
            if model._transient or not model._auto:
                continue
            figures = {
                field.name
                for field in model._fields.values()
                if field.store
                and field.readonly
                and field.name not in MAGIC_COLUMNS
                and isinstance(field._modules, tuple)
                and field._modules[:1] == ("psa_invoicing",)
            }
            counted += len(figures)
            if figures and not issubclass(
                self.registry[name], self.registry["psa.guard"]
            ):
                self.fail(f"{name} is not guarded: {sorted(figures)}")
        self.assertGreater(counted, 50)

    def test_a_decision_is_no_default(self):
        """Neither of the context nor of the user."""
        manager = self.person("guard_planner", "project.group_project_manager")
        salesman = self.person("guard_salesman", "sales_team.group_sale_salesman")
        decided = {
            "billing_type": "non_chargeable",
            "billing_hold": True,
            "billing_hold_reason": "Mine",
        }
        order = self.work.sale_line_id.order_id
        order.user_id = salesman
        for user, model, values in (
            (
                self.employee,
                "account.analytic.line",
                {"name": "Mine", "project_id": self.work.id, "unit_amount": 1},
            ),
            (
                manager,
                "project.milestone",
                {"name": "Mine", "project_id": self.work.id},
            ),
            (
                salesman,
                "sale.order.line",
                {
                    "name": "Mine",
                    "order_id": order.id,
                    "product_id": self.time_product.id,
                },
            ),
        ):
            records = empty = self.env[model]
            for door in DOORS:
                (id_,) = self.through(
                    door,
                    user,
                    empty,
                    "create",
                    vals_list=[values],
                    context={f"default_{name}": each for name, each in decided.items()},
                )
                records += records.browse(id_)
            for name, each in decided.items():
                self.env["ir.default"].with_user(user).set(
                    model, name, each, user_id=True
                )
            (id_,) = self.through(JSON2, user, empty, "create", vals_list=[values])
            records += records.browse(id_)
            self.assertEqual(len(records), 5)
            for name in decided:
                with self.subTest(model=model, field=name):
                    self.assertFalse(any(records.mapped(name)))
        # Who decides may have defaults for it.
        decider = self.anything
        (id_,) = self.through(
            JSON2,
            decider,
            self.env["project.milestone"],
            "create",
            vals_list=[{"name": "Theirs", "project_id": self.work.id}],
            context={"default_billing_type": "non_chargeable"},
        )
        milestone = self.env["project.milestone"].browse(id_)
        self.assertEqual(milestone.billing_type, "non_chargeable")

    def test_what_is_written_off_is_undone_as_a_whole(self):
        entry, other = self.entries[:2]
        rows = entry.action_psa_write_off("Goodwill")
        part = self.entries[2]
        part.action_psa_write_off("Goodwill", {part.id: 1})
        other_rows = other.action_psa_write_off("Goodwill")
        for door in DOORS:
            for values in ({"quantity": 0}, {"billing_type": "complimentary"}):
                self.assert_refused(
                    "was written off", door, self.anything, rows, "write", vals=values
                )
        self.through(JSON2, self.biller, other_rows, "unlink")
        self.assertEqual(other.open_quantity, 3)
        self.env.company.sudo().fiscalyear_lock_date = date.today()
        for door in DOORS:
            self.assert_refused("closed since", door, self.biller, rows, "unlink")
            # Nor is it undone through the entry.
            for written_off in (entry, part):
                for hours in (0, 1, 8):
                    self.assert_refused(
                        "closed since",
                        door,
                        self.employee,
                        written_off,
                        "write",
                        vals={"unit_amount": hours},
                    )
                self.assert_refused(
                    "closed since", door, self.employee, written_off, "unlink"
                )
        renamed = {"name": "In other words", "unit_amount": 2}
        self.through(JSON2, self.employee, entry, "write", vals=renamed)
        self.assertEqual(entry.open_quantity, 0)
        self.assertEqual(part.open_quantity, 3)

    def test_a_contract_line_keeps_what_is_written_off_on_it(self):
        line = self.work.sale_line_id
        self.entries.action_psa_write_off("Goodwill")
        self.through(JSON2, self.seller, line.order_id, "action_cancel")
        self.through(JSON2, self.seller, line.order_id, "action_draft")
        for door in DOORS:
            self.assert_refused(
                "was written off on", door, self.seller, line, "unlink", context=FORGED
            )
            # Nor with its order.
            self.assert_refused(
                "was written off on", door, self.seller, line.order_id, "unlink"
            )
        self.entries.action_psa_undo_write_off()
        self.through(JSON2, self.seller, line, "unlink")
        self.assertFalse(line.exists())
        self.assertFalse(any(self.entries.mapped("billing_written_off_quantity")))

    def test_an_order_takes_no_invoice_line(self):
        line, other = self.work.sale_line_id, self.contract(self.work)
        invoice_line = self.work._psa_invoice(JANUARY).invoice_line_ids
        invoice_line.move_id.action_post()
        id_ = invoice_line.id
        for door in DOORS:
            for command in ([3, id_], [5, 0, 0], [6, 0, []], [2, id_]):
                self.assert_refused(
                    "said on the invoice",
                    door,
                    self.seller,
                    line,
                    "write",
                    vals={"invoice_lines": [command]},
                )
            for command in ([4, id_], [6, 0, [id_]]):
                self.assert_refused(
                    "said on the invoice",
                    door,
                    self.seller,
                    line.order_id,
                    "write",
                    vals={"order_line": [[1, other.id, {"invoice_lines": [command]}]]},
                )
                self.assert_refused(
                    "said on the invoice",
                    door,
                    self.seller,
                    line.order_id,
                    "write",
                    vals={
                        "order_line": [
                            [
                                0,
                                0,
                                {
                                    "product_id": self.time_product.id,
                                    "invoice_lines": [command],
                                },
                            ]
                        ]
                    },
                )
        self.assertEqual(invoice_line.sale_line_ids, line)

    def test_a_contract_line_keeps_the_unit_of_its_ledger(self):
        line = self.work.sale_line_id
        by_day = {"product_uom_id": self.day.id}
        self.work._psa_invoice(JANUARY)
        for door in DOORS:
            self.assert_refused(
                "its unit stays", door, self.seller, line, "write", vals=by_day
            )
        self.assertEqual(line.product_uom_id, self.hour)
        new = self.contract(self.work)
        self.through(JSON2, self.seller, new, "write", vals=by_day)
        self.assertEqual(new.product_uom_id, self.day)

    def test_a_billed_milestone_stays_reached(self):
        """Whatever a client sends for no."""
        line = self.contract(self.work, self.milestone_product)
        milestone = self.milestone(self.work, line, 0.1, date(2026, 1, 5))
        self.work._psa_invoice(JANUARY).action_post()
        for values in (
            *({"is_reached": value} for value in (False, 0, None, "")),
            {"project_id": self.time_project(1).id},
            {"reached_date": "2020-01-01"},
            {"sale_line_id": self.contract(self.work, self.milestone_product).id},
        ):
            self.assert_refused(
                "was billed with",
                JSON2,
                self.anything,
                milestone,
                "write",
                vals=values,
            )
        same = {"is_reached": True, "reached_date": "2026-01-05", "name": "Renamed"}
        self.through(JSON2, self.anything, milestone, "write", vals=same)
        self.assertEqual(milestone.name, "Renamed")
