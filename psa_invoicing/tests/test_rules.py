# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A rule in SQL and the same in Python agree, on rows as random as columns allow."""

import random
from datetime import date

from odoo.tools import SQL

from ..core.allocation import is_zero
from ..core.kinds import (
    ADJUSTMENT,
    COST,
    EXPENSE,
    MATERIAL,
    MODELS,
    TYPES,
    kind_of_sold,
)
from ..models.billing.selection import Selection
from ..tools import rules
from .common import BillingCase

ROWS = 150


class TestRules(BillingCase):
    # Rows that nobody could write through the screens.
    audited = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(19)
        cls.work = cls.time_project(1, 2)
        cls.line = cls.work.sale_line_id

    def choose(self, *values):
        return self.random.choice(values)

    def put(self, record, **values):
        """As a row of the table, past every check; it is to be flushed before."""
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s WHERE id = %s",
                SQL.identifier(record._table),
                SQL(", ").join(
                    SQL("%s = %s", SQL.identifier(name), value)
                    for name, value in values.items()
                ),
                record.id,
            )
        )

    def ask(self, expression, source):
        """What an expression says of each row, by id."""
        self.env.invalidate_all()
        return dict(
            self.env.execute_query(SQL("SELECT %s FROM %s", expression, source))
        )

    def detail(self, move):
        return (
            self.env["psa.invoice.detail"]
            .sudo()
            .create(
                {
                    "move_id": move.id,
                    "transaction_type": "time",
                    "sale_line_id": self.line.id,
                    "date": date(2026, 1, 1),
                    "quantity": 1,
                }
            )
        )

    def test_which_rows_of_the_ledger_count(self):
        Move = self.env["account.move"]
        values = {"move_type": "out_invoice", "partner_id": self.customer.id}
        moves = Move.create([dict(values) for _number in range(ROWS)])
        origin = self.detail(moves[0])
        found = [(move, self.detail(move)) for move in moves]
        details = origin.union(*(detail for _move, detail in found))
        self.env.flush_all()
        for move, detail in found:
            self.put(
                move,
                move_type=self.choose("out_invoice", "out_refund", "out_refund"),
                state=self.choose("draft", "posted", "posted", "cancel", "cancel"),
                payment_state=self.choose("not_paid", "paid", "invoicing_legacy"),
                psa_reopens_transactions=self.choose(True, True, False),
                reversed_entry_id=self.choose(None, moves[0].id),
            )
            self.put(
                detail,
                move_id=self.choose(move.id, move.id, move.id, None),
                transaction_type=self.choose(*TYPES, ADJUSTMENT, ADJUSTMENT),
                origin_detail_id=self.choose(None, origin.id),
                is_write_off=self.choose(True, False, None),
                is_suspended=self.choose(True, False, None),
                billing_type=self.choose("chargeable", "complimentary"),
            )
        source = SQL(
            """psa_invoice_detail AS detail
               LEFT JOIN account_move AS move ON move.id = detail.move_id
               WHERE detail.id = ANY(%s)""",
            details.ids,
        )
        for rule, twin in (
            (rules.live_sql(), rules.is_live),
            (rules.credit_sql(), rules.is_credit),
            (
                rules.stands_sql(),
                lambda detail: not detail.move_id or rules.stands(detail.move_id),
            ),
            (
                rules.reopens_sql(),
                lambda detail: rules.reopens(detail.move_id),
            ),
            (
                rules.uncharged_sql(),
                lambda detail: not detail._chargeable(),
            ),
        ):
            found = self.ask(SQL("detail.id, %s", rule), source)
            own = {detail.id: bool(twin(detail)) for detail in details}
            if rule == rules.stands_sql():
                found = {id_: value is not False for id_, value in found.items()}
            self.assertEqual({key: bool(val) for key, val in found.items()}, own)
            self.assertEqual(set(own.values()), {True, False}, "It tells them apart.")

    def test_a_cancelled_invoice_of_an_earlier_system_counts(self):
        """Odoo keeps it as cancelled and counts it: so does every question about it."""
        move = self.work._psa_invoice(date(2026, 1, 31))
        move.action_post()
        self.env.flush_all()
        self.put(move, state="cancel", payment_state="invoicing_legacy")
        self.env.invalidate_all()
        self.assertTrue(all(map(rules.is_live, move.detail_ids)))

    def test_where_a_transaction_is_kept(self):
        move = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.customer.id}
        )
        bought = self.contract(self.project("Other"))
        self.env.flush_all()
        self.put(bought, is_expense=True)
        records = {
            "analytic_line_id": self.work.timesheet_ids[0],
            "milestone_id": self.milestone(self.work, self.line, 0.5),
        }
        details = move.detail_ids.union(*(self.detail(move) for _number in range(ROWS)))
        self.env.flush_all()
        for detail in details:
            self.put(
                detail,
                transaction_type=self.choose(*TYPES, ADJUSTMENT),
                sale_line_id=self.choose(self.line.id, bought.id),
                **{
                    name: self.choose(None, record.id)
                    for name, record in records.items()
                },
            )
        self.env.invalidate_all()
        self.assertEqual(
            {detail._source for detail in details},
            {"", "time", "cost", "milestone", "order_line"},
        )
        self.assert_rows(details)

    def test_of_which_kind_an_order_line_is(self):
        for product_type in ("consu", "service", "combo"):
            ((found,),) = self.env.execute_query(
                SQL(
                    "SELECT %s FROM (SELECT %s AS type) AS template",
                    rules.kind_of_sold_sql(rules.is_goods_sql()),
                    product_type,
                )
            )
            self.assertEqual(found, kind_of_sold(product_type))
        self.assertEqual(kind_of_sold("consu"), MATERIAL)
        Line = self.env["sale.order.line"]
        found = dict(
            self.env.execute_query(
                Line._search([("product_id", "!=", False)], limit=ROWS).select(
                    SQL("sale_order_line.id"), Line._psa_type_sql()
                )
            )
        )
        for line in Line.browse(found):
            self.assertEqual(found[line.id], kind_of_sold(line.product_id.type))

    def test_which_order_lines_are_in_the_ledger(self):
        products = self.time_product | self.milestone_product
        products |= self.env["product.product"].create(
            [
                {"name": f"{kind} {policy}", "type": kind, "invoice_policy": policy}
                for kind in ("consu", "service", "service")
                for policy in ("order", "delivery")
            ]
        )
        order_id = self.line.order_id.id
        lines = self.line.create(
            [
                {"order_id": order_id, "product_id": self.time_product.id}
                for _number in range(ROWS)
            ]
        )
        self.env.flush_all()
        self.put(products[-1].product_tmpl_id, type="combo")
        for line in lines:
            self.put(
                line,
                product_id=self.choose(*products.ids),
                is_downpayment=self.choose(True, False, False, None),
                billing_project_id=self.choose(None, self.work.id),
                qty_delivered_method=self.choose(
                    "analytic", "manual", "milestones", "timesheet", None
                ),
            )
        source = SQL(
            """sale_order_line AS line
               JOIN product_product AS product ON product.id = line.product_id
               JOIN product_template AS template
                 ON template.id = product.product_tmpl_id
               WHERE line.id = ANY(%s)""",
            lines.ids,
        )
        for rule, twin in (
            (rules.CONTRACT_LINE, lines.browse()._psa_is_contract_line),
            (rules.IN_LEDGER, lines.browse()._psa_is_in_ledger),
            (rules.BY_TRANSACTIONS, lines.browse()._psa_is_billed_by_transactions),
        ):
            found = self.ask(SQL("line.id, %s", rule), source)
            own = {line.id: bool(getattr(line, twin.__name__)()) for line in lines}
            self.assertEqual({id_: bool(each) for id_, each in found.items()}, own)
            self.assertEqual(set(own.values()), {True, False}, "It tells them apart.")

    def test_what_one_unit_is_in_another(self):
        units = self.hour | self.day | self.env.ref("uom.product_uom_unit")
        units |= self.env["uom.uom"].create(
            {"name": "Shift", "relative_factor": 6, "relative_uom_id": self.hour.id}
        )
        for unit in units:
            line = self.contract(self.project(unit.name))
            self.env.flush_all()
            self.put(line, product_uom_id=unit.id)
            found = self.ask(
                SQL("unit.id, %s", rules.factor_sql()),
                SQL(
                    """uom_uom AS unit, uom_uom AS line_unit
                       WHERE unit.id = ANY(%s) AND line_unit.id = %s""",
                    (self.hour | self.day).ids,
                    unit.id,
                ),
            )
            own = Selection(self.env).uom_factors(
                {(unit_id, line.id) for unit_id in found}
            )
            for unit_id, factor in found.items():
                self.assertAlmostEqual(float(factor), own[unit_id, line.id], 9)

    def test_what_is_open(self):
        self.milestone(self.work, self.line, 0.5, date(2026, 1, 2))
        for model in MODELS.values():
            records = self.env[model].sudo().search([], limit=20)
            if model == MODELS[COST]:
                records = self.cost()
            self.env.flush_all()
            for record in records:
                figures = {
                    name: self.choose(None, 0, 1, -1, 2.5, 1e-7)
                    for name in ("billed_quantity", "billing_written_off_quantity")
                }
                self.put(
                    record,
                    billing_type=self.choose(
                        None, "chargeable", "complimentary", "non_chargeable"
                    ),
                    **figures,
                )
            self.env.invalidate_all()
            table = records._table
            query = records._search([("id", "in", records.ids)])
            rows = self.env.execute_query(
                query.select(
                    SQL.identifier(table, "id"),
                    records._psa_open_sql(table),
                    records._psa_is_open_sql(table),
                )
            )
            self.assertTrue(rows)
            for id_, quantity, is_open in rows:
                own = records.browse(id_).open_quantity
                self.assertTrue(is_zero(quantity - own), model)
                self.assertEqual(is_open, bool(own), model)

    def cost(self):
        """What somebody else was paid for."""
        return (
            self.env["psa.reinvoiced.cost"]
            .sudo()
            .create(
                [
                    {
                        "kind": self.choose(EXPENSE, MATERIAL),
                        "sale_line_id": self.line.id,
                        "project_id": self.work.id,
                        "date": date(2026, 1, 3),
                        "billable_quantity": self.choose(0, 1, 3, -1),
                    }
                    for _number in range(20)
                ]
            )
        )
