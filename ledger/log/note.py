"""Checkpoints as signed notes: C2SP tlog-checkpoint within C2SP signed-note, signed by Ed25519.

    tallystick.localhost/log                              origin: the name of the log
    20852                                                 size: leaves in the tree
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=          root: base64 of 32 bytes
                                                          an empty line ends what is signed
    — tallystick.localhost/log Az3grlgtzPICa5OS8npVmf1M...   a signature a line

A signature line names the signer and holds base64 of 4 bytes that name the key and 64 of the
signature over the lines above the empty one, their line ends included:

    key ID       = SHA-256(name || 0x0A || 0x01 || 32 bytes of the public key)[:4]
    verifier key = name + "+" + hex(key ID) + "+" + base64(0x01 || public key)
"""

import base64
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.tree import DIGEST_BYTES

ED25519 = b"\x01"
KEY_ID_BYTES = 4
DASH = "\N{EM DASH} "
MAX_SIGNATURES = 16
MAX_NOTE_CHARACTERS = 20_000
MAX_SIZE_DIGITS = 19
BODY_LINES = 3


class MalformedNote(ValueError):
    """A text that is no checkpoint; says what is wrong with it."""


class VerifierKey(NamedTuple):
    """A public key under the name of its log or witness.

    `kind` is the byte by which signed-note tells what a key signs: `ED25519` of a log, and of a
    witness `ledger.log.cosignature.COSIGNATURE`.
    """

    name: str
    public_key: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a signature line names the key."""
        named = self.name.encode() + b"\n" + self.kind + self.public_key
        return sha256(named).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(self.kind + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


class Signer(NamedTuple):
    """A private key under the name of its log."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def key(self) -> VerifierKey:
        """The public key that verifies what this signs."""
        return VerifierKey(self.name, self.private_key.public_key().public_bytes_raw())

    def signature_line(self, body: str) -> str:
        """Return the line that signs a body."""
        signature = self.private_key.sign(body.encode())
        return SignatureLine(self.name, self.key.key_id, signature).text


class Checkpoint(NamedTuple):
    """What a note states: the root of the log with the name `origin` when it had `size` leaves."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class SignatureLine(NamedTuple):
    """One signature of a note: who says to have signed, with which key."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def text(self) -> str:
        """The line as it stands in a note, with its line end."""
        encoded = base64.b64encode(self.key_id + self.signature).decode()
        return f"{DASH}{self.name} {encoded}\n"


class Note(NamedTuple):
    """A checkpoint with its signatures, which nobody has checked yet."""

    checkpoint: Checkpoint
    signatures: tuple[SignatureLine, ...]

    def signed_by(self, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
        """Return which of `keys` have signed."""
        return [
            key
            for key in keys
            if any(self._verifies(key, signature) for signature in self.signatures)
        ]

    def _verifies(self, key: VerifierKey, line: SignatureLine) -> bool:
        if (line.name, line.key_id) != (key.name, key.key_id):
            return False
        try:
            public_key = Ed25519PublicKey.from_public_bytes(key.public_key)
            public_key.verify(line.signature, self.checkpoint.body.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def sign(checkpoint: Checkpoint, signers: Sequence[Signer]) -> str:
    """Return the text of a note: the checkpoint, signed by every signer."""
    body = checkpoint.body
    return body + "\n" + "".join(signer.signature_line(body) for signer in signers)


def parse_note(text: str) -> Note:
    """Return what a note holds; its signatures are still to be checked.

    Raises:
        MalformedNote: it is not written as the module says.
    """
    if len(text) > MAX_NOTE_CHARACTERS:
        raise MalformedNote(f"longer than {MAX_NOTE_CHARACTERS} characters")
    body, separator, signed = text.partition("\n\n")
    if not separator:
        raise MalformedNote("no empty line between the checkpoint and its signatures")
    lines = body.split("\n")
    if len(lines) != BODY_LINES:
        raise MalformedNote(f"{len(lines)} lines before the empty one, not origin, size and root")
    origin, size, root = lines
    if not origin.strip():
        raise MalformedNote("the origin is empty")
    checkpoint = Checkpoint(origin, _size(size), decode_base64(root, DIGEST_BYTES, "root"))
    return Note(checkpoint, parse_signatures(signed))


def parse_signatures(text: str) -> tuple[SignatureLine, ...]:
    """Return signature lines, which nobody has checked yet.

    Raises:
        MalformedNote: a line is none, or there are none or too many.
    """
    lines = text.removesuffix("\n").split("\n")
    if "" in lines:
        raise MalformedNote(
            f"line {BODY_LINES + 2 + lines.index('')} is empty; after the one empty line that ends "
            "what is signed, every line of a note is a signature: take the empty line out"
        )
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"more than {MAX_SIGNATURES} signatures")
    return tuple(map(_signature, lines))


def parse_key(text: str, kind: bytes = ED25519) -> VerifierKey:
    """Return a verifier key from its text.

    Args:
        text: as `str` of the key writes it.
        kind: of the key that is asked for; one of another kind is none.

    Raises:
        MalformedNote: it is no verifier key of an Ed25519 key, or its parts do not agree.
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    decoded = decode_base64(encoded, 1 + DIGEST_BYTES, "public key")
    key = VerifierKey(name, decoded[1:], kind)
    if decoded[:1] != kind or key.key_id.hex() != key_id:
        raise MalformedNote(f"{text[:200]!r} is no Ed25519 key of that name and of type {kind[0]}")
    return key


def is_log_name(text: str) -> bool:
    """Return whether a log may be called so: printable, without a space or a plus."""
    return bool(text) and text.isprintable() and not set(text) & {" ", "+"}


def decode_base64(text: str, length: int, name: str) -> bytes:
    """Return the bytes of their one text in base64.

    Raises:
        MalformedNote: it is no base64 of `length` bytes, or not as it is written; says of what.
    """
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    if len(decoded) != length or base64.b64encode(decoded).decode() != text:
        raise MalformedNote(f"the {name} is not base64 of {length} bytes")
    return decoded


def _signature(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not name or not encoded:
        raise MalformedNote(f"{line[:60]!r} is no signature line")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise MalformedNote(f"the signature of {name[:60]} is not base64") from None
    return SignatureLine(name, decoded[:KEY_ID_BYTES], decoded[KEY_ID_BYTES:])


def _size(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_SIZE_DIGITS
    if not is_number or str(int(text)) != text:
        raise MalformedNote(f"the size {text[:60]!r} is no whole number")
    return int(text)
