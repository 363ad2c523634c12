# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What happens now and then in a firm: the wrong contract line, a new rate, a project
that is archived with work left, the year's end."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user

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
