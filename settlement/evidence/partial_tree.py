"""Merkle trees as one participant may see them: their leaves, and roots over those of others."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ledger.tree import merkle_root


class Part(NamedTuple):
    """A leaf that is told, by its place; or the root over leaves that are not, without one."""

    leaves: int
    place: int | None
    digest: bytes


def partial_tree(digests: Sequence[bytes], own: Collection[int], start: int = 0) -> Iterator[Part]:
    """Yield what makes up a tree from its leaf `start` on, from left to right.

    Roots are over as many leaves as a whole subtree without one of the own holds, so that as few
    as can be are over one value alone, which could be guessed.

    Args:
        digests: of all leaves.
        own: the places of those that are told.
        start: the first that is not known otherwise.

    >>> [(part.leaves, part.place) for part in partial_tree([b""] * 6, {1})]
    [(1, None), (1, 1), (2, None), (2, None)]
    """
    place = start
    while place < len(digests):
        if place in own:
            yield Part(1, place, digests[place])
            place += 1
            continue
        count = 1
        while _is_free(place, 2 * count, len(digests), own):
            count *= 2
        yield Part(count, None, merkle_root(digests[place : place + count]))
        place += count


def _is_free(place: int, count: int, size: int, own: Collection[int]) -> bool:
    """Return whether a whole subtree of so many leaves begins at a place, none of them own."""
    is_whole = place % count == 0 and place + count <= size
    return is_whole and not any(leaf in own for leaf in range(place, place + count))
