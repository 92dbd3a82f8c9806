"""Proofs of RFC 6962 section 2.1 and RFC 9162 sections 2.1.3 and 2.1.4: made and checked.

    inclusion     the leaf stands at this index of the tree with this size and root
    consistency   the tree with the old size and root is the beginning of the larger one

A proof is made of hashes of ranges of leaves. A range is complete subtrees side by side, each a
`Node`; all ranges of a proof but the one at the right edge are a single one.

Nothing here raises on what others wrote: a proof that is malformed does not hold.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.tree import DIGEST_BYTES, EMPTY_ROOT, node_hash

MAX_PROOF_HASHES = 128
"""More than any tree of fewer than 2^64 leaves needs: twice its height."""


@dataclass(frozen=True, slots=True)
class Node:
    """The complete subtree of the 2^level leaves from index << level on."""

    level: int
    index: int


Range = tuple[Node, ...]
"""Complete subtrees side by side, from left to right, each larger than the next."""


class Step(NamedTuple):
    """A step of an inclusion proof: the sibling, its side, and the hash above both."""

    sibling: bytes
    is_left: bool
    result: bytes


def range_of(start: int, end: int) -> Range:
    """Return the complete subtrees that make up the leaves from `start` to before `end`.

    `start` is a multiple of the largest power of two that fits, as in every split of a tree.

    >>> range_of(0, 6)
    (Node(level=2, index=0), Node(level=1, index=2))
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return tuple(nodes)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the ranges whose hashes prove leaf `index` in a tree of `size`, from the leaf up.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    ranges = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append(range_of(middle, end))
            end = middle
        else:
            ranges.append(range_of(start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, size: int) -> list[Range]:
    """Return the ranges whose hashes prove a tree of `old_size` the beginning of one of `size`.

    Raises:
        ValueError: the old tree is empty, or larger than the other.
    """
    if not 0 < old_size <= size:
        raise ValueError(f"no tree of {old_size} begins one of {size}")
    ranges = []
    start, end, is_old_root = 0, size, True
    while old_size < end:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append(range_of(middle, end))
            end = middle
        else:
            ranges.append(range_of(start, middle))
            start, is_old_root = middle, False
    if not is_old_root:
        ranges.append(range_of(start, end))
    return ranges[::-1]


def range_hash(nodes: Range, hash_of: Callable[[Node], bytes]) -> bytes:
    """Return the root over the leaves of a range; of the whole tree, its root."""
    return join_hashes([hash_of(node) for node in nodes])


def join_hashes(roots: Sequence[bytes]) -> bytes:
    """Return the hash above complete subtrees side by side, given their roots."""
    if not roots:
        return EMPTY_ROOT
    *others, last = roots
    for other in reversed(others):
        last = node_hash(other, last)
    return last


def inclusion_steps(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes]
) -> list[Step] | None:
    """Return the way from a leaf to the root, or None when the proof does not lead there.

    RFC 9162 section 2.1.3.2. The result of the last step is the root; without steps the leaf is.
    """
    if not 0 <= index < size or not _is_well_formed((leaf, *proof)):
        return None
    steps = []
    place, last = index, size - 1
    for sibling in proof:
        if last == 0:
            return None
        is_left = bool(place & 1) or place == last
        leaf = node_hash(sibling, leaf) if is_left else node_hash(leaf, sibling)
        steps.append(Step(sibling, is_left, leaf))
        place, last = _climb(place, last) if is_left else (place, last)
        place, last = place >> 1, last >> 1
    return steps if last == 0 else None


def inclusion_holds(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Return whether the proof shows that a leaf hash stands at `index` of the tree."""
    steps = inclusion_steps(index, size, leaf, proof)
    return steps is not None and (steps[-1].result if steps else leaf) == root


def consistency_holds(
    old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether the proof shows that the old tree is the beginning of the other.

    RFC 9162 section 2.1.4.2. Nothing can be proven of an empty tree, so it never holds for one.
    """
    if not 0 < old_size <= size or not _is_well_formed(proof):
        return False
    if old_size == size:
        return not proof and old_root == root
    if not proof:
        return False
    is_complete = old_size & (old_size - 1) == 0
    first, *others = (old_root, *proof) if is_complete else proof
    old, new = first, first
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    for hashed in others:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(hashed, old), node_hash(hashed, new)
            place, last = _climb(place, last)
        else:
            new = node_hash(new, hashed)
        place, last = place >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, root)


def proof_hashes(ranges: Sequence[Range], hash_of: Callable[[Node], bytes]) -> list[bytes]:
    """Return the hashes of a proof."""
    return [range_hash(nodes, hash_of) for nodes in ranges]


def nodes_of(ranges: Sequence[Range]) -> Iterator[Node]:
    """Yield every subtree that a proof needs."""
    for nodes in ranges:
        yield from nodes


def _climb(place: int, last: int) -> tuple[int, int]:
    """Climb past the levels at which the right edge has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _is_well_formed(hashes: Sequence[bytes]) -> bool:
    return len(hashes) <= MAX_PROOF_HASHES and all(len(digest) == DIGEST_BYTES for digest in hashes)


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
