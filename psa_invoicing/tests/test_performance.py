# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, timedelta

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestPerformance(BillingCase):
    """Queries do not grow with transactions, and only a little with projects."""

    def queries(self, projects):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        projects._psa_invoice(JANUARY)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def projects(self, count, entries):
        return self.env["project.project"].union(
            *(self.time_project(*[1] * entries) for _number in range(count))
        )

    def test_more_transactions_cost_no_query(self):
        self.queries(self.projects(2, 2))
        few = self.queries(self.projects(2, 4))
        many = self.queries(self.projects(2, 24))
        self.assertLessEqual(many, few)

    def test_more_projects_cost_little(self):
        self.queries(self.projects(2, 2))
        five = self.queries(self.projects(5, 2))
        ten = self.queries(self.projects(10, 2))
        self.assertLessEqual((ten - five) / 5, 13)

    def test_a_time_entry_costs_what_it_did(self):
        project = self.time_project(1)

        def log():
            before = self.env.cr.sql_log_count
            self.log(project, JANUARY - timedelta(days=1), 1)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        log()
        entry = log()
        self.assertLessEqual(entry, 25)
