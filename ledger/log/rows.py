"""The sealed rows of the log: its keys and its checkpoints, as their digests cover them."""

from datetime import datetime
from typing import NamedTuple

from ledger.chain import encode
from ledger.log.cosignature import COSIGNATURE, cosignature_line
from ledger.log.note import SignatureLine, VerifierKey
from ledger.tree import leaf_hash

KEY_TAG = "tallystick.log-key.1"
CHECKPOINT_TAG = "tallystick.checkpoint.1"
WITNESS_TAG = "tallystick.witness.1"

FIRST, ROTATION, LOSS = "first", "rotation", "loss"
"""Why a key came: it is the first, or took the place of one that was known or was lost."""

REGISTERED, WITHDRAWN = "registered", "withdrawn"
"""What a row says of a witness: that its co-signatures are kept, or are from then on no more."""


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


class WitnessRow(NamedTuple):
    """The sealed columns of `ledger.witness`."""

    number: int
    name: str
    public_key: bytes
    cause: str
    recorded_at: datetime

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode(WITNESS_TAG, self))

    @property
    def key(self) -> VerifierKey:
        """The key as others write it."""
        return VerifierKey(self.name, self.public_key, COSIGNATURE)


class CosignatureRow(NamedTuple):
    """A co-signature of the checkpoint of a size, with whose it is."""

    size: int
    key: VerifierKey
    signed_at: datetime
    signature: bytes

    @property
    def line(self) -> SignatureLine:
        """The co-signature as a line of the checkpoint's note."""
        return cosignature_line(self.key, int(self.signed_at.timestamp()), self.signature)
