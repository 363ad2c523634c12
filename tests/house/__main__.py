"""``make map``: draw the rooms into docs/rooms.svg."""

from .drawing import svg
from .reading import House
from .rooms import PICTURE, ROOT

if __name__ == "__main__":
    PICTURE.write_text(svg(House()))
    print(f"{PICTURE.relative_to(ROOT)} is drawn.")
