"""What was typed into a page of a form, laid over the document; and what two editors typed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.editing.bodies import (
    NOTHING,
    path_of,
    path_text,
    value_at,
    with_row,
    with_row_moved,
    with_value,
    without_row,
)
from portal.editing.fields import Leaf, Part, Path, Rows, Values, blank_part, spec_at
from portal.editing.items import Control, Sheet, has_room
from portal.editing.measures import measure_of
from portal.editing.sheets import text_of, value_of

_BREAKS = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Difference:
    """A field that somebody else changed while it was on this page.

    Attributes:
        place: where it stands, in titles: `Curve, 3, Price`.
        yours: what was typed on this page.
        stored: what stands there now.
        can_be_taken: whether the field is still there.
    """

    name: str
    place: str
    yours: str
    stored: str
    can_be_taken: bool


def typed_text(sent: str) -> str:
    """Return what was typed as a text of a document: one line, without blanks at its ends.

    Breaks that a wide field sends are blanks: no document holds one.
    """
    return _BREAKS.sub(" ", sent).strip()


def with_typed(body: Any, sheet: Sheet, sent: Mapping[str, str]) -> Any:
    """Return a body with what was typed on a page.

    A field that the form did not send, or that stands as it was shown, stays to the letter. What
    is no value of its field stays as the text that it is, for publication to refuse there.
    """
    for control in sheet.controls():
        if control.name in sent:
            text = typed_text(sent[control.name])
            if text != typed_text(control.text):
                body = _with_text(body, control, text)
    return body


def _with_text(body: Any, control: Control, text: str) -> Any:
    if text or isinstance(control.path[-1], int):
        return with_value(body, control.path, value_of(control.leaf, text, control.measure))
    # A model would fill in what is absent from its default: whoever empties a field is told that
    # it is needed, and is not given another value unasked.
    is_stated = control.leaf.is_optional or control.leaf.default is not None
    return with_value(body, control.path, None if is_stated else NOTHING)


def do(kind: str, body: Any, action: str) -> tuple[Any, Path]:
    """Return a body after a button of a form, and the path to what the button changed.

    Args:
        action: a word and a path: `add`, `remove`, `up`, `down` of rows; `state`, `leave-out` of
            optional parts.

    Raises:
        LookupError: there is no such button.
    """
    word, _, name = action.partition(" ")
    path = path_of(name)
    spec, holder = spec_at(kind, path), value_at(body, path)
    is_there = bool(path) and isinstance(value_at(body, path[:-1]), dict)
    if word == "add" and isinstance(spec, Rows | Values) and is_there:
        count = len(holder) if isinstance(holder, list) else 0
        if not has_room(spec, count):
            raise LookupError(f"{name} has no room")
        row: Any = blank_part(spec.row) if isinstance(spec, Rows) else ""
        return with_row(body, path, row), (*path, count)
    if holder is not NOTHING and path and isinstance(path[-1], int):
        if word == "remove":
            return without_row(body, path), path[:-1]
        if word in ("up", "down"):
            by = -1 if word == "up" else 1
            return with_row_moved(body, path, by), path[:-1]
    if isinstance(spec, Part) and spec.is_optional:
        if word == "state" and not isinstance(holder, dict):
            return with_value(body, path, blank_part(spec)), path
        if word == "leave-out" and isinstance(holder, dict):
            return with_value(body, path, None), path[:-1]
    raise LookupError(f"no button does {action!r}")


def differences(kind: str, body: Any, sent: Mapping[str, str], code: str) -> Iterator[Difference]:
    """Yield each field of which a page that is out of date says something else than the body."""
    for name, text in sent.items():
        path = path_of(name)
        leaf = spec_at(kind, path)
        if not isinstance(leaf, Leaf):
            continue
        holder = value_at(body, path[:-1])
        can_be_taken = (
            isinstance(holder, list) and value_at(body, path) is not NOTHING
            if isinstance(path[-1], int)
            else isinstance(holder, dict)
        )
        held = value_at(body, path)
        stored = text_of(leaf, held, measure_of(leaf.unit, code, leaf.name))
        if typed_text(text) != stored:
            place = place_words(kind, path)
            yield Difference(name, place, typed_text(text), stored, can_be_taken)


def with_taken(kind: str, body: Any, taken: Mapping[str, str], code: str) -> Any:
    """Return a body with fields of a page that was out of date, of those that are still there.

    Args:
        taken: what was typed on it, by name of the field.
    """
    for each in differences(kind, body, taken, code):
        if each.can_be_taken:
            path = path_of(each.name)
            leaf = spec_at(kind, path)
            if isinstance(leaf, Leaf):
                measure = measure_of(leaf.unit, code, leaf.name)
                body = _with_text(body, Control(each.name, path, leaf, measure, ""), each.yours)
    return body


def place_words(kind: str, path: Path) -> str:
    """Return where a field stands, in titles.

    >>> place_words("market-rules", ("layers", 0, "curve", 2, "tightness_ppm"))
    'Layers, 1, Curve, 3, Tightness'
    """
    words = []
    for length in range(1, len(path) + 1):
        step, spec = path[length - 1], spec_at(kind, path[:length])
        words.append(str(step + 1) if isinstance(step, int) else getattr(spec, "title", step))
    return ", ".join(words) or path_text(path)
