# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a person does with the transactions of a draft, one or many at once."""

from odoo import fields, models
from odoo.exceptions import UserError

from ...core.allocation import is_part, is_zero
from ...core.billing import LEDGER
from ...core.kinds import CHARGEABLE, COST, MILESTONE, SOURCE_FIELDS, TIME
from ..shared import rights
from ..shared.external_arguments import as_number, as_text

# What a person may change on a draft, through the Transactions tab.
EDITABLE = {"billing_type", "quantity", "rest_reason"}


class PsaInvoiceDetail(models.Model):
    _inherit = "psa.invoice.detail"  # pylint: disable=consider-merging-classes-inherited

    move_state = fields.Selection(related="move_id.state", string="Invoice Status")

    def write(self, vals):
        if self.env.context.get("psa_ledger") is LEDGER:
            return super().write(vals)
        if refused := set(vals) - EDITABLE:
            raise UserError(
                self.env._(
                    "These transaction fields follow their source and cannot be "
                    "changed here: %(fields)s.",
                    fields=", ".join(
                        self._fields[name]._description_string(self.env)
                        for name in sorted(refused & set(self._fields))
                    ),
                )
            )
        if write_offs := self.filtered(lambda detail: not detail.move_id):
            raise UserError(
                self.env._(
                    "“%(transaction)s” was written off. Undo that in the backlog; then "
                    "it is open again.",
                    transaction=write_offs[0].name or write_offs[0].transaction_type,
                )
            )
        moves = self.move_id
        moves._psa_check_may_change_rows(self)
        moves._psa_check_drafts()
        seen = moves.filtered(lambda move: move._psa_is_in_review())
        vals = dict(vals)
        if "quantity" in vals:
            self._lower(as_number(self.env, vals.pop("quantity")))
        if reason := vals.pop("rest_reason", False):
            self.action_psa_write_off_rest(reason)
        if chosen := vals.get("billing_type"):
            for move, details in self.grouped("move_id").items():
                if move.is_project_invoice:
                    move._psa_choose_types(dict.fromkeys(details._keys(), chosen))
        result = super().write(vals)
        moves._psa_follow_details()
        seen._psa_keep_review()
        return result

    def _lower(self, quantity: float):
        """Bill less of each of these transactions; the rest stays open.

        :param quantity: in the contract line's unit
        :raises UserError: if it is more than what is billed now
        """
        caps: dict = {}
        for detail in self:
            if not is_part(quantity, detail.quantity):
                raise UserError(
                    self.env._(
                        "The quantity of “%(transaction)s” can only be lowered: "
                        "%(quantity)s is all there is. Correct the entry itself to "
                        "bill more.",
                        transaction=detail.name or detail.transaction_type,
                        quantity=detail.uom_id.round(detail.quantity),
                    )
                )
            if is_zero(detail.quantity - quantity):
                continue
            source_quantity = detail.source_quantity * quantity / detail.quantity
            if detail._key:
                caps.setdefault(detail.move_id, {})[detail._key] = source_quantity
            detail.with_context(psa_ledger=LEDGER).write(
                {"quantity": quantity, "source_quantity": source_quantity}
            )
        for move, quantities in caps.items():
            move._psa_cap(quantities)
        self._refresh_sources(self._sources())

    def unlink(self):
        """Take transactions off a draft: they are open again.

        Recalculate does not add them to this invoice again. What is written off is
        undone, unless its period is closed.
        """
        if self.env.context.get("psa_ledger") is LEDGER:
            return super().unlink()
        if write_offs := self.filtered(lambda detail: not detail.move_id):
            rights.check_may_bill(self.env)
            self.check_access("unlink")
            # sudo: the administrator was just checked; he need not read timesheets.
            write_offs.sudo()._undo_write_off()
            rest = self - write_offs
            return rest.unlink() if rest else True
        moves = self.move_id
        moves._psa_check_may_change_rows(self)
        moves._psa_check_drafts()
        seen = moves.filtered(lambda move: move._psa_is_in_review())
        for move, details in self.grouped("move_id").items():
            move._psa_cap(dict.fromkeys(details._keys(), 0.0))
        self._drop()
        moves._psa_follow_details()
        seen._psa_keep_review()
        return True

    def action_psa_write_off_rest(self, reason: str):
        """Never bill the rest of transactions that were lowered on a draft.

        :param reason: why, for whoever asks later
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if nothing is left of them
        """
        rights.check_may_bill(self.env)
        self.check_access("write")
        self.move_id._psa_check_drafts()
        if not as_text(reason):
            raise UserError(self.env._("Say why it is written off."))
        # sudo: the administrator was just checked; he need not read timesheets.
        Billing = self.env["psa.billing"].sudo()
        for source, details in self.sudo().grouped(lambda each: each._source).items():
            if source:
                Billing.write_off(
                    details[SOURCE_FIELDS[source]],
                    as_text(reason),
                    {},
                    {detail._key[1]: detail.id for detail in details if detail._key},
                )

    # === Many at once ===

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
        if not record:
            return False
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
