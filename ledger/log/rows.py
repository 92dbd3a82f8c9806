"""The sealed rows of the log: its keys and its checkpoints, as their digests cover them."""

from datetime import datetime
from typing import NamedTuple

from ledger.chain import encode
from ledger.log.note import VerifierKey
from ledger.tree import leaf_hash

KEY_TAG = "tallystick.log-key.1"
CHECKPOINT_TAG = "tallystick.checkpoint.1"

FIRST, ROTATION, LOSS = "first", "rotation", "loss"
"""Why a key came: it is the first, or took the place of one that was known or was lost."""


class KeyRow(NamedTuple):
    """The sealed columns of `ledger.log_key`."""

    number: int
    name: str
    public_key: bytes
    valid_from: datetime
    cause: str

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode(KEY_TAG, self))

    @property
    def key(self) -> VerifierKey:
        """The key as others write it."""
        return VerifierKey(self.name, self.public_key)


class CheckpointRow(NamedTuple):
    """The sealed columns of `ledger.checkpoint`."""

    size: int
    root: bytes
    signed_at: datetime
    note: str

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode(CHECKPOINT_TAG, self))
