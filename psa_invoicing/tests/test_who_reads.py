# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Customers read no more than without this add-on, reviewers what they review."""

import re
from datetime import date

from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import Form

from .rpc import RpcCase

LAST = date(2026, 1, 31)


class TestWhoReads(RpcCase):
    """Customers, and reviewers of no project."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = cls.role("portal", "base.group_portal")
        cls.portal.partner_id.parent_id = cls.customer
        cls.reviewer = cls.role("reviewer", "psa_invoicing.group_billing_reviewer")
        cls.role("idle", "psa_invoicing.group_billing_reviewer")
        cls.role("accountant", "account.group_account_invoice")
        cls.work = cls.time_project(
            2,
            3,
            privacy_visibility="portal",
            billing_user_id=cls.reviewer.id,
            billing_hold_reason="Insolvent?",
        )
        cls.draft = cls.work._psa_invoice(date(2026, 1, 1))
        cls.invoice = cls.work._psa_invoice(LAST)
        cls.invoice.action_post()
        for record in (cls.invoice, cls.work, cls.work.sale_line_id.order_id):
            record.message_subscribe(cls.portal.partner_id.ids)

    def own_fields(self, model):
        """Those that no other add-on has begun; of users, also those of partners."""
        found = set()
        for name, field in model._fields.items():
            while field.inherited:
                field = field.inherited_field
            modules = field._modules
            if modules and all(each.startswith("psa_invoicing") for each in modules):
                found.add(name)
        return found

    def test_customers_read_nothing_more(self):
        """Of no model: with this add-on, as without it."""
        seen = 0
        for name in self.registry:
            model = self.env[name].with_user(self.portal)
            if model._abstract or not model.has_access("read"):
                continue
            with self.subTest(name):
                self.assertFalse(name.startswith("psa."))
                own = self.own_fields(model)
                seen += len(own)
                # A user has the fields of its partner, which keeps them to itself.
                shown = own & set(model.fields_get())
                self.assertTrue(all(model._fields[each].inherited for each in shown))
                record = model.search([], limit=1)
                for each in shown:
                    self.is_kept_from("portal", name, "read", record.ids, [each])
                    self.is_kept_from("portal", name, "search", [(each, "!=", False)])
        self.assertGreater(seen, 80, "There are such fields.")

    def test_customers_are_refused(self):
        line = self.work.sale_line_id
        for records, name in (
            (self.work, "billing_hold_reason"),
            (self.work, "billing_user_id"),
            (self.invoice, "billing_request"),
            (self.invoice, "detail_ids"),
            (line, "open_quantity"),
            (line.order_id.company_id, "billing_review_required"),
            (self.portal.partner_id, "billing_frequency_id"),
        ):
            with self.subTest(records._name, field=name):
                self.assertIn(name, records._fields)
                self.is_kept_from("portal", records._name, "read", records.ids, [name])
                self.is_kept_from(
                    "portal", records._name, "search", [(name, "!=", False)]
                )

    def test_customers_are_not_told_by_an_order_or_a_sum(self):
        line = self.work.sale_line_id
        own = [("id", "=", line.id)]
        for name in ("open_quantity", "billing_status", "billable_quantity"):
            with self.subTest(name):
                for method, arguments, values in (
                    ("search", (own,), {"order": name}),
                    ("search", (own,), {"order": f"{name} desc, id"}),
                    ("formatted_read_group", (own, [name]), {}),
                    ("formatted_read_group", (own, [], [f"{name}:max"]), {}),
                ):
                    self.is_kept_from(
                        "portal", line._name, method, *arguments, **values
                    )
        for name in ("open_quantity", "billing_status", "billing_hold_reason"):
            for model, path in (
                ("sale.order", f"order_line.{name}"),
                ("project.project", f"sale_line_id.{name}"),
            ):
                with self.subTest(model, path=path):
                    self.is_kept_from("portal", model, "search", [(path, "!=", False)])

    def test_customers_read_what_they_did(self):
        """No field of Odoo asks for one of ours in their name; nor do their pages."""
        for records in (
            self.invoice,
            self.invoice.invoice_line_ids,
            self.work,
            self.work.timesheet_ids,
            self.work.sale_line_id,
            self.work.sale_line_id.order_id,
            self.portal.partner_id,
            self.env.company,
        ):
            own = self.own_fields(records)
            theirs = records.with_user(self.portal)
            for name in theirs.fields_get():
                with self.subTest(records._name, field=name):
                    try:
                        theirs.read([name])
                    except AccessError as error:
                        words = set(re.findall(r"\w+", str(error)))
                        self.assertFalse(own & words, str(error))
        self.authenticate("api_portal", "api_portal")
        for page in (
            "/my/invoices",
            f"/my/invoices/{self.invoice.id}",
            "/my/orders",
            f"/my/orders/{self.work.sale_line_id.order_id.id}",
            "/my/projects",
            f"/my/projects/{self.work.id}",
            "/my/timesheets",
        ):
            with self.subTest(page):
                answer = self.url_open(page)
                self.assertEqual(answer.status_code, 200)
                self.assertIn(page, answer.url)

    def test_reviewers_read_no_balance(self):
        bank = self.company_data["default_journal_bank"]
        for records, name in (
            (bank, "current_statement_balance"),
            (bank, "kanban_dashboard"),
            (bank, "kanban_dashboard_graph"),
            (self.invoice.journal_id, "kanban_dashboard"),
            (self.invoice.journal_id, "kanban_dashboard_graph"),
        ):
            with self.subTest(records._name, field=name):
                for login in ("idle", "reviewer"):
                    self.is_kept_from(login, records._name, "read", records.ids, [name])
                    self.is_kept_from(
                        login, records._name, "search", [(name, "!=", False)]
                    )
                self.does("accountant", records._name, "read", records.ids, [name])

    def test_reviewers_read_what_they_review(self):
        """Odoo sums an account for whoever asks, of what they may read."""
        other = self.time_project(7)._psa_invoice(LAST)
        other.action_post()
        revenue = self.invoice.invoice_line_ids.account_id
        self.assertEqual(revenue, other.invoice_line_ids.account_id)
        for login, balance in (("idle", 0), ("reviewer", -300), ("accountant", -1000)):
            with self.subTest(login):
                (found,) = self.does(
                    login, revenue._name, "read", revenue.ids, ["current_balance"]
                )
                self.assertEqual(found["current_balance"], balance)
        for model in ("account.move", "account.move.line", "psa.invoice.detail"):
            self.assertEqual(self.does("idle", model, "search_count", []), 0)

    def test_reviewers_open_what_they_review(self):
        """All that the form of an invoice shows, with its rows, and all that its list
        shows."""
        for move in self.draft + self.invoice:
            form = Form(move.with_user(self.reviewer))
            shown = form._view["fields_spec"]
            self.assertIn("journal_id", shown)
            self.does("reviewer", move._name, "web_read", move.ids, shown)
        views = self.does("reviewer", "account.move", "get_views", [[False, "list"]])
        arch = etree.fromstring(views["views"]["list"]["arch"])
        shown = {
            name: {"fields": {"display_name": {}}}
            if self.draft._fields[name].relational
            else {}
            for name in arch.xpath("./field/@name")
        }
        found = self.does("reviewer", "account.move", "web_search_read", [], shown)
        self.assertEqual(found["length"], 2)
