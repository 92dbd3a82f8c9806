"""What a draft changes, in words and in the units of people: a line for each change. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rulebook.clause_names import unit_of
from rulebook.clause_text import written_value
from rulebook.documents import KINDS
from rulebook.documents.paths import model_within
from rulebook.merging import ABSENT, Edit

_MEMBER = re.compile(r"\[([^\]]*)\]")
ARROW = "\N{RIGHTWARDS ARROW}"
NOTHING = "nothing"
DOCUMENT = "the document"


class How(StrEnum):
    """What became of a part, as a sentence goes on after its name."""

    CHANGED = "is changed"
    NEW = "is new"
    LEFT_OUT = "is left out"
    MOVED = "stand in another order"


class FieldChange(NamedTuple):
    """A change of one value, or of a part that came or went.

    Attributes:
        what: the title of the field, in small letters.
        members: the names of the parts that it stands in, outermost first.
        before, after: in the units of people; empty of what did not stand there, or was moved.
    """

    what: str
    members: tuple[str, ...]
    how: How
    before: str = ""
    after: str = ""

    @property
    def change(self) -> str:
        """What became of it."""
        return f"{self.before} {ARROW} {self.after}" if self.how is How.CHANGED else self.how

    @property
    def member(self) -> str:
        """The parts that it stands in, as a sentence names them; empty of the document's own."""
        return ", ".join(filter(None, self.members))


def edit_lines(edits: Mapping[str, Sequence[Edit]], currency: str) -> Iterator[str]:
    """Yield a line for every change of each document, in the order of documents and fields."""
    for instrument, of_document in edits.items():
        _, kind, *name = instrument.split("/")
        heading = f"{kind} {name[0]}" if name else kind
        yield from (f"{heading}, {line}" for line in change_lines(kind, of_document, currency))


def change_lines(kind: str, edits: Iterable[Edit], currency: str) -> Iterator[str]:
    """Yield a line for every change of a document of a kind, in the order of its fields.

    Members of a list that change in the same way, such as the layers that share a curve, stand in
    one line.
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for each in field_changes(kind, edits, (currency, currency)):
        alike.setdefault((each.what, each.change), []).append(each.member)
    for (what, change), members in alike.items():
        of_members = ", ".join(dict.fromkeys(filter(None, members)))
        yield f"{what}{f' of {of_members}' if of_members else ''}: {change}"


def field_changes(
    kind: str, edits: Iterable[Edit], currencies: tuple[str, str]
) -> Iterator[FieldChange]:
    """Yield every change of a document of a kind: a part of a list that is one value, by place.

    Args:
        currencies: of the amounts before, and of those after.
    """
    for edit in edits:
        yield from _changes(KINDS[kind], edit, currencies)


def _changes(
    model: type[BaseModel], edit: Edit, currencies: tuple[str, str]
) -> Iterator[FieldChange]:
    how = how_of(edit)
    if not edit.path:
        yield FieldChange(DOCUMENT, (), how)
        return
    members = tuple(_MEMBER.findall(edit.path))
    if how is How.MOVED:
        yield FieldChange(edit.path.removesuffix(" (order)"), members, how)
        return
    names = _MEMBER.sub("", edit.path).split(".")
    parent = model_within(model, names[:-1])
    if parent is None:
        raise ValueError(f"{edit.path} leads to no field of {model.__name__}")
    field, inner = parent.model_fields[names[-1]], model_within(model, names)
    title = (field.title or names[-1]).lower()
    if how is not How.CHANGED and edit.path.endswith("]"):
        before, after = (
            "" if value is ABSENT else _words(value, field, inner, currency)
            for value, currency in zip((edit.before, edit.after), currencies, strict=True)
        )
        yield FieldChange(title, members, how, before, after)
    elif inner is not None and _alike(edit.before, edit.after):
        yield from _members(title, members, inner, edit, currencies)
    else:
        before, after = (
            _words(value, field, inner, currency)
            for value, currency in zip((edit.before, edit.after), currencies, strict=True)
        )
        yield FieldChange(title, members, How.CHANGED, before, after)


def how_of(edit: Edit) -> How:
    """Return what an edit makes of what it is about."""
    if edit.path.endswith(" (order)"):
        return How.MOVED
    if edit.before is ABSENT:
        return How.NEW
    return How.LEFT_OUT if edit.after is ABSENT else How.CHANGED


def _alike(before: Any, after: Any) -> bool:
    """Return whether two lists have as many parts, so that each may be held to the other."""
    return isinstance(before, list) and isinstance(after, list) and len(before) == len(after)


def _members(
    title: str,
    members: tuple[str, ...],
    inner: type[BaseModel],
    edit: Edit,
    currencies: tuple[str, str],
) -> Iterator[FieldChange]:
    for number, (before, after) in enumerate(zip(edit.before, edit.after, strict=True), start=1):
        for name, field in inner.model_fields.items():
            was, is_now = before.get(name), after.get(name)
            if was != is_now:
                part = model_within(inner, [name])
                words = (
                    _words(each, field, part, currency)
                    for each, currency in zip((was, is_now), currencies, strict=True)
                )
                what = f"{title}, line {number}, {(field.title or name).lower()}"
                yield FieldChange(what, members, How.CHANGED, *words)


def _words(value: Any, field: FieldInfo, inner: type[BaseModel] | None, currency: str) -> str:
    if value is ABSENT:
        return NOTHING
    if isinstance(value, list):
        return "; ".join(_words(each, field, inner, currency) for each in value) or NOTHING
    if isinstance(value, dict) and inner is not None:
        return ", ".join(_parts(value, inner, currency))
    return written_value(value, unit_of(field), currency)


def _parts(value: Mapping[str, Any], inner: type[BaseModel], currency: str) -> Iterable[str]:
    for name, part in value.items():
        field = inner.model_fields[name]
        words = _words(part, field, model_within(inner, [name]), currency)
        yield f"{(field.title or name).lower()} {words}"
