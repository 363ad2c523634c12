# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The ledger and the backlog go out to spreadsheets, over HTTP as the client asks."""

import csv
import json
from datetime import date, datetime
from io import BytesIO, StringIO
from unittest import skipIf

from odoo.http import Request
from odoo.tests import HttpCase
from odoo.tools import mute_logger

from .common import BillingCase

try:
    import openpyxl
except ImportError:
    openpyxl = None

JANUARY = date(2026, 1, 31)
EXPORT = "odoo.addons.web.controllers.export"


@skipIf(openpyxl is None, "Spreadsheets are read with openpyxl.")
class TestExport(BillingCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.role("biller", "psa_invoicing.group_billing_manager")
        # Its members only see it, and the biller is none.
        cls.work = cls.time_project(2, 3, privacy_visibility="followers")

    @classmethod
    def role(cls, login, groups, **values):
        return cls.person(
            f"export_{login}",
            f"base.group_user,base.group_allow_export,{groups}",
            **values,
        )

    def template(self, model):
        """The columns of the template that the export dialog offers.

        :return: as the client sends them
        """
        (export,) = self.call(
            "/web/dataset/call_kw/ir.exports/search_read",
            model="ir.exports",
            method="search_read",
            args=[[("resource", "=", model)], ["name"]],
            kwargs={},
        )
        columns = self.call("/web/export/namelist", model=model, export_id=export["id"])
        return [
            {
                "name": column["id"],
                "label": column["string"],
                "type": column["field_type"],
            }
            for column in columns
        ]

    def call(self, path, **params):
        answer = self.url_open(path, json={"jsonrpc": "2.0", "params": params}).json()
        self.assertNotIn("error", answer)
        return answer["result"]

    def export(self, model, domain, form="xlsx", columns=None, groupby=()):
        data = {
            "model": model,
            "fields": columns or self.template(model),
            "ids": False,
            "domain": domain,
            "import_compat": False,
            "groupby": list(groupby),
            "context": {},
        }
        return self.url_open(
            f"/web/export/{form}",
            data={"data": json.dumps(data), "csrf_token": Request.csrf_token(self)},
        )

    def rows(self, answer):
        """The rows of a spreadsheet, by their headers."""
        self.assertEqual(answer.status_code, 200)
        sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
        head, *rows = sheet.iter_rows(values_only=True)
        return [dict(zip(head, row, strict=True)) for row in rows]

    def test_a_text_is_no_formula(self):
        """Numbers stay numbers."""
        texts = ["=2+3", "+2", "-2", "@SUM(A1)", "2"]
        for entry in self.work.timesheet_ids[1:]:
            entry.unlink()
        for text in texts[1:]:
            self.log(self.work, date(2026, 1, 9), -1, name=text)
        self.work.timesheet_ids.sorted("date")[0].name = texts[0]
        self.authenticate("export_biller", "export_biller")
        rows = self.rows(
            self.export("psa.backlog", [("project_id", "=", self.work.id)])
        )
        self.assertEqual(
            {row["Description"] for row in rows},
            {"'=2+3", "'+2", "'-2", "'@SUM(A1)", "2"},
        )
        self.assertEqual({row["Open Quantity"] for row in rows}, {2, -1})
        self.work.name = "=7+8"
        for name in ("name", "project_id"):
            answer = self.export(
                "psa.backlog", [("project_id", "=", self.work.id)], groupby=[name]
            )
            sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
            cells = [cell for row in sheet.iter_rows() for cell in row]
            self.assertNotIn("f", {cell.data_type for cell in cells})
            self.assertIn("=", {str(cell.value)[1:2] for cell in cells})
        self.log(self.work, date(2026, 1, 9), 10)
        move = self.work._psa_invoice(JANUARY)
        columns = [{"name": "detail_ids/name", "label": "Work", "type": "char"}]
        rows = self.rows(
            self.export("account.move", [("id", "=", move.id)], columns=columns)
        )
        self.assertIn("'=2+3", {row["Work"] for row in rows})

    def test_invoice_details(self):
        """Names, words, numbers and dates; the project is private, its row is not."""
        move = self.work._psa_invoice(JANUARY)
        self.authenticate("export_biller", "export_biller")
        first, second = self.rows(
            self.export("psa.invoice.detail", [("move_id", "=", move.id)])
        )
        order = self.work.sale_line_id.order_id
        expected = {
            "Project Name": "Project",
            "Customer": "Customer",
            "Order": order.name,
            "Contract Line Description": "Consulting hour",
            "Type": "Time",
            "Date": datetime(2026, 1, 1),
            "Who": "Alice",
            "Description": "Work",
            "Quantity": 2,
            "Unit of Measure": "Hours",
            "Unit Price": 100,
            "Amount": 200,
            "Currency": self.env.company.currency_id.name,
            "Billing Type": "Chargeable",
            "Customer Invoice": move.display_name,
            "Invoice Status": "Draft",
        }
        self.assertEqual({key: first[key] for key in expected}, expected)
        self.assertEqual((second["Quantity"], second["Amount"]), (3, 300))
        self.assertIsInstance(second["Amount"], int | float)

    def test_backlog(self):
        """Likewise, of what is open."""
        self.authenticate("export_biller", "export_biller")
        domain = [("project_id", "=", self.work.id)]
        first, second = self.rows(self.export("psa.backlog", domain))
        expected = {
            "Date": datetime(2026, 1, 1),
            "Customer": "Customer",
            "Project Name": "Project",
            "Order": self.work.sale_line_id.order_id.name,
            "Contract Line Description": "Consulting hour",
            "Type": "Time",
            "Who": "Alice",
            "Unit": "Consulting",
            "Description": "Work",
            "Open Quantity": 2,
            "Unit of Measure": "Hours",
            "Unit Price": 100,
            "Amount": 200,
            "Currency": self.env.company.currency_id.name,
            "Billing Type": "Chargeable",
            "Status": "Ready",
        }
        self.assertEqual({key: first[key] for key in expected}, expected)
        self.assertEqual((second["Open Quantity"], second["Amount"]), (3, 300))

    def test_invoice_details_as_csv(self):
        move = self.work._psa_invoice(JANUARY)
        self.authenticate("export_biller", "export_biller")
        answer = self.export(
            "psa.invoice.detail", [("move_id", "=", move.id)], form="csv"
        )
        first, second = csv.DictReader(StringIO(answer.content.decode()))
        self.assertEqual(
            (first["Date"], first["Type"], float(second["Amount"])),
            ("2026-01-01", "Time", 300),
        )

    def test_who_may_export(self):
        """Whoever may not read the ledger, or not export at all, gets nothing."""
        move = self.work._psa_invoice(JANUARY)
        domain = [("move_id", "=", move.id)]
        self.role("employee", "project.group_project_user")
        clerk = self.role("clerk", "psa_invoicing.group_billing_manager")
        clerk.group_ids -= self.env.ref("base.group_allow_export")
        self.authenticate("export_biller", "export_biller")
        columns = self.template("psa.invoice.detail")
        for login in ("export_employee", "export_clerk"):
            self.authenticate(login, login)
            with self.subTest(login), mute_logger(EXPORT, "odoo.http"):
                answer = self.export("psa.invoice.detail", domain, columns=columns)
                self.assertEqual(answer.status_code, 500)
                self.assertNotIn(b"Alice", answer.content)
        self.role("reviewer", "psa_invoicing.group_billing_reviewer")
        self.authenticate("export_reviewer", "export_reviewer")
        rows = self.rows(self.export("psa.invoice.detail", domain))
        self.assertEqual(rows, [], "Of projects of others.")
