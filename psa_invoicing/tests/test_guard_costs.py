# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A billing administrator reads the time of others, and not what an hour costs."""

from .doors import DOORS, JSON2, WEB
from .test_guard import EMPLOYEE, GuardCase

BILLER = "psa_invoicing.group_billing_manager"


class TestWhatTimeCosts(GuardCase):
    """Alice's hour costs 40.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.unsold = cls.project("Unsold", sale_line_id=False)
        cls.leak = cls.log(cls.unsold, "2026-01-05", 2)
        cls.lines = cls.env["account.analytic.line"]

    def grouped(self, door, user, domain):
        (row,) = self.through(
            door,
            user,
            self.lines,
            "formatted_read_group",
            domain=domain,
            aggregates=["amount:sum", "unit_amount:sum"],
        )
        return row["amount:sum"] or 0, row["unit_amount:sum"]

    def test_nothing_tells_a_billing_administrator(self):
        entry, own = self.entries[0], [("id", "in", self.entries.ids)]
        for door in DOORS:
            with self.subTest(door=door):
                fields = ["amount", "unit_amount"]
                (row,) = self.through(door, self.biller, entry, "read", fields=fields)
                self.assertEqual((row["amount"], row["unit_amount"]), (0, 2))
                self.assertEqual(self.grouped(door, self.biller, own), (0, 9))
                for domain in (
                    [("amount", "<", -1)],
                    [("amount", "in", [-80, -80.0])],
                    [("so_line.timesheet_ids.amount", "<", -1)],
                ):
                    found = self.through(
                        door, self.biller, self.lines, "search", domain=domain + own
                    )
                    self.assertEqual(found, [])
                drafts = self.work._psa_invoice(entry.date)
                domain = [("detail_ids.analytic_line_id.amount", "<", -1)]
                self.assertEqual(
                    self.through(
                        door, self.biller, drafts.browse(), "search", domain=domain
                    ),
                    [],
                )
                for order in ("amount", "amount desc"):
                    found = self.through(
                        door,
                        self.biller,
                        self.lines,
                        "search",
                        domain=own,
                        order=f"{order}, id",
                    )
                    self.assertEqual(found, self.entries.ids)
                (row,) = self.through(
                    door,
                    self.biller,
                    self.env["psa.billing.leakage"],
                    "search_read",
                    domain=[("entry_id", "=", self.leak.id)],
                    fields=["amount", "valued_by", "hours"],
                )
                self.assertEqual(
                    (row["amount"], row["valued_by"], row["hours"]), (0, "cost", 2)
                )

    def test_who_sees_it_in_odoo_sees_it(self):
        entries = [("id", "in", self.entries.ids)]
        for groups in (
            f"{BILLER},hr_timesheet.group_hr_timesheet_approver",
            f"{BILLER},hr_timesheet.group_timesheet_manager",
            f"{BILLER},project.group_project_manager",
            "project.group_project_manager",
        ):
            user = self.person(f"guard_{groups[-9:]}{len(groups)}", groups)
            with self.subTest(groups=groups):
                for door in (WEB, JSON2):
                    self.assertEqual(self.grouped(door, user, entries), (-360, 9))

    def test_ones_own_time(self):
        user = self.person("guard_both", f"{BILLER},{EMPLOYEE}")
        self.bob.user_id = user
        mine = self.log(self.work, "2026-01-09", 1, self.bob)
        both = [("id", "in", (mine + self.entries[0]).ids)]
        self.assertEqual(self.grouped(JSON2, user, both), (-40, 3))

    def test_what_is_no_time(self):
        plan = self.env["account.analytic.plan"].create({"name": "Plan"})
        account = self.env["account.analytic.account"].create(
            {"name": "Account", "plan_id": plan.id}
        )
        item = self.lines.create(
            {"name": "Rent", "amount": -70, plan._column_name(): account.id}
        )
        books = self.person("guard_books", f"{BILLER},account.group_account_user")
        for door in (WEB, JSON2):
            (row,) = self.through(door, books, item, "read", fields=["amount"])
            self.assertEqual(row["amount"], -70)

    def test_what_is_stored_stays(self):
        """Who decides on an entry changes nothing of what it costs."""
        for method, arguments in (
            ("action_psa_hold", {"reason": "Why"}),
            ("action_psa_release", {}),
        ):
            self.through(JSON2, self.biller, self.entries, method, **arguments)
        self.env.flush_all()
        self.assertEqual(self.entries.mapped("amount"), [-80, -120, -160])
