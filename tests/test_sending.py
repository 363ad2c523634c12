"""Several invoices on their way: real browser, real mail server, real PDF."""

import pytest
from playwright.sync_api import expect
from steps import (
    document_text,
    install_french,
    invoice_number,
    open_app,
    open_menu,
    pdf_text,
    wait_for_status,
)

from tools import database
from tools.mail_catcher import catcher

SENDING = "account.ir_cron_account_move_send"
MAILING = "mail.ir_cron_mail_scheduler_action"


@pytest.fixture
def demo(start_site, request):
    """The demo data, for each test anew."""
    name = request.node.name.removeprefix("test_")[:30]
    started = start_site(f"psa_system_{name}", database.addon_template())
    yield started
    # Thrown away: what it is doing just now need not come to an end.
    started.process.kill()
    started.process.wait(30)


@pytest.fixture
def site(demo):
    """The demo data with its due invoices as drafts."""
    demo.call("psa.invoice.run", "action_run_due")
    return demo


@pytest.fixture
def french_installed(site):
    """Before a browser opens: requests that run meanwhile would miss the language."""
    install_french(site)


@pytest.fixture
def page(demo, open_page):
    """A browser that is closed before its server is."""
    return open_page(demo)


def work_off(site) -> None:
    """What the scheduled actions do a moment later."""
    trigger(site, SENDING)
    trigger(site, MAILING)


def trigger(site, action: str) -> None:
    site.call("ir.cron", "method_direct_trigger", [site.ref(action)])


def drafts(site) -> list[dict]:
    return site.call(
        "account.move",
        "search_read",
        [("psa_state", "=", "draft")],
        ["partner_id", "billing_project_ids"],
    )


def state_of(site, moves) -> list[tuple]:
    rows = site.call(
        "account.move", "read", moves, ["name", "psa_state", "billing_sending_error"]
    )
    return [(row["psa_state"], bool(row["billing_sending_error"])) for row in rows]


def numbers_of(site, moves) -> list[str]:
    return [row["name"] for row in site.call("account.move", "read", moves, ["name"])]


def select_all(page) -> None:
    page.click(".o_list_view thead .o_list_record_selector input")
    page.wait_for_selector(".o_selection_box, .o_list_selection_box")


def test_the_good_ones_of_several(site, page, picture):
    """One customer has no address: the others get their invoices, each once."""
    rows = drafts(site)
    (silent, *_others) = {row["partner_id"][0] for row in rows}
    bad = [row["id"] for row in rows if row["partner_id"][0] == silent]
    good = [row["id"] for row in rows if row["partner_id"][0] != silent]
    assert len(good) > 1
    site.call("res.partner", "write", [silent], {"email": False})
    open_app(page)
    open_menu(page, "psa_invoicing.menu_invoices")
    page.wait_for_selector(".o_data_row")
    select_all(page)
    page.click(".o_control_panel button[name=action_psa_send]")
    page.wait_for_selector(".modal button[name=action_send]")
    expect(page.locator(".modal .o_data_row")).to_have_count(len(rows))
    expect(page.locator(".modal .o_data_row.text-danger")).to_have_count(len(bad))
    assert "no e-mail address" in page.inner_text(".modal .o_data_row >> nth=0")
    picture(page, "1-what-is-wrong")
    assert len(drafts(site)) == len(rows), "Nothing is sent before the person says so."
    page.click(".modal button[name=action_send]")
    page.wait_for_selector(".o_notification:has-text('in the background')")
    expect(
        page.locator("td[name=billing_sending_note]:has-text('Being sent')")
    ).to_have_count(len(good))
    picture(page, "2-being-sent")

    trigger(site, SENDING)
    page.wait_for_selector(f".o_notification:has-text('{len(good)} sent, 0 failed')")
    trigger(site, MAILING)
    site.wait_for_mail(len(good))
    assert state_of(site, good) == [("sent", False)] * len(good)
    assert state_of(site, bad) == [("draft", False)] * len(bad)
    assert len(site.mails()) == len(good)
    numbers = numbers_of(site, good)
    for mail in site.mails():
        (number,) = [each for each in numbers if each in mail["Subject"]]
        assert number in pdf_text(mail)
    page.reload()
    page.wait_for_selector(".o_data_row:has-text('Sent')")
    picture(page, "3-sent")


def test_a_mail_server_that_is_down_for_several(site, page, picture):
    """They fail one by one, show why in red, and Retry sends one mail each."""
    moves = [row["id"] for row in drafts(site)][:3]
    site.smtp.stop()
    site.expected += ("failed sending mail", "Connection refused")
    action = site.call("account.move", "action_psa_send", moves)
    site.call(action["res_model"], "action_send", [action["res_id"]])
    numbers = [
        row["name"] for row in site.call("account.move", "read", moves, ["name"])
    ]
    open_app(page)
    trigger(site, SENDING)
    page.wait_for_selector(".o_notification:has-text('0 sent, 3 failed')")
    trigger(site, MAILING)
    assert state_of(site, moves) == [("confirmed", True)] * 3
    open_menu(page, "psa_invoicing.menu_invoices")
    page.wait_for_selector(".o_data_row.text-danger:has-text('Failed')")
    picture(page, "1-failed")
    page.click(".o_searchview_dropdown_toggler")
    page.click(".o-dropdown-item:has-text('Not Sent: Failed')")
    page.keyboard.press("Escape")
    expect(page.locator(".o_data_row")).to_have_count(3)
    page.click(".o_data_row >> nth=0 >> td[name=billing_cutoff_date]")
    wait_for_status(page, "Confirmed")
    page.wait_for_selector(".alert-danger:has-text('was not sent')")
    picture(page, "2-one-of-them")
    page.go_back()
    page.wait_for_selector(".o_data_row")

    site.smtp = catcher(site.mail, site.smtp.port)
    site.smtp.start()
    select_all(page)
    page.click(".o_control_panel button[name=action_psa_retry]")
    page.wait_for_selector(".o_notification:has-text('in the background')")
    work_off(site)
    site.wait_for_mail(3)
    work_off(site)
    assert state_of(site, moves) == [("sent", False)] * 3
    assert numbers_of(site, moves) == numbers
    sent = [mail["Subject"] for mail in site.mails()]
    assert len(sent) == 3
    assert all(any(number in subject for subject in sent) for number in numbers)


def test_four_clicks_from_the_run_to_the_customer(demo, page, picture):
    """Several at once: run due invoices, run, send, send."""
    open_app(page)
    clicks = [
        "button:has-text('Run Due Invoices')",
        ".modal button[name=action_run]",
        "button[name=action_send_invoices]",
        ".modal button[name=action_send]",
    ]
    for number, button in enumerate(clicks, start=1):
        page.wait_for_selector(button)
        picture(page, f"{number}")
        page.click(button)
    page.wait_for_selector(".o_notification:has-text('in the background')")
    rows = demo.call("account.move", "search", [("sending_data", "!=", False)])
    work_off(demo)
    assert state_of(demo, rows) == [("sent", False)] * len(rows)
    demo.wait_for_mail(len(rows))
    assert len(demo.mails()) == len(rows)


def test_one_invoice_of_a_run_in_four_clicks(demo, page):
    """A run with a single invoice opens it: run due invoices, run, send, send."""
    due = demo.call(
        "psa.invoice.schedule",
        "search_read",
        [("state", "=", "planned"), ("run_date", "<=", demo.today().isoformat())],
        ["project_id"],
    )
    others = {
        row["project_id"][0] for row in due if "ERP rollout" not in row["project_id"][1]
    }
    demo.call("project.project", "write", sorted(others), {"billing_hold": True})
    # On some days of a month, two of its dates are due.
    company = demo.ref("base.main_company")
    demo.call("res.company", "write", [company], {"billing_catch_up": "one"})
    open_app(page)
    for button in (
        "button:has-text('Run Due Invoices')",
        ".modal button[name=action_run]",
        "button[name=action_psa_send]",
        ".modal button[name=action_send_and_print]:enabled",
    ):
        page.click(button)
    wait_for_status(page, "Sent")


def preview(site, page, button: str):
    """What a button opens in a tab of its own."""

    def is_preview(request) -> bool:
        return "/psa_invoicing/preview/" in request.url

    with page.context.expect_event("request", is_preview) as asked:
        page.click(button)
    for tab in page.context.pages:
        if tab != page:
            tab.close()
    return site.session.get(asked.value.url)


def test_seen_and_not_sent(site, page, picture):
    """Discard leaves a draft as it was: without a number, and without a seal."""
    row = drafts(site)[0]
    move = row["id"]
    journal = site.one("account.move", [("id", "=", move)], "journal_id")["journal_id"]
    sealing = {"restrict_mode_hash_table": True}
    site.call("account.journal", "write", [journal[0]], sealing)

    def assert_untouched():
        found = site.one(
            "account.move",
            [("id", "=", move)],
            *("state", "name", "invoice_date", "inalterable_hash"),
        )
        assert [*found.values()][1:] == ["draft", False, False, False]

    page.goto(f"{site.url}/odoo/action-psa_invoicing.account_move_action/{move}")
    for place in ("", ".modal "):
        if place:
            page.click("button[name=action_psa_send]")
            page.wait_for_selector(".modal .o_field_widget[name=subject] input")
            picture(page, "1-what-will-be-sent")
        document = preview(site, page, f"{place}button[name=action_psa_preview]")
        assert document.headers["Content-Type"] == "application/pdf"
        text = document_text(document.content)
        assert "Draft Invoice" in text
        assert f"{site.today():%m/%d/%Y}" in text
        assert "Annex: Work in Detail" in text
        assert_untouched()
    page.click(".modal .btn:has-text('Discard')")
    wait_for_status(page, "Draft")
    assert_untouched()

    page.click("button[name=action_psa_send]")
    page.click(".modal button[name=action_send_and_print]:enabled")
    wait_for_status(page, "Sent")
    number = invoice_number(page)
    (mail,) = site.wait_for_mail()
    assert number in mail["Subject"]
    assert number in mail.get_body(("html",)).get_content()
    assert number in pdf_text(mail)


def test_several_are_seen_first(site, page, picture):
    """To whom, and with which mail; Discard sends none."""
    rows = drafts(site)
    open_app(page)
    open_menu(page, "psa_invoicing.menu_invoices")
    page.wait_for_selector(".o_data_row")
    select_all(page)
    page.click(".o_control_panel button[name=action_psa_send]")
    page.wait_for_selector(".modal button[name=action_send]")
    picture(page, "1-all")
    page.click(".modal .o_data_row >> nth=0 >> td[name=recipients]")
    page.wait_for_selector(".modal .o_field_widget[name=body]:has-text('invoice')")
    picture(page, "2-one-mail")
    page.click(".modal:has(.o_field_widget[name=body]) .btn-close")
    document = preview(site, page, ".modal footer button[name=action_preview]")
    text = document_text(document.content)
    assert text.count("Annex: Work in Detail") >= len(rows)
    page.click(".modal .btn:has-text('Discard')")
    assert len(drafts(site)) == len(rows)


@pytest.mark.usefixtures("french_installed")
def test_a_french_customer(site, page, picture):
    """Headings, period, dates and figures of the annex; then the same in the portal."""
    row = next(row for row in drafts(site) if row["billing_project_ids"])
    customer = row["partner_id"][0]
    site.call("res.partner", "write", [customer], {"lang": "fr_FR"})
    page.goto(f"{site.url}/odoo/action-psa_invoicing.account_move_action/{row['id']}")
    page.click("button[name=action_psa_send]")
    page.click(".modal button[name=action_send_and_print]:enabled")
    wait_for_status(page, "Sent")
    number = invoice_number(page)
    (mail,) = site.wait_for_mail()
    invoice = site.one(
        "account.move",
        [("name", "=", number)],
        *("amount_untaxed", "billing_period_start", "billing_cutoff_date"),
    )
    details = site.call(
        "psa.invoice.detail",
        "search_read",
        [("move_id", "=", row["id"]), ("billing_type", "!=", "non_chargeable")],
        ["date", "task_name", "name"],
    )
    text = " ".join(pdf_text(mail).replace("\xa0", " ").replace("\u202f", " ").split())
    for heading in (
        "Annexe : détail des prestations",
        "Période de facturation",
        "Tâche",
        "Quantité",
        "Montant",
    ):
        assert heading in text, (heading, text)
    for day in (invoice["billing_period_start"], invoice["billing_cutoff_date"]):
        assert french(day) in text
    for detail in details:
        assert french(detail["date"]) in text
        assert (detail["name"] or "").split("\n")[0] in text
    total = f"{invoice['amount_untaxed']:,.2f}".replace(",", " ").replace(".", ",")
    assert total in text

    site.create(
        "res.users",
        name="Reader",
        login="reader",
        password="reader",
        lang="fr_FR",
        partner_id=customer,
        group_ids=[(6, 0, [site.ref("base.group_portal")])],
    )
    page.goto(f"{site.url}/web/session/logout?redirect=/web/login")
    page.fill("input[name=login]", "reader")
    page.fill("input[name=password]", "reader")
    page.click("button[type=submit]")
    page.goto(f"{site.url}/fr/my/invoices/{row['id']}")
    document = page.frame_locator("#invoice_html")
    expect(document.locator("[name=psa_annex] h4")).to_have_text(
        "Annexe : détail des prestations"
    )
    picture(page, "portal")
    assert "Période de facturation" in page.inner_text("[name=billing_period]")
    document.locator("[name=psa_annex]").scroll_into_view_if_needed()
    picture(page, "portal-annex")


def french(day: str) -> str:
    year, month, number = day.split("-")
    return f"{number}/{month}/{year}"


def test_a_run_that_nobody_looks_at(demo):
    """The scheduled action bills, confirms and sends; what cannot go says why."""
    company = demo.ref("base.main_company")
    demo.call("res.company", "write", [company], {"billing_after_run": "send"})
    silent = demo.one("res.partner", [("name", "=", "Harbour Logistics Inc.")], "id")
    demo.call("res.partner", "write", [silent["id"]], {"email": False})
    cron = demo.ref("psa_invoicing.ir_cron_run_due")
    demo.call("ir.cron", "method_direct_trigger", [cron])
    work_off(demo)
    run = demo.one("psa.invoice.run", [], "invoice_ids", "state")
    assert run["state"] == "done"
    invoices = demo.call(
        "account.move",
        "read",
        run["invoice_ids"],
        ["name", "psa_state", "partner_id", "billing_sending_error"],
    )
    sent = [each for each in invoices if each["psa_state"] == "sent"]
    assert len(sent) >= 2
    mails = demo.wait_for_mail(len(sent))
    for invoice in sent:
        (mail,) = [each for each in mails if invoice["name"] in each["Subject"]]
        assert invoice["name"] in pdf_text(mail)
    left = [each for each in invoices if each["partner_id"][0] == silent["id"]]
    assert left and {each["psa_state"] for each in left} == {"draft"}
    assert all("no e-mail address" in each["billing_sending_error"] for each in left)
