"""The audit trail: what was done in the portal, and by commands what left rows of its own.

Settling, ingesting, publishing and issuing are read off their rows, so that nobody can forget to
leave an entry; what a command did as an account is a deed of it, and the portal's own entries are
kept in a table that refuses to change.
"""

import datetime as dt
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database.paged import PagedRows
from ledger.people.tables import Deed
from ledger.tables import Invoice
from portal.models import AuditEntry
from rulebook.tables import VersionRow
from settlement.tables import ReadingFileRow, RunRow

BY_COMMAND = "by command"


@dataclass(frozen=True)
class TrailEntry:
    """One thing that was done: when, by whom, what, to what and why."""

    at: dt.datetime
    who: str
    what: str
    subject: str
    why: str = ""


class Trail:
    """Every entry, latest first, as a sequence that is read a page at a time."""

    def __init__(self, session: Session) -> None:
        self.facts = [
            PagedRows(session, query.order_by(*latest_first), partial(_told, tell))
            for query, latest_first, tell in _FACTS
        ]
        self.kept = AuditEntry.objects.all()

    def __len__(self) -> int:
        return sum(map(len, self.facts)) + self.kept.count()

    def __iter__(self) -> Iterator[TrailEntry]:
        return iter(self[: len(self)])

    def __getitem__(self, part: slice) -> list[TrailEntry]:
        """Return a slice; of each kind of entry no more are read than stand up to its end."""
        kinds = [*(facts[: part.stop] for facts in self.facts), _of_portal(self.kept[: part.stop])]
        merged = heapq.merge(*kinds, key=lambda entry: entry.at, reverse=True)
        return list(islice(merged, part.start, part.stop))


def _of_portal(entries: Iterable[AuditEntry]) -> Iterator[TrailEntry]:
    for entry in entries:
        who = entry.account or "nobody known"
        yield TrailEntry(entry.at, who, entry.get_action_display(), entry.subject, entry.reason)


def _told(tell: Callable[[Any], TrailEntry], rows: Sequence[Any]) -> list[TrailEntry]:
    return [tell(row) for row in rows]


def _done(row: Any) -> TrailEntry:
    return TrailEntry(row.at, row.account, f"Ran {row.command}", row.words)


def _settled(row: Any) -> TrailEntry:
    subject = f"{row.market} {row.kind} {row.first_day} to {row.last_day}"
    return TrailEntry(row.created_at, BY_COMMAND, "Settled", subject)


def _ingested(row: Any) -> TrailEntry:
    subject = f"{row.market} {row.name}"
    return TrailEntry(row.received_at, BY_COMMAND, "Ingested readings", subject)


def _published(row: Any) -> TrailEntry:
    who = f"{row.author}, approved by {row.approver}"
    return TrailEntry(row.at, who, "Published", row.instrument, row.reason)


def _issued(row: Any) -> TrailEntry:
    plural = "" if row.documents == 1 else "s"
    subject = f"{row.market}, {row.billing_month:%B %Y}: {row.documents} document{plural}"
    return TrailEntry(row.issued_at, BY_COMMAND, "Issued", subject)


_VERSION = (
    VersionRow.instrument,
    VersionRow.digest,
    VersionRow.author,
    VersionRow.approver,
    VersionRow.reason,
)
_ISSUE = (Invoice.issued_at, Invoice.market, Invoice.billing_month)
# Publishing records again what remains of an earlier version: the first record is the deed.
_FIRST_RECORDED = func.min(func.lower(VersionRow.recorded)).label("at")

_FACTS: tuple[tuple[Any, tuple[Any, ...], Callable[[Any], TrailEntry]], ...] = (
    (
        select(RunRow.created_at, RunRow.market, RunRow.kind, RunRow.first_day, RunRow.last_day),
        (RunRow.created_at.desc(), RunRow.id),
        _settled,
    ),
    (
        select(ReadingFileRow.received_at, ReadingFileRow.market, ReadingFileRow.name),
        (ReadingFileRow.received_at.desc(), ReadingFileRow.id),
        _ingested,
    ),
    (
        select(*_VERSION, _FIRST_RECORDED).group_by(*_VERSION),
        (_FIRST_RECORDED.desc(), VersionRow.instrument, VersionRow.digest),
        _published,
    ),
    (
        select(*_ISSUE, func.count().label("documents")).group_by(*_ISSUE),
        (_ISSUE[0].desc(), *_ISSUE[1:]),
        _issued,
    ),
    (
        select(Deed.at, Deed.account, Deed.command, Deed.words),
        (Deed.at.desc(), Deed.number.desc()),
        _done,
    ),
)
"""What of the ledger stands in the trail: its query, its order, and what a row says."""
