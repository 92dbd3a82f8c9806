"""A document of the law as a page: every field with title, description, unit, value and clauses.

Made from the metadata of the pydantic models alone, so that a new field needs no new page.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from common.currencies import NO_BREAK_SPACE
from common.quantities import scaled
from rulebook.clause_names import unit_of
from rulebook.clause_text import written_value
from rulebook.documents import Document

SHOWN_ELSEWHERE = {"kind", "market", "title", "publication_date", "clauses"}


@dataclass(frozen=True)
class Heading:
    """What the law says about a field, wherever its values stand."""

    path: str
    title: str
    description: str
    unit: str
    clauses: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A list of parts, a row each. A cell is text, or a table of the part's own list."""

    columns: tuple[Heading, ...]
    rows: tuple[tuple["str | Table", ...], ...]


@dataclass(frozen=True)
class Field:
    """A field and its value: text, a table, or the fields of the part that it holds."""

    heading: Heading
    value: str
    exact: str
    table: Table | None = None
    fields: tuple["Field", ...] = ()


def fields_of(
    document: Document, currency: str, withheld: Collection[str] = ()
) -> tuple[Field, ...]:
    """Return the fields of a document in its order, without those that every document has.

    Fields that are `withheld` from the reader are named, with how many entries they hold.
    """
    return tuple(
        _withheld_field(document, name)
        if name in withheld
        else _field(document, document, name, name, currency)
        for name in type(document).model_fields
        if name not in SHOWN_ELSEWHERE
    )


def _withheld_field(document: Document, name: str) -> Field:
    heading = _heading(document, type(document).model_fields[name], name)
    count = len(getattr(document, name))
    words = f"{count:,} entries, open to whom they concern, the operator, auditors and regulators"
    return Field(heading, words, "")


def _field(document: Document, part: BaseModel, name: str, path: str, currency: str) -> Field:
    heading = _heading(document, type(part).model_fields[name], path)
    value = getattr(part, name)
    if isinstance(value, BaseModel):
        inner = tuple(
            _field(document, value, inner_name, f"{path}.{inner_name}", currency)
            for inner_name in type(value).model_fields
        )
        return Field(heading, "", "", fields=inner)
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return Field(heading, "", "", table=_table(document, value, path, currency))
    text = written_value(value, heading.unit, currency)
    return Field(heading, text, _exact_text(value, heading.unit, text))


def _table(document: Document, parts: Sequence[BaseModel], path: str, currency: str) -> Table:
    names = list(type(parts[0]).model_fields)
    columns = tuple(
        _heading(document, type(parts[0]).model_fields[name], f"{path}.{name}") for name in names
    )
    rows = tuple(
        tuple(
            _cell(document, getattr(part, name), column, currency)
            for name, column in zip(names, columns, strict=True)
        )
        for part in parts
    )
    return Table(columns, rows)


def _cell(document: Document, value: Any, column: Heading, currency: str) -> "str | Table":
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return _table(document, value, column.path, currency)
    return written_value(value, column.unit, currency)


def _heading(document: Document, field: FieldInfo, path: str) -> Heading:
    return Heading(
        path=path,
        title=field.title or path,
        description=(field.description or "").replace("`", ""),
        unit=unit_of(field),
        clauses=document.clauses_governing(path),
    )


def _exact_text(value: Any, unit: str, shown: str) -> str:
    """Return the integer as the document holds it, where people are shown another unit."""
    if not unit or isinstance(value, bool) or not isinstance(value, int):
        return ""
    exact = f"{scaled(value, 0)}{NO_BREAK_SPACE}{unit}"
    return "" if exact == shown else exact
