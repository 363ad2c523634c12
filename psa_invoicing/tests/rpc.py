# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The real public doors of Odoo, as a role: nothing is called past them."""

import json
from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase
from odoo.tools import mute_logger

from .common import BillingCase

LOGS = ("odoo.http", "odoo.sql_db", "odoo.addons.rpc.controllers.xmlrpc")
REFUSALS = ("AccessError", "UserError", "ValidationError", "MissingError")


class RpcCase(BillingCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = {}

    @classmethod
    def role(cls, login, groups, company=None):
        company = company or cls.env.company
        user = cls.person(
            f"api_{login}",
            groups if "group_portal" in groups else f"base.group_user,{groups}",
            company=company,
            email="api@example.com",
        )
        cls.keys[login] = (
            cls.env["res.users.apikeys"]
            .with_user(user)
            ._generate("rpc", "tests", fields.Datetime.now() + timedelta(days=1))
        )
        return user

    def post(self, model, method, /, login="biller", **values):
        return self.url_open(
            f"/json/2/{model}/{method}",
            data=json.dumps(values),
            headers={
                "Authorization": f"bearer {self.keys[login]}",
                "Content-Type": "application/json",
            },
        )

    def call(self, model, method, /, login="biller", **values):
        answer = self.post(model, method, login, **values)
        self.assertEqual(answer.status_code, 200, answer.text)
        self.env.invalidate_all()
        return answer.json()

    def assert_refused(
        self, text, model, method, /, login="biller", status=422, **values
    ):
        with mute_logger(*LOGS):
            answer = self.post(model, method, login, **values)
        self.assertEqual(answer.status_code, status, answer.text)
        self.assertIn(text, answer.json()["message"])
        self.env.invalidate_all()

    # === As the web client does ===

    def web(self, login, model, method, /, *args, **kwargs) -> dict:
        """What ``/web/dataset/call_kw`` answers to a role."""
        self.authenticate(f"api_{login}", f"api_{login}")
        with mute_logger(*LOGS):
            answer = self.url_open(
                f"/web/dataset/call_kw/{model}/{method}",
                data=json.dumps(
                    {
                        "params": {
                            "model": model,
                            "method": method,
                            "args": args,
                            "kwargs": kwargs,
                        }
                    }
                ),
                headers={"Content-Type": "application/json"},
            )
        self.env.invalidate_all()
        return answer.json()

    def does(self, login, model, method, /, *args, **kwargs):
        """:return: what a call that is allowed gives back"""
        answer = self.web(login, model, method, *args, **kwargs)
        self.assertNotIn("error", answer)
        return answer["result"]

    def is_kept_from(self, login, model, method, /, *args, **kwargs) -> str:
        """:return: the sentence with which a call is refused"""
        answer = self.web(login, model, method, *args, **kwargs)
        self.assertIn("error", answer, f"{login}: {model}.{method} is allowed.")
        data = answer["error"]["data"]
        self.assertIn(data["name"].split(".")[-1], REFUSALS, data["debug"])
        return data["message"]
