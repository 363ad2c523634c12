"""The examples of the documentation, as another system runs them: over HTTP with a key.

They are taken from the page as they stand there.
"""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from io import BytesIO

import openpyxl
import pytest
import requests
from steps import install_french

from tools import database
from tools.settings import ROOT

PAGE = (ROOT / "docs" / "external-api.md").read_text()


@pytest.fixture(scope="module")
def demo(start_site):
    site = start_site("psa_system_api", database.addon_template())
    site.key = api_key(site)
    site.expected = ("is no date",)
    return site


def api_key(site) -> str:
    """What a person gets from the preferences, after entering the password again."""
    values = {"name": "Another system", "duration": "1"}
    description = site.create("res.users.apikeys.description", **values)
    asked = site.call("res.users.apikeys.description", "make_key", [description])
    shown = site.call(
        asked["res_model"],
        "run_check",
        [asked["res_id"]],
        context={"password": "admin"},
    )
    return shown["context"]["default_key"]


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return code


def run(site, *command: str) -> str:
    """:return: what a program prints that knows where Odoo is, and a key"""
    ended = subprocess.run(
        command,
        env={
            **os.environ,
            "ODOO_URL": site.url,
            "ODOO_DB": site.database,
            "ODOO_KEY": site.key,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_from_the_backlog_to_paid(demo):
    project = demo.one("project.project", [("name", "=", "Website relaunch")], "id")[
        "id"
    ]
    printed = run(demo, sys.executable, "-c", example("python"))
    invoice = demo.one(
        "account.move",
        [("billing_project_ids", "in", [project]), ("psa_state", "=", "paid")],
        "name",
        "amount_residual",
        "amount_untaxed",
        "psa_state",
    )
    assert invoice["amount_residual"] == 0
    assert f"{invoice['name']} is sent." in printed
    assert f"{invoice['name']} is paid, 0.00 due" in printed
    assert f"0 changes, {invoice['amount_untaxed']:.2f} untaxed" in printed
    assert "Left out: On hold (" in printed
    assert any(invoice["name"] in mail["subject"] for mail in demo.wait_for_mail())
    held = [("project_id", "=", project), ("status", "=", "hold")]
    assert demo.one("psa.backlog", [*held, ("hold_reason", "=", "Disputed")], "amount")


def results(printed: str) -> list:
    """What several calls have answered, one after the other."""
    reader, found = json.JSONDecoder(), []
    while printed := printed.strip():
        result, end = reader.raw_decode(printed)
        found.append(result)
        printed = printed[end:]
    return found


def test_a_nightly_run(demo):
    """Tried, run, and run again by a scheduler that did not hear the answer."""
    trial, night, (last,) = results(run(demo, "bash", "-ec", example("bash")))
    assert trial["is_dry_run"] and not trial["invoice_ids"]
    assert night["state"] == "done" and not night["is_dry_run"]
    assert night["total"] == night["done"] == trial["total"] > 0
    invoices = demo.call(
        "account.move", "read", night["invoice_ids"], ["amount_untaxed"]
    )
    assert sum(night["totals"].values()) == pytest.approx(
        sum(invoice["amount_untaxed"] for invoice in invoices)
    )
    assert last["id"] == night["id"]
    _trial, again, _last = results(run(demo, "bash", "-ec", example("bash")))
    assert (again["total"], again["invoice_ids"]) == (0, [])


def test_a_run_on_a_day_that_is_none(demo):
    answer = requests.post(
        f"{demo.url}/json/2/psa.invoice.run/psa_run",
        json={"run_date": "tonight"},
        headers={"Authorization": f"bearer {demo.key}"},
        timeout=60,
    )
    assert answer.status_code == 422
    assert "“tonight” is no date" in answer.json()["message"]


def test_a_spreadsheet_in_french(demo):
    """Headers and words in the language of whoever exports."""
    install_french(demo)
    (user,) = demo.call("res.users", "search", [("login", "=", "admin")])
    demo.call("res.users", "write", [user], {"lang": "fr_FR"})
    demo.log_in()
    (export,) = demo.call(
        "ir.exports", "search", [("resource", "=", "psa.invoice.detail")]
    )
    columns = demo._rpc(
        "/web/export/namelist", {"model": "psa.invoice.detail", "export_id": export}
    )
    page = demo.session.get(f"{demo.url}/odoo", timeout=60).text
    answer = demo.session.post(
        f"{demo.url}/web/export/xlsx",
        data={
            "csrf_token": re.search(r'csrf_token: "(\w+)"', page)[1],
            "data": json.dumps(
                {
                    "model": "psa.invoice.detail",
                    "fields": [
                        {
                            "name": column["id"],
                            "label": column["string"],
                            "type": column["field_type"],
                        }
                        for column in columns
                    ],
                    "ids": False,
                    "domain": [("transaction_type", "=", "time")],
                    "import_compat": False,
                    "context": {"lang": "fr_FR"},
                }
            ),
        },
        timeout=60,
    )
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
    head, first, *_others = sheet.iter_rows(values_only=True)
    row = dict(zip(head, first, strict=True))
    assert row["Nature de facturation"] in ("Facturable", "Offert", "Non facturable")
    assert row["Quantité"] > 0
    assert isinstance(row["Date"], datetime)
