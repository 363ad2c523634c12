# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Lines and headings after Recalculate are those of a first build."""

from datetime import date
from itertools import combinations

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestLineOrder(BillingCase):
    """An order in two phases: A and B in the first one, and C in the second."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.project("Work")
        cls.first = cls.contract(cls.work, sequence=2)
        cls.first.name = "A"
        cls.order = cls.first.order_id
        cls.heading("Phase 1", 1)
        cls.heading("About A", 3, "line_note")
        cls.heading("Extras", 4, "line_subsection")
        cls.lines = cls.first + cls.more("B", 5)
        cls.heading("Phase 2", 6)
        cls.lines += cls.more("C", 7)
        cls.whole = ["Phase 1", "A", "About A", "Extras", "B", "Phase 2", "C"]

    @classmethod
    def heading(cls, name, sequence, kind="line_section", order=None):
        cls.env["sale.order.line"].create(
            {
                "order_id": (order or cls.order).id,
                "display_type": kind,
                "name": name,
                "sequence": sequence,
            }
        )

    @classmethod
    def more(cls, name, sequence, order=None):
        return cls.env["sale.order.line"].create(
            {
                "order_id": (order or cls.order).id,
                "product_id": cls.time_product.id,
                "product_uom_qty": 10,
                "name": name,
                "sequence": sequence,
            }
        )

    def work_on(self, *names, day=date(2026, 1, 5), project=None, lines=None):
        lines = lines or self.lines
        for line in lines.filtered(lambda line: line.name in names):
            self.log(
                project or self.work,
                day,
                1,
                so_line=line.id,
                is_so_line_edited=True,
            )
        # Odoo keeps the section of a line until the end of a request.
        self.env.flush_all()
        self.env.invalidate_all()

    def texts(self, move):
        self.env.flush_all()
        self.env.invalidate_all()
        lines = move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        # An order line is called after its product first.
        return [line.name.split("\n")[-1] for line in lines]

    def own_line(self, draft, name, after):
        """A line that a person puts below another one."""
        lines = draft.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        place = next(
            index for index, line in enumerate(lines) if line.name.endswith(after)
        )
        for index, line in enumerate(lines):
            line.sequence = index if index <= place else index + 1
        draft.invoice_line_ids = [
            (0, 0, {"name": name, "price_unit": 10, "sequence": place + 1})
        ]

    def test_whatever_comes_late(self):
        names = ["A", "B", "C"]
        for count in (1, 2):
            for early in combinations(names, count):
                savepoint = self.env.cr.savepoint()
                with self.subTest(early=early):
                    self.work_on(*early)
                    draft = self.work._psa_invoice(JANUARY)
                    for late in reversed([each for each in names if each not in early]):
                        self.work_on(late)
                        draft.action_psa_recalculate()
                        built = self.texts(draft)
                        draft.unlink()
                        draft = self.work._psa_invoice(JANUARY)
                        self.assertEqual(built, self.texts(draft))
                    self.assertEqual(built, self.whole)
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    def test_two_at_once(self):
        self.work_on("B")
        draft = self.work._psa_invoice(JANUARY)
        self.work_on("A", "C")
        draft.action_psa_recalculate()
        self.assertEqual(self.texts(draft), self.whole)

    def test_a_line_for_each_entry(self):
        self.work.billing_layout = "entry"
        self.work_on("A", day=date(2026, 1, 5))
        self.work_on("C")
        draft = self.work._psa_invoice(JANUARY)
        self.work_on("A", day=date(2026, 1, 3))
        self.work_on("B")
        draft.action_psa_recalculate()
        built = self.texts(draft)
        days = [
            line.detail_ids.date.day
            for line in draft.invoice_line_ids.sorted("sequence")
            if line.detail_ids
        ]
        self.assertEqual(days, [3, 5, 5, 5])
        draft.unlink()
        self.assertEqual(built, self.texts(self.work._psa_invoice(JANUARY)))

    def test_what_goes_takes_its_heading_along(self):
        self.work_on("A", "B", "C")
        draft = self.work._psa_invoice(JANUARY)
        self.work.timesheet_ids.filtered(
            lambda entry: entry.so_line == self.lines[1]
        ).unlink()
        draft.action_psa_recalculate()
        self.assertEqual(self.texts(draft), ["Phase 1", "A", "About A", "Phase 2", "C"])

    def test_a_persons_own_lines(self):
        """One below A, another one at the end."""
        self.work_on("A", "C")
        draft = self.work._psa_invoice(JANUARY)
        self.own_line(draft, "Travel", "A")
        self.own_line(draft, "Thank you", "C")
        self.work_on("B")
        draft.action_psa_recalculate()
        self.assertEqual(
            self.texts(draft),
            [
                "Phase 1",
                "A",
                "Travel",
                "About A",
                "Extras",
                "B",
                "Phase 2",
                "C",
                "Thank you",
            ],
        )

    def test_a_heading_that_a_person_deleted(self):
        """Stays away, also when more comes under it."""
        self.work_on("A", "C")
        draft = self.work._psa_invoice(JANUARY)
        draft.invoice_line_ids.filtered(lambda line: line.name == "Phase 1").unlink()
        self.work_on("B")
        draft.action_psa_recalculate()
        self.assertEqual(self.texts(draft), self.whole[1:])

    def test_a_deduction_stays_last(self):
        payment = self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": self.order.ids,
                "advance_payment_method": "fixed",
                "fixed_amount": 23,
            }
        )
        payment.create_invoices()
        self.order.invoice_ids.action_post()
        self.work_on("A")
        draft = self.work._psa_invoice(JANUARY)
        draft.action_psa_deduct_downpayment()
        self.work_on("B", "C")
        draft.action_psa_recalculate()
        built = self.texts(draft)
        lines = draft.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        self.assertTrue(lines[-1].is_downpayment)
        draft.unlink()
        draft = self.work._psa_invoice(JANUARY)
        draft.action_psa_deduct_downpayment()
        self.assertEqual(built, self.texts(draft))

    def test_several_projects_on_one_invoice(self):
        other = self.project("Other")
        order = self.contract(other).order_id
        self.heading("Part X", 20, order=order)
        line = self.more("X", 21, order)
        projects = self.work + other
        projects.billing_consolidate = True
        self.work_on("B")
        self.work_on("X", project=other, lines=line)
        draft = projects._psa_invoice(JANUARY)
        self.work_on("A", "C")
        draft.action_psa_recalculate()
        built = self.texts(draft)
        self.assertEqual(built, ["Work", *self.whole, "Other", "Part X", "X"])
        draft.unlink()
        self.assertEqual(built, self.texts(projects._psa_invoice(JANUARY)))

    def test_nothing_new_moves_nothing(self):
        """An order of lines that a person chose stays."""
        self.work_on("A", "C")
        draft = self.work._psa_invoice(JANUARY)
        lines = draft.invoice_line_ids
        for sequence, line in enumerate(lines.sorted("sequence", reverse=True)):
            line.sequence = sequence
        before = self.texts(draft)
        self.log(
            self.work, JANUARY, 2, so_line=self.lines[0].id, is_so_line_edited=True
        )
        draft.action_psa_recalculate()
        self.assertEqual(self.texts(draft), before)
