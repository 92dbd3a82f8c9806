"""Every value of a document as a row of words: field, the parts that it stands in, and value.

Pure; made from the metadata of the models, so that a new field has its row.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rulebook.clause_names import entry_name, unit_of
from rulebook.clause_text import written_value
from rulebook.documents import Document

_HEAD = {"kind", "market", "title", "publication_date", "clauses"}
"""What is said of a document beside its values."""


class ValueRow(NamedTuple):
    """A value in the units of people; `of` names the parts that it stands in, outermost first."""

    field: str
    of: str
    value: str


def value_rows(document: Document, currency: str) -> Iterator[ValueRow]:
    """Yield every value of a document, in the order of its fields."""
    for name, field in type(document).model_fields.items():
        if name not in _HEAD:
            yield from _rows(getattr(document, name), name, field, (), (), currency)


def _rows(
    value: Any,
    name: str,
    field: FieldInfo,
    titles: tuple[str, ...],
    members: tuple[str, ...],
    currency: str,
) -> Iterator[ValueRow]:
    titles = (*titles, field.title or name)
    if isinstance(value, BaseModel):
        yield from _inside(value, titles, members, currency)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for number, part in enumerate(value, start=1):
            own = entry_name(part)
            yield from _inside(
                part, titles, (*members, own or f"line {number}"), currency, is_named=bool(own)
            )
    else:
        words = written_value(value, unit_of(field), currency)
        yield ValueRow(", ".join(titles), ", ".join(members), words)


def _inside(
    part: BaseModel,
    titles: tuple[str, ...],
    members: tuple[str, ...],
    currency: str,
    is_named: bool = False,
) -> Iterator[ValueRow]:
    fields = list(type(part).model_fields.items())
    # The first field of a part that has a name is that name, which stands beside every row.
    for name, field in fields[1:] if is_named and len(fields) > 1 else fields:
        yield from _rows(getattr(part, name), name, field, titles, members, currency)
