# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of a draft, in the order in which a first build would have them."""

from collections import defaultdict
from collections.abc import Sequence

from ...core.billing import LEDGER
from .invoice_lines import InvoiceLines, Place
from .selection import Selection
from .step import Step

# Which headings stand below which; that of a project has no line of an order.
LEVELS = {"line_section": 1, "line_subsection": 2}
LOWEST = 3


class Arranging(Step):
    """Puts lines that were added to a draft where they belong, under their headings.

    What a person has added stays beside what it stood next to.
    """

    def arrange(self, move, added):
        """:param added: invoice lines that are new"""
        places = self._places(move)
        known = self._known(move)
        added |= self._add_headings(move, places, known, added)
        self._drop_headings(move, places, known)
        placed = [known[place.id] for place in places if place.id in known]
        lines = move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        beside = defaultdict(list)
        before, last = 0, []
        for line in lines:
            if line in placed:
                before = line.id if line not in added else before
            elif line.is_downpayment:
                last.append(line)
            else:
                beside[before].append(line)
        if last and beside[before] and beside[before][-1].display_type != "product":
            last.insert(0, beside[before].pop())
        order = list(beside[0])
        for line in placed:
            order += [line, *beside.pop(line.id, ())]
        for sequence, line in enumerate([*order, *last]):
            if line.sequence != sequence:
                line.with_context(psa_ledger=LEDGER).sequence = sequence

    def _places(self, move) -> list[Place]:
        """Where a first build would put what is on a draft."""
        brief = move._billing_brief()
        made = move._psa_lines_by_slice()
        slices = {line.id: key for key, line in made.items()}
        rows = [row for row in move._psa_ledger_rows() if not row.is_write_off]
        places = {id(row.item): slices.get(row.move_line_id) for row in rows}
        lines = self.lines_by_id(row.item.sale_line_id for row in rows)
        by_order: dict[tuple[int, int], dict] = defaultdict(dict)
        for item in Selection(self.env).in_order([row.item for row in rows]):
            own = item.sale_line_id, item.slice_key(brief.layout, brief.is_consolidated)
            key = places[id(item)] or own
            if key in made:
                order_id = lines[item.sale_line_id].order_id.id
                by_order[item.project_id, order_id][key] = None
        charged = dict.fromkeys(key for keys in by_order.values() for key in keys)
        projects = dict.fromkeys(project_id for project_id, _order in by_order)
        return InvoiceLines(self.env).places(list(charged), list(projects))

    def _known(self, move) -> dict:
        """Lines of a draft by ``Place.id``, as far as the service made them."""
        found = dict(move._psa_lines_by_slice())
        for line in move.invoice_line_ids.sorted("sequence"):
            order_line = line.sale_line_ids[:1]
            is_ours = order_line or line.billing_slice
            if line.display_type != "product" and is_ours and not line.is_downpayment:
                found.setdefault((order_line.id or 0, line.billing_slice or ""), line)
        return found

    def _add_headings(self, move, places: Sequence[Place], known: dict, added):
        """Headings of what is new alone: one that a person took off stays away.

        :return: those that were added
        """
        found = added.browse()
        lines = InvoiceLines(self.env)
        has_projects = any(not line_id for line_id, _key in known)
        for index, place in enumerate(places):
            below = [known[each.id] for each in self._below(places, index)]
            is_new = all(line in added for line in below)
            if place.id in known or not (is_new or not (place.line or has_projects)):
                continue
            heading = self.env["account.move.line"].with_context(psa_ledger=LEDGER)
            known[place.id] = heading.create(
                {**lines.heading(place), "move_id": move.id}
            )
            found |= known[place.id]
        return found

    def _below(self, places: Sequence[Place], index: int):
        """What a heading is about: all below it; of a note, what is above it."""
        place = places[index]
        if place.line.display_type == "line_note":
            above = next(
                (
                    each
                    for each in reversed(places[:index])
                    if each.line.display_type != "line_note"
                ),
                None,
            )
            if above and above.is_charged:
                yield above
            elif above:
                yield from self._below(places, places.index(above))
            return
        if place.is_combo:
            yield from (
                each
                for each in places
                if each.is_charged and each.line.linked_line_id == place.line
            )
            return
        for each in places[index + 1 :]:
            if not each.is_charged and self._level(each) <= self._level(place):
                return
            if each.is_charged:
                yield each

    def _level(self, place: Place) -> int:
        return LEVELS.get(place.line.display_type, LOWEST) if place.line else 0

    def _drop_headings(self, move, places: Sequence[Place], known: dict):
        """Headings of nothing, unless a person has put something below them."""
        wanted = {known[place.id] for place in places if place.id in known}
        lines = move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        ours = set(known.values())
        for index, line in enumerate(lines):
            following = lines[index + 1 : index + 2]
            is_followed = following not in ours and not following.is_downpayment
            if line.display_type == "product" or line in wanted or line not in ours:
                continue
            if not (following and is_followed):
                line.with_context(psa_ledger=LEDGER).unlink()
