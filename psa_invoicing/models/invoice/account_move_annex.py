# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the customer sees behind the lines of an invoice."""

import sys
from math import fsum

from odoo import models
from odoo.fields import Domain

from ...core.text_parts import text_parts
from ...tools import rules


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _psa_has_annex(self) -> bool:
        """Whether its customer gets the work in detail: of a project invoice, and of
        what credits one."""
        self.ensure_one()
        # sudo: whoever prints an invoice need not see the others.
        credited = self.sudo()._billing_credited_invoices()
        is_ours = self.is_project_invoice or (
            self.move_type == "out_refund"
            and all(credited.mapped("is_project_invoice"))
        )
        return bool(
            is_ours
            and self.commercial_partner_id.billing_annex
            and self._psa_annex_details()
        )

    def _psa_annex_details(self):
        """What is charged or offered, or credited; the customer is not told of anything
        else."""
        kinds = {"chargeable"}
        if self.move_type == "out_invoice":
            kinds.add("complimentary")
        # sudo: whoever prints an invoice need not read the ledger.
        return self.sudo().detail_ids.filtered(
            lambda detail: detail.billing_type in kinds and not detail.is_write_off
        )

    def _psa_annex(self) -> list[dict]:
        """Transactions by project, if several share the invoice, and contract line, in
        the language of the report.

        :return: project (at its first section, where several share the invoice) with
            its untaxed amount, title, quantity and unit, untaxed amount, and groups of
            each section
        """
        self.ensure_one()
        details = self._psa_annex_details()
        if len(details.project_id) < 2:
            return self._psa_annex_sections(details)
        sections = []
        for project, found in (
            details.sorted(self._psa_annex_place).grouped("project_id").items()
        ):
            first, *others = self._psa_annex_sections(found)
            first |= {
                "project": project.name,
                "project_amount": self._psa_annex_sums(found)["amount"],
            }
            sections += [first, *others]
        return sections

    def _psa_annex_blocks(self) -> list[list[dict]]:
        """The rows of the annex from top to bottom, in blocks that no page break parts:
        headings stay with what they are about, and the total with what it is of.

        :return: for each row its role (project, section, group, detail; text, where
            that of a detail goes on; total), and section, group, detail, text, quantity
            and amount as far as there are
        """
        blocks, headings = [], []
        for section in self._psa_annex():
            if "project" in section:
                headings.append({"role": "project", "section": section})
            headings.append({"role": "section", "section": section})
            for group in section["groups"]:
                row = {"section": section, "group": group}
                if group["title"]:
                    headings.append({"role": "group", **row})
                for detail in group["details"]:
                    text, *rest = self._psa_annex_texts(detail)
                    row |= {"detail": detail, **self._psa_annex_sums(detail)}
                    blocks.append([*headings, {"role": "detail", "text": text, **row}])
                    blocks += [[{"role": "text", "text": part, **row}] for part in rest]
                    headings = []
        if self.commercial_partner_id.billing_annex_amounts:
            sums = self._psa_annex_sums(self._psa_annex_details())
            blocks[-1].append({"role": "total", **sums})
        return blocks

    def _psa_annex_texts(self, detail) -> list[str]:
        """What is said of a transaction, in parts that fit on a page."""
        if not self.commercial_partner_id.billing_annex_texts:
            return [""]
        return text_parts(detail.name or "")

    def _psa_annex_place(self, detail) -> tuple[int, int]:
        """Where the invoice line of a transaction is; what is offered comes last."""
        line = detail.move_line_id
        return (line.sequence, line.id) if line else (sys.maxsize, detail.id)

    def _psa_annex_sections(self, details) -> list[dict]:
        by_line = details.grouped("sale_line_id")
        lines = details.sale_line_id.sorted(
            lambda line: (line.order_id.id, line.sequence, line.id)
        )
        return [
            {
                "title": line.product_id.with_env(self.env).sudo().display_name
                or line.name,
                "uom": line.product_uom_id.with_env(self.env).sudo().name,
                "digits": 4 if line.sudo()._psa_is_billed_by_amount() else 2,
                "groups": self._psa_annex_groups(by_line[line]),
                **self._psa_annex_sums(by_line[line]._chargeable()),
            }
            for line in lines
        ]

    def _psa_annex_groups(self, details) -> list[dict]:
        """Transactions of a contract line as the project groups them on the invoice;
        what is offered apart, at the end.

        :return: title ('' where nothing is said), quantity, untaxed amount, details
        """
        customer = self.commercial_partner_id
        name = {
            "employee": customer.billing_annex_names and "employee_name",
            "task": customer.billing_annex_texts and "task_name",
        }.get(self._billing_brief().layout)
        charged = details._chargeable()
        groups = charged.grouped(lambda each: name and each[name] or "")
        found = sorted(groups.items())
        if offered := details - charged:
            found.append((self.env._("Offered"), offered))
        return [
            {
                "title": title,
                "details": group.sorted(lambda each: (each.date, each.id)),
                **self._psa_annex_sums(group),
            }
            for title, group in found
        ]

    def _psa_annex_sums(self, details) -> dict[str, float]:
        """Quantity in the unit of the contract line, and untaxed amount, as its lines
        have them: those of a credit note say what is given back."""
        sign = rules.sign(self)
        sums = {
            name: sign * fsum(details.mapped(name)) or 0.0
            for name in ("quantity", "amount")
        }
        lines = details.move_line_id
        if lines and details == lines.detail_ids & self._psa_annex_details():
            # Rounded as the lines are.
            sums["quantity"] = fsum(
                line._billing_quantity(line._psa_contract_line()) for line in lines
            )
        return sums

    def _psa_annex_rate(self, detail) -> float:
        """The untaxed price of a unit, after its discount."""
        line = detail.move_line_id
        if line.billing_share and detail.quantity:
            return detail.amount / detail.quantity
        full = line.quantity * line.price_unit
        return detail.price_unit * (line.price_subtotal / full if full else 1.0)

    # === Receipts ===

    def _psa_receipts(self):
        """Images and PDFs of the expenses and vendor bills that this invoice bills, for
        a customer who asks for them; each once.

        A vendor bill that other customers pay for, too, is nobody's to see.

        :return: attachments, readable
        """
        self.ensure_one()
        # sudo: who sends an invoice, and who gets it, need not see expenses and bills.
        Attachment = self.env["ir.attachment"].sudo()
        if (
            not self.is_project_invoice
            or self.move_type != "out_invoice"
            or not self.commercial_partner_id.billing_annex_receipts
        ):
            return Attachment
        lines = self._psa_annex_details().source_move_line_id
        bills = (lines - lines.filtered("expense_id")).move_id
        found = Attachment.search(
            (
                Domain("res_model", "=", "hr.expense")
                & Domain("res_id", "in", lines.expense_id.ids)
                | Domain("res_model", "=", "account.move")
                & Domain("res_id", "in", (bills - self._psa_shared_bills(bills)).ids)
            )
            & (
                Domain("mimetype", "=", "application/pdf")
                | Domain("mimetype", "=like", "image/%")
            ),
            order="id",
        )
        return Attachment.union(
            *(same[0] for same in found.grouped("checksum").values())
        )

    def _psa_shared_bills(self, bills):
        """Those of which another customer pays a part."""
        costs = (
            self.env["psa.reinvoiced.cost"]
            # sudo: as above
            .sudo()
            .search([("source_move_line_id.move_id", "in", bills.ids)])
        )
        others = costs.filtered(
            lambda cost: (
                cost.sale_line_id.order_id.partner_invoice_id.commercial_partner_id
                != self.commercial_partner_id
            )
        )
        return others.source_move_line_id.move_id
