# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Frequencies, invoice dates and billing settings come in from spreadsheets."""

from datetime import date, timedelta
from io import BytesIO
from unittest import skipIf

from odoo.exceptions import AccessError
from odoo.tools.misc import file_open

from .common import BillingCase

try:
    import openpyxl
except ImportError:
    openpyxl = None

OPTIONS = {"has_headers": True, "quoting": '"', "separator": ","}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FREQUENCY, DATES = "psa.billing.frequency", "psa.invoice.schedule"


@skipIf(openpyxl is None, "Odoo reads spreadsheets with openpyxl.")
class TestImport(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = cls.role("biller", "psa_invoicing.group_billing_manager")
        cls.today = cls.env.company._billing_today()
        cls.work = cls.time_project(2, name="Website Relaunch 2")

    @classmethod
    def role(cls, login, groups, **values):
        return cls.person(f"import_{login}", groups, **values)

    def template(self, model):
        """The file that the dialog offers, as a workbook."""
        (offered,) = self.env[model].with_user(self.biller).get_import_templates()
        self.assertIn("Import Template", offered["label"])
        with file_open(offered["template"].lstrip("/"), "rb") as file:
            return openpyxl.load_workbook(file)

    def load(self, model, book, user=None, dryrun=False):
        """What Odoo's import dialog does with a file: preview, then import.

        :return: what it shows: ids and messages
        """
        content = BytesIO()
        book.save(content)
        wizard = (
            self.env["base_import.import"]
            .with_user(user or self.biller)
            .create({"res_model": model, "file": content.getvalue(), "file_type": XLSX})
        )
        preview = wizard.parse_preview(dict(OPTIONS))
        self.assertFalse(preview.get("error"), preview)
        paths = [
            "/".join(preview["matches"][i]) for i in range(len(preview["headers"]))
        ]
        return wizard.execute_import(
            paths, preview["headers"], preview["options"], dryrun=dryrun
        )

    def dates(self, *rows):
        """The template for invoice dates with rows of one's own."""
        book = self.template(DATES)
        book.active.delete_rows(2, 10)
        for row in rows:
            book.active.append(row)
        return book

    def name_externally(self, record, name):
        self.env["ir.model.data"].create(
            {
                "module": "migration",
                "name": name,
                "model": record._name,
                "res_id": record.id,
            }
        )

    def assert_refused(self, result, *texts):
        messages = [message["message"] for message in result["messages"]]
        for text in texts:
            self.assertIn(text, "\n".join(messages))
        self.assertFalse(result.get("ids"), "Nothing half done.")

    # === Frequencies ===

    def test_the_frequencies_of_the_template(self):
        """The file as it is offered, by a billing administrator."""
        result = self.load(FREQUENCY, self.template(FREQUENCY))
        self.assertEqual(result["messages"], [])
        friday, twice, monday, march = self.env[FREQUENCY].browse(result["ids"])
        self.assertEqual(friday.name, "Every other Friday")
        first = date(2026, 1, 1)
        for frequency, days, expected in [
            (friday, 20, [(date(2026, 1, 2), 1), (date(2026, 1, 16), 1)]),
            # Thursday the 1st counts as a working day without a calendar.
            (twice, 20, [(date(2026, 1, 1), 1), (date(2026, 1, 15), 1)]),
            (monday, 20, [(date(2026, 1, 5), 5)]),
            (march, 100, [(date(2026, 3, 31), 0)]),
        ]:
            with self.subTest(frequency.name):
                found = frequency._occurrences(first, first + timedelta(days))
                self.assertEqual(
                    [
                        (each.run_date, (each.run_date - each.cutoff_date).days)
                        for each in found
                    ],
                    expected,
                )

    def test_a_trial_leaves_nothing(self):
        before = self.env[FREQUENCY].search_count([])
        result = self.load(FREQUENCY, self.template(FREQUENCY), dryrun=True)
        self.assertEqual(result["messages"], [])
        self.assertEqual(self.env[FREQUENCY].search_count([]), before)

    def test_days_that_are_not_named_do_not_come_along(self):
        """A form proposes Monday, and the last of the month; a file names its own."""
        book = openpyxl.Workbook()
        for row in [
            ["Name", "Period", "Thu", "On", "Days"],
            ["Thursdays", "week", 1, None, None],
            ["On the 10th", "Months", None, "Days of the month", 10],
        ]:
            book.active.append(row)
        result = self.load(FREQUENCY, book)
        self.assertEqual(result["messages"], [])
        thursdays, tenth = self.env[FREQUENCY].browse(result["ids"])
        self.assertEqual(thursdays._weekdays(), (3,))
        self.assertEqual(tenth._positions(), (10,))

    def test_wrong_words_of_a_frequency(self):
        for column, word, texts in [
            ("C", "Fortnights", ["'Fortnights' not found in selection field 'Period'"]),
            ("B", "two", ["'two' does not seem to be an integer for field 'Every'"]),
            ("B", 999, ["Invoice every 1 to 366"]),
            ("H", False, ["Choose at least one day of the week."]),
        ]:
            with self.subTest(word):
                book = self.template(FREQUENCY)
                book.active[f"{column}2"] = word
                before = self.env[FREQUENCY].search_count([])
                self.assert_refused(self.load(FREQUENCY, book), *texts)
                self.assertEqual(self.env[FREQUENCY].search_count([]), before)

    # === Invoice dates ===

    def test_invoice_dates(self):
        """By name and by external id; what is covered is proposed where it is empty."""
        other = self.time_project(1, name="Other")
        self.name_externally(other, "project_7")
        day, later = self.today + timedelta(10), self.today + timedelta(20)
        result = self.load(
            DATES,
            self.dates(["Website Relaunch 2", day, day], ["Website Relaunch 2", later]),
        )
        self.assertEqual(result["messages"], [])
        rows = self.work.invoice_schedule_ids
        self.assertEqual(
            rows.mapped(lambda row: (row.run_date, row.cutoff_date, row.state)),
            [(day, day, "planned"), (later, later - timedelta(1), "planned")],
        )
        self.assertFalse(any(rows.mapped("planned_date")), "Added by hand.")
        book = self.dates(["migration.project_7", day, None])
        book.active["A1"] = "Project/External ID"
        self.assertEqual(self.load(DATES, book)["messages"], [])
        self.assertEqual(other.invoice_schedule_ids.run_date, day)

    def test_imported_dates_stay(self):
        """The frequency moves its own dates, not those that a person adds; what they
        cover is as it proposes."""
        monthly = self.env.ref("psa_invoicing.frequency_monthly_first_day")
        self.work.write(
            {"billing_start_date": self.today, "billing_frequency_id": monthly.id}
        )
        day = (self.today + timedelta(40)).replace(day=17)
        self.assertEqual(
            self.load(DATES, self.dates([self.work.name, day]))["messages"], []
        )
        row = self.work.invoice_schedule_ids.filtered(lambda row: row.run_date == day)
        self.assertEqual(row.cutoff_date, day.replace(day=1) - timedelta(1))
        self.work.billing_frequency_id = self.env.ref("psa_invoicing.frequency_weekly")
        self.work.billing_frequency_id = False
        self.assertEqual(self.work.invoice_schedule_ids, row)

    def test_dates_that_cannot_be_planned(self):
        """Each says what is wrong, and none of the others is planned."""
        day, past = self.today + timedelta(10), self.today - timedelta(1)
        self.env[DATES].with_user(self.biller).create(
            {"project_id": self.work.id, "run_date": day}
        )
        internal = self.project("Internal", allow_billable=False)
        good = [self.work.name, day + timedelta(1), None]
        for row, text in [
            (["Nowhere", day, None], "No matching record found for name 'Nowhere'"),
            ([self.work.name, day, None], "has the invoice date"),
            ([self.work.name, day + timedelta(1), None], "has the invoice date"),
            ([self.work.name, past, None], "has passed"),
            ([self.work.name, None, None], "Choose an invoice date"),
            ([None, day, None], "Choose a project"),
            ([internal.name, day, None], "archived, a template, or not billable"),
            ([self.work.name, day + timedelta(2), "soon"], "soon"),
        ]:
            with self.subTest(text):
                self.assert_refused(self.load(DATES, self.dates(good, row)), text)
                self.assertEqual(len(self.work.invoice_schedule_ids), 1)

    def test_only_planned_rows(self):
        """What became of a date is the engine's to say."""
        load = self.env[DATES].with_user(self.biller).load
        fields = ["project_id", "run_date", "state"]
        day = str(self.today + timedelta(5))
        self.assert_refused(
            load(fields, [[self.work.name, day, "Done"]]), "only the date"
        )
        self.assertFalse(self.work.invoice_schedule_ids)
        result = load(fields, [[self.work.name, day, "Planned"]])
        self.assertEqual(self.work.invoice_schedule_ids.ids, result["ids"])

    # === Roles ===

    def test_who_may_import(self):
        files = {
            FREQUENCY: self.template(FREQUENCY),
            DATES: self.dates([self.work.name, self.today + timedelta(3)]),
        }
        for role, groups in {
            "employee": "base.group_user",
            "reviewer": "psa_invoicing.group_billing_reviewer",
            "manager": "project.group_project_manager",
            "accountant": "account.group_account_invoice",
        }.items():
            user = self.role(role, groups)
            for model, book in files.items():
                with self.subTest(role=role, model=model):
                    before = self.env[model].search_count([])
                    try:
                        result = self.load(model, book, user)
                    except AccessError:
                        result = {"ids": False}
                    self.assertFalse(result["ids"])
                    self.assertEqual(self.env[model].search_count([]), before)

    # === Billing settings of projects ===

    def test_billing_settings_of_projects(self):
        """Odoo's import of projects, of new ones and of those that there are."""
        planner = self.role(
            "planner",
            "psa_invoicing.group_billing_manager,project.group_project_manager",
        )
        self.name_externally(self.work, "relaunch")
        start = self.today + timedelta(1)
        monthly = self.env.ref("psa_invoicing.frequency_monthly_first_day")
        book = openpyxl.Workbook()
        for row in [
            ["External ID", "Name", "Billable", "Billing Frequency", "Billing Start"],
            ["migration.relaunch", self.work.name, True, monthly.name, start],
            ["migration.new", "Brand New", True, monthly.name, start],
        ]:
            book.active.append(row)
        result = self.load("project.project", book, planner)
        self.assertEqual(result["messages"], [])
        work, new = self.env["project.project"].browse(result["ids"])
        self.assertEqual((work, new.name), (self.work, "Brand New"))
        for project in (work, new):
            self.assertEqual(project.billing_frequency_id, monthly)
            self.assertEqual(project.billing_start_date, start)
            rows = project.invoice_schedule_ids
            self.assertGreater(len(rows), 10)
            self.assertEqual({row.run_date.day for row in rows}, {1})
        book.active["D2"] = "Now and then"
        self.assert_refused(
            self.load("project.project", book, planner),
            "No matching record found for name 'Now and then'",
        )
