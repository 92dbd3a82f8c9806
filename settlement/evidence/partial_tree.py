"""Merkle trees as one participant may see them: their leaves, and roots over those of others."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ledger.tree import merkle_root


class Part(NamedTuple):
    """A leaf that is told, by its place; or the root over leaves that are not, without one.

    Attributes:
        depth: the number of nodes above it, as `verifier.partial_tree` reads it.
    """

    depth: int
    place: int | None
    digest: bytes


def partial_tree(digests: Sequence[bytes], own: Collection[int]) -> Iterator[Part]:
    """Yield what makes up a tree, as RFC 6962 splits it, from left to right.

    Roots are over as large a subtree as holds none of the own, so that as few as can be are over
    one value alone, which could be guessed. A tree without leaves has no part.

    Args:
        digests: of all leaves.
        own: the places of those that are told.

    >>> [(part.depth, part.place) for part in partial_tree([b""] * 6, {1})]
    [(3, None), (3, 1), (2, None), (1, None)]
    """
    if digests:
        yield from _parts(digests, sorted(own), 0, len(digests), 0)


def _parts(
    digests: Sequence[bytes], own: Sequence[int], first: int, end: int, depth: int
) -> Iterator[Part]:
    """Yield the parts of the subtree over the leaves from `first` to before `end`."""
    if bisect_left(own, first) == bisect_left(own, end):
        yield Part(depth, None, merkle_root(digests[first:end]))
    elif end - first == 1:
        yield Part(depth, first, digests[first])
    else:
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        yield from _parts(digests, own, first, middle, depth + 1)
        yield from _parts(digests, own, middle, end, depth + 1)
