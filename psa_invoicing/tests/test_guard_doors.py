# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The worst that was tried, through every door, however a context comes."""

import json
from urllib.parse import urlencode

from odoo.fields import Command
from odoo.tools import mute_logger

from .doors import DOORS, JSON2
from .test_guard import FORGED, JANUARY, GuardCase

PAIRS = [list(pair) for pair in FORGED.items()]
# Doors, and what each makes of a context; of pairs, Odoo makes one as well.
WAYS = [*((door, FORGED) for door in DOORS), (JSON2, PAIRS)]


class TestEveryDoor(GuardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.person("guard_clerk", "account.group_account_invoice")
        cls.seller = cls.person("guard_seller", "sales_team.group_sale_manager")
        elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.stranger = cls.person(
            "guard_stranger", "psa_invoicing.group_billing_manager", company=elsewhere
        )
        cls.posted = cls.work._psa_invoice(JANUARY)
        cls.posted.action_post()
        cls.line = cls.posted.invoice_line_ids
        cls.cancelled = cls.time_project(5)._psa_invoice(JANUARY)
        cls.cancelled.button_cancel()
        cls.open = cls.time_project(6).timesheet_ids

    def attacks(self):
        """What it is called, who does it, to what, how, and what they are told."""
        entry, contract_line = self.entries[0], self.work.sale_line_id
        yield "delete", self.clerk, self.posted, "unlink", {}, "posted|draft"
        for name, user, records, values, told in (
            ("unlock", self.employee, entry, {"timesheet_invoice_id": False}, "nobody"),
            ("lower", self.employee, entry, {"unit_amount": 1}, "already invoiced"),
            ("decide", self.employee, self.open, {"billing_hold": True}, "may|allowed"),
            ("line", self.clerk, self.line, {"quantity": 1}, "no draft any more"),
            ("journal item", self.clerk, self.line, {"balance": -1}, "no draft any"),
            ("paid", self.clerk, self.posted, {"payment_state": "paid"}, "nobody"),
            ("revive", self.clerk, self.cancelled, {"state": "posted"}, "is cancelled"),
            ("cancel", self.clerk, self.posted, {"state": "cancel"}, "is confirmed"),
            (
                "detach",
                self.seller,
                contract_line,
                {"invoice_lines": [Command.unlink(self.line.id)]},
                "said on the invoice",
            ),
            (
                "review",
                self.clerk,
                self.posted,
                {"billing_review": "approved"},
                "nobody writes",
            ),
        ):
            yield name, user, records, "write", {"vals": values}, told
        yield (
            "bill for others",
            self.stranger,
            self.open,
            "action_psa_write_off",
            {"reason": "Why"},
            "belongs to|not allowed|can't access",
        )

    def test_all_of_it(self):
        for name, user, records, method, arguments, told in self.attacks():
            for door, context in WAYS:
                with self.subTest(attack=name, door=door, context=type(context)):
                    self.assert_refused(
                        told,
                        door,
                        user,
                        records,
                        method,
                        context=context,
                        **arguments,
                    )
        self.assertTrue(self.posted.exists())
        self.assertEqual(
            (self.posted.state, self.posted.amount_untaxed, self.cancelled.state),
            ("posted", 900, "cancel"),
        )
        self.assertEqual(self.entries.mapped("unit_amount"), [2, 3, 4])
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])
        self.assertEqual(self.open.open_quantity, 6)
        self.assertEqual(self.posted._psa_disagreements(), [])

    def test_the_page_of_a_report(self):
        """It takes a context as a text; whatever a report does, checks stay on."""
        draft = self.open.project_id._psa_invoice(JANUARY)
        self.env["ir.ui.view"].create(
            {
                "type": "qweb",
                "key": "psa_invoicing.test_report",
                "arch": """<t t-name="psa_invoicing.test_report">
                    <t t-foreach="docs" t-as="doc">
                    <t t-out="doc.invoice_line_ids.write({'price_unit': 300})"/>
                    </t></t>""",
            }
        )
        self.env["ir.actions.report"].create(
            {
                "name": "Price",
                "model": "account.move",
                "report_type": "qweb-html",
                "report_name": "psa_invoicing.test_report",
            }
        )
        self.env.flush_all()
        self.authenticate(self.biller.login, self.biller.login)
        page = f"/report/html/psa_invoicing.test_report/{draft.id}"
        # Odoo tries it without writing first, and says so.
        with mute_logger("odoo.sql_db", "odoo.http"):
            answer = self.url_open(
                f"{page}?{urlencode({'context': json.dumps(FORGED)})}"
            )
        self.assertEqual(answer.status_code, 200, answer.text)
        self.env.invalidate_all()
        self.assertEqual(draft.amount_untaxed, 1800)
        self.assertEqual(draft._psa_disagreements(), [])
