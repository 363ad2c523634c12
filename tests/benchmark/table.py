"""What is printed: a line for each thing that was measured."""

from dataclasses import dataclass


@dataclass
class Line:
    """One comparison.

    :ivar ours: in seconds or whatever ``unit`` says
    :ivar peer: the same of what it is compared with
    :ivar mark: of ``ours / peer``, not to be exceeded; None: told for its own sake
    :ivar queries: of ours, per unit
    """

    what: str
    ours: float
    peer_name: str
    peer: float
    mark: float | None = None
    unit: str = "ms"
    queries: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def is_within(self) -> bool:
        return self.mark is None or self.ratio <= self.mark

    def cells(self) -> tuple[str, ...]:
        return (
            self.what,
            f"{self.ours:,.2f} {self.unit}",
            f"{self.peer:,.2f} {self.unit}",
            self.peer_name,
            f"{self.ratio:.2f}",
            "" if self.mark is None else f"≤ {self.mark:.2f}",
            "" if self.queries is None else f"{self.queries:,.2f}",
            "" if self.is_within else "MISSED",
        )


HEADINGS = ("what", "ours", "peer", "", "ratio", "mark", "SQL", "")


def text(lines: list[Line]) -> str:
    """The lines under each other, figures to the right."""
    rows = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 3, 7) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
