"""Submitted, changed and approved by a reviewer, sent, corrected: in two languages."""

import pytest
from playwright.sync_api import expect
from steps import (
    expect_next,
    install_french,
    invoice_number,
    pdf_text,
    wait_for_state,
)

from tools import database

WORDS = {
    "en_US": {
        "approved": "Approved",
        "annex": "Annex",
        "offered": "Offered",
        "less": "0.25",
    },
    "fr_FR": {
        "approved": "Approuvée",
        "annex": "Annexe",
        "offered": "Offert",
        "less": "0,25",
    },
}


@pytest.fixture(params=sorted(WORDS))
def language(request):
    return request.param


@pytest.fixture
def site(start_site, language):
    """The demo data with its due invoices as drafts, which must be reviewed."""
    started = start_site(f"psa_system_review_{language}", database.addon_template())
    if language == "fr_FR":
        install_french(started)
    reviewer = started.create(
        "res.users",
        name="Rita",
        login="rita",
        password="rita",
        email="rita@example.com",
        lang=language,
        group_ids=[(4, started.ref("psa_invoicing.group_billing_reviewer"))],
    )
    admin = started.ref("base.user_admin")
    started.call("res.users", "write", [admin], {"lang": language})
    project = started.one("project.project", [("name", "=", "Website relaunch")], "id")
    started.call(
        "project.project", "write", [project["id"]], {"billing_user_id": reviewer}
    )
    customers = started.call("res.partner", "search", [("email", "!=", False)])
    started.call("res.partner", "write", customers, {"lang": language})
    company = started.one("res.users", [("id", "=", admin)], "company_id")
    started.call(
        "res.company",
        "write",
        [company["company_id"][0]],
        {"billing_review_required": True},
    )
    started.call("psa.invoice.run", "action_run_due")
    yield started
    # Thrown away: what it is doing just now need not come to an end.
    started.process.kill()
    started.process.wait(30)


def lower_quantity(page, row: int, text: str) -> None:
    """In the row of a draft; a dialog asks what becomes of the rest."""
    cell = f"div[name=detail_ids] .o_data_row >> nth={row} >> td[name=quantity]"
    page.click(cell)
    page.fill(f"{cell} >> input", text)
    page.keyboard.press("Tab")
    page.wait_for_selector(".modal button[name=write_off]")


def test_reviewed_sent_and_corrected(site, language, open_page, picture):
    words = WORDS[language]
    (draft, *_later) = site.call(
        "account.move",
        "search",
        [
            ("psa_state", "=", "draft"),
            ("billing_project_ids.billing_user_id.login", "=", "rita"),
        ],
        order="billing_cutoff_date",
    )
    path = f"{site.url}/odoo/action-psa_invoicing.account_move_action/{draft}"
    biller = open_page(site)
    biller.goto(path)
    lower_quantity(biller, row=1, text=words["less"])
    picture(biller, "0-lowered")
    biller.fill(".modal input", "Rework")
    biller.click(".modal button[name=write_off]")
    expect_next(biller, "submit")
    biller.click("button[name=action_psa_submit]")
    wait_for_state(biller, "in_review")
    picture(biller, "1-submitted")

    reviewer = open_page(site, "rita")
    reviewer.goto(path)
    wait_for_state(reviewer, "in_review")
    reviewer.click("button[name=action_psa_view_details]")
    reviewer.click(".o_data_row >> nth=0 >> .o_list_record_selector input")
    reviewer.click(".o_control_panel button[name=action_psa_offer]")
    reviewer.wait_for_selector(".o_data_row.text-muted")
    picture(reviewer, "2-offered")
    reviewer.goto(path)
    expect_next(reviewer, "approve")
    reviewer.click("button[name=action_psa_approve]")
    reviewer.wait_for_selector(f".badge:has-text('{words['approved']}')")
    picture(reviewer, "3-approved")
    reviewer.context.close()

    screen = biller.viewport_size
    biller.set_viewport_size({**screen, "width": 420})
    biller.reload()
    expect_next(biller, "send")
    picture(biller, "3-on-a-telephone")
    biller.set_viewport_size(screen)
    biller.reload()
    expect_next(biller, "send")
    biller.click("button[name=action_psa_send]")
    biller.click(".modal button[name=action_send_and_print]:enabled")
    wait_for_state(biller, "sent")
    (written_off,) = site.call(
        "psa.invoice.detail",
        "search_read",
        [("is_write_off", "=", True)],
        ["reason"],
    )
    assert written_off["reason"] == "Rework"
    number = invoice_number(biller)
    # The other one told the reviewer of the draft that waits for her.
    (mail,) = [each for each in site.wait_for_mail(2) if number in each["Subject"]]
    text = pdf_text(mail)
    for word in (number, words["annex"], words["offered"]):
        assert word in text

    biller.click("button[name=action_psa_correct]")
    second = ".modal .o_data_row >> nth=1 >> td[name=quantity]"
    biller.click(second)
    biller.fill(f"{second} >> input", "0")
    biller.fill(".modal div[name=reason] input", "Agreed")
    picture(biller, "4-correct")
    biller.click(".modal button[name=action_apply]")
    expect(biller.locator("div[name=detail_ids] .o_data_row")).to_have_count(1)
    picture(biller, "5-credit-note")
    biller.click("button[name=action_post]:visible")
    biller.wait_for_selector("button[name=action_post]", state="hidden")

    credit_note = site.one(
        "account.move",
        [("reversed_entry_id", "=", draft)],
        *("state", "amount_untaxed", "detail_ids"),
    )
    (row,) = site.call(
        "psa.invoice.detail",
        "read",
        credit_note["detail_ids"],
        ["amount", "origin_detail_id", "analytic_line_id"],
    )
    assert credit_note["state"] == "posted"
    assert row["amount"] == -credit_note["amount_untaxed"]
    (entry,) = site.call(
        "account.analytic.line",
        "read",
        [row["analytic_line_id"][0]],
        ["billing_status"],
    )
    assert entry["billing_status"] == "credited"
    biller.context.close()
