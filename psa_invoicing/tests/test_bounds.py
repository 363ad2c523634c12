# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Nobody keeps the server busy for long, and what makes no sense gets a sentence."""

from datetime import date, timedelta

from odoo import Command

from .rpc import RpcCase

DAILY = {"name": "Daily", "period": "day", "interval": 1}


class TestBounds(RpcCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.role("biller", "psa_invoicing.group_billing_manager")
        cls.role("manager", "project.group_project_manager")
        cls.role("portal", "base.group_portal")
        cls.role(
            "seller",
            "sales_team.group_sale_manager,hr_timesheet.group_timesheet_manager",
        )
        cls.work = cls.time_project(2, 3)
        cls.daily = cls.env["psa.billing.frequency"].create(DAILY)

    def test_a_billing_starts_in_living_memory(self):
        for day in ("1026-01-01", "0001-01-01", "9999-12-31"):
            with self.subTest(day):
                text = self.is_kept_from(
                    "manager",
                    "project.project",
                    "write",
                    self.work.ids,
                    {
                        "billing_frequency_id": self.daily.id,
                        "billing_start_date": day,
                    },
                )
                self.assertIn("less than 20 years away", text)
        self.assertFalse(self.work.invoice_schedule_ids)

    def test_a_cutoff_is_near(self):
        for days in (-1, 367, 2_000_000_000):
            with self.subTest(days):
                self.is_kept_from(
                    "biller",
                    "psa.billing.frequency",
                    "create",
                    {**DAILY, "cutoff_days": days},
                )

    def test_days_of_a_calendar(self):
        model, method = "psa.invoice.schedule", "get_unusual_days"
        for arguments in (
            ("1600-01-01", "2100-01-01"),
            ("2026-01-01", "2028-01-01"),
            ("0001-01-01", "0001-02-01"),
            ("soon", "later"),
            (False,),
        ):
            with self.subTest(arguments):
                self.is_kept_from("biller", model, method, *arguments)
        self.is_kept_from("portal", model, method, "2026-01-01", "2026-01-31")
        found = self.does("biller", model, method, "2026-01-01", "2027-01-05")
        self.assertTrue(found["2026-01-03"], "It is a Saturday.")

    def test_dates_of_another_age(self):
        project = [Command.set(self.work.ids)]
        for model, values in (
            ("psa.manual.invoice", {"project_ids": project, "cutoff_date": "{}"}),
            ("psa.unbilled", {"date": "{}"}),
            ("psa.run.due", {"run_date": "{}"}),
        ):
            for day in ("0001-01-01", "9999-12-31"):
                dated = {
                    name: day if value == "{}" else value
                    for name, value in values.items()
                }
                with self.subTest(model, day=day):
                    self.is_kept_from("biller", model, "create", dated)
        for method in ("psa_preview", "psa_invoice"):
            self.is_kept_from(
                "biller", "project.project", method, self.work.ids, "0001-01-01"
            )
        self.is_kept_from("biller", "psa.invoice.run", "psa_run", "0001-01-01")
        tomorrow = str(date.today() + timedelta(1))
        self.is_kept_from(
            "biller",
            "psa.invoice.schedule",
            "create",
            {
                "project_id": self.work.id,
                "run_date": tomorrow,
                "cutoff_date": "0001-01-01",
            },
        )

    def test_a_search_for_what_there_is_not(self):
        """Finds nothing, or says what is wrong; the web client asks what is not set."""
        entry, line = self.work.timesheet_ids[0], self.work.sale_line_id
        for records, way in ((entry, ""), (line, ""), (line.order_id, "order_line.")):
            model, of = records._name, [("id", "in", records.ids)]
            status = (records if not way else line).billing_status
            for operator, value, number in (
                ("=", False, 0),
                ("!=", False, 1),
                ("=", 5, 0),
                ("in", [False, status], 1),
                ("not in", [False, status], 0),
                ("in", [], 0),
            ):
                with self.subTest(model, operator=operator, value=value):
                    condition = (f"{way}billing_status", operator, value)
                    found = self.does("seller", model, "search_count", [*of, condition])
                    self.assertEqual(found, number)
            for operator, value in (("=", "abc"), (">=", [1]), ("<", {"a": 1})):
                with self.subTest(model, operator=operator, value=value):
                    condition = (f"{way}open_quantity", operator, value)
                    self.is_kept_from("seller", model, "search_count", [condition])
        self.does("biller", "psa.backlog", "search_count", [("partner_id", "=", "abc")])

    def test_arguments_that_are_none(self):
        for model, method, arguments in (
            ("project.project", "psa_preview", (self.work.ids, "2026-01-31", 5)),
            (
                "project.project",
                "psa_preview",
                (self.work.ids, "2026-01-31", None, [True]),
            ),
            (
                "project.project",
                "psa_preview",
                (self.work.ids, "2026-01-31", None, None, None, 5),
            ),
            (
                "project.project",
                "psa_preview",
                (self.work.ids, "2026-01-31", None, None, None, [["time", True]]),
            ),
            ("psa.manual.invoice", "mark_reached", ([True],)),
            ("psa.backlog", "action_psa_hold", (["1"], "Wait")),
            ("psa.backlog", "action_psa_hold", ([1.5], "Wait")),
        ):
            with self.subTest(method, arguments=arguments):
                self.is_kept_from("biller", model, method, *arguments)
        for model, of in (
            ("psa.reset.to.draft", "account.move"),
            ("psa.review.comment", "account.move"),
            ("psa.schedule.skip", "psa.invoice.schedule"),
            ("psa.row.removal", "psa.invoice.detail"),
            ("psa.transaction.decision", "psa.invoice.detail"),
            ("psa.contract.rate", "sale.order"),
        ):
            context = {"active_model": of, "active_id": "1", "active_ids": ["first"]}
            with self.subTest(model):
                self.is_kept_from("biller", model, "default_get", [], context=context)

    def test_a_book_is_not_printed(self):
        """Nor is a draft out of date because of it."""
        entry = self.work.timesheet_ids[0]
        entry.name = "x" * 1_000_000
        draft = self.work._psa_invoice(date(2026, 1, 31))
        row = draft.detail_ids.filtered(lambda each: each.analytic_line_id == entry)
        self.assertEqual(len(row.name), 10_000)
        draft.action_psa_recalculate()
        self.assertEqual(len(row.exists().name), 10_000)
        self.assertFalse(draft.needs_recalculation)

    def test_nothing_is_no_part(self):
        entry = self.work.timesheet_ids[0]
        self.is_kept_from(
            "biller",
            entry._name,
            "action_psa_write_off",
            entry.ids,
            "Goodwill",
            {str(entry.id): 0},
        )

    def test_the_invoices_of_a_project(self):
        method = "action_psa_view_invoices"
        self.is_kept_from("portal", "project.project", method, self.work.ids)
        answer = self.web("biller", "project.project", method, self.work.ids, ["x"])
        self.assertIn("error", answer, "The domain is not the client's.")
        self.does("biller", "project.project", method, self.work.ids)

    def test_one_project_has_a_panel(self):
        for ids in ([], [99999999]):
            with self.subTest(ids):
                self.is_kept_from("biller", "project.project", "get_panel_data", ids)
        self.does("biller", "project.project", "get_panel_data", self.work.ids)

    def test_a_context_is_no_lever(self):
        """What the backlog tells itself, no client tells it."""
        entries = self.work.timesheet_ids
        expected = self.does("biller", "psa.backlog", "search_count", [])
        for context in (
            {"psa_backlog_places": {"line_ids": [], "project_ids": []}},
            {"psa_backlog_places": [[], []]},
            {"psa_backlog_places": "all"},
            {"psa_backlog_summed_by": ["sale_line_id", "project_id"]},
            {"psa_backlog_summed_by": "name"},
            {"psa_backlog_told_apart_by": ["name", "1; DROP TABLE"]},
            {"psa_backlog_told_apart_by": 7},
        ):
            with self.subTest(context):
                for method, arguments in (
                    ("search_count", ([],)),
                    ("search_read", ([], ["amount"])),
                    ("formatted_read_group", ([], ["project_id"], ["amount:sum"])),
                ):
                    found = self.does(
                        "biller", "psa.backlog", method, *arguments, context=context
                    )
                    if method == "search_count":
                        self.assertEqual(found, expected)
        for context in (
            {"default_project_ids": "all"},
            {"default_project_ids": [{}]},
            {"default_project_ids": [True]},
        ):
            with self.subTest(context):
                self.is_kept_from(
                    "biller", "psa.manual.invoice", "create", {}, context=context
                )
        for values in ({"default_picks": 5}, {"default_picks": [["time", True]]}):
            self.is_kept_from(
                "biller",
                "psa.manual.invoice",
                "onchange",
                [],
                {},
                [],
                {"pick_count": {}},
                context=values,
            )
        for model in ("psa.transaction.decision", "psa.contract.line.change"):
            self.is_kept_from(
                "biller",
                model,
                "create",
                {},
                context={"active_model": entries._name, "active_ids": ["first"]},
            )

    def test_a_reason_is_a_text(self):
        entry = self.work.timesheet_ids[:1]
        self.does("biller", entry._name, "action_psa_hold", entry.ids, 7)
        self.assertEqual(entry.billing_hold_reason, "7")
        self.does(
            "biller", entry._name, "action_psa_write_off", entry.ids, ["Goodwill"]
        )
        self.assertFalse(entry.open_quantity)

    def test_who_gets_a_copy_of_the_invoices(self):
        """It is written on the project, and a copy of the project has it only by whom
        it may be entered."""
        values = {"billing_copy_to_ids": [Command.link(self.customer.id)]}
        self.is_kept_from("manager", "project.project", "write", self.work.ids, values)
        self.is_kept_from(
            "manager", "project.project", "create", {"name": "Mine", **values}
        )
        self.role(
            "both", "psa_invoicing.group_billing_manager,project.group_project_manager"
        )
        self.does("both", "project.project", "write", self.work.ids, values)
        self.assertEqual(self.work.billing_copy_to_ids, self.customer)
        self.assertIn(
            "Copy Invoices To",
            self.work.message_ids.tracking_value_ids.field_id.mapped(
                "field_description"
            ),
        )
        for login, copied in (("manager", False), ("both", True)):
            (copy,) = self.does(login, "project.project", "copy", self.work.ids)
            copy = self.work.browse(copy)
            self.assertEqual(bool(copy.billing_copy_to_ids), copied)
            said = f"Invoices are copied to {self.customer.display_name}."
            self.assertEqual(said in str(copy.message_ids.mapped("body")), copied)

    def test_a_default_enters_nobody_who_gets_a_copy(self):
        """Of the context, or of the user, where no field is named in the values."""
        by_context = {"default_billing_copy_to_ids": self.customer.ids}
        calls = (
            ("create", ({"name": "Mine"},)),
            ("name_create", ("Mine",)),
            ("web_save", ([], {"name": "Mine"}, {})),
            ("copy", (self.work.ids,)),
        )
        for method, arguments in calls:
            with self.subTest(method):
                self.is_kept_from(
                    "manager",
                    "project.project",
                    method,
                    *arguments,
                    context=by_context,
                )
        self.does(
            "manager",
            "ir.default",
            "set",
            "project.project",
            "billing_copy_to_ids",
            self.customer.ids,
            True,
        )
        for method, arguments in calls:
            with self.subTest(method):
                self.is_kept_from("manager", "project.project", method, *arguments)
