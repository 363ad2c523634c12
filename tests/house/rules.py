"""What the house must not have."""

import re
from pathlib import Path

from .reading import House
from .rooms import ROOT, room_of

LONGEST_FILE = 450
LARGEST_CIRCLE = 5
WALK = ROOT / "docs" / "developer.md"


def broken_rules(house: House) -> dict[str, list[str]]:
    """:return: what breaks each rule, by its name"""
    return {
        "in no room": [path for path in house.sources if not room_of(path)],
        "too long": [
            path
            for path, source in house.sources.items()
            if source.line_count > LONGEST_FILE
        ],
        "points up": sorted({str(arrow) for arrow in house.arrows if arrow.points_up}),
        "circle": [
            " ".join(circle)
            for circle in house.circles()
            if len(circle) > LARGEST_CIRCLE
        ],
        "undocumented": sorted(map(str, house.undocumented_calls())),
        "overridden twice": house.overridden_twice(),
        "gone": _gone(house, WALK.read_text()),
    }


def _gone(house: House, text: str) -> list[str]:
    """Files that a text names, and that are not there (any more)."""
    names = {Path(path).name for path in house.sources} | {*house.sources}
    named = re.findall(r"`([\w/]+\.py)`", text)
    return sorted({name for name in named if "tests" not in Path(name).parts} - names)
