# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The review of the manual invoice: a tree with ticks, and totals that follow.

The tree is customer > invoice > contract line > transaction. Which transactions share
an invoice, and what its lines come to, is asked of the code that makes the invoices.
The client gets sums by contract line, and transactions page by page: five thousand of
them cost it no more than a hundred.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ...core.billing import Bundle, Portion
from ...core.kinds import CHARGEABLE
from ...models.billing.grouping import Grouping
from ...models.shared import rights
from ...models.shared.external_arguments import (
    as_count,
    as_ids,
    as_named,
    as_word,
    check_exist,
)

# Transactions that are sent to the client at once.
PAGE = 80
# What a tick may be about: the parts of the tree, as columns.
LEVELS = {
    "customer": "partner_id",
    "invoice": "invoice_number",
    "contract_line": "sale_line_id",
    "row": "id",
}


class Part(NamedTuple):
    """Transactions of the review that agree in all that follows.

    :ivar count: of them
    :ivar quantity: to bill, in the contract line's unit
    """

    partner_id: int
    invoice_number: int
    sale_line_id: int
    project_id: int
    slice: str
    billing_type: str
    selected: bool
    count: int
    quantity: float


@dataclass
class Branch:
    """A contract line on an invoice of the review.

    :ivar count: of its transactions
    :ivar ticked: of them
    :ivar quantity: ticked and chargeable, in the contract line's unit
    """

    partner_id: int
    invoice_number: int
    sale_line_id: int
    project_ids: list[int] = field(default_factory=list)
    count: int = 0
    ticked: int = 0
    quantity: float = 0.0

    def add(self, part: Part):
        if part.project_id not in self.project_ids:
            self.project_ids.append(part.project_id)
        self.count += part.count
        if part.selected:
            self.ticked += part.count
            if part.billing_type == CHARGEABLE:
                self.quantity += part.quantity


class PsaManualInvoice(models.TransientModel):
    _inherit = "psa.manual.invoice"  # pylint: disable=consider-merging-classes-inherited

    draft_id = fields.Many2one(
        "account.move",
        string="Add to Draft",
        help="What belongs on this draft is added to it, instead of a new invoice.",
    )
    draft_choices = fields.Json(
        groups=fields.NO_ACCESS,
        help="The invoices of the review that each open draft would take, by its id.",
    )
    review = fields.Json(compute="_compute_review")

    @api.depends("step")
    def _compute_review(self):
        """With the first transactions: what the client paints at once."""
        for wizard in self:
            wizard.review = wizard.step == "review" and wizard._review(PAGE)

    # === What it comes to ===

    def _preview(self, parts: list[Part]) -> list[Bundle]:
        """The invoices that Finish would make of what is ticked, in their order.

        Transactions of a contract line count as one: their number is no matter.
        """
        slices: dict[int, dict] = {}
        for part in parts:
            if part.selected:
                own = slices.setdefault(part.invoice_number, {})
                own.setdefault((part.sale_line_id, part.slice), []).append(
                    Portion(
                        part.sale_line_id,
                        part.project_id,
                        self.cutoff_date,
                        part.quantity,
                        billing_type=part.billing_type,
                    )
                )
        bundles = [Bundle(own, number=number) for number, own in slices.items()]
        taken = self._taken_by_draft()
        # sudo: the administrator is checked; they need not read orders.
        outcome = Grouping(self.sudo().env).settle(
            bundles,
            [bundle for bundle in bundles if bundle.number in taken],
            with_credits=True,
        )
        return outcome.added + outcome.new

    def _parts(self) -> list[Part]:
        """All that is in the review, in its order."""
        self.env["psa.manual.invoice.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, invoice_number, sale_line_id, project_id, slice,
                       billing_type, selected IS TRUE, COUNT(*), SUM(to_bill)
                  FROM psa_manual_invoice_line
                 WHERE wizard_id = %s
              GROUP BY partner_id, invoice_number, sale_line_id, project_id, slice,
                       billing_type, selected IS TRUE
              ORDER BY MIN(id)
                """,
                self._origin.id or None,
            )
        )
        return [Part(*row) for row in rows]

    def _branches(self, parts: list[Part]) -> list[Branch]:
        """The contract lines of the review, in their order."""
        found: dict[tuple, Branch] = {}
        for part in parts:
            key = (part.partner_id, part.invoice_number, part.sale_line_id)
            found.setdefault(key, Branch(*key)).add(part)
        return list(found.values())

    def _refuse_settled(self):
        """:raises UserError: always; what was asked about is gone"""
        raise UserError(
            self.env._("This has been settled meanwhile. Press Refresh to see it.")
        )

    def _draft_choices(self) -> dict[str, list[int]]:
        """The invoices of the review that each open draft would take, by its id."""
        # sudo: no client may write them; they were found for this user.
        return self.sudo().draft_choices or {}

    def _taken_by_draft(self) -> set[int]:
        """The invoices of the review that the chosen draft takes."""
        return set(self._draft_choices().get(str(self.draft_id.id), ()))

    def _target_draft(self):
        """The draft to add to, which the user may have meanwhile posted or deleted.

        :raises UserError: if it is no draft any more
        """
        if not self.draft_id:
            return None
        # sudo: the administrator was just checked; their companies are, below.
        draft = self.draft_id.sudo().exists()
        if (
            not draft
            or draft.state != "draft"
            or not draft.is_project_invoice
            or draft.company_id not in self.env.companies
        ):
            raise UserError(
                self.env._(
                    "The draft that you wanted to add to is no draft any more. Choose "
                    "another one, or a new invoice."
                )
            )
        return draft

    def _totals(self, bundles: list[Bundle]) -> dict:
        """Untaxed, by currency."""
        # sudo: the administrator is checked; they need not read orders.
        lines = self.env["sale.order.line"].sudo()
        totals: dict = defaultdict(float)
        for bundle in bundles:
            for line_id, _slice in [*bundle.charges, *bundle.slices][:1]:
                totals[lines.browse(line_id).currency_id] += bundle.total
        return dict(totals)

    def _credit_warning(self, bundles: list[Bundle]) -> str | bool:
        amounts = [
            self._money(bundle.credit, currency)
            for bundle in bundles
            if bundle.is_credit
            for currency in self._totals([bundle])
        ]
        return bool(amounts) and self.env._(
            "Due to the customer: %(amounts)s. Finish makes a credit note of it.",
            amounts=", ".join(amounts),
        )

    # === What the client asks ===

    def _check_review(self):
        """:raises AccessError: unless it is a billing administrator's own wizard"""
        self.ensure_one()
        rights.check_may_bill(self.env)
        self.check_access("write")

    def review_rows(self, where: dict, offset: int = 0) -> list[dict]:
        """A page of transactions.

        :param where: what part of the tree, by level
        :param offset: how many are shown already
        """
        self._check_review()
        return self._rows(where, offset)

    def review_tick(self, selected: bool, where: dict) -> dict:
        """Tick or untick all of a part of the tree.

        :param where: what part, by level; empty: everything
        :return: the tree with its sums
        """
        self._check_review()
        conditions = [
            SQL("%s = %s", SQL.identifier(column), value)
            for column, value in self._columns(where).items()
        ]
        Line = self.env["psa.manual.invoice.line"]
        Line.flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE psa_manual_invoice_line SET selected = %s WHERE %s",
                bool(selected),
                SQL(" AND ").join([SQL("wizard_id = %s", self.id), *conditions]),
            )
        )
        Line.invalidate_model(["selected"])
        self.invalidate_recordset()
        return self._review()

    def _columns(self, where: dict) -> dict[str, int]:
        """A part of the tree, as values of columns.

        :raises UserError: for what is no part
        """
        return {
            LEVELS[as_word(self.env, level, LEVELS)]: as_count(self.env, value)
            for level, value in as_named(self.env, where).items()
        }

    def review_edit(self, row: int, values: dict) -> dict:
        """Lower a quantity, or choose a billing type for this invoice.

        :param row: id of the line
        :param values: ``quantity``, ``billing_type``
        :raises UserError: if the quantity is more than what is open
        :return: the tree with its sums, and the row
        """
        self._check_review()
        line = self.env["psa.manual.invoice.line"].search(
            [("id", "in", as_ids(self.env, [row])), ("wizard_id", "=", self.id)]
        )
        if not line:
            self._refuse_settled()
        names = {"quantity", "billing_type"} & set(as_named(self.env, values))
        line.write({name: values[name] for name in names})
        return {"review": self._review(), "row": self._rows({"row": row})[0]}

    def review_choose_draft(self, draft: int | bool) -> dict:
        """Add to an open draft what belongs on it.

        :param draft: id of the draft; False: make new invoices
        """
        self._check_review()
        self.draft_id = draft if str(draft) in self._draft_choices() else False
        return self._review()

    def review_refresh(self) -> dict:
        """Read anew what is open; ticks, quantities and types stay.

        :return: the tree with its sums, and the first transactions
        """
        self._check_review()
        self._find()
        return self._review(PAGE)

    # === Milestones ===

    milestone_rows = fields.Json(
        compute="_compute_milestone_rows",
        help="Milestones that are not billed yet: the reached ones can be ticked.",
    )

    @api.depends("cutoff_date", "project_ids", "milestone_ids")
    def _compute_milestone_rows(self):
        for wizard in self:
            wizard.milestone_rows = wizard._open_milestones()

    def _open_milestones(self) -> list[dict]:
        projects = self.project_ids._origin
        Milestone = self.env["project.milestone"]
        may_reach = Milestone.has_access("write")
        # sudo: the administrator is checked where it counts; names are shown here.
        milestones = Milestone.sudo().search(
            [
                ("project_id", "in", projects.ids),
                ("sale_line_id.qty_delivered_method", "=", "milestones"),
                ("sale_line_id.state", "=", "sale"),
                ("sale_line_id.company_id", "in", self.env.companies.ids),
            ],
            order="project_id, deadline, id",
        )
        chosen = self.milestone_ids._origin.ids
        cutoff_date = self.cutoff_date or projects._billing_today()
        return [
            {
                "id": each.id,
                "name": each.name,
                "project": each.project_id.display_name if len(projects) > 1 else "",
                "reached": each.is_reached,
                "day": format_date(self.env, each.reached_date or each.deadline) or "",
                "ticked": each.is_reached and (not chosen or each.id in chosen),
                "is_late": each.is_reached and each.reached_date > cutoff_date,
                "may_reach": may_reach,
            }
            for each in milestones
            if not each.is_reached or each.open_quantity
        ]

    @api.model
    def mark_reached(self, milestone_ids: list[int]):
        """Say that milestones are reached today, so that they can be billed.

        :raises AccessError: unless the user bills, and may edit these milestones
        """
        rights.check_may_bill(self.env)
        ids = as_ids(self.env, milestone_ids)
        milestones = check_exist(self.env["project.milestone"].browse(ids))
        milestones.check_access("write")
        milestones.write({"is_reached": True})
        return True
