# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.tests import HttpCase, tagged

from odoo.addons.psa_invoicing.tests.common import BillingCase


@tagged("post_install", "-at_install")
class TestTours(BillingCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.env.ref("base.user_admin").write(
            {
                "company_ids": [(4, cls.env.company.id)],
                "company_id": cls.env.company.id,
                "email": "admin@firm.example.com",
            }
        )

    def test_from_run_to_paid(self):
        project = self.time_project(2, 3, name="Tour project")
        project.write(
            {
                "billing_frequency_id": self.env.ref(
                    "psa_invoicing.frequency_monthly_last_day"
                ).id,
                "billing_start_date": date(2026, 1, 1),
            }
        )
        self.env["psa.invoice.schedule"].sudo().search([]).unlink()
        self.env["psa.invoice.schedule"].sudo().create(
            {
                "project_id": project.id,
                "run_date": date(2026, 1, 31),
                "cutoff_date": date(2026, 1, 31),
            }
        )
        self.start_tour("/odoo", "psa_invoicing_run_to_paid", login="admin")
        move = project.invoice_schedule_ids.invoice_ids
        self.assertEqual(move.psa_state, "paid")
        self.assertEqual(move.invoice_line_ids.quantity, 3)
        self.assertEqual(move.amount_residual, 0)

    def test_a_new_project_shows_its_next_invoice(self):
        self.start_tour("/odoo", "psa_invoicing_new_project", login="admin")
        project = self.env["project.project"].search([("name", "=", "Toured")])
        self.assertTrue(project.next_invoice_date)

    def test_manual_invoice(self):
        project = self.time_project(2, 3, name="Tour project")
        self.start_tour("/odoo", "psa_invoicing_manual_invoice", login="admin")
        move = self.env["account.move"].search(
            [("billing_project_ids", "=", project.id)]
        )
        self.assertEqual(move.amount_untaxed, 300)
