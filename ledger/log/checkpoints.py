"""Checkpoints, keys and proofs: each use case in the caller's transaction.

A checkpoint is made under the ledger's lock, so what it covers is exactly what was committed before
it. The first one makes the key known to the log, as a leaf; a rotation does the same with the next
key, and its checkpoint is signed by both.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from string import hexdigits

from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.invoice import SHORT_CODE_DIGITS
from ledger.log import store
from ledger.log.kept import kept_text, parse_kept
from ledger.log.keys import load_key, load_or_make_key, move_into_place, next_path
from ledger.log.note import Checkpoint, MalformedNote, Signer, is_log_name, parse_note, sign
from ledger.log.proof_file import ConsistencyProof, InclusionProof
from ledger.log.proofs import (
    consistency_ranges,
    inclusion_ranges,
    proof_hashes,
    range_hash,
    range_of,
)
from ledger.log.rows import FIRST, LOSS, ROTATION, CheckpointRow, KeyRow
from ledger.log.store import PlacedLeaf
from ledger.log.witness_store import cosigned_note
from ledger.posting import require_zone
from ledger.rules import LedgerRule
from ledger.store import lock
from ledger.trail.store import link_digests, name_head
from ledger.tree import DIGEST_BYTES

DOCUMENTS = "ledger.invoice"
"""The source of the leaves of invoices, credit notes and debit notes."""

FOUND_LIMIT = 10


@dataclass(frozen=True)
class Published:
    """A checkpoint; `is_new` is False when nothing was published since it was made."""

    checkpoint: CheckpointRow
    is_new: bool


@dataclass(frozen=True)
class PresentSigner:
    """What signs for the log now; `is_made` when its key file was made just now."""

    signer: Signer
    is_made: bool


def present_signer(session: Session, path: Path, name: str) -> PresentSigner:
    """Return the log's signer: the key of the file, which the log must know as its present one.

    A log without any key takes the one of the file, made if there is no file. A key that a rotation
    left beside the file, because it was cut off, is moved into its place.

    Raises:
        Refused: the file is exposed, unreadable, missing or holds another key.
    """
    known = store.key_rows(session)
    if not known:
        if not is_log_name(name):
            rule = LedgerRule.LOG_NAME_IS_MALFORMED
            raise Refused([rule.finding("name of the log", repr(name))])
        key, is_made = load_or_make_key(path)
        return PresentSigner(Signer(name, key), is_made)
    present = known[-1].row
    for place in (path, next_path(path)):
        key_there = load_key(place)
        if key_there is None:
            continue
        signer = Signer(present.name, key_there)
        if signer.key == present.key:
            if place != path:
                move_into_place(path)
            return PresentSigner(signer, is_made=False)
    raise _another_key(path, present)


def next_signer(session: Session, path: Path, *, is_lost: bool) -> Signer:
    """Return the signer that a rotation makes the present one, its key kept beside the file.

    Where the key before it is lost there is nothing to keep, and the file itself is made.

    Raises:
        Refused: a file is exposed or unreadable, or the key is said to be lost and is there.
    """
    present = store.key_rows(session)[-1].row
    key, _ = load_or_make_key(path if is_lost else next_path(path))
    signer = Signer(present.name, key)
    if signer.key == present.key:
        value = "the key is there: rotate without --lost"
        raise Refused([LedgerRule.LOG_KEY_IS_ANOTHER.finding(f"key file {path}", value)])
    return signer


def publish_checkpoint(session: Session, signer: Signer, now: datetime) -> Published:
    """Sign the log as it is; return the last checkpoint when it has all but its own leaf.

    Raises:
        Refused: `signer` is not the log's present one.
    """
    require_zone(now)
    lock(session)
    known = store.key_rows(session)
    if known and known[-1].row.key != signer.key:
        raise _another_key("given", known[-1].row)
    name_head(session)
    last = store.last_checkpoint(session)
    # One leaf more than it covers is its own: nothing else was published since.
    if last is not None and store.log_size(session) == last.size + 1:
        return Published(last, is_new=False)
    if not known:
        # The key's leaf goes before the checkpoint, so that the first one covers what signs it.
        key = signer.key
        store.insert_key(session, KeyRow(1, key.name, key.public_key, now, FIRST))
    return Published(_publish(session, (signer,), now), is_new=True)


def rotate_key(session: Session, old: Signer | None, new: Signer, now: datetime) -> Published:
    """Make `new` the log's signer, by a checkpoint that the old and the new key sign.

    Args:
        session: the caller's session.
        old: the present signer; None when its key is lost, and then the new key signs alone.
        new: the next signer.
        now: the moment, with its zone.

    Raises:
        Refused: `old` is not the log's present signer, or there is none yet.
    """
    require_zone(now)
    lock(session)
    known = store.key_rows(session)
    if not known:
        finding = LedgerRule.LOG_HAS_NO_CHECKPOINT.finding("log", "it has no key to rotate")
        raise Refused([finding])
    present = known[-1].row
    if old is not None and old.key != present.key:
        raise _another_key("given", present)
    name_head(session)
    cause = LOSS if old is None else ROTATION
    key = new.key
    store.insert_key(session, KeyRow(present.number + 1, key.name, key.public_key, now, cause))
    signers = (new,) if old is None else (old, new)
    return Published(_publish(session, signers, now), is_new=True)


def keep_checkpoint(session: Session, row: CheckpointRow, *, has_trail: bool = True) -> str:
    """Return the file of a checkpoint for those who keep it: its note, leaves and links.

    Args:
        session: the caller's session.
        row: the checkpoint.
        has_trail: whether the links of the trail are in it. A link is a hash of little, such as for
            whom an account acts, which whoever has its digest can guess at: not everybody gets it.

    Raises:
        Refused: the stored hashes do not lead to its root.
    """
    links = link_digests(session, store.head_of_trail(session, row.size)) if has_trail else []
    text = kept_text(cosigned_note(session, row), store.leaf_hashes(session, row.size), links)
    try:
        # Read as its keeper will: of a damaged log it would fail there, years later.
        parse_kept(text)
    except MalformedNote:
        raise _damaged(f"checkpoint {row.size}") from None
    return text


def find_documents(session: Session, text: str) -> list[PlacedLeaf]:
    """Return the leaves of documents with a printed number, or whose digest begins with a code.

    A code is 12 or more hexadecimal digits, as `ledger.invoice.short_code` prints them; spaces,
    hyphens and case do not matter. More than one document may share a code, though hardly ever.
    """
    named = store.find_leaf(session, DOCUMENTS, text.strip())
    if named is not None:
        return [named]
    digits = text.replace("-", "").replace(" ", "").strip()
    is_code = SHORT_CODE_DIGITS <= len(digits) <= 2 * DIGEST_BYTES and len(digits) % 2 == 0
    if not is_code or not set(digits) <= set(hexdigits):
        return []
    found = store.leaves_with_digest(session, bytes.fromhex(digits), FOUND_LIMIT)
    return [fact for fact in found if fact.leaf.source == DOCUMENTS]


def prove_inclusion(session: Session, source: str, key: str) -> InclusionProof:
    """Prove a fact to be in the log of the latest checkpoint.

    Raises:
        Refused: there is no checkpoint, the log does not hold the fact, no checkpoint covers
            it yet, or the stored tree is damaged.
    """
    place = f"{source} {key}"
    last = store.last_checkpoint(session)
    if last is None:
        raise Refused(
            [LedgerRule.LOG_HAS_NO_CHECKPOINT.finding("log", "no checkpoint was made yet")]
        )
    found = store.find_leaf(session, source, key)
    if found is None:
        raise Refused([LedgerRule.FACT_IS_UNKNOWN.finding(place, "no leaf of the log")])
    if found.index >= last.size:
        value = f"leaf {found.index}, after the latest checkpoint of {last.size} leaves"
        raise Refused([LedgerRule.FACT_IS_NOT_COVERED.finding(place, value)])
    ranges = inclusion_ranges(found.index, last.size)
    hashes = proof_hashes(ranges, store.node_hashes(session, ranges))
    proof = InclusionProof(
        found.leaf,
        found.index,
        last.size,
        last.root,
        tuple(hashes),
        cosigned_note(session, last),
        _keys(session),
    )
    # Checked before it is handed out: from a damaged tree it would fail in the hands of its reader,
    # who would blame the document.
    if not proof.holds():
        raise _damaged(place)
    return proof


def prove_consistency(session: Session, old_size: int, size: int) -> ConsistencyProof:
    """Prove that one checkpoint's log is the beginning of another's.

    Raises:
        Refused: one of them was never published, the older is the larger, or the stored tree
            is damaged.
    """
    old, new = (store.find_checkpoint(session, count) for count in (old_size, size))
    findings = [
        LedgerRule.CHECKPOINT_IS_UNKNOWN.finding(f"checkpoint {wanted}", "it was not published")
        for wanted, found in ((old_size, old), (size, new))
        if found is None
    ]
    if old_size > size:
        value = f"it is larger than {size}"
        findings.append(LedgerRule.CHECKPOINT_IS_UNKNOWN.finding(f"checkpoint {old_size}", value))
    if old is None or new is None or findings:
        raise Refused(findings)
    ranges = consistency_ranges(old.size, new.size)
    hashes = proof_hashes(ranges, store.node_hashes(session, ranges))
    proof = ConsistencyProof(
        parse_note(old.note).checkpoint,
        parse_note(new.note).checkpoint,
        tuple(hashes),
        cosigned_note(session, old),
        cosigned_note(session, new),
        _keys(session),
    )
    if not proof.holds():
        raise _damaged(f"checkpoints {old_size} and {size}")
    return proof


def _publish(session: Session, signers: tuple[Signer, ...], now: datetime) -> CheckpointRow:
    size = store.log_size(session)
    store.append_tiles(session, size)
    whole = range_of(0, size)
    root = range_hash(whole, store.node_hashes(session, [whole]))
    note = sign(Checkpoint(signers[0].name, size, root), signers)
    row = CheckpointRow(size, root, now, note)
    store.insert_checkpoint(session, row)
    return row


def _keys(session: Session) -> tuple[str, ...]:
    return tuple(str(placed.row.key) for placed in store.key_rows(session))


def _another_key(path: Path | str, present: KeyRow) -> Refused:
    value = f"not the key of {present.key}, number {present.number}"
    return Refused([LedgerRule.LOG_KEY_IS_ANOTHER.finding(f"key file {path}", value)])


def _damaged(place: str) -> Refused:
    value = "the stored hashes do not lead to the checkpoint's root"
    return Refused([LedgerRule.LOG_IS_DAMAGED.finding(place, value)])
