"""The part of an evidence file that is of the log: the checkpoint, and every leaf below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from ledger.log import store
from ledger.log.leaf import Leaf
from ledger.log.rows import CheckpointRow
from ledger.log.store import PlacedKey
from ledger.rules import LedgerRule
from settlement.evidence.rows import csv_rows, json_lines
from verifier.leaves import LEAF, LEAVES
from verifier.log import CHECKPOINT, EARLIER, KEYS


class Fact(NamedTuple):
    """A row that the log must hold."""

    source: str
    key: str
    digest: bytes


@dataclass(frozen=True, eq=False)
class LogPart:
    """What the latest checkpoint covers.

    Attributes:
        earlier: the checkpoints before it, by size.
        leaves: every leaf up to it, in order.
    """

    last: CheckpointRow
    earlier: Sequence[CheckpointRow]
    keys: Sequence[PlacedKey]
    leaves: Sequence[Leaf]

    @cached_property
    def digests(self) -> dict[tuple[str, str], bytes]:
        """The digest of each fact that is covered, by table and key."""
        return {(leaf.source, leaf.key): leaf.digest for leaf in self.leaves}

    def covers(self, source: str, key: str) -> bool:
        """Return whether a fact is a leaf up to the checkpoint."""
        return (source, key) in self.digests

    def files(self) -> dict[str, bytes]:
        """Return the files, by name."""
        keys = (placed.row._asdict() | {"digest": placed.digest} for placed in self.keys)
        return {
            CHECKPOINT: self.last.note.encode(),
            EARLIER: json_lines(_row(checkpoint) for checkpoint in self.earlier),
            KEYS: json_lines(keys),
            LEAVES: csv_rows(tuple(LEAF), (leaf._asdict() for leaf in self.leaves)),
        }


def log_part(session: Session) -> LogPart:
    """Return the latest checkpoint, what it covers, and the checkpoints before it.

    Raises:
        Refused: there is no checkpoint.
    """
    last = store.last_checkpoint(session)
    if last is None:
        value = "no checkpoint was made yet"
        raise Refused([LedgerRule.LOG_HAS_NO_CHECKPOINT.finding("log", value)])
    earlier = [each for each in store.checkpoints(session) if each.size < last.size][::-1]
    keys = [
        placed
        for placed in store.key_rows(session)
        if placed.leaf_index is not None and placed.leaf_index < last.size
    ]
    return LogPart(last, earlier, keys, store.first_leaves(session, last.size))


def require_covered(session: Session, log: LogPart, facts: Sequence[Fact]) -> None:
    """Refuse facts that the checkpoint does not cover, or has with another digest.

    Raises:
        Refused: naming each.
    """
    findings: list[Finding] = []
    for fact in facts:
        place = f"{fact.source} {fact.key}"
        if log.digests.get((fact.source, fact.key)) == fact.digest:
            continue
        found = store.find_leaf(session, fact.source, fact.key)
        if found is None or found.leaf.digest != fact.digest:
            value = "no leaf of the log has its digest"
            findings.append(LedgerRule.FACT_IS_UNKNOWN.finding(place, value))
        else:
            value = f"leaf {found.index}, after the latest checkpoint of {log.last.size} leaves"
            findings.append(LedgerRule.FACT_IS_NOT_COVERED.finding(place, value))
    refuse_any(findings)


def _row(checkpoint: CheckpointRow) -> dict[str, Any]:
    return checkpoint._asdict() | {"digest": checkpoint.digest}
