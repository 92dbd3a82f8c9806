"""Bodies of documents as plain values, changed at a path: what was there before stays as it was.

A body may be unfinished: what was typed and is no number stands in it as text, so that nothing is
lost, and publication would refuse it at that field.
"""

from typing import Any, Final

from portal.editing.fields import Path


class _Nothing:
    """Stands for a field that a body does not have."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = _Nothing()


def path_text(path: Path) -> str:
    """Return a path as addresses and names of controls write it.

    >>> path_text(("layers", 0, "curve"))
    'layers.0.curve'
    """
    return ".".join(map(str, path))


def path_of(text: str) -> Path:
    """Return the path that a text writes; `value_at` says whether it leads anywhere.

    >>> path_of("layers.0.curve"), path_of("")
    (('layers', 0, 'curve'), ())
    """
    if not text:
        return ()
    # Of digits that are no number of a list, such as a thousand of them, a name that none has.
    return tuple(
        int(step) if step.isascii() and step.isdecimal() and len(step) <= 7 else step
        for step in text.split(".")
    )


def value_at(body: Any, path: Path) -> Any:
    """Return what a body holds at a path; `NOTHING` where it leads nowhere."""
    found = body
    for step in path:
        has_field = isinstance(found, dict) and isinstance(step, str) and step in found
        has_row = isinstance(found, list) and isinstance(step, int) and step < len(found)
        if not (has_field or has_row):
            return NOTHING
        found = found[step]
    return found


def with_value(body: Any, path: Path, value: Any) -> Any:
    """Return a body with another value at a path; `NOTHING` takes a field away.

    Raises:
        LookupError: the path leads nowhere.
    """
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(body, list) and isinstance(step, int):
        return [*body[:step], with_value(body[step], rest, value), *body[step + 1 :]]
    if not isinstance(body, dict) or not isinstance(step, str) or (rest and step not in body):
        raise LookupError(f"{path_text(path)} leads nowhere")
    changed = dict(body)
    if not rest and value is NOTHING:
        changed.pop(step, None)
    else:
        changed[step] = with_value(body.get(step), rest, value)
    return changed


def with_row(body: Any, path: Path, row: Any) -> Any:
    """Return a body with one more row at the end of a list."""
    rows = value_at(body, path)
    return with_value(body, path, [*(rows if isinstance(rows, list) else []), row])


def without_row(body: Any, path: Path) -> Any:
    """Return a body without the row of a list that a path leads to."""
    rows, number = value_at(body, path[:-1]), path[-1]
    if not isinstance(rows, list) or not isinstance(number, int) or number >= len(rows):
        raise LookupError(f"{path_text(path)} is no row")
    return with_value(body, path[:-1], rows[:number] + rows[number + 1 :])


def with_row_moved(body: Any, path: Path, by: int) -> Any:
    """Return a body in which a row has changed places with its neighbour, `by` -1 or 1 away."""
    rows, number = value_at(body, path[:-1]), path[-1]
    if not isinstance(rows, list) or not isinstance(number, int):
        raise LookupError(f"{path_text(path)} is no row")
    other = number + by
    if not (0 <= number < len(rows) and 0 <= other < len(rows)):
        return body  # the first has none before it, and the last none after
    moved = list(rows)
    moved[number], moved[other] = rows[other], rows[number]
    return with_value(body, path[:-1], moved)
