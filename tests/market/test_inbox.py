"""What is handed in, is handed in once; and what is wrong with it is told, all of it."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from database.bulk import driver_connection
from database.session import transaction
from market import store
from market.core.events import Kind
from market.inbox import submit
from tests.market.streams import DAY, event

BIRCH = event(Kind.AVAILABILITY, "birch", 30_000, key="one")
CEDAR = event(Kind.DEMAND, "cedar", -7, key="two")
LAW = event(Kind.RULES, words=("law", 'a "word", {of} \\ signs'), key="three")


def waiting(session) -> list:
    return [each.event for each in store.pending(driver_connection(session), "tiny")]


def test_events_wait_in_the_order_in_which_they_were_handed_in(session):
    assert submit(session, "tiny", [CEDAR, LAW], by="meter") == []
    assert submit(session, "tiny", [BIRCH], by="meter") == []
    assert waiting(session) == [CEDAR, LAW, BIRCH]
    assert store.pending(driver_connection(session), "other") == []


def test_an_event_that_is_handed_in_again_waits_once(session):
    for events in ([CEDAR], [CEDAR, BIRCH, CEDAR], [BIRCH]):
        assert submit(session, "tiny", events, by="meter") == []
    assert waiting(session) == [CEDAR, BIRCH]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": Kind.AVAILABILITY},
        {"entity": "doric"},
        {"at_us": CEDAR.at_us + 1},
        {"numbers": (-8,)},
        {"numbers": ()},
        {"words": ("word",)},
    ],
)
def test_a_key_that_is_another_s_is_told_and_nothing_is_handed_in(session, change):
    submit(session, "tiny", [CEDAR], by="meter")
    found = submit(session, "tiny", [BIRCH, replace(CEDAR, **change)], by="meter")
    assert [(each.code, each.place) for each in found] == [
        ("event-key-again", f"tiny {DAY} event 'two'")
    ]
    assert waiting(session) == [CEDAR]


def test_a_key_is_of_its_market_and_day(session):
    tomorrow = replace(BIRCH, key="two", day=DAY + dt.timedelta(days=1))
    assert submit(session, "tiny", [CEDAR, tomorrow], by="meter") == []
    assert submit(session, "other", [replace(BIRCH, key="two")], by="meter") == []
    assert waiting(session) == [CEDAR, tomorrow]


def test_two_of_one_key_in_one_hand_are_told(session):
    found = submit(session, "tiny", [CEDAR, replace(CEDAR, numbers=(5,))], by="meter")
    assert [each.code for each in found] == ["event-key-again"]
    assert waiting(session) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"day": dt.date(1899, 12, 31)}, "event-day"),
        ({"day": dt.date(3000, 1, 1)}, "event-day"),
        ({"at_us": -(2**62)}, "event-moment"),
        ({"at_us": 2**62}, "event-moment"),
        ({"key": ""}, "event-text"),
        ({"key": "x" * 201}, "event-text"),
        ({"entity": "a\x00b"}, "event-text"),
        ({"words": ("\x1b[2J",)}, "event-text"),
        ({"numbers": (1,) * 10_001}, "event-length"),
        ({"numbers": (2**63,)}, "event-number"),
    ],
)
def test_what_no_log_can_hold_is_told(session, change, code):
    found = submit(session, "tiny", [replace(BIRCH, **change), replace(CEDAR, key="")], by="meter")
    assert [each.code for each in found] == [code, "event-text"]
    assert waiting(session) == []


@pytest.mark.parametrize("change", ["UPDATE market.submission SET entity = 'x'", "TRUNCATE"])
def test_nobody_changes_what_waits(session, change):
    submit(session, "tiny", [CEDAR], by="meter")
    statement = change if change != "TRUNCATE" else "TRUNCATE market.submission"
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement))


def test_who_listens_is_told(committed_database):
    with committed_database.connect() as connection:
        listening = connection.connection.driver_connection
        listening.autocommit = True
        listening.execute("LISTEN market_inbox")
        with transaction(committed_database) as session:
            submit(session, "tiny", [CEDAR], by="meter")
        told = list(listening.notifies(timeout=5, stop_after=1))
    assert [each.payload for each in told] == ["tiny"]
