"""What a document kind is made of, for forms: parts, lists and fields, read from its JSON Schema.

Nothing is said here of any one field: a field that is added to a model tomorrow has its form.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from rulebook.documents import KINDS
from rulebook.json_schema import schema_of

Path = tuple[str | int, ...]
"""Names of fields and positions in lists, from the document down."""

MOST_COLUMNS = 5
"""Fields of a part that stands in a row of a table; a wider part has a page of its own."""

LONG_TEXTS = frozenset({"text", "note"})
"""Names of fields that hold sentences, for which a line is too short."""

NAMED_BY: Mapping[str, str] = {"registration": "participant", "charge-list": "owner"}
"""By kind, the field that its instrument is named by: another name is another document."""


@dataclass(frozen=True)
class Leaf:
    """A field that holds one plain value.

    Attributes:
        widget: `text`, `words` (long text), `number`, `day`, `flag` or `choice`.
        unit: of a number; empty where it has none.
        is_optional: whether the document may leave it without a value.
        default: what the model takes where the field is absent; None where it takes nothing.
    """

    name: str
    title: str
    help: str
    widget: str
    unit: str = ""
    is_optional: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None


@dataclass(frozen=True)
class Part:
    """A field that holds fields."""

    name: str
    title: str
    help: str
    is_optional: bool
    fields: tuple["Spec", ...]

    def field(self, name: str) -> "Spec | None":
        """Return the field of a name, or None."""
        return next((each for each in self.fields if each.name == name), None)

    @property
    def is_flat(self) -> bool:
        """Whether the part fits a row of a table."""
        return len(self.fields) <= MOST_COLUMNS and all(isinstance(f, Leaf) for f in self.fields)


@dataclass(frozen=True)
class Rows:
    """A field that holds a list of parts."""

    name: str
    title: str
    help: str
    most: int | None
    row: Part


@dataclass(frozen=True)
class Values:
    """A field that holds a list of plain values."""

    name: str
    title: str
    help: str
    most: int | None
    value: Leaf


Spec = Leaf | Part | Rows | Values


def is_name(kind: str, name: str) -> bool:
    """Return whether documents of a kind may be named so; of kinds that are named by a field."""
    schema = schema_of(kind)["properties"][NAMED_BY[kind]]
    return len(name) <= schema["maxLength"] and bool(re.fullmatch(schema["pattern"], name))


def fixed_fields(kind: str) -> frozenset[str]:
    """Return the fields by which a document is the one that it is; no form changes them."""
    return frozenset({"kind", "market", *filter(None, (NAMED_BY.get(kind),))})


@cache
def spec_of(kind: str) -> Part:
    """Return the parts and fields of a document kind, but for what makes it that document."""
    schema = schema_of(kind)
    title = kind.replace("-", " ").capitalize()
    return _part("", title, "", False, schema, schema["$defs"], fixed_fields(kind))


def spec_at(kind: str, path: Path) -> Spec | None:
    """Return the field that a path leads to, or None; a position leads to the row of a list."""
    found: Spec | None = spec_of(kind)
    for step in path:
        if isinstance(found, Part) and isinstance(step, str):
            found = found.field(step)
        elif isinstance(found, Rows) and isinstance(step, int):
            found = found.row
        elif isinstance(found, Values) and isinstance(step, int):
            found = found.value
        else:
            return None
    return found


def every_leaf(spec: Spec, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    """Yield the names that lead to every plain field under one, and the field."""
    if isinstance(spec, Leaf):
        yield path, spec
    elif isinstance(spec, Values):
        yield path, spec.value
    else:
        for each in spec.fields if isinstance(spec, Part) else spec.row.fields:
            yield from every_leaf(each, (*path, each.name))


def blank_part(part: Part) -> dict[str, Any]:
    """Return a part in which nothing is filled in but what the model takes for granted.

    A field that must be filled in is absent, so that publication would miss it.
    """
    values: dict[str, Any] = {}
    for field in part.fields:
        if isinstance(field, Rows | Values):
            values[field.name] = []
        elif isinstance(field, Part):
            values[field.name] = None if field.is_optional else blank_part(field)
        elif field.is_optional or field.default is not None:
            values[field.name] = field.default
    return values


def blank_document(kind: str, market: str, name: str) -> dict[str, Any]:
    """Return the body of a document that is begun from nothing.

    Args:
        name: of the participant or owner, for kinds that are named by one.
    """
    if kind not in KINDS:
        raise KeyError(kind)
    named = {NAMED_BY[kind]: name} if kind in NAMED_BY else {}
    return {"kind": kind, "market": market, **named, **blank_part(spec_of(kind))}


def _part(
    name: str,
    title: str,
    help_text: str,
    is_optional: bool,
    schema: Mapping[str, Any],
    defs: Mapping[str, Any],
    without: frozenset[str] = frozenset(),
) -> Part:
    fields = tuple(
        _spec(each, written, defs)
        for each, written in schema["properties"].items()
        if each not in without
    )
    return Part(name, title, help_text, is_optional, fields)


def _spec(name: str, written: Mapping[str, Any], defs: Mapping[str, Any]) -> Spec:
    schema, is_optional = _resolved(written, defs)
    title = schema.get("title", "")
    help_text = schema.get("description", "").replace("`", "")
    kind = schema["type"]
    if kind == "object":
        return _part(name, title, help_text, is_optional, schema, defs)
    if kind == "array":
        member = _spec(name, schema["items"], defs)
        most = schema.get("maxItems")
        if isinstance(member, Part):
            return Rows(name, title, help_text, most, member)
        if isinstance(member, Leaf):
            member = replace(member, title=title, help=help_text)
            return Values(name, title, help_text, most, member)
        raise TypeError(f"{name}: a list of lists has no form")
    return Leaf(
        name,
        title,
        help_text,
        _widget(name, schema),
        schema.get("unit", ""),
        is_optional,
        tuple(schema.get("enum", ())),
        schema.get("default"),
    )


def _resolved(written: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a schema with what it refers to, and whether it allows no value.

    Title and description are those of the field, never of the model that it refers to.
    """
    own = {key: value for key, value in written.items() if key not in ("$ref", "anyOf", "allOf")}
    is_optional = False
    options = list(written.get("anyOf", ())) + list(written.get("allOf", ()))
    if "$ref" in written:
        options.append({"$ref": written["$ref"]})
    for option in options:
        if option == {"type": "null"}:
            is_optional = True
        elif "$ref" in option:
            own = dict(defs[option["$ref"].rpartition("/")[2]]) | own
        else:
            own = dict(option) | own
    return own, is_optional


def _widget(name: str, schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "choice"
    if schema["type"] == "integer":
        return "number"
    if schema["type"] == "boolean":
        return "flag"
    if schema["type"] != "string":
        raise TypeError(f"{name}: {schema['type']} has no form")
    if schema.get("format") == "date":
        return "day"
    return "words" if name in LONG_TEXTS else "text"
