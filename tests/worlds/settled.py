"""Ready-made states of the store for tests: the tiny market published, metered and settled."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from ledger.seal import DayToSeal, SealRequest
from rulebook.days import day_start
from rulebook.documents import Document
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.settle import settle
from tests.worlds import tiny_market
from tests.worlds.law import publish

FIRST_DAY = dt.date(2024, 1, 1)
LAST_DAY = dt.date(2024, 1, 3)
PUBLISHED = dt.datetime(2024, 3, 1, 9, 0, tzinfo=dt.UTC)
INGESTED = PUBLISHED + dt.timedelta(hours=1)
SETTLED = PUBLISHED + dt.timedelta(hours=2)
CORRECTED = PUBLISHED + dt.timedelta(hours=3)
RESETTLED = PUBLISHED + dt.timedelta(hours=4)


def publish_tiny(
    session: Session,
    documents: Sequence[Document] | None = None,
    valid_from: dt.date = tiny_market.VALID_FROM,
    known: dt.datetime = PUBLISHED,
) -> None:
    """Publish the tiny market's law, or some documents of it, from 2024-01-01 or another day."""
    publish(
        session,
        list(documents or tiny_market.documents()),
        valid_from=valid_from,
        known=known,
        reason="First law of the market",
    )


def ingest_tiny(session: Session, first_day=FIRST_DAY, last_day=LAST_DAY, **options) -> None:
    """Ingest seeded readings of the tiny market."""
    received_at = options.pop("received_at", INGESTED)
    content = tiny_market.readings_csv(first_day, last_day, **options)
    ingest(session, "tiny", [MeterFile("readings.csv", content)], received_at=received_at)


def settle_tiny(session: Session, kind="II", now=SETTLED, **options):
    """Settle and post the tiny market's days."""
    settled = settle(session, "tiny", kind, FIRST_DAY, LAST_DAY, known_at=now, now=now, **options)
    post(session, settled.run, now=now)
    return settled.run


def fill_tiny(session: Session):
    """Publish, meter and settle the tiny market once; return the run."""
    publish_tiny(session)
    ingest_tiny(session)
    return settle_tiny(session)


def bill_tiny(session: Session):
    """Publish, meter, settle and bill the tiny market once; return the documents."""
    fill_tiny(session)
    return issue_month(session, "tiny", tiny_market.VALID_FROM, now=SETTLED).invoices


def seal_request(first_day=FIRST_DAY, last_day=LAST_DAY) -> SealRequest:
    """Return the request to seal days of the tiny market; what it asks of terms is not checked."""
    count = (last_day - first_day).days + 1
    starts = [
        day_start(first_day + dt.timedelta(days=offset), tiny_market.ZONE)
        for offset in range(count + 1)
    ]
    days = [
        DayToSeal(first_day + dt.timedelta(days=offset), starts[offset], starts[offset + 1])
        for offset in range(count)
    ]
    return SealRequest("tiny", tuple(days), "bea", "The year is closed")


def correct_tiny(session: Session) -> None:
    """Ingest a correction of one supply point on all days."""
    ingest_tiny(session, seed=2, only=["B-home"], received_at=CORRECTED)
