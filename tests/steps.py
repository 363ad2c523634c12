"""Steps that journeys share."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from playwright.sync_api import expect
from pypdf import PdfReader


def pdf_text(mail) -> str:
    """The text of the one PDF that is attached to a mail."""
    (attachment,) = [
        part
        for part in mail.iter_attachments()
        if part.get_content_type() == "application/pdf"
    ]
    return document_text(attachment.get_content())


def document_text(content: bytes) -> str:
    """The text of a PDF."""
    return "\n".join(
        page.extract_text().replace("\t", " ")
        for page in PdfReader(BytesIO(content)).pages
    )


@contextmanager
def slow(page, method: str) -> Iterator[list]:
    """Requests of a method are on their way until the end of the block.

    :return: those requests, as they come
    """
    requests = []
    is_slow = True

    def handle(request):
        if is_slow:
            requests.append(request)
        else:
            request.continue_()

    page.route(f"**/web/dataset/call_kw/*/{method}", handle)
    yield requests
    is_slow = False
    for request in requests:
        request.continue_()


def open_menu(page, xmlid: str) -> None:
    page.click(f".o_menu_sections [data-menu-xmlid='{xmlid}']")


def open_app(page) -> None:
    page.click(".o_navbar_apps_menu button")
    page.click("[data-menu-xmlid='psa_invoicing.menu_root']")
    page.wait_for_selector(".o_menu_brand:has-text('Project Service')")


def invoice_number(page) -> str:
    return page.inner_text(".oe_title .o_field_widget[name=name]").strip()


def wait_for_status(page, label: str) -> None:
    page.wait_for_selector(
        f".o_field_widget[name=psa_state] .o_arrow_button_current:has-text('{label}')"
    )


def expect_next(page, action: str) -> None:
    """One button of the invoice stands out, and stands first."""
    buttons = page.locator(".o_statusbar_buttons > button")
    expect(buttons.first).to_have_attribute("name", f"action_psa_{action}")
    expect(buttons.and_(page.locator(".btn-primary"))).to_have_count(1)
    expect(buttons.first).to_contain_class("btn-primary")


def install_french(site) -> None:
    languages = site.call(
        "res.lang",
        "search",
        [("code", "=", "fr_FR")],
        context={"active_test": False},
    )
    install = site.create("base.language.install", lang_ids=[(6, 0, languages)])
    site.call("base.language.install", "lang_install", [install])


def wait_for_state(page, state: str) -> None:
    """Also where the status bar has no room to show it, and in any language."""
    page.wait_for_selector(
        f".o_field_widget[name=psa_state] .o_arrow_button_current[data-value={state}]",
        state="attached",
    )
