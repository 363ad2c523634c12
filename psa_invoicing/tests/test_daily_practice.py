# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What happens now and then in a firm: the wrong contract line, a new rate, a project
that is archived with work left, the year's end."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools.safe_eval import safe_eval

from ..core.billing import LEDGER
from .common import BillingCase

JANUARY = date(2026, 1, 31)
OUTSIDERS = {
    "employee": "base.group_user,hr_timesheet.group_hr_timesheet_user",
    "project_manager": "project.group_project_manager",
    "salesman": "sales_team.group_sale_manager",
    "accountant": "account.group_account_invoice",
}


class PracticeCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = cls._user("biller", "psa_invoicing.group_billing_manager")

    @classmethod
    def _user(cls, login, groups, company=None):
        company = company or cls.env.company
        return new_test_user(
            cls.env,
            login=f"psa_practice_{login}",
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def refused_to_everyone_else(self, *acts):
        """:param acts: what is done, with an environment"""
        for role, groups in OUTSIDERS.items():
            env = self.env(user=self._user(role, groups))
            for number, act in enumerate(acts):
                with self.subTest(role=role, act=number):
                    with self.assertRaises(AccessError):
                        act(env)

    def foreign_contract(self, project, **values):
        """A contract in a currency of which two make one of ours."""
        currency = self.setup_other_currency("EUR", rates=[("2020-01-01", 2.0)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": currency.id}
        )
        return self.contract(project, pricelist_id=pricelist.id, **values)

    def elsewhere(self):
        """A billing administrator of another company."""
        company = self.env["res.company"].create({"name": "Elsewhere"})
        return self._user("elsewhere", "psa_invoicing.group_billing_manager", company)


class TestWrongContractLine(PracticeCase):
    """2 h, 3 h and 4 h were logged on the contract line at 100.00 an hour; they belong
    on the one at 150.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3, 4)
        cls.wrong = cls.work.sale_line_id
        cls.right = cls.contract(cls.work, price_unit=150)
        cls.entries = cls.work.timesheet_ids.sorted("date")

    def dialog(self, entries, user=None):
        return Form(
            self.env["psa.contract.line.change"]
            .with_user(user or self.biller)
            .with_context(active_model=entries._name, active_ids=entries.ids)
        )

    def change(self, entries, line, user=None):
        """:return: the message"""
        return self.wizard(entries, line, user).action_apply()["params"]["message"]

    def wizard(self, entries, line, user=None):
        form = self.dialog(entries, user)
        form.sale_line_id = line
        return form.save()

    def test_open_entries_move_and_are_billed_there(self):
        """9 h at 150.00."""
        self.assertEqual(self.change(self.entries, self.right), "3 moved.")
        self.assertEqual(self.entries.so_line, self.right)
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        self.assertEqual((self.wrong.qty_delivered, self.right.qty_delivered), (0, 9))
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 1350)

    def test_the_choice_stays_when_the_project_changes_its_contract_line(self):
        self.change(self.entries[0], self.right)
        other = self.contract(self.work, price_unit=120)
        self.work.sale_line_id = other
        self.assertEqual(self.entries.mapped("so_line"), self.right + other)

    def test_what_is_invoiced_or_written_off_stays_and_is_named(self):
        invoice = self.work._psa_invoice(date(2026, 1, 1))
        invoice.action_post()
        self.entries[1].action_psa_write_off("Goodwill")
        self.assertEqual(
            self.change(self.entries, self.right),
            f"1 moved, 1 left because invoiced with {invoice.name}, "
            "1 left because written off.",
        )
        self.assertEqual(
            [entry.so_line for entry in self.entries],
            [self.wrong, self.wrong, self.right],
        )
        self.assertEqual(invoice.amount_untaxed, 200)

    def test_what_is_on_a_draft_leaves_it_with_recalculate(self):
        """The 2 h leave the draft of 9 h, and come onto it again at 150.00."""
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(draft.amount_untaxed, 900)
        self.change(self.entries[0], self.right)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 2 * 150 + 7 * 100)
        self.assert_ledger(draft)

    def test_credited_entries_move(self):
        invoice = self.work._psa_invoice(JANUARY)
        invoice.action_post()
        invoice._reverse_moves().action_post()
        self.assertEqual(self.change(self.entries, self.right), "3 moved.")
        self.assertEqual(set(self.entries.mapped("billing_status")), {"credited"})

    def test_twice_moves_nothing(self):
        self.change(self.entries, self.right)
        self.assertEqual(
            self.change(self.entries, self.right), "0 moved, 3 were there already."
        )

    def test_time_without_a_contract_line_gets_one(self):
        self.entries.so_line = False
        self.change(self.entries, self.right)
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])

    def test_time_that_a_fixed_price_covers_is_not_open(self):
        package = self.contract(self.work, self.milestone_product)
        form = self.dialog(self.entries)
        form.sale_line_id = self.right
        self.assertTrue(form.is_billed_by_time)
        form.sale_line_id = package
        self.assertFalse(form.is_billed_by_time)
        form.save().action_apply()
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])

    def test_the_price_abroad(self):
        """2 h at 80.00 of their money are 80.00 of ours."""
        abroad = self.foreign_contract(self.work, price_unit=80)
        self.change(self.entries[0], abroad)
        move = self.work._psa_invoice(date(2026, 1, 1))
        self.assertEqual((move.amount_untaxed, move.currency_id.name), (160, "EUR"))
        move.action_post()
        self.assertEqual(abs(move.amount_untaxed_signed), 80)

    def test_a_contract_line_that_does_not_suit_is_refused(self):
        stranger = self.project("Other", self.env["res.partner"].create({"name": "O"}))
        foreign = self.contract(stranger)
        draft_order = self.right.order_id.copy()
        wizard = self.wizard(self.entries, self.right)
        for line in (foreign, draft_order.order_line, self.right.browse()):
            wizard.sale_line_id = line
            with self.assertRaisesRegex(UserError, "a confirmed order of Customer"):
                wizard.action_apply()
        mixed = self.entries + self.log(stranger, JANUARY, 1)
        with self.assertRaisesRegex(UserError, "several customers"):
            self.dialog(mixed)
        with self.assertRaisesRegex(UserError, "Select the time entries"):
            self.dialog(self.customer)

    def test_one_write_for_all(self):
        many = self.env["account.analytic.line"].union(
            *(self.log(self.work, date(2026, 2, 1), 1) for _ in range(30))
        )
        few, rest = many[:3], many[3:]
        writes = []
        model = self.env.registry["account.analytic.line"]
        write = model.write

        def counting(records, vals):
            if "so_line" in vals and "is_so_line_edited" in vals:
                writes.append(len(records))
            return write(records, vals)

        self.patch(model, "write", counting)
        self.change(few, self.right)
        self.change(rest, self.right)
        self.assertEqual(writes, [3, 27])

    def test_refused_to_everyone_else(self):
        wizard = self.wizard(self.entries, self.right)
        self.refused_to_everyone_else(
            lambda env: self.change(self.entries, self.right, env.user),
            lambda env: wizard.with_env(env).action_apply(),
        )
        with self.assertRaises(UserError):
            self.dialog(self.entries, self.elsewhere())
        self.assertEqual(self.entries.so_line, self.wrong)


class TestNewRate(PracticeCase):
    """An hour costs 100.00, and 120.00 from 1 March on. 2 h were logged in February,
    3 h on 1 March and 4 h in April."""

    FEBRUARY, MARCH, APRIL = date(2026, 2, 10), date(2026, 3, 1), date(2026, 4, 10)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.project()
        cls.old = cls.contract(cls.work)
        cls.entries = cls.env["account.analytic.line"].union(
            cls.log(cls.work, cls.FEBRUARY, 2),
            cls.log(cls.work, cls.MARCH, 3),
            cls.log(cls.work, cls.APRIL, 4),
        )

    def dialog(self, user=None, order=None):
        order = order or self.old.order_id
        return Form(
            self.env["psa.contract.rate"]
            .with_user(user or self.biller)
            .with_context(active_model="sale.order", active_id=order.id)
        )

    def wizard(self, day=None, price=120, user=None):
        form = self.dialog(user)
        form.start_date = day or self.MARCH
        form.price_unit = price
        return form.save()

    def new_rate(self, day=None, price=120):
        """:return: the new contract line"""
        self.message = self.wizard(day, price).action_apply()["params"]["message"]
        return self.old.billing_rate_line_ids.filtered(
            lambda line: line.billing_rate_start_date == (day or self.MARCH)
        )

    def assert_lines(self, *lines):
        self.assertEqual([entry.so_line for entry in self.entries], list(lines))

    def test_each_entry_is_billed_at_the_rate_of_its_day(self):
        """2 h at 100.00, and 7 h at 120.00."""
        new = self.new_rate()
        self.assertIn("2 time entries were moved", self.message)
        self.assert_lines(self.old, new, new)
        self.assertEqual((self.old.qty_delivered, new.qty_delivered), (2, 7))
        move = self.work._psa_invoice(self.APRIL)
        self.assertEqual(move.amount_untaxed, 2 * 100 + 7 * 120)
        self.assert_ledger(move)

    def test_the_new_line_is_like_the_old_one(self):
        self.old.discount = 10
        section = self.env["sale.order.line"].create(
            {
                "order_id": self.old.order_id.id,
                "display_type": "line_section",
                "name": "Other work",
            }
        )
        new = self.new_rate()
        self.assertEqual(new.name, f"{self.old.name}, from 03/01/2026")
        self.assertEqual(new.tax_ids, self.old.tax_ids)
        self.assertEqual((new.discount, new.product_uom_qty), (10, 0))
        self.assertEqual((new.price_unit, self.old.price_unit), (120, 100))
        self.assertEqual(
            self.old.order_id.order_line.sorted("sequence"), self.old + new + section
        )
        self.assertIn("instead of", self.old.order_id.message_ids[0].body)
        new.product_uom_qty = 5
        self.assertEqual(new.price_unit, 120)

    def test_later_entries_go_by_their_day(self):
        new = self.new_rate()
        self.assertEqual(self.log(self.work, date(2026, 5, 4), 1).so_line, new)
        late = self.log(self.work, date(2026, 2, 28), 1)
        self.assertEqual(late.so_line, self.old)
        late.date = self.MARCH
        self.assertEqual(late.so_line, new)
        late.date = self.FEBRUARY
        self.assertEqual(late.so_line, self.old)
        form = Form(late, "hr_timesheet.hr_timesheet_line_form")
        form.date = self.APRIL
        form.save()
        self.assertEqual(late.so_line, new)

    def test_tasks_and_employees_with_a_contract_line_of_their_own(self):
        senior = self.contract(self.work, price_unit=200)
        task = self.env["project.task"].create(
            {
                "name": "Task",
                "project_id": self.work.id,
                "sale_line_id": self.old.id,
            }
        )
        new = self.new_rate()
        on_task = [
            self.log(self.work, day, 1, task_id=task.id).so_line
            for day in (self.FEBRUARY, self.APRIL)
        ]
        self.assertEqual(on_task, [self.old, new])
        self.work.sale_line_employee_ids = [
            Command.create({"employee_id": self.alice.id, "sale_line_id": senior.id})
        ]
        self.assert_lines(senior, senior, senior)
        self.work.sale_line_employee_ids.sale_line_id = self.old
        self.assert_lines(self.old, new, new)
        self.assertEqual(self.log(self.work, self.FEBRUARY, 1).so_line, self.old)
        self.assertEqual(self.log(self.work, self.APRIL, 1).so_line, new)

    def test_odoo_moves_what_is_not_billed_when_the_project_changes_its_line(self):
        """To the new line, whose earlier entries keep the old one all the same."""
        new = self.new_rate()
        other = self.contract(self.work, price_unit=90)
        self.work.sale_line_id = other
        self.assert_lines(other, other, other)
        self.work.sale_line_id = new
        self.assert_lines(self.old, new, new)

    def test_what_is_invoiced_stays(self):
        invoice = self.work._psa_invoice(self.MARCH)
        invoice.action_post()
        new = self.new_rate()
        self.assert_lines(self.old, self.old, new)
        self.assertIn("1 stay at the old price", self.message)
        self.assertEqual(invoice.amount_untaxed, 500)

    def test_what_is_on_a_draft_asks_for_recalculate(self):
        draft = self.work._psa_invoice(self.APRIL)
        self.assertEqual(draft.amount_untaxed, 900)
        new = self.new_rate()
        self.assert_lines(self.old, new, new)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 2 * 100 + 7 * 120)
        self.entries[1].date = self.FEBRUARY
        self.assert_lines(self.old, self.old, new)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 5 * 100 + 4 * 120)
        self.assert_ledger(draft)

    def test_a_rate_after_it_and_one_in_between(self):
        april = self.new_rate(date(2026, 4, 1), 130)
        march = self.new_rate()
        self.assert_lines(self.old, march, april)
        self.assertEqual(march.name, f"{self.old.name}, from 03/01/2026")
        self.assertEqual(
            self.old.order_id.order_line.sorted("sequence"), self.old + march + april
        )
        self.assertEqual(
            self.dialog().current_price,
            self.old._psa_rate_at(self.dialog().start_date).price_unit,
        )
        with self.assertRaisesRegex(UserError, "has a rate from 03/01/2026 already"):
            self.new_rate()

    def test_a_line_that_a_person_chose_stays_chosen(self):
        new = self.new_rate()
        self.entries[2].write({"so_line": self.old.id, "is_so_line_edited": True})
        self.entries[2].date = date(2026, 4, 11)
        self.work.sale_line_id = new
        self.assert_lines(self.old, new, self.old)

    def test_the_price_abroad(self):
        """2 h at 80.00 of their money, 7 h at 90.00: 790.00, 395.00 of ours."""
        abroad = self.foreign_contract(self.work, price_unit=80)
        self.work.sale_line_id = abroad
        form = self.dialog(order=abroad.order_id)
        self.assertEqual((form.current_price, form.currency_id.name), (80, "EUR"))
        form.start_date = self.MARCH
        form.price_unit = 90
        form.save().action_apply()
        move = self.work._psa_invoice(self.APRIL)
        self.assertEqual((move.amount_untaxed, move.currency_id.name), (790, "EUR"))
        move.action_post()
        self.assertEqual(abs(move.amount_untaxed_signed), 395)

    def test_no_new_project_or_task(self):
        self.time_product.service_tracking = "task_in_project"
        line = self.contract(self.project("Generated"))
        tasks = self.env["project.task"].search_count([])
        new, _left = line._psa_add_rate(self.MARCH, 120)
        self.assertFalse(new.task_id)
        self.assertEqual(self.env["project.task"].search_count([]), tasks)
        self.assertEqual(new.billing_project_id, line.billing_project_id)

    def test_what_makes_no_sense_is_refused(self):
        package = self.contract(self.work, self.milestone_product)
        with self.assertRaisesRegex(UserError, "is not billed by its time"):
            package._psa_add_rate(self.MARCH, 120)
        wizard = self.wizard(price=-1)
        with self.assertRaisesRegex(UserError, "is negative"):
            wizard.action_apply()
        wizard.sale_line_id = package
        with self.assertRaisesRegex(UserError, "Choose a contract line"):
            wizard.action_apply()

    def test_refused_to_everyone_else(self):
        wizard = self.wizard()
        self.refused_to_everyone_else(
            lambda env: self.wizard(user=env.user),
            lambda env: wizard.with_env(env).action_apply(),
        )
        with self.assertRaises(AccessError):
            self.dialog(self.elsewhere())
        self.assertFalse(self.old.billing_rate_line_ids)


class TestArchivedProject(PracticeCase):
    """2 h and 3 h at 100.00 are open when the project is archived."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3)
        cls.entries = cls.work.timesheet_ids.sorted("date")
        # In Odoo whoever archives a project manages projects.
        cls.biller.group_ids += cls.env.ref("project.group_project_manager")

    def archive(self, projects=None, user=None):
        """:return: the dialog, or None if there is none"""
        projects = (projects or self.work).with_user(user or self.biller)
        action = projects.action_archive()
        self.assertFalse(any(projects.mapped("active")))
        return action and Form(
            self.env[action["res_model"]]
            .with_user(user or self.biller)
            .with_context(**action["context"])
        )

    def decide(self, decision, dialog=None, reason=""):
        form = dialog or self.archive()
        form.decision = decision
        if reason:
            form.reason = reason
        return form.save().action_apply()

    def test_the_amount_at_stake(self):
        """2 h are held, 1 h is offered; a day abroad costs 80.00."""
        self.entries[0].action_psa_hold("Disputed")
        self.log(self.work, date(2026, 1, 9), 1, billing_type="complimentary")
        abroad = self.foreign_contract(self.work, price_unit=80)
        self.log(
            self.work, date(2026, 1, 9), 1, so_line=abroad.id, is_so_line_edited=True
        )
        form = self.archive()
        self.assertEqual((form.transaction_count, form.held_count), (4, 1))
        amounts = form.amounts.replace("\xa0", " ")
        self.assertIn("$ 500.00", amounts)
        self.assertIn("80.00 €", amounts)

    def test_nothing_is_asked_when_nothing_is_open(self):
        self.assertFalse(self.archive(self.project("Empty")))
        self.work._psa_invoice(JANUARY)
        self.assertFalse(self.archive())

    def test_what_is_kept_stays_in_the_lists(self):
        self.decide("keep")
        milestone_line = self.contract(self.work, self.milestone_product)
        milestone = self.milestone(self.work, milestone_line, 0.5, JANUARY)
        for records, action in (
            (self.entries, "account_analytic_line_action"),
            (milestone, "project_milestone_action_transactions"),
        ):
            domain = safe_eval(self.env.ref(f"psa_invoicing.{action}").domain)
            found = records.with_user(self.biller).search(
                [*domain, ("open_quantity", "!=", 0), ("id", "in", records.ids)]
            )
            self.assertEqual(found, records)

    def test_what_is_kept_is_billed_by_hand_later(self):
        """On a task, too, which Odoo archives with its project."""
        task_line = self.contract(self.project("Sold"), price_unit=50)
        task = self.env["project.task"].create(
            {
                "name": "Task",
                "project_id": self.work.id,
                "sale_line_id": task_line.id,
            }
        )
        self.log(self.work, date(2026, 1, 9), 1, task_id=task.id)
        self.work.sale_line_id = False
        self.decide("keep")
        self.assertFalse(task.active)
        self.assertEqual(self.work._psa_invoice(JANUARY).mapped("amount_untaxed"), [50])

    @freeze_time("2026-11-20")
    def test_billed_at_once(self):
        """What is dated in the future, too."""
        self.log(self.work, date(2027, 1, 9), 1)
        action = self.decide("bill")
        form = Form(
            self.env[action["res_model"]]
            .with_user(self.biller)
            .with_context(**action["context"])
        )
        wizard = form.save()
        self.assertEqual(wizard.project_ids, self.work)
        self.assertEqual(wizard.cutoff_date, date(2027, 1, 9))
        wizard.action_next()
        wizard.invalidate_recordset()
        move = self.env["account.move"].browse(wizard.action_finish()["res_id"])
        self.assertEqual(move.amount_untaxed, 600)
        self.assertEqual(move.billing_project_ids, self.work)

    def test_a_draft_of_an_archived_project_recalculates_its_own_work(self):
        """1 h more is on it then, and none of another project of the same contract."""
        draft = self.work._psa_invoice(JANUARY)
        other = self.project("Other", sale_line_id=self.work.sale_line_id.id)
        self.log(other, date(2026, 1, 9), 8)
        self.log(self.work, date(2026, 1, 9), 1)
        self.work.action_archive()
        self.env.invalidate_all()
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 600)
        self.assertEqual(draft.billing_project_ids, self.work)
        self.assertEqual(self.work.billing_invoice_count, 1)

    def test_written_off(self):
        other = self.time_project(4)
        form = self.archive(self.work + other + self.project("All billed"))
        self.assertEqual(form.transaction_count, 3)
        self.assertEqual(form.project_ids[:], self.work + other)
        with self.assertRaisesRegex(UserError, "Say why"):
            self.decide("write_off", form, reason=" ")
        self.decide("write_off", form, reason="Bankrupt")
        entries = self.entries + other.timesheet_ids
        self.assertEqual(set(entries.mapped("billing_status")), {"written_off"})
        self.assertEqual(set(entries._psa_details().mapped("reason")), {"Bankrupt"})

    def test_other_code_archives_without_a_dialog(self):
        self.work.write({"active": False})
        self.assertFalse(self.work.active)
        self.work.action_unarchive()
        self.assertTrue(self.work.active)
        self.assertEqual(self.entries.mapped("billing_status"), ["ready", "ready"])

    def test_whoever_does_not_bill_may_only_keep(self):
        manager = self._user("manager", "project.group_project_manager")
        form = self.archive(user=manager)
        self.assertEqual((form.transaction_count, form.amounts), (2, False))
        wizard = form.save()
        self.assertEqual(wizard.action_apply(), {"type": "ir.actions.act_window_close"})
        for decision in ("bill", "write_off"):
            wizard.write({"decision": decision, "reason": "Goodwill"})
            with self.assertRaises(AccessError):
                wizard.action_apply()
        self.assertEqual(self.entries.mapped("billing_status"), ["ready", "ready"])

    def test_nobody_else_archives_or_sees_it(self):
        for role, groups in OUTSIDERS.items():
            user = self._user(role, groups)
            Backlog = self.env["psa.project.backlog"].with_user(user)
            with self.subTest(role=role):
                if role == "project_manager":
                    continue
                with self.assertRaises(AccessError):
                    self.work.with_user(user).action_archive()
                with self.assertRaises(AccessError):
                    Backlog.create({"project_ids": self.work.ids})
        elsewhere = self.elsewhere()
        self.work.company_id = self.env.company
        with self.assertRaises(AccessError):
            self.env["psa.project.backlog"].with_user(elsewhere).create(
                {"project_ids": self.work.ids}
            )
        self.work.company_id = False
        shared = self.env["psa.project.backlog"].with_user(elsewhere)
        wizard = shared.create({"project_ids": self.work.ids, "reason": "No"})
        self.assertEqual((wizard.transaction_count, wizard.amounts), (0, ""))
        wizard.decision = "write_off"
        wizard.action_apply()
        self.assertEqual(self.entries.mapped("billing_status"), ["ready", "ready"])


class TestUnbilledAsOf(PracticeCase):
    """2 h on 1 January, 3 h on the 2nd and 4 h on the 3rd, at 100.00 an hour."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3, 4)
        cls.line = cls.work.sale_line_id
        cls.entries = cls.work.timesheet_ids.sorted("date")

    def report(self, day=JANUARY, user=None, project=None, company=None):
        """:return: the lines of our project"""
        wizard = (
            self.env["psa.unbilled"]
            .with_user(user or self.biller)
            .create({"date": day, "company_id": (company or self.env.company).id})
        )
        action = wizard.action_open()
        return (
            self.env[action["res_model"]]
            .with_user(user or self.biller)
            .search([*action["domain"], ("project_id", "=", (project or self.work).id)])
        )

    def figures(self, day=JANUARY):
        return [(line.quantity, line.status) for line in self.report(day)]

    def invoice(self, cutoff, accounting_date):
        move = self.work._psa_invoice(cutoff)
        move.invoice_date = move.date = accounting_date
        move.action_post()
        self.assertEqual(move.date, accounting_date)
        return move

    def test_what_is_listed(self):
        """Up to 2 January: 2 h and 3 h."""
        first, second = self.report(date(2026, 1, 2))
        self.assertEqual(
            (first.quantity, first.amount, first.company_amount), (2, 200, 200)
        )
        self.assertEqual((second.quantity, second.amount), (3, 300))
        self.assertEqual(first.partner_id, self.customer)
        self.assertEqual(first.sale_line_id, self.line)
        self.assertEqual(
            (first.transaction_type, first.date, first.who, first.name, first.status),
            ("time", date(2026, 1, 1), "Alice", "Work", "ready"),
        )
        self.assertEqual(first.uom_id, self.hour)

    def test_what_was_invoiced_by_then_is_not(self):
        """2 h were on an invoice of 31 January, 3 h on one of 1 February, and 4 h are
        on a draft."""
        self.invoice(date(2026, 1, 1), JANUARY)
        self.invoice(date(2026, 1, 2), date(2026, 2, 1))
        self.work._psa_invoice(JANUARY)
        self.assertEqual(self.figures(), [(3, "invoiced"), (4, "draft")])
        self.assertEqual(self.figures(date(2026, 2, 1)), [(4, "draft")])
        self.assertEqual(
            self.figures(date(2026, 1, 30)),
            [(2, "invoiced"), (3, "invoiced"), (4, "draft")],
        )

    def test_what_was_credited_by_then_counts_again(self):
        """9 h were invoiced on 31 January, and credited on 15 February."""
        invoice = self.invoice(JANUARY, JANUARY)
        credit_note = invoice._reverse_moves(
            [{"invoice_date": date(2026, 2, 15), "date": date(2026, 2, 15)}]
        )
        credit_note.action_post()
        self.assertEqual(self.figures(date(2026, 2, 14)), [])
        self.assertEqual(
            self.figures(date(2026, 2, 15)),
            [(2, "credited"), (3, "credited"), (4, "credited")],
        )
        # Invoiced and credited since: open again today.
        self.assertEqual(self.figures(date(2026, 1, 30))[0], (2, "ready"))

    def test_what_was_written_off_by_then_is_gone(self):
        """1 of 4 h on 15 January."""
        details = self.entries[2].action_psa_write_off(
            "Goodwill", {self.entries[2].id: 1}
        )
        details.with_context(psa_ledger=LEDGER).write_off_date = date(2026, 1, 15)
        self.assertEqual(
            self.figures(date(2026, 1, 14)),
            [(2, "ready"), (3, "ready"), (4, "written_off")],
        )
        self.assertEqual(
            self.figures(date(2026, 1, 15)),
            [(2, "ready"), (3, "ready"), (3, "ready")],
        )

    def test_held_offered_and_not_chargeable(self):
        self.entries[0].action_psa_hold("Disputed")
        self.entries[1].action_psa_set_billing_type("complimentary")
        self.entries[2].action_psa_set_billing_type("non_chargeable")
        self.assertEqual(self.figures(), [(2, "hold"), (3, "ready")])
        self.assertEqual(self.report().mapped("amount"), [200, 0])

    def test_the_unit_and_the_discount_of_the_contract_line(self):
        """4 h are half a day; a day costs 800.00, less 10 %."""
        product = self._service("Consulting day", "timesheet", self.day)
        project = self.project("By day")
        self.contract(project, product, price_unit=800, discount=10)
        self.log(project, date(2026, 1, 1), 4)
        row = self.report(project=project)
        self.assertEqual((row.quantity, row.uom_id), (0.5, self.day))
        self.assertEqual((row.price_unit, row.amount), (720, 360))

    def test_every_kind_of_transaction(self):
        """Half a package of 1,000.00, and 2 licences of 50.00 that were ordered."""
        package = self.contract(
            self.work, self.milestone_product, product_uom_qty=1, price_unit=1000
        )
        self.milestone(self.work, package, 0.5, date(2026, 1, 20))
        licence = self._service("Licence", "manual", self.hour)
        licence.invoice_policy = "order"
        ordered = self.contract(
            self.work,
            licence,
            product_uom_qty=2,
            price_unit=50,
            project_id=self.work.id,
        )
        ordered.billing_date = date(2026, 1, 20)
        rows = self.report()
        self.assertEqual(
            {row.transaction_type: row.amount for row in rows[3:]},
            {"milestone": 500, "order_line": 100},
        )
        self.assertEqual(sum(rows.mapped("amount")), 900 + 500 + 100)

    def test_material_of_a_vendor_bill(self):
        travel = self.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "supplier_taxes_id": [Command.clear()],
            }
        )
        self.work._create_analytic_account()
        self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": self.env["res.partner"].create({"name": "Vendor"}).id,
                "invoice_date": date(2026, 1, 5),
                "date": date(2026, 1, 5),
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": travel.id,
                            "price_unit": 50,
                            "tax_ids": [Command.clear()],
                            "analytic_distribution": {self.work.account_id.id: 100},
                        }
                    )
                ],
            }
        ).action_post()
        row = self.report().filtered(lambda each: each.transaction_type == "material")
        self.assertEqual((row.quantity, row.amount, row.who), (1, 50, "Vendor"))

    def test_abroad_at_the_rate_of_that_day(self):
        """2 h at 80.00 of their money: 80.00 of ours in January, 40.00 in February."""
        project = self.project("Abroad")
        line = self.foreign_contract(project, price_unit=80)
        self.env["res.currency.rate"].create(
            {"name": "2026-02-01", "rate": 4.0, "currency_id": line.currency_id.id}
        )
        self.log(project, date(2026, 1, 1), 2)
        january = self.report(project=project)
        self.assertEqual((january.amount, january.currency_id.name), (160, "EUR"))
        self.assertEqual(january.company_amount, 80)
        february = self.report(date(2026, 2, 28), project=project)
        self.assertEqual((february.amount, february.company_amount), (160, 40))

    def test_sums_and_export(self):
        """As Odoo's list groups and exports them."""
        self.biller.group_ids += self.env.ref("base.group_allow_export")
        rows = self.report()
        (group,) = rows.formatted_read_group(
            [("id", "in", rows.ids)],
            ["partner_id", "project_id"],
            ["amount:sum", "company_amount:sum"],
        )
        self.assertEqual((group["amount:sum"], group["company_amount:sum"]), (900, 900))
        (group,) = rows.formatted_read_group(
            [("id", "in", rows.ids)], ["currency_id"], ["amount:sum_currency"]
        )
        self.assertEqual(group["amount:sum_currency"], 900)
        exported = rows.export_data(
            [
                "partner_id/name",
                "project_id/name",
                "quantity",
                "uom_id/name",
                "company_amount",
                "currency_id/name",
            ]
        )["datas"]
        self.assertEqual(
            exported[0], ["Customer", "Project", 2.0, "Hours", 200.0, "USD"]
        )

    def test_the_work_of_archived_projects_is_listed(self):
        self.work.action_archive()
        self.assertEqual(len(self.report()), 3)

    def test_the_default_day_is_the_end_of_last_month(self):
        with freeze_time("2027-01-15"):
            wizard = self.env["psa.unbilled"].with_user(self.biller).create({})
        self.assertEqual(wizard.date, date(2026, 12, 31))

    def test_as_many_queries_for_ten_times_as_many(self):
        def count():
            wizard = self.env["psa.unbilled"].create({"date": date(2026, 3, 31)})
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            wizard._fill()
            return self.cr.sql_log_count - before

        count()
        few = count()
        for _index in range(30):
            self.log(self.work, date(2026, 2, 1), 1)
        self.assertEqual(count(), few)

    def test_refused_to_everyone_else(self):
        wizard = self.env["psa.unbilled"].create({"date": JANUARY})
        self.refused_to_everyone_else(
            lambda env: env["psa.unbilled"].create({"date": JANUARY}),
            lambda env: wizard.with_env(env).action_open(),
        )

    def test_each_company_and_each_user_sees_his_own(self):
        rows = self.report()
        elsewhere = self.elsewhere()
        with self.assertRaises(UserError):
            self.report(user=elsewhere)
        self.assertFalse(self.report(user=elsewhere, company=elsewhere.company_id))
        with self.assertRaises(AccessError):
            rows.with_user(elsewhere).read(["amount"])
        colleague = self._user("colleague", "psa_invoicing.group_billing_manager")
        with self.assertRaises(AccessError):
            rows.with_user(colleague).read(["amount"])
