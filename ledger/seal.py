"""Seals of settlement days: what is said of a day once nothing more may be posted to it.

A seal names the last journal of its day and that journal's digest, so it covers all that was posted
to the day, and by the chain all before it. The seals of one request are anchored in the chain
themselves: a journal without postings whose input digest is the Merkle root over them.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.refusals import Finding
from ledger.causes import Cause, CauseSource
from ledger.chain import encode
from ledger.journal import JournalDraft, is_name
from ledger.rules import LedgerRule
from ledger.tree import leaf_hash, merkle_root

SEAL_TAG = "tallystick.seal.1"
SEAL = "seal"
"""The middle of the key of a journal that anchors seals."""


class SealRow(NamedTuple):
    """The sealed columns of `ledger.seal`.

    `journal_number` anchors the seal; `last_journal_number` is the last that was posted to the day,
    which lasts from `begins_at` to before `ends_at`.
    """

    market: str
    settlement_day: dt.date
    journal_number: int
    begins_at: dt.datetime
    ends_at: dt.datetime
    sealed_by: str
    reason: str
    sealed_at: dt.datetime
    last_journal_number: int
    last_journal_digest: bytes


@dataclass(frozen=True)
class DayToSeal:
    """A settlement day, and the instants between which it lies."""

    day: dt.date
    begins_at: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True)
class SealRequest:
    """Days of a market to seal, earliest first, and who seals them and why."""

    market: str
    days: tuple[DayToSeal, ...]
    sealed_by: str
    reason: str


@dataclass(frozen=True)
class Seal:
    """A seal in the ledger; `is_repeat` when the day was sealed before."""

    row: SealRow
    digest: bytes
    is_repeat: bool


def seal_digest(row: SealRow) -> bytes:
    """Return the digest of a seal."""
    return leaf_hash(encode(SEAL_TAG, row))


def seal_key(row: SealRow) -> str:
    """Return how the log names a seal.

    >>> moment = dt.datetime(2024, 3, 1)
    >>> seal_key(SealRow("gb12", dt.date(2024, 1, 2), 3, *[moment] * 2, "", "", moment, 2, b""))
    'gb12/2024-01-02'
    """
    return f"{row.market}/{row.settlement_day}"


def check_request(request: SealRequest) -> list[Finding]:
    """Return every breach in a request, in rule order; an empty list means none.

    >>> [finding.value for finding in check_request(SealRequest("gb12", (), "", "year's end"))]
    ['days: none', "sealed_by ''"]
    """
    place = f"seals of {request.market}"
    found = []
    if not is_name(request.market):
        found.append(LedgerRule.NAME_IS_MALFORMED.finding(place, f"market {request.market!r}"))
    if not request.days:
        found.append(LedgerRule.SEAL_IS_UNFOUNDED.finding(place, "days: none"))
    for name, value in (("sealed_by", request.sealed_by), ("reason", request.reason)):
        if not value.strip():
            found.append(LedgerRule.SEAL_IS_UNFOUNDED.finding(place, f"{name} {value!r}"))
    return found


def anchor_draft(seals: Sequence[SealRow]) -> JournalDraft:
    """Return the journal that anchors the seals of one request; it moves nothing.

    Its cause is the first of them; its input digest is over all.
    """
    first, last = seals[0], seals[-1]
    days = f"{first.settlement_day}..{last.settlement_day}"
    return JournalDraft(
        key=f"{first.market}:{SEAL}:{days}",
        market=first.market,
        settlement_day=None,
        run_id=None,
        run_kind=None,
        reason=f"Sealed {days} by {first.sealed_by}: {first.reason}",
        input_digest=seals_root([seal_digest(row) for row in seals]),
        cause=Cause(CauseSource.SEAL, seal_key(first), seal_digest(first)),
        postings=(),
    )


def seals_root(digests: Sequence[bytes]) -> bytes:
    """Return the Merkle root over the seals of one request, in the order of their days."""
    return merkle_root(list(digests))
