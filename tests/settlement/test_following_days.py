"""Posted days that begin otherwise since: readings of days before them came."""

import datetime as dt

import pytest

from rulebook.documents import AllocationPolicy, MarketRules
from rulebook.documents.market_rules import CalendarRun
from rulebook.law import rules_for_period
from settlement.billing.post import post
from settlement.calendar.following import PostedDay, following_days
from settlement.calendar.late import DayTerms
from settlement.calendar.market_calendar import list_following_days
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.contract_days import carried_digest
from settlement.runs.contract_history import carried_before
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    DRAWN,
    FAIR_PLAY,
    FIRST,
    LAST,
    MIDDLE,
    NEXT_MONTH,
    ingest_month_end,
    law_with,
    publish_with,
    settle_days,
)
from tests.worlds.law import publish
from tests.worlds.settled import CORRECTED, RESETTLED, SETTLED, fill_tiny, ingest_tiny

ONE_DAY, ONE_HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
CALENDAR = [CalendarRun(run=run, title=run, lag_days=lag) for run, lag in (("II", 5), ("SF", 16))]
KNOWN_AT = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
LATER = KNOWN_AT + ONE_DAY


def january(day: int) -> dt.date:
    return dt.date(2024, 1, day)


def follow(days, received, *, kind="II", sealed=(), owes=False, known_at=KNOWN_AT):
    """Return (first, last, since, next run) of each range, for consecutive days."""
    posted = [PostedDay(day, kind, known_at) for day in days]
    terms = {day: DayTerms(CALENDAR, 7, day in sealed) for day in days}
    found = following_days(posted, received, terms, lambda *_: owes)
    return [(each.first_day, each.last_day, each.since, each.next_kind) for each in found]


MONTH_END = [january(day) for day in range(28, 32)] + [dt.date(2024, 2, day) for day in (1, 2)]


@pytest.mark.parametrize(
    ("received", "options", "expected"),
    [
        # Nothing came since: nothing follows.
        ({january(28): KNOWN_AT}, {}, []),
        # What came of a day reaches those after it to the end of the month, and not itself.
        ({january(29): LATER}, {}, [(january(30), january(31), january(29), "SF")]),
        # Of two days the earliest is named.
        (
            {january(28): LATER, january(30): LATER},
            {},
            [(january(29), january(31), january(28), "SF")],
        ),
        # Where something else is owed at the month's end, the next month begins otherwise too.
        (
            {january(30): LATER},
            {"owes": True},
            [
                (january(31), dt.date(2024, 2, 2), january(30), "SF"),
            ],
        ),
        # A month is not asked about where the one before it did not change.
        (
            {dt.date(2024, 2, 1): LATER},
            {"owes": True},
            [(dt.date(2024, 2, 2),) * 2 + (dt.date(2024, 2, 1), "SF")],
        ),
        # After the last run, and once a day is sealed, nothing takes it up.
        ({january(30): LATER}, {"kind": "SF"}, [(january(31), january(31), january(30), None)]),
        (
            {january(29): LATER},
            {"sealed": {january(30)}},
            [
                (january(30), january(30), january(29), None),
                (january(31), january(31), january(29), "SF"),
            ],
        ),
    ],
)
def test_which_days_follow(received, options, expected):
    assert follow(MONTH_END, received, **options) == expected


def test_a_gap_between_days_ends_a_range():
    days = [january(10), january(12), january(13)]
    assert [each[:2] for each in follow(days, {january(9): LATER})] == [
        (january(10), january(10)),
        (january(12), january(13)),
    ]


def post_days(session, first, last, now, kind="II"):
    post(session, settle_days(session, first, last, now=now, kind=kind), now=now)


def spans(session, known):
    found = list_following_days(session, "tiny", known=known)
    return [(each.first_day, each.last_day, each.since, each.next_kind) for each in found]


def test_days_after_a_correction_are_listed_until_they_are_settled_again(session):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session)
    post_days(session, FIRST, LAST, SETTLED)
    assert spans(session, RESETTLED) == []
    ingest_month_end(session, FIRST, FIRST, seed=2, only=["B-home"], received_at=CORRECTED)
    assert spans(session, RESETTLED) == [(MIDDLE, LAST, FIRST, "SF")]
    # The corrected day alone is settled again: those after it still begin as they were posted.
    post_days(session, FIRST, FIRST, RESETTLED, "SF")
    assert spans(session, RESETTLED) == [(MIDDLE, LAST, FIRST, "SF")]
    post_days(session, MIDDLE, LAST, RESETTLED + ONE_HOUR, "SF")
    assert spans(session, RESETTLED + ONE_HOUR) == []


def test_what_is_listed_begins_otherwise_and_what_is_not_does_not(session):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session, FIRST, NEXT_MONTH)
    post_days(session, FIRST, NEXT_MONTH, SETTLED)
    ingest_month_end(session, MIDDLE, MIDDLE, seed=2, only=["C-office"], received_at=CORRECTED)
    listed = {
        day
        for first, last, *_ in spans(session, RESETTLED)
        for day in (first + count * ONE_DAY for count in range((last - first).days + 1))
    }
    for day in (FIRST, MIDDLE, LAST, NEXT_MONTH):
        periods = rules_for_period(session, "tiny", day, day, RESETTLED)
        then, now = (
            carried_before(session, "tiny", periods, moment) for moment in (SETTLED, RESETTLED)
        )
        assert (day in listed) == (carried_digest(then) != carried_digest(now)), day
    assert LAST in listed


def one_day_of_other_magnitude(session, known):
    """Publish for the first of the days alone that a home may have one kilowatt."""
    rules = next(law for law in law_with(FAIR_PLAY) if isinstance(law, MarketRules))
    home, office = rules.products
    home = home.model_copy(update={"magnitude_w": 1_000})
    changed = rules.model_copy(update={"products": (home, office)})
    publish(session, [changed], valid_from=FIRST, valid_to=MIDDLE, known=known, reason="One day")


def test_days_after_law_that_looks_back_are_listed_until_they_are_settled_again(session):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session)
    post_days(session, FIRST, LAST, SETTLED)
    one_day_of_other_magnitude(session, CORRECTED)
    assert spans(session, SETTLED) == []
    assert spans(session, RESETTLED) == [(MIDDLE, LAST, FIRST, "SF")]
    post_days(session, FIRST, LAST, RESETTLED, "SF")
    assert spans(session, RESETTLED + ONE_HOUR) == []


def test_law_of_later_days_and_what_is_published_again_as_it_was_change_no_day_before(session):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session)
    post_days(session, FIRST, LAST, SETTLED)
    (policy,) = (law for law in law_with(DRAWN) if isinstance(law, AllocationPolicy))
    publish(session, [policy], valid_from=NEXT_MONTH, known=CORRECTED, reason="From February")
    assert spans(session, RESETTLED) == []


def test_a_generation_that_is_corrected_changes_no_day_after_it(session):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session)
    post_days(session, FIRST, LAST, SETTLED)
    header, *rows = tiny_market.readings_csv(FIRST, FIRST, seed=3, only=["U1"]).splitlines()
    generated = [row for row in rows if b"metered_generation_wh" in row]
    content = b"\n".join([header, *generated])
    ingest(session, "tiny", [MeterFile("generated.csv", content)], received_at=CORRECTED)
    assert spans(session, RESETTLED) == []


def test_without_contracts_no_day_follows(session):
    fill_tiny(session)
    ingest_tiny(session, seed=2, only=["B-home"], received_at=CORRECTED)
    assert spans(session, RESETTLED) == []
