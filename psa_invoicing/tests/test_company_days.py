# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Dates are days in the calendar of the company, wherever the server and the user are.

The company works in Brussels, its administrator sits in New York: at eight in the
evening there, the next day has begun in Brussels.
"""

from datetime import date

from freezegun import freeze_time

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user

from .common import BillingCase

BRUSSELS = "Europe/Brussels"
# Eight in the evening of 30 January in New York, two at night in Brussels.
EVENING = "2026-01-31 01:00:00"
TODAY = date(2026, 1, 31)


class DaysCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.env.company.resource_calendar_id.tz = BRUSSELS
        cls.traveller = new_test_user(
            cls.env,
            login="traveller",
            tz="America/New_York",
            groups="psa_invoicing.group_billing_manager,"
            "project.group_project_manager,hr_timesheet.group_timesheet_manager,"
            "sales_team.group_sale_manager,account.group_account_invoice",
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    def there(self, records):
        """As the user in New York sees them."""
        there = records.with_user(self.traveller).with_company(self.env.company)
        return there.with_context(tz=self.traveller.tz)

    def firm_in_auckland(self):
        """Twelve hours ahead of Brussels; the user has both companies switched on."""
        firm = self.setup_other_company()["company"]
        firm.resource_calendar_id = firm.resource_calendar_id.copy()
        firm.resource_calendar_id.tz = "Pacific/Auckland"
        self.both = self.env(
            context={"allowed_company_ids": (self.env.company | firm).ids}
        )
        return firm

    def project_of(self, company, day):
        """A project of a company with its own contract, and an hour of work."""
        env = self.env(context={"allowed_company_ids": company.ids})
        product = env["product.product"].create(
            {
                "name": "Hour",
                "type": "service",
                "invoice_policy": "delivery",
                "service_type": "timesheet",
                "uom_id": self.hour.id,
                "list_price": 70,
                "taxes_id": [Command.clear()],
            }
        )
        project = env["project.project"].create(
            {
                "name": f"Project of {company.name}",
                "partner_id": self.customer.id,
                "allow_billable": True,
                "company_id": company.id,
            }
        )
        order = env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": product.id})],
            }
        )
        order.action_confirm()
        project.sale_line_id = order.order_line
        employee = env["hr.employee"].create({"name": "Zoe", "company_id": company.id})
        env["account.analytic.line"].create(
            {
                "name": "Work",
                "project_id": project.id,
                "employee_id": employee.id,
                "date": day,
                "unit_amount": 1,
            }
        )
        return project


class TestNight(DaysCase):
    """An invoice run at night confirms what it makes; its user has no time zone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.billing_after_run = "send"

    def night(self, zone, now, day, **values):
        """:return: the invoice that the scheduled action makes at that moment"""
        self.env.company.write(values)
        self.env.company.resource_calendar_id.tz = zone
        project = self.project()
        self.contract(project)
        self.log(project, date(2025, 12, 1), 2)
        row = (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create({"project_id": project.id, "run_date": day, "cutoff_date": day})
        )
        self.env.ref("base.user_root").partner_id.tz = False
        with freeze_time(now), self.enter_registry_test_mode():
            self.env.ref("psa_invoicing.ir_cron_run_due").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(row.invoice_ids.state, "posted")
        return row.invoice_ids

    def test_half_past_midnight_of_new_year_in_paris(self):
        """It is still the old year for the server."""
        new_year = date(2026, 1, 1)
        invoice = self.night("Europe/Paris", "2025-12-31 23:30:00", new_year)
        self.assertEqual(invoice.invoice_date, new_year)
        self.assertEqual(invoice.date, new_year)
        self.assertEqual(invoice.invoice_date_due, new_year)
        self.assertIn("/2026/", invoice.name)

    def test_nine_in_the_evening_in_los_angeles(self):
        """It is the next month already for the server."""
        day = date(2026, 4, 30)
        invoice = self.night("America/Los_Angeles", "2026-05-01 04:00:00", day)
        self.assertEqual(invoice.invoice_date, day)
        self.assertEqual(invoice.invoice_date_due, day)

    def test_dated_by_the_run(self):
        """Due on 1 July, and not on the 30th of June that the server still has."""
        day = date(2026, 7, 1)
        invoice = self.night(
            "Europe/Paris", "2026-06-30 22:30:00", day, billing_invoice_date="run"
        )
        self.assertEqual(invoice.invoice_date, day)
        self.assertEqual(invoice.invoice_date_due, day)

    def test_companies_in_one_go(self):
        """At the same moment, each invoice has the day of its own company."""
        firms = self.env.company | self.firm_in_auckland()
        moves = self.env["account.move"]
        for firm in firms:
            moves |= self.project_of(firm, TODAY)._psa_invoice(TODAY)
        ordinary = self.init_invoice("out_invoice", amounts=[1], post=False)
        ordinary.invoice_date = False
        moves = (moves | ordinary).with_env(self.both)
        with freeze_time("2026-02-01 11:30:00"):
            moves.with_context(tz="Etc/GMT+12").action_post()
        self.assertEqual(moves.mapped("state"), ["posted"] * 3)
        self.assertEqual(
            moves.mapped("invoice_date"),
            [date(2026, 2, 1), date(2026, 2, 2), date(2026, 1, 31)],
            "An ordinary one has the day of the user, at the date line.",
        )


@freeze_time(EVENING)
class TestElsewhere(DaysCase):
    """What a user in New York does in the evening happens on the day of Brussels."""

    def posted(self):
        move = self.time_project(2)._psa_invoice(TODAY)
        self.there(move).action_post()
        return move

    def test_helpers(self):
        company = self.there(self.env.company)
        self.assertEqual(company._billing_today(), TODAY)
        evening = fields.Datetime.to_datetime(EVENING)
        self.assertEqual(company._billing_day(evening), TODAY)

    # === What is billed ===

    def test_a_milestone_is_reached(self):
        project = self.project()
        milestone = self.milestone(
            project, self.contract(project, self.milestone_product), 0.5
        )
        self.there(milestone).is_reached = True
        self.assertEqual(milestone.reached_date, TODAY)
        milestone.is_reached = False
        self.assertFalse(milestone.reached_date)

    def test_milestones_of_several_companies(self):
        """Half past three in the afternoon here, half past midnight in Auckland."""
        firms = self.env.company | self.firm_in_auckland()
        milestones = self.env["project.milestone"].create(
            [
                {
                    "name": company.name,
                    "project_id": self.project(company_id=company.id).id,
                }
                for company in firms
            ]
        )
        with freeze_time("2026-01-31 11:30:00"):
            milestones.is_reached = True
            self.assertEqual(
                milestones.mapped("reached_date"), [TODAY, date(2026, 2, 1)]
            )

    def test_an_order_is_confirmed(self):
        """Its lines count from the company's day; so does the project that it makes."""
        ordered = self._service("Licence", "manual", self.hour)
        ordered.invoice_policy = "order"
        created = self._service("Hours", "timesheet", self.hour)
        created.service_tracking = "project_only"
        monthly = self.env.ref("psa_invoicing.frequency_monthly_last_day")
        created.billing_frequency_id = monthly
        order = self.there(self.env["sale.order"]).create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create({"product_id": product.id})
                    for product in (ordered, created)
                ],
            }
        )
        order.action_confirm()
        self.assertEqual(order.order_line[0].billing_date, TODAY)
        self.assertEqual(order.project_ids.billing_start_date, TODAY)

    def test_a_quantity_is_delivered(self):
        product = self._service("Training", "manual", self.hour)
        line = self.contract(self.project(), product)
        self.there(line).qty_delivered = 1
        self.assertEqual(line.billing_date, TODAY)

    def test_a_project_starts_to_be_billed(self):
        project = self.project()
        self.there(project).billing_frequency_id = self.env.ref(
            "psa_invoicing.frequency_monthly_last_day"
        )
        self.assertEqual(project.billing_start_date, TODAY)

    def test_time_is_written_off(self):
        project = self.time_project(2)
        self.there(project.timesheet_ids).action_psa_write_off("Too long")
        detail = self.env["psa.invoice.detail"].search(
            [("project_id", "=", project.id)]
        )
        self.assertEqual(detail.write_off_date, TODAY)

    # === The backlog ===

    def test_what_is_dated_today_is_ready(self):
        project = self.project()
        self.contract(project)
        for day in (TODAY, date(2025, 12, 2), date(2025, 12, 1)):
            self.log(project, day, 1)
        self.env.flush_all()
        rows = self.there(self.env["psa.backlog"]).search(
            [("project_id", "=", project.id)], order="date desc"
        )
        self.assertEqual(rows.mapped("status"), ["ready"] * 3)
        self.assertEqual(rows.mapped("age"), [0, 60, 61])
        self.assertEqual(rows.mapped("age_band"), ["0", "30", "60"])

    def test_each_company_has_its_own_backlog(self):
        """Dated on the first of February, when that has begun in Auckland alone."""
        projects = self.env["project.project"]
        for firm in self.env.company | self.firm_in_auckland():
            projects |= self.project_of(firm, date(2026, 2, 1))
        self.env.flush_all()
        with freeze_time("2026-01-31 11:30:00"):
            rows = self.both["psa.backlog"].search([("project_id", "in", projects.ids)])
            self.assertEqual(
                {row.project_id: (row.status, row.age) for row in rows},
                {projects[0]: ("later", -1), projects[1]: ("ready", 0)},
            )

    # === The invoice ===

    def test_an_invoice_is_confirmed(self):
        move = self.posted()
        self.assertEqual(move.invoice_date, TODAY)
        self.assertEqual(move.invoice_date_due, TODAY)

    def test_it_is_dated_by_the_day_it_was_made(self):
        self.env.company.billing_invoice_date = "run"
        project = self.time_project(2)
        self.assertEqual(self.there(project)._psa_invoice(TODAY).invoice_date, TODAY)

    def test_an_invoice_is_sent(self):
        move = self.posted()
        self.there(move).action_psa_mark_sent()
        self.assertEqual(move.billing_sent_date, TODAY)

    def test_an_invoice_is_approved(self):
        self.env.company.billing_review_required = True
        reviewer = self.env.ref("psa_invoicing.group_billing_reviewer")
        self.traveller.group_ids += reviewer
        project = self.time_project(2, user_id=self.traveller.id)
        move = project._psa_invoice(TODAY)
        move.action_psa_submit()
        self.there(move).action_psa_approve()
        self.assertEqual(move.billing_review_date, TODAY)

    def test_an_invoice_is_credited_and_paid(self):
        """With Odoo's dialogs. A credit note of today is no credit note of tomorrow
        that Odoo would post by itself."""
        move = self.posted()
        there = self.there(move).with_context(
            active_model="account.move", active_ids=move.ids
        )
        payment = there.env["account.payment.register"].create({})
        self.assertEqual(payment.payment_date, TODAY)
        reversal = there.env["account.move.reversal"].create(
            {"journal_id": move.journal_id.id}
        )
        reversal.refund_moves()
        credit_note = reversal.new_move_ids
        self.assertEqual(credit_note.invoice_date, TODAY)
        self.assertEqual(credit_note.auto_post, "no")
        credit_note.invoice_date = False
        self.there(credit_note).action_post()
        self.assertEqual(credit_note.invoice_date, TODAY)

    def test_an_ordinary_invoice_is_left_to_odoo(self):
        move = self.init_invoice("out_invoice", amounts=[100], post=True)
        there = self.there(move).with_context(
            active_model="account.move", active_ids=move.ids
        )
        payment = there.env["account.payment.register"].create({})
        self.assertEqual(payment.payment_date, date(2026, 1, 30))

    def test_the_rate_is_that_of_the_invoice_date(self):
        """Odoo takes a rate for typed that is not of the day on which the server made
        the draft."""
        currency = self.setup_other_currency(
            "EUR",
            rates=[("2026-01-30", 2.0), ("2026-01-31", 3.0), ("2026-02-02", 4.0)],
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": currency.id}
        )
        project = self.project()
        self.contract(project, pricelist_id=pricelist.id, price_unit=100)
        self.log(project, date(2026, 1, 5), 4)
        move = self.there(project)._psa_invoice(TODAY)
        # The clock of PostgreSQL goes on.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET create_date = %s WHERE id = %s", [EVENING, move.id]
        )
        self.env.invalidate_all()
        with freeze_time("2026-02-02 12:00:00"):
            self.there(move).action_post()
        self.assertEqual(move.amount_untaxed, 400)
        self.assertEqual(move.amount_untaxed_signed, 100, "Four euros a dollar.")

    # === Dialogs ===

    def test_what_dialogs_propose(self):
        """At the end of the month in New York, the next one has begun in Brussels."""
        project = self.time_project(2)
        january = date(2026, 1, 31)
        with freeze_time("2026-02-01 01:00:00"):
            wizard = self.there(self.env["psa.manual.invoice"]).create(
                {"project_ids": project.ids}
            )
            self.assertEqual(wizard.cutoff_date, january)
            wizard.cutoff_date = date(2026, 2, 1)
            self.assertFalse(wizard.is_cutoff_in_future)
            unbilled = self.there(self.env["psa.unbilled"]).create({})
            self.assertEqual(unbilled.date, january)
            rate = self.there(self.env["psa.contract.rate"]).with_context(
                active_model="sale.order",
                active_id=project.sale_line_id.order_id.id,
            )
            self.assertEqual(
                rate.default_get(["start_date"])["start_date"], date(2026, 3, 1)
            )
            backlog = self.there(self.env["psa.project.backlog"]).create(
                {"project_ids": project.ids, "decision": "bill"}
            )
            self.assertEqual(
                backlog.action_apply()["context"]["default_cutoff_date"],
                date(2026, 2, 1),
            )


class TestDueDate(DaysCase):
    """No project invoice is due before its date."""

    @freeze_time("2026-12-01 10:00:00")
    def draft(self, **values):
        move = self.time_project(2)._psa_invoice(date(2026, 11, 30))
        move.write(values)
        return move

    @freeze_time("2026-12-20 10:00:00")
    def post(self, move):
        move.action_post()
        return move.invoice_date_due

    def test_reviewed_for_three_weeks(self):
        self.assertEqual(self.post(self.draft()), date(2026, 12, 20))

    def test_a_later_day_that_a_person_gave(self):
        day = date(2027, 1, 31)
        self.assertEqual(self.post(self.draft(invoice_date_due=day)), day)

    def test_an_earlier_day_that_a_person_gave(self):
        day = date(2026, 12, 10)
        move = self.draft(invoice_date_due=day)
        self.assertEqual(move.invoice_date_due, day, "It is not dated yet.")
        self.assertEqual(self.post(move), date(2026, 12, 20))

    def test_payment_terms(self):
        terms = self.env.ref("account.account_payment_term_30days")
        move = self.draft(invoice_payment_term_id=terms.id)
        self.assertEqual(self.post(move), date(2027, 1, 19))
        early = self.draft(
            invoice_payment_term_id=terms.id, invoice_date=date(2026, 12, 5)
        )
        early.invoice_date_due = date(2026, 12, 4)
        self.assertEqual(early.invoice_date_due, date(2027, 1, 4))

    def test_it_follows_the_date_of_the_draft(self):
        move = self.draft(invoice_date=date(2027, 12, 5))
        self.assertEqual(move.invoice_date_due, date(2027, 12, 5))
        move.invoice_date = date(2026, 12, 5)
        self.assertEqual(move.invoice_date_due, date(2026, 12, 5), "A slip of the pen.")
        move.invoice_date_due = date(2026, 12, 1)
        self.assertEqual(move.invoice_date_due, date(2026, 12, 5))
        self.assertEqual(self.post(move), date(2026, 12, 5))

    def test_dated_by_the_cutoff(self):
        self.env.company.billing_invoice_date = "cutoff"
        move = self.draft()
        self.assertEqual(move.invoice_date_due, date(2026, 11, 30))
        move.billing_cutoff_date = date(2026, 12, 31)
        self.assertEqual(move.invoice_date_due, date(2026, 12, 31))

    def test_moved_to_the_first_allowed_day(self):
        self.env.company.billing_invoice_date = "cutoff"
        move = self.draft()
        with freeze_time("2026-12-20 10:00:00"):
            self.env.company.sale_lock_date = date(2026, 12, 2)
        self.assertEqual(self.post(move), date(2026, 12, 3))

    def test_a_draft_of_an_earlier_version(self):
        move = self.draft(invoice_date=date(2026, 12, 10))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET invoice_date_due = '2026-12-01' WHERE id = %s",
            [move.id],
        )
        self.env.invalidate_all()
        self.assertEqual(self.post(move), date(2026, 12, 10))

    def test_an_ordinary_invoice_is_left_to_odoo(self):
        with freeze_time("2026-12-01 10:00:00"):
            move = self.init_invoice("out_invoice", amounts=[100], post=False)
            move.write({"invoice_date": False, "invoice_payment_term_id": False})
        due = move.invoice_date_due
        self.assertEqual(self.post(move), due)
