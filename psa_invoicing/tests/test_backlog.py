# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The backlog: what it lists, what it says of it, and what is done there at once."""

from datetime import date, timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form

from .common import BillingCase

JANUARY = date(2026, 1, 31)
DAY = date(2026, 1, 5)


class BacklogCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = cls.person("biller", "psa_invoicing.group_billing_manager")
        cls.licence = cls._service("Licence", "manual", cls.hour)
        cls.licence.invoice_policy = "order"
        cls.travel = cls.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "taxes_id": [Command.set(cls.company_data["default_tax_sale"].ids)],
                "supplier_taxes_id": [Command.clear()],
            }
        )

    @classmethod
    def everything(cls):
        """A project with 2 h at 100.00, a train at 50.00, half a package of 1,000.00
        and 3 licences at 100.00: 1,050.00 in all."""
        project = cls.project()
        line = cls.contract(project)
        line.order_id.project_id = project
        cls.log(project, DAY, 2)
        cls.posted_bill(cls.travel, project, day=DAY, name="Train", price_unit=50)
        package = cls.contract(
            project, cls.milestone_product, product_uom_qty=1, price_unit=1000
        )
        cls.milestone(project, package, 0.5, DAY)
        licence = cls.contract(
            project, cls.licence, project_id=project.id, product_uom_qty=3
        )
        licence.billing_date = DAY
        return project

    def rows(self, project, *domain, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        Backlog = self.env["psa.backlog"].with_user(user or self.biller)
        return Backlog.search([("project_id", "=", project.id), *domain])

    def statuses(self, project):
        return self.rows(project).mapped("status")

    def ready(self, project):
        return sum(self.rows(project, ("status", "=", "ready")).mapped("amount"))


class TestRows(BacklogCase):
    def test_a_row_for_each_kind(self):
        project = self.everything()
        found = {
            row.transaction_type: (
                row.source,
                row.who,
                row.name.split("\n")[0],
                row.open_quantity,
                row.amount,
                row.status,
                row.partner_id,
            )
            for row in self.rows(project)
        }
        self.assertEqual(
            found,
            {
                "time": ("time", "Alice", "Work", 2, 200, "ready", self.customer),
                "material": ("cost", "Vendor", "Train", 1, 50, "ready", self.customer),
                "milestone": (
                    "milestone",
                    False,
                    "Milestone",
                    0.5,
                    500,
                    "ready",
                    self.customer,
                ),
                "order_line": (
                    "order_line",
                    False,
                    "Licence",
                    3,
                    300,
                    "ready",
                    self.customer,
                ),
            },
        )

    def test_what_is_ready_is_what_a_run_bills(self):
        project = self.everything()
        self.assertEqual(self.ready(project), 1050)
        drafts = project._psa_invoice(fields.Date.today())
        self.assertEqual(sum(drafts.mapped("amount_untaxed")), 1050)
        self.assertFalse(self.rows(project))

    def test_a_row_has_the_same_id_as_long_as_it_is_there(self):
        project = self.everything()
        rows = self.rows(project)
        self.assertEqual(len(set(rows.ids)), 4)
        for row in rows:
            alone = self.env["psa.backlog"].browse(row.id)
            self.assertEqual(alone.source_id, row.source_id)
            self.assertEqual(alone.source, row.source)
        gone = self.env["psa.backlog"].browse(max(rows.ids) + 8000)
        self.assertEqual((rows[0] + gone + rows[1]).exists(), rows[:2])

    def test_days_are_sold_and_hours_logged(self):
        """4 h are half a day at 800.00."""
        product = self._service("Consulting day", "timesheet", self.day)
        project = self.project()
        self.contract(project, product, price_unit=800)
        self.log(project, DAY, 4)
        row = self.rows(project)
        self.assertEqual((row.open_quantity, row.uom_id), (0.5, self.day))
        self.assertEqual((row.own_quantity, row.amount), (4, 400))
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 400)

    def test_a_discount_and_a_gift(self):
        project = self.project()
        self.contract(project, discount=10)
        self.log(project, DAY, 2)
        gift = self.log(project, DAY, 3)
        gift.billing_type = "complimentary"
        self.log(project, DAY, 5).billing_type = "non_chargeable"
        rows = self.rows(project)
        self.assertEqual(rows.mapped("amount"), [180, 0])
        self.assertEqual(rows.mapped("price_unit"), [90, 90])
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 180)

    def test_age(self):
        project = self.project()
        self.contract(project)
        today = fields.Date.context_today(self.env["psa.backlog"])
        for age in (0, 30, 31, 60, 61):
            self.log(project, today - timedelta(days=age), 1)
        rows = self.rows(project)
        self.assertEqual(rows.mapped("age"), [61, 60, 31, 30, 0])
        self.assertEqual(rows.mapped("age_band"), ["60", "30", "30", "0", "0"])
        old = self.rows(project, ("date", "<", "today -60d"))
        self.assertEqual(old.mapped("age"), [61])

    def test_another_currency(self):
        """Of which two make one of the company's."""
        foreign = self.setup_other_currency("EUR", rates=[("2020-01-01", 2.0)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": foreign.id}
        )
        project = self.project()
        self.contract(project, pricelist_id=pricelist.id, price_unit=100)
        self.log(project, DAY, 3)
        row = self.rows(project)
        self.assertEqual((row.amount, row.currency_id), (300, foreign))
        self.assertEqual(
            (row.company_amount, row.company_currency_id),
            (150, self.env.company.currency_id),
        )
        [[total]] = self.env["psa.backlog"]._read_group(
            [("project_id", "=", project.id)], [], ["company_amount:sum"]
        )
        self.assertEqual(total, 150)

    def test_the_unit_of_an_entry_else_of_its_project(self):
        project = self.everything()
        project.unit_id = self.engineering
        units = {row.transaction_type: row.unit_id for row in self.rows(project)}
        self.assertEqual(units.pop("time"), self.consulting)
        self.assertEqual(set(units.values()), {self.engineering})

    def test_a_row_opens_where_it_comes_from(self):
        project = self.everything()
        opened = {
            row.transaction_type: row.action_open()["res_model"]
            for row in self.rows(project)
        }
        self.assertEqual(
            opened,
            {
                "time": "account.analytic.line",
                "material": "account.move",
                "milestone": "project.milestone",
                "order_line": "sale.order",
            },
        )

    def test_an_export_is_readable(self):
        self.biller.group_ids += self.env.ref("base.group_allow_export")
        project = self.time_project(2, name="Relaunch")
        columns = ["date", "age_band", "project_id", "who", "name", "amount", "status"]
        data = self.rows(project).export_data(columns)["datas"]
        self.assertEqual(
            data,
            [[date(2026, 1, 1), "Older", "Relaunch", "Alice", "Work", 200.0, "Ready"]],
        )


class TestStatus(BacklogCase):
    def test_what_is_credited_is_never_ready(self):
        """Of 5 h that were billed 2 h are credited: no run bills them until somebody
        releases them."""
        project = self.time_project(5)
        move = project._psa_invoice(JANUARY)
        move.action_post()
        credit = move._reverse_moves()
        credit.invoice_line_ids.quantity = 2
        credit.action_post()
        row = self.rows(project)
        self.assertEqual((row.status, row.amount), ("credited", 200))
        self.assertEqual(self.rows(project, ("status", "=", "ready")), row.browse())
        self.assertFalse(project._psa_invoice(JANUARY))
        row.action_psa_release()
        self.assertEqual(self.statuses(project), ["ready"])
        self.assertEqual(self.ready(project), 200)

    def test_a_credited_part_and_new_work_are_two_rows(self):
        """An order line of 5: billed, 2 credited, and 3 more ordered since."""
        project = self.project()
        line = self.contract(
            project, self.licence, project_id=project.id, product_uom_qty=5
        )
        line.billing_date = DAY
        move = project._psa_invoice(JANUARY)
        move.action_post()
        credit = move._reverse_moves()
        credit.invoice_line_ids.quantity = 2
        credit.action_post()
        line.product_uom_qty = 8
        line.billing_date = DAY
        found = {row.status: row.amount for row in self.rows(project)}
        self.assertEqual(found, {"credited": 200, "ready": 300})
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 300)
        self.assertEqual(self.statuses(project), ["credited"])
        self.rows(project).action_psa_write_off("Goodwill")
        self.assertFalse(self.rows(project))
        self.assertEqual(line.billing_written_off_quantity, 2)

    def test_what_was_billed_too_much_is_to_credit(self):
        """Of 3 licences billed one is taken back."""
        project = self.project()
        line = self.contract(
            project, self.licence, project_id=project.id, product_uom_qty=3
        )
        line.billing_date = DAY
        project._psa_invoice(JANUARY).action_post()
        line.product_uom_qty = 2
        line.billing_date = DAY
        row = self.rows(project)
        self.assertEqual((row.status, row.amount), ("to_credit", -100))

    def test_what_a_draft_bills_too_much_of_waits_for_recalculate(self):
        project = self.time_project(3)
        project._psa_invoice(JANUARY)
        project.timesheet_ids.unit_amount = 1
        self.assertEqual(self.statuses(project), ["draft"])

    def test_what_waits_says_why(self):
        project = self.time_project(1, 2)
        held = project.timesheet_ids.sorted("date")[0]
        held.with_user(self.biller).action_psa_hold("Disputed")
        self.assertEqual(self.statuses(project), ["hold", "ready"])
        self.assertEqual(self.rows(project)[0].hold_reason, "Disputed")
        project.billing_start_date = date(2026, 2, 1)
        self.assertEqual(self.statuses(project), ["hold", "before_start"])
        project.write({"billing_hold": True, "billing_hold_reason": "Lawsuit"})
        self.assertEqual(self.statuses(project), ["hold", "project_hold"])
        self.assertEqual(
            self.rows(project).mapped("hold_reason"), ["Disputed", "Lawsuit"]
        )

    def test_a_project_without_a_customer(self):
        project = self.project()
        line = self.contract(
            project, self.licence, project_id=project.id, product_uom_qty=3
        )
        line.billing_date = DAY
        project.partner_id = False
        self.assertEqual(self.statuses(project), ["project"])

    def test_time_that_nobody_sold(self):
        project = self.project()
        self.log(project, DAY, 3)
        internal = self.project(name="Internal")
        internal.allow_billable = False
        self.log(internal, DAY, 3)
        row = self.rows(project)
        self.assertEqual((row.status, row.open_quantity), ("no_line", 3))
        self.assertEqual(row.amount, 0)
        self.assertFalse(self.rows(internal))

    def test_a_cancelled_order(self):
        project = self.project()
        line = self.contract(project)
        line.order_id.project_id = project
        self.posted_bill(self.travel, project, day=DAY, name="Train", price_unit=50)
        line.order_id._action_cancel()
        self.assertEqual(self.statuses(project), ["order"])

    def test_work_of_tomorrow(self):
        project = self.time_project()
        self.log(project, fields.Date.today() + timedelta(days=3), 1)
        self.assertEqual(self.statuses(project), ["later"])

    def test_a_status_is_searched_as_it_is_read(self):
        project = self.everything()
        self.rows(project)[0].action_psa_hold("Disputed")
        self.milestone(project, project.sale_line_id, 0.1)
        for row in self.rows(project):
            same = self.rows(project, ("status", "=", row.status))
            self.assertIn(row, same)
            self.assertEqual(set(same.mapped("status")), {row.status})
        both = self.rows(project, ("status", "in", ["ready", "hold"]))
        self.assertEqual(len(both), 4)
        self.assertFalse(self.rows(project, ("status", "not in", ["ready", "hold"])))

    def test_groups_add_up_to_their_rows(self):
        project = self.everything()
        self.rows(project)[0].action_psa_hold("Disputed")
        Backlog = self.env["psa.backlog"].with_user(self.biller)
        mine = [("project_id", "=", project.id)]
        for names in (
            ["partner_id"],
            ["project_id", "status"],
            ["transaction_type"],
            ["unit_id"],
            ["company_id"],
            ["age_band"],
            ["who"],
            ["date:month"],
        ):
            with self.subTest(names=names):
                groups = Backlog._read_group(
                    mine, names, ["amount:sum", "company_amount:sum", "__count"]
                )
                self.assertEqual(sum(group[-3] for group in groups), 1050)
                self.assertEqual(sum(group[-2] for group in groups), 1050)
                self.assertEqual(sum(group[-1] for group in groups), 4)
        pivot = Backlog.formatted_read_grouping_sets(
            mine, [[], ["project_id", "age_band"]], ["company_amount:sum", "__count"]
        )
        self.assertEqual(pivot[0][0]["company_amount:sum"], 1050)
        self.assertEqual(pivot[1][0]["__count"], 4)


class TestActions(BacklogCase):
    def dialog(self, rows, name, **values):
        form = Form(
            self.env[name]
            .with_user(self.biller)
            .with_context(
                active_model="psa.backlog",
                active_ids=rows.ids,
                **{f"default_{key}": value for key, value in values.items()},
            )
        )
        return form

    def test_a_selection_of_all_kinds_is_decided_in_one_go(self):
        project = self.everything()
        form = self.dialog(
            self.rows(project), "psa.transaction.decision", decision="hold"
        )
        self.assertEqual(form.transaction_count, 4)
        form.reason = "Audit"
        form.save().action_apply()
        rows = self.rows(project)
        self.assertEqual(set(rows.mapped("status")), {"hold"})
        self.assertEqual(set(rows.mapped("hold_reason")), {"Audit"})
        rows.action_psa_release()
        self.assertEqual(self.ready(project), 1050)
        form = self.dialog(
            self.rows(project), "psa.transaction.decision", decision="billing_type"
        )
        form.billing_type = "complimentary"
        form.save().action_apply()
        self.assertEqual(self.ready(project), 0)
        self.rows(project).action_psa_set_billing_type("chargeable")
        form = self.dialog(
            self.rows(project), "psa.transaction.decision", decision="write_off"
        )
        form.reason = "Goodwill"
        form.save().action_apply()
        self.assertFalse(self.rows(project))

    def test_a_part_of_a_row_is_written_off_in_its_own_unit(self):
        """Of half a day a quarter: 2 h of 4."""
        product = self._service("Consulting day", "timesheet", self.day)
        project = self.project()
        self.contract(project, product, price_unit=800)
        entry = self.log(project, DAY, 4)
        form = self.dialog(
            self.rows(project), "psa.transaction.decision", decision="write_off"
        )
        self.assertEqual((form.quantity, form.uom_id), (0.5, self.day))
        form.quantity = 0.25
        form.reason = "Rework"
        form.save().action_apply()
        self.assertEqual(entry.billing_written_off_quantity, 2)
        self.assertEqual(self.ready(project), 200)

    def test_the_wizard_bills_what_was_selected(self):
        project = self.everything()
        rows = self.rows(project, ("transaction_type", "in", ["time", "milestone"]))
        action = rows.action_manual_invoice()
        wizard = (
            self.env["psa.manual.invoice"]
            .with_user(self.biller)
            .with_context(**action["context"])
            .create({})
        )
        wizard.action_next()
        self.assertEqual(wizard.line_ids.mapped("amount"), [200, 500])
        wizard.action_finish()
        self.assertEqual(self.ready(project), 350)

    def test_what_is_selected_is_added_to_the_draft(self):
        project = self.time_project(2)
        with self.assertRaisesRegex(UserError, "No open draft takes"):
            self.rows(project).action_add_to_draft()
        draft = project._psa_invoice(JANUARY)
        self.log(project, date(2026, 2, 2), 1)
        action = self.rows(project).action_add_to_draft()
        wizard = self.env["psa.manual.invoice"].browse(action["res_id"])
        self.assertEqual((wizard.step, wizard.draft_id), ("review", draft))
        wizard.with_user(self.biller).action_finish()
        self.assertEqual(draft.amount_untaxed, 300)
        self.assertFalse(self.rows(project))

    def test_time_is_put_on_another_contract_line(self):
        project = self.time_project(2, 3)
        line = self.contract(project, price_unit=150)
        form = self.dialog(self.rows(project), "psa.contract.line.change")
        self.assertEqual(form.entry_count, 2)
        form.sale_line_id = line
        form.save().action_apply()
        self.assertEqual(self.ready(project), 750)

    def test_only_time_is_put_on_another_contract_line(self):
        project = self.everything()
        rows = self.rows(project, ("transaction_type", "!=", "order_line"))
        with self.assertRaisesRegex(UserError, "Select time only.* and 1 more"):
            self.dialog(rows, "psa.contract.line.change")

    def test_thousands_are_decided_with_the_queries_of_a_few(self):
        def counted(act):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            act()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        def queries(entries):
            project = self.time_project(*[1] * entries)
            rows = self.rows(project)
            return [
                counted(lambda: rows.action_psa_hold("Audit")),
                counted(rows.action_psa_release),
                counted(lambda: rows.action_psa_set_billing_type("complimentary")),
                counted(rows.action_manual_invoice),
                counted(lambda: rows.action_psa_write_off("Goodwill")),
                counted(rows.exists),
            ]

        queries(2)
        few, many = queries(3), queries(30)
        for less, more in zip(few, many, strict=True):
            self.assertLessEqual(more, less + 1)


class TestRights(BacklogCase):
    def test_every_button_is_refused_to_everyone_else(self):
        rows = self.rows(self.everything())
        for role in (
            "base.group_user,hr_timesheet.group_hr_timesheet_user",
            "project.group_project_manager",
            "sales_team.group_sale_salesman_all_leads",
            "account.group_account_invoice",
            "psa_invoicing.group_billing_reviewer",
        ):
            user = self.person(role, role)
            mine = rows.with_user(user)
            dialogs = self.env["psa.transaction.decision"].with_user(user)
            buttons = {
                "read": lambda mine=mine: mine.search([]),
                "open": lambda mine=mine: mine[0].action_open(),
                "invoice": mine.action_manual_invoice,
                "add": mine.action_add_to_draft,
                "hold": mine.action_psa_hold,
                "release": mine.action_psa_release,
                "type": lambda mine=mine: mine.action_psa_set_billing_type(
                    "complimentary"
                ),
                "write off": lambda mine=mine: mine.action_psa_write_off("Why"),
                "dialog": lambda dialogs=dialogs: dialogs.with_context(
                    active_model="psa.backlog", active_ids=rows.ids
                ).default_get(["decision"]),
            }
            for name, button in buttons.items():
                with self.subTest(role=role, button=name):
                    with self.assertRaises(AccessError):
                        button()
        self.assertEqual(set(rows.mapped("status")), {"ready"})

    def test_a_billing_administrator_needs_no_other_right(self):
        project = self.everything()
        rows = self.rows(project)
        self.assertEqual(len(rows.web_read({"name": {}, "sale_line_id": {}})), 4)
        rows.action_psa_hold("Audit")
        rows.action_psa_release()
        for row in rows:
            record = self.env[row.source_model].with_user(self.biller)
            self.assertTrue(record.browse(row.source_id).has_access("read"))

    def test_another_company_sees_and_decides_nothing(self):
        project = self.everything()
        unsold = self.project(name="Unsold")
        self.log(unsold, DAY, 3)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        user = self.person(
            "elsewhere",
            "psa_invoicing.group_billing_manager",
            elsewhere,
        )
        self.assertFalse(self.rows(project, user=user))
        self.assertFalse(self.rows(unsold, user=user))
        rows = self.rows(project)
        with self.assertRaisesRegex(UserError, "belongs to"):
            rows.with_user(user).action_psa_hold("Mine")
        groups = rows.with_user(user)._read_group(
            [("project_id", "=", project.id)], ["partner_id"], ["amount:sum"]
        )
        self.assertFalse(groups)
