# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a person does with rows of the backlog."""

from odoo import models
from odoo.exceptions import UserError

from ...core.kinds import COST, ORDER_LINE, TIME
from ..shared import actions, rights
from ..shared.external_arguments import as_quantities


class PsaBacklog(models.Model):
    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    def action_open(self):
        """Show where a transaction comes from: the order of an order line, the bill of
        an expense, the entry, the milestone."""
        self.ensure_one()
        self.check_access("read")
        record = self.env[self.source_model].browse(self.source_id)
        view = False
        if self.source == ORDER_LINE:
            record = self.order_id
        elif self.source == COST:
            record = record.source_move_id
        elif self.source == TIME:
            view = self.env.ref("hr_timesheet.hr_timesheet_line_form").id
        return actions.open_record(record, view, context={"create": False})

    def action_manual_invoice(self):
        """Open the wizard that invoices these transactions, and nothing else.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if a row is of a company that is not switched on
        """
        rights.check_may_decide(self)
        return actions.invoice_by_hand(self.project_id, **self._chosen_for_invoice())

    def action_add_to_draft(self):
        """Open the review of these transactions with the draft that they go on.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if no open draft would take any of them
        """
        rights.check_may_decide(self)
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.project_id.ids, **self._chosen_for_invoice()}
        )
        action = wizard.action_next()
        if not wizard._draft_choices():
            raise UserError(
                self.env._(
                    "No open draft takes these transactions: none is of the same "
                    "project, customer and terms. Press Invoice to make a new one."
                )
            )
        wizard.review_choose_draft(max(map(int, wizard._draft_choices())))
        return action

    def _chosen_for_invoice(self) -> dict:
        days = [day for day in self.mapped("date") if day]
        picks = sorted({(row.source, row.source_id) for row in self})
        return {
            "picks": [list(pick) for pick in picks],
            **({"cutoff_date": max(days)} if days else {}),
        }

    def action_psa_hold(self, reason: str = ""):
        """Leave these transactions out of every invoice until they are released.

        :param reason: why, for whoever looks at the backlog
        :raises AccessError: unless the user is a billing administrator
        """
        for transactions in self._transactions():
            transactions.action_psa_hold(reason)
        return True

    def action_psa_release(self):
        """Bill what is on hold, and what a credit note has reopened, with the next
        invoice.

        :raises AccessError: unless the user is a billing administrator
        """
        for transactions in self._transactions():
            transactions.action_psa_release()
        return True

    def action_psa_set_billing_type(self, billing_type: str):
        """:param billing_type: ``chargeable``, ``complimentary``, ``non_chargeable``
        :raises AccessError: unless the user is a billing administrator
        """
        for transactions in self._transactions():
            transactions.action_psa_set_billing_type(billing_type)
        return True

    def action_psa_write_off(self, reason: str, quantities: dict | None = None):
        """Never bill what these rows show as open.

        :param reason: why, for whoever asks later
        :param quantities: how much of a row, by its id, in the unit of the contract
            line (default: all of it)
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if there is no reason
        """
        rights.check_may_decide(self)
        quantities = as_quantities(self, quantities)
        parts: dict[tuple, float] = {}
        for row in self.sudo():
            part = row.own_quantity
            if row.id in quantities:
                part *= quantities[row.id] / row.open_quantity
            key = (row.source, row.source_id)
            parts[key] = parts.get(key, 0.0) + part
        for transactions in self._transactions():
            source = transactions._billing_source
            transactions.action_psa_write_off(
                reason, {id_: parts[source, id_] for id_ in transactions.ids}
            )
        return True

    def _transactions(self) -> list:
        """What these rows stand for, kind by kind."""
        rights.check_may_decide(self)
        ids: dict[str, dict[int, None]] = {}
        # sudo: the administrator was just checked, and the companies.
        for row in self.sudo():
            ids.setdefault(row.source_model, {})[row.source_id] = None
        return [self.env[model].browse(found) for model, found in ids.items()]
