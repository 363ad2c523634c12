# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Long texts in parts that fit on a page.

A row of a printed table is never cut in two; one that is higher than a page would be.
"""

from textwrap import wrap

# In a narrow column: a third of a page, so that headings find room above.
LINES = 24
LETTERS_A_LINE = 34


def text_parts(text: str) -> list[str]:
    """Parts of a text that are at most ``LINES`` high, at ends of lines or words.

    :return: at least one; none of the text is lost but blanks where a line is broken
    """
    parts: list[list[str]] = [[]]
    room = LINES
    for line in text.splitlines():
        for piece in wrap(line, LINES * LETTERS_A_LINE) or [""]:
            height = 1 + len(piece) // LETTERS_A_LINE
            if height > room and parts[-1]:
                parts.append([])
                room = LINES
            parts[-1].append(piece)
            room -= height
    return ["\n".join(pieces) for pieces in parts]
