"""The invoice dates of all projects, in a real browser: what a mouse does to them."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from steps import open_app, open_menu

from tools import database

NEXT_MONTH = (date.today().replace(day=1) + timedelta(days=40)).replace(day=1)
PROJECT = "Website relaunch"


@pytest.fixture(scope="module")
def demo(start_site):
    """The demo data, with two more dates of a project in the next month."""
    site = start_site("psa_system_schedule", database.addon_template())
    site.log_in()
    project = site.one("project.project", [("name", "=", PROJECT)], "id")["id"]
    for day in (10, 20):
        site.create(
            "psa.invoice.schedule",
            project_id=project,
            run_date=NEXT_MONTH.replace(day=day).isoformat(),
            cutoff_date=NEXT_MONTH.isoformat(),
        )
    return site


def open_schedule(page) -> None:
    open_app(page)
    open_menu(page, "psa_invoicing.menu_schedule")
    page.wait_for_selector(".o_list_view .o_data_row")


def cell(page, day: int):
    return page.locator(f".fc-day[data-date='{NEXT_MONTH.replace(day=day)}']")


def event(page, day: int):
    return cell(page, day).locator(f".fc-event:has-text('{PROJECT}')")


def drag(page, source: int, target: int) -> None:
    """As a hand does: press, move over some days, let go."""
    # Hovering waits until it is drawn, and stays where it is.
    event(page, source).hover(position={"x": 20, "y": 5})
    page.mouse.down()
    end = cell(page, target).bounding_box()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=10)
    page.mouse.up()


def test_a_date_is_dragged_to_another_day(demo, open_page, picture):
    page = open_page(demo)
    open_schedule(page)
    page.click(".o_switch_view.o_calendar")
    page.click(".o_calendar_button_next")
    event(page, 10).wait_for()
    picture(page, "schedule-calendar")
    # It is read and drawn anew once it is written.
    with page.expect_response("**/psa.invoice.schedule/search_read"):
        drag(page, 10, 12)
    expect(event(page, 12)).to_have_count(1)
    expect(event(page, 10)).to_have_count(0)
    rows = demo.call(
        "psa.invoice.schedule",
        "search_read",
        [
            ("run_date", "=", NEXT_MONTH.replace(day=12).isoformat()),
            ("project_id.name", "=", PROJECT),
        ],
        ["project_id", "state"],
    )
    assert [(row["project_id"][1], row["state"]) for row in rows] == [
        (PROJECT, "planned")
    ]

    demo.expected += ("has the invoice date",)
    drag(page, 12, 20)
    refusal = page.locator(".modal:has-text('already')")
    refusal.wait_for()
    picture(page, "schedule-refused")
    refusal.locator("button.btn-primary").click()
    # Shown where it still is, and not where it was dropped.
    expect(event(page, 12)).to_have_count(1)
    expect(event(page, 20)).to_have_count(1)


def test_a_date_is_skipped_with_a_reason_and_planned_again(demo, open_page, picture):
    page = open_page(demo)
    open_schedule(page)
    row = page.locator(f".o_data_row:has-text('{PROJECT}')").first
    row.locator("button:has-text('Skip')").click()
    page.fill(".modal div[name=reason] input", "One invoice for two months")
    picture(page, "schedule-skip")
    page.click(".modal button[name=action_apply]")
    expect(row).to_contain_text("One invoice for two months")
    expect(row).to_contain_text("Skipped")
    row.locator("button:has-text('Plan Again')").click()
    expect(row).to_contain_text("Planned")
    expect(row).not_to_contain_text("One invoice")


def test_next_dates_follow_every_key(demo, open_page, picture):
    page = open_page(demo)
    open_app(page)
    page.goto(f"{demo.url}/odoo/action-psa_invoicing.psa_billing_frequency_action/new")
    dates = page.locator("div[name=next_dates] tbody tr")
    expect(dates).to_have_count(12)
    page.fill("div[name=month_days] input", "15")
    page.keyboard.press("Tab")
    # The 15th and the last day: both in each of six months.
    expect(dates.filter(has_text="/15/")).to_have_count(6)
    page.fill("div[name=month_days] input", "42")
    page.keyboard.press("Tab")
    expect(dates).to_have_count(0)
    expect(page.locator("div[name=next_dates]")).to_contain_text("“42”")
    picture(page, "frequency-wrong")
    page.click("div[name=period] input")
    page.click(".o_select_menu_item:has-text('Weeks')")
    page.locator(".o_recurrent_weekday_checkbox input").nth(3).check()
    expect(dates.filter(has_text="Wed ")).not_to_have_count(0)
    expect(dates).to_have_count(12)
    picture(page, "frequency-weeks")
