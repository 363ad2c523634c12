# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every action by every role: who may, and whom the server refuses.

A refusal is an access error. A message that something makes no sense just now is none:
then the right was there; but for another company, whose records are named as not there.
"""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user

from .common import BillingCase

JANUARY = date(2026, 1, 31)
ROLES = {
    "employee": "base.group_user,hr_timesheet.group_hr_timesheet_user",
    "manager": "project.group_project_manager",
    "manager of another": "project.group_project_manager",
    "reviewer": "psa_invoicing.group_billing_reviewer",
    "reviewer of another": "psa_invoicing.group_billing_reviewer",
    "biller": "psa_invoicing.group_billing_manager",
    "accountant": "account.group_account_invoice",
    "salesman": "sales_team.group_sale_salesman_all_leads",
    "elsewhere": "psa_invoicing.group_billing_manager",
    "portal": "base.group_portal",
}
BILLER = {"biller"}
REVIEWER = {"reviewer"}
# What a wizard of one's own asks for: who may open it in his own company.
ANY_BILLER = {"biller", "elsewhere"}


class TestRightsMatrix(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.users = {role: cls._user(role, groups) for role, groups in ROLES.items()}
        cls.env.company.billing_review_required = True
        cls.work = cls.time_project(
            2,
            3,
            4,
            user_id=cls.users["manager"].id,
            billing_user_id=cls.users["reviewer"].id,
            company_id=cls.env.company.id,
        )
        another = cls.time_project(
            1,
            name="Another",
            user_id=cls.users["manager of another"].id,
            billing_user_id=cls.users["reviewer of another"].id,
        )
        cls.odoos = another.sale_line_id.order_id._create_invoices()
        cls.entries = cls.work.timesheet_ids.sorted("date")
        cls.posted = cls._approved(date(2026, 1, 1))
        cls.posted.action_post()
        cls.posted.billing_sent_date = JANUARY
        cls.draft = cls.work._psa_invoice(date(2026, 1, 2))
        cls.row = (
            cls.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": cls.work.id,
                    "run_date": JANUARY,
                    "cutoff_date": JANUARY,
                    "state": "done",
                }
            )
        )
        cls.ended = (
            cls.env["psa.invoice.run"]
            .sudo()
            .create(
                {
                    "run_date": JANUARY,
                    "company_ids": cls.env.company.ids,
                    "line_ids": [
                        Command.create(
                            {
                                "schedule_id": cls.row.id,
                                "project_id": cls.work.id,
                                "company_id": cls.env.company.id,
                                "run_date": JANUARY,
                                "cutoff_date": JANUARY,
                            }
                        )
                    ],
                }
            )
        )
        cls.work.billing_start_date = date.today()
        cls.work.billing_frequency_id = cls.env.ref(
            "psa_invoicing.frequency_monthly_last_day"
        )
        cls.planned = cls.work.invoice_schedule_ids.filtered(
            lambda row: row.state == "planned"
        )[-1]
        cls.milestones = cls.milestone(
            cls.work, cls.contract(cls.work, cls.milestone_product), 0.1
        )
        cls.env.flush_all()

    @classmethod
    def _user(cls, role, groups):
        company = cls.elsewhere if role == "elsewhere" else cls.env.company
        return new_test_user(
            cls.env,
            login=f"psa_{role.replace(' ', '_')}",
            email="somebody@example.com",
            groups=groups,
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )

    @classmethod
    def _approved(cls, cutoff):
        move = cls.work._psa_invoice(cutoff)
        move.action_psa_submit()
        move.action_psa_approve()
        return move

    def on(self, records, method, *args):
        """Press a button on records."""
        return lambda env: getattr(records.with_env(env), method)(*args)

    def wizard(self, model, records, method="action_apply", **values):
        """Open a dialog on records, and press its button.

        :param method: its name, or what to do with the dialog
        """

        def press(env):
            wizard = (
                env[model]
                .with_context(active_model=records._name, active_ids=records.ids)
                .create(values)
            )
            return method(wizard) if callable(method) else getattr(wizard, method)()

        return press

    def run_due_as(self, env):
        """A run commits what it has done, and needs a cursor that may."""
        with self.driver() as driver_env:
            driver_env["psa.invoice.run"].with_user(env.user).action_run_due()

    def driven(self, model, method, records=None):
        """Press a button of what commits, on records or in a dialog of one's own."""

        def press(env):
            with self.driver() as driver_env:
                own = driver_env[model].with_user(env.user)
                own = own.browse(records.ids) if records else own.create({})
                getattr(own, method)()

        return press

    def actions(self):
        """Who may do what: ``{name: (action, roles)}``."""
        draft, posted = self.draft, self.posted
        details, entry = draft.detail_ids, self.entries[2]
        return {
            "submit": (self.on(draft, "action_psa_submit"), BILLER),
            "approve": (self.on(draft, "action_psa_approve"), REVIEWER),
            "send back": (
                self.wizard("psa.review.comment", draft, comment="No"),
                REVIEWER,
            ),
            "recalculate": (self.on(draft, "action_psa_recalculate"), BILLER),
            "deduct": (self.on(draft, "action_psa_deduct_downpayment"), BILLER),
            "send": (self.on(draft, "action_psa_send"), BILLER),
            "retry": (self.on(posted, "action_psa_retry"), BILLER),
            "mark as sent": (self.on(posted, "action_psa_mark_sent"), BILLER),
            "mark as paid": (self.on(posted, "action_psa_mark_paid"), BILLER),
            "correct": (self.on(posted, "action_psa_correct"), BILLER),
            "reset to draft": (
                self.wizard("psa.reset.to.draft", posted, reason="Wrong address"),
                BILLER | {"accountant"},
            ),
            "offer": (self.on(details, "action_psa_offer"), BILLER),
            "charge": (self.on(details, "action_psa_charge"), BILLER),
            "leave out": (self.on(details, "action_psa_leave_out"), BILLER),
            "lower": (self.on(details, "write", {"quantity": 1}), BILLER),
            "take off": (self.on(details, "unlink"), BILLER),
            "remove": (self.wizard("psa.row.removal", details), BILLER),
            "write off the rest": (
                self.on(details, "action_psa_write_off_rest", "Goodwill"),
                BILLER,
            ),
            "hold": (self.on(entry, "action_psa_hold", "Disputed"), BILLER),
            "release": (self.on(entry, "action_psa_release"), BILLER),
            "billing type": (
                self.on(entry, "action_psa_set_billing_type", "complimentary"),
                BILLER,
            ),
            "write off": (self.on(entry, "action_psa_write_off", "Goodwill"), BILLER),
            "undo": (self.on(entry, "action_psa_undo_write_off"), BILLER),
            "to the invoices": (self.on(entry, "action_psa_view_invoices"), BILLER),
            "decide": (
                self.wizard("psa.transaction.decision", entry, reason="Why"),
                BILLER,
            ),
            "run": (self.run_due_as, ANY_BILLER),
            "run in the dialog": (
                self.driven("psa.run.due", "action_run"),
                ANY_BILLER,
            ),
            "dry run": (self.driven("psa.run.due", "action_dry_run"), ANY_BILLER),
            "retry the run": (
                self.driven("psa.invoice.run", "action_retry", self.ended),
                BILLER,
            ),
            "bill a dry run": (
                self.driven("psa.invoice.run", "action_bill", self.ended),
                BILLER,
            ),
            "retry a row of the run": (
                self.driven(
                    "psa.invoice.run.line", "action_retry", self.ended.line_ids
                ),
                BILLER,
            ),
            "retry a row of the schedule": (
                self.driven("psa.invoice.schedule", "action_retry", self.row),
                BILLER,
            ),
            "read the run": (
                self.on(self.ended, "read", ["done", "totals"]),
                BILLER,
            ),
            "invoice": (self.on(self.work, "action_manual_invoice"), BILLER),
            "plan": (self.on(self.work, "action_psa_plan_from_start"), BILLER),
            "plan again": (self.on(self.row, "action_plan_again"), BILLER),
            "skip": (
                self.wizard("psa.schedule.skip", self.planned, reason="Agreed"),
                BILLER,
            ),
            "move a date": (
                self.on(self.planned, "write", {"run_date": date.today()}),
                BILLER,
            ),
            "change the state of a date": (
                self.on(self.planned, "write", {"state": "done"}),
                set(),
            ),
            "add a date": (
                lambda env: env["psa.invoice.schedule"].create(
                    {
                        "project_id": self.work.id,
                        "run_date": date.today(),
                        "cutoff_date": date.today(),
                    }
                ),
                BILLER,
            ),
            "delete a date": (self.on(self.planned, "unlink"), set()),
            "wizard": (
                self.wizard(
                    "psa.manual.invoice",
                    self.work,
                    "action_next",
                    project_ids=self.work.ids,
                    cutoff_date=JANUARY,
                ),
                BILLER,
            ),
            "invoice a customer": (
                self.on(self.customer, "action_manual_invoice"),
                # Another project of the customer is of no company.
                ANY_BILLER,
            ),
            "invoice an order": (
                self.on(self.work.sale_line_id.order_id, "action_manual_invoice"),
                BILLER,
            ),
            "invoice a row": (self.on(self.row, "action_manual_invoice"), BILLER),
            "invoice an entry": (self.on(entry, "action_manual_invoice"), BILLER),
            **{
                f"review: {name}": (
                    self.wizard(
                        "psa.manual.invoice",
                        self.work,
                        lambda wizard, name=name, args=args: getattr(
                            wizard.action_next() and wizard, name
                        )(*args),
                        project_ids=self.work.ids,
                        cutoff_date=JANUARY,
                    ),
                    BILLER,
                )
                for name, args in {
                    "review_tick": (False, {}),
                    "review_rows": ({},),
                    "review_left_out": (),
                    "review_refresh": (),
                    "review_choose_draft": (draft.id,),
                    "action_finish": (),
                }.items()
            },
            "reach a milestone": (
                lambda env: env["psa.manual.invoice"].mark_reached(self.milestones.ids),
                BILLER,
            ),
            "change contract line": (
                self.wizard(
                    "psa.contract.line.change",
                    entry,
                    sale_line_id=self.work.sale_line_id.id,
                ),
                BILLER,
            ),
            "new rate": (
                lambda env: (
                    env["psa.contract.rate"]
                    .create(
                        {
                            "order_id": self.work.sale_line_id.order_id.id,
                            "sale_line_id": self.work.sale_line_id.id,
                            "price_unit": 120,
                            "start_date": JANUARY,
                        }
                    )
                    .action_apply()
                ),
                BILLER,
            ),
            "unbilled": (
                lambda env: env["psa.unbilled"].create({}).read(),
                ANY_BILLER,
            ),
            "send the others": (
                lambda env: (
                    env["psa.send"].create({"move_ids": draft.ids}).action_send()
                ),
                BILLER,
            ),
            "adopt": (
                lambda env: (
                    env["psa.adopt.draft"]
                    .create({"move_ids": self.odoos.ids, "cutoff_date": JANUARY})
                    .action_apply()
                ),
                BILLER,
            ),
            "write the backlog off": (
                lambda env: (
                    env["psa.project.backlog"]
                    .create(
                        {
                            "project_ids": self.work.ids,
                            "decision": "write_off",
                            "reason": "Goodwill",
                        }
                    )
                    .action_apply()
                ),
                BILLER,
            ),
            "audit": (lambda env: env["psa.ledger.audit"].action_run(), set()),
            "read the invoice": (
                self.on(draft, "read", ["amount_total"]),
                BILLER | REVIEWER | {"accountant", "salesman"},
            ),
            "read the ledger": (
                self.on(details, "read", ["quantity", "amount"]),
                BILLER | REVIEWER | {"accountant"},
            ),
            "approve by hand": (
                self.on(draft, "write", {"billing_review": "approved"}),
                set(),
            ),
        }

    def is_refused(self, action, user) -> bool:
        """Whether the server refuses somebody; whatever he does is undone."""
        savepoint = self.env.cr.savepoint()
        try:
            action(self.env(user=user, context={}, su=False))
            self.env.flush_all()
        except AccessError:
            return True
        except UserError:
            return user == self.users["elsewhere"]
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()
        return False

    def test_every_action_by_every_role(self):
        for name, (action, allowed) in self.actions().items():
            for role, user in self.users.items():
                with self.subTest(action=name, role=role):
                    self.assertEqual(
                        self.is_refused(action, user),
                        role not in allowed,
                        "Refused, and should be allowed."
                        if role in allowed
                        else "Allowed, and should be refused.",
                    )

    def test_a_reviewer_changes_what_is_in_review(self):
        self.draft.action_psa_submit()
        details = self.draft.detail_ids
        for name, action in {
            "offer": self.on(details, "action_psa_offer"),
            "lower": self.on(details, "write", {"quantity": 1}),
            "take off": self.on(details, "unlink"),
            "remove": self.wizard("psa.row.removal", details),
        }.items():
            for role, user in self.users.items():
                with self.subTest(action=name, role=role):
                    self.assertEqual(
                        self.is_refused(action, user),
                        role not in BILLER | REVIEWER,
                    )
