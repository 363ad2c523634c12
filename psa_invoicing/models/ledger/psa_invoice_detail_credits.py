# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What was credited: whether it counts, and how it is undone."""

from odoo import models
from odoo.exceptions import UserError

from ...core.allocation import is_zero
from ...core.billing import LEDGER
from ...core.kinds import SOURCE_FIELDS
from ...tools import rules


class PsaInvoiceDetail(models.Model):
    _inherit = "psa.invoice.detail"  # pylint: disable=consider-merging-classes-inherited

    def _check_still_open(self):
        """Refuse to undo a credit whose transactions would then be billed twice.

        :raises UserError: if what it reopened was billed, written off or changed since
        """
        for detail in self:
            if detail._is_still_open():
                continue
            if again := detail._billed_again():
                raise UserError(
                    self.env._(
                        "%(credit_note)s has to stay: what it reopened was billed "
                        "again with %(invoice)s. Credit that invoice first.",
                        credit_note=detail.move_id.display_name,
                        invoice=again.move_id.display_name or self.env._("a write-off"),
                    )
                )
            raise UserError(
                self.env._(
                    "%(credit_note)s has to stay: “%(transaction)s”, which it "
                    "reopened, was changed since. Bill what is open with a new "
                    "invoice.",
                    credit_note=detail.move_id.display_name,
                    transaction=detail.name or detail.sale_line_id.display_name,
                )
            )

    def _is_still_open(self) -> bool:
        """Whether all that this row of a credit note reopened is there to bill."""
        source = self._key and self[SOURCE_FIELDS[self._key[0]]]
        if not source:
            return True
        sign = -1.0 if self.source_quantity > 0 else 1.0
        missing = abs(self.source_quantity) - sign * source.open_quantity
        return missing < 0 or is_zero(missing)

    def _billed_again(self):
        """The last row that bills, or writes off, what this credit reopened."""
        later = (
            self[SOURCE_FIELDS[self._key[0]]]
            ._psa_details()
            .filtered(
                lambda each: each.id > self.id and rules.is_live(each) and each != self
            )
        )
        return later.sorted("id", reverse=True)[:1]

    def _left(self) -> dict:
        """What no document has taken back, by row."""
        taken_back = self._taken_back()
        return {each: each.quantity + taken_back.get(each.id, 0.0) for each in self}

    def _taken_back(self, also=None) -> dict[int, float]:
        """What live documents have taken back of these details, by id.

        :param also: a credit note that is about to be posted
        """
        found: dict[int, float] = {}
        for detail in self.search(
            [("origin_detail_id", "in", self.ids), ("move_id", "!=", False)]
        ):
            if rules.is_live(detail) or (also and detail.move_id == also):
                origin = detail.origin_detail_id.id
                found[origin] = found.get(origin, 0.0) + detail.quantity
        return found

    def _release(self):
        """Let the next invoice run bill what was credited."""
        self.with_context(psa_ledger=LEDGER).write({"is_released": True})
        self._refresh_sources(self._sources())
