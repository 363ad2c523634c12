# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of the manual invoice, one after the other: what is selected, as it would be
put on invoices. The wizard has PostgreSQL make them; they must be the same."""

from odoo.tools import float_round

from ..models.psa_billing_selection import MODELS


def assert_same_rows(case, wizard):
    """What was just filled is what the service selects, in its order.

    :param case: a test case
    :param wizard: with nothing unticked, lowered or typed
    """
    shown, expected = _shown(wizard), _expected(wizard)
    case.assertEqual([row[:-1] for row in shown], [row[:-1] for row in expected])
    for row, other in zip(shown, expected, strict=True):
        for quantity, wanted in zip(row[-1], other[-1], strict=True):
            case.assertAlmostEqual(quantity, wanted, 9, row)


def _shown(wizard) -> list[tuple]:
    numbers: dict = {}
    return [
        (
            *line._key,
            line.transaction_type,
            line.sale_line_id.id,
            line.project_id.id,
            line.date,
            line.employee_name,
            line.task_name,
            line.name or "",
            line.billing_type,
            line.own_billing_type,
            line.selected,
            line.remark,
            line.partner_id.id,
            numbers.setdefault(line.invoice_number, len(numbers)),
            line.slice,
            line._is_lowered(),
            (line.quantity_unrounded, line.to_bill, line.quantity, line.amount),
        )
        for line in wizard.line_ids.sudo()
    ]


def _expected(wizard) -> list[tuple]:
    Billing = wizard.env["psa.billing"].sudo()
    found = Billing._select(wizard._checked_request())
    drafts = Billing._merge(found)
    places = {
        item.key: (draft, slice_key)
        for draft in drafts
        for (_line_id, slice_key), items in draft.slices.items()
        for item in items
    }
    numbers: dict = {}
    rows = []
    for item in found:
        draft, slice_key = places[item.key]
        partner = Billing.env["res.partner"].browse(draft.header["partner_id"])
        rows.append(
            (
                *item.key,
                item.kind,
                item.sale_line_id,
                item.project_id,
                item.date,
                item.who,
                item.task,
                item.text,
                item.billing_type,
                item.billing_type,
                True,
                _remark(Billing.env, item),
                partner.commercial_partner_id.id,
                numbers.setdefault(id(draft), len(numbers)),
                slice_key,
                False,
                _quantities(Billing.env, item),
            )
        )
    return rows


def _remark(env, item) -> str | bool:
    record = env[MODELS[item.source]].browse(item.source_id)
    if abs(record.billing_credited_quantity) >= 1e-6:
        return "credited"
    start = env["project.project"].browse(item.project_id).billing_start_date
    return "before_start" if start and item.date < start else False


def _quantities(env, item) -> tuple[float, ...]:
    line = env["sale.order.line"].browse(item.sale_line_id)
    price = line.price_unit * (1 - line.discount / 100)
    amount = line.currency_id.round(item.quantity * price)
    return (
        item.quantity,
        item.quantity,
        float_round(item.quantity, precision_digits=2),
        amount if item.is_chargeable else 0.0,
    )
