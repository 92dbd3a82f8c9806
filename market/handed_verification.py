"""Verification of what was handed over: each row its digest, and what the log says of its day."""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from database.bulk import driver_connection
from market.handing_over import Log, made_day
from market.replaying import UNTAKEABLE
from settlement.runs.online_day_store import every_online_day
from settlement.runs.online_days import StoredOnlineDay
from settlement.verification import Check

HANDED = "online-day"
LIMIT = (
    "what is handed over follows from the market's log, and each revision from another end of it"
)


def verify_online_days(session: Session) -> Iterator[Finding]:
    """Hold every hand-over to its digest, to the revisions before it, and to the market's log."""
    logs: dict[tuple[str, int], Log] = {}
    rows = groupby(every_online_day(session), key=lambda row: (row[0].market, row[0].day))
    for _, revisions in rows:
        before: StoredOnlineDay | None = None
        for handed, digest in revisions:
            place = f"settlement.online_day {handed.market}/{handed.day}/{handed.revision}"
            value = _wrong(session, handed, digest, before, logs)
            if value:
                yield damage(HANDED, place, value, limit=LIMIT)
            before = handed


def _wrong(
    session: Session,
    handed: StoredOnlineDay,
    digest: bytes,
    before: StoredOnlineDay | None,
    logs: dict[tuple[str, int], Log],
) -> str | None:
    if handed.digest != digest:
        return "its columns give another digest"
    if handed.revision != (1 if before is None else before.revision + 1):
        return "the revision before it is not there"
    if before is not None and (
        before.recorded_at >= handed.recorded_at or before.content == handed.content
    ):
        return "it says nothing that the one before it did not, or was not recorded after it"
    end = (handed.market, handed.sequence)
    try:
        if end not in logs:
            logs[end] = Log.up_to(driver_connection(session), *end)
        made = made_day(session, logs[end], handed.day, handed.recorded_at)
    except UNTAKEABLE as unreadable:
        return f"the log cannot be read: {(str(unreadable).splitlines() or [''])[0]}"
    if made is None or made.content != handed.content:
        return f"the log, up to event {handed.sequence}, says otherwise of the day"
    return None


CHECK = Check("what markets handed over", verify_online_days)
