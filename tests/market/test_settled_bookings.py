"""A market online and its settlement: handed over, settled, billed, proven, and told back."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from common.refusals import Refused
from database.bulk import driver_connection
from ledger.log.checkpoints import publish_checkpoint
from market import store
from market.core.bookings import State
from market.core.events import Event, Kind
from market.core.forward import MINUTE_US
from market.evidence_part import published_part
from market.fed_days import events_of_day
from market.handing_over import hand_over
from market.inbox import submit
from market.moments import local_day, midnight_us
from market.settling import settle_with_market
from market.verification import CHECKS
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.core.booked import BOOKED, CHARGE, DELIVERED
from settlement.evidence.recompute import recompute
from settlement.explanations.explain import explain_interval, explain_line, line_day, line_references
from settlement.replays.replay import replay
from settlement.runs.online_day_store import every_online_day
from settlement.runs.store import day_vectors, stored_values
from settlement.verification import list_checks
from tests.market.test_evidence_of_prices import checked, evidence, live_through
from tests.market.test_feed import ONLINE
from tests.settlement.trial_cases import changed
from tests.worlds import tiny_market
from tests.worlds.logged import signer
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    RESETTLED,
    SETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
)

DAYS = [FIRST_DAY + dt.timedelta(days=number) for number in range(3)]
BOOKED_DAY = DAYS[1]
LATER = RESETTLED + dt.timedelta(hours=1)
PUBLISHED_PRICE = {**ONLINE, "charged_price": "published"}


def law(online=ONLINE):
    """The tiny market's law with the market online, and a clause that its bookings rest on."""
    clause = {"anchor": "MR-9", "text": "A booking.", "fields": [], "lines": ["charge.booking"]}
    return [
        changed(
            document,
            online=online,
            clauses=[*document.model_dump(mode="json")["clauses"], clause],
        )
        if document.kind == "market-rules"
        else document
        for document in tiny_market.documents()
    ]


def ask(session, key: str, point: str, product: str, energy_wh: int, side: str = "buy") -> None:
    """Ask on the first day for energy of the morning of the second."""
    at_us = midnight_us(BOOKED_DAY, tiny_market.ZONE) - 30 * MINUTE_US
    earliest = midnight_us(BOOKED_DAY, tiny_market.ZONE) // MINUTE_US + 8 * 60
    limit = 0 if side == "sell" else 6_000_000_000
    numbers = (energy_wh, 4 * energy_wh, earliest, earliest + 4 * 60, limit)
    day = local_day(at_us, tiny_market.ZONE)
    told = Event(day, key, Kind.REQUEST, point, at_us, numbers, (product, side))
    assert submit(session, "tiny", [told], by="test") == []


def live(session, online=ONLINE) -> None:
    """Live through two days and the beginning of a third; on the first something is booked."""
    publish_tiny(session, law(online))
    ingest_tiny(session)
    first = events_of_day(session, "tiny", DAYS[0], SETTLED)
    late_us = midnight_us(BOOKED_DAY, tiny_market.ZONE) - 30 * MINUTE_US
    assert submit(session, "tiny", [e for e in first if e.at_us <= late_us], by="test") == []
    ask(session, "charge", "C-office", "office", 3_000_000)
    ask(session, "heat", "B-home", "home", 500)
    ask(session, "sun", "C-office", "office", 900, "sell")
    for day in DAYS:
        live_through(session, day)


def settled(session, kind="II", now=SETTLED):
    run = settle_with_market(
        session, "tiny", kind, DAYS[0], DAYS[2], known_at=now, now=now
    ).run
    post(session, run, now=now)
    return run


def results(session, run, measure: str) -> dict[str, int]:
    values = stored_values(day_vectors(session, run.id, BOOKED_DAY))
    return {entity: int(row.sum()) for (name, entity), row in values.items() if name == measure}


def bookings(session) -> dict[str, dict]:
    entries = store.latest_bookings(driver_connection(session), "tiny", None)
    return {each["key"]: each for each in (json.loads(entry.record) for entry in entries)}


def findings(session) -> list:
    checks = (*list_checks(threads=1), *CHECKS)
    return [found for check in checks for found in check.run(session)]


@pytest.fixture
def online(session):
    live(session)
    return session


def test_bookings_are_handed_over_settled_billed_and_told_back(online, session):
    session = online
    run = settled(session)
    (handed,) = [each for each, _ in every_online_day(session) if each.said.bookings]
    assert handed.day == BOOKED_DAY
    assert {each.point for each in handed.said.bookings} == {"C-office", "B-home"}
    assert handed.said.is_published.all()
    assert results(session, run, BOOKED) == {
        "1/C-office": 3_000_000,
        "2/B-home": 500,
        "3/C-office": -900,
    }
    # The home takes more than it booked, and by subscription: nothing is owed. Nothing was fed in.
    delivered = results(session, run, DELIVERED)
    assert delivered["2/B-home"] == 500
    assert delivered["3/C-office"] == 0
    assert 0 < delivered["1/C-office"] <= 3_000_000
    charged = results(session, run, CHARGE)
    assert charged["2/B-home"] == 0
    assert charged["1/C-office"]

    documents = issue_month(session, "tiny", DAYS[0].replace(day=1), now=SETTLED).invoices
    lines = {
        line.subject: (each, line)
        for each in documents
        for line in each.lines
        if line.kind == "charge.booking"
    }
    assert lines["1/C-office"][1].description.startswith("Booking 1: ")
    assert lines["1/C-office"][1].amount_micro == charged["1/C-office"]
    assert lines["1/C-office"][1].clauses == ("MR-9",)
    # By subscription no money moves; the line names the booking all the same.
    assert (lines["2/B-home"][1].amount_micro, lines["2/B-home"][1].quantity) == (0, 500)
    assert findings(session) == []


def test_deliveries_are_told_once_and_corrected_by_a_later_run(online, session):
    live_on(session)
    settled(session)
    assert lead_deliveries(session) > 0
    told = bookings(session)
    assert told["heat"]["state"] == State.DELIVERED
    assert told["sun"]["state"] == State.MISSED
    settled(session)
    assert lead_deliveries(session) == 0
    correct_tiny(session)
    run = settled(session, "SF", RESETTLED)
    lead_deliveries(session)
    found = {each["number"]: each for each in bookings(session).values()}
    for entity, delivered in results(session, run, DELIVERED).items():
        record = found[int(entity.partition("/")[0])]
        assert sum(each["energy_wh"] for each in record["told"]) == abs(delivered)
    assert findings(session) == []


def live_on(session) -> None:
    assert bookings(session)["heat"]["state"] == State.BOOKED


def lead_deliveries(session) -> int:
    count = "SELECT count(*) FROM market.submission WHERE kind = 'delivery'"
    waiting = session.scalar(text(count))
    from tests.market.test_evidence_of_prices import (
        Leader,
        catch_up,
        find_course,
        law_in,
    )

    connection = driver_connection(session)
    course = find_course(connection, "tiny", law_in(session, "tiny"))
    epoch = store.begin_epoch(connection, "tiny")
    catch_up(connection, course)
    leader = Leader(connection, course, epoch)
    while leader.step():
        pass
    return waiting
