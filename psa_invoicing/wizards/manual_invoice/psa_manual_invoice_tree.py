# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The review as the client paints it: a tree with its sums, and pages of rows."""

from math import fsum

from odoo import models
from odoo.fields import Domain
from odoo.tools import formatLang

from ...core.billing import Bundle
from ...models.billing.step import Step, by_id
from ...models.shared.external_arguments import as_count
from .psa_manual_invoice_review import PAGE, Branch


class PsaManualInvoice(models.TransientModel):
    _inherit = "psa.manual.invoice"  # pylint: disable=consider-merging-classes-inherited

    def _review(self, page: int = 0) -> dict:
        """The tree with its sums.

        :param page: with so many transactions, from the first one on
        """
        parts = self._parts()
        branches = self._branches(parts)
        bundles = {bundle.number: bundle for bundle in self._preview(parts)}
        totals = self._totals(list(bundles.values()))
        ticked = sum(branch.ticked for branch in branches)
        return {
            "customers": self._tree(branches, bundles),
            "rows": self._rows({}, limit=page) if page else [],
            "count": sum(branch.count for branch in branches),
            "ticked": ticked,
            "totals": [self._money(each, unit) for unit, each in totals.items()],
            "invoices": len(bundles),
            "drafts": self._draft_options(),
            "draft": self.draft_id.id,
            "credit_warning": self._credit_warning(list(bundles.values())),
            "refusal": self._refusal(ticked, bundles),
        }

    def _refusal(self, ticked: int, bundles: dict) -> str:
        """Why Finish cannot be pressed; '': it can."""
        if not ticked:
            return self.env._("Tick at least one transaction.")
        if not bundles:
            return self.env._(
                "The ticked transactions add up to nothing that could be charged."
            )
        return ""

    def _tree(self, branches: list[Branch], bundles: dict[int, Bundle]) -> list[dict]:
        # sudo: the administrator is checked; they need not read orders and projects.
        step = Step(self.sudo().env)
        lines = step.lines_by_id(each.sale_line_id for each in branches)
        # Browsed together, they are fetched together.
        partner_ids = {each.partner_id for each in branches}
        partners = by_id(step.env["res.partner"].browse(partner_ids))
        projects = step.projects_by_id(
            project_id for each in branches for project_id in each.project_ids
        )
        customers: dict[int, dict] = {}
        invoices: dict[int, dict] = {}
        for branch in branches:
            customer = customers.setdefault(
                branch.partner_id,
                {
                    "id": branch.partner_id,
                    "name": partners[branch.partner_id].display_name,
                    "invoices": [],
                },
            )
            invoice = invoices.get(branch.invoice_number)
            if invoice is None:
                invoice = invoices[branch.invoice_number] = {
                    "id": branch.invoice_number,
                    "names": [],
                    "lines": [],
                    **self._fate(branch, bundles, lines),
                }
                customer["invoices"].append(invoice)
            line = lines[branch.sale_line_id]
            names = [projects[each].display_name for each in branch.project_ids]
            invoice["names"] += [*names, line.order_id.name]
            invoice["lines"].append(
                self._branch_values(branch, line, bundles.get(branch.invoice_number))
            )
        for invoice in invoices.values():
            invoice["name"] = " · ".join(dict.fromkeys(invoice.pop("names")))
        return sorted(customers.values(), key=lambda each: each["name"])

    def _fate(self, branch: Branch, bundles: dict, lines: dict) -> dict:
        """What becomes of an invoice of the review."""
        number = branch.invoice_number
        bundle = bundles.get(number)
        if bundle is None:
            return {"fate": "nothing", "total": ""}
        fate = "credit" if bundle.is_credit else "new"
        if number in self._taken_by_draft():
            fate = "added"
        currency = lines[branch.sale_line_id].currency_id
        return {"fate": fate, "total": self._money(bundle.total, currency)}

    def _branch_values(self, branch: Branch, line, bundle: Bundle | None) -> dict:
        amount = fsum(
            line._psa_worth(charge)
            for (line_id, _slice), charge in (bundle.charges if bundle else {}).items()
            if line_id == line.id
        )
        return {
            "id": line.id,
            "name": (line.name or line.product_id.display_name).split("\n")[0],
            "count": branch.count,
            "ticked": branch.ticked,
            "quantity": self._figure(branch.quantity),
            "uom": line.product_uom_id.name,
            "amount": self._money(amount, line.currency_id) if bundle else "",
        }

    def _draft_options(self) -> list[dict]:
        # sudo: they are drafts that an administrator may see.
        Move = self.env["account.move"].sudo()
        moves = Move.browse(map(int, self._draft_choices())).exists()
        return [{"id": move.id, "name": self._draft_name(move)} for move in moves]

    def _draft_name(self, move) -> str:
        parts = [
            move.display_name,
            ", ".join(move.billing_project_ids.mapped("display_name")),
            self._money(move.amount_untaxed, move.currency_id),
        ]
        return " · ".join(filter(None, parts))

    def _money(self, amount: float, currency) -> str:
        return formatLang(self.env, amount, currency_obj=currency)

    def _figure(self, quantity: float) -> str:
        return formatLang(self.env, quantity, dp="Product Unit")

    def _rows(self, where: dict, offset: int = 0, limit: int = PAGE) -> list[dict]:
        """Transactions, as the client shows them."""
        domain = Domain("wizard_id", "=", self.id)
        for column, value in self._columns(where).items():
            domain &= Domain(column, "=", value)
        Line = self.env["psa.manual.invoice.line"]
        offset = as_count(self.env, offset)
        lines = Line.search(domain, offset=offset, limit=limit)
        labels = {
            name: dict(lines._fields[name]._description_selection(self.env))
            for name in ("transaction_type", "remark")
        }
        return [line._shown(labels) for line in lines]
