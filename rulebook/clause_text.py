"""The text of a clause as people read it: every name in braces filled in, in their units.

The document itself, its digest and its export keep the names; only what is shown is filled in.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from common.quantities import with_unit
from rulebook.clause_names import (
    NamedValue,
    short_name,
    split_text,
    unit_of,
    values_named,
)
from rulebook.documents import Document

NONE_STATED = "none"
_WORDS = {None: NONE_STATED, True: "yes", False: "no"}


@dataclass(frozen=True)
class ValueTable:
    """A list of parts that a clause names, a row each."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """Return the table in a line of text."""
        rows = (
            ", ".join(
                f"{title.lower()} {cell}" for title, cell in zip(self.columns, row, strict=True)
            )
            for row in self.rows
        )
        return f"({'; '.join(rows)})"


@dataclass(frozen=True)
class FilledText:
    """The text of a clause, filled in: pieces of text, and tables where lists are named."""

    parts: tuple[str | ValueTable, ...]

    def __str__(self) -> str:
        """Return the whole text, tables in a line."""
        return "".join(str(part) for part in self.parts)

    def pieces(self) -> Iterator[tuple[str, ValueTable | None]]:
        """Yield each piece as text and no table, or as a table and no text."""
        for part in self.parts:
            yield ("", part) if isinstance(part, ValueTable) else (part, None)


def fill_clause(document: Document, text: str, currency: str) -> FilledText:
    """Return the text of a clause of `document` with the values that it names.

    Raises:
        ValueError: a name leads nowhere; publication refuses such a clause.
    """
    parts: list[str | ValueTable] = []
    for piece, is_name in split_text(text):
        parts.extend(_filled(document, piece, currency) if is_name else [piece])
    return FilledText(tuple(_merged(parts)))


def written_value(value: Any, unit: str, currency: str) -> str:
    """Return one value of a document as people read it.

    >>> written_value(90_000_000, "micro per MWh", "GBP"), written_value(None, "days", "GBP")
    ('£90.00 per\\xa0MWh', 'none')
    """
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return with_unit(value, unit, currency)
    if isinstance(value, dt.date):
        return f"{value.day} {value:%B %Y}"
    if isinstance(value, tuple):
        return ", ".join(written_value(each, unit, currency) for each in value) or NONE_STATED
    if isinstance(value, BaseModel):
        return str(_table("", (value,), currency))
    return str(value)


def _filled(document: Document, name: str, currency: str) -> list[str | ValueTable]:
    found = values_named(document, name)
    if not found:
        raise ValueError(f"{document.instrument} holds nothing that a clause may name {name}")
    title = _title(name)
    written = [_written(each, title, currency) for each in found]
    if all(each == written[0] for each in written):  # one curve that serves all layers stands once
        return [written[0]]
    parts: list[str | ValueTable] = []
    for named, part in zip(found, written, strict=True):
        if parts:
            parts.append("; " if isinstance(part, ValueTable) else ", ")
        parts.extend([f"{named.entry}: " if named.entry else "", part])
    return parts


def _title(name: str) -> str:
    """Return what the table of a value is called, by the name in its clause: of which entry, too.

    So the tables of a clause that names each entry by itself have a title each.

    >>> _title("layers.curve"), _title("layers.system.sell_curve")
    ('curve', 'sell curve of system')
    """
    *entries, field = name.split(".")
    title = short_name(field).replace("_", " ")
    return f"{title} of {entries[-1]}" if len(entries) > 1 else title


def _written(named: NamedValue, title: str, currency: str) -> str | ValueTable:
    if isinstance(named.value, BaseModel):
        return _table(title, (named.value,), currency)
    if isinstance(named.value, tuple) and named.value and isinstance(named.value[0], BaseModel):
        return _table(title, named.value, currency)
    return written_value(named.value, named.unit, currency)


def _table(title: str, parts: Sequence[BaseModel], currency: str) -> ValueTable:
    fields = type(parts[0]).model_fields
    return ValueTable(
        title,
        tuple(field.title or name for name, field in fields.items()),
        tuple(
            tuple(
                written_value(getattr(part, name), unit_of(field), currency)
                for name, field in fields.items()
            )
            for part in parts
        ),
    )


def _merged(parts: Sequence[str | ValueTable]) -> Iterator[str | ValueTable]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text
