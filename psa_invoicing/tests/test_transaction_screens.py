# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lists of transactions, and what is decided there: who may, and what follows."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user
from odoo.tools.safe_eval import safe_eval

from .common import BillingCase

JANUARY = date(2026, 1, 31)
OUTSIDERS = {
    "employee": "base.group_user,hr_timesheet.group_hr_timesheet_user",
    "project_manager": "project.group_project_manager",
    "salesman": "sales_team.group_sale_salesman_all_leads",
    "accountant": "account.group_account_invoice",
}


class ScreenCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3)
        cls.entries = cls.env["account.analytic.line"].search(
            [("project_id", "=", cls.work.id)], order="date"
        )
        cls.biller = cls._user("biller", "psa_invoicing.group_billing_manager")

    @classmethod
    def _user(cls, login, groups):
        return new_test_user(
            cls.env,
            login=f"psa_screen_{login}",
            groups=groups,
            company_id=cls.env.company.id,
            company_ids=[(6, 0, cls.env.company.ids)],
        )

    def dialog(self, records, decision, user=None):
        """The dialog, opened from a selection."""
        return Form(
            self.env["psa.transaction.decision"]
            .with_user(user or self.biller)
            .with_context(
                active_model=records._name,
                active_ids=records.ids,
                default_decision=decision,
            )
        )

    def decide(self, records, decision, reason="", user=None, **values):
        form = self.dialog(records, decision, user)
        if reason:
            form.reason = reason
        for name, value in values.items():
            setattr(form, name, value)
        form.save().action_apply()


class TestDecisions(ScreenCase):
    def test_an_entry_waits_until_it_is_released(self):
        self.decide(self.entries[0], "hold", "Hours are disputed")
        self.assertEqual(self.entries.mapped("billing_status"), ["hold", "ready"])
        self.assertEqual(self.entries[0].billing_hold_reason, "Hours are disputed")
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 300)
        self.entries.with_user(self.biller).action_psa_release()
        self.assertEqual(self.entries[0].billing_status, "ready")

    def test_a_part_of_an_entry_is_written_off(self):
        """Of 2 h half an hour; 1.5 h and 3 h are left to bill."""
        form = self.dialog(self.entries[0], "write_off")
        self.assertEqual(form.quantity, 2)
        form.quantity = 0.5
        form.reason = "Rework"
        form.save().action_apply()
        self.assertEqual(self.entries[0].open_quantity, 1.5)
        self.assertEqual(self.entries[0].billing_written_off_quantity, 0.5)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 450)

    def test_a_selection_is_written_off_whole_and_comes_back(self):
        self.decide(self.entries, "write_off", "Goodwill")
        self.assertEqual(set(self.entries.mapped("billing_status")), {"written_off"})
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.entries.with_user(self.biller).action_psa_undo_write_off()
        self.assertEqual(set(self.entries.mapped("billing_status")), {"ready"})

    def test_what_makes_no_sense_is_refused(self):
        for quantity in (0, -1, 2.5):
            with self.subTest(quantity=quantity):
                with self.assertRaisesRegex(UserError, "2.00 Hours are open"):
                    self.decide(
                        self.entries[0], "write_off", "Rework", quantity=quantity
                    )
        with self.assertRaisesRegex(UserError, "Say why"):
            self.decide(self.entries[0], "write_off", " ")
        self.work._psa_invoice(JANUARY)
        with self.assertRaisesRegex(UserError, "Nothing is open on “Work”"):
            self.decide(self.entries[0], "write_off", "Rework")
        with self.assertRaisesRegex(UserError, "Select the transactions"):
            self.dialog(self.customer, "hold")

    def test_a_correction_is_written_off_too(self):
        """-1 h: half of it stays to be credited."""
        correction = self.log(self.work, date(2026, 1, 5), -1)
        self.decide(correction, "write_off", "Too small", quantity=-0.5)
        self.assertEqual(correction.open_quantity, -0.5)

    def test_the_rest_of_a_lowered_row_is_written_off(self):
        draft = self.work._psa_invoice(JANUARY).with_user(self.biller)
        row, other = draft.detail_ids.sorted("date")
        row.quantity = 1.5
        self.assertEqual((row.open_rest, other.open_rest), (0.5, 0))
        form = self.dialog(row, "write_off")
        self.assertEqual(form.quantity, 0.5)
        form.reason = "Rework"
        form.save().action_apply()
        draft.invalidate_recordset()
        row.invalidate_recordset()
        self.assertEqual((row.open_rest, row.write_off_reason), (0, "Rework"))
        self.assertEqual(draft.amount_untaxed, 450)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 450)

    def test_what_customers_get_for_nothing(self):
        self.assertEqual(
            self.dialog(self.entries[0], "billing_type").billing_type, "chargeable"
        )
        for entry, billing_type in zip(
            self.entries, ("complimentary", "non_chargeable"), strict=True
        ):
            self.decide(entry, "billing_type", billing_type=billing_type)
        self.assertEqual(
            self.entries.mapped("billing_type"), ["complimentary", "non_chargeable"]
        )
        self.assertEqual(self.entries.mapped("billing_status"), ["ready", "none"])
        self.decide(self.entries, "billing_type", billing_type="chargeable")
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 500)


class TestRolesOfDecisions(ScreenCase):
    def test_every_decision_is_refused_to_everyone_else(self):
        milestone = self.milestone(
            self.work, self.contract(self.work, self.milestone_product), 0.5, JANUARY
        )
        line = self.contract(self.work, self._prepaid(), project_id=self.work.id)
        for role, groups in OUTSIDERS.items():
            user = self._user(role, groups)
            for record in (self.entries[0], milestone, line):
                mine = record.with_user(user)
                buttons = {
                    "hold": mine.action_psa_hold,
                    "release": mine.action_psa_release,
                    "write off": lambda mine=mine: mine.action_psa_write_off("Why"),
                    "undo": mine.action_psa_undo_write_off,
                    "type": lambda mine=mine: mine.action_psa_set_billing_type(
                        "complimentary"
                    ),
                    "dialog": lambda record=record, user=user: self.decide(
                        record, "hold", "Why", user
                    ),
                }
                for name, button in buttons.items():
                    with self.subTest(role=role, model=record._name, button=name):
                        with self.assertRaises(AccessError):
                            button()
                self.assertEqual(record.billing_status, "ready")
                self.assertFalse(record.billing_type)

    def _prepaid(self):
        return self.env["product.product"].create(
            {
                "name": "Prepaid hours",
                "type": "service",
                "service_policy": "ordered_prepaid",
                "list_price": 100,
            }
        )

    def test_a_billing_administrator_decides_on_every_kind(self):
        """With that one right, and of his companies only."""
        milestone = self.milestone(
            self.work, self.contract(self.work, self.milestone_product), 0.5, JANUARY
        )
        line = self.contract(self.work, self._prepaid(), project_id=self.work.id)
        for record in (self.entries[0], milestone, line):
            with self.subTest(model=record._name):
                self.decide(record, "hold", "Wait")
                self.assertEqual(record.billing_status, "hold")
                record.with_user(self.biller).action_psa_release()
                self.decide(record, "write_off", "Goodwill")
                self.assertEqual(record.billing_status, "written_off")
                record.with_user(self.biller).action_psa_undo_write_off()
                self.assertEqual(record.billing_status, "ready")

    def test_another_company_decides_nothing(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        user = new_test_user(
            self.env,
            login="psa_screen_elsewhere",
            groups="psa_invoicing.group_billing_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for decision in ("hold", "write_off"):
            with self.assertRaises(UserError):
                self.decide(self.entries[0], decision, "Why", user)
        self.assertFalse(
            self.env["account.analytic.line"]
            .with_user(user)
            .search_count([("id", "in", self.entries.ids)])
        )


class TestLists(ScreenCase):
    ACTIONS = {
        "account.analytic.line": "account_analytic_line_action",
        "psa.reinvoiced.cost": "psa_reinvoiced_cost_action",
        "project.milestone": "project_milestone_action_transactions",
        "sale.order.line": "sale_order_line_action",
    }

    def test_a_billing_administrator_opens_every_list(self):
        """Every column loads, every figure adds up, for a user with that one right."""
        for model, action in self.ACTIONS.items():
            with self.subTest(model=model):
                self._open(model, self.env.ref(f"psa_invoicing.{action}"))

    def _open(self, model, action):
        records = self.env[model].with_user(self.biller)
        views = records.get_views(
            [*((view.view_id.id, view.view_mode) for view in action.view_ids)]
            + [(action.search_view_id.id, "search")]
        )
        domain = safe_eval(action.domain)
        names = views["models"][model]["fields"]
        arch = views["views"]["list"]["arch"]
        columns = [name for name in names if f'name="{name}"' in arch]
        self.assertIn("billing_status", columns)
        records.web_search_read(domain, {name: {} for name in columns})
        described = records.fields_get(["billing_status", "open_quantity"])
        self.assertTrue(described["billing_status"]["groupable"])
        self.assertTrue(described["billing_status"]["sortable"])
        self.assertEqual(described["open_quantity"]["aggregator"], "sum")
        records.formatted_read_group(
            domain,
            ["billing_status"],
            ["billable_quantity:sum", "billed_quantity:sum", "open_quantity:sum"],
        )

    def test_the_figures_of_a_group(self):
        """2 h on a draft, 3 h ready."""
        self.work._psa_invoice(date(2026, 1, 1))
        rows = (
            self.env["account.analytic.line"]
            .with_user(self.biller)
            .formatted_read_group(
                [("project_id", "=", self.work.id)],
                ["billing_status"],
                ["billable_quantity:sum", "billed_quantity:sum", "open_quantity:sum"],
            )
        )
        self.assertEqual(
            {
                row["billing_status"]: (
                    row["billable_quantity:sum"],
                    row["billed_quantity:sum"],
                    row["open_quantity:sum"],
                )
                for row in rows
            },
            {"draft": (2, 2, 0), "ready": (3, 0, 3)},
        )

    def test_a_billing_administrator_reads_time_of_billable_projects_only(self):
        internal = self.project("Internal", allow_billable=False)
        hidden = self.log(internal, JANUARY, 1)
        mine = self.env["account.analytic.line"].with_user(self.biller)
        found = mine.search([("id", "in", (self.entries + hidden).ids)])
        self.assertEqual(found, self.entries)
        for change in (
            lambda: found[0].write({"name": "Changed"}),
            lambda: found[0].unlink(),
            lambda: hidden.with_user(self.biller).read(["name"]),
        ):
            with self.assertRaises(AccessError):
                change()

    def test_an_accountant_reads_no_time(self):
        accountant = self._user("bookkeeper", "account.group_account_invoice")
        mine = self.env["account.analytic.line"].with_user(accountant)
        self.assertFalse(mine.search([("id", "in", self.entries.ids)]))

    def test_milestones_of_a_private_project(self):
        private = self.project("Private", privacy_visibility="followers")
        line = self.contract(private, self.milestone_product)
        milestone = self.milestone(private, line, 1, JANUARY)
        mine = milestone.with_user(self.biller)
        (values,) = mine.web_read(
            {"billing_status": {}, "project_id": {"fields": {"display_name": {}}}}
        )
        self.assertEqual(values["billing_status"], "ready")
        self.assertEqual(values["project_id"]["display_name"], "Private")
        with self.assertRaises(AccessError):
            mine.write({"name": "Changed"})


class TestInvoiceTabs(ScreenCase):
    def setUp(self):
        super().setUp()
        self.invoice = self.work._psa_invoice(JANUARY)
        self.invoice.action_post()

    def credit(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({"reason": "Dispute", "journal_id": self.invoice.journal_id.id})
        )
        return self.env["account.move"].browse(wizard.refund_moves()["res_id"])

    def test_what_a_credit_note_credits_is_lowered_on_its_draft(self):
        """Of 2 h and 3 h, 1 h and 3 h are credited: 4 h are to be reviewed."""
        note = self.credit().with_user(self.biller)
        first = note.detail_ids.sorted("date")[0]
        self.assertEqual(first.quantity, -2)
        first.quantity = -1
        note.action_post()
        self.assertEqual(self.entries.mapped("billing_credited_quantity"), [1, 3])
        with self.assertRaisesRegex(UserError, "no draft any more"):
            first.quantity = -0.5

    def test_a_row_is_taken_off_a_draft_credit_note(self):
        note = self.credit().with_user(self.biller)
        note.detail_ids.sorted("date")[0].unlink()
        note.action_post()
        self.assertEqual(
            self.entries.mapped("billing_status"), ["invoiced", "credited"]
        )

    def test_a_credit_note_that_reopens_nothing(self):
        note = self.credit().with_user(self.biller)
        note.psa_reopens_transactions = False
        note.action_post()
        self.assertEqual(set(self.entries.mapped("billing_status")), {"invoiced"})

    def test_an_accountant_sees_the_tab_and_changes_nothing(self):
        accountant = self._user("clerk", "account.group_account_invoice")
        note = self.credit().with_user(accountant)
        arch = note.get_view(self.env.ref("account.view_move_form").id, "form")["arch"]
        self.assertIn("psa_transactions_tab", arch)
        self.assertNotIn("Write off the rest", arch)
        self.assertEqual(sorted(note.detail_ids.mapped("quantity")), [-3, -2])
        with self.assertRaises(AccessError):
            note.detail_ids[0].quantity = -1

    def test_the_wizard_marks_what_was_credited(self):
        self.credit().action_post()
        self.log(self.work, date(2026, 1, 20), 1)
        wizard = (
            self.env["psa.manual.invoice"]
            .with_user(self.biller)
            .create({"project_ids": self.work.ids, "cutoff_date": JANUARY})
        )
        wizard.action_next()
        self.assertEqual(
            [(line.quantity, line.remark) for line in wizard.line_ids],
            [(2, "credited"), (3, "credited"), (1, False)],
        )
