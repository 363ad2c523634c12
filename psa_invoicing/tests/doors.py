# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Calls through the doors that Odoo opens to the outside, as whoever has the key."""

import json
from datetime import timedelta
from xmlrpc.client import Fault

from odoo import fields
from odoo.tests import HttpCase
from odoo.tools import mute_logger

from .common import BillingCase

LOGS = (
    "odoo.addons.base.models",
    "odoo.addons.rpc.controllers.jsonrpc",
    "odoo.addons.rpc.controllers.xmlrpc",
    "odoo.http",
)
WEB, JSON2, XMLRPC, JSONRPC = DOORS = (
    "/web/dataset/call_kw",
    "/json/2",
    "/xmlrpc/2",
    "/jsonrpc",
)


class RefusedError(Exception):
    """What the server says instead of an answer."""


class DoorsCase(BillingCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.keys = {}
        self.logged_in = None

    def key_of(self, user) -> str:
        if user not in self.keys:
            until = fields.Datetime.now() + timedelta(days=1)
            keys = self.env["res.users.apikeys"].with_user(user)
            self.keys[user] = keys._generate("rpc", "tests", until)
        return self.keys[user]

    def through(self, door, user, records, method, context=None, **arguments):
        """Call a method as a client does.

        :param context: what the client sends as such
        :param arguments: by name
        :return: what the client gets
        :raises RefusedError: with what it gets instead
        """
        key = self.key_of(user)
        # As it goes over the wire: a command is a list there.
        arguments = json.loads(json.dumps(arguments, default=str))
        if door != WEB and self.logged_in:
            self.authenticate(None, None)
            self.logged_in = None
        self.env.flush_all()
        send = {
            WEB: self._web,
            JSON2: self._json2,
            XMLRPC: self._xmlrpc,
            JSONRPC: self._jsonrpc,
        }[door]
        try:
            with mute_logger(*LOGS):
                return send(user, key, records, method, context or {}, arguments)
        finally:
            self.env.invalidate_all()

    def assert_refused(self, text, door, user, records, method, **arguments):
        with self.assertRaisesRegex(RefusedError, text):
            self.through(door, user, records, method, **arguments)

    def _positional(self, records, method, arguments):
        """Odoo wants the ids, and the values of new records, without a name."""
        if method == "create":
            return [arguments.pop("vals_list")]
        is_of_model = getattr(getattr(type(records), method), "_api_model", False)
        return [] if is_of_model else [records.ids]

    def _web(self, user, _key, records, method, context, arguments):
        if self.logged_in != user:
            self.authenticate(user.login, user.login)
            self.logged_in = user
        args = self._positional(records, method, arguments)
        return self.web_call(
            f"{WEB}/{records._name}.{method}",
            model=records._name,
            method=method,
            args=args,
            kwargs={**arguments, "context": context},
        )

    def web_call(self, path, **params):
        """What the web client sends somewhere, as who has logged in."""
        answer = self.url_open(path, json={"jsonrpc": "2.0", "params": params}).json()
        if error := answer.get("error"):
            raise RefusedError(f"{error['data']['name']}: {error['data']['message']}")
        return answer.get("result")

    def _json2(self, _user, key, records, method, context, arguments):
        answer = self.url_open(
            f"{JSON2}/{records._name}/{method}",
            data=json.dumps(
                {
                    **({"ids": records.ids} if records else {}),
                    "context": context,
                    **arguments,
                }
            ),
            headers={
                "Authorization": f"bearer {key}",
                "Content-Type": "application/json",
            },
        )
        if not answer.ok:
            raise RefusedError(answer.json()["message"])
        return answer.json()

    def _execute(self, user, key, records, method, context, arguments):
        """What both older doors want."""
        args = self._positional(records, method, arguments)
        kwargs = {**arguments, "context": context}
        name = self.env.cr.dbname
        return [name, user.id, key, records._name, method, args, kwargs]

    def _xmlrpc(self, *call):
        try:
            return self.xmlrpc_object.execute_kw(*self._execute(*call))
        except Fault as fault:
            raise RefusedError(fault.faultString) from fault

    def _jsonrpc(self, *call):
        return self.web_call(
            "/jsonrpc",
            service="object",
            method="execute_kw",
            args=self._execute(*call),
        )
