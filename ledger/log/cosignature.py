"""Co-signatures of witnesses: C2SP tlog-cosignature, version 1, by Ed25519.

A witness saw the log grow: at the moment that it states, the largest tree that it had seen of this
log, consistent with all before, had this size and root. It signs the lines of the checkpoint under
two of its own:

    cosignature/v1
    time 1679315147                                       seconds since 1970, UTC
    tallystick.localhost/log                              the three lines of the checkpoint
    20852
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

The signature line is one of a note, and stands in the note beside that of the log:

    key ID       = SHA-256(name || 0x0A || 0x04 || 32 bytes of the public key)[:4]
    base64 of    key ID || 8 bytes of the time, big-endian || 64 bytes of Ed25519 signature
"""

import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.log.note import Checkpoint, SignatureLine, VerifierKey

COSIGNATURE = b"\x04"
"""The type of a key that co-signs, by which it is told from a log's."""

HEADING = "cosignature/v1"
SIGNATURE_BYTES = 64
MOMENT = struct.Struct(">Q")
MOST_SECONDS = 2**63 - 1


class Witness(NamedTuple):
    """A private key under the name of its witness."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def key(self) -> VerifierKey:
        """The public key that verifies what this co-signs."""
        public_key = self.private_key.public_key().public_bytes_raw()
        return VerifierKey(self.name, public_key, COSIGNATURE)

    def cosign(self, checkpoint: Checkpoint, at_seconds: int) -> SignatureLine:
        """Return the line that co-signs a checkpoint at a moment, in seconds since 1970."""
        signature = self.private_key.sign(cosigned_bytes(checkpoint, at_seconds))
        return cosignature_line(self.key, at_seconds, signature)


def cosigned_bytes(checkpoint: Checkpoint, at_seconds: int) -> bytes:
    """Return what a witness signs."""
    return f"{HEADING}\ntime {at_seconds}\n{checkpoint.body}".encode()


def cosignature_line(key: VerifierKey, at_seconds: int, signature: bytes) -> SignatureLine:
    """Return a co-signature as a line of a note."""
    return SignatureLine(key.name, key.key_id, MOMENT.pack(at_seconds) + signature)


def names_key(line: SignatureLine, key: VerifierKey) -> bool:
    """Return whether a line says to be by a key; whether it is, nobody has checked yet."""
    return (line.name, line.key_id) == (key.name, key.key_id)


def cosigned_at_seconds(
    checkpoint: Checkpoint, line: SignatureLine, key: VerifierKey
) -> int | None:
    """Return when a key co-signed a checkpoint, or None when the line is no such co-signature."""
    if not names_key(line, key) or len(line.signature) != MOMENT.size + SIGNATURE_BYTES:
        return None
    at_seconds = int.from_bytes(line.signature[: MOMENT.size], "big")
    if not 0 < at_seconds <= MOST_SECONDS:
        return None
    try:
        public_key = Ed25519PublicKey.from_public_bytes(key.public_key)
        signed = cosigned_bytes(checkpoint, at_seconds)
        public_key.verify(line.signature[MOMENT.size :], signed)
    except (InvalidSignature, ValueError):
        return None
    return at_seconds
