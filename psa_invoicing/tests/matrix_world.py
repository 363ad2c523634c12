# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the lines of the matrix are tried on: something of everything, for somebody's
own project, for another one, and for one of another company."""

from datetime import date, timedelta
from types import SimpleNamespace

from odoo.fields import Command
from odoo.tools import SQL

from .common import BillingCase
from .matrix_lines import OF_NO_COMPANY, ROLES

FIRST, DAY, LAST = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 31)
AHEAD = date.today() + timedelta(days=10)
POINTERS = {"detail_ids", "move_ids", "project_ids", "row_ids"}
ROWS_OF = {
    "psa.invoice.correction.line": "psa.invoice.correction",
    "psa.ledger.audit.line": "psa.ledger.audit",
    "psa.manual.invoice.line": "psa.manual.invoice",
    "psa.send.line": "psa.send",
    "psa.unbilled.line": "psa.unbilled",
}


class MatrixWorld(BillingCase):
    audited = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prepaid = cls._service("Setup", "manual", cls.time_product.uom_id)
        cls.prepaid.invoice_policy = "order"
        cls.travel = cls._service("Travel", "manual", cls.time_product.uom_id)
        cls.travel.expense_policy = "cost"
        products = cls.time_product | cls.milestone_product | cls.prepaid | cls.travel
        products.taxes_id = False
        firm = cls.env
        second = cls.setup_other_company(name="Second Firm")["company"]
        cls.users = {
            role: cls.person(
                f"matrix_{role.replace(' ', '_')}",
                f"{groups},base.group_allow_export",
                company=second if role == "elsewhere" else firm.company,
                email="somebody@example.com",
            )
            for role, groups in ROLES.items()
        }
        cls.worlds = {
            "own": cls.world("manager", "reviewer"),
            "other": cls.world("manager of another", "reviewer of another"),
        }
        own = cls.worlds["own"]
        cls.users["customer"].partner_id.parent_id = own.partner
        own.project.message_subscribe(cls.users["customer"].partner_id.ids)
        cls.env = firm(context={**firm.context, "allowed_company_ids": second.ids})
        cls.alice, alice = cls._employee("Alice", cls.consulting), cls.alice
        cls.worlds["foreign"] = cls.world("elsewhere", "elsewhere")
        cls.env, cls.alice = firm, alice
        cls.env.flush_all()

    @classmethod
    def world(cls, manager, reviewer):
        company = cls.env.company
        partner = cls.env["res.partner"].create(
            {
                "name": f"Customer of {manager}",
                "company_id": company.id,
                "email": "customer@example.com",
            }
        )
        project = cls.time_project(
            2,
            3,
            4,
            5,
            customer=partner,
            company_id=company.id,
            user_id=cls.users[manager].id,
            billing_user_id=cls.users[reviewer].id,
        )
        entries = project.timesheet_ids.sorted("date")
        posted = project._psa_invoice(FIRST)
        posted.action_post()
        draft = project._psa_invoice(DAY)
        entries[3].billing_hold = True
        package = cls.contract(project, cls.milestone_product)
        prepaid = cls.contract(project, cls.prepaid, project_id=project.id)
        prepaid.order_id.date_order = LAST
        cls.posted_bill(cls.travel, project)
        cost = cls.env["psa.reinvoiced.cost"].search([("project_id", "=", project.id)])
        row = (
            cls.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": project.id,
                    "run_date": DAY,
                    "cutoff_date": DAY,
                    "state": "done",
                }
            )
        )
        return SimpleNamespace(
            company=company,
            project=project,
            posted=posted,
            draft=draft,
            entry=entries[2],
            milestone=cls.milestone(project, package, 0.1, LAST),
            unreached=cls.milestone(project, package, 0.1),
            prepaid=prepaid,
            line=project.sale_line_id,
            partner=partner,
            row=row,
            run=cls.run_of(row),
            cost=cost,
            leak=cls.leak(project),
            odoos=cls.odoos(partner),
            override=cls.env["psa.billing.override"].create(
                {
                    "project_id": project.id,
                    "transaction_type": "milestone",
                    "frequency_id": cls.env.ref("psa_invoicing.frequency_manual").id,
                }
            ),
        )

    @classmethod
    def run_of(cls, row):
        line = {
            "schedule_id": row.id,
            "project_id": row.project_id.id,
            "company_id": cls.env.company.id,
            "run_date": DAY,
            "cutoff_date": DAY,
        }
        return (
            cls.env["psa.invoice.run"]
            .sudo()
            .create(
                {
                    "run_date": DAY,
                    "company_ids": cls.env.company.ids,
                    "line_ids": [Command.create(line)],
                }
            )
        )

    @classmethod
    def leak(cls, project):
        """An entry that nobody has sold."""
        entry = cls.log(project, LAST, 1)
        entry.so_line = False
        return entry

    @classmethod
    def odoos(cls, partner):
        """A draft that Odoo's own button made."""
        company = {"company_id": cls.env.company.id}
        project = cls.time_project(1, name="Another", customer=partner, **company)
        return project.sale_line_id.order_id._create_invoices()

    # === In what situation ===

    def put(self, situation, world, records):
        """Bring it about, as whoever may."""
        records = records.sudo()
        if situation == "in review":
            world.draft.sudo().action_psa_submit()
        elif situation == "written off":
            records.action_psa_write_off("Goodwill")
        elif situation == "billed":
            world.project.sudo()._psa_invoice(LAST)
        elif situation == "lowered":
            records.quantity = 1
        elif situation == "dry":
            records.is_dry_run = True
        elif situation == "planned":
            world.row.write(
                {"state": "planned", "run_date": AHEAD, "cutoff_date": AHEAD}
            )
        elif situation == "failed":
            world.posted.sudo().billing_sending_error = "The mail server is down."
            world.row.state = "failed"
            world.run.line_ids.state = "failed"

    # === What a method is called on ===

    def records(self, model, situation, world):
        is_posted = situation in ("posted", "failed")
        found = {
            "account.analytic.line": world.entry,
            "account.move": world.posted if is_posted else world.draft,
            "project.milestone": world.milestone,
            "project.project": world.project,
            "psa.billing.frequency": self.env.ref("psa_invoicing.frequency_manual"),
            "psa.billing.leakage": self.env["psa.billing.leakage"].browse(
                world.leak.ids
            ),
            "psa.billing.override": world.override,
            "psa.invoice.detail": world.draft.detail_ids,
            "psa.invoice.run": world.run,
            "psa.invoice.run.line": world.run.line_ids,
            "psa.invoice.schedule": world.row,
            "psa.reinvoiced.cost": world.cost,
            "res.partner": world.partner,
            "sale.order": world.line.order_id,
            "sale.order.line": world.prepaid,
        }.get(model)
        if found is not None:
            return found
        if model == "psa.backlog":
            domain = [("project_id", "=", world.project.id), ("source", "=", "time")]
            return self.env[model].sudo().search(domain, limit=1)
        return self.dialog(model, world) if self.is_dialog(model) else self.env[model]

    def is_dialog(self, model) -> bool:
        return self.env[model]._transient

    def dialog(self, model, world):
        """One that somebody has opened there, and filled."""
        context = {
            "allowed_company_ids": world.company.ids,
            "active_model": world.entry._name,
            "active_ids": world.entry.ids,
        }
        dialogs = self.env(su=True, context=context)
        if model == "psa.unbilled.line":
            report = self.dialog("psa.unbilled", world)
            report.action_open()
            return dialogs[model].search([("unbilled_id", "=", report.id)], limit=1)
        if model in ROWS_OF:
            return self.dialog(ROWS_OF[model], world).line_ids[:1]
        dialog = dialogs[model].create(self.dialog_values(model, world))
        if model == "psa.manual.invoice":
            dialog.action_next()
        return dialog

    def hand_over(self, model, user):
        """Let dialogs be somebody's own, and their rows."""
        if not self.is_dialog(model):
            return
        dialog = ROWS_OF.get(model, model)
        rows = [row for row, parent in ROWS_OF.items() if parent == dialog]
        self.env.flush_all()
        for name in (dialog, *rows):
            table = SQL.identifier(self.env[name]._table)
            self.env.cr.execute(SQL("UPDATE %s SET create_uid = %s", table, user.id))
        self.env.invalidate_all()

    def is_empty(self, records, user) -> bool:
        """Whether it is a dialog that points at nothing which the user may read."""
        if not self.is_dialog(records._name) or records._name in OF_NO_COMPANY:
            return False
        dialog = records.with_env(self.env(user=user, context={}, su=False))
        return any(not dialog[name] for name in POINTERS if name in dialog._fields)

    def dialog_values(self, model, world) -> dict:
        draft, posted, reason = world.draft.ids, world.posted, {"reason": "Why"}
        values = {
            "account.move.send.wizard": {"move_id": world.draft.id},
            "psa.adopt.draft": {"move_ids": world.odoos.ids, "cutoff_date": DAY},
            "psa.confirm.anyway": {"move_ids": draft, **reason},
            "psa.contract.line.change": {
                "entry_ids": world.entry.ids,
                "sale_line_id": world.line.id,
            },
            "psa.contract.rate": {
                "order_id": world.line.order_id.id,
                "sale_line_id": world.line.id,
                "price_unit": 120,
                "start_date": DAY,
            },
            "psa.invoice.correction": {
                "move_id": posted.id,
                "line_ids": [
                    Command.create({"detail_id": posted.detail_ids.id, "quantity": 1})
                ],
            },
            "psa.manual.invoice": {
                "project_ids": world.project.ids,
                "cutoff_date": LAST,
            },
            "psa.project.backlog": {
                "project_ids": world.project.ids,
                "decision": "write_off",
                **reason,
            },
            "psa.reset.to.draft": {"move_ids": posted.ids, **reason},
            "psa.review.comment": {"move_ids": draft, "comment": "No"},
            "psa.row.removal": {"detail_ids": world.draft.detail_ids.ids, **reason},
            "psa.schedule.skip": {"row_ids": world.row.ids, **reason},
            "psa.ledger.audit": {
                "line_ids": [
                    Command.create(
                        {
                            "check": "line_quantity",
                            "model": "account.move",
                            "res_id": posted.id,
                        }
                    )
                ]
            },
            "psa.send": {
                "move_ids": draft,
                "line_ids": [
                    Command.create({"move_id": world.draft.id, "problem": "None"})
                ],
            },
            "psa.transaction.decision": {
                "decision": "hold",
                "transaction_model": "account.analytic.line",
                "transaction_ids": world.entry.ids,
                **reason,
            },
        }
        return values.get(model, {})

    def new_values(self, model, world) -> dict:
        """Of a record that a client adds."""
        manual = self.env.ref("psa_invoicing.frequency_manual").id
        values = {
            "psa.billing.frequency": {"name": "Another"},
            "psa.billing.override": {
                "project_id": world.project.id,
                "transaction_type": "time",
                "frequency_id": manual,
            },
            "psa.invoice.schedule": {
                "project_id": world.project.id,
                "run_date": str(AHEAD + timedelta(days=5)),
                "cutoff_date": str(AHEAD + timedelta(days=5)),
            },
        }
        if model in ("psa.invoice.correction.line", "psa.send.line"):
            row = self.dialog_values(ROWS_OF[model], world)["line_ids"][0][2]
            parent = self.dialog(ROWS_OF[model], world)
            name = "wizard_id" if model == "psa.send.line" else "correction_id"
            return {**row, name: parent.id}
        return values.get(model, self.dialog_values(model, world))

    def changes(self, model) -> dict:
        """Of a record that a client changes."""
        monthly = self.env.ref("psa_invoicing.frequency_monthly_last_day")
        return {
            "psa.billing.frequency": {"name": "Another"},
            "psa.billing.override": {"frequency_id": monthly.id},
            "psa.invoice.detail": {"quantity": 1},
            "psa.invoice.run": {"run_date": str(LAST)},
            "psa.invoice.run.line": {"run_date": str(LAST)},
            "psa.invoice.schedule": {"run_date": str(AHEAD + timedelta(days=1))},
            "psa.manual.invoice.line": {"selected": False},
            "psa.reinvoiced.cost": {"billing_hold": True},
        }.get(model, {})
