"""Verification of what was handed over: each row by itself, and made again from the log."""

from collections.abc import Iterator
from functools import cache
from itertools import groupby

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from database.bulk import driver_connection
from market.handing_over import Law, Log, made_day
from market.replaying import UNTAKEABLE
from settlement.runs.online_day_store import every_online_day
from settlement.runs.online_days import StoredOnlineDay
from settlement.verification import Check

HANDED = "online-day"
LIMIT = "what is handed over follows from the market's log, and a revision says something else"


def verify_online_days(session: Session) -> Iterator[Finding]:
    """Hold every hand-over to its digest, to its content, and to the revisions before it."""
    rows = groupby(every_online_day(session), key=lambda row: (row[0].market, row[0].day))
    for _, revisions in rows:
        before: StoredOnlineDay | None = None
        for handed, digest in revisions:
            value = _wrong(handed, digest, before)
            if value:
                yield damage(HANDED, _place(handed), value, limit=LIMIT)
            before = handed


def verify_handed_days(session: Session, law: Law) -> Iterator[Finding]:
    """Make every hand-over again from its market's log, up to the event that it names."""
    logs: dict[tuple[str, int], Log] = {}
    for handed, _ in every_online_day(session):
        end = (handed.market, handed.sequence)
        try:
            if end not in logs:
                logs[end] = Log.up_to(driver_connection(session), *end)
            resolve = cache(law(session, handed.market))
            made = made_day(logs[end], handed.day, handed.recorded_at, resolve)
        except UNTAKEABLE as unreadable:
            value = f"the log cannot be read: {(str(unreadable).splitlines() or [''])[0]}"
            yield damage(HANDED, _place(handed), value, limit=LIMIT)
            continue
        if made is None or made.content != handed.content:
            value = f"the log, up to event {handed.sequence}, says otherwise of the day"
            yield damage(HANDED, _place(handed), value, limit=LIMIT)


def _wrong(handed: StoredOnlineDay, digest: bytes, before: StoredOnlineDay | None) -> str | None:
    if handed.digest != digest:
        return "its columns give another digest"
    try:
        said = handed.said
    except UNTAKEABLE as unreadable:
        return f"its content cannot be read: {(str(unreadable).splitlines() or [''])[0]}"
    if (said.market, said.day, said.content) != (handed.market, handed.day, handed.content):
        return "its content is of another market or day, or written otherwise"
    if handed.revision != (1 if before is None else before.revision + 1):
        return "the revision before it is not there"
    if before is not None and (
        before.recorded_at >= handed.recorded_at or before.content == handed.content
    ):
        return "it says what the one before it said, or was not recorded after it"
    return None


def _place(handed: StoredOnlineDay) -> str:
    return f"settlement.online_day {handed.market}/{handed.day}/{handed.revision}"


CHECK = Check("what markets handed over", verify_online_days)
