# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the customer sees: the annex, receipts, and all of it in the portal."""

import base64
from datetime import date

from freezegun import freeze_time
from lxml import html

from odoo import fields
from odoo.tests import HttpCase, tagged

from .common import BillingCase

JANUARY = date(2026, 1, 31)
RECEIPT = base64.b64decode(
    # The smallest PNG there is: one pixel.
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)


class AnnexCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("hr_expense.group_hr_expense_manager")
        cls.travel = cls.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "expense_policy": "sales_price",
                "list_price": 40,
                "standard_price": 30,
                "taxes_id": [fields.Command.clear()],
                "supplier_taxes_id": [fields.Command.clear()],
            }
        )
        cls.supplier = cls.env["res.partner"].create({"name": "Railway"})

    def page(self, move, lang=None):
        """The printed invoice."""
        return html.fromstring(
            self.env["ir.actions.report"]._render_qweb_html(
                "account.report_invoice", move.ids
            )[0]
        )

    def texts(self, page, name):
        """The text of the annex's rows of a kind."""
        return [
            " ".join(row.text_content().split())
            for row in page.xpath(f"//tr[@name='{name}']")
        ]

    def columns(self, page):
        return [
            each.text_content().strip()
            for each in page.xpath("//div[@name='psa_annex']//th")
        ]

    @classmethod
    def job(cls, customer=None, **values):
        """A project whose costs its customer pays."""
        project = cls.project(customer=customer, **values)
        cls.contract(project)
        project.reinvoiced_sale_order_id = project.sale_line_id.order_id
        project._create_analytic_account()
        return project

    @classmethod
    def bill(cls, *projects, quantity=1, receipt="ticket.png", raw=RECEIPT):
        """A posted vendor bill with a line for each project."""
        bill = cls.posted_bill(
            cls.travel,
            *projects,
            vendor=cls.supplier,
            day=date(2026, 1, 10),
            quantity=quantity,
            price_unit=27,
        )
        cls.attach(bill, receipt, raw)
        return bill

    @classmethod
    def attach(cls, record, name, raw=RECEIPT):
        return cls.env["ir.attachment"].create(
            {"name": name, "raw": raw, "res_model": record._name, "res_id": record.id}
        )

    def expense(self, project, receipt):
        expense = self.env["hr.expense"].create(
            {
                "name": "Night train",
                "employee_id": self.alice.id,
                "product_id": self.travel.id,
                "total_amount_currency": 30,
                "date": date(2026, 1, 12),
                "payment_mode": "company_account",
                "sale_order_id": project.sale_line_id.order_id.id,
                "analytic_distribution": {project.account_id.id: 100},
            }
        )
        self.attach(expense, receipt, RECEIPT + receipt.encode())
        expense.action_submit()
        expense._do_approve()
        expense.action_post()
        return expense


class TestAnnex(AnnexCase):
    def work(self, **values):
        """Alice 2 h of design and 1 h of tests, Bob 3 h of design."""
        project = self.project(**values)
        self.contract(project)
        tasks = self.env["project.task"].create(
            [{"name": name, "project_id": project.id} for name in ("Design", "Tests")]
        )
        self.log(project, date(2026, 1, 5), 2, task_id=tasks[0].id, name="Sketch")
        self.log(project, date(2026, 1, 6), 3, self.bob, task_id=tasks[0].id)
        self.log(project, date(2026, 1, 7), 1, task_id=tasks[1].id)
        return project

    def test_a_column_for_the_task(self):
        page = self.page(self.work()._psa_invoice(JANUARY))
        self.assertEqual(
            self.columns(page),
            ["Date", "Who", "Task", "Description", "Quantity", "Rate", "Amount"],
        )
        (row,) = page.xpath("//tr[td/span[text()='Sketch']]")
        self.assertEqual(
            [" ".join(cell.text_content().split()) for cell in row],
            ["01/05/2026", "Alice", "Design", "Sketch"]
            + ["2.00 Hours", "$ 100.00", "$ 200.00"],
        )
        self.assertEqual(
            self.texts(page, "psa_annex_total"), ["Total excl. tax $ 600.00"]
        )

    def test_an_empty_cell_keeps_its_place(self):
        """Nobody worked on a milestone, and it has no task."""
        project = self.work()
        line = self.contract(project, self.milestone_product)
        line.product_uom_qty = 1
        self.milestone(project, line, 0.125, date(2026, 1, 8), name="Go-live")
        page = self.page(project._psa_invoice(JANUARY))
        (row,) = page.xpath("//tr[td/span[text()='Go-live']][@name='psa_annex_detail']")
        cells = [" ".join(cell.text_content().split()) for cell in row]
        self.assertEqual(len(cells), len(self.columns(page)))
        self.assertEqual(
            cells[1:], ["", "", "Go-live", "0.1250 Units", "$ 100.00", "$ 12.50"]
        )

    def test_a_long_text_goes_on_in_another_row(self):
        project = self.work()
        said = " ".join(f"word{number}" for number in range(400))
        self.log(project, date(2026, 1, 8), 1, name=said)
        page = self.page(project._psa_invoice(JANUARY))
        parts = page.xpath("//tr[.//span[contains(text(), 'word')]]/td[4]")
        self.assertGreater(len(parts), 2)
        self.assertEqual(
            " ".join(" ".join(part.text_content().split()) for part in parts), said
        )
        self.assertEqual(len(page.xpath("//tr[@name='psa_annex_detail']")), 4)

    def test_no_column_without_tasks(self):
        page = self.page(self.time_project(2)._psa_invoice(JANUARY))
        self.assertNotIn("Task", self.columns(page))

    def test_grouped_as_the_project_says(self):
        for layout, groups in {
            "order_line": [],
            "entry": [],
            "employee": ["Alice 3.00 Hours $ 300.00", "Bob 3.00 Hours $ 300.00"],
            "task": ["Design 5.00 Hours $ 500.00", "Tests 1.00 Hours $ 100.00"],
        }.items():
            with self.subTest(layout):
                move = self.work(billing_layout=layout)._psa_invoice(JANUARY)
                page = self.page(move)
                self.assertEqual(self.texts(page, "psa_annex_group"), groups)
                self.assertEqual(
                    self.texts(page, "psa_annex_section"),
                    ["Consulting hour 6.00 Hours $ 600.00"],
                )

    def test_names_that_the_customer_does_not_want_group_nothing(self):
        self.customer.billing_annex_names = False
        move = self.work(billing_layout="employee")._psa_invoice(JANUARY)
        self.assertEqual(self.texts(self.page(move), "psa_annex_group"), [])

    def test_several_projects(self):
        one = self.time_project(2, name="North", billing_consolidate=True)
        two = self.time_project(3, name="South", billing_consolidate=True)
        move = (one + two)._psa_invoice(JANUARY)
        self.assertEqual(len(move), 1)
        page = self.page(move)
        self.assertEqual(
            self.texts(page, "psa_annex_project"),
            ["North $ 200.00", "South $ 300.00"],
        )
        sections = move.invoice_line_ids.filtered(
            lambda line: line.display_type == "line_section"
        )
        self.assertEqual(
            [name.split()[-1] for name in sections.mapped("name")],
            ["North", "South"],
            "In the order of the invoice.",
        )

    # === Of credit notes ===

    def titles(self, move):
        page = self.page(move)
        return [each.text for each in page.xpath("//div[@name='psa_annex']/h4")]

    def test_what_is_credited(self):
        """With the signs of its lines; what was offered is not given back."""
        project = self.work()
        self.log(project, date(2026, 1, 8), 2, billing_type="complimentary")
        move = project._psa_invoice(JANUARY)
        move.action_post()
        credit_note = move._reverse_moves()
        credit_note.action_post()
        self.assertEqual(self.titles(move), ["Annex: Work in Detail"])
        self.assertEqual(self.titles(credit_note), ["Annex: Credited Work in Detail"])
        page = self.page(credit_note)
        self.assertEqual(
            self.texts(page, "psa_annex_detail"),
            [
                "01/05/2026 Alice Design Sketch 2.00 Hours $ 100.00 $ 200.00",
                "01/06/2026 Bob Design Work 3.00 Hours $ 100.00 $ 300.00",
                "01/07/2026 Alice Tests Work 1.00 Hours $ 100.00 $ 100.00",
            ],
        )
        self.assertEqual(
            self.texts(page, "psa_annex_section"),
            ["Consulting hour 6.00 Hours $ 600.00"],
        )
        self.assertEqual(
            self.texts(page, "psa_annex_total"), ["Total excl. tax $ 600.00"]
        )

    def test_half_of_it_is_credited(self):
        """5.375 of 10.75 h: the line and the annex say the same."""
        move = self.job()
        self.log(move, date(2026, 1, 5), 10.75)
        move = move._psa_invoice(JANUARY)
        move.action_post()
        correction = move._psa_correction()
        correction.line_ids.quantity = 5.375
        action = correction.action_apply()
        note = self.env["account.move"].browse(action["res_id"])
        self.assertEqual(note.invoice_line_ids.quantity, 5.38)
        (section,) = note._psa_annex()
        self.assertEqual(section["quantity"], 5.38)
        details = section["groups"][0]["details"]
        self.assertEqual(note._psa_annex_sums(details)["quantity"], 5.38)

    def test_a_correction_that_nobody_had_billed(self):
        """5 h less, but for 1 h more: 400.00 are given back."""
        project = self.work()
        project._psa_invoice(JANUARY).action_post()
        self.log(project, date(2026, 1, 20), -5, name="Other project")
        self.log(project, date(2026, 1, 21), 1, name="Call")
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": JANUARY}
        )
        wizard.action_next()
        move = self.env["account.move"].browse(wizard.action_finish()["res_id"])
        self.assertEqual(move.move_type, "out_refund")
        self.assertEqual(
            self.texts(self.page(move), "psa_annex_detail"),
            [
                "01/20/2026 Alice Other project 5.00 Hours $ 100.00 $ 500.00",
                "01/21/2026 Alice Call -\ufeff1.00 Hours $ 100.00 $ -\ufeff100.00",
            ],
        )

    def test_what_had_no_annex_is_credited_without(self):
        project = self.work()
        order = project.sale_line_id.order_id
        move = order._create_invoices()
        move.action_post()
        credit_note = move._reverse_moves()
        self.assertEqual(self.titles(move) + self.titles(credit_note), [])

    def test_in_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.module.module"]._load_module_terms(["uom"], ["fr_FR"])
        self.customer.lang = "fr_FR"
        self.time_product.with_context(lang="fr_FR").name = "Heure de conseil"
        self.hour.with_context(lang="fr_FR").name = "Heures"
        move = self.work()._psa_invoice(JANUARY)
        page = self.page(move)
        self.assertEqual(
            self.texts(page, "psa_annex_section")[0].replace("\xa0", " ")[:29],
            "Heure de conseil 6,00 Heures ",
        )
        (row,) = page.xpath("//tr[td/span[text()='Sketch']]")
        self.assertEqual(row[0].text_content().strip(), "05/01/2026")

    def rates(self, page):
        return [
            " ".join(cell.text_content().split())
            for cell in page.xpath(
                "//tr[@name='psa_annex_detail']/td[contains(@class, 'psa_annex_rate')]"
            )
        ]

    def test_the_rate_is_what_a_unit_costs(self):
        """After the discount; of a share of a package, what the package costs."""
        project = self.time_project(2)
        project.sale_line_id.discount = 10
        package = self.contract(project, self.milestone_product, price_unit=1000)
        self.milestone(project, package, 0.25, date(2026, 1, 8))
        page = self.page(project._psa_invoice(JANUARY))
        self.assertEqual(self.rates(page), ["$ 90.00", "$ 1,000.00"])

    def test_what_is_offered_stands_apart_and_is_never_added(self):
        project = self.work()
        offered = self.log(project, date(2026, 1, 4), 7, name="A favour")
        offered.billing_type = "complimentary"
        page = self.page(project._psa_invoice(JANUARY))
        self.assertEqual(
            self.texts(page, "psa_annex_section"),
            ["Consulting hour 6.00 Hours $ 600.00"],
        )
        self.assertEqual(
            self.texts(page, "psa_annex_group"), ["Offered 7.00 Hours $ 0.00"]
        )
        rows = self.texts(page, "psa_annex_detail")
        self.assertIn("A favour 7.00 Hours Offered", rows[-1])
        self.assertEqual(
            self.texts(page, "psa_annex_total"), ["Total excl. tax $ 600.00"]
        )

    def test_subtotals_are_those_of_the_invoice(self):
        project = self.work(billing_layout="employee")
        line = self.contract(project, self.milestone_product, price_unit=333.33)
        self.milestone(project, line, 1 / 3, date(2026, 1, 8))
        move = project._psa_invoice(JANUARY)
        for section in move._psa_annex():
            lines = move.invoice_line_ids.filtered(
                lambda each, title=section["title"]: (
                    each.product_id.display_name == title
                )
            )
            self.assertTrue(lines)
            self.assertEqual(
                move.currency_id.round(section["amount"]),
                sum(lines.mapped("price_subtotal")),
            )


class TestWhoseNumber(AnnexCase):
    """Project, period and the customer's own reference, wherever he looks."""

    def setUp(self):
        super().setUp()
        self.project_ = self.time_project(2, name="North")
        self.order = self.project_.sale_line_id.order_id

    def said(self, page, name):
        return [
            " ".join(each.text_content().split())
            for each in page.xpath(f"//div[@name='{name}']")
        ]

    def test_our_order_is_not_his_reference(self):
        move = self.project_._psa_invoice(JANUARY)
        page = self.page(move)
        self.assertEqual(self.said(page, "customer_reference"), [])
        self.assertEqual(self.said(page, "our_order"), [f"Our Order {self.order.name}"])
        for name in ("reference", "origin"):
            self.assertEqual(self.said(page, name), [])

    def test_his_own_is(self):
        self.order.client_order_ref = "PO-1"
        move = self.project_._psa_invoice(JANUARY)
        page = self.page(move)
        self.assertEqual(self.said(page, "customer_reference"), ["Your Reference PO-1"])
        self.assertEqual(self.said(page, "billing_project"), ["Project North"])
        self.assertEqual(
            self.said(page, "billing_period"),
            ["Billing Period 01/01/2026 – 01/31/2026"],
        )

    def test_another_invoice_is_as_odoo_prints_it(self):
        move = self.init_invoice("out_invoice", products=self.product_a)
        move.write({"ref": "Theirs", "invoice_origin": "Ours"})
        page = self.page(move)
        self.assertEqual(self.said(page, "reference"), ["Reference Theirs"])
        self.assertEqual(self.said(page, "origin"), ["Source Ours"])
        self.assertEqual(self.said(page, "billing_information"), [])

    def mail(self, move):
        dialog = self.env["account.move.send.wizard"].create({"move_id": move.id})
        return dialog.subject, " ".join(
            html.fromstring(dialog.body).text_content().split()
        )

    def test_the_mail_says_so(self):
        self.order.client_order_ref = "PO-1"
        move = self.project_._psa_invoice(JANUARY)
        subject, body = self.mail(move)
        for text in (subject, body):
            for part in ("North", "PO-1", "[number]"):
                self.assertIn(part, text)
        self.assertIn("from 01/01/2026 to 01/31/2026", body)
        self.assertIn("mention [payment reference] with your payment", body)
        move.action_post()
        subject, body = self.mail(move)
        for text in (subject, body):
            self.assertIn(move.name, text)
            self.assertNotIn("[", text)

    def test_the_mail_of_a_customer_without_a_reference(self):
        subject, body = self.mail(self.project_._psa_invoice(JANUARY))
        for text in (subject, body):
            self.assertNotIn(self.order.name, text)
            self.assertNotIn("your reference", text)

    def test_the_mail_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.module.module"]._load_module_terms(["psa_invoicing"], ["fr_FR"])
        self.customer.lang = "fr_FR"
        subject, body = self.mail(self.project_._psa_invoice(JANUARY))
        self.assertIn("facture [numéro], North", subject)
        self.assertIn("pour la période du 01/01/2026 au 31/01/2026", body)

    def test_the_template_may_be_changed(self):
        template = self.env.ref("psa_invoicing.mail_template_invoice")
        template.subject = "For {{ object._psa_project_names() }}"
        subject, _body = self.mail(self.project_._psa_invoice(JANUARY))
        self.assertEqual(subject, "For North")

    def test_other_invoices_keep_odoos_template(self):
        move = self.init_invoice("out_invoice", products=self.product_a, post=True)
        self.assertEqual(
            move._get_mail_template(),
            self.env.ref("account.email_template_edi_invoice"),
        )


@freeze_time("2026-02-02")
class TestReceipts(AnnexCase):
    def setUp(self):
        super().setUp()
        self.customer.billing_annex_receipts = True

    def names(self, move):
        return move._psa_receipts().mapped("name")

    def test_only_on_request(self):
        project = self.job()
        self.bill(project)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 40)
        self.assertEqual(self.names(move), ["ticket.png"])
        self.customer.billing_annex_receipts = False
        self.assertEqual(self.names(move), [])

    def test_only_of_what_is_billed_on_it(self):
        project = self.job()
        self.bill(project)
        first = project._psa_invoice(JANUARY)
        self.bill(project, receipt="later.png")
        second = project._psa_invoice(JANUARY)
        self.assertEqual(self.names(first), ["ticket.png"])
        self.assertEqual(self.names(second), ["later.png"])

    def test_each_once(self):
        project = self.job()
        self.bill(project, project)
        self.bill(project, receipt="the same.png")
        move = project._psa_invoice(JANUARY)
        self.assertEqual(len(move.detail_ids), 3)
        self.assertEqual(self.names(move), ["ticket.png"])

    def test_images_and_pdfs(self):
        project = self.job()
        bill = self.bill(project)
        self.attach(bill, "scan.pdf", b"%PDF-1.4 scan")
        self.attach(bill, "our notes.txt", b"cheap")
        move = project._psa_invoice(JANUARY)
        self.assertEqual(self.names(move), ["ticket.png", "scan.pdf"])

    def test_of_expenses_their_own(self):
        project = self.job()
        self.expense(project, "night.png")
        self.expense(self.job(name="Other"), "other.png")
        move = project._psa_invoice(JANUARY)
        self.assertEqual(self.names(move), ["night.png"])

    def test_what_is_not_charged_stays_inside(self):
        project = self.job()
        self.bill(project)
        self.env["psa.reinvoiced.cost"].search([]).billing_type = "non_chargeable"
        self.log(project, date(2026, 1, 2), 1)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(self.names(move), [])

    def test_a_bill_that_another_customer_shares_stays_inside(self):
        other = self.env["res.partner"].create(
            {"name": "Other", "is_company": True, "email": "o@example.com"}
        )
        project = self.job()
        self.bill(project, self.job(customer=other))
        self.bill(project, receipt="own.png", raw=RECEIPT + b"own")
        self.assertEqual(self.names(project._psa_invoice(JANUARY)), ["own.png"])

    def test_no_receipts_with_a_credit_note(self):
        project = self.job()
        self.bill(project)
        move = project._psa_invoice(JANUARY)
        move.action_post()
        self.assertFalse(move._reverse_moves()._psa_receipts())

    def test_they_go_with_the_mail(self):
        project = self.job()
        self.bill(project)
        self.expense(project, "night.png")
        move = project._psa_invoice(JANUARY)
        clerk = self.person(
            "clerk",
            "psa_invoicing.group_billing_manager,base.group_partner_manager",
            email="clerk@example.com",
        )
        action = move.with_user(clerk).action_psa_send()
        wizard = (
            self.env[action["res_model"]]
            .with_user(clerk)
            .with_context(**action["context"])
            .create({})
        )
        rows = wizard.mail_attachments_widget
        wizard.mail_attachments_widget = [
            {**row, "skip": True} if row["name"] == "ticket.png" else row
            for row in rows
        ]
        wizard.action_send_and_print()
        mail = self.env["mail.mail"].search(
            [("model", "=", "account.move"), ("res_id", "=", move.id)]
        )
        names = mail.attachment_ids.mapped("name")
        self.assertIn("night.png", names)
        self.assertNotIn("ticket.png", names, "Taken off in the dialog.")
        self.assertEqual(len(names), 2)

    def test_no_attachment_of_others_through_the_dialog(self):
        """What the client sends as a receipt is read only if it is one."""
        project = self.job()
        self.bill(project)
        secret = self.attach(self.bill(self.job()), "secret.png", RECEIPT + b"secret")
        move = project._psa_invoice(JANUARY)
        self.assertNotIn(secret, move._psa_receipts())


@tagged("post_install", "-at_install")
class TestPortal(AnnexCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.billing_annex_receipts = True
        cls.reader = cls.person("portal_reader", "base.group_portal")
        cls.reader.partner_id.parent_id = cls.customer
        cls.project_here = cls.job()
        cls.bill(cls.project_here)

    def setUp(self):
        super().setUp()
        project = self.project_here
        self.log(project, date(2026, 1, 5), 2, name="Read the plans")
        self.log(
            project, date(2026, 1, 6), 1, self.bob, name="Favour"
        ).billing_type = "complimentary"
        self.log(
            project, date(2026, 1, 7), 1, name="Gossip"
        ).billing_type = "non_chargeable"
        self.move = project._psa_invoice(JANUARY)
        self.move.action_post()
        self.authenticate("portal_reader", "portal_reader")

    def get(self, path, **options):
        return self.url_open(f"/my/invoices/{self.move.id}{path}", **options)

    def test_the_page_has_period_and_annex(self):
        page = self.get("").text
        self.assertIn("01/05/2026", page)
        self.assertIn("01/31/2026", page)
        document = self.get("?report_type=html").text
        for text in ("Annex", "Billing Period", "Read the plans", "Favour", "Offered"):
            self.assertIn(text, document)

    def test_the_page_says_whose_it_is_and_whether_it_is_paid(self):
        def shown():
            page = html.fromstring(self.get("").text)
            (found,) = page.xpath("//div[@name='billing_project']")
            return found.text_content().split()

        self.assertEqual(shown(), ["Project", "Project", "Waiting", "for", "Payment"])
        action = self.move.action_psa_mark_paid()
        self.env["account.payment.register"].with_context(**action["context"]).create(
            {}
        )._create_payments()
        self.assertEqual(shown(), ["Project", "Project", "Paid"])
        rows = html.fromstring(self.url_open("/my/invoices").text)
        (project,) = rows.xpath("//td/div[@name='billing_project']")
        self.assertEqual(project.text_content(), "Project")

    def test_nothing_internal(self):
        for path in ("", "?report_type=html"):
            page = self.get(path).text
            for text in ("Gossip", "27.00", "Write", "non_chargeable"):
                self.assertNotIn(text, page)

    def test_receipts(self):
        (link,) = html.fromstring(self.get("").text).xpath(
            "//div[@name='billing_receipts']//a"
        )
        self.assertEqual(link.text, "ticket.png")
        self.assertEqual(self.url_open(link.get("href")).content, RECEIPT)

    def test_no_other_attachment(self):
        secret = self.attach(self.bill(self.job()), "secret.png", RECEIPT + b"secret")
        self.assertEqual(self.get(f"/receipts/{secret.id}").status_code, 404)

    def test_no_receipts_unless_asked_for(self):
        receipt = self.move._psa_receipts()
        self.customer.billing_annex_receipts = False
        self.assertNotIn("ticket.png", self.get("").text)
        self.assertEqual(self.get(f"/receipts/{receipt.id}").status_code, 404)

    def test_only_his_own(self):
        other = self.env["res.partner"].create(
            {"name": "Other", "email": "other@example.com"}
        )
        self.reader.partner_id.parent_id = other
        receipt = self.move._psa_receipts()
        for path in ("", "?report_type=html", f"/receipts/{receipt.id}"):
            answer = self.get(path, allow_redirects=False)
            self.assertEqual(answer.status_code, 303, path)
