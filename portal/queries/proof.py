"""The log as the proof pages show it: checkpoints, keys, and the proof of a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy.orm import Session

from database.embedded import ROOT
from database.paged import PagedRows
from ledger.invoice import short_code
from ledger.log import store
from ledger.log.checkpoints import (
    DOCUMENTS,
    find_documents,
    keep_checkpoint,
    prove_consistency,
    prove_inclusion,
)
from ledger.log.note import VerifierKey, parse_note
from ledger.log.proof_file import ConsistencyProof, InclusionProof
from ledger.log.proofs import Step, inclusion_steps
from ledger.log.rows import CheckpointRow, CosignatureRow, KeyRow, WitnessRow
from ledger.log.store import PlacedLeaf
from ledger.log.witness_store import cosigned_note, last_cosignatures, present_witnesses


@dataclass(frozen=True)
class ShownCheckpoint:
    """A checkpoint, the keys of the log that have signed it, and who has co-signed it last."""

    row: CheckpointRow
    signers: tuple[KeyRow, ...]
    cosignatures: tuple[CosignatureRow, ...]


@dataclass(frozen=True)
class ShownProof:
    """The proof of a document, with the steps from its leaf to the root."""

    proof: InclusionProof
    steps: tuple[Step, ...]
    short_code: str
    checkpoint: ShownCheckpoint


def public_keys(session: Session) -> list[KeyRow]:
    """Return the keys of the log, the present one first."""
    return [placed.row for placed in reversed(store.key_rows(session))]


def verifier_keys(session: Session) -> list[VerifierKey]:
    """Return the keys as those who check need them."""
    return [row.key for row in public_keys(session)]


def checkpoints(session: Session) -> PagedRows[CheckpointRow]:
    """Return every checkpoint, latest first."""
    return store.checkpoints(session)


def with_signers(session: Session, rows: Sequence[CheckpointRow]) -> list[ShownCheckpoint]:
    """Return checkpoints with the keys and the witnesses whose signatures on them hold."""
    keys = public_keys(session)
    cosigned = last_cosignatures(session, rows)
    found = []
    for row in rows:
        note = parse_note(row.note)
        signed = set(note.signed_by([key.key for key in keys]))
        signers = tuple(key for key in keys if key.key in signed)
        found.append(ShownCheckpoint(row, signers, tuple(cosigned[row.size])))
    return found


def witnesses(session: Session) -> list[WitnessRow]:
    """Return the witnesses whose co-signatures are kept."""
    return present_witnesses(session)


def last_checkpoint(session: Session) -> CheckpointRow | None:
    """Return the newest checkpoint."""
    return store.last_checkpoint(session)


def note_of(session: Session, size: int) -> str | None:
    """Return the text of a checkpoint's note, with its co-signatures."""
    found = store.find_checkpoint(session, size)
    return cosigned_note(session, found) if found else None


def kept_of(session: Session, size: int, *, has_trail: bool) -> str | None:
    """Return the file of a checkpoint for those who keep it, with the trail or without.

    Raises:
        Refused: the log is damaged.
    """
    found = store.find_checkpoint(session, size)
    return keep_checkpoint(session, found, has_trail=has_trail) if found else None


def documents_named(session: Session, text: str) -> list[PlacedLeaf]:
    """Return the leaves of documents with this number or short code."""
    return find_documents(session, text)


def prove_document(session: Session, number: str) -> InclusionProof:
    """Prove a document to be in the log of the latest checkpoint.

    Raises:
        Refused: it is unknown, not covered yet, or the log is damaged.
    """
    return prove_inclusion(session, DOCUMENTS, number)


def prove_checkpoints(session: Session, old_size: int, size: int) -> ConsistencyProof:
    """Prove one checkpoint's log the beginning of another's.

    Raises:
        Refused: there are no such checkpoints, or the log is damaged.
    """
    return prove_consistency(session, old_size, size)


def shown_proof(session: Session, number: str) -> ShownProof:
    """Return the proof of a document as its page shows it; refusals as `prove_document`."""
    proof = prove_document(session, number)
    leaf = proof.leaf
    steps = inclusion_steps(proof.index, proof.size, leaf.hash, proof.hashes) or []
    last = store.find_checkpoint(session, proof.size)
    if last is None:
        raise LookupError(f"no checkpoint of {proof.size}, which a proof was made for")
    (checkpoint,) = with_signers(session, [last])
    return ShownProof(proof, tuple(steps), short_code(leaf.digest), checkpoint)


@cache
def check_script() -> str:
    """Return the lines of Python that check a proof."""
    return (ROOT / "docs" / "check_proof.py").read_text(encoding="utf-8")
