"""The part of an evidence file that is of the log: the checkpoint, and a proof of every fact."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from ledger.log import store
from ledger.log.proofs import consistency_ranges, inclusion_ranges, proof_hashes
from ledger.log.rows import CheckpointRow
from ledger.rules import LedgerRule
from settlement.evidence.rows import json_lines


class Fact(NamedTuple):
    """A row that the log must hold."""

    source: str
    key: str
    digest: bytes


def log_files(session: Session, facts: Sequence[Fact]) -> dict[str, bytes]:
    """Return the latest checkpoint, proofs that it covers the facts, and what came before it.

    Raises:
        Refused: there is no checkpoint, or it does not cover every fact.
    """
    last = store.last_checkpoint(session)
    if last is None:
        value = "no checkpoint was made yet"
        raise Refused([LedgerRule.LOG_HAS_NO_CHECKPOINT.finding("log", value)])
    indexes = _covered(session, facts, last)
    ranges = {fact: inclusion_ranges(index, last.size) for fact, index in indexes.items()}
    hash_of = store.node_hashes(
        session, [node_range for proof in ranges.values() for node_range in proof]
    )
    proofs = (
        fact._asdict() | {"index": indexes[fact], "hashes": proof_hashes(ranges[fact], hash_of)}
        for fact in facts
    )
    keys = [str(placed.row.key) for placed in store.key_rows(session)]
    return {
        "log/checkpoint.txt": last.note.encode(),
        "log/earlier-checkpoints.jsonl": _earlier(session, last),
        "log/keys.txt": "".join(f"{key}\n" for key in keys).encode(),
        "log/proofs.jsonl": json_lines(proofs),
    }


def _covered(session: Session, facts: Sequence[Fact], last: CheckpointRow) -> dict[Fact, int]:
    """Return the index of every fact in the log."""
    indexes: dict[Fact, int] = {}
    findings: list[Finding] = []
    for fact in facts:
        found = store.find_leaf(session, fact.source, fact.key)
        place = f"{fact.source} {fact.key}"
        if found is None or found.leaf.digest != fact.digest:
            value = "no leaf of the log has its digest"
            findings.append(LedgerRule.FACT_IS_UNKNOWN.finding(place, value))
        elif found.index >= last.size:
            value = f"leaf {found.index}, after the latest checkpoint of {last.size} leaves"
            findings.append(LedgerRule.FACT_IS_NOT_COVERED.finding(place, value))
        else:
            indexes[fact] = found.index
    refuse_any(findings)
    return indexes


def _earlier(session: Session, last: CheckpointRow) -> bytes:
    """Return every earlier checkpoint, with the proof that the log only grew since."""
    earlier = [
        checkpoint for checkpoint in store.checkpoints(session) if checkpoint.size < last.size
    ][::-1]
    ranges = [consistency_ranges(checkpoint.size, last.size) for checkpoint in earlier]
    hash_of = store.node_hashes(session, [node_range for proof in ranges for node_range in proof])
    return json_lines(
        {"note": checkpoint.note, "hashes": proof_hashes(proof, hash_of)}
        for checkpoint, proof in zip(earlier, ranges, strict=True)
    )
