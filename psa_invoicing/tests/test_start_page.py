# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The overview says what needs a person today, and opens the lists behind it."""

from datetime import date, datetime
from unittest.mock import patch

from freezegun import freeze_time
from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tests import HttpCase, tagged
from odoo.tools import formatLang
from odoo.tools.safe_eval import safe_eval

from .common import BillingCase

START_PAGE = "odoo.addons.psa_invoicing.models.backlog.psa_start_page"
JANUARY = date(2026, 1, 31)
MARCH = date(2026, 3, 31)


class StartPageCase(BillingCase):
    """Every hour costs 100.00; nothing but what a test makes is there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.env["psa.invoice.run"].sudo().search([]).unlink()

    @classmethod
    def plan(cls, project, day, **values):
        return (
            cls.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": project.id,
                    "run_date": day,
                    "cutoff_date": day,
                    **values,
                }
            )
        )


@freeze_time(MARCH)
class TestStartPage(StartPageCase):
    def page(self, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["psa.start.page"].with_user(user or self.env.user)

    def cards(self, user=None):
        """What is on the cards, by key."""
        sections = self.page(user).get_start_page()["sections"]
        return {
            card["key"]: (
                card["count"],
                [text.replace("\N{NO-BREAK SPACE}", " ") for text in card["details"]],
            )
            for section in sections
            for card in section["cards"]
        }

    def listed(self, key, user=None):
        """What the list behind a card shows, as the client asks for it."""
        action = self.page(user).open_card(key)
        Model = self.env[action["res_model"]].with_user(user or self.env.user)
        view_id = action["search_view_id"] and action["search_view_id"][0]
        arch = etree.fromstring(Model.get_view(view_id, "search")["arch"])
        wanted = {
            name.removeprefix("search_default_")
            for name, value in action["context"].items()
            if name.startswith("search_default_") and value
        }
        names = {"uid": (user or self.env.user).id}
        domain = Domain(safe_eval(action["domain"] or "[]", names))
        for node in arch.iter("filter"):
            if node.get("name") in wanted and node.get("domain"):
                domain &= Domain(safe_eval(node.get("domain"), names))
        return Model.search(domain)

    # === A billing administrator ===

    def test_nothing_to_do(self):
        page = self.page().get_start_page()
        self.assertEqual(page["sections"], [])
        self.assertFalse(page["last_run"])
        self.assertEqual(page["problem"], "")

    def test_drafts(self):
        """Two drafts of 200 and 300; an entry on the second one of January was
        corrected: an hour of it is open."""
        first = self.time_project(2)._psa_invoice(JANUARY)
        project = self.time_project(3)
        second = project._psa_invoice(JANUARY)
        project.timesheet_ids.unit_amount = 4
        self.assertEqual(
            self.cards(),
            {
                "draft": (2, ["$ 500.00"]),
                "needs_recalculation": (1, ["$ 300.00"]),
                "older_60": (1, ["$ 100.00"]),
            },
        )
        self.assertEqual(self.listed("draft"), first | second)
        self.assertEqual(self.listed("needs_recalculation"), second)
        second.button_cancel()
        self.assertEqual(
            self.cards(),
            {"draft": (1, ["$ 200.00"]), "older_60": (1, ["$ 400.00"])},
        )

    def test_of_a_lot_the_page_says_how_much_when_it_is_there(self):
        """Two drafts of 200 and 300, and a page that counts one of a kind."""
        self.time_project(2)._psa_invoice(JANUARY)
        self.time_project(3)._psa_invoice(JANUARY)
        with patch(f"{START_PAGE}.COUNT_LIMIT", 1):
            self.assertEqual(self.cards(), {"draft": ("1+", [])})
            [section] = self.page().get_start_page()["sections"]
            self.assertTrue(section["cards"][0]["is_cut"])
            card = self.page().get_card("draft")
        self.assertEqual((card["count"], card["is_cut"]), (2, False))
        self.assertEqual(
            card["details"],
            [formatLang(self.env, 500, currency_obj=self.env.company.currency_id)],
        )
        self.assertIsNone(self.page().get_card("overdue"))
        with self.assertRaisesRegex(UserError, "not for you"):
            self.page().get_card("nothing")

    def test_to_send_and_to_collect(self):
        """Confirmed, untaxed 200, and due in February: 230 are overdue."""
        move = self.time_project(2)._psa_invoice(JANUARY)
        move.invoice_payment_term_id = False
        move.write({"invoice_date": JANUARY, "invoice_date_due": date(2026, 2, 28)})
        move.action_post()
        self.assertEqual(
            self.cards(),
            {"confirmed": (1, ["$ 200.00"]), "overdue": (1, ["$ 230.00"])},
        )
        self.assertEqual(self.listed("overdue"), move)
        move.sudo().billing_sending_error = "The mailbox is full"
        move.invoice_date_due = MARCH
        self.assertEqual(
            self.cards(),
            {"confirmed": (1, ["$ 200.00"]), "sending_failed": (1, ["$ 200.00"])},
        )
        self.assertEqual(self.listed("sending_failed"), move)

    def test_reviews(self):
        """One of two submitted drafts waits for the administrator's own review."""
        self.env.company.billing_review_required = True
        other = self.person("reviewer", "psa_invoicing.group_billing_reviewer")
        mine = self.time_project(2, user_id=self.env.user.id)._psa_invoice(JANUARY)
        others = self.time_project(3, user_id=other.id)._psa_invoice(JANUARY)
        (mine | others).action_psa_submit()
        self.assertEqual(
            self.cards(),
            {"my_reviews": (1, ["$ 200.00"]), "in_review": (2, ["$ 500.00"])},
        )
        self.assertEqual(self.listed("my_reviews"), mine)
        mine.action_psa_approve()
        self.assertEqual(
            self.cards(),
            {"in_review": (1, ["$ 300.00"]), "approved": (1, ["$ 200.00"])},
        )
        self.assertEqual(self.listed("in_review"), others)

    def test_rows_of_the_schedule(self):
        """Of four rows one is not due yet, and one has failed."""
        project, other = self.project(), self.project()
        due = self.plan(project, date(2026, 3, 30)) | self.plan(project, MARCH)
        self.plan(project, date(2026, 4, 30))
        failed = self.plan(other, date(2026, 3, 1), state="failed")
        self.assertEqual(
            self.cards(), {"due": (2, ["1 project"]), "failed": (1, ["1 project"])}
        )
        self.assertEqual(self.listed("due"), due)
        self.assertEqual(self.listed("failed"), failed)
        self.plan(other, date(2026, 3, 2))
        self.assertEqual(self.cards()["due"], (3, ["2 projects"]))

    def test_billing_leakage(self):
        """Two hours without contract line cost 80.00."""
        self.log(self.project(), date(2026, 3, 2), 2)
        self.assertEqual(self.cards(), {"leakage": (1, ["$ 80.00"])})
        self.assertEqual(self.listed("leakage").hours, 2)
        context = self.page().open_card("leakage")["context"]
        self.assertTrue(context["search_default_group_by_partner"])

    def test_the_backlog(self):
        """29 January is 61 days ago, 30 January 60. Whether it is ready or on hold; it
        is old all the same when it has no price."""
        project = self.project()
        self.contract(project)
        held, ready, _young = (
            self.log(project, date(2026, 1, day), day) for day in (28, 29, 30)
        )
        held.action_psa_hold("Disputed")
        unsold = self.log(self.project(), date(2026, 1, 2), 1)
        self.assertEqual(self.cards()["older_60"], (3, ["$ 5,700.00"]))
        self.assertEqual(
            self.listed("older_60").mapped("source_id"), (unsold | held | ready).ids
        )
        context = self.page().open_card("older_60")["context"]
        self.assertEqual(context, {"search_default_older_60": 1})

    def test_credited(self):
        """Of 200 that were credited somebody has to say what becomes of them."""
        move = self.time_project(2)._psa_invoice(JANUARY)
        move.action_post()
        move._reverse_moves().action_post()
        self.assertEqual(self.cards()["credited"], (1, ["$ 200.00"]))
        self.assertEqual(self.listed("credited").open_quantity, 2)

    def test_the_last_run(self):
        """Of two rows one fails, as its project has no customer."""
        self.plan(self.time_project(2), JANUARY)
        self.plan(self.project(partner_id=False), JANUARY)
        self.run_due(date(2026, 2, 1))
        self.env["psa.invoice.run"].sudo().create(
            {"run_date": MARCH, "is_dry_run": True}
        )
        last = self.page().get_start_page()["last_run"]
        self.assertEqual(last["name"], "Invoice Run 02/01/2026")
        self.assertEqual(last["points"][:2], ["1 of 2 processed", "1 failed"])
        self.assertIn("finished", last["points"][-1])

    def test_why_nothing_is_billed_by_itself(self):
        self.plan(self.project(), date(2026, 4, 30))
        self.env.ref("psa_invoicing.ir_cron_run_due").active = False
        self.assertIn("switched off", self.page().get_start_page()["problem"])

    def test_companies_that_are_switched_on(self):
        """A sister company has a draft of 300 in its own currency."""
        self.time_project(2)._psa_invoice(JANUARY)
        home = self.env.company
        euro = self.setup_other_currency("EUR")
        sister = self._create_company(name="Sister", currency_id=euro.id)
        journal = self.env["account.journal"].search(
            [("company_id", "=", sister.id), ("type", "=", "sale")], limit=1
        )
        self.env["account.move"].sudo().create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "journal_id": journal.id,
                "company_id": sister.id,
                "is_project_invoice": True,
                "billing_cutoff_date": JANUARY,
                "billing_period_start": JANUARY,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Work", "price_unit": 300, "tax_ids": False}
                    )
                ],
            }
        )

        def drafts(companies):
            page = self.page().with_context(allowed_company_ids=companies.ids)
            (section,) = page.get_start_page()["sections"]
            (card,) = section["cards"]
            return card["count"], [
                text.replace("\N{NO-BREAK SPACE}", " ") for text in card["details"]
            ]

        self.assertEqual(drafts(home), (1, ["$ 200.00"]))
        self.assertEqual(drafts(sister), (1, ["300.00 €"]))
        self.assertEqual(drafts(home | sister), (2, ["$ 200.00", "300.00 €"]))

    def test_as_many_queries_for_many(self):
        """One for each card, and a few around them: one is the company's day."""
        self.time_project(2)._psa_invoice(JANUARY)
        self.log(self.project(), date(2026, 3, 2), 2)
        self.cards()
        page = self.page()
        with self.assertQueryCount(31):
            page.get_start_page()
        for _each in range(5):
            self.time_project(2)._psa_invoice(JANUARY)
            self.log(self.project(), date(2026, 3, 2), 2)
        self.assertEqual(self.cards()["draft"][0], 6)
        page = self.page()
        with self.assertQueryCount(31):
            page.get_start_page()

    # === Others ===

    def test_a_reviewer_sees_what_he_reviews(self):
        """Of three drafts one was submitted to him, and one to somebody else."""
        self.env.company.billing_review_required = True
        reviewer, other = (
            self.person(name, "psa_invoicing.group_billing_reviewer")
            for name in ("reviewer", "other")
        )
        mine = self.time_project(2, user_id=reviewer.id)._psa_invoice(JANUARY)
        others = self.time_project(3, user_id=other.id)._psa_invoice(JANUARY)
        self.time_project(4, billing_user_id=reviewer.id)._psa_invoice(JANUARY)
        (mine | others).action_psa_submit()
        self.plan(self.project(), MARCH, state="failed")
        self.log(self.project(), date(2026, 3, 2), 2)
        self.assertEqual(self.cards(reviewer), {"in_review": (1, ["$ 200.00"])})
        self.assertEqual(self.listed("in_review", reviewer), mine)
        page = self.page(reviewer).get_start_page()
        self.assertFalse(page["is_manager"])
        self.assertFalse(page["last_run"])
        with self.assertRaisesRegex(UserError, "not for you"):
            self.page(reviewer).open_card("failed")

    def test_nobody_else(self):
        colleague = self.person("colleague", "project.group_project_manager")
        with self.assertRaises(AccessError):
            self.page(colleague).get_start_page()
        with self.assertRaises(AccessError):
            self.page(colleague).open_card("draft")


@tagged("post_install", "-at_install")
class TestStartPageInTheBrowser(StartPageCase, HttpCase):
    def test_each_card_opens_its_list(self):
        self.env.ref("base.user_admin").write(
            {
                "company_ids": [Command.link(self.env.company.id)],
                "company_id": self.env.company.id,
            }
        )
        self.env["psa.invoice.run"].sudo().create(
            {
                "run_date": JANUARY,
                "state": "done",
                "finished_at": datetime(2026, 2, 1, 3),
            }
        )
        for hours in (2, 3):
            self.time_project(hours)._psa_invoice(JANUARY)
        for day in (1, 2, 3):
            self.plan(self.project(), date(2026, 1, day), state="failed")
        self.start_tour("/odoo", "psa_invoicing_start_page", login="admin")
