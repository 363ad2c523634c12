# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a customer reads is prepared in their language."""


def in_customer_language(order):
    if lang := order.partner_invoice_id.lang:
        order = order.with_context(lang=lang)
    return order.with_company(order.company_id)


def line_in_customer_language(line):
    return line.with_env(in_customer_language(line.order_id).env)
