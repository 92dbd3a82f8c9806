"""The log as the proof pages show it: checkpoints, keys, and the proof of a document."""

from dataclasses import dataclass
from functools import cache

from sqlalchemy.orm import Session

from database.embedded import ROOT
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
from ledger.log.rows import CheckpointRow, KeyRow
from ledger.log.store import PlacedLeaf


@dataclass(frozen=True)
class ShownCheckpoint:
    """A checkpoint, and the keys of the log that have signed it."""

    row: CheckpointRow
    signers: tuple[KeyRow, ...]


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


def checkpoints(session: Session) -> list[CheckpointRow]:
    """Return every checkpoint, latest first."""
    return store.checkpoints(session)


def with_signers(session: Session, row: CheckpointRow) -> ShownCheckpoint:
    """Return a checkpoint with the keys whose signatures on it hold."""
    rows = public_keys(session)
    signed = set(parse_note(row.note).signed_by([signer.key for signer in rows]))
    return ShownCheckpoint(row, tuple(signer for signer in rows if signer.key in signed))


def note_of(session: Session, size: int) -> str | None:
    """Return the text of a checkpoint's note."""
    found = store.find_checkpoint(session, size)
    return found.note if found else None


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
    checkpoint = with_signers(session, last)
    return ShownProof(proof, tuple(steps), short_code(leaf.digest), checkpoint)


@cache
def check_script() -> str:
    """Return the lines of Python that check a proof."""
    return (ROOT / "docs" / "check_proof.py").read_text(encoding="utf-8")
