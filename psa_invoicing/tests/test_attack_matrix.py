# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every public method of ours, and Odoo's own on our models, by every role, on records
of the own project, of another project and of another company: through the function
behind all doors of RPC.

A method without a line in ``matrix_lines.py`` fails the test: whoever adds one says who
may call it.
"""

import sys
from collections import Counter
from contextlib import contextmanager
from types import FunctionType

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, MissingError, UserError
from odoo.service.model import call_kw
from odoo.tools import mute_logger

from .matrix_lines import (
    DIALOGS,
    LINES,
    OF_NO_COMPANY,
    OF_ONE_COMPANY,
    RECORDS,
    ROLES,
    WITHOUT_RECORDS,
    is_foreign,
    may,
    tried,
)
from .matrix_world import LAST, ROWS_OF, MatrixWorld

DONE, TOLD, REFUSED = "done", "told", "refused"
KINDS = READ, CHANGE, ADD, DELETE = "read", "change", "add", "delete"
FINDING = {
    "export_data",
    "formatted_read_group",
    "load",
    "name_search",
    "read",
    "search",
    "web_read",
    "web_search_read",
}
OF_DIALOGS = {"create", "onchange", "read", "search", "unlink", "web_save", "write"}
# What is added follows from what it is added to.
NEVER = {("psa.invoice.schedule", "copy")}
WHY = ("Why",)
ARGUMENTS = {
    "action_psa_hold": WHY,
    "action_psa_set_billing_type": ("complimentary",),
    "action_psa_write_off": WHY,
    "action_psa_write_off_rest": WHY,
    "count_groups": ([], "project_id"),
    "get_card": ("in_review",),
    "get_unusual_days": ("2026-01-01", "2026-01-31"),
    "mark_reached": lambda world, _records: [world.unreached.ids],
    "open_card": ("in_review",),
    "psa_invoice": (str(LAST),),
    "psa_preview": (str(LAST),),
    "psa_skip": WHY,
    "read": (["amount_total"],),
    "review_choose_draft": lambda world, _records: [world.draft.id],
    "review_edit": lambda _world, dialog: [dialog.line_ids[0].id, {"quantity": 1}],
    "review_remedy": ("hold",),
    "review_rows": ({},),
    "review_tick": (False, {}),
    "write: approved by hand": ({"billing_review": "approved"},),
    "write: in review": ({"quantity": 1},),
    "write: its state": ({"state": "done"},),
}
COMMITTING = {
    ("psa.invoice.run", "action_bill"),
    ("psa.invoice.run", "action_retry"),
    ("psa.invoice.run", "action_run_due"),
    ("psa.invoice.run", "psa_run"),
    ("psa.invoice.run.line", "action_retry"),
    ("psa.invoice.schedule", "action_retry"),
    ("psa.run.due", "action_dry_run"),
    ("psa.run.due", "action_run"),
}


def public_methods(env) -> set[tuple[str, str]]:
    """Those of our models, and those that we add to models of others."""
    found = set()
    for name, cls in env.registry.items():
        if cls._abstract and cls._inherit_children:
            # On the models that have them.
            continue
        ours = [each for each in cls.mro() if "psa_invoicing" in each.__module__]
        theirs = [each for each in cls.mro() if each not in ours]
        for method in {method for each in ours for method in vars(each)}:
            if (
                isinstance(getattr(cls, method), FunctionType)
                and not method.startswith("_")
                and not any(
                    getattr(getattr(each, method, None), "_api_private", False)
                    for each in cls.mro()
                )
                and not any(method in vars(each) for each in theirs)
            ):
                found.add((name, method))
    return found


def calls_of_orm(records, changes: dict, values: dict) -> list[tuple]:
    """Odoo's own methods: what kind each is of, and its arguments."""
    ids, shown = records.ids, {"display_name": {}}
    domain = [("id", "in", ids)]
    row = [str(ids[0]), *map(str, changes.values())]
    columns = [
        f"{name}/.id" if records._fields[name].relational else name for name in changes
    ]
    return [
        (READ, "read", [ids, ["display_name"]]),
        (READ, "web_read", [ids, shown]),
        (READ, "export_data", [ids, ["display_name"]]),
        (READ, "search", [domain]),
        (READ, "web_search_read", [domain, shown]),
        (READ, "formatted_read_group", [domain, [], ["__count"]]),
        (READ, "name_search", ["", domain]),
        (CHANGE, "write", [ids, changes]),
        (CHANGE, "web_save", [ids, changes, shown]),
        *((CHANGE, "web_resequence", [ids, shown, name]) for name in changes),
        (CHANGE, "load", [[".id", *columns], [row]]),
        (ADD, "create", [values]),
        (ADD, "web_save", [[], values, shown]),
        (ADD, "onchange", [[], values, [], dict.fromkeys(values, {})]),
        (ADD, "copy", [ids]),
        (DELETE, "unlink", [ids]),
    ]


def is_something(found) -> bool:
    """Whether something was found, or loaded."""
    if isinstance(found, dict):
        return any(found.get(name) for name in ("datas", "ids", "records"))
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return bool(found[0].get("__count", True))
    return bool(found)


class TestAttackMatrix(MatrixWorld):
    def setUp(self):
        super().setUp()
        self.counts: Counter = Counter()
        self.wrong: list[str] = []

    @contextmanager
    def undone(self):
        savepoint = self.env.cr.savepoint()
        try:
            yield
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def outcome(self, user, model, method, args) -> tuple[str, str]:
        """What a call comes to, and what it says."""
        try:
            with self.undone():
                found = self.called(user, model, method, args)
        except (AccessError, MissingError) as error:
            return REFUSED, str(error)
        except (UserError, IntegrityError) as error:
            return TOLD, str(error)
        except Exception as error:
            return "crashed", repr(error)
        is_kept_away = method in FINDING and not is_something(found)
        return REFUSED if is_kept_away else DONE, ""

    def called(self, user, model, method, args):
        if (model, method) in COMMITTING:
            with self.driver() as env:
                return call_kw(env(user=user, context={})[model], method, args, {})
        env = self.env(user=user, context={}, su=False)
        found = call_kw(env[model], method, args, {})
        self.env.flush_all()
        return found

    def judge(self, what, role, name, is_allowed, outcome):
        """Note whether it is as it should be: who works for another company may be
        told so, too."""
        found, said = outcome
        self.counts[found, is_allowed] += 1
        if is_allowed:
            is_right = found in (DONE, TOLD)
        else:
            may_be_told = is_foreign(role, name)
            is_right = found == REFUSED or (found == TOLD and may_be_told)
        if not is_right:
            self.wrong.append(f"{what}: {role}, {name}: {found} ({said:.100})")

    def report(self, what):
        counts = ", ".join(
            f"{count} {found} to those who {'may' if is_allowed else 'may not'}"
            for (found, is_allowed), count in sorted(self.counts.items())
        )
        sys.stdout.write(
            f"Figures: {what} by {len(ROLES)} roles, {self.counts.total()} calls: "
            f"{counts}.\n"
        )
        wrong = "\n".join([f"{len(self.wrong)} are wrong.", *self.wrong])
        self.assertFalse(self.wrong, wrong)

    def test_every_public_method_has_a_line(self):
        """Who adds a method says who may call it."""
        lines = {
            (model, label.partition(":")[0])
            for table in (LINES, WITHOUT_RECORDS)
            for model, found in table.items()
            for label in found
        }
        missing = public_methods(self.env) - lines
        self.assertEqual(missing, set(), "Add a line to matrix_lines.py.")

    @mute_logger("odoo.sql_db")
    def test_every_method_by_every_role(self):
        for model, lines in LINES.items():
            for label, who in lines.items():
                for name in self.worlds:
                    roles = tried(who, name)
                    for role, outcome in self.outcomes(model, label, name, roles):
                        is_allowed = may(role, who, name, model)
                        what = f"{model}.{label}"
                        self.judge(what, role, name, is_allowed, outcome)
        for model, lines in WITHOUT_RECORDS.items():
            for label, who in lines.items():
                self.judge_of_firm(model, label, who)
        self.report("methods")

    def judge_of_firm(self, model, label, who):
        """Each in the own firm."""
        for name in ("own", "foreign"):
            roles = [each for each in tried(who, "own") if not is_foreign(each, name)]
            for role, outcome in self.outcomes(model, label, name, roles):
                self.judge(f"{model}.{label}", role, name, role in who, outcome)

    def outcomes(self, model, label, name, roles):
        """:return: of each role what it comes to when it calls a method"""
        world = self.worlds[name]
        method, _colon, situation = label.partition(": ")
        with self.undone():
            records = self.records(model, situation, world)
            self.put(situation, world, records)
            arguments = ARGUMENTS.get(label, ARGUMENTS.get(method, ()))
            if callable(arguments):
                arguments = arguments(world, records)
            is_of_model = getattr(getattr(type(records), method), "_api_model", False)
            args = [*([] if is_of_model else [records.ids]), *arguments]
            self.env.invalidate_all()
            for role in roles:
                user = self.users[role]
                self.hand_over(model, user)
                outcome = self.outcome(user, model, method, args)
                if outcome[0] != REFUSED and self.is_empty(records, user):
                    outcome = REFUSED, "It shows them nothing to do it with."
                yield role, outcome

    @mute_logger("odoo.sql_db")
    def test_every_record_by_every_role(self):
        for model, rights in {**RECORDS, **DIALOGS}.items():
            for name in ["own"] if model == "psa.billing.frequency" else self.worlds:
                with self.undone():
                    self.judge_records(model, rights, name)
        self.report("records")

    def judge_records(self, model, rights, name):
        world = self.worlds[name]
        records = self.records(model, "", world)
        if model == "psa.invoice.schedule":
            self.put("planned", world, records)
        values = self.new_values(model, world)
        calls = calls_of_orm(records, self.changes(model), values)
        self.env.invalidate_all()
        is_dialog = model in DIALOGS
        for role in tried(frozenset().union(*rights), name):
            user = self.users[role]
            colleague = self.users["biller" if role == "chief" else "chief"]
            self.hand_over(model, user if name == "own" else colleague)
            for kind, method, args in calls:
                if is_dialog and method not in OF_DIALOGS:
                    continue
                who = rights[KINDS.index(kind)]
                is_allowed = may(role, who, name, model)
                if model in OF_NO_COMPANY or (is_dialog and kind != ADD):
                    is_allowed = role in who and (name == "own" or kind == ADD)
                if model in OF_ONE_COMPANY and is_foreign(role, name):
                    is_allowed = False
                if (model, method) in NEVER or (model in ROWS_OF and name != "own"):
                    is_allowed = False
                if method == "load" and is_allowed:
                    # Its answer does not tell a refusal from a mistake.
                    continue
                outcome = self.outcome(user, model, method, args)
                self.judge(f"{model}.{method}", role, name, is_allowed, outcome)
