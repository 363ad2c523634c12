# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a client sends is a choice or a claim: choices are checked, claims ignored."""

from datetime import date

from odoo import Command

from .rpc import RpcCase

JANUARY = "2026-01-31"
LAST = date(2026, 1, 31)


class TestDialogs(RpcCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = cls.role("biller", "psa_invoicing.group_billing_manager")
        cls.work = cls.time_project(4, 2)
        cls.entries = cls.work.timesheet_ids.sorted("date")

    def dialog(self, model, on=None, **values):
        """Open one as the biller does.

        :param on: what is selected
        """
        context = {"active_model": on._name, "active_ids": on.ids} if on else {}
        found = self.does("biller", model, "create", values, context=context)
        return self.env[model].sudo().browse(found)

    def review(self):
        wizard = self.dialog(
            "psa.manual.invoice",
            project_ids=[Command.set(self.work.ids)],
            cutoff_date=JANUARY,
        )
        self.does("biller", wizard._name, "action_next", wizard.ids)
        return wizard

    def invoiced(self):
        move = self.work._psa_invoice(LAST)
        move.action_post()
        move.billing_sent_date = LAST
        return move

    def drafts(self):
        return self.env["account.move"].search(
            [("billing_project_ids", "in", self.work.ids)]
        )

    # === The manual invoice ===

    def test_no_client_says_what_is_open(self):
        wizard = self.review()
        row = wizard.line_ids[0]
        for values in (
            {"to_bill": 1000},
            {"quantity_unrounded": 1000},
            {"quantity_unrounded": 1000, "quantity": 1000},
            {"source_id": self.entries[1].id},
            {"own_billing_type": "complimentary"},
            {"sale_line_id": False},
            {"billing_type": False},
            {"billing_type": "gift"},
            {"quantity": float("nan")},
            {"quantity": float("inf")},
        ):
            with self.subTest(values):
                self.is_kept_from("biller", row._name, "write", row.ids, values)
                self.is_kept_from(
                    "biller",
                    wizard._name,
                    "write",
                    wizard.ids,
                    {"line_ids": [[1, row.id, values]]},
                )
        row_values = {
            "wizard_id": wizard.id,
            "source": "time",
            "source_id": self.entries[0].id,
            "transaction_type": "time",
            "to_bill": 1000,
        }
        self.is_kept_from("biller", row._name, "create", row_values)
        self.is_kept_from(
            "biller",
            wizard._name,
            "write",
            wizard.ids,
            {"line_ids": [[0, 0, row_values]]},
        )
        self.is_kept_from(
            "biller", wizard._name, "review_edit", wizard.ids, row.id, {"quantity": 9}
        )
        self.does("biller", wizard._name, "action_finish", wizard.ids)
        self.assertEqual(self.drafts().amount_untaxed, 600)
        self.assert_ledger(self.drafts())

    def test_what_was_chosen_before_is_no_back_door(self):
        """Nor are the drafts on offer: a client sets neither."""
        wizard = self.review()
        key = f"time:{self.entries[0].id}"
        claims = {
            "choices": {key: {"quantity": 1000, "billing_type": "gift"}},
            "draft_choices": {str(self.invoiced().id): [0]},
        }
        for name, value in claims.items():
            with self.subTest(name):
                self.is_kept_from(
                    "biller", wizard._name, "write", wizard.ids, {name: value}
                )
                self.is_kept_from("biller", wizard._name, "read", wizard.ids, [name])
                values = {"project_ids": [Command.set(self.work.ids)]}
                self.is_kept_from(
                    "biller", wizard._name, "create", {**values, name: value}
                )
                answer = self.web(
                    "biller",
                    wizard._name,
                    "create",
                    values,
                    context={f"default_{name}": value},
                )
                made = wizard.browse(answer.get("result", []))
                self.assertFalse(made.sudo()[name])

    def test_a_draft_of_somebody_else_is_not_added_to(self):
        other = self.time_project(1, customer=self.customer.copy())
        draft = other._psa_invoice(LAST)
        wizard = self.review()
        self.does("biller", wizard._name, "write", wizard.ids, {"draft_id": draft.id})
        self.does("biller", wizard._name, "action_finish", wizard.ids)
        self.assertEqual(draft.amount_untaxed, 100)
        self.assertEqual(self.drafts().amount_untaxed, 600)

    # === Correct ===

    def test_a_credit_is_of_what_was_invoiced(self):
        invoice, other = self.invoiced(), self.time_project(3)._psa_invoice(LAST)
        foreign = other.detail_ids
        own = invoice.detail_ids.sorted("date")[0]
        other.action_post()
        for rows in (
            [{"detail_id": own.id, "billed_quantity": 1000, "quantity": 0.5}],
            [{"detail_id": foreign.id, "quantity": 0}],
        ):
            with self.subTest(rows):
                correction = self.dialog(
                    "psa.invoice.correction",
                    move_id=invoice.id,
                    line_ids=[Command.create(row) for row in rows],
                )
                answer = self.web(
                    "biller", correction._name, "action_apply", correction.ids
                )
                if "error" not in answer:
                    credit = invoice.browse(answer["result"]["res_id"])
                    self.assertEqual(credit.amount_untaxed, 350)
        self.assertFalse(other.reversal_move_ids)

    def test_only_what_is_posted_is_corrected(self):
        draft = self.work._psa_invoice(LAST)
        correction = self.dialog(
            "psa.invoice.correction",
            move_id=draft.id,
            line_ids=[
                Command.create({"detail_id": each.id, "quantity": 0})
                for each in draft.detail_ids
            ],
        )
        text = self.is_kept_from(
            "biller", correction._name, "action_apply", correction.ids
        )
        self.assertIn("no confirmed project invoice", text)

    # === How much ===

    def test_no_quantity_beyond_what_there_is(self):
        """Not less than nothing, and nothing that is no number."""
        billed, entry = self.entries
        draft = self.work._psa_invoice(date(2026, 1, 1))
        for quantity in (-1, 5, 1e300, float("inf"), float("nan")):
            with self.subTest(quantity):
                self.is_kept_from(
                    "biller",
                    entry._name,
                    "action_psa_write_off",
                    entry.ids,
                    "Goodwill",
                    {entry.id: quantity},
                )
                self.is_kept_from(
                    "biller",
                    "psa.invoice.detail",
                    "write",
                    draft.detail_ids.ids,
                    {"quantity": quantity},
                )
                wizard = self.review()
                self.is_kept_from(
                    "biller",
                    wizard._name,
                    "review_edit",
                    wizard.ids,
                    wizard.line_ids.id,
                    {"quantity": quantity},
                )
                decision = self.dialog(
                    "psa.transaction.decision",
                    on=entry,
                    decision="write_off",
                    quantity=quantity,
                    reason="Goodwill",
                )
                self.is_kept_from(
                    "biller", decision._name, "action_apply", decision.ids
                )
        self.assertEqual((billed.billed_quantity, entry.open_quantity), (4, 2))

    def test_no_correction_beyond_what_was_billed(self):
        invoice = self.invoiced()
        for quantity in (-1, 5, float("inf"), float("nan")):
            with self.subTest(quantity):
                correction = self.dialog(
                    "psa.invoice.correction",
                    move_id=invoice.id,
                    line_ids=[
                        Command.create(
                            {
                                "detail_id": invoice.detail_ids[0].id,
                                "quantity": quantity,
                            }
                        )
                    ],
                )
                self.is_kept_from(
                    "biller", correction._name, "action_apply", correction.ids
                )
        self.assertFalse(invoice.reversal_move_ids)

    def test_what_makes_no_sense(self):
        wizard = self.review()
        row = wizard.line_ids[0].id
        for method, arguments in [
            ("review_edit", (row, {"quantity": "much"})),
            ("review_edit", (row, "much")),
            ("review_edit", (True, {"quantity": 1})),
            ("review_edit", (row, {"billing_type": "gift"})),
            ("review_edit", ("first", {"quantity": 1})),
            ("review_edit", (self.biller.id + 9999999, {"quantity": 1})),
            ("review_rows", ({"page": 1},)),
            ("review_rows", ({"row": "first"},)),
            ("review_rows", ({}, "first")),
            ("review_rows", ({}, -1)),
            ("review_rows", ({}, 2**70)),
            ("review_rows", ("abc",)),
            ("review_rows", ([1],)),
            ("review_tick", (True, 5)),
            ("review_tick", (True, {"page": 1})),
            ("review_tick", (True, {"customer": "all"})),
            ("review_remedy", ("hold", False, ["first"])),
            ("review_remedy", ("none",)),
        ]:
            with self.subTest(method, arguments=arguments):
                self.is_kept_from(
                    "biller", wizard._name, method, wizard.ids, *arguments
                )
        self.is_kept_from("biller", wizard._name, "mark_reached", ["first"])
        self.does("biller", wizard._name, "write", wizard.ids, {"picks": ["first"]})
        self.is_kept_from("biller", wizard._name, "action_finish", wizard.ids)
