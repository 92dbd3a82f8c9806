"""How a log differs from the leaves that someone kept: which were changed, gone, added, moved.

Leaves are told by their hashes, each of which stands once. Those that stand in both in one order
hold the two together; between two of them, what is kept and not found was changed into what is
found and was not kept, place by place, and what is left over is gone or was put in.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """What became of a leaf."""

    CHANGED = "changed"
    GONE = "gone"
    CUT_OFF = "cut off"
    INSERTED = "inserted"
    MOVED = "moved"


@dataclass(frozen=True)
class Difference:
    """A leaf that is not as it was kept: its index then and its index now, None where it was not.

    Of leaves side by side that are gone, `count` says how many there were from `kept_index` on.
    """

    change: Change
    kept_index: int | None
    index: int | None
    count: int = 1


def compare_leaves(kept: Sequence[bytes], found: Sequence[bytes]) -> list[Difference]:
    """Return how the leaves of a log differ from those that were kept, in the order of the log.

    What was appended after the last leaf that was kept is no difference.

    >>> a, b, c, x = (letter.encode() for letter in "abcx")
    >>> compare_leaves([a, b], [a, b, c])
    []
    >>> [(str(each.change), each.kept_index, each.index) for each in compare_leaves([a, b], [x, b])]
    [('changed', 0, 0)]
    """
    index_of = {hashed: index for index, hashed in enumerate(found)}
    anchors = _longest_rise(
        [(at, index_of[hashed]) for at, hashed in enumerate(kept) if hashed in index_of]
    )
    held = dict(anchors)
    kept_hashes = set(kept)
    moved = [
        Difference(Change.MOVED, at, index_of[hashed])
        for at, hashed in enumerate(kept)
        if hashed in index_of and at not in held
    ]
    differences = list(moved)
    last_at, last_index = -1, -1
    for at, index in [*anchors, (len(kept), len(found))]:
        gone = [each for each in range(last_at + 1, at) if kept[each] not in index_of]
        new = [each for each in range(last_index + 1, index) if found[each] not in kept_hashes]
        differences += _differences_between(gone, new, is_end=at == len(kept))
        last_at, last_index = at, index
    return sorted(differences, key=_place)


def _differences_between(
    gone: Sequence[int], new: Sequence[int], *, is_end: bool
) -> Iterator[Difference]:
    """Pair what is gone between two leaves with what is new there, from the left."""
    paired = min(len(gone), len(new))
    for at, index in zip(gone, new, strict=False):
        yield Difference(Change.CHANGED, at, index)
    change = Change.CUT_OFF if is_end else Change.GONE
    for first, count in _side_by_side(gone[paired:]):
        yield Difference(change, first, None, count)
    # At the end they came after what was kept, as they should.
    if not is_end:
        yield from (Difference(Change.INSERTED, None, index) for index in new[paired:])


def _side_by_side(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the count of every run of consecutive numbers."""
    first = 0
    for place in range(1, len(indexes) + 1):
        if place == len(indexes) or indexes[place] != indexes[place - 1] + 1:
            yield indexes[first], place - first
            first = place


def _longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the most of the pairs, whose first numbers rise, of which the second rise too.

    By patience sorting, so that a log of a million leaves takes a million steps of a binary search.
    """
    ends: list[int] = []
    places: list[int] = []
    chain: dict[int, int | None] = {}
    for place, (_, index) in enumerate(pairs):
        height = bisect_left(ends, index)
        chain[place] = places[height - 1] if height else None
        if height == len(ends):
            ends.append(index)
            places.append(place)
        else:
            ends[height], places[height] = index, place
    rise: list[tuple[int, int]] = []
    at: int | None = places[-1] if places else None
    while at is not None:
        rise.append(pairs[at])
        at = chain[at]
    return rise[::-1]


def _place(difference: Difference) -> tuple[int, int]:
    kept_index = difference.kept_index
    first = kept_index if kept_index is not None else difference.index
    return (first if first is not None else 0, difference.index or 0)
