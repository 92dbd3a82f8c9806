"""Proofs as files: what they hold, and the checks that anyone makes of them without a database.

A proof is a JSON object; digests, hashes and roots are in hexadecimal:

    format       tallystick.inclusion-proof.1       tallystick.consistency-proof.1
    what         source, key, digest, leaf_hash     old_size, old_root, old_checkpoint
                 index
    tree         size, root, checkpoint             size, root, checkpoint
    proof        hashes, from the leaf up           hashes
    keys         verifier keys of the log, for convenience: trust those that you got elsewhere
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.log.leaf import Leaf
from ledger.log.note import Checkpoint, MalformedNote, Note, VerifierKey, parse_note
from ledger.log.proofs import MAX_PROOF_HASHES, consistency_holds, inclusion_holds
from ledger.tree import DIGEST_BYTES

INCLUSION = "tallystick.inclusion-proof.1"
CONSISTENCY = "tallystick.consistency-proof.1"
MAX_FILE_CHARACTERS = 100_000
INT64_MAX = 2**63 - 1


class MalformedProof(ValueError):
    """A text that is no proof; says what is wrong with it."""


class Checked(NamedTuple):
    """One thing that a proof claims, and whether it holds."""

    claim: str
    holds: bool


@dataclass(frozen=True)
class InclusionProof:
    """That a fact is the leaf at `index` of the log that `note` signs."""

    leaf: Leaf
    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    note: str
    keys: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the object that is written as JSON."""
        return {
            "format": INCLUSION,
            "source": self.leaf.source,
            "key": self.leaf.key,
            "digest": self.leaf.digest.hex(),
            "leaf_hash": self.leaf.hash.hex(),
            "index": self.index,
            "size": self.size,
            "root": self.root.hex(),
            "hashes": [digest.hex() for digest in self.hashes],
            "checkpoint": self.note,
            "keys": list(self.keys),
        }

    def holds(self) -> bool:
        """Whether the hashes lead from the leaf to the root."""
        return inclusion_holds(self.index, self.size, self.leaf.hash, self.hashes, self.root)


@dataclass(frozen=True)
class ConsistencyProof:
    """That the log which `old_note` signs is the beginning of the one that `note` signs."""

    old: Checkpoint
    new: Checkpoint
    hashes: tuple[bytes, ...]
    old_note: str
    note: str
    keys: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the object that is written as JSON."""
        return {
            "format": CONSISTENCY,
            "old_size": self.old.size,
            "old_root": self.old.root.hex(),
            "old_checkpoint": self.old_note,
            "size": self.new.size,
            "root": self.new.root.hex(),
            "hashes": [digest.hex() for digest in self.hashes],
            "checkpoint": self.note,
            "keys": list(self.keys),
        }

    def holds(self) -> bool:
        """Whether the hashes lead to both roots."""
        old, new = self.old, self.new
        return consistency_holds(old.size, new.size, old.root, new.root, self.hashes)


def check_proof(text: str, keys: Sequence[VerifierKey]) -> list[Checked]:
    """Return every claim of a proof with whether it holds; it is proven when all do.

    Args:
        text: the JSON of the proof.
        keys: the log's keys, from a source that the reader trusts; those in the file prove nothing.

    Raises:
        MalformedProof: the text is no proof.
    """
    if len(text) > MAX_FILE_CHARACTERS:
        raise MalformedProof(f"longer than {MAX_FILE_CHARACTERS} characters")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedProof("it is not JSON") from None
    form = given.get("format") if isinstance(given, dict) else None
    if form == INCLUSION:
        return list(_check_inclusion(given, keys))
    if form == CONSISTENCY:
        return list(_check_consistency(given, keys))
    raise MalformedProof(f"its format is neither {INCLUSION} nor {CONSISTENCY}")


def _check_inclusion(given: Mapping[str, Any], keys: Sequence[VerifierKey]) -> Iterator[Checked]:
    leaf = Leaf(_text(given, "source"), _text(given, "key"), _digest(given, "digest"))
    index, size = _number(given, "index"), _number(given, "size")
    root, hashes = _digest(given, "root"), _hashes(given)
    note = _note(given, "checkpoint")
    claim = f"the leaf hash is that of {leaf.source} {leaf.key} with this digest"
    yield Checked(claim, leaf.hash == _digest(given, "leaf_hash"))
    claim = f"{len(hashes)} hashes lead from leaf {index} to the root of {size} leaves"
    yield Checked(claim, inclusion_holds(index, size, leaf.hash, hashes, root))
    yield from _check_note("checkpoint", note, size, root, keys)


def _check_consistency(given: Mapping[str, Any], keys: Sequence[VerifierKey]) -> Iterator[Checked]:
    old_size, size = _number(given, "old_size"), _number(given, "size")
    old_root, root, hashes = _digest(given, "old_root"), _digest(given, "root"), _hashes(given)
    old_note, note = _note(given, "old_checkpoint"), _note(given, "checkpoint")
    claim = f"the first {old_size} of {size} leaves are those of the older checkpoint"
    yield Checked(claim, consistency_holds(old_size, size, old_root, root, hashes))
    yield from _check_note("older checkpoint", old_note, old_size, old_root, keys)
    yield from _check_note("checkpoint", note, size, root, keys)


def _check_note(
    name: str, note: Note, size: int, root: bytes, keys: Sequence[VerifierKey]
) -> Iterator[Checked]:
    stated = note.checkpoint
    yield Checked(
        f"the {name} states this size and root", (stated.size, stated.root) == (size, root)
    )
    signed = [key for key in note.signed_by(keys) if key.name == stated.origin]
    yield Checked(f"the {name} is signed by a key of the log", bool(signed))


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.isprintable():
        raise MalformedProof(f"{name} is not a text")
    return value


def _number(given: Mapping[str, Any], name: str) -> int:
    value = given.get(name)
    if type(value) is not int or not 0 <= value <= INT64_MAX:
        raise MalformedProof(f"{name} is not a whole number")
    return value


def _digest(given: Mapping[str, Any], name: str) -> bytes:
    return _hash(given.get(name), name)


def _hashes(given: Mapping[str, Any]) -> list[bytes]:
    value = given.get("hashes")
    if not isinstance(value, list) or len(value) > MAX_PROOF_HASHES:
        raise MalformedProof(f"hashes is not a list of at most {MAX_PROOF_HASHES}")
    return [_hash(text, "one of hashes") for text in value]


def _hash(value: object, name: str) -> bytes:
    found = b""
    if isinstance(value, str) and len(value) == 2 * DIGEST_BYTES:
        with suppress(ValueError):
            found = bytes.fromhex(value)
    if len(found) != DIGEST_BYTES:
        raise MalformedProof(f"{name} is not {2 * DIGEST_BYTES} hexadecimal digits")
    return found


def _note(given: Mapping[str, Any], name: str) -> Note:
    value = given.get(name)
    if not isinstance(value, str):
        raise MalformedProof(f"{name} is not a text")
    try:
        return parse_note(value)
    except MalformedNote as error:
        raise MalformedProof(f"{name}: {error}") from None
