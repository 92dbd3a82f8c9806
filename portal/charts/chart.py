"""A chart: the drawing, the table of the same figures, and the sentence for who sees neither."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from portal.charts.drawing import Drawing, units
from portal.charts.palette import SERIES

_KEY = re.compile("[a-z][a-z0-9-]{0,60}")
WIDE, NARROW = units(680), units(340)
"""A drawing is made for a page and for a phone: text that shrinks with it would be no text."""
NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """The figures of a chart, exact and for people; what has none is a dash.

    Attributes:
        columns: their titles, the first that of the heads of the rows.
        note: what a reader must know to read it, such as that a row is a whole day; or empty.
        texts: the columns that hold words, which are read from the left as the first is.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    texts: frozenset[str] = frozenset()

    @property
    def is_text(self) -> tuple[bool, ...]:
        """Of each column, whether it is read from the left."""
        return tuple(column in self.texts for column in self.columns)


@dataclass(frozen=True)
class Chart:
    """A chart for a page and for paper.

    Attributes:
        key: names it on its page, and in addresses; the same whatever its figures are.
        alternative: a sentence made of the figures.
    """

    key: str
    title: str
    alternative: str
    table: Table
    wide: Drawing
    narrow: Drawing

    @property
    def svg(self) -> str:
        """The SVG for a page."""
        return self.wide.svg(self.key, self.alternative)

    @property
    def narrow_svg(self) -> str:
        """The SVG for a page on a phone."""
        return self.narrow.svg(f"{self.key}-narrow", self.alternative)

    @property
    def file_svg(self) -> str:
        """The SVG as a file of its own, in the colours of paper."""
        return self.wide.file_svg(self.key, self.alternative)

    @property
    def printed(self) -> dict[str, Any]:
        """What `chart.typ` makes a picture in a PDF of; as JSON."""
        return self.wide.printed(self.key, self.alternative)


def chart(
    key: str,
    title: str,
    alternative: str,
    table: Table,
    draw: Callable[[int], Drawing],
) -> Chart:
    """Return a chart of what `draw` makes of a width in tenths.

    Raises:
        ValueError: the key is none, or a row of the table has other columns than it.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key of a chart: letters a to z, digits and hyphens")
    if any(len(row) != len(table.columns) for row in table.rows):
        raise ValueError(f"a row of the table of {key} has not its {len(table.columns)} columns")
    return Chart(key, title, alternative, table, draw(WIDE), draw(NARROW))


def check_series(names: Sequence[str]) -> None:
    """Hold the series of a chart to what can be told apart.

    Raises:
        ValueError: there is none, or more than have an ink of their own, or two of one name.
    """
    if not 0 < len(names) <= len(SERIES):
        raise ValueError(f"a chart has one to {len(SERIES)} series, and not {len(names)}")
    if len(set(names)) < len(names):
        raise ValueError(f"two series of a chart have one name: {', '.join(names)}")
