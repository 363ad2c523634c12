# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a request leaves in the backlog, and why."""

from collections import Counter, defaultdict
from dataclasses import replace

from ...core import obstacles
from ...core.billing import Request
from ...core.kinds import MODELS
from .grouping import Grouping
from .selection import Selection
from .step import Step


class LeftOut(Step):
    """Counts what was asked for and made no invoice."""

    def count(self, request: Request) -> dict[int, Counter]:
        """Open transactions that a request asks for and that made no invoice.

        :return: by project, how many there are of each of ``core.obstacles``
        """
        everything = replace(request, credited=True, from_billing_start=False)
        free = {item.key for item in self._open_items(everything, with_held=False)}
        new = {
            item.key for item in self._open_items(replace(everything, credited=False))
        }
        found: dict[int, Counter] = defaultdict(Counter)
        for item in self._open_items(everything, with_held=True):
            start = self.env["project.project"].browse(item.project_id)
            if item.key not in free:
                obstacle = obstacles.HOLD
            elif item.key not in new:
                obstacle = obstacles.CREDITED
            elif (
                request.from_billing_start
                and start.billing_start_date
                and item.date < start.billing_start_date
            ):
                obstacle = obstacles.BEFORE_START
            else:
                obstacle = obstacles.ALONE
            found[item.project_id][obstacle] += 1
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

        :return: untaxed amount, positive, by project and currency
        """
        found: dict = defaultdict(float)
        transactions = Selection(self.env).select(request)
        for bundle in Grouping(self.env).group(transactions, with_credits=True):
            if bundle.total < 0:
                order = self.env["sale.order"].browse(bundle.order_ids[0])
                for project in self.env["project.project"].browse(bundle.project_ids):
                    found[project, order.currency_id] -= bundle.total
        return found
