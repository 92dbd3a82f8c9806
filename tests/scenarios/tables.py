"""CSV tables of a scenario: rows with the place that a failure names, checked columns."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class ScenarioError(Exception):
    """A scenario's own files are wrong: the message names file and row."""


@dataclass(frozen=True)
class Row:
    """One row of a table: where it stands, and its cells by column; blank cells are left out."""

    place: str
    cells: dict[str, str]

    def text(self, column: str, default: str = "") -> str:
        return self.cells.get(column, default)

    def number(self, column: str) -> int:
        written = self.cells.get(column, "")
        try:
            return int(written)
        except ValueError:
            raise ScenarioError(f"{self.place}: {column} {written!r} is not an integer") from None

    def span(self, count: int) -> range:
        """Return the intervals meant, from 0: `all`, one (`7`) or some (`7-9`), counted from 1."""
        written = self.text("intervals", "all")
        if written == "all":
            return range(count)
        first, _, last = written.partition("-")
        try:
            span = range(int(first) - 1, int(last or first))
        except ValueError:
            raise ScenarioError(
                f"{self.place}: intervals {written!r}: write all, 7 or 7-9"
            ) from None
        if not 0 <= span.start < span.stop <= count:
            raise ScenarioError(f"{self.place}: intervals {written}: the day has {count}")
        return span


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a CSV file; lines that begin with # are comments.

    Raises:
        ScenarioError: the file has no row, a row is ragged or a column is not one of `columns`.
    """
    lines = list(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    kept = [(number, line) for number, line in lines if line.strip() and line[0] != "#"]
    (header, *records) = list(csv.reader(line for _, line in kept)) or [[]]
    if unknown := sorted(set(header) - set(columns)):
        raise ScenarioError(f"{path.name}: columns {unknown}; known are {', '.join(columns)}")
    if not records:
        raise ScenarioError(f"{path.name}: no row; a file that says nothing is no file")
    rows = []
    for (number, _), cells in zip(kept[1:], records, strict=True):
        if len(cells) != len(header):
            raise ScenarioError(f"{path.name} line {number}: {len(cells)} cells of {len(header)}")
        named = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        filled = {name: cell for name, cell in named.items() if cell}
        rows.append(Row(f"{path.name} line {number}", filled))
    return rows
