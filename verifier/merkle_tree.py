"""Merkle trees and their proofs, as RFC 6962 and RFC 9162 define them."""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256().digest()


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the leaf hash of RFC 6962."""
    return sha256(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the node hash of RFC 6962."""
    return sha256(b"\x01" + left + right)


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of RFC 6962 over leaf hashes, by its own definition.

    Worked with a stack of whole subtrees: two of one size become one of twice that size.
    """
    stack: list[tuple[int, bytes]] = []
    for leaf in hashes:
        size, digest = 1, leaf
        while stack and stack[-1][0] == size:
            size, digest = size * 2, node_hash(stack.pop()[1], digest)
        stack.append((size, digest))
    if not stack:
        return EMPTY_ROOT
    _, digest = stack.pop()
    while stack:
        digest = node_hash(stack.pop()[1], digest)
    return digest


def climb_right_edge(place: int, last: int) -> tuple[int, int]:
    """Climb past the levels at which the right edge of a tree has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def inclusion_root(index: int, size: int, hashed: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return the root to which a leaf hash and its proof lead (RFC 9162 section 2.1.3.2)."""
    place, last = index, size - 1
    if not 0 <= place <= last:
        return None
    for sibling in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            hashed = node_hash(sibling, hashed)
            place, last = climb_right_edge(place, last)
        else:
            hashed = node_hash(hashed, sibling)
        place, last = place >> 1, last >> 1
    return hashed if last == 0 else None


def consistency_roots(
    old_size: int, size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Return the old and the new root to which a proof leads (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= size:
        return None
    if old_size == size:
        return None if proof else (old_root, old_root)
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not hashes:
        return None
    old = new = hashes[0]
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    for hashed in hashes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(hashed, old), node_hash(hashed, new)
            place, last = climb_right_edge(place, last)
        else:
            new = node_hash(new, hashed)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None
