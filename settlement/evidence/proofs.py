"""Proofs that facts are leaves of the log, for evidence that does not tell all of its leaves."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ledger.log import store
from ledger.log.proofs import inclusion_ranges, proof_hashes
from settlement.evidence.log_part import Fact, LogPart


def fact_proofs(session: Session, log: LogPart, facts: Sequence[Fact]) -> Iterator[dict[str, Any]]:
    """Yield each fact, by table and key, with where its leaf stands and what leads to the root."""
    places = {(leaf.source, leaf.key): index for index, leaf in enumerate(log.leaves)}
    ranges = {
        fact: inclusion_ranges(places[fact.source, fact.key], log.last.size)
        for fact in sorted(facts)
    }
    hash_of = store.node_hashes(
        session, [node_range for proof in ranges.values() for node_range in proof]
    )
    for fact, proof in ranges.items():
        index = places[fact.source, fact.key]
        yield fact._asdict() | {"index": index, "hashes": proof_hashes(proof, hash_of)}
