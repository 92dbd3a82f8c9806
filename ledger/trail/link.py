"""The explicit bytes of the trail, in the layout of `ledger.chain`; the database gives the same.

    row digest   tallystick.trail-row.1, source, key, then name and value of every column
    link         tallystick.trail-link.1, the columns of `LinkRow`
    head         tallystick.trail-head.1, the columns of `HeadRow`

A true or false is sealed as 1 or 0, JSON as the text that PostgreSQL writes of it. The digest of
each is the leaf hash of its bytes. A link names the digest of the link before it, so its digest
covers every link so far, and a head that a checkpoint covers covers them all.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ledger.chain import encode
from ledger.tree import leaf_hash

ROW_TAG = "tallystick.trail-row.1"
LINK_TAG = "tallystick.trail-link.1"
HEAD_TAG = "tallystick.trail-head.1"
HEADS = "ledger.trail_head"
"""The table of heads, each a leaf of the log."""

STORED, REMOVED = "stored", "removed"


class LinkRow(NamedTuple):
    """The sealed columns of `ledger.trail_link`: a row as it was stored, or as it was removed."""

    number: int
    source: str
    key: str
    change: str
    row_digest: bytes
    previous_digest: bytes

    @property
    def digest(self) -> bytes:
        """The digest over every column, and by the last over every link before it."""
        return leaf_hash(encode(LINK_TAG, self))


class HeadRow(NamedTuple):
    """The sealed columns of `ledger.trail_head`: the last link when a checkpoint was made."""

    number: int
    link_digest: bytes

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode(HEAD_TAG, self))


def row_digest(source: str, key: str, columns: Iterable[tuple[str, object]]) -> bytes:
    """Return the digest of a row of another table, given as names and values of its columns."""
    fields = (
        field
        for name, value in columns
        for field in (name, int(value) if isinstance(value, bool) else value)
    )
    return leaf_hash(encode(ROW_TAG, (source, key, *fields)))
