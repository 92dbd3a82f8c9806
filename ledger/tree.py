"""The Merkle tree of RFC 6962 section 2.1 over SHA-256.

    MTH({})      = SHA-256()
    leaf hash    = SHA-256(0x00 || data)
    node hash    = SHA-256(0x01 || left || right)
    MTH(D[n])    = node hash of MTH(D[0:k]) and MTH(D[k:n]), k = largest power of two below n

The separate prefixes keep a leaf from being passed off as a node. Every digest of a row in the
ledger is a leaf hash, so that a row can be proven to anyone who knows a root above it.
"""

from collections.abc import Sequence
from hashlib import sha256

DIGEST_BYTES = 32
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
EMPTY_ROOT = sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the 32-byte hash of a leaf that holds `data`."""
    return sha256(LEAF_PREFIX + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of the node above two hashes."""
    return sha256(NODE_PREFIX + left + right).digest()


def merkle_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over `leaf_hashes`, in their order.

    The tree is built level by level; a hash without a right neighbour moves up unchanged. This
    is the split of RFC 6962 at the largest power of two, without the recursion.

    >>> merkle_root([]).hex()[:16]
    'e3b0c44298fc1c14'
    """
    if not leaf_hashes:
        return EMPTY_ROOT
    level = list(leaf_hashes)
    while len(level) > 1:
        halves = iter(level)
        paired = [
            sha256(NODE_PREFIX + left + right).digest()  # as `node_hash`, a million times a year
            for left, right in zip(halves, halves, strict=False)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]
