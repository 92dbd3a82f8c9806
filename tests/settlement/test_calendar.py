"""Runs by calendar: what is due when, what blocks it, and what came after the last run."""

import datetime as dt
import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from common.refusals import Refused
from ledger.queries import balances
from ledger.sealing import seal_days
from rulebook.days import day_start
from rulebook.documents.market_rules import CalendarRun
from settlement.billing.post import settled_days
from settlement.calendar.due import (
    TO_DO,
    DayFacts,
    State,
    blocked_ranges,
    due_ranges,
    entries_of,
    next_due,
)
from settlement.calendar.late import Arrival, DayTerms, late_readings
from settlement.calendar.market_calendar import list_late_readings, market_calendar, settle_range
from settlement.core.periods import interval_starts
from settlement.meters.ingest import MeterFile, ingest
from settlement.verification import list_checks
from tests.worlds import tiny_market
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    INGESTED,
    LAST_DAY,
    PUBLISHED,
    RESETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    seal_request,
    settle_tiny,
)

CALENDAR = [
    CalendarRun(run=run, title=run, lag_days=lag)
    for run, lag in (("II", 5), ("SF", 16), ("R1", 39))
]
DAY = dt.date(2024, 1, 1)
DAYS = st.integers(0, 60).map(lambda offset: DAY + dt.timedelta(days=offset))
RUN = uuid.UUID(int=1)


def facts(day=DAY, posted=(), **changes) -> DayFacts:
    return DayFacts(day, CALENDAR, dict.fromkeys(posted, (RUN, day)), **changes)


def states(on: dt.date, **known) -> list[str]:
    return [entry.state for entry in entries_of(facts(**known), on)]


STATES = [
    ("before all is due", 4, {}, [State.NOT_YET] * 3),
    ("on the day of the first", 5, {}, [State.DUE, State.NOT_YET, State.NOT_YET]),
    ("the day after", 6, {}, [State.OVERDUE, State.NOT_YET, State.NOT_YET]),
    ("posted in time", 6, {"posted": ["II"]}, [State.POSTED, State.NOT_YET, State.NOT_YET]),
    ("settled only", 5, {"settled": ["II"]}, [State.SETTLED, State.NOT_YET, State.NOT_YET]),
    ("without readings", 16, {"lacks": "2 missing"}, [State.BLOCKED, State.BLOCKED, State.NOT_YET]),
    ("overtaken", 40, {"posted": ["SF"]}, [State.PASSED_OVER, State.POSTED, State.OVERDUE]),
    ("sealed", 40, {"posted": ["II"], "is_sealed": True}, [State.POSTED] + [State.PASSED_OVER] * 2),
]


@pytest.mark.parametrize(
    ("after", "known", "expected"), [case[1:] for case in STATES], ids=[case[0] for case in STATES]
)
def test_a_run_has_a_state_by_its_lag_and_what_is_known(after, known, expected):
    assert states(DAY + dt.timedelta(days=after), **known) == expected


def test_only_what_blocks_a_run_is_said_of_it():
    blocked, waiting, _ = entries_of(facts(lacks="2 missing"), DAY + dt.timedelta(days=5))
    assert (blocked.why, waiting.why) == ("2 missing", "")


@given(st.sets(DAYS), st.sets(DAYS), DAYS)
def test_ranges_hold_every_day_to_do_once_in_the_order_of_the_calendar(days, lacking, on):
    entries = [
        entry
        for day in sorted(days)
        for entry in entries_of(facts(day, lacks="a gap" if day in lacking else ""), on)
    ]
    ranges = due_ranges(entries)
    found = [
        (due.kind, due.first_day + dt.timedelta(days=offset))
        for due in ranges
        for offset in range(due.day_count)
    ]
    wanted = [(entry.kind, entry.day) for entry in entries if entry.state in TO_DO]
    assert sorted(found) == sorted(wanted)
    assert [due.position for due in ranges] == sorted(due.position for due in ranges)
    for due, other in pairwise(ranges):
        gap = (other.first_day - due.last_day).days
        assert due.kind != other.kind or gap > 1
    assert sum(due.overdue_days for due in ranges) == sum(
        entry.state is State.OVERDUE for entry in entries
    )
    blocked = sum(due.day_count for due in blocked_ranges(entries))
    assert blocked == sum(entry.state is State.BLOCKED for entry in entries)
    following = next_due(entries)
    assert following is None or following.due_on > on


def arrival(posted_kind="II", **changes) -> Arrival:
    said = Arrival(DAY, uuid.UUID(int=2), "late.csv", DAY + dt.timedelta(days=9), 0, 3, posted_kind)
    return said._replace(**changes)


def terms(*, is_sealed=False) -> dict[dt.date, DayTerms]:
    return {DAY: DayTerms(CALENDAR, 7, is_sealed)}


NEXT_RUNS = [
    ("II", False, "SF", DAY + dt.timedelta(days=16)),
    ("SF", False, "R1", DAY + dt.timedelta(days=39)),
    ("R1", False, None, None),
    ("II", True, None, None),
    ("XX", False, None, None),
]


@pytest.mark.parametrize(("posted", "is_sealed", "kind", "due_on"), NEXT_RUNS)
def test_what_came_late_waits_for_the_next_run_of_the_calendar(posted, is_sealed, kind, due_on):
    (found,) = late_readings([arrival(posted)], terms(is_sealed=is_sealed))
    assert (found.next_kind, found.next_due_on) == (kind, due_on)


@pytest.mark.parametrize(("after", "days_late"), [(7, 0), (8, 1), (3, -4)])
def test_a_reading_is_late_after_the_deadline_of_its_day(after, days_late):
    came = arrival(received_on=DAY + dt.timedelta(days=after))
    (found,) = late_readings([came], terms())
    assert (found.days_late, found.is_late) == (days_late, days_late > 0)


def calendar_of(session, on, known=RESETTLED):
    return market_calendar(session, "tiny", known=known, on=on)


def test_a_market_without_readings_has_an_empty_calendar_and_without_rules_none(session):
    publish_tiny(session)
    assert calendar_of(session, FIRST_DAY).days == ()
    with pytest.raises(Refused, match="no-rules"):
        market_calendar(session, "nowhere", known=RESETTLED)


def test_the_day_of_the_market_decides_what_is_due(session):
    """In summer, midnight in London is 23:00 UTC of the day before."""
    publish_tiny(session)
    day = dt.date(2024, 6, 10)
    ingest_tiny(session, day, day, received_at=dt.datetime(2024, 6, 11, tzinfo=dt.UTC))
    midnight = dt.datetime(2024, 6, 14, 23, tzinfo=dt.UTC)  # of 15 June, five days later
    before = market_calendar(session, "tiny", known=midnight - dt.timedelta(seconds=1))
    after = market_calendar(session, "tiny", known=midnight)
    assert [day.entries[0].state for found in (before, after) for day in found.days] == [
        State.NOT_YET,
        State.DUE,
    ]


def test_what_is_due_is_settled_and_posted_range_by_range(session):
    publish_tiny(session)
    ingest_tiny(session)
    on = FIRST_DAY + dt.timedelta(days=11)
    ranges = due_ranges(calendar_of(session, on).entries)
    assert [(due.kind, due.day_count) for due in ranges] == [("II", 3), ("SF", 2)]
    for due in ranges:
        settle_range(session, "tiny", due, now=RESETTLED)
    found = calendar_of(session, on)
    assert due_ranges(found.entries) == []
    assert [entry.state for entry in found.days[2].entries] == [
        State.POSTED,
        State.NOT_YET,
        State.NOT_YET,
    ]
    assert next_due(found.entries).day == LAST_DAY
    assert [finding for check in list_checks() for finding in check.run(session)] == []


def test_days_that_lack_readings_are_blocked_and_say_what_they_lack(session):
    publish_tiny(session)
    ingest_tiny(session, LAST_DAY, LAST_DAY)
    ingest_tiny(session, FIRST_DAY, FIRST_DAY, only=["U1", "U2", "U3", "B-home"])
    found = calendar_of(session, RESETTLED.date())
    blocked = blocked_ranges(found.entries)
    assert [(blocked_range.first_day, blocked_range.why) for blocked_range in blocked[:2]] == [
        (FIRST_DAY, "5 without readings"),
        (FIRST_DAY + dt.timedelta(days=1), "no readings at all"),
    ]
    assert len(found.days[0].lacks) == 5
    assert {due_range.first_day for due_range in due_ranges(found.entries)} == {LAST_DAY}


def test_a_gap_that_the_rules_estimate_blocks_nothing(session):
    steps = [{"method": "interpolate", "measures": ["available_w"], "at_most_intervals": 4}]
    lenient = tiny_market.market_rules(
        incomplete_day="accept", missing="estimate", estimation=steps
    )
    publish_tiny(session, [lenient, *tiny_market.documents()[1:]])
    rows = tiny_market.readings_csv(FIRST_DAY, FIRST_DAY).decode().splitlines(keepends=True)
    gap = f"{interval_starts(FIRST_DAY, tiny_market.ZONE, 30)[5]:%Y-%m-%dT%H:%M:%SZ},U1,available_w"
    content = "".join(row for row in rows if not row.startswith(gap)).encode()
    assert len(content) < sum(map(len, rows))
    ingest(session, "tiny", [MeterFile("gap.csv", content)], received_at=INGESTED)
    assert blocked_ranges(calendar_of(session, RESETTLED.date()).entries) == []


def test_what_comes_after_a_posted_run_is_listed_until_the_next_run(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session, "II")
    assert list_late_readings(session, "tiny", known=RESETTLED) == []
    correct_tiny(session)
    found = list_late_readings(session, "tiny", known=RESETTLED)
    assert [
        (reading.arrival.day, reading.arrival.corrected, reading.next_kind) for reading in found
    ] == [(FIRST_DAY + dt.timedelta(days=offset), 1, "SF") for offset in range(3)]
    assert found[0].days_late == (CORRECTED.date() - FIRST_DAY).days - 7
    settle_tiny(session, "SF", RESETTLED)
    assert list_late_readings(session, "tiny", known=RESETTLED) == []


def test_no_run_takes_up_what_comes_to_a_sealed_day(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session, "II")
    correct_tiny(session)
    seal_days(session, seal_request(), RESETTLED)
    found = list_late_readings(session, "tiny", known=RESETTLED)
    assert [(reading.next_kind, reading.is_sealed) for reading in found] == [(None, True)] * 3


ALL_RUNS = ("II", "SF", "R1", "R2", "R3", "RF", "DF")


def test_through_all_runs_the_journals_sum_to_what_the_last_run_says(session):
    """Each run sees other readings; one corrects back, one sees nothing new."""
    rules = tiny_market.market_rules(runs=ALL_RUNS)
    publish_tiny(session, [rules, *tiny_market.documents()[1:]])
    ingest_tiny(session)
    corrections = {"SF": (2, "B-home"), "R1": (3, "U2"), "R3": (1, "B-home"), "DF": (5, "C-office")}
    moved = {}
    for hour, kind in enumerate(ALL_RUNS, start=1):
        moment = PUBLISHED + dt.timedelta(hours=2 * hour)
        if kind in corrections:
            seed, entity = corrections[kind]
            ingest_tiny(session, seed=seed, only=[entity], received_at=moment)
        run = settle_tiny(session, kind, moment + dt.timedelta(hours=1))
        posted = balances(session, "tiny", FIRST_DAY, LAST_DAY)
        said = {
            (day.day, account.code): amount
            for day in settled_days(session, run)
            for account, amount in day.amounts.items()
            if amount
        }
        assert {key: amount for key, amount in posted.items() if amount} == said
        query = "SELECT count(*) FROM ledger.posting JOIN ledger.journal ON number = journal_number"
        moved[kind] = session.scalar(text(f"{query} WHERE run_kind = :kind"), {"kind": kind})
    assert [kind for kind in ALL_RUNS if moved[kind]] == ["II", "SF", "R1", "R3", "DF"]
    assert list_late_readings(session, "tiny", known=day_start(dt.date(2024, 4, 1), "UTC")) == []
    assert [finding for check in list_checks() for finding in check.run(session)] == []
