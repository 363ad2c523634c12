"""The rooms as a picture."""

from collections import Counter
from xml.sax.saxutils import escape

from .reading import House
from .rooms import ORDER, ROOMS, room_of

WIDTH, HEIGHT = 430, 46
GAP, MARGIN = 22, 16
ARCS = 380
# Of an arc, by the most calls and imports that it stands for.
WIDTHS = ((5, 1), (25, 2), (75, 3.5), (10**6, 5))
STYLE = """
  text { font-family: "DejaVu Sans", Verdana, sans-serif; fill: #1f2933 }
  .name { font-size: 14px; font-weight: bold }
  .what, .size { font-size: 11px; fill: #52606d }
  .size { text-anchor: end }
  .room { fill: #f0f4f8; stroke: #829ab1 }
  .down { fill: none; stroke-opacity: 0.55 }
  .up { fill: none; stroke: #d64545 }
"""
# One for the arrows that leave a room, so that they can be followed.
COLOURS = (
    "#486581", "#b44d12", "#2f8132", "#8d2b0b", "#0b69a3", "#a23b9b", "#7c5e10",
    "#0e7c86", "#ab091e", "#3e4c59", "#5d3fd3", "#156f5b", "#c65d21", "#334e68",
)  # fmt: skip


def svg(house: House) -> str:
    """Rooms as a tower, an arc from each to those that it uses: the thicker, the more
    calls and imports."""
    rooms = [room for room in ROOMS if _sources(house, room)]
    place = {
        room: MARGIN + (len(rooms) - 1 - number) * (HEIGHT + GAP)
        for number, room in enumerate(rooms)
    }
    used = Counter(
        arrow.rooms for arrow in house.arrows if set(arrow.rooms) <= set(place)
    )
    height = 2 * MARGIN + len(rooms) * (HEIGHT + GAP) - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + ARCS}" '
        f'height="{height}" viewBox="0 0 {WIDTH + ARCS} {height}">',
        "<title>The rooms of psa_invoicing, and what each uses of the others</title>",
        f"<style>{STYLE}</style>",
        *(
            f'<marker id="head{number}" viewBox="0 0 6 6" refX="5" refY="3" '
            f'markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" '
            f'orient="auto"><path d="M0 0 L6 3 L0 6 z" fill="{colour}"/></marker>'
            for number, colour in enumerate(COLOURS)
        ),
        f'<rect width="{WIDTH + ARCS}" height="{height}" fill="white"/>',
    ]
    parts += [_arc(*rooms_, count, place) for rooms_, count in sorted(used.items())]
    parts += [_box(house, room, place[room]) for room in rooms]
    return "\n".join(filter(None, [*parts, "</svg>"])) + "\n"


def _sources(house: House, room: str) -> list:
    return [each for path, each in house.sources.items() if room_of(path) == room]


def _box(house: House, room: str, top: int) -> str:
    size = f"{len(_sources(house, room))} files"
    name = f"{room}/" if "." not in room and room != "hooks" else room
    return (
        f'<rect class="room" x="{MARGIN}" y="{top}" width="{WIDTH - MARGIN}" '
        f'height="{HEIGHT}" rx="6"/>'
        f'<text class="name" x="{MARGIN + 12}" y="{top + 19}">{escape(name)}</text>'
        f'<text class="size" x="{WIDTH - 12}" y="{top + 19}">{size}</text>'
        f'<text class="what" x="{MARGIN + 12}" y="{top + 36}">'
        f"{escape(ROOMS[room])}</text>"
    )


def _arc(source: str, target: str, count: int, place: dict[str, int]) -> str:
    """Arrows leave in the upper half of a room and arrive in its lower half, those from
    far away outside."""
    if source == target:
        return ""
    number = ORDER[source]
    distance = abs(ORDER[source] - ORDER[target])
    start = place[source] + 5 + 1.6 * distance
    end = place[target] + HEIGHT - 5 - 1.6 * distance
    bend = WIDTH + (ARCS - MARGIN) * 1.32 * (distance / len(ORDER)) + 12
    is_up = ORDER[source] < ORDER[target]
    kind = 'class="up"' if is_up else f'class="down" stroke="{COLOURS[number]}"'
    # In few steps: a call more or less is no other picture.
    width = next(width for most, width in WIDTHS if count <= most)
    return (
        f'<path {kind} stroke-width="{width}" marker-end="url(#head{number})" '
        f'd="M{WIDTH} {start:.1f} C{bend:.1f} {start:.1f} {bend:.1f} {end:.1f} '
        f'{WIDTH + 2} {end:.1f}">'
        f"<title>{escape(source)} uses {escape(target)}</title></path>"
    )
