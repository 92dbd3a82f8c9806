"""Merkle trees, as RFC 6962 defines them."""

import hashlib
from collections.abc import Collection, Iterable, Sequence

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


def push_leaf(stack: list[tuple[int, bytes]], leaf: bytes) -> None:
    """Add a leaf hash to a stack of whole subtrees: two of one size become one of twice that."""
    size, digest = 1, leaf
    while stack and stack[-1][0] == size:
        size, digest = size * 2, node_hash(stack.pop()[1], digest)
    stack.append((size, digest))


def join_subtrees(stack: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the root above the whole subtrees of a stack."""
    if not stack:
        return EMPTY_ROOT
    *others, (_, digest) = stack
    for _, other in reversed(others):
        digest = node_hash(other, digest)
    return digest


def merkle_root(hashes: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash of RFC 6962 over leaf hashes, by its own definition."""
    stack: list[tuple[int, bytes]] = []
    for leaf in hashes:
        push_leaf(stack, leaf)
    return join_subtrees(stack)


def roots_at(hashes: Sequence[bytes], sizes: Collection[int]) -> dict[int, bytes]:
    """Return the root of the first so many leaves, for each size; of a size beyond them, none."""
    stack: list[tuple[int, bytes]] = []
    roots: dict[int, bytes] = {}
    for size, leaf in enumerate(hashes, start=1):
        push_leaf(stack, leaf)
        if size in sizes:
            roots[size] = join_subtrees(stack)
    return roots
