"""What a draft changes, in words and in the units of people: a line for each change. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

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


def edit_lines(edits: Mapping[str, Sequence[Edit]], currency: str) -> Iterator[str]:
    """Yield a line for every change of each document, in the order of documents and fields.

    Members of a list that change in the same way, such as the layers that share a curve, stand in
    one line.
    """
    for instrument, of_document in edits.items():
        _, kind, *name = instrument.split("/")
        heading = f"{kind} {name[0]}" if name else kind
        alike: dict[tuple[str, str], list[str]] = {}
        for edit in of_document:
            for what, change in _changes(KINDS[kind], edit, currency):
                member = ", ".join(_MEMBER.findall(edit.path))
                alike.setdefault((what, change), []).append(member)
        for (what, change), members in alike.items():
            of_members = ", ".join(dict.fromkeys(filter(None, members)))
            place = f"{heading}, {what}" + (f" of {of_members}" if of_members else "")
            yield f"{place}: {change}"


def _changes(model: type[BaseModel], edit: Edit, currency: str) -> Iterator[tuple[str, str]]:
    """Yield what an edit changes, and how: a part of a list that is one value, by its place."""
    if not edit.path:
        yield "the document", "is new" if edit.before is ABSENT else "is left out"
        return
    if edit.path.endswith(" (order)"):
        yield edit.path.removesuffix(" (order)"), "stand in another order"
        return
    names = _MEMBER.sub("", edit.path).split(".")
    parent = model_within(model, names[:-1])
    if parent is None:
        raise ValueError(f"{edit.path} leads to no field of {model.__name__}")
    field, inner = parent.model_fields[names[-1]], model_within(model, names)
    title = (field.title or names[-1]).lower()
    if edit.path.endswith("]") and ABSENT in (edit.before, edit.after):
        yield title, "is new" if edit.before is ABSENT else "is left out"
    elif inner is not None and _alike(edit.before, edit.after):
        yield from _members(title, inner, edit, currency)
    else:
        before, after = (_words(each, field, inner, currency) for each in (edit.before, edit.after))
        yield title, f"{before} {ARROW} {after}"


def _alike(before: Any, after: Any) -> bool:
    """Return whether two lists have as many parts, so that each may be held to the other."""
    return isinstance(before, list) and isinstance(after, list) and len(before) == len(after)


def _members(
    title: str, inner: type[BaseModel], edit: Edit, currency: str
) -> Iterator[tuple[str, str]]:
    for number, (before, after) in enumerate(zip(edit.before, edit.after, strict=True), start=1):
        for name, field in inner.model_fields.items():
            was, is_now = before.get(name), after.get(name)
            if was != is_now:
                part = model_within(inner, [name])
                words = (_words(each, field, part, currency) for each in (was, is_now))
                what = f"{title}, line {number}, {(field.title or name).lower()}"
                yield what, f" {ARROW} ".join(words)


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
