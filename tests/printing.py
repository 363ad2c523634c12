"""PDFs read back: which words stand where."""

import os
import shutil
from dataclasses import dataclass

import pypdfium2

from tools.pdf_engine import PROGRAM, fetched, runs_patched

# Narrower than any space that is printed.
BLANK = 0.8
PATCHED, UNPATCHED = "patched", "unpatched"


def engine(kind: str) -> str | None:
    """Path of a wkhtmltopdf of a kind on this machine."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    programs = [fetched(), *(shutil.which(PROGRAM, path=each) for each in folders)]
    return next(
        (
            program
            for program in programs
            if program and runs_patched(program) == (kind == PATCHED)
        ),
        None,
    )


def path_with(program: str, folder) -> str:
    """``PATH`` of an Odoo that shall take this program."""
    (folder / PROGRAM).symlink_to(program)
    return os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])


@dataclass
class Word:
    """A word and its box, in points from the upper left corner of the page."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    def overlaps(self, other: "Word") -> bool:
        """Whether letters lie on letters: boxes are higher than those."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        lower = min(self.bottom - self.top, other.bottom - other.top)
        return width > 1 and height > 0.4 * lower


def pages(pdf: bytes) -> list[list[Word]]:
    """The words of each page, from top to bottom and left to right."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [_words(page) for page in document]


def pictures(pdf: bytes, folder, name: str) -> None:
    """Each page as a picture, for a person to look at."""
    with pypdfium2.PdfDocument(pdf) as document:
        for number, page in enumerate(document, start=1):
            page.render(scale=1.5).to_pil().save(folder / f"{name}-{number:02}.png")


def lines(words: list[Word]) -> list[list[Word]]:
    """Words by line, from top to bottom."""
    found: list[list[Word]] = []
    for word in sorted(words, key=lambda each: each.middle):
        if found and word.middle - found[-1][0].middle < 2:
            found[-1].append(word)
        else:
            found.append([word])
    return [sorted(line, key=lambda each: each.left) for line in found]


def _words(page) -> list[Word]:
    """Letters joined by where they stand: some engines draw each of them alone."""
    words: list[Word] = []
    for line in lines(_letters(page)):
        words.append(line[0])
        for letter in line[1:]:
            if letter.left - words[-1].right < BLANK:
                words[-1].text += letter.text
                words[-1].right = letter.right
            else:
                words.append(letter)
    return words


def _letters(page) -> list[Word]:
    height = page.get_height()
    text = page.get_textpage()
    letters = []
    for index in range(text.count_chars()):
        letter = text.get_text_range(index, 1)
        if letter.strip():
            left, bottom, right, top = text.get_charbox(index, loose=True)
            letters.append(Word(letter, left, height - top, right, height - bottom))
    return letters
