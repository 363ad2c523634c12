# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoices and credit notes that others make: Odoo's buttons, and other add-ons."""

from dataclasses import replace

from odoo.exceptions import UserError

from ...core.allocation import is_zero, share
from ...core.billing import Request, Transaction
from ...core.kinds import ADJUSTMENT, COST, MILESTONE, ORDER_LINE, TIME, Key
from ...tools import rules
from .details import Details, signed_quantity
from .selection import Selection, order_button_request
from .step import Step


class Recording(Step):
    """Notes in the ledger what somebody else has billed or credited."""

    def record(self, move_lines):
        """Note in the ledger what lines of drafts bill or credit.

        A line that credits or replaces another one takes its transactions; any other
        one takes what is open on its contract line, the oldest first. What has no
        transaction behind it is noted as an adjustment, so that the ledger always adds
        up to the invoices.

        :param move_lines: of customer invoices and credit notes, with a contract line
        """
        entered = Details(self.env).entered(move_lines)
        move_lines.detail_ids._drop()
        for move_line in move_lines:
            before = entered.get(move_line, ())
            if self._takes_over(move_line):
                self._record_reversal(move_line, before)
            else:
                self._record_open(move_line, before)
        for move in move_lines.move_id.filtered("is_project_invoice"):
            self._keep_as_recorded(move, move_lines.detail_ids._keys())
        move_lines.move_id._psa_spread_amounts()
        move_lines.sale_line_ids._psa_refresh_excluded_quantity()

    def _takes_over(self, move_line) -> bool:
        """Whether a line credits, or replaces, one that is in the ledger."""
        return bool(move_line.billing_credited_line_id.detail_ids)

    def _keep_as_recorded(self, move, keys: list[Key]):
        """Recalculate leaves on a project draft what others have put there."""
        caps: dict[Key, float | None] = {}
        for detail in move.detail_ids.filtered(lambda each: each._key in keys):
            recorded = caps.get(detail._key) or 0.0
            is_part = not is_zero(detail.open_rest)
            caps[detail._key] = recorded + detail.source_quantity if is_part else None
        move._psa_cap(caps)

    # === Lines that bill what is open ===

    def _record_open(self, move_line, before=()):
        contract_line = move_line._psa_contract_line()
        target = signed_quantity(move_line, contract_line)
        items = self.open_on_contract_line(contract_line)
        if move_line.billing_slice:
            # It bills an amount, of one milestone.
            items.sort(
                key=lambda item: item.slice_key("", False) != move_line.billing_slice
            )
        if target < 0:
            self._check_no_draft_settles_it(contract_line)
            # A credit note bills corrections; work that is open has no part in it.
            items = [item for item in items if item.quantity < 0]
        taken, rest = self._share_out(items, move_line, target)
        Details(self.env).add([(move_line.move_id, move_line, taken)])
        if rest < 0 and move_line.move_id.move_type == "out_refund":
            rest = self._credit_latest(move_line, contract_line, rest)
        if rest:
            Details(self.env).add_adjustment(move_line, contract_line, rest, before)

    def _check_no_draft_settles_it(self, contract_line):
        """Refuse to credit what is a draft's own to correct: its Recalculate knows
        whether that was charged or offered."""
        detail = self.env["psa.invoice.detail"].search(
            [
                ("sale_line_id", "=", contract_line.id),
                ("move_id.state", "=", "draft"),
                ("move_id.is_project_invoice", "=", True),
                ("move_id.needs_recalculation", "=", True),
            ],
            limit=1,
        )
        if detail:
            raise UserError(
                self.env._(
                    "Transactions of “%(contract_line)s” on %(invoice)s were changed "
                    "since. Recalculate that draft before you credit anything.",
                    contract_line=contract_line.display_name,
                    invoice=detail.move_id.display_name,
                )
            )

    def _share_out(
        self, items: list[Transaction], move_line, target: float
    ) -> tuple[list[Transaction], float]:
        """What each transaction gives to a quantity, and what is left of it then."""
        parts, rest = share(
            [item.quantity for item in items],
            target,
            move_line._psa_quantity_rounding(),
        )
        taken = [
            item
            if is_zero(item.quantity - part)
            else item.lowered(item.source_quantity * part / item.quantity)
            for item, part in zip(items, parts, strict=True)
            if part
        ]
        return taken, rest

    def open_on_contract_line(self, contract_line) -> list[Transaction]:
        """What a person bills who invoices a contract line by hand, the oldest first.

        Within the dates of Odoo's wizard; what is on hold or not charged stays out.
        """
        period = ()
        # Odoo asks for a period of hours, and bills everything else whatever its date.
        if contract_line.product_id._is_delivered_timesheet():
            context = self.env.context
            period = (
                context.get("timesheet_start_date"),
                context.get("timesheet_end_date"),
            )
        request = order_button_request(contract_line, *period)
        selection = Selection(self.env)
        found = selection.in_order(
            [
                item
                for source in self._sources_of(contract_line)
                for item in selection.of_source(source, request)
                if item.is_chargeable
            ]
        )
        return selection.within_terms(found).transactions

    def _sources_of(self, contract_line) -> list[str]:
        """Where the transactions of a contract line are kept."""
        if contract_line.is_expense:
            return [COST]
        if contract_line._psa_is_billed_by_transactions():
            return [
                TIME if contract_line.qty_delivered_method == "timesheet" else MILESTONE
            ]
        return [ORDER_LINE]

    # === Lines that credit or replace others ===

    def _record_reversal(self, move_line, before=()):
        """Take the transactions of the line that is credited or replaced.

        Of a part, the latest ones.
        """
        contract_line = move_line._psa_contract_line()
        target = signed_quantity(move_line, contract_line)
        origin = move_line.billing_credited_line_id
        if origin.move_id.move_type == move_line.move_id.move_type:
            keys = origin.detail_ids._chargeable()._keys()
            rest = self._replace(move_line, keys, contract_line, target)
        else:
            credited = origin.detail_ids._chargeable()
            if origin.move_id.move_type == "out_refund":
                self._check_reversible(credited)
            rest = self._reverse(move_line, credited, target)
        if rest:
            Details(self.env).add_adjustment(move_line, contract_line, rest, before)

    def _check_reversible(self, credited):
        """Refuse to reverse a credit note when that would bill its work twice.

        :param credited: rows of the credit note
        """
        taken_back = credited.filtered("origin_detail_id")
        for detail in taken_back:
            if not rules.is_live(detail):
                raise UserError(
                    self.env._(
                        "%(credit_note)s lowered the price and its transactions "
                        "stayed billed: to reverse it would bill them twice. Make an "
                        "invoice of the difference by hand.",
                        credit_note=detail.move_id.display_name,
                    )
                )
        taken_back._check_still_open()

    def _replace(self, move_line, keys, contract_line, target: float) -> float:
        """Bill what an invoice had billed that was credited and is made anew.

        :param keys: of its transactions
        :return: the part of the target that is not open any more
        """
        selection = Selection(self.env)
        request = replace(
            order_button_request(contract_line),
            picks=frozenset(keys),
        )
        items = [
            item
            for source in self._sources_of(contract_line)
            for item in selection.of_source(source, request, with_held=True)
            if item.key in request.picks and item.is_chargeable
        ]
        taken, rest = self._share_out(selection.in_order(items), move_line, target)
        Details(self.env).add([(move_line.move_id, move_line, taken)])
        return rest

    def take_the_place(self, move_lines, cancelled):
        """Bill on lines of drafts what those bill no more that were cancelled for them.

        :param move_lines: that bill something of no transaction
        """
        for move_line in move_lines:
            contract_line = move_line._psa_contract_line()
            origin = cancelled.filtered(
                lambda line, own=contract_line: line._psa_contract_line() == own
            )
            rows = move_line.detail_ids | origin.detail_ids
            keys = rows._chargeable()._keys()
            move_line.detail_ids._drop()
            target = signed_quantity(move_line, contract_line)
            if rest := self._replace(move_line, keys, contract_line, target):
                Details(self.env).add_adjustment(move_line, contract_line, rest)
        move_lines.move_id._psa_spread_amounts()
        move_lines.sale_line_ids._psa_refresh_excluded_quantity()

    def offer_again(self, move, origin):
        """What the replaced invoice offered free of charge is offered on the new one.

        :param origin: the invoice that was replaced
        """
        free = origin.detail_ids - origin.detail_ids._chargeable()
        types = {detail._key: detail.billing_type for detail in free if detail._key}
        items = [
            item.typed(types[item.key])
            for source in {key[0] for key in types}
            for item in Selection(self.env).of_source(
                source,
                Request((), None, picks=frozenset(types), credited=True),
                {},
                with_held=True,
            )
            if item.key in types
        ]
        Details(self.env).add([(move, self.env["account.move.line"], items)])

    def _credit_latest(self, move_line, contract_line, target: float) -> float:
        """Credit what was billed last on a contract line, on whatever invoice.

        :param target: negative, in the contract line's unit
        :return: the part of it for which nothing was billed
        """
        origins = self.env["psa.invoice.detail"].search(
            [
                ("sale_line_id", "=", contract_line.id),
                ("move_id.state", "=", "posted"),
                ("move_id.move_type", "=", "out_invoice"),
                ("transaction_type", "!=", ADJUSTMENT),
            ]
        )
        return self._reverse(move_line, origins._chargeable(), target)

    def _reverse(self, move_line, origins, target: float) -> float:
        """Take details of another document back, the latest first.

        :param origins: of an invoice that is credited, or of a credit note that is
            reversed
        :param target: in the contract line's unit
        :return: the part of it that was not found
        """
        if not origins:
            return target
        origins = origins.sorted(lambda each: (each.date, each.id), reverse=True)
        parts, rest = share(
            [-left for left in origins._left().values()],
            target,
            move_line._psa_quantity_rounding(),
        )
        Details(self.env).take_back(
            [
                (origin, move_line.move_id, move_line, part)
                for origin, part in zip(origins, parts, strict=True)
                if part
            ]
        )
        return rest

    def reopen_what_went_with_it(self, credit_note):
        """A full credit also reopens what the invoice offered, and what was written
        off with it; a partial one does not."""
        invoice = credit_note.reversed_entry_id
        details = invoice.detail_ids
        taken_back = details._taken_back(also=credit_note)
        if not details or not all(
            is_zero(detail.quantity + taken_back.get(detail.id, 0.0))
            for detail in details._chargeable()
        ):
            return
        free = details - details._chargeable()
        free |= self.env["psa.invoice.detail"].search(
            [
                ("is_write_off", "=", True),
                ("is_suspended", "!=", True),
                ("origin_detail_id", "in", details.ids),
            ]
        )
        Details(self.env).take_back(
            [
                (detail, credit_note, self.env["account.move.line"], -detail.quantity)
                for detail in free
                if not taken_back.get(detail.id)
            ]
        )
