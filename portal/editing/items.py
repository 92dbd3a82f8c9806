"""What stands on a page of a form: controls, tables of rows, links to further pages, groups."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from portal.editing.bodies import path_text
from portal.editing.fields import Leaf, Part, Path, Rows, Values
from portal.editing.measures import Measure, as_typed

ROWS_A_PAGE = 25
NO_CURRENCY = "XXX"
"""ISO 4217's code for none: no description of a field names an amount of money."""
MOST_VALUES = 100
"""Of a list of plain values, which stands whole on its page; a form sends no more fields."""
FLAG_WORDS: Mapping[bool, str] = {True: "yes", False: "no"}


@dataclass(frozen=True)
class Control:
    """One plain field: where it stands, what it asks for, and what stands in it.

    Attributes:
        name: its path, by which the form sends it.
        text: as people read and type the value; empty where there is none.
        title, help: of the field; those of a column stand above it.
        choices: of a select, each with its words.
    """

    kind: ClassVar[str] = "control"

    name: str
    path: Path
    leaf: Leaf
    measure: Measure
    text: str

    @property
    def title(self) -> str:
        """The field's title."""
        return self.leaf.title

    @property
    def help(self) -> str:
        """What the field is, in the measure that people type."""
        return help_of(self.leaf, self.measure)

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be chosen; empty for what is typed."""
        return tuple(FLAG_WORDS.values()) if self.leaf.widget == "flag" else self.leaf.choices

    @property
    def offers_nothing(self) -> bool:
        """Whether a select offers that nothing is chosen: where it may be, or still is so."""
        return self.leaf.is_optional or self.text not in self.choices

    @property
    def is_day(self) -> bool:
        """Whether a calendar can show the text: one that is no day would vanish from it."""
        return self.leaf.widget == "day" and (not self.text or is_day(self.text))


@dataclass(frozen=True)
class Row:
    """A row of a list: its controls, or where it has a page of its own, what names it."""

    path: Path
    name: str
    controls: tuple[Control, ...]
    summary: str
    is_first: bool
    is_last: bool

    @property
    def number(self) -> int:
        """Its place in the list, counted from one."""
        return int(self.path[-1]) + 1

    @property
    def label(self) -> str:
        """What tells a control of the row from those of the others, to who does not see it."""
        return f"in row {self.number}"


@dataclass(frozen=True)
class Table:
    """A list, or the part of a long one that a page shows.

    Attributes:
        spec: the list.
        first: position of the first row that is shown.
        total: how many rows there are.
        has_pages_of_rows: whether each row has a page of its own.
    """

    kind: ClassVar[str] = "table"

    name: str
    path: Path
    spec: Rows | Values
    columns: tuple[tuple[Leaf, Measure], ...]
    rows: tuple[Row, ...]
    first: int
    total: int
    has_pages_of_rows: bool

    @property
    def legend(self) -> list[tuple[str, str]]:
        """What each column is, where a row has columns, in the measure that people type."""
        if isinstance(self.spec, Values):
            return []
        return [(leaf.title, help_of(leaf, measure)) for leaf, measure in self.columns]

    @property
    def is_full(self) -> bool:
        """Whether the list may have no further row."""
        return not has_room(self.spec, self.total)

    @property
    def hidden_count(self) -> int:
        """How many plain values stand on no page, as the list is longer than any may be."""
        return self.total - len(self.rows) if isinstance(self.spec, Values) else 0

    @property
    def page_count(self) -> int:
        """On how many pages the list stands."""
        return 1 if isinstance(self.spec, Values) else max(1, -(-self.total // ROWS_A_PAGE))

    @property
    def page_number(self) -> int:
        """Which of them this is, counted from one."""
        return self.first // ROWS_A_PAGE + 1


@dataclass(frozen=True)
class Link:
    """A part or a list with a page of its own; or an optional part that is not stated."""

    kind: ClassVar[str] = "link"

    name: str
    path: Path
    spec: Part | Rows
    summary: str
    is_stated: bool


@dataclass(frozen=True)
class Group:
    """A part that stands within the page of the part around it."""

    kind: ClassVar[str] = "group"

    name: str
    path: Path
    spec: Part
    items: tuple["Item", ...]


Item = Control | Table | Link | Group


@dataclass(frozen=True)
class Sheet:
    """The page of a part of a document.

    Attributes:
        path: of the part.
        spec: the part, or the list.
        items: what stands on it, in the order of the document.
    """

    path: Path
    spec: Part | Rows
    items: tuple[Item, ...]

    def controls(self) -> Iterator[Control]:
        """Yield every control of the page, those in tables too."""
        yield from _controls(self.items)

    def names(self) -> set[str]:
        """Return the names of all beside which a finding may be shown, its own among them."""
        return {path_text(self.path), *_names(self.items)}


def help_of(leaf: Leaf, measure: Measure) -> str:
    """Return what a field is, with the numbers of its description as people type them."""
    return as_typed(leaf.help, NO_CURRENCY, measure)


def has_room(spec: Rows | Values, count: int) -> bool:
    """Return whether a list of so many rows may have one more."""
    most = spec.most
    if isinstance(spec, Values):
        most = MOST_VALUES if most is None else min(most, MOST_VALUES)
    return most is None or count < most


def is_day(text: str) -> bool:
    """Return whether a text is a day as calendars of browsers write it."""
    return re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", text) is not None


def _controls(items: Sequence[Item]) -> Iterator[Control]:
    for item in items:
        if isinstance(item, Control):
            yield item
        elif isinstance(item, Table):
            for row in item.rows:
                yield from row.controls
        elif isinstance(item, Group):
            yield from _controls(item.items)


def _names(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        yield item.name
        if isinstance(item, Table):
            for row in item.rows:
                yield from (row.name, *(control.name for control in row.controls))
        elif isinstance(item, Group):
            yield from _names(item.items)
