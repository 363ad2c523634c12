# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a person does with many transactions of a draft at once."""

from odoo import fields, models

from ...core.kinds import CHARGEABLE, COST, MILESTONE, SOURCE_FIELDS, TIME


class PsaInvoiceDetail(models.Model):
    _inherit = "psa.invoice.detail"  # pylint: disable=consider-merging-classes-inherited

    move_state = fields.Selection(related="move_id.state", string="Invoice Status")

    def action_psa_charge(self):
        """See :meth:`write`: the customer pays for these transactions."""
        return self.write({"billing_type": CHARGEABLE})

    def action_psa_offer(self):
        """See :meth:`write`: the customer sees them, and does not pay."""
        return self.write({"billing_type": "complimentary"})

    def action_psa_leave_out(self):
        """See :meth:`write`: the customer neither sees them nor pays."""
        return self.write({"billing_type": "non_chargeable"})

    def action_psa_open_source(self):
        """The document behind a row, as far as the user may see it.

        :return: an action; nothing if it was deleted since
        """
        self.ensure_one()
        key = self._key
        if not key:
            return False
        record = self[SOURCE_FIELDS[key[0]]]
        if key[0] == COST:
            # sudo: only to know which document; the user's own rights open it.
            record = record.sudo().source_move_line_id.move_id.sudo(False)
        elif key[0] not in (TIME, MILESTONE):
            record = record.sudo().order_id.sudo(False)
        record.check_access("read")
        action = {
            "type": "ir.actions.act_window",
            "name": self.name or record.display_name,
            "res_model": record._name,
            "res_id": record.id,
            "view_mode": "form",
        }
        if key[0] == TIME:
            form = self.env.ref("hr_timesheet.hr_timesheet_line_form")
            action["views"] = [(form.id, "form")]
        return action

    def _remove(self, then: str, reason: str):
        """Take rows off their draft, for now or for good.

        :param then: ``later``: a later invoice bills them; ``hold``: none does until
            they are released; ``write_off``: none ever does
        :param reason: why they are held or written off
        :raises AccessError: unless the user may decide that
        :raises UserError: if a reason is missing
        """
        quantities: dict = {}
        for detail in self:
            if key := detail._key:
                quantities.setdefault(key[0], {})[key[1]] = detail.source_quantity
        self.unlink()
        if then == "later":
            return
        for kind, by_id in quantities.items():
            records = self.env[self._fields[SOURCE_FIELDS[kind]].comodel_name]
            records = records.browse(by_id)
            if then == "hold":
                records.action_psa_hold(reason)
            else:
                records.action_psa_write_off(reason, by_id)
