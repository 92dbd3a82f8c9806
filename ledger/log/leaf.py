"""The leaf that a fact becomes: which table it is of, its key there, and its own sealed digest.

The data of a leaf is written in the layout of `ledger.chain`, and its hash is that of RFC 6962:

    data = fields(T "tallystick.leaf.1", T source, T key, B digest)
    hash = SHA-256(0x00 || data)

    source   schema and table, such as `ledger.invoice`
    key      what names the fact there, such as `gb12-invoice-000042`
    digest   32 bytes, over everything that the fact states

The function `ledger.log_leaf_hash` in the database gives the same bytes.
"""

from typing import NamedTuple

from ledger.chain import encode
from ledger.tree import leaf_hash

LEAF_TAG = "tallystick.leaf.1"


class Leaf(NamedTuple):
    """A fact as the log holds it."""

    source: str
    key: str
    digest: bytes

    @property
    def hash(self) -> bytes:
        """The 32-byte hash that stands in the tree."""
        return leaf_hash(encode(LEAF_TAG, self))
