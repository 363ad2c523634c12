# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the steps of the billing service have in common.

They are plain classes with an environment. Each takes plain data or records and returns
the same; none calls back who asked it, none commits, and none asks for rights: whoever
calls the service has done that.
"""

from collections.abc import Iterable


class Step:
    def __init__(self, env):
        self.env = env

    def lines_by_id(self, ids: Iterable[int]) -> dict:
        """Contract lines by id; browsed together, they are fetched together."""
        return by_id(self.env["sale.order.line"].browse(set(ids)))

    def projects_by_id(self, ids: Iterable[int]) -> dict:
        """Projects by id, likewise."""
        return by_id(self.env["project.project"].browse(set(ids)))


def by_id(records) -> dict:
    return {record.id: record for record in records}


def in_customer_language(order):
    """What a customer reads is prepared in their language."""
    if lang := order.partner_invoice_id.lang:
        order = order.with_context(lang=lang)
    return order.with_company(order.company_id)


def line_in_customer_language(line):
    return line.with_env(in_customer_language(line.order_id).env)
