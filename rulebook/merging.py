"""What one text of a document changes of another, laid over a third: pure, over plain bodies.

A draft is drawn from the law of one day and tried on days of other law. So it is not put in the
place of that law: what it changes of the text that it was drawn from is changed there, and where
both changed the same place to different values, that is a conflict, and named. Members of a list
that have a name of their own are told apart by it; any other list is one value.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from common.refusals import shown

NAME_OF_MEMBER: Mapping[str, str] = MappingProxyType(
    {
        "charging": "product",
        "clauses": "anchor",
        "fees": "code",
        "holons": "holon",
        "layers": "layer",
        "levels": "level",
        "lines": "line",
        "losses": "area",
        "nodes": "node",
        "pots": "pot",
        "products": "product",
        "settlement_calendar": "run",
        "sub_meters": "sub_meter",
        "subscriptions": "code",
        "supply_points": "supply_point",
        "tariffs": "code",
        "units": "unit",
    }
)
"""By the name of a list of parts, the field that names each part of it."""


class _Absent:
    """Stands for a value that a text does not have."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


def value_shown(value: Any) -> str:
    """Return a value that a text has, or has not, as findings show it."""
    return "nothing" if value is ABSENT else shown(value)


@dataclass(frozen=True)
class Edit:
    """One place at which a text differs from another; a value may be `ABSENT`.

    Attributes:
        path: names from the document down, members of lists by name: `layers[zone].in_use`.
    """

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Conflict:
    """One place that the draft and the law changed both, to different values."""

    path: str
    base: Any
    draft: Any
    law: Any


def edits_between(before: Any, after: Any, path: str = "") -> Iterator[Edit]:
    """Yield every smallest place at which two bodies differ, fields in the order of their names."""
    if _same(before, after):
        return
    parts = _parts_of(path, before, after)
    if parts is None:
        yield Edit(path, before, after)
        return
    for name in _names(parts, is_list=isinstance(before, list)):
        yield from edits_between(
            parts[0].get(name, ABSENT), parts[1].get(name, ABSENT), _joined(path, before, name)
        )
    if isinstance(before, list) and _is_reordered(*parts):
        yield Edit(f"{path} (order)", list(parts[0]), list(parts[1]))


def merge(base: Any, draft: Any, law: Any, path: str = "") -> tuple[Any, list[Conflict]]:
    """Return the law with what the draft changes of its base, and every conflict.

    Args:
        base: the body that the draft was drawn from.
        draft: as somebody would have it.
        law: the body of another day.

    Returns:
        The merged body, which holds the law's value at each conflict. Where both changed a list,
        what the draft adds to it stands last.

    Example: of a base {cap: 6, floor: 0}, a draft {cap: 3, floor: 0} and a law {cap: 6, floor: 1},
    the merged body is {cap: 3, floor: 1}; of a law {cap: 5, floor: 0} the cap is a conflict.
    """
    if _same(base, law) or _same(draft, law):
        return draft, []
    if _same(base, draft):
        return law, []
    parts = _parts_of(path, base, draft, law)
    if parts is None or (
        isinstance(law, list) and any(_is_reordered(parts[0], other) for other in parts[1:])
    ):
        return law, [Conflict(path, base, draft, law)]
    of_base, of_draft, of_law = parts
    merged: dict[str, Any] = {}
    conflicts: list[Conflict] = []
    for name in _names((of_law, of_draft, of_base), is_list=isinstance(law, list)):
        value, found = merge(
            of_base.get(name, ABSENT),
            of_draft.get(name, ABSENT),
            of_law.get(name, ABSENT),
            _joined(path, law, name),
        )
        conflicts += found
        if value is not ABSENT:
            merged[name] = value
    return (list(merged.values()) if isinstance(law, list) else merged), conflicts


def _same(one: Any, other: Any) -> bool:
    # Bodies are JSON, where 1 and true are two values; Python holds them equal.
    if one is ABSENT or other is ABSENT:
        return one is other
    if one != other:  # at once: what Python holds different is no one writing of JSON
        return False
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _parts_of(path: str, *bodies: Any) -> list[dict[str, Any]] | None:
    """Return the parts of each body by name, or None where one has no such parts."""
    if all(isinstance(body, dict) for body in bodies):
        return list(bodies)
    named_by = NAME_OF_MEMBER.get(path.rpartition(".")[2])
    if named_by is None or not all(isinstance(body, list) for body in bodies):
        return None
    found = [_by_name(body, named_by) for body in bodies]
    parts = [each for each in found if each is not None]
    return parts if len(parts) == len(bodies) else None


def _by_name(members: Sequence[Any], named_by: str) -> dict[str, Any] | None:
    """Return the members of a list by name; None where one has none, or two have the same."""
    if not all(isinstance(member, dict) and named_by in member for member in members):
        return None
    parts = {str(member[named_by]): member for member in members}
    return parts if len(parts) == len(members) else None


def _names(parts: Sequence[Mapping[str, Any]], *, is_list: bool) -> list[str]:
    """Return every name of some bodies: of a list in the order of the first, then what others add.

    Fields are sorted, as a database has an order of its own for them.
    """
    names = list(dict.fromkeys(name for body in parts for name in body))
    return names if is_list else sorted(names)


def _is_reordered(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    shared = [name for name in before if name in after]
    return shared != [name for name in after if name in before]


def _joined(path: str, body: Any, name: str) -> str:
    if isinstance(body, list):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name
