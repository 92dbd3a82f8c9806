"""Keys and checkpoints of a log, as C2SP signed-note and tlog-checkpoint write them."""

import base64
from collections.abc import Sequence
from typing import NamedTuple

from verifier.ed25519 import verify_signature
from verifier.merkle_tree import sha256
from verifier.report import Report

ED25519 = b"\x01"
"""The signature type of Ed25519 in a verifier key."""

SIGNATURE_START = "\u2014 "

KEPT_FORMAT = "tallystick.kept-checkpoint.1"
"""The first line of a checkpoint that was kept with the hashes of its leaves."""


class Key(NamedTuple):
    """A public key under the name of its log."""

    name: str
    key_id: bytes
    public_key: bytes


class Checkpoint(NamedTuple):
    """What a signed note states, and who says to have signed it: (name, key ID, signature)."""

    origin: str
    size: int
    root: bytes
    body: str
    signatures: list[tuple[str, bytes, bytes]]


class Trusted(NamedTuple):
    """What the reader has from elsewhere: keys of the log, and a checkpoint of it."""

    keys: tuple[Key, ...] = ()
    checkpoint: Checkpoint | None = None


NOTHING_TRUSTED = Trusted()


def decode_base64(text: str) -> bytes:
    """Return the bytes of a text in base64; of any other none, and who asks says of what."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def parse_key(text: str) -> Key:
    """Return a verifier key from name+ID+base64, as C2SP signed-note has it."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded_key = rest.partition("+")
    content = decode_base64(encoded_key)
    expected = sha256(name.encode() + b"\n" + content)[:4]
    if len(content) != 33 or content[:1] != ED25519 or expected.hex() != key_id:
        raise ValueError(f"{text.strip()[:100]!r} is no verifier key of Ed25519")
    return Key(name, expected, content[1:])


def make_key(name: str, public_key: bytes) -> Key:
    """Return a public key under the name of its log."""
    return Key(name, sha256(name.encode() + b"\n" + ED25519 + public_key)[:4], public_key)


def parse_checkpoint(note: str) -> Checkpoint:
    """Return what a note of C2SP tlog-checkpoint states; its signatures are still to be checked."""
    stated, _, signed = note.partition("\n\n")
    origin, size, encoded_root, *more = [*stated.split("\n"), "", ""]
    hashed = decode_base64(encoded_root)
    is_size = size.isascii() and size.isdecimal() and str(int(size[:20])) == size
    if more != ["", ""] or not is_size or len(hashed) != 32 or not origin:
        raise ValueError("a note that states no origin, size and root, a line each")
    lines = signed.removesuffix("\n").split("\n")
    if "" in lines:
        raise ValueError(f"line {5 + lines.index('')} is empty, where a signature line should be")
    signatures = []
    for line in lines:
        name, _, encoded_signature = line.removeprefix(SIGNATURE_START).partition(" ")
        content = decode_base64(encoded_signature)
        # A log's signature is of 64 bytes; a witness's has 8 bytes of time before it.
        if not line.startswith(SIGNATURE_START) or len(content) not in (68, 76):
            raise ValueError(f"{line[:100]!r} is no signature line")
        signatures.append((name, content[:4], content[4:]))
    return Checkpoint(origin, int(size), hashed, stated + "\n", signatures)


def note_of_kept(text: str) -> str:
    """Return the note of a file that holds a checkpoint with leaf hashes, or the text itself."""
    heading, _, rest = text.partition("\n")
    if heading != KEPT_FORMAT:
        return text
    stated, signed, *_ = [*rest.split("\n\n", 2), ""]
    return f"{stated}\n\n{signed}\n"


def write_key(key: Key) -> str:
    """Return a key as `parse_key` reads it."""
    encoded_key = base64.b64encode(ED25519 + key.public_key).decode()
    return f"{key.name}+{key.key_id.hex()}+{encoded_key}"


def write_note(checkpoint: Checkpoint) -> str:
    """Return a checkpoint as `parse_checkpoint` reads it."""
    encoded_root = base64.b64encode(checkpoint.root).decode()
    lines = [checkpoint.origin, str(checkpoint.size), encoded_root, ""]
    for name, key_id, signature in checkpoint.signatures:
        encoded_signature = base64.b64encode(key_id + signature).decode()
        lines.append(f"{SIGNATURE_START}{name} {encoded_signature}")
    return "".join(f"{line}\n" for line in lines)


def check_signature(file: str, checkpoint: Checkpoint, keys: Sequence[Key], report: Report) -> None:
    """Hold a checkpoint to a key of its log; no signature under a known key may be wrong."""
    signed = False
    signers = [(name, key_id) for name, key_id, _ in checkpoint.signatures]
    for name, key_id in sorted({signer for signer in signers if signers.count(signer) > 1}):
        report.add(file, f"signature of {name}+{key_id.hex()}", "one signature of a key", "several")
    known = {(key.name, key.key_id) for key in keys}
    for name, key_id, _ in checkpoint.signatures:
        if (name, key_id) not in known:
            report.notes.append(
                f"{file}: what {name}+{key_id.hex()} signed proves nothing, as its key is unknown"
            )
    for name, key_id, signature in checkpoint.signatures:
        for key in keys:
            if (key.name, key.key_id) == (name, key_id):
                holds = verify_signature(key.public_key, checkpoint.body.encode(), signature)
                report.equal(file, f"signature of {name}", "that it holds:", True, holds)
                signed = signed or (holds and name == checkpoint.origin)
    if not signed:
        names = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys) or "no key"
        report.add(file, "", f"a signature of the log by {names}", "none that holds")
    report.count("signatures of checkpoints")
