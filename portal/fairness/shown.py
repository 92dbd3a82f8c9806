"""What the page of a fairness report shows, and its PDF: words, figures, pictures, in one order."""

from dataclasses import dataclass

from portal.charts.chart import Chart

DAYS = "days"
"""The section that figures lead to, whose days lead to the intervals that make them up."""


@dataclass(frozen=True)
class Definition:
    """What a figure is: in words, as a formula, and whose it is."""

    title: str
    definition: str
    formula: str
    source: str
    unit: str


@dataclass(frozen=True)
class Row:
    """A figure, or a thing with its figures.

    Attributes:
        meaning: what else is to be known of it; or empty.
        definition: of a figure, which a phone has no room for, and paper has in a list.
        address: of the page that leads further down; empty where there is none for the reader.
    """

    title: str
    cells: tuple[str, ...]
    meaning: str = ""
    address: str = ""
    definition: str = ""


@dataclass(frozen=True)
class Table:
    """Figures of one sort.

    Attributes:
        corner: what the rows are.
        texts: the columns that hold words or days, which are read from the left.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    corner: str = ""
    lead: str = ""
    texts: frozenset[str] = frozenset()

    @property
    def is_text(self) -> tuple[bool, ...]:
        """Of each column, whether it is read from the left."""
        return tuple(column in self.texts for column in self.columns)


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        key: its own in the address.
        said: sentences, each a paragraph.
        worse: where the market does worse than other designs, in sentences.
    """

    key: str
    title: str
    said: tuple[str, ...]
    worse: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    definitions: tuple[Definition, ...] = ()


@dataclass(frozen=True)
class OwnPart:
    """What a report says of one participant, to those who act for it."""

    participant: str
    said: tuple[str, ...]
    tables: tuple[Table, ...]
