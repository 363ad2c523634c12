# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What belongs to another company, or to a private project, is out of sight: also by
way of dialogs, of forms that are not saved, and of defaults."""

import json
from datetime import date

from odoo import Command
from odoo.fields import NO_ACCESS
from odoo.tests import tagged

from .common import BillingCase
from .rpc import RpcCase

LAST = date(2026, 1, 31)
SECRET = "Top secret"
# Models for all companies, and why.
SHARED = {"psa.billing.frequency": "A rule of dates, which says nothing of anybody."}


class TestOutOfSight(RpcCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.role("biller", "psa_invoicing.group_billing_manager")
        cls.role("elsewhere", "psa_invoicing.group_billing_manager", cls.elsewhere)
        cls.role("member", "project.group_project_user")
        cls.secret = cls.customer.copy({"name": f"{SECRET} customer"})
        # Of no company: that of its contract counts.
        cls.work = cls.time_project(
            2, 3, name=f"{SECRET} project", customer=cls.secret, company_id=False
        )
        cls.line = cls.work.sale_line_id
        cls.line.name = f"{SECRET} contract line"
        cls.line.order_id.name = f"{SECRET} order"
        cls.package = cls.milestone(
            cls.work,
            cls.contract(cls.work, cls.milestone_product),
            0.1,
            name=f"{SECRET} milestone",
        )
        cls.draft = cls.work._psa_invoice(date(2026, 1, 1))
        cls.draft.detail_ids.sudo().flush_recordset()
        cls.env.cr.execute(
            "UPDATE psa_invoice_detail SET name = %s", (f"{SECRET} work",)
        )
        cls.env.invalidate_all()
        cls.work.billing_frequency_id = cls.env.ref(
            "psa_invoicing.frequency_monthly_last_day"
        )
        cls.rows = cls.work.invoice_schedule_ids
        cls.private = cls.time_project(
            1,
            name=f"{SECRET} private project",
            customer=cls.secret,
            privacy_visibility="followers",
            billing_frequency_id=cls.work.billing_frequency_id.id,
        )

    def pointers(self):
        """What a biller of another company might point at, by dialog."""
        draft, details = self.draft, self.draft.detail_ids
        return [
            ("psa.send.line", {"move_id": draft.id, "problem": "?"}),
            ("psa.send", {"move_ids": [Command.set(draft.ids)]}),
            ("account.move.send.wizard", {"move_id": draft.id}),
            ("psa.invoice.correction", {"move_id": draft.id}),
            ("psa.invoice.correction.line", {"detail_id": details.id}),
            ("psa.manual.invoice", {"draft_id": draft.id}),
            ("psa.manual.invoice", {"order_ids": self.line.order_id.ids}),
            ("psa.contract.rate", {"order_id": self.line.order_id.id}),
            ("psa.contract.rate", {"sale_line_id": self.line.id}),
            ("psa.contract.line.change", {"sale_line_id": self.line.id}),
            ("psa.adopt.draft", {"move_ids": [Command.set(draft.ids)]}),
            ("psa.reset.to.draft", {"move_ids": [Command.set(draft.ids)]}),
            ("psa.review.comment", {"move_ids": [Command.set(draft.ids)]}),
            ("psa.row.removal", {"detail_ids": [Command.set(details.ids)]}),
            ("psa.schedule.skip", {"row_ids": [Command.set(self.rows.ids)]}),
        ]

    def secrets(self):
        """A record of each model that a form of ours may point at."""
        return {
            records._name: records[0].id
            for records in (
                self.draft,
                self.draft.line_ids,
                self.draft.detail_ids,
                self.line,
                self.line.order_id,
                self.package,
                self.private,
                self.rows,
                self.work.timesheet_ids,
            )
        }

    def pointing_values(self):
        """Of each field of ours that points at something that is kept: a value."""
        secrets = self.secrets()
        for name, model in self.registry.items():
            for field in model._fields.values():
                if (
                    field.store
                    and not model._abstract
                    and field.type in ("many2one", "many2many")
                    and field.comodel_name in secrets
                    and field._modules[:1] == ("psa_invoicing",)
                ):
                    id_ = secrets[field.comodel_name]
                    value = [[6, 0, [id_]]] if field.type == "many2many" else id_
                    yield self.env[name], {field.name: value}

    def shown(self, model):
        """All that a form may show."""
        return {
            name: {"fields": {"display_name": {}}} if field.relational else {}
            for name, field in model._fields.items()
            if name not in ("create_uid", "write_uid") and field.groups != NO_ACCESS
        }

    def forms(self):
        """``(model, values, what is shown)`` of each form that a biller may open, also
        where the values are those of a row in it."""
        user = self.env["res.users"].search([("login", "=", "api_elsewhere")])
        own = [
            model
            for model in map(self.env(user=user).get, self.registry)
            if not model._abstract and model.has_access("create")
        ]
        for model, values in self.pointing_values():
            shown = self.shown(model)
            if model.with_user(user) in own:
                yield model._name, values, shown
            for parent in own:
                for field in parent._fields.values():
                    if field.type == "one2many" and field.comodel_name == model._name:
                        yield (
                            parent._name,
                            {field.name: [[0, "virtual_1", values]]},
                            {field.name: {"fields": shown}},
                        )

    def test_no_form_tells_what_it_points_at(self):
        """Of no model of ours, nor of one of Odoo's by a field of ours."""
        count = 0
        for model, values, shown in self.forms():
            count += 1
            with self.subTest(model, values=values):
                self.assert_nothing_told(
                    "elsewhere", model, "onchange", [], values, list(values), shown
                )
        self.assertGreater(count, 40)

    def assert_nothing_told(self, login, model, method, /, *args, **kwargs):
        answer = self.web(login, model, method, *args, **kwargs)
        self.assertNotIn(SECRET, json.dumps(answer))

    def test_a_dialog_points_at_nothing_out_of_sight(self):
        for model, values in self.pointers():
            shown = self.shown(self.env[model])
            defaults = {f"default_{name}": value for name, value in values.items()}
            with self.subTest(model, values=list(values)):
                self.is_kept_from("elsewhere", model, "create", values)
                self.assert_nothing_told(
                    "elsewhere", model, "create", {}, context=defaults
                )
                for arguments, context in (
                    (({}, [], shown), defaults),
                    ((values, [], shown), {}),
                    ((values, list(values), shown), {}),
                ):
                    self.assert_nothing_told(
                        "elsewhere",
                        model,
                        "onchange",
                        [],
                        *arguments,
                        context=context,
                    )

    def test_what_is_wrong_with_it_is_not_told_either(self):
        """A frequency of somebody else's contract line, on a project of one's own."""
        self.role("planner", "project.group_project_manager", self.elsewhere)
        own = self.does("planner", "project.project", "create", {"name": "Own"})
        values = {
            "project_id": own,
            "sale_line_id": self.line.id,
            "frequency_id": self.work.billing_frequency_id.id,
        }
        text = self.is_kept_from("planner", "psa.billing.override", "create", values)
        self.assertNotIn(SECRET, text)

    def test_nor_does_a_row_of_a_dialog(self):
        """Also one that was there before, in a form that is not saved."""
        row = {"detail_id": self.draft.detail_ids.id, "move_id": self.draft.id}
        for model, rows in (
            ("psa.invoice.correction", "line_ids"),
            ("psa.send", "line_ids"),
        ):
            comodel = self.env[model]._fields[rows].comodel_name
            values = {
                key: val for key, val in row.items() if key in self.env[comodel]._fields
            }
            shown = {rows: {"fields": self.shown(self.env[comodel])}}
            for command in ([0, "virtual_1", values], [1, 1, values]):
                with self.subTest(model, command=command[0]):
                    self.assert_nothing_told(
                        "elsewhere",
                        model,
                        "onchange",
                        [],
                        {rows: [command]},
                        [rows],
                        shown,
                    )

    def test_a_project_of_no_company_is_its_contracts(self):
        """Its name is for everybody, as in Odoo; what is billed of it is not."""
        wizard = self.does(
            "elsewhere",
            "psa.manual.invoice",
            "create",
            {"project_ids": [Command.set(self.work.ids)]},
        )
        (found,) = self.does(
            "elsewhere", "psa.manual.invoice", "read", [wizard], ["milestone_rows"]
        )
        self.assertFalse(found["milestone_rows"])
        for login, number in (("elsewhere", 0), ("biller", len(self.rows))):
            for model in ("psa.invoice.schedule", "psa.invoice.detail"):
                with self.subTest(login, model=model):
                    self.assertEqual(
                        bool(
                            self.does(
                                login,
                                model,
                                "search_count",
                                [("project_id", "=", self.work.id)],
                            )
                        ),
                        bool(number),
                    )

    def test_what_is_next_is_the_contracts_companys(self):
        """Neither is it told, nor planned from another one."""
        names = ["billing_next", "billing_next_state", "billing_problem"]
        for login, is_told in (("elsewhere", False), ("biller", True)):
            (found,) = self.does(login, "project.project", "read", self.work.ids, names)
            self.assertEqual(bool(found["billing_next"]), is_told)
            self.assertEqual(bool(found["billing_next_state"]), is_told)
            self.assertFalse(found["billing_problem"])
        number = len(self.rows)
        text = self.is_kept_from(
            "elsewhere", "project.project", "action_psa_plan_from_start", self.work.ids
        )
        self.assertIn(f"This work belongs to {self.env.company.name}", text)
        self.assertEqual(len(self.work.invoice_schedule_ids), number)

    def test_a_private_project_is_seen_by_its_members(self):
        override = self.env["psa.billing.override"].create(
            {
                "project_id": self.private.id,
                "transaction_type": "time",
                "frequency_id": self.work.billing_frequency_id.id,
            }
        )
        domain = [("project_id", "=", self.private.id)]
        for login, is_seen in (("member", False), ("biller", True)):
            for model in ("psa.invoice.schedule", override._name):
                with self.subTest(login, model=model):
                    found = self.does(login, model, "search_count", domain)
                    self.assertEqual(bool(found), is_seen)
        self.assert_nothing_told(
            "elsewhere",
            "psa.invoice.schedule",
            "onchange",
            [],
            {"project_id": self.private.id, "run_date": str(date.today())},
            ["project_id"],
            {"partner_id": {"fields": {"display_name": {}}}, "display_name": {}},
        )

    def test_a_dialog_is_ones_own(self):
        wizard = self.does(
            "biller",
            "psa.manual.invoice",
            "create",
            {"project_ids": [Command.set(self.work.ids)]},
        )
        self.role("another", "psa_invoicing.group_billing_manager")
        for method, arguments in (
            ("read", (["project_ids"],)),
            ("write", ({"cutoff_date": "2026-01-01"},)),
            ("action_next", ()),
            ("review_rows", ({},)),
            ("unlink", ()),
        ):
            with self.subTest(method):
                self.is_kept_from(
                    "another", "psa.manual.invoice", method, [wizard], *arguments
                )

    def test_decisions_are_the_companys(self):
        """Also about time that nobody sold, and about dates of a project that is of no
        company."""
        unsold = self.log(self.work, date(2026, 1, 9), 1)
        unsold.write({"so_line": False})
        self.assertEqual(unsold.company_id, self.env.company)
        entries = (unsold + self.work.timesheet_ids[0]).ids
        row = self.rows[-1]
        dialog = {"active_model": unsold._name, "active_ids": unsold.ids}
        for model, method, arguments in (
            (unsold._name, "action_psa_hold", (entries[:1], "Mine")),
            (unsold._name, "action_psa_hold", (entries[1:], "Mine")),
            (unsold._name, "action_psa_release", (unsold.ids,)),
            (unsold._name, "action_psa_set_billing_type", (unsold.ids, "chargeable")),
            (unsold._name, "action_psa_write_off", (unsold.ids, "Mine")),
            (unsold._name, "action_psa_undo_write_off", (unsold.ids,)),
            (unsold._name, "action_manual_invoice", (unsold.ids,)),
            (self.package._name, "action_psa_hold", (self.package.ids, "Mine")),
            (self.line._name, "action_psa_hold", (self.line.ids, "Mine")),
            ("psa.billing.leakage", "action_release", (unsold.ids,)),
            ("psa.backlog", "action_psa_hold", (unsold.ids, "Mine")),
            (row._name, "psa_skip", (row.ids, "Mine")),
            (row._name, "action_plan_again", (row.ids,)),
            (row._name, "action_retry", (row.ids,)),
            (row._name, "write", (row.ids, {"run_date": str(date.today())})),
            ("psa.transaction.decision", "create", ({"decision": "hold"},)),
            ("psa.contract.line.change", "create", ({},)),
        ):
            with self.subTest(model, method=method):
                self.is_kept_from(
                    "elsewhere", model, method, *arguments, context=dialog
                )
        self.assertFalse(unsold.billing_hold)
        self.assertEqual(row.state, "planned")

    def test_rows_of_a_run(self):
        row = self.rows[-1]
        values = {name: row[name] for name in ("run_date", "cutoff_date")}
        run = (
            self.env["psa.invoice.run"]
            .sudo()
            .create(
                {
                    "run_date": row.run_date,
                    "line_ids": [
                        Command.create({"project_id": self.work.id, **values})
                    ],
                }
            )
        )
        domain = [("run_id", "=", run.id)]
        for login, is_seen in (("elsewhere", False), ("biller", True)):
            found = self.does(login, "psa.invoice.run.line", "search_count", domain)
            self.assertEqual(bool(found), is_seen)


@tagged("post_install", "-at_install")
class TestEveryModel(BillingCase):
    def models(self):
        return [
            self.env[name]
            for name, model in self.registry.items()
            if model._module.startswith("psa_invoicing") and not model._abstract
            if name.startswith("psa.")
        ]

    def test_every_model_has_its_rights(self):
        """An access line for a group; a rule; and it knows its company."""
        for model in self.models():
            name = model._name
            lines = self.env["ir.model.access"].search([("model_id.model", "=", name)])
            rules = self.env["ir.rule"].search(
                [("model_id.model", "=", name), ("groups", "=", False)]
            )
            domains = " ".join(rules.mapped("domain_force"))
            with self.subTest(name):
                self.assertTrue(lines)
                self.assertTrue(all(lines.mapped("group_id")))
                if name in SHARED:
                    continue
                if not model._transient:
                    self.assertIn("company_ids", domains)
                    self.assertIsInstance(model, self.registry["psa.exported"])
                    continue
                self.assertIn("('create_uid', '=', user.id)", domains.replace('"', "'"))
                if any(line.perm_create or line.perm_write for line in lines):
                    self.assertIsInstance(model, self.registry["psa.pointing"])
