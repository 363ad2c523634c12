"""The add-on comes to a firm that has invoiced for years, and leaves it again."""

import re

import pytest

from tools import database, odoo_process
from tools.settings import ADDON, settings

NAME = "psa_system_install"
OPEN = "qty_to_invoice"
FIGURES = """
    SELECT 'line', id, qty_delivered, qty_invoiced, {open}, state
      FROM sale_order_line
    UNION ALL
    SELECT 'entry', id, timesheet_invoice_id, unit_amount, so_line, ''
      FROM account_analytic_line
    UNION ALL
    SELECT 'invoice', id, amount_total, amount_residual, NULL, state
      FROM account_move
    ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def firm(start_site):
    """A database without the add-on, whose orders were invoiced through Odoo."""
    site = start_site(NAME, database.base_template())
    projects = site.call(
        "project.project",
        "search_read",
        [
            ("sale_line_id", "!=", False),
            ("sale_line_id.order_id.invoice_status", "=", "to invoice"),
        ],
        ["sale_order_id"],
    )
    site.projects = [project["id"] for project in projects]
    orders = sorted({project["sale_order_id"][0] for project in projects})
    assert len(orders) > 2, "The demo data has something to invoice."
    site.invoices = {order: invoice(site, order) for order in orders}
    posted = [move for moves in site.invoices.values() for move in moves]
    site.call("account.move", "action_post", posted[1:])
    site.draft = posted[0]
    site.credited = posted[-1]
    credit(site, site.credited)
    log_time(site, orders[0], 2)
    with database.server().cursor(NAME) as cursor:
        # Odoo's demo data is this firm's own; it does not want any of the add-on.
        cursor.execute("UPDATE ir_module_module SET demo = FALSE")
    return site


def log_time(site, order: int, hours: float) -> int:
    """Work like some that was invoiced.

    :return: the contract line
    """
    entry = site.call(
        "account.analytic.line",
        "search_read",
        [("order_id", "=", order), ("timesheet_invoice_id", "!=", False)],
        ["project_id", "employee_id", "so_line"],
    )[0]
    site.create(
        "account.analytic.line",
        name="More work",
        project_id=entry["project_id"][0],
        employee_id=entry["employee_id"][0],
        so_line=entry["so_line"][0],
        unit_amount=hours,
    )
    return entry["so_line"][0]


def invoice(site, order: int) -> list[int]:
    """Odoo's order button.

    :return: the invoices of the order
    """
    wizard = site.create(
        "sale.advance.payment.inv",
        advance_payment_method="delivered",
        sale_order_ids=[(6, 0, [order])],
    )
    site.call("sale.advance.payment.inv", "create_invoices", [wizard])
    return site.one("sale.order", [("id", "=", order)], "invoice_ids")["invoice_ids"]


def credit(site, move: int) -> None:
    """A posted credit note of a whole invoice."""
    journal = site.one("account.move", [("id", "=", move)], "journal_id")["journal_id"]
    wizard = site.create(
        "account.move.reversal", move_ids=[(6, 0, [move])], journal_id=journal[0]
    )
    site.call("account.move.reversal", "refund_moves", [wizard])
    note = site.one("account.move", [("reversed_entry_id", "=", move)], "id")["id"]
    site.call("account.move", "action_post", [note])


def figures(open_quantity: str = OPEN) -> list[tuple]:
    return rows(FIGURES.format(open=open_quantity))


def rows(query: str, *values) -> list[tuple]:
    with database.server().cursor(NAME) as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def log_of(action: str):
    return settings().logs / f"{NAME}-{action}.log"


def to_invoice(line: int) -> float:
    ((quantity,),) = rows(
        "SELECT qty_to_invoice FROM sale_order_line WHERE id = %s", line
    )
    return quantity


def test_everything_is_as_it_was(firm):
    """Quantities, invoices and entries; what was credited is on hold, and Odoo's
    button does not offer that."""
    before = figures()
    odoo_process.run_to_end(NAME, log_of("install"), f"--init={ADDON}")
    assert figures(f"{OPEN} + COALESCE(billing_excluded_quantity, 0)") == before
    assert "contract lines are in the ledger" in log_of("install").read_text()
    for moves in firm.invoices.values():
        for move in moves:
            details = firm.call(
                "psa.invoice.detail",
                "search_count",
                [("move_id", "=", move), ("transaction_type", "=", "time")],
            )
            assert details or move == firm.credited, move
    held = rows(
        """SELECT billing_hold_reason FROM account_analytic_line WHERE billing_hold
            UNION SELECT billing_hold_reason FROM project_milestone WHERE billing_hold
            UNION SELECT billing_hold_reason FROM sale_order_line WHERE billing_hold"""
    )
    assert held == [("Opening balance",)]


def test_nothing_is_billed_again(firm):
    """Every project at once: a draft of what was never invoiced, or none."""
    query = "SELECT id, qty_invoiced, qty_to_invoice FROM sale_order_line"
    before = {line: (invoiced, rest) for line, invoiced, rest in rows(query)}
    wizard = firm.create(
        "psa.manual.invoice",
        project_ids=[(6, 0, firm.projects)],
        cutoff_date="2099-12-31",
    )
    firm.call("psa.manual.invoice", "action_next", [wizard])
    firm.call("psa.manual.invoice", "action_finish", [wizard])
    for line, invoiced, _rest in rows(query):
        billed = invoiced - before[line][0]
        assert billed == pytest.approx(0) or billed == pytest.approx(before[line][1])
    assert not rows(
        """SELECT entry.id FROM account_analytic_line AS entry
             JOIN psa_invoice_detail AS detail ON detail.analytic_line_id = entry.id
             JOIN account_move AS move
               ON move.id = detail.move_id AND move.state <> 'cancel'
         GROUP BY entry.id
           HAVING SUM(detail.source_quantity) > entry.unit_amount + 0.01"""
    )


def fixed_price(site) -> tuple[int, int]:
    """A fixed price of 10,000.00, of which three eighths are billed by amount.

    :return: the order, and a milestone that is not reached
    """
    product = site.create(
        "product.product",
        name="Package",
        type="service",
        invoice_policy="delivery",
        service_type="milestones",
        taxes_id=[(5, 0, 0)],
    )
    partner = site.create("res.partner", name="Customer of a package")
    project = site.create(
        "project.project", name="Package", partner_id=partner, allow_billable=True
    )
    order = site.create(
        "sale.order",
        partner_id=partner,
        project_id=project,
        order_line=[(0, 0, {"product_id": product, "price_unit": 10000})],
    )
    site.call("sale.order", "action_confirm", [order])
    line = site.one("sale.order.line", [("order_id", "=", order)], "id")["id"]
    milestones = [
        site.create(
            "project.milestone",
            name=f"Milestone {number}",
            project_id=project,
            sale_line_id=line,
            quantity_percentage=share,
            is_reached=number < 4,
        )
        for number, share in enumerate((0.125, 0.125, 0.125, 0.25), start=1)
    ]
    wizard = site.create(
        "psa.manual.invoice", project_ids=[(6, 0, [project])], cutoff_date="2099-12-31"
    )
    site.call("psa.manual.invoice", "action_next", [wizard])
    site.call("psa.manual.invoice", "action_finish", [wizard])
    return order, milestones[-1]


def decided_work(site) -> int:
    """Five hours at 100.00; of one alone nobody has decided anything.

    :return: the contract line
    """
    product = site.create(
        "product.product",
        name="Hour",
        type="service",
        invoice_policy="delivery",
        service_type="timesheet",
        list_price=100,
        taxes_id=[(5, 0, 0)],
    )
    partner = site.create("res.partner", name="Customer of hours")
    project = site.create(
        "project.project", name="Hours", partner_id=partner, allow_billable=True
    )
    order = site.create(
        "sale.order",
        partner_id=partner,
        order_line=[(0, 0, {"product_id": product, "product_uom_qty": 10})],
    )
    site.call("sale.order", "action_confirm", [order])
    line = site.one("sale.order.line", [("order_id", "=", order)], "id")["id"]
    site.call("project.project", "write", [project], {"sale_line_id": line})
    employee = site.call("hr.employee", "search", [], limit=1)[0]
    held, offered, never, written_off, _open = (
        site.create(
            "account.analytic.line",
            name=f"Hour {number}",
            date="2026-01-05",
            project_id=project,
            employee_id=employee,
            unit_amount=1,
        )
        for number in range(5)
    )
    entries = "account.analytic.line"
    site.call(entries, "action_psa_hold", [held], "Not agreed")
    site.call(entries, "write", [offered], {"billing_type": "complimentary"})
    site.call(entries, "write", [never], {"billing_type": "non_chargeable"})
    site.call(entries, "action_psa_write_off", [written_off], "Too slow")
    return line


def billable_again(site) -> float:
    """What the dialog says before the add-on is uninstalled."""
    module = site.one("ir.module.module", [("name", "=", ADDON)], "id")["id"]
    dialog = site.create("base.module.uninstall", module_ids=[(6, 0, [module])])
    name = "psa_billable_again"
    said = site.one("base.module.uninstall", [("id", "=", dialog)], name)[name]
    return float(re.sub(r"[^0-9.]", "", said or "0"))


def decisions(line: int) -> list[tuple]:
    return rows(
        """SELECT name, billing_type, billing_hold, billing_hold_reason,
                  billing_written_off_quantity
             FROM account_analytic_line WHERE so_line = %s ORDER BY name""",
        line,
    )


def test_without_the_addon_again(firm):
    """Drafts can be posted, work can be logged and invoiced; nothing is missing. Shares
    of a fixed price are shares, and not as many lines."""
    package, milestone = fixed_price(firm)
    before = billable_again(firm)
    firm.decided_line = decided_work(firm)
    firm.decisions = decisions(firm.decided_line)
    assert len({decision[1:] for decision in firm.decisions}) == 5
    assert to_invoice(firm.decided_line) == 1
    assert billable_again(firm) == before + 400
    module = firm.one("ir.module.module", [("name", "=", ADDON)], "id")["id"]
    entries = rows("SELECT COUNT(*), SUM(unit_amount) FROM account_analytic_line")
    moves = rows("SELECT COUNT(*), SUM(amount_total) FROM account_move")
    firm.call("ir.module.module", "button_immediate_uninstall", [module])
    assert rows("SELECT to_regclass('psa_invoice_detail')") == [(None,)]
    assert to_invoice(firm.decided_line) == 5
    assert rows("SELECT COUNT(*), SUM(unit_amount) FROM account_analytic_line") == (
        entries
    )
    assert rows("SELECT COUNT(*), SUM(amount_total) FROM account_move") == moves
    firm.call("account.move", "action_post", [firm.draft])
    figures = ("qty_invoiced", "qty_to_invoice")
    line = firm.one("sale.order.line", [("order_id", "=", package)], *figures)
    assert [line[name] for name in figures] == [0.38, 0]
    firm.call("project.milestone", "write", [milestone], {"is_reached": True})
    line = firm.one("sale.order.line", [("order_id", "=", package)], *figures)
    assert [line[name] for name in figures] == [0.38, 0.25]
    billed = [
        firm.one("account.move", [("id", "=", move)], "amount_untaxed")
        for move in sorted(invoice(firm, package))
    ]
    assert [move["amount_untaxed"] for move in billed] == [3750, 2500]
    order = next(iter(firm.invoices))
    line = log_time(firm, order, 3)
    assert firm.one("sale.order.line", [("id", "=", line)], OPEN)[OPEN] >= 3
    known = firm.one("sale.order", [("id", "=", order)], "invoice_ids")
    (new,) = set(invoice(firm, order)) - set(known["invoice_ids"])
    firm.call("account.move", "action_post", [new])
    assert firm.one("account.move", [("id", "=", new)], "state")["state"] == "posted"


def test_it_comes_back(firm):
    """What nobody was to pay for is not to be paid for again: neither with Odoo's
    button nor here."""
    odoo_process.run_to_end(NAME, log_of("again"), f"--init={ADDON}")
    assert decisions(firm.decided_line) == firm.decisions
    assert rows("SELECT to_regclass('psa_kept_decision')") == [(None,)]
    assert to_invoice(firm.decided_line) == 1
    line = firm.one(
        "sale.order.line", [("id", "=", firm.decided_line)], "order_id", "project_id"
    )
    (move,) = invoice(firm, line["order_id"][0])
    assert firm.one("account.move", [("id", "=", move)], "amount_untaxed") == {
        "id": move,
        "amount_untaxed": 100,
    }
    assert to_invoice(firm.decided_line) == 0
