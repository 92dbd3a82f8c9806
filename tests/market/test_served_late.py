"""A booking that is refused at night and served after midnight: its price, its lines, its word."""

import datetime as dt
from unittest.mock import patch

from database.bulk import driver_connection
from ledger.invoice import document_number
from ledger.log.checkpoints import publish_checkpoint
from market import store
from market.core.booking_records import State
from market.core.events import Event, Kind
from market.core.forward import MINUTE_US
from market.fed_days import events_of_day
from market.inbox import submit
from market.moments import midnight_us
from market.settling import settle_with_market
from portal.queries.explanations import find_line_explanation
from portal.queries.invoices import invoice_page
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.core.booked import (
    BOOKED,
    CHARGE,
    DELIVERED,
    LATE,
    LATE_PRICE,
    OF_EVERY_BOOKING,
    REFUSED,
)
from settlement.evidence.store import day_digests
from settlement.explanations.bookings import BookingCharges
from settlement.explanations.explain import explain_interval, line_day, line_references
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.online_day_store import every_online_day
from settlement.runs.store import day_vectors, stored_values
from tests.market.test_evidence_of_prices import checked, evidence
from tests.market.test_feed import BOOKINGS, ONLINE, clauses_of
from tests.market.test_settled_bookings import LATER, ZONE, bookings, findings, lead, of_participant
from tests.settlement.test_contracts_carried import short_evening_csv
from tests.settlement.trial_cases import changed
from tests.worlds.fair_play import FAIR_PLAY, JANUARY, LAST, MIDDLE, law_with
from tests.worlds.logged import signer
from tests.worlds.settled import INGESTED, PUBLISHED, RESETTLED, SETTLED, ingest_tiny, publish_tiny

EVENING = midnight_us(MIDDLE, ZONE) // MINUTE_US + 23 * 60
BOOKED_WH, POINT = 1_000_000, "1/B-office"


def live(session) -> None:
    """An evening without supply, and a day with plenty; an office booked at the one's end."""
    law = [
        changed(each, online=ONLINE, clauses=[*clauses_of(each), BOOKINGS])
        if each.kind == "market-rules"
        else each
        for each in law_with(FAIR_PLAY)
    ]
    publish_tiny(session, law)
    # What the evening refuses is owed within its own window, though that of the next day is short.
    (rules,) = (each for each in law if each.kind == "market-rules")
    home, office = rules.products
    products = (home, office.model_copy(update={"window_minutes": 30}))
    later = rules.model_copy(update={"products": products})
    publish_tiny(session, [later], LAST, PUBLISHED + dt.timedelta(minutes=1))
    short = MeterFile("short.csv", short_evening_csv(MIDDLE))
    ingest(session, "tiny", [short], received_at=INGESTED)
    ingest_tiny(session, LAST, LAST)
    before = list(events_of_day(session, "tiny", MIDDLE, SETTLED))
    after = list(events_of_day(session, "tiny", LAST, SETTLED))
    at_us = midnight_us(MIDDLE, ZONE) + 50 * MINUTE_US
    numbers = (BOOKED_WH, 2 * BOOKED_WH, EVENING, EVENING + 4 * 60, 6_000_000_000)
    ask = Event(MIDDLE, "night", Kind.REQUEST, "B-office", at_us, numbers, ("office", "buy"))
    # Of what is delivered in the evening nothing is left, but it is named while its window is open.
    numbers = (1_000, 2_000, EVENING - 3 * 60, EVENING - 2 * 60, 6_000_000_000)
    supper = Event(MIDDLE, "supper", Kind.REQUEST, "B-office", at_us, numbers, ("office", "buy"))
    first = [each for each in before if each.at_us <= at_us]
    end = midnight_us(LAST, ZONE, days=1)
    told = [
        *first,
        ask,
        supper,
        *before[len(first) :],
        *after,
        Event(LAST, "end", Kind.CLOCK, "", end),
    ]
    assert submit(session, "tiny", told, by="test") == []
    lead(session)


def settled(session, first, last, kind, now):
    run = settle_with_market(session, "tiny", kind, first, last, known_at=now, now=now).run
    return run, {day: stored_values(day_vectors(session, run.id, day)) for day in run.days}


def test_a_booking_refused_at_night_is_served_after_midnight_at_its_price(session):
    live(session)
    (placed,) = bookings(session)["night"]["placed"]
    assert (placed["start_minute"], placed["energy_wh"]) == (EVENING, BOOKED_WH)
    alone, of_alone = settled(session, LAST, LAST, "II", SETTLED)
    # What it begins with rests on who was served the evening before, which is handed over, too.
    assert [handed.day for handed, _ in every_online_day(session)] == [MIDDLE, LAST]
    now = SETTLED + dt.timedelta(hours=1)
    both, of_both = settled(session, MIDDLE, LAST, "SF", now)
    digests = [dict(day_digests(session, run))[LAST] for run in (alone, both)]
    assert digests[0] == digests[1]

    evening, morning = (of_both[day] for day in (MIDDLE, LAST))
    assert evening[BOOKED, POINT][46] == evening[REFUSED, POINT][46] == BOOKED_WH
    assert evening[DELIVERED, POINT].sum() == evening[CHARGE, POINT].sum() == 0
    late, price = morning[LATE, POINT], placed["price_micro_per_mwh"]
    assert late.sum() == BOOKED_WH == late[0]
    assert morning[LATE_PRICE, POINT].tolist() == [price, *[0] * 47]
    charged = int(morning["node_price_micro_per_mwh", "B"][0])
    assert morning[CHARGE, POINT].sum() == BOOKED_WH * (price - charged) // 10**6 != 0
    told_and_billed(session, both, int(morning[CHARGE, POINT].sum()))
    # By a run that knows of no booking on the day before, nothing of it is late any more.
    assert {measure for measure, entity in of_alone[LAST] if entity == POINT} == {*OF_EVERY_BOOKING}


def told_and_billed(session, run, charge: int) -> None:
    """The market is told when it was served; the invoice bills it, and the evidence proves it."""
    lead(session)
    record = bookings(session)["night"]
    assert record["state"] == State.DELIVERED
    assert [each.get("late_wh", 0) for each in record["told"]] == [0, BOOKED_WH]
    post(session, run, now=RESETTLED)
    documents = issue_month(session, "tiny", JANUARY, now=RESETTLED).invoices
    (reference,) = (
        reference
        for document in documents
        for reference in line_references(session, document.row.id)
        if reference.kind.is_booking and reference.line.subject == POINT
    )
    assert (reference.line.quantity, reference.line.amount_micro) == (BOOKED_WH, charge)
    day = line_day(session, reference, LAST)
    (tree,) = explain_interval(reference, day, 0).children
    assert tree.value == charge
    assert "served late" in tree.label
    assert "1\xa0MWh refused before ×" in tree.formula
    with patch.object(BookingCharges, "_hedged", return_value=0):
        (tree,) = explain_interval(reference, day, 0).children
    assert "0\xa0MWh × (" in tree.formula
    assert "as of 1\xa0MWh refused before so much pays the price of the node" in tree.formula
    pages_tell(session, documents, reference)
    assert findings(session) == []
    publish_checkpoint(session, signer(1), LATER)
    report = checked(of_participant(session, "doric"))
    assert report.findings == []
    assert report.counts["amounts of bookings recomputed from both prices"] == 3 * 48
    assert checked(evidence(session, run)).findings == []
    assert store.head(driver_connection(session), "tiny").sequence


def pages_tell(session, documents, reference) -> None:
    """The days of its line say in which interval what was booked, and what was served late."""
    number = document_number(reference.invoice.series, reference.invoice.number)
    line = line_references(session, reference.invoice.id).index(reference) + 1
    why = find_line_explanation(session, invoice_page(session, number), line)
    shown = {
        day: {each.number: each.booked for each in why.day(why.read_day(session, day)).intervals}
        for day in (MIDDLE, LAST)
    }
    assert {number: word for number, word in shown[MIDDLE].items() if word} == {47: "1\xa0MWh"}
    late = {number: word for number, word in shown[LAST].items() if word}
    assert late == {1: "1\xa0MWh served late"}
    of_evening = explain_interval(reference, line_day(session, reference, MIDDLE), 46)
    (refused,) = (
        each
        for tree in of_evening.children
        for each in tree.children
        if each.label == "Wished for and refused"
    )
    assert refused.formula.endswith(
        "it is owed, and costs its booked price where it is served later"
    )
