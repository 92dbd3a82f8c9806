"""Ingest meter files: check cells and rules, place them in days, store every new revision."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

import ledger.store
from common.refusals import Finding, Refused
from rulebook.days import range_words, ranges_alike
from rulebook.law import rules_for_period
from rulebook.resolve import RulePeriod
from rulebook.store import time_zone
from settlement.meters import store
from settlement.meters.cells import read_readings
from settlement.meters.check import CheckedFile, check_readings, local_days
from settlement.meters.digest import (
    StoredFile,
    StoredReading,
    content_digest,
    file_identity,
    reading_digest,
    readings_root,
)
from settlement.meters.gathering import DayVector
from settlement.meters.register import MeterRegister
from settlement.meters.terms import meter_register

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class MeterFile:
    """A file as it was sent: its name, for findings, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class IngestedFile:
    """What became of an accepted file; `is_new` is false when its content was known before."""

    file: StoredFile
    is_new: bool
    notices: tuple[Finding, ...]


def ingest(
    session: Session, market: str, files: Sequence[MeterFile], *, received_at: dt.datetime
) -> list[IngestedFile]:
    """Check files of readings against the rules and store what is new in them, all or nothing.

    A day vector that differs from the latest one known becomes its next revision; one that does
    not is counted as unchanged. Files are taken in the order given.

    Raises:
        Refused: with every finding of every file; nothing is written.
    """
    store.lock_readings(session, market)
    findings: list[Finding] = []
    checked: list[CheckedFile | StoredFile] = []
    for file in files:
        known = store.find_file(session, market, content_digest(file.content))
        if known is not None:
            checked.append(known)
            continue
        check = _check(session, market, file, received_at)
        findings.extend(check.findings)
        checked.append(check)
    # A file that was taken before changes nothing, so it may be sent again at any time.
    if any(isinstance(outcome, CheckedFile) for outcome in checked):
        findings.extend(_arrived_before_a_look(session, market, received_at))
    if findings:
        raise Refused(findings)
    # All files or none: a later one may still be refused when an earlier one is stored already.
    with session.begin_nested():
        ingested = _stored(session, market, files, checked, received_at)
        # After all readings: what is a leaf of the log takes its lock, and others wait for that.
        store.append_files(session, [each.file for each in ingested if each.is_new])
    return ingested


def _stored(
    session: Session,
    market: str,
    files: Sequence[MeterFile],
    checked: Sequence[CheckedFile | StoredFile],
    received_at: dt.datetime,
) -> list[IngestedFile]:
    """Store the readings of files, and return the files that are still to be stored as new."""
    ingested: list[IngestedFile] = []
    new: dict[bytes, StoredFile] = {}
    for file, outcome in zip(files, checked, strict=True):
        digest = content_digest(file.content)
        if isinstance(outcome, StoredFile):
            ingested.append(IngestedFile(outcome, False, ()))
        elif digest in new:  # the same content twice in one request
            ingested.append(IngestedFile(new[digest], False, ()))
        else:
            new[digest] = _store(session, market, file, outcome, received_at)
            ingested.append(IngestedFile(new[digest], True, outcome.notices))
    return ingested


def _arrived_before_a_look(
    session: Session, market: str, received_at: dt.datetime
) -> Iterator[Finding]:
    """Yield a finding when a run looked at what was known then: its replay must see the same."""
    last = store.last_look(session, market)
    if last is not None and received_at <= last:
        yield Finding(
            "received-before-a-run",
            f"market {market}",
            f"received {received_at.isoformat()}",
            f"after {last.isoformat()}, up to which a run has looked at readings",
            "ingest again; set the clock right if it happens again",
        )


def _check(session: Session, market: str, file: MeterFile, received_at: dt.datetime) -> CheckedFile:
    table, unreadable = read_readings(file.name, file.content)
    if table is None:
        return CheckedFile(0, (), tuple(unreadable), (), 0)
    zone = time_zone(session, market, received_at)
    if zone is None:
        raise Refused(
            [
                Finding(
                    "no-rules",
                    market,
                    f"no market rules known at {received_at.isoformat()}",
                    "readings are checked against published rules",
                    "publish the market's rules, or correct the name of the market",
                )
            ]
        )
    periods = _periods_of(session, market, local_days(table, zone), received_at)
    register = meter_register(periods) if periods else MeterRegister(market, zone, ())
    checked = check_readings(table, register, received_at)
    return CheckedFile(
        checked.row_count,
        checked.vectors,
        (*unreadable, *checked.findings),
        checked.notices,
        checked.late_day_count,
    )


def _periods_of(
    session: Session, market: str, days: Sequence[dt.date], known: dt.datetime
) -> list[RulePeriod]:
    """Return the rules of each day that has them; a day in a gap of validity is left out."""
    if not days:
        return []
    is_one_run = (days[-1] - days[0]).days == len(days) - 1
    if is_one_run:
        try:
            return rules_for_period(session, market, days[0], days[-1], known)
        except Refused as refused:
            if any(finding.code != "validity-gap" for finding in refused.findings):
                raise
            if len(days) == 1:
                return []
    # One day in a gap refuses its whole range; halved, every other day finds its rules.
    middle = len(days) // 2
    return [
        *_periods_of(session, market, days[:middle], known),
        *_periods_of(session, market, days[middle:], known),
    ]


def _store(
    session: Session,
    market: str,
    file: MeterFile,
    checked: CheckedFile,
    received_at: dt.datetime,
) -> StoredFile:
    """Store the readings of a file, and return the file, which is still to be stored."""
    digest = content_digest(file.content)
    readings = _revisions(session, market, file, checked, received_at)
    sealed = [
        ((reading.settlement_day, reading.measure, reading.entity), reading_digest(reading))
        for reading in readings
    ]
    store.append_readings(session, readings, [of_reading for _, of_reading in sealed])
    return StoredFile(
        id=file_identity(market, digest),
        market=market,
        name=file.name,
        content_digest=digest,
        received_at=received_at,
        first_day=checked.vectors[0].settlement_day,
        last_day=checked.vectors[-1].settlement_day,
        row_count=checked.row_count,
        vector_count=len(readings),
        unchanged_count=len(checked.vectors) - len(readings),
        late_day_count=checked.late_day_count,
        readings_root=readings_root(sealed),
    )


def _revisions(
    session: Session,
    market: str,
    file: MeterFile,
    checked: CheckedFile,
    received_at: dt.datetime,
) -> list[StoredReading]:
    """Return what a file says that was not known, each as the next revision of its vector.

    Raises:
        Refused: it was received before what it follows, or its day is sealed.
    """
    file_id = file_identity(market, content_digest(file.content))
    first_day = checked.vectors[0].settlement_day
    last_day = checked.vectors[-1].settlement_day
    latest = store.latest_vectors(session, market, first_day, last_day)
    readings: list[StoredReading] = []
    findings: list[Finding] = []
    for reported in checked.vectors:
        before = latest.get((reported.settlement_day, reported.measure, reported.entity))
        vector = (
            reported.completed(before.values, before.quality) if before else reported.completed()
        )
        if before is not None and before.equals(vector.values, vector.quality):
            continue
        if before is not None and before.received_at > received_at:
            findings.append(_received_before(file, vector, before.received_at, received_at))
        readings.append(
            StoredReading(
                market=market,
                settlement_day=vector.settlement_day,
                measure=vector.measure,
                entity=vector.entity,
                revision=before.revision + 1 if before else 1,
                values=vector.values,
                quality=vector.quality,
                received_at=received_at,
                file_id=file_id,
            )
        )
    findings.extend(_of_sealed_days(session, file, readings))
    if findings:
        raise Refused(findings)
    return readings


def _of_sealed_days(
    session: Session, file: MeterFile, readings: Sequence[StoredReading]
) -> Iterator[Finding]:
    """Yield a finding for each range of sealed days about which a file says anything new."""
    vectors = Counter((reading.market, reading.settlement_day) for reading in readings)
    sealed = sorted(ledger.store.sealed_at(session, vectors).items())
    alike = ranges_alike((day, (market, at)) for (market, day), at in sealed)
    for first, last, (market, at) in alike:
        count = sum(
            count
            for (of_market, day), count in vectors.items()
            if of_market == market and first <= day <= last
        )
        yield Finding(
            "day-is-sealed",
            f"{file.name}: {market} {range_words(first, last)}",
            f"{count} day vector{'s' if count > 1 else ''} that differ from what is known",
            f"no reading is accepted for a sealed day; sealed at {at.isoformat()}",
            f"open a dispute of the document, or adjust a later period; leave the "
            f"{'day' if first == last else 'days'} out",
        )


def _received_before(
    file: MeterFile, vector: DayVector, before: dt.datetime, received_at: dt.datetime
) -> Finding:
    return Finding(
        "received-before",
        file.name,
        f"{vector.entity} {vector.measure} {vector.settlement_day}, "
        f"received {received_at.isoformat()}",
        f"not before the revision it follows, received {before.isoformat()}",
        "set the clock right; what was known at an instant must stay as it was",
    )
