# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Time on billable projects that nobody is going to bill, and what is at stake."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command

from .common import BillingCase


@freeze_time("2026-03-31 12:00:00")
class TestLeakage(BillingCase):
    """Alice and Bob cost 40.00 an hour and are sold at 100.00."""

    def leakage(self, projects):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["psa.billing.leakage"].search(
            [("project_id", "in", projects.ids)]
        )

    def figures(self, projects):
        return [
            (row.reason, row.hours, row.amount, row.valued_by)
            for row in self.leakage(projects)
        ]

    def test_what_is_billed_in_time_is_no_leakage(self):
        project = self.time_project(2, 3)
        self.assertEqual(self.figures(project), [])

    # === Without contract line ===

    def test_without_any_price_it_is_worth_its_cost(self):
        project = self.project()
        self.log(project, date(2026, 3, 2), 3)
        self.assertEqual(self.figures(project), [("no_line", 3, 120, "cost")])
        self.assertEqual(self.leakage(project).partner_id, self.customer)
        self.assertEqual(self.leakage(project).employee_id, self.alice)

    def test_at_the_price_of_a_contract_line_of_the_project(self):
        """The order was written for the project, which works on none of its lines."""
        project = self.project()
        entry = self.log(project, date(2026, 3, 2), 3)
        line = self.contract(project, project_id=project.id, discount=10)
        project.sale_line_id = False
        self.assertFalse(entry.so_line)
        self.assertEqual(line.billing_project_id, project)
        self.assertEqual(self.figures(project), [("no_line", 3, 270, "project")])

    def test_at_the_price_of_the_employee(self):
        """Bob's own price counts before that of the project; it is one of days."""
        project = self.project()
        own = self.contract(project, project_id=project.id)
        dear = self.contract(
            project,
            project_id=project.id,
            price_unit=1600,
            product_uom_id=self.day.id,
        )
        entries = self.log(project, date(2026, 3, 2), 3) + self.log(
            project, date(2026, 3, 3), 4, self.bob
        )
        self.env["project.sale.line.employee.map"].create(
            {
                "project_id": project.id,
                "employee_id": self.bob.id,
                "sale_line_id": dear.id,
            }
        )
        self.assertEqual(project.sale_line_id, own)
        self.unsell(entries)
        self.assertEqual(
            self.figures(project),
            [("no_line", 3, 300, "project"), ("no_line", 4, 800, "project")],
        )

    def unsell(self, entries):
        """Entries that lost their contract line without a person's doing: an import."""
        self.env.flush_all()
        lines = entries.so_line
        self.env.cr.execute(
            "UPDATE account_analytic_line SET so_line = NULL,"
            " timesheet_invoice_type = 'non_billable' WHERE id = ANY(%s)",
            [entries.ids],
        )
        self.env.invalidate_all()
        # What Odoo says of the order is another matter.
        lines._psa_follow_policy()

    def test_a_fixed_price_is_no_price_of_an_hour(self):
        project = self.project()
        self.contract(project, self.milestone_product, price_unit=5000)
        entry = self.log(project, date(2026, 3, 2), 3)
        self.assertEqual(self.figures(project), [], "The package covers it.")
        self.unsell(entry)
        self.assertEqual(self.figures(project), [("no_line", 3, 120, "cost")])

    def test_in_the_currency_of_the_company(self):
        """An order in a currency of which the company's has two."""
        foreign = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": foreign.id}
        )
        project = self.project()
        entry = self.log(project, date(2026, 3, 2), 3)
        line = self.contract(
            project,
            project_id=project.id,
            pricelist_id=pricelist.id,
            price_unit=100,
        )
        self.assertEqual(line.currency_id, foreign)
        self.unsell(entry)
        self.assertEqual(self.figures(project), [("no_line", 3, 150, "project")])

    # === What somebody has decided ===

    def test_what_is_not_sold_on_purpose_is_no_leakage(self):
        project = self.project()
        entries = [self.log(project, date(2026, 3, day), day) for day in (1, 2, 3, 4)]
        entries[0].action_psa_set_billing_type("non_chargeable")
        entries[1].action_psa_set_billing_type("complimentary")
        # Odoo's way: the contract line is taken off by a person.
        entries[2].is_so_line_edited = True
        self.assertEqual(self.leakage(project).entry_id, entries[3])

    def test_projects_that_are_not_billable(self):
        internal = self.project(allow_billable=False)
        by_hand = self.project(billing_type="manually")
        for project in internal | by_hand:
            self.log(project, date(2026, 3, 2), 3)
        self.assertEqual(self.figures(internal | by_hand), [])

    # === Sold, and not billed ===

    def test_on_hold_for_more_than_60_days(self):
        """29 January is 61 days ago, 30 January 60."""
        project = self.project()
        self.contract(project)
        old, young = (self.log(project, date(2026, 1, day), 2) for day in (29, 30))
        (old | young).action_psa_hold("Disputed")
        self.assertEqual(self.figures(project), [("hold", 2, 200, "contract")])
        leakage = self.leakage(project)
        self.assertEqual(leakage.entry_id, old)
        self.assertEqual(leakage.billing_hold_reason, "Disputed")

    def test_of_what_is_on_hold_only_the_rest(self):
        """Two of five hours are on a draft, the rest is held back."""
        project = self.time_project(5)
        move = project._psa_invoice(date(2026, 1, 31))
        move.detail_ids.quantity = 2
        project.timesheet_ids.action_psa_hold("Disputed")
        self.assertEqual(self.figures(project), [("hold", 3, 300, "contract")])

    def test_the_order_was_cancelled(self):
        """Odoo takes a contract line off that nobody has chosen by hand."""
        project = self.time_project(5, 3)
        project.timesheet_ids[0].is_so_line_edited = True
        project.sale_line_id.order_id._action_cancel()
        self.assertEqual(
            self.figures(project),
            [("order", 5, 500, "contract"), ("no_line", 3, 120, "cost")],
        )

    # === Remedies ===

    def test_set_the_contract_line(self):
        project = self.project()
        entry = self.log(project, date(2026, 3, 2), 3)
        line = self.contract(project, project_id=project.id)
        self.unsell(entry)
        action = self.leakage(project).action_set_contract_line()
        wizard = (
            self.env[action["res_model"]]
            .with_context(**action["context"])
            .create({"sale_line_id": line.id})
        )
        wizard.action_apply()
        self.assertEqual(entry.so_line, line)
        self.assertEqual(self.figures(project), [])

    def test_release(self):
        project = self.time_project(2)
        project.timesheet_ids.action_psa_hold("Disputed")
        self.leakage(project).action_release()
        self.assertEqual(self.figures(project), [])
        self.assertEqual(project.timesheet_ids.billing_status, "ready")

    def test_say_that_it_is_not_charged(self):
        project = self.project()
        self.log(project, date(2026, 3, 2), 3)
        action = self.leakage(project).action_set_billing_type()
        wizard = (
            self.env[action["res_model"]]
            .with_context(**action["context"])
            .create({"billing_type": "non_chargeable"})
        )
        wizard.action_apply()
        self.assertEqual(self.figures(project), [])

    # === Who may see it ===

    def test_billing_administrators_only(self):
        self.log(self.project(), date(2026, 3, 2), 3)
        Leakage = self.env["psa.billing.leakage"]
        reviewer = self.person("reviewer", "psa_invoicing.group_billing_reviewer")
        with self.assertRaises(AccessError):
            Leakage.with_user(reviewer).search([])
        for method in ("action_set_contract_line", "action_set_billing_type"):
            with self.assertRaises(AccessError):
                getattr(Leakage.with_user(reviewer), method)()
        administrator = self.person("biller", "psa_invoicing.group_billing_manager")
        rows = Leakage.with_user(administrator).search([])
        self.assertEqual(rows.mapped("hours"), [3])
        rows.mapped("display_name")
        rows.web_read(
            {
                name: {"fields": {"display_name": {}}}
                for name in ("entry_id", "project_id", "employee_id", "partner_id")
            }
        )

    def test_of_the_companies_that_are_switched_on(self):
        project = self.project()
        self.log(project, date(2026, 3, 2), 3)
        other = self.env["res.company"].create({"name": "Sister"})
        self.env.user.company_ids = [Command.link(other.id)]
        Leakage = self.env["psa.billing.leakage"]
        self.assertTrue(self.leakage(project))
        self.assertFalse(
            Leakage.with_context(allowed_company_ids=other.ids).search(
                [("project_id", "=", project.id)]
            )
        )
