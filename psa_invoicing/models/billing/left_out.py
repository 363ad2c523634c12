# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a request leaves in the backlog, and why."""

from collections import Counter, defaultdict
from dataclasses import replace

from ...core import obstacles
from ...core.billing import Beyond, Request
from ...core.kinds import MODELS, Key
from ...core.obstacles import Obstacle
from .grouping import Grouping
from .selection import Selection, order_button_request
from .step import Step


class LeftOut(Step):
    """Counts what was asked for and made no invoice."""

    def count(self, request: Request) -> dict[int, Counter]:
        """Open transactions that a request asks for and that made no invoice.

        :return: by project, how many there are of each ``core.obstacles.Obstacle``
        """
        everything = replace(request, credited=True, from_billing_start=False)
        free = {item.key for item in self._open_items(everything, with_held=False)}
        new = {
            item.key for item in self._open_items(replace(everything, credited=False))
        }
        beyond = Selection(self.env).left_out(request)
        found: dict[int, Counter] = defaultdict(Counter)
        for item in self._open_items(everything, with_held=True):
            start = self.env["project.project"].browse(item.project_id)
            if item.key not in free:
                obstacle = Obstacle(obstacles.HOLD)
            elif item.key not in new:
                obstacle = Obstacle(obstacles.CREDITED)
            elif (
                request.from_billing_start
                and start.billing_start_date
                and item.date < start.billing_start_date
            ):
                obstacle = Obstacle(obstacles.BEFORE_START)
            elif item.key in beyond:
                obstacle = beyond[item.key].obstacle
            else:
                obstacle = Obstacle(obstacles.ALONE)
            found[item.project_id][obstacle] += 1
        return found

    def beyond(self, request: Request) -> dict[int, Counter]:
        """The same, of what contract lines and contract terms leave out alone."""
        found: dict[int, Counter] = defaultdict(Counter)
        for item, obstacle in Selection(self.env).left_out(request).values():
            found[item.project_id][obstacle] += 1
        return found

    def beyond_terms(self, cutoff_date) -> dict[Key, Beyond]:
        """What a run does not bill of transactions, for contract terms."""
        projects = self.env["psa.billing.terms"]._projects_with_terms()
        if not projects:
            return {}
        request = Request(tuple(projects.ids), cutoff_date, from_billing_start=True)
        allowed = Selection(self.env).find(request)
        billed = {item.key: item.source_quantity for item in allowed.transactions}
        return {
            key: Beyond(text, billed.get(key, 0.0))
            for key, text in allowed.left_out.items()
        }

    def beyond_terms_of_lines(self, lines) -> dict[int, float]:
        """What contract terms leave out of contract lines, and of those that share
        their room, in their unit: it is not for Odoo's order button either."""
        terms = self.env["psa.billing.terms"]
        projects = terms._projects_with_terms() & lines.sudo().billing_project_id
        if not projects:
            return {}
        request = replace(
            order_button_request(lines.browse()), project_ids=tuple(projects.ids)
        )
        selection = Selection(self.env)
        items = selection.in_order(
            [item for item in self._open_items(request) if item.is_chargeable]
        )
        found: dict[int, float] = defaultdict(float)
        for item in items:
            found[item.sale_line_id] += item.quantity
        for item in selection.within_terms(items).transactions:
            if item.is_chargeable:
                found[item.sale_line_id] -= item.quantity
        return found

    def _open_items(self, request: Request, with_held: bool = False):
        selection = Selection(self.env)
        return [
            item
            for source in MODELS
            for item in selection.of_source(source, request, with_held=with_held)
            if item.kind in request.types and request.is_due(item)
        ]

    def credit_due(self, request: Request) -> dict:
        """What is due to customers, and waits until there is more to charge.

        :return: amount, positive, by project and currency
        """
        found: dict = defaultdict(float)
        transactions = Selection(self.env).select(request)
        for bundle in Grouping(self.env).group(transactions, with_credits=True):
            if bundle.is_credit:
                order = self.env["sale.order"].browse(bundle.order_ids[0])
                for project in self.env["project.project"].browse(bundle.project_ids):
                    found[project, order.currency_id] += bundle.credit
        return found
