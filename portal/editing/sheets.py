"""One page of a form: the part of a document that an address names, as controls, tables and links.

A page holds a bounded number of controls, whatever the document: of a long list it shows a part,
and a part that is too wide for a row of a table has a page of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portal.editing.bodies import NOTHING, path_text, value_at
from portal.editing.fields import Leaf, Part, Path, Rows, Spec, Values, spec_at, spec_of
from portal.editing.items import (
    FLAG_WORDS,
    MOST_VALUES,
    ROWS_A_PAGE,
    Control,
    Group,
    Item,
    Link,
    Row,
    Sheet,
    Table,
)
from portal.editing.measures import Measure, measure_of, number_text, read_number


def sheet_of(kind: str, body: Mapping[str, Any], path: Path, page: int, code: str) -> Sheet | None:
    """Return the page of a part; None where there is no such part in this body.

    Args:
        path: of the part or list; empty for the document.
        page: of a long list, counted from one; beyond the last, the last.
        code: of the market's currency.
    """
    spec, value = spec_at(kind, path), value_at(body, path)
    # The law leaves some lists out where they hold nothing; their page is where one begins.
    if isinstance(spec, Rows) and value is NOTHING and value_at(body, path[:-1]) is not NOTHING:
        value = []
    if isinstance(spec, Rows) and isinstance(value, list):
        return Sheet(path, spec, (_table(spec, value, path, page, code),))
    if not isinstance(spec, Part) or not isinstance(value, dict) or not is_page(kind, path):
        return None
    return Sheet(path, spec, tuple(_items(spec, value, path, code)))


def is_page(kind: str, path: Path) -> bool:
    """Return whether a part has an address of its own, whatever the body holds.

    The document has, and so have its parts and lists, the rows of lists that are too wide for a
    table, and lists however deep.
    """
    spec = spec_at(kind, path)
    if not path or isinstance(spec, Rows):
        return not path or isinstance(spec, Rows)
    if not isinstance(spec, Part):
        return False
    return not spec.is_flat if isinstance(path[-1], int) else len(path) == 1


def page_of_path(kind: str, body: Mapping[str, Any], path: Path) -> tuple[Path, int]:
    """Return the page on which a field stands, and of a long list which part of it."""
    at: Path = ()
    number = 1
    for length in range(1, len(path) + 1):
        here = path[:length]
        found: Spec | None = spec_at(kind, here)
        if found is None or value_at(body, here) is NOTHING:
            break
        if isinstance(found, Rows):
            rows = value_at(body, here)
            if length == 1 or not is_inline(found, rows):
                at, number = here, 1
        elif isinstance(here[-1], int):
            if is_page(kind, here):
                at, number = here, 1
            elif at == here[:-1]:
                number = here[-1] // ROWS_A_PAGE + 1
        elif isinstance(found, Part) and length == 1 and value_at(body, here) is not None:
            at, number = here, 1
    return at, number


def is_inline(rows: Rows, value: Any) -> bool:
    """Return whether a list within a part stands on the part's page: short, and of narrow rows."""
    return rows.row.is_flat and isinstance(value, list) and len(value) <= ROWS_A_PAGE


def every_page(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[Path, int]]:
    """Yield each page of a document: the path of its part, and of long lists each part of them."""
    yield (), 1
    for field in spec_of(kind).fields:
        yield from _pages_within(kind, body, field, (field.name,))


def _pages_within(
    kind: str, body: Mapping[str, Any], spec: Spec, path: Path
) -> Iterator[tuple[Path, int]]:
    value = value_at(body, path)
    if isinstance(spec, Rows) and isinstance(value, list):
        if len(path) == 1 or not is_inline(spec, value):
            for page in range(max(1, -(-len(value) // ROWS_A_PAGE))):
                yield path, page + 1
        for number in range(len(value)):
            yield from _pages_within(kind, body, spec.row, (*path, number))
    elif isinstance(spec, Part) and isinstance(value, dict):
        if is_page(kind, path):
            yield path, 1
        for field in spec.fields:
            yield from _pages_within(kind, body, field, (*path, field.name))


def _items(spec: Part, value: Mapping[str, Any], path: Path, code: str) -> Iterator[Item]:
    for field in spec.fields:
        here, held = (*path, field.name), value.get(field.name, NOTHING)
        if isinstance(field, Leaf):
            yield _control(field, held, here, code)
        elif isinstance(field, Values):
            yield _values(field, held, here, code)
        elif isinstance(field, Rows):
            if path and is_inline(field, held):
                yield _table(field, held, here, 1, code)
            else:
                rows = held if isinstance(held, list) else []
                yield Link(path_text(here), here, field, _count_words(rows), True)
        elif not isinstance(held, dict):
            yield Link(path_text(here), here, field, "not stated", False)
        elif path:
            items = tuple(_items(field, held, here, code))
            yield Group(path_text(here), here, field, items)
        else:
            yield Link(path_text(here), here, field, _summary(field, held, code), True)


def _control(leaf: Leaf, held: Any, path: Path, code: str) -> Control:
    measure = measure_of(leaf.unit, code, leaf.name)
    return Control(path_text(path), path, leaf, measure, text_of(leaf, held, measure))


def text_of(leaf: Leaf, held: Any, measure: Measure) -> str:
    """Return a value as it stands in its control; what is of another kind, as it is written."""
    if held is NOTHING or held is None:
        return ""
    if isinstance(held, str):
        return held
    if isinstance(held, bool) and leaf.widget == "flag":
        return FLAG_WORDS[held]
    if isinstance(held, int) and not isinstance(held, bool) and leaf.widget == "number":
        return number_text(held, measure.digits)
    return json.dumps(held, ensure_ascii=False)


def value_of(leaf: Leaf, text: str, measure: Measure) -> Any:
    """Return the value that a typed text stands for; a text that is none of its kind, as text."""
    if leaf.widget == "number":
        number = read_number(text, measure.digits)
        return text if number is None else number
    if leaf.widget == "flag":
        return {words: flag for flag, words in FLAG_WORDS.items()}.get(text, text)
    return text


def _values(spec: Values, held: Any, path: Path, code: str) -> Table:
    members = held if isinstance(held, list) else []
    rows = []
    for number, member in enumerate(members[:MOST_VALUES]):
        control = _control(spec.value, member, (*path, number), code)
        rows.append(_row((*path, number), (control,), "", len(members)))
    columns = ((spec.value, measure_of(spec.value.unit, code, spec.name)),)
    return Table(path_text(path), path, spec, columns, tuple(rows), 0, len(members), False)


def _table(spec: Rows, held: Sequence[Any], path: Path, page: int, code: str) -> Table:
    last = max(1, -(-len(held) // ROWS_A_PAGE))
    first = (min(max(page, 1), last) - 1) * ROWS_A_PAGE
    rows = []
    for number, part in enumerate(held[first : first + ROWS_A_PAGE], start=first):
        here = (*path, number)
        controls: tuple[Control, ...] = ()
        if spec.row.is_flat:
            controls = tuple(_part_controls(spec.row, part, here, code))
        rows.append(_row(here, controls, _summary(spec.row, part, code), len(held)))
    columns = tuple(
        (leaf, measure_of(leaf.unit, code, leaf.name))
        for leaf in spec.row.fields
        if isinstance(leaf, Leaf) and spec.row.is_flat
    )
    is_wide = not spec.row.is_flat
    return Table(path_text(path), path, spec, columns, tuple(rows), first, len(held), is_wide)


def _part_controls(part: Part, held: Any, path: Path, code: str) -> Iterator[Control]:
    for leaf in part.fields:
        if isinstance(leaf, Leaf):
            yield _control(leaf, value_at(held, (leaf.name,)), (*path, leaf.name), code)


def _row(path: Path, controls: tuple[Control, ...], summary: str, total: int) -> Row:
    number = int(path[-1])
    return Row(path, path_text(path), controls, summary, number == 0, number == total - 1)


def _summary(part: Part, held: Any, code: str) -> str:
    """Return what names a part: its first values in a line, as people read them."""
    words = []
    for field in part.fields:
        value = value_at(held, (field.name,))
        if isinstance(field, Leaf) and value not in (NOTHING, None, ""):
            measure = measure_of(field.unit, code, field.name)
            words.append(f"{text_of(field, value, measure)} {measure.label}".rstrip())
        elif isinstance(field, Rows | Values) and isinstance(value, list) and value:
            words.append(f"{field.title.lower()}: {_count_words(value)}")
    shown = ", ".join(words[:4])
    return shown if len(shown) <= 120 else f"{shown[:119]}\N{HORIZONTAL ELLIPSIS}"


def _count_words(rows: Sequence[Any]) -> str:
    if not rows:
        return "none"
    return "1 entry" if len(rows) == 1 else f"{len(rows):,} entries"
