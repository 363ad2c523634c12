# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pages of the backlog are found in a quicker way than by reading everything that is
open, and say the same."""

from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields

from ..core.obstacles import TERMS
from ..models.backlog.psa_backlog_groups import SUMMABLE
from ..models.backlog.psa_backlog_rows import PLACES, Places
from .test_backlog import DAY, JANUARY, BacklogCase

MODELS = "odoo.addons.psa_invoicing.models"
READY = [("status", "=", "ready")]
SUMS = ["amount:sum", "company_amount:sum", "__count"]


class BacklogPagesCase(BacklogCase):
    """Every kind of transaction and every status, of several customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.setup_other_currency("EUR", rates=[("2020-01-01", 2.0)])
        cls.customers = cls.env["res.partner"].create(
            [{"name": name} for name in ("Zeta", "alpha", "Beta", "Beta", "Gamma")]
        )
        cls.everything()
        cls._ready_in_another_currency()
        cls._kept_by_themselves()
        cls._kept_by_projects()
        cls._unsold()
        cls.env.flush_all()
        cls.env.invalidate_all()
        cls.backlog = cls.env["psa.backlog"].with_user(cls.biller)

    @classmethod
    def _ready_in_another_currency(cls):
        """The order is of another customer than the project."""
        pricelist = cls.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": cls.foreign.id}
        )
        for customer in cls.customers[:3]:
            project = cls.project(name=f"Of {customer.name}", customer=customer)
            line = cls.contract(
                project,
                pricelist_id=pricelist.id,
                partner_id=cls.customers[4].id,
                discount=10,
                price_unit=99.99,
            )
            line.order_id.project_id = project
            for hours in (1, 2.25, 1 / 3):
                cls.log(project, DAY, hours, so_line=line.id)
            cls.log(project, DAY, 5, so_line=line.id).billing_type = "complimentary"

    @classmethod
    def _kept_by_themselves(cls):
        project = cls.time_project(1, 2, 3, customer=cls.customers[3])
        held = project.timesheet_ids.sorted("date")[0]
        held.with_user(cls.biller).action_psa_hold("Disputed")
        cls.log(project, fields.Date.today() + timedelta(days=3), 1)
        credited = cls.time_project(5, customer=cls.customers[3])
        move = credited._psa_invoice(JANUARY)
        move.action_post()
        credit = move._reverse_moves()
        credit.invoice_line_ids.quantity = 2
        credit.action_post()
        on_draft = cls.time_project(3)
        on_draft._psa_invoice(JANUARY)
        on_draft.timesheet_ids.unit_amount = 1
        cls.time_project(-2)
        cancelled = cls.project(customer=cls.customers[1])
        order_line = cls.contract(
            cancelled, cls.licence, project_id=cancelled.id, product_uom_qty=3
        )
        order_line.order_id.project_id = cancelled
        cls.posted_bill(cls.travel, cancelled, day=DAY, name="Train")
        cls.log(cancelled, DAY, 1, so_line=cls.contract(cancelled).id)
        order_line.order_id._action_cancel()

    @classmethod
    def _kept_by_projects(cls):
        cls.time_project(1, customer=cls.customers[2]).billing_hold = True
        late = cls.time_project(1, 2, customer=cls.customers[2])
        late.billing_start_date = date(2026, 1, 2)
        project = cls.project()
        line = cls.contract(
            project, cls.licence, project_id=project.id, product_uom_qty=3
        )
        line.billing_date = DAY
        project.partner_id = False

    @classmethod
    def _unsold(cls):
        cls.log(cls.project(customer=cls.customers[0]), DAY, 3)
        nobodys = cls.project()
        nobodys.partner_id = False
        cls.log(nobodys, DAY, 4)


class TestGroups(BacklogPagesCase):
    def domains(self):
        return [
            [],
            READY,
            [("status", "in", ["ready", "hold", "no_line"])],
            [*READY, ("date", "<", "2026-01-03")],
            [("transaction_type", "!=", "time")],
            [("unit_id", "in", self.consulting.ids)],
            [("name", "ilike", "Lic")],
            [("name", "=", "Nothing of the kind")],
        ]

    def assert_pages(self, field, patience):
        for domain in self.domains():
            everything = self.backlog._read_group(domain, [field], SUMS, order=field)
            for offset, limit in ((0, 1), (0, 3), (2, 2), (1, 1000), (500, 10)):
                with (
                    self.subTest(domain=domain, offset=offset, limit=limit),
                    patch(f"{MODELS}.backlog.psa_backlog_groups.PATIENCE", patience),
                ):
                    page = self.backlog._read_group(
                        domain, [field], SUMS, offset=offset, limit=limit, order=field
                    )
                    self.assertEqual(page, everything[offset : offset + limit])

    def test_a_page_of_customers_is_part_of_all_of_them(self):
        self.assert_pages("partner_id", patience=10_000)

    def test_a_page_of_projects_is_part_of_all_of_them(self):
        self.assert_pages("project_id", patience=10_000)

    def test_where_hardly_anybody_has_anything_all_is_summed(self):
        self.assert_pages("partner_id", patience=0)

    def groups(self, domain, field):
        everywhere = Places(
            self.env["sale.order.line"].search([]).ids,
            self.env["project.project"].with_context(active_test=False).search([]).ids,
        )
        rows = self.backlog.with_context(**{PLACES: everywhere})
        return rows._read_group(domain, [field], SUMS, order=field)

    def count(self, domain) -> int:
        return self.backlog.search_count(domain)

    def assert_sums_of_rows(self, domain, fields):
        """The same as when each transaction is looked at."""
        count = self.count(domain)
        for field in fields:
            with self.subTest(field=field, domain=domain):
                found = self.groups(domain, field)
                self.assertEqual(sum(group[-1] for group in found), count)
                with patch.object(
                    type(self.backlog), "_told_apart_by", return_value=None
                ):
                    self.assertEqual(found, self.groups(domain, field))

    def test_sums_are_those_of_single_rows(self):
        domains = [
            *self.domains(),
            [("status", "=", "before_start")],
            [("partner_id.name", "ilike", "beta"), ("billing_type", "!=", False)],
            [("own_company_id", "!=", False)],
            [("amount", ">", 100)],
        ]
        for domain in domains:
            self.assert_sums_of_rows(
                domain, SUMMABLE.keys() - {"amount", "company_amount"}
            )

    def test_sums_follow_a_rule_of_somebody_else(self):
        """It looks at what is not told any more where transactions are summed first."""
        everything = self.count([])
        self.env["ir.rule"].create(
            {
                "name": "Only of the first days",
                "model_id": self.env["ir.model"]._get_id("psa.backlog"),
                "domain_force": "[('date', '<', '2026-01-02')]",
            }
        )
        self.assertLess(self.count([]), everything)
        self.assert_sums_of_rows([], ("partner_id", "project_id"))

    def test_what_is_on_a_page_does_not_cost_more_where_more_is_open(self):
        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.backlog.web_read_group(READY, ["partner_id"], SUMS[:2], limit=2)
            return self.env.cr.sql_log_count - before

        queries()
        few = queries()
        for number in range(10):
            self.time_project(
                1, customer=self.env["res.partner"].create({"name": f"A {number}"})
            )
        self.assertLessEqual(queries(), few)

    def test_a_list_says_whether_there_are_more(self):
        """As its own count of all of them does, when somebody asks."""
        everything = self.backlog._read_group(READY, ["partner_id"], order="partner_id")
        number = len(everything)
        self.assertEqual(self.backlog.count_groups(READY, "partner_id"), number)

        def length(offset, limit):
            return self.backlog.web_read_group(
                READY, ["partner_id"], SUMS[:1], offset=offset, limit=limit
            )["length"]

        self.assertEqual(length(0, 2), 3)
        self.assertEqual(length(2, 1), 4)
        self.assertEqual(length(0, number), number)
        self.assertEqual(length(number - 1, 80), number)

    def test_groups_open_to_their_rows(self):
        for field in ("partner_id", "project_id"):
            for group in self.backlog.formatted_read_group(
                [], [field], ["__count"], limit=80, order=field
            ):
                with self.subTest(group=group[field]):
                    rows = self.backlog.search(group["__extra_domain"])
                    self.assertEqual(len(rows), group["__count"])
                    self.assertEqual(rows[field].id, group[field] and group[field][0])

    def test_rows_of_customers(self):
        everything = self.backlog.search([])
        for ids in (
            self.customers[4].ids,
            self.customers.ids,
            [False],
            [False, *self.customer.ids],
        ):
            found = self.backlog.search([("partner_id", "in", ids)])
            self.assertEqual(
                found,
                everything.filtered(lambda row, ids=ids: row.partner_id.id in ids),
            )
            self.assertTrue(found)
        others = self.backlog.search([("partner_id", "!=", self.customer.id)])
        self.assertEqual(
            others,
            everything.filtered(lambda row: row.partner_id != self.customer),
        )

    def test_another_company_has_no_groups(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        user = self.person(
            "elsewhere",
            "psa_invoicing.group_billing_manager",
            elsewhere,
        )
        mine = self.backlog.with_user(user)
        for field in ("partner_id", "project_id"):
            groups = mine._read_group([], [field], SUMS, limit=80, order=field)
            self.assertEqual(groups, [])
        panel = mine.search_panel_select_range("status", enable_counters=True)
        self.assertEqual(panel["values"], [])


class TestPanel(BacklogPagesCase):
    def counts(self, domain=(), **options):
        panel = self.backlog.search_panel_select_range(
            "status", enable_counters=True, search_domain=list(domain), **options
        )
        return {
            value["id"]: (value["__count"], value.get("is_cut", False))
            for value in panel["values"]
        }

    def test_counts_are_those_of_the_rows(self):
        for domain in ([], [("transaction_type", "=", "time")], READY):
            groups = self.backlog._read_group(domain, ["status"], ["__count"])
            expected = {status: (count, False) for status, count in groups}
            self.assertEqual(self.counts(domain), expected)
        statuses = {key for key, _label in self.backlog._fields["status"].selection}
        # There are no contract terms here.
        self.assertEqual(set(self.counts()), statuses - {TERMS})

    def test_a_status_is_found_as_it_is_counted(self):
        for status, (count, _is_cut) in self.counts().items():
            rows = self.backlog.search([("status", "=", status)])
            self.assertEqual(len(rows), count)
            self.assertEqual(set(rows.mapped("status")), {status})

    def test_of_a_lot_only_that_it_is_a_lot(self):
        with patch(f"{MODELS}.backlog.psa_backlog_counts.COUNT_LIMIT", 2):
            counts = self.counts()
            of_unit = self.counts(filter_domain=[("unit_id", "!=", False)])
        self.assertEqual(counts["ready"], (2, True))
        self.assertEqual(counts["hold"], (1, False))
        self.assertEqual(of_unit["ready"], (2, True))
