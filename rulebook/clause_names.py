"""Names of fields in the text of a clause: `{price_cap}` stands for what the document holds there.

A name is a path of the document with dots between its steps. A step is a field, its unit left out
or not (`price_cap` for `price_cap_micro_per_mwh`), or an entry of a list by its own name, which is
the first field of the entry (`layers.node.curve`). Without an entry, a name stands for all of them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rulebook.documents import Document

_BRACED = re.compile(r"\{([^{}]*)\}")
_UNITS = (
    "ppm",
    "w",
    "wh",
    "kv",
    "m",
    "w_per_h",
    "micro",
    "micro_per_mwh",
    "micro_per_mw_h",
    "micro_per_kwh",
    "micro_per_month",
    "micro_per_piece",
    "g_per_kwh",
    "seconds",
    "minutes",
    "hours",
    "days",
    "years",
    "count",
)
"""How names of fields end that state their unit."""


@dataclass(frozen=True)
class NamedValue:
    """What a document holds under a name.

    Attributes:
        path: dotted names of fields, list positions and entries left out.
        entry: names of the entries of lists that lead to it, such as `node`; empty for none.
        name: how a clause best names it; where an entry has no name, that of the whole list.
        value: as the model holds it; a list of parts is one value.
        unit: of a number; empty where it has none.
    """

    path: str
    entry: str
    name: str
    value: Any
    unit: str
    _is_below_a_list: bool = False


def split_text(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a clause's text in order, and whether each is a name in braces.

    >>> list(split_text("The cap is {price_cap}."))
    [('The cap is ', False), ('price_cap', True), ('.', False)]
    """
    for position, piece in enumerate(_BRACED.split(text)):
        if piece or position % 2:
            yield piece, position % 2 == 1


def values_named(document: Document, name: str) -> tuple[NamedValue, ...]:
    """Return what `name` stands for in a document, one value an entry of the lists on the way.

    Empty where the name leads nowhere, or to what not every reader of the clause may see.
    """
    start = NamedValue("", "", "", document, "")
    found = tuple(_followed(start, tuple(name.split("."))))
    closed = {"clauses", *document.withheld_fields}
    return () if any(each.path.split(".")[0] in closed for each in found) else found


def values_governed(document: Document, path: str) -> tuple[NamedValue, ...]:
    """Return every plain value that lies under a field, through lists and parts."""
    start = NamedValue("", "", "", document, "")
    return tuple(
        plain
        for found in _followed(start, tuple(path.split(".")))
        for plain in _plain_values(found)
    )


def short_name(path: str) -> str:
    """Return how a clause best writes the path of a field: its unit left out.

    >>> short_name("price_cap_micro_per_mwh"), short_name("layers.curve")
    ('price_cap', 'layers.curve')
    """
    for unit in sorted(_UNITS, key=len, reverse=True):
        if path.endswith(f"_{unit}"):
            return path.removesuffix(f"_{unit}")
    return path


def unit_of(field: FieldInfo) -> str:
    """Return the unit that a field states, or nothing."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def entry_name(part: BaseModel) -> str:
    """Return the name of an entry of a list: its first field, if that is text."""
    value = getattr(part, next(iter(type(part).model_fields)))
    return value if isinstance(value, str) else ""


def _followed(at: NamedValue, steps: Sequence[str]) -> Iterator[NamedValue]:
    if not steps:
        yield at
    elif isinstance(at.value, BaseModel):
        field = _field_called(type(at.value), steps[0])
        if field is not None:
            yield from _followed(_inside(at, at.value, field), steps[1:])
    elif _is_list_of_parts(at.value):
        yield from _followed_in_list(at, steps)


def _followed_in_list(at: NamedValue, steps: Sequence[str]) -> Iterator[NamedValue]:
    entries = [_entry(at, part) for part in at.value]
    # Names of entries may hold dots themselves, so the longest that fits is tried first.
    for length in range(len(steps), 0, -1):
        wanted = ".".join(steps[:length])
        chosen = [each for each in entries if entry_name(each.value) == wanted]
        if len(chosen) == 1:
            yield from _followed(chosen[0], steps[length:])
            return
    for each in entries:
        yield from _followed(each, steps)


def _entry(at: NamedValue, part: BaseModel) -> NamedValue:
    name = entry_name(part)
    # Parts without a name, and those of one name, such as prices since a day, have no name alone.
    is_nameless = at._is_below_a_list or [entry_name(each) for each in at.value].count(name) > 1
    is_nameless = is_nameless or not name
    return NamedValue(
        at.path,
        " ".join(filter(None, (at.entry, name))),
        at.name if is_nameless else f"{at.name}.{name}",
        part,
        "",
        is_nameless,
    )


def _field_called(model: type[BaseModel], step: str) -> str | None:
    if step in model.model_fields:
        return step
    found = [
        field for field in model.model_fields if field in {f"{step}_{unit}" for unit in _UNITS}
    ]
    return found[0] if len(found) == 1 else None


def _inside(at: NamedValue, part: BaseModel, field: str) -> NamedValue:
    path, name = _dotted(at.path, field), _dotted(at.name, short_name(field))
    return NamedValue(
        path,
        at.entry,
        at.name if at._is_below_a_list else name,
        getattr(part, field),
        unit_of(type(part).model_fields[field]),
        at._is_below_a_list,
    )


def _dotted(before: str, step: str) -> str:
    return f"{before}.{step}" if before else step


def _plain_values(at: NamedValue) -> Iterator[NamedValue]:
    if isinstance(at.value, BaseModel):
        for field in type(at.value).model_fields:
            yield from _plain_values(_inside(at, at.value, field))
    elif _is_list_of_parts(at.value):
        for part in at.value:
            yield from _plain_values(_entry(at, part))
    else:
        yield at


def _is_list_of_parts(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], BaseModel)
