# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What other systems call: plain values in and out, the rights of the web client, and
nothing twice. Every call is a real one, over HTTP with an API key."""

from datetime import date, timedelta

from odoo.tools import mute_logger

from .rpc import LOGS, RpcCase

JANUARY = "2026-01-31"


class TestExternalApi(RpcCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = cls.role("biller", "psa_invoicing.group_billing_manager")
        cls.work = cls.time_project(2, 3, 4)
        cls.entries = cls.work.timesheet_ids.sorted("date")

    def invoice(self, **values):
        return self.call(
            "project.project",
            "psa_invoice",
            **{"ids": self.work.ids, "cutoff_date": JANUARY, **values},
        )

    def drafts(self):
        return self.env["account.move"].search(
            [("billing_project_ids", "in", self.work.ids)]
        )

    # === Invoicing ===

    def test_preview(self):
        found = self.call(
            "project.project",
            "psa_preview",
            ids=self.work.ids,
            cutoff_date="2026-01-02",
        )
        (invoice,) = found["invoices"]
        self.assertEqual(
            (invoice["type"], invoice["partner"], invoice["amount_untaxed"]),
            ("invoice", "Customer", 500),
        )
        first, second = invoice["transactions"]
        self.assertEqual(first["key"], ["time", self.entries[0].id])
        self.assertEqual(
            (second["date"], second["employee"], second["quantity"], second["unit"]),
            ("2026-01-02", "Alice", 3, "Hours"),
        )
        (later,) = found["left_out"]
        self.assertEqual(
            (later["reason"], later["transactions"]),
            ("later", [["time", self.entries[2].id]]),
        )
        self.assertFalse(self.drafts(), "Nothing is written.")

    def test_the_same_call_twice(self):
        made = self.invoice()
        self.assertEqual(made["invoice_ids"], self.drafts().ids)
        self.assertEqual(made["invoices"][0]["amount_untaxed"], 900)
        self.assertEqual((made["left_out"], made["message"]), ([], ""))
        again = self.invoice()
        self.assertEqual(
            (again["invoice_ids"], again["message"]), ([], "Nothing is open.")
        )
        (left_out,) = again["left_out"]
        self.assertEqual(
            (left_out["reason"], left_out["about_id"]), ("draft", self.drafts().id)
        )
        self.assertEqual(len(self.drafts()), 1)

    def test_types_units_milestones_and_picks(self):
        line = self.contract(self.work, self.milestone_product)
        package = self.milestone(self.work, line, 0.1, date(2026, 1, 5))
        other = self.milestone(self.work, line, 0.2, date(2026, 1, 5))
        self.log(self.work, date(2026, 1, 4), 5, self.bob)
        for arguments, amount in [
            ({"types": ["milestone"], "milestone_ids": package.ids}, 100),
            ({"types": "milestone"}, 200),
            ({"unit_ids": self.engineering.ids}, 500),
            ({"picks": [["time", self.entries[1].id]]}, 300),
        ]:
            with self.subTest(arguments):
                (invoice,) = self.invoice(**arguments)["invoices"]
                self.assertEqual(invoice["amount_untaxed"], amount)
        self.assertFalse(other.open_quantity)
        again = self.invoice(picks=[["time", self.entries[1].id]])
        self.assertEqual(
            [(each["reason"], each["transactions"]) for each in again["left_out"]],
            [("draft", [["time", self.entries[1].id]])],
        )

    def test_what_was_credited_waits_for_a_person(self):
        (move,) = self.env["account.move"].browse(self.invoice()["invoice_ids"])
        move.action_post()
        move._reverse_moves(cancel=True)
        found = self.invoice()
        self.assertEqual(found["invoice_ids"], [])
        keys = [["time", entry.id] for entry in self.entries]
        self.assertEqual(
            [(each["reason"], each["transactions"]) for each in found["left_out"]],
            [("credited", keys)],
        )
        (invoice,) = self.invoice(picks=keys[:1])["invoices"]
        self.assertEqual(invoice["amount_untaxed"], 200)

    def test_what_is_older_than_the_billing_start_waits_likewise(self):
        self.work.billing_start_date = date(2026, 1, 2)
        found = self.invoice()
        self.assertEqual(found["invoices"][0]["amount_untaxed"], 700)
        keys = [["time", self.entries[0].id]]
        self.assertEqual(
            [(each["reason"], each["transactions"]) for each in found["left_out"]],
            [("before_start", keys)],
        )
        (invoice,) = self.invoice(picks=keys)["invoices"]
        self.assertEqual(invoice["amount_untaxed"], 200)

    def test_what_makes_no_sense(self):
        """Each says what is wrong, and writes nothing."""
        for text, values in [
            ("no date", {"cutoff_date": "31.01.2026"}),
            ("no date", {"cutoff_date": 20260131}),
            ("up to which date", {"cutoff_date": ""}),
            ("“hours” is not known", {"types": ["time", "hours"]}),
            ("are no ids", {"unit_ids": "Consulting"}),
            ("“sheet” is not known", {"picks": [["sheet", 1]]}),
            ("is no transaction", {"picks": [1]}),
            ("are no ids", {"picks": [["time", "one"]]}),
            ("Choose at least one project", {"ids": []}),
        ]:
            with self.subTest(values):
                self.assert_refused(
                    text,
                    "project.project",
                    "psa_invoice",
                    **{"ids": self.work.ids, "cutoff_date": JANUARY, **values},
                )
        for values in [
            {"ids": [999999]},
            {"unit_ids": [999999]},
            {"milestone_ids": [999999]},
            {"picks": [["cost", 999999]]},
        ]:
            with self.subTest(values):
                self.assert_refused(
                    "with the id 999999",
                    "project.project",
                    "psa_invoice",
                    status=404,
                    **{"ids": self.work.ids, "cutoff_date": JANUARY, **values},
                )
        self.assertFalse(self.drafts())

    # === Review, sending, payment ===

    def test_recalculate_says_what_changed(self):
        (id_,) = self.invoice()["invoice_ids"]
        self.entries[0].unit_amount = 5
        (found,) = self.call("account.move", "psa_recalculate", ids=[id_])
        self.assertEqual(
            (found["amount_untaxed_before"], found["amount_untaxed"]), (900, 1200)
        )
        (change,) = found["difference"]
        self.assertEqual(
            (change["what"], change["before"], change["now"]),
            ("Alice · Work", "2.00 Hours", "5.00 Hours"),
        )
        (again,) = self.call("account.move", "psa_recalculate", ids=[id_])
        self.assertEqual((again["difference"], again["amount_untaxed"]), ([], 1200))

    def test_sent_once(self):
        ids = self.invoice()["invoice_ids"]
        (found,) = self.call("account.move", "psa_send", ids=ids)
        self.assertEqual((found["state"], found["sending_error"]), ("sent", ""))
        self.assertEqual(found["sent_date"], str(self.env.company._billing_today()))
        self.call("account.move", "psa_send", ids=ids)
        mails = self.env["mail.message"].search(
            [
                ("model", "=", "account.move"),
                ("res_id", "in", ids),
                ("subject", "!=", False),
            ]
        )
        self.assertEqual(len(mails), 1)

    def test_printed(self):
        """Whoever has no address gets it by post."""
        self.customer.email = False
        ids = self.invoice()["invoice_ids"]
        self.assert_refused("no e-mail address", "account.move", "psa_send", ids=ids)
        self.assertEqual(self.drafts().state, "draft")
        self.assert_refused(
            "“fax” is not known",
            "account.move",
            "psa_send",
            ids=ids,
            sending_method="fax",
        )
        (found,) = self.call(
            "account.move", "psa_send", ids=ids, sending_method="print"
        )
        self.assertEqual((found["state"], found["sent_date"]), ("confirmed", False))
        self.assertEqual(
            found["pdf_id"], self.drafts().invoice_pdf_report_id.id or False
        )
        self.assertTrue(self.call("account.move", "action_psa_mark_sent", ids=ids))
        self.assertEqual(self.drafts().psa_state, "sent")

    def test_paid_once(self):
        ids = self.invoice()["invoice_ids"]
        self.assert_refused("Send ", "account.move", "psa_mark_paid", ids=ids)
        self.call("account.move", "psa_send", ids=ids, sending_method="print")
        bank = self.company_data["default_journal_bank"]
        self.assert_refused(
            "takes no payment",
            "account.move",
            "psa_mark_paid",
            ids=ids,
            journal_id=self.company_data["default_journal_sale"].id,
        )
        for _time in range(2):
            (found,) = self.call(
                "account.move",
                "psa_mark_paid",
                ids=ids,
                journal_id=bank.id,
                payment_date="2026-02-20",
            )
            self.assertEqual((found["state"], found["amount_due"]), ("paid", 0))
        payment = self.drafts().matched_payment_ids
        self.assertEqual(
            (len(payment), payment.amount, payment.date, payment.journal_id),
            (1, 1035, date(2026, 2, 20), bank),
        )

    # === Transactions and schedule ===

    def test_transactions_are_decided_about(self):
        model, first = "account.analytic.line", self.entries[0]
        ids = first.ids
        self.assertTrue(self.call(model, "action_psa_hold", ids=ids, reason="Disputed"))
        self.assertEqual(first.billing_status, "hold")
        self.assertTrue(self.call(model, "action_psa_release", ids=ids))
        self.assertTrue(
            self.call(
                model,
                "action_psa_set_billing_type",
                ids=ids,
                billing_type="complimentary",
            )
        )
        self.assertEqual(first.billing_type, "complimentary")
        self.assert_refused(
            "“free” is not known",
            model,
            "action_psa_set_billing_type",
            ids=ids,
            billing_type="free",
        )
        second = self.entries[1]
        rows = self.call(
            model,
            "action_psa_write_off",
            ids=second.ids,
            reason="Goodwill",
            quantities={second.id: 1},
        )
        self.assertEqual(len(rows), 1)
        self.assertEqual(second.open_quantity, 2)
        self.assertTrue(self.call(model, "action_psa_undo_write_off", ids=second.ids))
        self.assertEqual(second.open_quantity, 3)
        for text, quantities in [("no quantities", [1]), ("no quantities", {"1": 1})]:
            self.assert_refused(
                text,
                model,
                "action_psa_write_off",
                ids=second.ids,
                reason="Goodwill",
                quantities=quantities,
            )
        self.assert_refused(
            "with the id 999999",
            model,
            "action_psa_hold",
            status=404,
            ids=[999999],
            reason="Why",
        )

    def test_from_the_backlog(self):
        """Rows are held, released and written off; what is left is picked."""
        domain = [["project_id", "=", self.work.id], ["status", "=", "ready"]]

        def ready():
            return self.call(
                "psa.backlog",
                "search_read",
                domain=domain,
                fields=["source", "source_id", "amount", "date"],
            )

        rows = ready()
        self.assertEqual([row["amount"] for row in rows], [200, 300, 400])
        self.assertEqual(rows[0]["date"], "2026-01-01")
        first, second, third = ([row["id"]] for row in rows)
        for method, values in [
            ("action_psa_hold", {"ids": first, "reason": "Disputed"}),
            ("action_psa_release", {"ids": first}),
            (
                "action_psa_set_billing_type",
                {"ids": first, "billing_type": "non_chargeable"},
            ),
            (
                "action_psa_write_off",
                {"ids": second, "reason": "Goodwill", "quantities": {second[0]: 1}},
            ),
            ("action_psa_hold", {"ids": third, "reason": "Disputed"}),
        ]:
            self.assertIs(self.call("psa.backlog", method, **values), True)
        rows = ready()
        self.assertEqual([row["amount"] for row in rows], [200])
        picks = [[row["source"], row["source_id"]] for row in rows]
        (invoice,) = self.invoice(picks=picks)["invoices"]
        self.assertEqual(invoice["amount_untaxed"], 200)
        self.assert_refused(
            "There is no",
            "psa.backlog",
            "action_psa_hold",
            status=404,
            ids=[8 * 999999],
            reason="Why",
        )

    def test_the_schedule(self):
        model = "psa.invoice.schedule"
        day = self.env.company._billing_today() + timedelta(5)
        values = {"project_id": self.work.id, "run_date": str(day)}
        (id_,) = self.call(model, "create", vals_list=[values])
        row = self.env[model].browse(id_)
        self.assertEqual((row.state, row.cutoff_date), ("planned", day - timedelta(1)))
        self.assert_refused("has the invoice date", model, "create", vals_list=[values])
        self.assert_refused(
            "is no date",
            model,
            "create",
            vals_list=[{**values, "run_date": "tomorrow"}],
        )
        self.assertTrue(self.call(model, "psa_skip", ids=[id_], reason="Agreed"))
        self.assertEqual((row.state, row.error), ("skipped", "Agreed"))
        self.assert_refused(
            "cannot be skipped", model, "psa_skip", ids=[id_], reason="Agreed"
        )
        self.assertTrue(self.call(model, "action_plan_again", ids=[id_]))
        self.assertEqual(row.state, "planned")
        self.call(model, "write", ids=[id_], vals={"run_date": str(day + timedelta(1))})
        self.assertEqual(row.run_date, day + timedelta(1))

    def test_reading(self):
        ids = self.invoice()["invoice_ids"]
        found = self.call(
            "psa.invoice.detail",
            "search_read",
            domain=[["move_id", "in", ids]],
            fields=["date", "quantity", "amount", "transaction_type"],
            order="date",
        )
        self.assertEqual([row["amount"] for row in found], [200, 300, 400])
        self.assertEqual(found[0]["date"], "2026-01-01")

    # === Rights ===

    def test_who_may_call(self):
        """The rights of the web client, on the server."""
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.work.company_id = self.env.company
        for role, groups in {
            "employee": "hr_timesheet.group_hr_timesheet_user",
            "manager": "project.group_project_manager",
            "reviewer": "psa_invoicing.group_billing_reviewer",
            "accountant": "account.group_account_invoice",
        }.items():
            self.role(role, groups)
        self.role("elsewhere", "psa_invoicing.group_billing_manager", elsewhere)
        ids = self.invoice(cutoff_date="2026-01-01")["invoice_ids"]
        arguments = {"ids": self.work.ids, "cutoff_date": JANUARY}
        entry = {"ids": self.entries[1].ids}
        for role in ("employee", "manager", "reviewer", "accountant", "elsewhere"):
            # Transactions of another company are named as such.
            refused = (403, 422) if role == "elsewhere" else (403,)
            for model, method, values in [
                ("project.project", "psa_invoice", arguments),
                ("project.project", "psa_preview", arguments),
                ("account.move", "psa_recalculate", {"ids": ids}),
                ("account.move", "psa_send", {"ids": ids}),
                ("account.move", "psa_mark_paid", {"ids": ids}),
                ("psa.invoice.run", "psa_run", {"project_ids": self.work.ids}),
                ("account.analytic.line", "action_psa_hold", entry),
                ("account.analytic.line", "action_psa_release", entry),
            ]:
                with self.subTest(role=role, method=method), mute_logger(*LOGS):
                    answer = self.post(model, method, role, **values)
                    self.assertIn(answer.status_code, refused)
        self.env.invalidate_all()
        self.assertEqual(self.drafts().ids, ids)
        self.assertEqual(self.drafts().state, "draft")
        self.assertFalse(self.entries[1].billing_hold)

    # === XML-RPC ===

    @mute_logger("odoo.addons.rpc.controllers.xmlrpc")
    def test_xml_rpc(self):
        """It knows no empty values: no call may return one."""

        def call(model, method, *args, **kwargs):
            found = self.xmlrpc_object.execute_kw(
                self.env.cr.dbname,
                self.biller.id,
                self.keys["biller"],
                model,
                method,
                args,
                kwargs,
            )
            self.env.invalidate_all()
            return found

        entry = self.entries[2].ids
        for method, arguments in [
            ("action_psa_hold", ["Disputed"]),
            ("action_psa_release", []),
            ("action_psa_set_billing_type", ["chargeable"]),
        ]:
            done = call("account.analytic.line", method, entry, *arguments)
            self.assertIs(done, True)
        found = call("project.project", "psa_preview", self.work.ids, JANUARY)
        self.assertEqual(found["invoices"][0]["amount_untaxed"], 900)
        ids = call("project.project", "psa_invoice", self.work.ids, JANUARY)[
            "invoice_ids"
        ]
        self.assertEqual(self.drafts().ids, ids)
        (values,) = call("account.move", "psa_recalculate", ids)
        self.assertEqual(values["difference"], [])
        (values,) = call("account.move", "psa_send", ids, "print")
        self.assertEqual(values["state"], "confirmed")
        (values,) = call("account.move", "psa_mark_paid", ids)
        self.assertEqual(values["state"], "paid")
