"""What a billing administrator does, in a real browser with real mail and PDF."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from steps import (
    expect_next,
    invoice_number,
    open_app,
    open_menu,
    pdf_text,
    slow,
    wait_for_status,
)

from tools import database
from tools.mail_catcher import catcher

CUTOFF = date.today() - timedelta(days=1)


@pytest.fixture(scope="module")
def demo(start_site):
    """The demo data, as `make run` shows it."""
    return start_site("psa_system_demo", database.addon_template())


@pytest.fixture(scope="module")
def empty(start_site):
    """A database without demo data."""
    return start_site("psa_system_empty", database.empty_template())


def test_from_the_invoice_run_to_paid(demo, open_page, picture):
    page = open_page(demo)
    open_app(page)
    page.wait_for_selector(".o_psa_start_page [data-card=due]")
    picture(page, "1-overview")
    page.click("button:has-text('Run Due Invoices')")
    with slow(page, "get_start_page"):
        page.click(".modal button[name=action_run]")
        page.wait_for_selector(".o_field_widget[name=done]")
    expect(page.locator(".modal")).to_have_count(0)
    picture(page, "2-run")
    page.click("button[name=action_open_invoices]")
    page.wait_for_selector(".o_data_row")
    picture(page, "3-invoices")

    page.click(".o_data_row:has-text('Website relaunch') td[name=billing_cutoff_date]")
    wait_for_status(page, "Draft")
    picture(page, "4-draft")
    rows = page.locator("div[name=detail_ids] .o_data_row")
    expect(rows).not_to_have_count(0)
    number_of_rows = rows.count()
    page.click("div[name=detail_ids] .o_data_row >> nth=0 >> .o_list_record_remove")
    expect(rows).to_have_count(number_of_rows - 1)
    page.click("button[name=action_psa_recalculate]")
    page.wait_for_selector(".o_notification:has-text('Nothing has changed')")
    expect(rows).to_have_count(number_of_rows - 1)
    picture(page, "5-recalculated")

    page.click("button[name=action_psa_send]")
    page.wait_for_selector(".modal button[name=action_send_and_print]:enabled")
    picture(page, "6-send")
    page.click(".modal button[name=action_send_and_print]")
    wait_for_status(page, "Sent")
    picture(page, "7-sent")
    (mail,) = demo.wait_for_mail()
    number = invoice_number(page)
    assert "accounts@harbour.example.com" in mail["To"]
    assert number in mail["Subject"]
    invoice = demo.one(
        "account.move", [("name", "=", number)], "amount_total", "amount_untaxed"
    )
    text = pdf_text(mail)
    assert number in text
    assert f"{invoice['amount_total']:,.2f}" in text
    assert "Annex: Work in Detail" in text
    assert "Review of drafts" in text
    assert "Billing Period" in text

    again = page.locator("button[name=action_psa_send]")
    expect(again).to_have_text("Send Again")
    expect(again).to_be_enabled()
    expect_next(page, "mark_paid")
    page.click("button[name=action_psa_mark_paid]")
    page.wait_for_selector(".modal button[name=action_create_payments]")
    picture(page, "8-pay")
    page.click(".modal button[name=action_create_payments]")
    wait_for_status(page, "Paid")
    picture(page, "9-paid")


def test_several_invoices_at_once(demo):
    """Odoo sends several in the background; each customer gets a mail with a PDF."""
    demo.call("psa.invoice.run", "action_run_due")
    drafts = demo.call(
        "account.move",
        "search",
        [("psa_state", "=", "draft"), ("partner_id.name", "=", "Alpenwerk GmbH")],
        limit=2,
    )
    before = len(demo.mails())
    action = demo.call("account.move", "action_psa_send", drafts)
    demo.call(action["res_model"], "action_send", [action["res_id"]])
    for cron in (
        "account.ir_cron_account_move_send",
        "mail.ir_cron_mail_scheduler_action",
    ):
        demo.call("ir.cron", "method_direct_trigger", [demo.ref(cron)])
    mails = demo.wait_for_mail(before + 2)[before:]
    sent = demo.call("account.move", "read", drafts, ["name", "psa_state"])
    assert [invoice["psa_state"] for invoice in sent] == ["sent", "sent"]
    assert sorted(
        invoice["name"]
        for invoice in sent
        for mail in mails
        if invoice["name"] in mail["Subject"] and invoice["name"] in pdf_text(mail)
    ) == sorted(invoice["name"] for invoice in sent)


def test_a_mail_server_that_is_down(demo, open_page, picture):
    """The invoice keeps its number and waits; the second try sends one mail."""
    page = open_page(demo)
    open_app(page)
    demo.call("psa.invoice.run", "action_run_due")
    open_menu(page, "psa_invoicing.menu_invoices")
    page.click(".o_data_row:has-text('ERP rollout') td[name=billing_cutoff_date]")
    wait_for_status(page, "Draft")
    before = len(demo.mails())
    demo.smtp.stop()
    demo.expected += ("failed sending mail", "Connection refused")
    page.click("button[name=action_psa_send]")
    page.click(".modal button[name=action_send_and_print]:enabled")
    wait_for_status(page, "Confirmed")
    page.wait_for_selector(".o-mail-Message:has-text('was not sent')")
    picture(page, "1-not-sent")
    number = invoice_number(page)
    assert len(demo.mails()) == before

    demo.smtp = catcher(demo.mail, demo.smtp.port)
    demo.smtp.start()
    expect_next(page, "retry")
    page.click("button[name=action_psa_retry]")
    wait_for_status(page, "Sent")
    picture(page, "2-sent")
    assert invoice_number(page) == number
    mails = demo.wait_for_mail(before + 1)[before:]
    assert [number in mail["Subject"] for mail in mails] == [True]


def test_two_people_on_one_draft(demo, open_page, picture):
    """What the second one saves overwrites nothing."""
    demo.create(
        "res.users",
        name="Second",
        login="second",
        password="second",
        group_ids=[
            (4, demo.ref("psa_invoicing.group_billing_manager")),
            (4, demo.ref("account.group_account_manager")),
        ],
    )
    demo.call("psa.invoice.run", "action_run_due")
    draft = demo.call("account.move", "search", [("psa_state", "=", "draft")])[0]
    page = open_page(demo)
    page.goto(f"{demo.url}/odoo/action-psa_invoicing.account_move_action/{draft}")
    wait_for_status(page, "Draft")
    page.click(".o_notebook a:has-text('Other Info')")
    reference = page.locator("div[name=ref] input >> visible=true").first
    reference.fill("First thought")
    page.click(".o_form_button_save")
    expect(page.locator(".o_form_button_save >> nth=0")).to_be_hidden()

    demo.log_in("second")
    demo.call("account.move", "write", [draft], {"ref": "Second thought"})
    demo.log_in()
    reference.fill("Third thought")
    page.click(".o_form_button_save")
    demo.expected += ("Second has changed",)
    page.wait_for_selector(".modal:has-text('Second has changed')")
    picture(page, "1-conflict")
    invoice = demo.one("account.move", [("id", "=", draft)], "ref")
    assert invoice["ref"] == "Second thought"


def test_a_new_project_is_planned(demo, open_page, picture):
    page = open_page(demo)
    open_app(page)
    open_menu(page, "psa_invoicing.menu_projects")
    page.wait_for_selector(".o_data_row")
    picture(page, "1-projects")
    page.click(".o_control_panel button:has-text('New') >> nth=0")
    if page.locator(".o-dropdown-item:has-text('New Project')").count():
        page.click(".o-dropdown-item:has-text('New Project')")
    page.fill(
        ".o_field_widget[name=name] textarea, .o_field_widget[name=name] input", "New"
    )
    page.click("a[name=billing]")
    page.fill("div[name=billing_frequency_id] input", "Biweekly")
    page.click(".o-autocomplete--dropdown-item:has-text('Biweekly')")
    page.click(".o_form_button_save")
    page.wait_for_selector("div[name=next_invoice_date]")
    picture(page, "2-planned")
    project = demo.one("project.project", [("name", "=", "New")], "next_invoice_date")
    assert project["next_invoice_date"] > date.today().isoformat()


def test_the_wizard_bills_what_it_showed(demo, open_page, picture):
    page = open_page(demo)
    open_app(page)
    open_menu(page, "psa_invoicing.menu_projects")
    page.click(".o_data_row:has-text('Security audit') td[name=name]")
    page.wait_for_selector(".o_form_view button[name=action_manual_invoice]")
    picture(page, "1-project")
    page.click(".o_form_view button[name=action_manual_invoice]")
    page.wait_for_selector(".modal button[name=action_next]")
    picture(page, "2-settings")
    assert "Customer disputes" in page.inner_text(".modal")
    page.click(".modal button[name=action_next]")
    page.wait_for_selector(".modal .o_psa_row")
    page.click(".modal .o_psa_row >> nth=0 >> input[type=checkbox]")
    page.wait_for_function(
        "count => document.querySelector('.o_psa_ticked b').innerText == count",
        arg=str(page.locator(".modal .o_psa_row").count() - 1),
    )
    picture(page, "3-review")
    total = page.inner_text(".modal .o_psa_totals")
    page.click(".modal button[name=action_finish]")
    wait_for_status(page, "Draft")
    picture(page, "4-draft")
    page.click(".o_notebook a:has-text('Invoice Lines')")
    assert total in page.inner_text(".o_field_widget[name=tax_totals]")


def test_a_project_typed_in_by_hand_agrees_to_the_cent(empty, open_page, picture):
    """7.35 h + 0.4 h at 133.33 less 5 %, and 30 % of 9,999.99, all plus 20 % tax."""
    story = _typed_in_by_hand(empty)
    page = open_page(empty)
    open_app(page)
    open_menu(page, "psa_invoicing.menu_projects")
    page.click(".o_data_row:has-text('By hand') td[name=name]")
    page.click(".o_form_view button[name=action_manual_invoice]")
    page.click(".modal div[name=cutoff_date] :is(button, input)")
    page.fill(".modal div[name=cutoff_date] input", f"{CUTOFF:%m/%d/%Y}")
    page.keyboard.press("Tab")
    page.click(".modal button[name=action_next]")
    page.wait_for_selector(".modal .o_psa_row")
    picture(page, "review")
    page.click(".modal button[name=action_finish]")
    wait_for_status(page, "Draft")
    page.click("button[name=action_psa_send]")
    page.click(".modal button[name=action_send_and_print]:enabled")
    wait_for_status(page, "Sent")
    page.click("button[name=action_psa_mark_paid]")
    page.click(".modal button[name=action_create_payments]")
    wait_for_status(page, "Paid")
    picture(page, "paid")

    # 7.75 x 133.33 x 0.95 = 981.64; 0.3 x 9,999.99 = 3,000.00; 20 % of 3,981.64
    hours, package, tax, total = 981.64, 3000.00, 796.33, 4777.97
    move = empty.one(
        "account.move",
        [("billing_project_ids", "=", story["project"])],
        *("name", "amount_untaxed", "amount_tax", "amount_total"),
        *("amount_residual", "payment_state"),
    )
    assert (move["amount_untaxed"], move["amount_tax"], move["amount_total"]) == (
        pytest.approx(hours + package),
        tax,
        total,
    )
    assert (move["amount_residual"], move["payment_state"]) == (0, "paid")

    details = empty.call(
        "psa.invoice.detail",
        "search_read",
        [("move_id", "=", move["id"])],
        ["transaction_type", "quantity", "amount"],
    )
    by_type = {"time": 0.0, "milestone": 0.0}
    for detail in details:
        by_type[detail["transaction_type"]] += detail["amount"]
    assert by_type == {
        "time": pytest.approx(hours),
        "milestone": pytest.approx(package),
    }

    entry = empty.call(
        "account.move.line",
        "search_read",
        [("move_id", "=", move["id"])],
        ["debit", "credit", "account_type", "tax_line_id"],
    )
    assert round(sum(line["debit"] for line in entry), 2) == total
    assert round(sum(line["credit"] for line in entry), 2) == total
    assert sum(line["credit"] for line in entry if line["tax_line_id"]) == tax

    for line in empty.call(
        "sale.order.line",
        "read",
        [story["time_line"], story["package_line"]],
        ["qty_delivered", "qty_invoiced", "qty_to_invoice", "untaxed_amount_invoiced"],
    ):
        assert line["qty_to_invoice"] == 0
        assert line["qty_delivered"] == pytest.approx(line["qty_invoiced"])
        assert line["untaxed_amount_invoiced"] in (hours, package)
    payment = empty.one(
        "account.payment", [("partner_id", "=", story["customer"])], "amount"
    )
    assert payment["amount"] == total

    (mail,) = empty.wait_for_mail()
    assert "pay@byhand.example.com" in mail["To"]
    text = pdf_text(mail)
    for figure in (move["name"], "7.75", "981.64", "3,000.00", "796.33", "4,777.97"):
        assert figure in text, (figure, text)


def _typed_in_by_hand(site) -> dict:
    """Enter everything that a firm has to enter before its first invoice."""
    company = site.call("res.users", "read", [2], ["company_id"])[0]["company_id"][0]
    site.call("res.company", "write", [company], {"email": "us@firm.example.com"})
    tax = site.create("account.tax", name="20%", amount=20, type_tax_use="sale")
    customer = site.create(
        "res.partner", name="By hand Ltd", email="pay@byhand.example.com"
    )
    hour = site.create(
        "product.product",
        name="Hour",
        type="service",
        service_policy="delivered_timesheet",
        list_price=133.33,
        uom_id=site.ref("uom.product_uom_hour"),
        taxes_id=[(6, 0, [tax])],
    )
    package = site.create(
        "product.product",
        name="Package",
        type="service",
        service_policy="delivered_milestones",
        list_price=9999.99,
        taxes_id=[(6, 0, [tax])],
    )
    project = site.create(
        "project.project",
        name="By hand",
        partner_id=customer,
        allow_billable=True,
        allow_milestones=True,
    )
    order = site.create(
        "sale.order",
        partner_id=customer,
        project_id=project,
        order_line=[
            (0, 0, {"product_id": hour, "product_uom_qty": 20, "discount": 5}),
            (0, 0, {"product_id": package, "product_uom_qty": 1}),
        ],
    )
    site.call("sale.order", "action_confirm", [order])
    time_line, package_line = site.call(
        "sale.order.line", "search", [("order_id", "=", order)]
    )
    site.call("project.project", "write", [project], {"sale_line_id": time_line})
    employee = site.create("hr.employee", name="Ann")
    for hours in (7.35, 0.4):
        site.create(
            "account.analytic.line",
            name="Work",
            date=CUTOFF.replace(day=1).isoformat(),
            project_id=project,
            employee_id=employee,
            unit_amount=hours,
        )
    milestone = site.create(
        "project.milestone",
        name="Kick-off",
        project_id=project,
        sale_line_id=package_line,
        quantity_percentage=0.3,
    )
    site.call(
        "project.milestone",
        "write",
        [milestone],
        {"is_reached": True, "reached_date": CUTOFF.replace(day=1).isoformat()},
    )
    return {
        "project": project,
        "customer": customer,
        "time_line": time_line,
        "package_line": package_line,
    }
