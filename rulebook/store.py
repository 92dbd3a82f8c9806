"""Versions in PostgreSQL: read, append, close. The caller opens the transaction."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    bindparam,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook.standing import Record
from rulebook.tables import VersionRow
from rulebook.versions import IN_FORCE, Version

_FETCH_AT_ONCE = 200

_COLUMNS = tuple(VersionRow.__table__.columns)
"""A version is read as its columns: as an object of the session, one read before would stay."""

_RECORD = (
    VersionRow.valid,
    VersionRow.recorded,
    VersionRow.supersedes,
    VersionRow.id,
    VersionRow.instrument,
    VersionRow.digest,
    VersionRow.author,
    VersionRow.approver,
    VersionRow.approval,
    VersionRow.reason,
    VersionRow.origin,
)
"""What is read of a version where its text is not: a text may be long, and its history too."""

DAY_IS_SEALED = "day_is_sealed"
"""The constraint that triggers name which keep the law of sealed days."""

KEEP_SEALED = "rulebook.keep_sealed"
"""The trigger that waits until what takes the place of closed versions has been appended."""


def lock_market(session: Session, market: str) -> None:
    """Wait until no other transaction publishes for `market`; held to the transaction's end."""
    session.execute(
        # Advisory, as the first publication of a market finds no row that it could lock.
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"rulebook/{market}"},
    )


def new_identities(session: Session, count: int) -> Sequence[uuid.UUID]:
    """Return identities for versions, made by the server so that they rise with time."""
    series = func.generate_series(1, count).table_valued("number")
    return session.execute(select(func.uuidv7()).select_from(series)).scalars().all()


def open_versions(session: Session, market: str) -> tuple[Version, ...]:
    """Return the versions of `market` whose recorded time has not ended."""
    return _versions(session, VersionRow.market == market, func.upper_inf(VersionRow.recorded))


def markets(session: Session) -> list[str]:
    """Return the markets that have any law, sorted."""
    return list(session.scalars(select(VersionRow.market).distinct().order_by(VersionRow.market)))


def last_recorded(session: Session, market: str) -> dt.datetime | None:
    """Return the latest instant at which a version of `market` was recorded."""
    latest: dt.datetime | None = session.execute(
        select(func.max(func.lower(VersionRow.recorded))).where(VersionRow.market == market)
    ).scalar_one()
    return latest


def versions_known(
    session: Session,
    market: str,
    known: dt.datetime,
    start: dt.datetime,
    end: dt.datetime | None,
    kind: str | None = None,
) -> tuple[Version, ...]:
    """Return the versions recorded at `known` that apply at some instant of [start, end).

    Of one kind, where it is named.
    """
    times = {"of_market": market, "starts": start, "ends": end, "known_at": known}
    if kind is None:
        return _read(session, _WITHIN, times)
    return _read(session, _WITHIN.where(VersionRow.kind == kind), times)


def versions_of(session: Session, instrument: str, known: dt.datetime) -> tuple[Version, ...]:
    """Return the versions of one instrument recorded at `known`, whenever they apply."""
    return _versions(session, VersionRow.instrument == instrument, _holds(known))


def records(session: Session, market: str, instruments: Iterable[str]) -> dict[str, list[Record]]:
    """Return every version of each instrument asked for, without its text, as it was appended."""
    return _records(
        session, VersionRow.market == market, VersionRow.instrument.in_(list(instruments))
    )


def every_record(session: Session) -> dict[str, list[Record]]:
    """Return all versions of all markets, without their texts, by instrument."""
    return _records(session)


def records_at(
    session: Session, market: str, instant: dt.datetime, known: dt.datetime
) -> list[Record]:
    """Return the versions recorded at `known` that apply at an instant, by instrument."""
    applies = VersionRow.valid.op("@>", is_comparison=True)(func.tstzrange(instant, instant, "[]"))
    found = _records(session, VersionRow.market == market, _holds(known), applies)
    return [record for name in sorted(found) for record in found[name]]


def records_of_day(
    session: Session, market: str, instruments: Collection[str], instant: dt.datetime
) -> dict[str, list[Record]]:
    """Return every version of some instruments that was known, now or ever, to apply at an instant.

    By instrument; one that never was law then is absent.
    """
    applies = VersionRow.valid.op("@>", is_comparison=True)(func.tstzrange(instant, instant, "[]"))
    named = VersionRow.instrument.in_(list(instruments))
    return _records(session, VersionRow.market == market, named, applies)


def records_from(
    session: Session, market: str, start: dt.datetime, known: dt.datetime
) -> dict[str, list[Record]]:
    """Return the versions recorded at `known` that apply at some instant from `start` on."""
    later = VersionRow.valid.op("&&", is_comparison=True)(func.tstzrange(start, None, "[)"))
    return _records(session, VersionRow.market == market, _holds(known), later)


def records_of_approvals(session: Session, numbers: Collection[int]) -> dict[int, list[Record]]:
    """Return the versions that name each approval asked for, without their texts, by its number."""
    found: dict[int, list[Record]] = {number: [] for number in numbers}
    for of_document in _records(session, VersionRow.approval.in_(list(numbers))).values():
        for record in of_document:
            found[record.approval].append(record)
    return found


def _records(session: Session, *conditions: ColumnElement[bool]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for row in session.execute(select(*_RECORD).where(*conditions).order_by(VersionRow.id)):
        valid, recorded, supersedes, *same = row
        times = _start(valid), valid.upper, _start(recorded), recorded.upper
        record = Record(*times, tuple(supersedes), *same)
        found.setdefault(record.instrument, []).append(record)
    return found


def time_zone(session: Session, market: str, known: dt.datetime) -> str | None:
    """Return the time zone of `market`, or None when no rules of it were known at `known`."""
    return session.scalars(_ZONE, {"rules": f"{market}/market-rules", "known": known}).first()


def time_zones(
    session: Session, asked: Iterable[str], known: dt.datetime | None = None
) -> dict[str, str]:
    """Return the time zone of each market asked for, the same in all its market rules.

    A market whose rules were not known at `known` is absent; without `known`, one that never had
    any.
    """
    rules = select(VersionRow.market, VersionRow.body["time_zone"].astext.label("time_zone")).where(
        VersionRow.kind == "market-rules", VersionRow.market.in_(set(asked))
    )
    if known is not None:
        rules = rules.where(_holds(known))
    return {row.market: row.time_zone for row in session.execute(rules.distinct())}


def versions_with_digests(session: Session, digests: Mapping[str, bytes]) -> tuple[Version, ...]:
    """Return every version of each instrument with the digest given for it, whatever its times."""
    return _versions(
        session, tuple_(VersionRow.instrument, VersionRow.digest).in_(list(digests.items()))
    )


def versions_by_id(session: Session, identities: Collection[uuid.UUID]) -> tuple[Version, ...]:
    """Return the versions of some identities."""
    return _versions(session, VersionRow.id.in_(list(identities)))


def first_with_digest(session: Session, digest: bytes) -> Version | None:
    """Return the version by which a text was first recorded; None where none has the digest."""
    found = _versions(session, VersionRow.digest == digest)
    return min(found, key=lambda version: (version.recorded_from, version.id), default=None)


def instruments_of_digests(session: Session, digests: Collection[bytes]) -> dict[bytes, str]:
    """Return the instrument of which each digest is a version; unknown digests are absent."""
    query = select(VersionRow.digest, VersionRow.instrument).where(VersionRow.digest.in_(digests))
    return {row.digest: row.instrument for row in session.execute(query.distinct())}


def every_version(session: Session) -> Iterator[Version]:
    """Yield all versions of all markets, in the order in which they were appended."""
    statement = select(*_COLUMNS).order_by(VersionRow.id)
    for row in session.execute(statement.execution_options(yield_per=_FETCH_AT_ONCE)):
        yield _version(row)


def close(session: Session, identities: Iterable[uuid.UUID], at: dt.datetime) -> None:
    """End the recorded time of versions at `at`."""
    closed = func.tstzrange(func.lower(VersionRow.recorded), at, "[)")
    session.execute(
        update(VersionRow)
        .where(VersionRow.id.in_(list(identities)))
        .values(recorded=closed)
        .execution_options(synchronize_session=False)
    )


def append(session: Session, versions: Iterable[Version]) -> None:
    """Append versions.

    What they take the place of has been closed: whether that leaves a sealed day without its law
    is decided here, not at the end of the transaction, where nobody could say it in a sentence.

    Raises:
        Refused: one would change the law of a day that has been sealed meanwhile, or its closing.
    """
    rows = [_row(version) for version in versions]
    if not rows:
        return
    try:
        session.execute(insert(VersionRow), rows)
        session.execute(text(f"SET CONSTRAINTS {KEEP_SEALED} IMMEDIATE"))
        session.execute(text(f"SET CONSTRAINTS {KEEP_SEALED} DEFERRED"))
    except IntegrityError as error:
        cause = error.orig
        if isinstance(cause, psycopg.Error) and cause.diag.constraint_name == DAY_IS_SEALED:
            raise Refused([_sealed(cause)]) from error
        raise


def _sealed(cause: psycopg.Error) -> Finding:
    # The triggers state instrument and day alone; the sentence is written here.
    instrument, _, day = (cause.diag.message_detail or "the document of a day").rpartition(" of ")
    return Finding(
        "law-of-sealed-day",
        instrument,
        f"other law, or none of it, on {day}, which was sealed meanwhile",
        "the law of a sealed day does not change",
        "let it begin or end on a later day, and adjust a later period",
    )


def _holds(instant: dt.datetime) -> ColumnElement[bool]:
    return VersionRow.recorded.op("@>", is_comparison=True)(func.tstzrange(instant, instant, "[]"))


def _select(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*_COLUMNS).where(*conditions).order_by(VersionRow.instrument, VersionRow.id)


def _versions(session: Session, *conditions: ColumnElement[bool]) -> tuple[Version, ...]:
    return _read(session, _select(*conditions), {})


def _read(session: Session, query: Select[Any], values: Mapping[str, Any]) -> tuple[Version, ...]:
    return tuple(_version(row) for row in session.execute(query, values))


_MOMENT = DateTime(timezone=True)
_ZONE = (
    # Any of the rules says it. By instrument and status, one is found by the index that keeps them
    # apart; by market and kind, every version would be looked at.
    select(VersionRow.body["time_zone"].astext)
    .where(
        VersionRow.instrument == bindparam("rules"),
        VersionRow.status == IN_FORCE,
        VersionRow.recorded.op("@>", is_comparison=True)(bindparam("known", type_=_MOMENT)),
    )
    .limit(1)
)
_WITHIN = _select(
    VersionRow.id.in_(
        select(
            func.rulebook.versions_within(
                bindparam("of_market", type_=Text()),
                *(bindparam(name, type_=_MOMENT) for name in ("starts", "ends", "known_at")),
            ).column_valued("found")
        )
    )
)
"""Which law applies within some time. Both are asked of every page and day: put together once."""


def _start(times: Range[dt.datetime]) -> dt.datetime:
    if times.lower is None:
        raise ValueError(f"a version has a range without beginning, {times}")
    return times.lower


def _version(row: Any) -> Version:
    return Version(
        id=row.id,
        market=row.market,
        instrument=row.instrument,
        kind=row.kind,
        body=row.body,
        digest=row.digest,
        valid_from=_start(row.valid),
        valid_to=row.valid.upper,
        recorded_from=_start(row.recorded),
        recorded_to=row.recorded.upper,
        status=row.status,
        author=row.author,
        approver=row.approver,
        approval=row.approval,
        reason=row.reason,
        supersedes=tuple(row.supersedes),
        origin=row.origin,
        row_digest=row.row_digest,
    )


def _row(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "market": version.market,
        "instrument": version.instrument,
        "kind": version.kind,
        "body": dict(version.body),
        "digest": version.digest,
        "valid": Range(version.valid_from, version.valid_to, bounds="[)"),
        "recorded": Range(version.recorded_from, version.recorded_to, bounds="[)"),
        "status": version.status,
        "author": version.author,
        "approver": version.approver,
        "approval": version.approval,
        "reason": version.reason,
        "supersedes": list(version.supersedes),
        "origin": version.origin,
        "row_digest": version.row_digest,
    }
