"""Tables of a Markdown page, by the heading that they stand under, and the numbers in them."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

_HEADING = re.compile(r"#+ +(.+)")
_RULE = re.compile(r"\|(?: *:?-+:? *\|)+")
MINUS = "\N{MINUS SIGN}"
_NUMBER = re.compile(rf"{MINUS}?\d{{1,3}}(?:,\d{{3}})*(?:\.\d+)?")
_RATIO = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class Table:
    """A table: its place, its columns without the first, and its cells by row and column."""

    place: str
    columns: tuple[str, ...]
    rows: dict[str, dict[str, str]]

    def number(self, row: str, column: str) -> Decimal | None:
        """Return the number that a cell is, in the unit of the page; None where it is none."""
        found = _NUMBER.fullmatch(self.rows[row][column])
        return found and Decimal(found[0].replace(MINUS, "-").replace(",", ""))

    def ratio(self, row: str, column: str) -> Fraction | None:
        """Return the ratio that a cell is, as in `90/6`; None where it is none."""
        found = _RATIO.fullmatch(self.rows[row][column])
        return found and Fraction(int(found[1]), int(found[2]))


def read_tables(path: Path) -> list[Table]:
    """Return the tables of a page in their order; the second under a heading ends in ` (2)`.

    Raises:
        ValueError: a row has other cells than its table has columns, or stands there twice.
    """
    tables: list[Table] = []
    heading, lines = "", [*path.read_text(encoding="utf-8").splitlines(), ""]
    block: list[list[str]] = []
    under: dict[str, int] = {}
    for line in lines:
        if found := _HEADING.fullmatch(line):
            heading = found[1]
        if line.startswith("|"):
            if not _RULE.fullmatch(line):
                block.append([cell.strip() for cell in line.strip("|").split("|")])
        elif block:
            under[heading] = under.get(heading, 0) + 1
            place = heading if under[heading] == 1 else f"{heading} ({under[heading]})"
            tables.append(_table(place, block))
            block = []
    return tables


def _table(place: str, block: list[list[str]]) -> Table:
    (_, *columns), *cells = block
    rows: dict[str, dict[str, str]] = {}
    for name, *values in cells:
        if name in rows or len(values) != len(columns):
            raise ValueError(f"{place}: row {name!r} is ragged, or is there twice")
        rows[name] = dict(zip(columns, values, strict=True))
    return Table(place, tuple(columns), rows)
