"""Whether a witness may co-sign what it is shown, held to what it has seen; pure.

Of a checkpoint with all its leaf hashes everything is computed again, so that what differs is named
and two notes of one log that cannot both be true are proof of it. Of one that comes with a proof of
consistency, as in C2SP tlog-witness, the proof decides.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from common.refusals import Finding
from ledger.log.kept import KeptCheckpoint
from ledger.log.leaf_differences import compare_leaves
from ledger.log.note import Checkpoint, Note, SignatureLine, VerifierKey
from ledger.log.proofs import consistency_holds
from ledger.tree import EMPTY_ROOT, merkle_root

UNTRUSTED, SMALLER, FORKED = "witness-log-key", "witness-smaller-tree", "witness-fork"
DENIAL = "nothing was co-signed; keep both notes: together they prove what the log's key signed"


class Seen(NamedTuple):
    """What a witness has kept of a log.

    Attributes:
        note: of the last checkpoint that it co-signed, with the signatures.
        leaf_hashes: of the last checkpoint that came with them; none where none did.
    """

    note: Note
    leaf_hashes: tuple[bytes, ...]

    @property
    def checkpoint(self) -> Checkpoint:
        """The last checkpoint that was co-signed."""
        return self.note.checkpoint


class Answer(NamedTuple):
    """What a witness says to a request of tlog-witness that it refuses."""

    status: HTTPStatus
    body: str = ""


def trusted_lines(note: Note, keys: Sequence[VerifierKey]) -> list[SignatureLine] | None:
    """Return the signatures by keys of the log that hold, or None where one of them does not.

    A note in which one does not hold is malformed, even where another of them does.
    """
    named = [key for key in keys if key.name == note.checkpoint.origin]
    lines = []
    for line in note.signatures:
        of_key = [key for key in named if (key.name, key.key_id) == (line.name, line.key_id)]
        if not of_key:
            continue
        if not Note(note.checkpoint, (line,)).signed_by(of_key):
            return None
        lines.append(line)
    return lines


def judge_leaves(
    seen: Seen | None, given: KeptCheckpoint, keys: Sequence[VerifierKey]
) -> list[Finding]:
    """Return why a checkpoint with its leaf hashes may not be co-signed; nothing where it may.

    Args:
        seen: what was kept of the log; None before the first checkpoint of it.
        given: the checkpoint, whose leaf hashes give its root.
        keys: the log's, that the witness was told.
    """
    stated, hashes = given.note.checkpoint, given.leaf_hashes or ()
    place = f"checkpoint of {stated.size} leaves"
    if not trusted_lines(given.note, keys):
        limit = "a note is signed by a key of the log that the witness was told"
        remedy = "if the log has another key now, get it from the operator, and give --log-key"
        return [Finding(UNTRUSTED, place, "no such signature, or one that fails", limit, remedy)]
    if seen is None:
        return []
    last = seen.checkpoint
    limit = f"the log begins with the {last.size} leaves that were co-signed"
    if stated.size < last.size:
        value = f"a smaller tree, of {stated.size}; {_both_notes(seen.note, given.note)}"
        return [Finding(SMALLER, place, value, limit, DENIAL)]
    # Where what came later than its own leaves was co-signed by proof alone, the root decides.
    is_same_root = merkle_root(hashes[: last.size]) == last.root
    if is_same_root and hashes[: len(seen.leaf_hashes)] == seen.leaf_hashes:
        return []
    value = f"{_first_difference(seen, hashes)}; {_both_notes(seen.note, given.note)}"
    return [Finding(FORKED, place, value, limit, DENIAL)]


def judge_proof(
    seen: Seen | None,
    note: Note,
    keys: Sequence[VerifierKey],
    old_size: int,
    proof: Sequence[bytes],
) -> Answer | None:
    """Return how tlog-witness refuses a checkpoint with a proof of consistency, or None.

    Args:
        seen: as `judge_leaves` takes it.
        note: the checkpoint.
        keys: the log's; none where the log is unknown.
        old_size: of the checkpoint that the proof begins with, 0 for none.
        proof: the hashes.
    """
    stated = note.checkpoint
    last = seen.checkpoint if seen else Checkpoint(stated.origin, 0, EMPTY_ROOT)
    if not keys:
        return Answer(HTTPStatus.NOT_FOUND)
    if not trusted_lines(note, keys):
        return Answer(HTTPStatus.FORBIDDEN)
    if old_size > stated.size:
        return Answer(HTTPStatus.BAD_REQUEST)
    if old_size != last.size:
        return Answer(HTTPStatus.CONFLICT, f"{last.size}\n")
    if old_size == 0:
        is_new = stated.size > 0 or stated.root == EMPTY_ROOT
        holds = is_new and not proof
    else:
        holds = consistency_holds(old_size, stated.size, last.root, stated.root, proof)
    return None if holds else Answer(HTTPStatus.UNPROCESSABLE_ENTITY)


def _first_difference(seen: Seen, hashes: Sequence[bytes]) -> str:
    differences = compare_leaves(seen.leaf_hashes, hashes[: len(seen.leaf_hashes)])
    if not differences:
        return "its first leaves give another root"
    (first, *more) = differences
    index = first.kept_index if first.kept_index is not None else first.index
    others = f", and {len(more)} more" if more else ""
    return f"leaf {index} is {first.change}{others}"


def _both_notes(kept: Note, given: Note) -> str:
    """Return two notes on one line, as a finding holds them."""
    return f"kept {_on_one_line(kept)}, shown {_on_one_line(given)}"


def _on_one_line(note: Note) -> str:
    signed = "".join(line.text for line in note.signatures)
    return repr(f"{note.checkpoint.body}\n{signed}")
