# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The review of the manual invoice: ticks, totals, what is left out, drafts."""

from datetime import date
from unittest.mock import patch

from odoo.exceptions import UserError

from ..wizards.manual_invoice import psa_manual_invoice_left_out
from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)


class ReviewCase(BillingCase):
    def review(self, projects, **values):
        """A wizard at its second step."""
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": projects.ids, "cutoff_date": JANUARY, **values}
        )
        wizard.action_next()
        return wizard

    def finish(self, wizard):
        action = wizard.action_finish()
        if action.get("res_id"):
            return self.env["account.move"].browse(action["res_id"])
        return self.env["account.move"].search(action["domain"])

    def left_out(self, wizard):
        """``{reason: count}``"""
        return {each["reason"]: each["count"] for each in wizard.review_left_out()}


class TestManualInvoiceReview(ReviewCase):
    # === The tree ===

    def test_customer_invoice_contract_line_entry(self):
        other = self.env["res.partner"].create({"name": "Another customer"})
        first, second = self.time_project(2, 3), self.time_project(4, customer=other)
        (another, customer) = self.review(first + second).review["customers"]
        self.assertEqual(
            (another["name"], customer["name"]), ("Another customer", "Customer")
        )
        (invoice,) = customer["invoices"]
        (line,) = invoice["lines"]
        self.assertIn("500.00", invoice["total"])
        self.assertEqual((line["count"], line["ticked"]), (2, 2))
        self.assertEqual((line["quantity"], line["uom"]), ("5.00", "Hours"))

    def test_the_tree_shows_the_invoices_that_finish_makes(self):
        """Two orders of other terms are two invoices; consolidated projects are one."""
        project = self.time_project(2)
        line = self.contract(project, client_order_ref="PO 4711")
        self.log(project, date(2026, 1, 9), 1, so_line=line.id, is_so_line_edited=True)
        shared = self.time_project(3, billing_consolidate=True)
        shared |= self.time_project(4, billing_consolidate=True)
        wizard = self.review(project | shared)
        (customer,) = wizard.review["customers"]
        totals = [each["total"] for each in customer["invoices"]]
        moves = self.finish(wizard)
        self.assertEqual(len(totals), 3)
        self.assertEqual(
            sorted(totals),
            sorted(
                wizard._money(move.amount_untaxed, move.currency_id) for move in moves
            ),
        )

    def test_a_tick_at_every_level(self):
        wizard = self.review(self.time_project(2, 3) + self.time_project(4))
        (customer,) = wizard.review["customers"]
        first, second = customer["invoices"]
        line = second["lines"][0]["id"]
        entry = wizard.line_ids[0].id
        for where, ticked, total in (
            ({"row": entry}, 2, 700),
            ({"invoice": first["id"]}, 1, 400),
            (
                {"invoice": second["id"], "contract_line": line},
                0,
                0,
            ),
        ):
            review = wizard.review_tick(False, where)
            self.assertEqual(review["ticked"], ticked)
            self.assertEqual(self.review_total(wizard), total)
        self.assertEqual(review["refusal"], "Tick at least one transaction.")
        review = wizard.review_tick(True, {"customer": customer["id"]})
        self.assertEqual((review["ticked"], review["refusal"]), (3, ""))
        self.assertEqual(wizard.review_tick(False, {})["ticked"], 0)

    def test_a_tick_stays_within_its_wizard(self):
        project = self.time_project(2)
        one, two = self.review(project), self.review(project)
        one.review_tick(False, {"row": two.line_ids.id})
        one.review_tick(False, {"customer": two.line_ids.partner_id.id})
        self.assertTrue(two.line_ids.selected)
        self.assertFalse(one.line_ids.selected)

    def test_totals_are_those_of_the_lines_not_of_the_entries(self):
        """3 x 20 minutes at 100.00 are an hour, not 3 x 33.33."""
        wizard = self.review(self.time_project(*[1 / 3] * 3))
        self.assertEqual(self.review_total(wizard), 100)
        self.assertEqual(self.finish(wizard).amount_untaxed, 100)

    def test_totals_by_currency(self):
        euro = self.setup_other_currency("EUR")
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        foreign = self.project()
        self.contract(foreign, pricelist_id=pricelist.id, price_unit=80)
        self.log(foreign, date(2026, 1, 5), 4)
        wizard = self.review(self.time_project(2) + foreign)
        self.assertEqual(len(wizard.review["totals"]), 2)

    def test_a_page_of_transactions(self):
        project = self.time_project()
        self.env["account.analytic.line"].create(
            [
                {
                    "name": f"Work {index}",
                    "date": date(2026, 1, 5),
                    "project_id": project.id,
                    "employee_id": self.alice.id,
                    "unit_amount": 1,
                }
                for index in range(100)
            ]
        )
        wizard = self.review(project)
        rows = wizard.review["rows"]
        more = wizard.review_rows({"invoice": rows[0]["invoice"]}, len(rows))
        self.assertEqual((len(rows), len(more)), (80, 20))
        self.assertEqual(len({row["id"] for row in rows + more}), 100)

    # === Quantity and type ===

    def test_a_quantity_can_only_be_lowered(self):
        project = self.time_project(5)
        wizard = self.review(project)
        row = wizard.line_ids.id
        for quantity in (5.01, 0, -1):
            with self.assertRaisesRegex(UserError, "can only be lowered: 5.0"):
                wizard.review_edit(row, {"quantity": quantity})
        answer = wizard.review_edit(row, {"quantity": 2})
        self.assertEqual(answer["row"]["quantity"], 2)
        self.assertEqual(
            (self.review_total(wizard), wizard.line_ids.amount), (200, 200)
        )
        move = self.finish(wizard)
        self.assertEqual(move.invoice_line_ids.quantity, 2)
        self.assertEqual(project.timesheet_ids.open_quantity, 3)
        self.assert_ledger(move)

    def test_recalculate_keeps_what_was_lowered_and_typed(self):
        project = self.time_project(5, 4)
        wizard = self.review(project)
        wizard.line_ids[0].quantity = 2
        wizard.line_ids[1].billing_type = "complimentary"
        move = self.finish(wizard)
        self.assertEqual(move.amount_untaxed, 200)
        self.log(project, date(2026, 1, 20), 1)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 300)
        self.assertEqual(
            sorted(
                move.detail_ids.mapped(lambda each: (each.quantity, each.billing_type))
            ),
            [(1, "chargeable"), (2, "chargeable"), (4, "complimentary")],
        )
        self.assertFalse(project.timesheet_ids[0].billing_type == "complimentary")

    def test_a_negative_entry_can_be_lowered_towards_zero(self):
        project = self.time_project(5, -3)
        wizard = self.review(project)
        with self.assertRaisesRegex(UserError, "can only be lowered"):
            wizard.line_ids[1].quantity = -4
        wizard.line_ids[1].quantity = -1
        self.assertEqual(self.finish(wizard).amount_untaxed, 400)

    def test_nothing_but_offered_cannot_be_finished(self):
        wizard = self.review(self.time_project(2))
        wizard.line_ids.billing_type = "complimentary"
        review = wizard._review()
        self.assertEqual(review["customers"][0]["invoices"][0]["fate"], "nothing")
        self.assertIn("nothing that could be charged", review["refusal"])
        with self.assertRaisesRegex(UserError, "nothing that could be charged"):
            wizard.action_finish()

    # === Back ===

    def test_back_keeps_ticks_quantities_and_types(self):
        project = self.time_project(2, 3, 4)
        wizard = self.review(project)
        first, second, third = wizard.line_ids
        first.selected = False
        second.quantity = 1
        third.billing_type = "complimentary"
        wizard.action_back()
        # The second and the third are dated 2 and 3 January: they go, and come back.
        for cutoff in (date(2026, 1, 1), JANUARY):
            wizard.cutoff_date = cutoff
            wizard.action_next()
            wizard.action_back()
        wizard.action_next()
        self.assertRecordValues(
            wizard.line_ids,
            [
                {"selected": False, "quantity": 2, "billing_type": "chargeable"},
                {"selected": True, "quantity": 1, "billing_type": "chargeable"},
                {"selected": True, "quantity": 4, "billing_type": "complimentary"},
            ],
        )
        wizard.review_tick(True, {})
        wizard.action_back()
        wizard.action_next()
        self.assertEqual(
            wizard._review()["ticked"], 3, "What was ticked again stays ticked, too."
        )

    # === Adding to a draft ===

    def test_add_to_a_draft(self):
        project = self.time_project(2, 3)
        draft = project._psa_invoice(date(2026, 1, 1))
        wizard = self.review(project)
        (option,) = wizard.review["drafts"]
        self.assertEqual(option["id"], draft.id)
        review = wizard.review_choose_draft(draft.id)
        self.assertEqual(review["customers"][0]["invoices"][0]["fate"], "added")
        self.assertEqual(self.finish(wizard), draft)
        self.assertEqual(draft.amount_untaxed, 500)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 500, "Though dated after its cut-off.")
        self.assert_ledger(draft)

    def test_the_rest_becomes_an_invoice_of_its_own(self):
        projects = self.time_project(2, 3) + self.time_project(4)
        draft = projects[0]._psa_invoice(date(2026, 1, 1))
        wizard = self.review(projects)
        wizard.draft_id = draft
        moves = self.finish(wizard)
        self.assertIn(draft, moves)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [400, 500])

    def test_a_draft_of_other_terms_is_not_offered(self):
        draft = self.time_project(2)._psa_invoice(JANUARY)
        wizard = self.review(self.time_project(3))
        self.assertEqual(wizard.review["drafts"], [])
        wizard.review_choose_draft(draft.id)
        self.assertFalse(wizard.draft_id)

    def test_a_draft_that_was_posted_meanwhile(self):
        project = self.time_project(2, 3)
        draft = project._psa_invoice(date(2026, 1, 1))
        wizard = self.review(project)
        wizard.draft_id = draft
        draft.action_post()
        with self.assertRaisesRegex(UserError, "no draft any more"):
            wizard.action_finish()
        self.assertEqual(sum(project.timesheet_ids.mapped("open_quantity")), 3)

    # === Meanwhile ===

    def test_the_message_names_what_was_billed_meanwhile(self):
        project = self.time_project(2, 3)
        wizard = self.review(project)
        billed = project._psa_invoice(date(2026, 1, 1))
        with self.assertRaisesRegex(
            UserError, "1 of these .*01/01/2026 · Alice · Work"
        ):
            wizard.action_finish()
        self.assertEqual(project.billing_invoice_count, 1, "Nothing half done.")
        review = wizard.review_refresh()
        self.assertEqual((review["count"], review["ticked"]), (1, 1))
        self.assertEqual(self.finish(wizard).amount_untaxed, 300)
        self.assertEqual(billed.amount_untaxed, 200)

    def test_an_order_cancelled_meanwhile(self):
        projects = self.time_project(2) + self.time_project(3)
        wizard = self.review(projects)
        projects[0].sale_line_id.order_id._action_cancel()
        with self.assertRaisesRegex(UserError, "billed or changed meanwhile"):
            wizard.action_finish()
        self.assertFalse(sum(projects.mapped("billing_invoice_count")))
        wizard.review_refresh()
        self.assertEqual(self.left_out(wizard), {"project": 0})
        self.assertEqual(self.finish(wizard).amount_untaxed, 300)

    def test_a_type_changed_meanwhile(self):
        project = self.time_project(2, 3)
        wizard = self.review(project)
        project.timesheet_ids[0].action_psa_set_billing_type("complimentary")
        with self.assertRaisesRegex(UserError, "billed or changed meanwhile"):
            wizard.action_finish()


class TestLeftOut(ReviewCase):
    def remedy(self, wizard, reason):
        (found,) = [
            each for each in wizard.review_left_out() if each["reason"] == reason
        ]
        action = wizard.review_remedy(reason, found["about"])
        if not action:
            wizard.review_refresh()
        return action

    def test_on_hold_is_released(self):
        project = self.time_project(2, 3)
        project.timesheet_ids.sorted("date")[0].action_psa_hold("Disputed")
        wizard = self.review(project)
        wizard.line_ids.quantity = 1
        self.assertEqual(self.left_out(wizard), {"hold": 1})
        self.remedy(wizard, "hold")
        self.assertEqual(wizard.line_ids.mapped("quantity"), [2, 1], "Edits stay.")
        self.assertEqual(self.left_out(wizard), {})

    def test_one_of_several_on_hold(self):
        project = self.time_project(2, 3)
        entries = project.timesheet_ids.sorted("date")
        entries.action_psa_hold("Disputed")
        wizard = self.review(project)
        wizard.review_remedy("hold", False, [["time", entries[1].id]])
        wizard.review_refresh()
        self.assertEqual(wizard.line_ids.mapped("quantity"), [3])

    def test_after_the_cut_off(self):
        project = self.time_project(2)
        self.log(project, date(2026, 2, 3), 5)
        wizard = self.review(project)
        (later,) = wizard.review_left_out()
        self.assertIn("500.00", later["amount"])
        self.remedy(wizard, "later")
        self.assertEqual(wizard.cutoff_date, date(2026, 2, 3))
        self.assertEqual(self.review_total(wizard), 700)

    def test_types_and_units_that_were_not_chosen(self):
        project = self.time_project(2)
        self.log(project, date(2026, 1, 9), 4, self.bob)
        line = self.contract(project, self.milestone_product, price_unit=1000)
        self.milestone(project, line, 0.1, date(2026, 1, 10))
        wizard = self.review(
            project, bill_milestone=False, unit_ids=self.engineering.ids
        )
        self.assertEqual(self.left_out(wizard), {"type": 1, "unit": 1})
        self.remedy(wizard, "unit")
        self.remedy(wizard, "type")
        self.assertEqual(len(wizard.line_ids), 3)

    def test_types_of_more_than_is_shown(self):
        project = self.time_project(2)
        line = self.contract(project, self.milestone_product, price_unit=1000)
        self.milestone(project, line, 0.1, date(2026, 1, 10))
        wizard = self.review(project, bill_time=False, bill_milestone=False)
        with patch.object(psa_manual_invoice_left_out, "ROWS", 1):
            self.remedy(wizard, "type")
        self.assertEqual(len(wizard.line_ids), 2)

    def test_a_milestone_is_marked_as_reached(self):
        project = self.project()
        line = self.contract(project, self.milestone_product, price_unit=1000)
        self.milestone(project, line, 0.1, date(2026, 1, 10))
        milestone = self.milestone(project, line, 0.2)
        wizard = self.review(project)
        self.assertEqual(self.left_out(wizard), {"unreached": 1})
        self.remedy(wizard, "unreached")
        self.assertTrue(milestone.is_reached)
        self.assertEqual(self.left_out(wizard), {"later": 1}, "It was reached today.")

    def test_without_a_contract_line(self):
        project = self.time_project(2)
        entry = self.log(
            project, date(2026, 1, 9), 4, so_line=False, is_so_line_edited=True
        )
        wizard = self.review(project)
        self.assertEqual(self.left_out(wizard), {"no_line": 1})
        action = self.remedy(wizard, "no_line")
        self.assertEqual(action["domain"], [("id", "in", entry.ids)])

    def test_on_a_draft(self):
        project = self.time_project(2, 3)
        draft = project._psa_invoice(date(2026, 1, 1))
        wizard = self.review(project)
        self.assertEqual(self.left_out(wizard), {"draft": 1})
        action = self.remedy(wizard, "draft")
        self.assertEqual(
            (action["res_model"], action["res_id"]), (draft._name, draft.id)
        )

    def test_an_order_that_is_not_confirmed(self):
        project = self.time_project(2)
        line = self.contract(project)
        self.log(project, date(2026, 1, 9), 4, so_line=line.id, is_so_line_edited=True)
        line.order_id._action_cancel()
        wizard = self.review(project)
        self.assertEqual(self.left_out(wizard), {"order": 1})
        self.assertEqual(self.remedy(wizard, "order")["res_id"], line.order_id.id)

    def test_non_chargeable_is_charged_again(self):
        project = self.time_project(2, 3)
        project.timesheet_ids[0].action_psa_set_billing_type("non_chargeable")
        wizard = self.review(project)
        self.assertEqual(self.left_out(wizard), {"non_chargeable": 1})
        self.remedy(wizard, "non_chargeable")
        self.assertEqual(self.review_total(wizard), 500)

    def test_covered_by_a_fixed_price(self):
        project = self.time_project(2)
        line = self.contract(project, self.milestone_product, price_unit=1000)
        self.log(project, date(2026, 1, 9), 4, so_line=line.id, is_so_line_edited=True)
        self.assertEqual(self.left_out(self.review(project)), {"covered": 1})

    def test_a_project_that_cannot_be_billed_does_not_stop_the_others(self):
        projects = self.time_project(2) + self.project("Unsold")
        wizard = self.review(projects)
        (unsold,) = wizard.review_left_out()
        self.assertIn("has no sales order", unsold["label"])
        self.assertEqual(self.remedy(wizard, "project")["res_id"], projects[1].id)
        self.assertEqual(self.finish(wizard).amount_untaxed, 200)

    def test_never_lost(self):
        """Whatever is open is in the review, or left out for one reason."""
        project = self.time_project(1, 2, 3, 4)
        held, offered, free, _plain = project.timesheet_ids.sorted("date")
        held.action_psa_hold("Disputed")
        offered.action_psa_set_billing_type("complimentary")
        free.action_psa_set_billing_type("non_chargeable")
        self.log(project, date(2026, 2, 3), 5)
        self.log(project, date(2026, 1, 9), 6, so_line=False, is_so_line_edited=True)
        wizard = self.review(project)
        shown = [line._key for line in wizard.line_ids]
        shown += [
            tuple(row["key"])
            for each in wizard.review_left_out()
            for row in each["rows"]
        ]
        self.assertEqual(
            sorted(shown), [("time", id_) for id_ in sorted(project.timesheet_ids.ids)]
        )

    def test_before_the_billing_start_is_in_the_review(self):
        project = self.time_project(2)
        project.billing_start_date = date(2026, 1, 15)
        self.log(project, date(2026, 1, 20), 1)
        wizard = self.review(project)
        self.assertEqual(wizard.line_ids.mapped("remark"), ["before_start", False])


class TestWhereFrom(ReviewCase):
    def opened(self, action):
        wizard = (
            self.env["psa.manual.invoice"].with_context(**action["context"]).create({})
        )
        wizard.action_next()
        return wizard

    def test_from_a_customer(self):
        projects = self.time_project(2) + self.time_project(3)
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.customer.id}
        )
        action = contact.action_manual_invoice()
        self.assertEqual(
            set(action["context"]["default_project_ids"]), set(projects.ids)
        )
        nobody = self.env["res.partner"].create({"name": "Nobody"})
        with self.assertRaisesRegex(UserError, "no project here"):
            nobody.action_manual_invoice()

    def test_from_an_order(self):
        project = self.time_project(2)
        line = self.contract(project)
        self.log(project, date(2026, 1, 9), 4, so_line=line.id, is_so_line_edited=True)
        action = line.order_id.action_manual_invoice()
        action["context"]["default_cutoff_date"] = JANUARY
        wizard = self.opened(action)
        move = self.finish(wizard)
        self.assertEqual(move.amount_untaxed, 400, "Nothing of the other order.")
        self.log(project, date(2026, 1, 10), 1, so_line=line.id, is_so_line_edited=True)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 500, "Nor when it is recalculated.")

    def test_from_the_backlog(self):
        project = self.time_project(2, 3, 4)
        entries = project.timesheet_ids.sorted("date")[1:]
        wizard = self.opened(entries.action_manual_invoice())
        self.assertEqual(wizard.cutoff_date, date(2026, 1, 3))
        self.assertEqual(wizard.pick_count, 2)
        self.assertEqual(self.left_out(wizard), {})
        move = self.finish(wizard)
        self.assertEqual(move.amount_untaxed, 700)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 700, "Hand-picked, it adds nothing.")

    def test_from_a_schedule_row(self):
        project = self.time_project(2)
        row = (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": project.id,
                    "run_date": FEBRUARY,
                    "cutoff_date": JANUARY,
                }
            )
        )
        wizard = self.opened(row.with_user(self.env.user).action_manual_invoice())
        self.assertEqual((wizard.project_ids, wizard.cutoff_date), (project, JANUARY))

    def test_without_a_project_nothing_is_billed(self):
        self.time_project(2)
        wizard = self.env["psa.manual.invoice"].create({"cutoff_date": JANUARY})
        with self.assertRaisesRegex(UserError, "at least one project"):
            wizard.action_next()


class TestUnitsAndMilestones(ReviewCase):
    def test_the_department_of_the_entry_else_of_the_project(self):
        team = self.env["hr.department"].create(
            {"name": "Web team", "parent_id": self.engineering.id}
        )
        project = self.time_project(unit_id=self.consulting.id)
        bobs = self.log(project, date(2026, 1, 5), 2, self.bob)
        nobodys = self.log(project, date(2026, 1, 6), 3)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_analytic_line SET department_id = NULL WHERE id = %s",
            [nobodys.id],
        )
        self.env.invalidate_all()
        teams = self.log(project, date(2026, 1, 7), 4, self._employee("Cleo", team))
        for unit, entries in (
            (self.engineering, bobs + teams),
            (team, teams),
            (self.consulting, nobodys),
        ):
            wizard = self.review(project, unit_ids=unit.ids)
            ids = wizard.line_ids.mapped("source_id")
            self.assertCountEqual(ids, entries.ids, unit.name)

    def test_who_moved_since_stays_with_his_old_department(self):
        project = self.time_project(2)
        self.env.flush_all()
        self.alice.department_id = self.engineering
        wizard = self.review(project, unit_ids=self.consulting.ids)
        self.assertEqual(self.review_total(wizard), 200)

    def test_milestones_to_tick(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        reached = self.milestone(project, line, 0.1, date(2026, 1, 10), name="Design")
        late = self.milestone(project, line, 0.1, date(2026, 2, 10), name="Build")
        self.milestone(project, line, 0.2, name="Go-live")
        self.milestone(project, line, 0.3, date(2026, 1, 1), name="Billed")
        project._psa_invoice(date(2026, 1, 1))
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": JANUARY}
        )
        rows = {row["name"]: row for row in wizard.milestone_rows}
        self.assertEqual(
            {
                name: (row["reached"], row["ticked"], row["is_late"])
                for name, row in rows.items()
            },
            {
                "Design": (True, True, False),
                "Build": (True, True, True),
                "Go-live": (False, False, False),
            },
        )
        wizard.milestone_ids = reached + late
        wizard.milestone_ids = reached
        self.assertEqual(
            [row["name"] for row in wizard.milestone_rows if row["ticked"]], ["Design"]
        )

    def test_who_may_mark_as_reached(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.1)
        biller = self.person("psa_only_bills", "psa_invoicing.group_billing_manager")
        wizard = (
            self.env["psa.manual.invoice"]
            .with_user(biller)
            .create({"project_ids": project.ids, "cutoff_date": JANUARY})
        )
        (row,) = wizard.milestone_rows
        self.assertEqual(
            row["may_reach"], milestone.with_user(biller).has_access("write")
        )
        self.env["psa.manual.invoice"].mark_reached(milestone.ids)
        self.assertTrue(milestone.is_reached)
