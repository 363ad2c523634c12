"""A whole system for each module of tests: database, Odoo, SMTP server, browser."""

import base64
import email
import email.policy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests
from aiosmtpd.controller import Controller
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    expect,
    sync_playwright,
)

from tools import database, odoo_process
from tools.mail_catcher import catcher
from tools.pdf_engine import PROGRAM, runs_patched
from tools.settings import ROOT, settings
from tools.system_packages import BROWSER

# The arithmetic is plain Python: it is tested without Odoo.
sys.path.insert(0, str(ROOT / "psa_invoicing"))

# Add-ons of examples; their tests run in a database that has them.
collect_ignore = ["addons"]

# Milliseconds: a loaded machine is slow, and not wrong.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Site:
    """A running Odoo with a database of its own."""

    database: str
    url: str
    mail: Path
    process: subprocess.Popen
    log: Path
    smtp: Controller
    expected: tuple[str, ...] = ()
    """Warnings that a test provokes, by a part of their text."""
    session: requests.Session = field(default_factory=requests.Session)
    calls: Iterator[int] = field(default_factory=count)

    def log_in(self, login: str = "admin") -> None:
        """Further calls are made by this user."""
        self._rpc(
            "/web/session/authenticate",
            {"db": self.database, "login": login, "password": login},
        )

    def call(self, model: str, method: str, *args, **kwargs):
        """Call a public method as the web client does.

        :raises RuntimeError: with Odoo's message, if it refuses
        """
        return self._rpc(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": args, "kwargs": kwargs},
        )

    def one(self, model: str, domain: list, *fields: str) -> dict:
        """The values of the one record that a domain finds."""
        found = self.call(model, "search_read", domain, list(fields))
        assert len(found) == 1, (model, domain, found)
        return found[0]

    def create(self, model: str, **values) -> int:
        return self.call(model, "create", [values])[0]

    def ref(self, xmlid: str) -> int:
        module, name = xmlid.split(".")
        domain = [("module", "=", module), ("name", "=", name)]
        return self.one("ir.model.data", domain, "res_id")["res_id"]

    def today(self) -> date:
        """The day of its companies, which is not that of this machine at any hour."""
        (zone,) = {
            calendar["tz"]
            for calendar in self.call("resource.calendar", "search_read", [], ["tz"])
        }
        return datetime.now(ZoneInfo(zone)).date()

    def print_with_system_fonts(self) -> None:
        """Make the text of PDFs readable for a program.

        Without patched Qt, wkhtmltopdf draws letters of web fonts as outlines.
        """
        style = b"* { font-family: 'DejaVu Sans' !important; }"
        self.create(
            "ir.attachment",
            name="system_fonts.css",
            url="/tests/system_fonts.css",
            type="binary",
            mimetype="text/css",
            datas=base64.b64encode(style).decode(),
        )
        self.create(
            "ir.asset",
            name="System fonts",
            bundle="web.report_assets_common",
            path="/tests/system_fonts.css",
        )

    def _rpc(self, path: str, params: dict):
        answer = self.session.post(
            self.url + path,
            json={"jsonrpc": "2.0", "id": next(self.calls), "params": params},
            timeout=120,
        ).json()
        if error := answer.get("error"):
            raise RuntimeError(error["data"]["message"])
        return answer["result"]

    def mails(self) -> list[email.message.EmailMessage]:
        """What the SMTP server has taken so far, oldest first."""
        return [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in sorted(self.mail.glob("*.eml"))
        ]

    def wait_for_mail(self, number: int = 1) -> list[email.message.EmailMessage]:
        """Mail leaves after the transaction: it may take a moment."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and len(self.mails()) < number:
            time.sleep(0.2)
        return self.mails()


@pytest.fixture(scope="module")
def start_site(tmp_path_factory) -> Iterator[Callable[..., Site]]:
    """Start Odoo on a copy of a template; its log must be free of warnings."""
    running = []

    def start(name: str, template: str, *options: str, **environment: str) -> Site:
        """:param options: of Odoo, besides"""
        database.copy(template, name)
        smtp = catcher(tmp_path_factory.mktemp("mail"), odoo_process.free_port())
        smtp.start()
        port = odoo_process.free_port()
        log = settings().logs / f"{name}.log"
        env = {**odoo_process.environment(), **environment}
        with log.open("wb") as output:
            process = subprocess.Popen(
                odoo_process.command(
                    name,
                    f"--http-port={port}",
                    "--smtp=127.0.0.1",
                    f"--smtp-port={smtp.port}",
                    "--max-cron-threads=0",
                    *options,
                ),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
            )
        url = f"http://127.0.0.1:{port}"
        site = Site(name, url, smtp.handler.folder, process, log, smtp)
        running.append(site)
        odoo_process.wait_until_up(process, log, site.url)
        site.log_in()
        if not runs_patched(shutil.which(PROGRAM, path=env["PATH"])):
            site.print_with_system_fonts()
        return site

    yield start
    for site in running:
        site.process.terminate()
        site.process.wait(30)
        site.smtp.stop()
        database.drop(site.database)
    for site in running:
        warnings = odoo_process.warnings_in(site.log.read_text())
        assert not [
            warning
            for warning in warnings
            if not any(text in warning for text in site.expected)
        ]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER.program, args=list(CHROMIUM_OPTIONS)
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable[[Site], Page]]:
    """Log into a site with a real browser; its console must stay free of errors."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_site(site: Site, login: str = "admin") -> Page:
        context = browser.new_context(viewport={"width": 1600, "height": 1000})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site.url}/web/login")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", login)
        page.click("button[type=submit]")
        page.wait_for_selector(".o_main_navbar")
        return page

    yield open_site
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def picture(request) -> Callable[[Page, str], None]:
    """Keep a screenshot, where ``PSA_PICTURES`` names a folder."""

    def take(page: Page, name: str) -> None:
        if folder := os.environ.get("PSA_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(600)
            page.screenshot(path=Path(folder) / f"{request.node.name}-{name}.png")

    return take
