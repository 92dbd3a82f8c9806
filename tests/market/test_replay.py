"""A day taken again comes out as it is stored, or its first difference is named."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from database.bulk import driver_connection
from market import store
from market.core.events import Kind
from market.replay import state_difference
from market.replay_verification import replay_check
from market.replaying import replay, stretches
from market.verification import CHECKS
from tests.attacks.market_attacker import remake_markets
from tests.market.asking import asks
from tests.market.led import LAW, MARKET, happenings, lead, resolve
from tests.market.streams import MINUTE_US, START_US, event

POINT = LAW.model.supply_points[0]
ONE_PRICE = (
    "UPDATE market.publication SET price_micro_per_mwh[1] = price_micro_per_mwh[1] + 1 "
    "WHERE market = 'tiny' AND sequence = :at"
)
ONE_OUTCOME = "UPDATE market.event SET outcome = 'late' WHERE sequence = :at"
BOOKING = r"""
UPDATE market.opening SET state = replace(state, '"power_w"\:3000,', '"power_w"\:3001,')
 WHERE sequence > 1 AND state LIKE '%"power_w"\:3000,%'
"""


def two_days():
    """Happenings of two days, and some requests of the first for the second."""
    events = happenings(900)
    asked = [
        asks(POINT, 1_000, 3_000, 1_500, 1_500 + 300 * number, 6_000_000_000, key=f"ask-{number}")
        for number in (1, 2, 3)
    ]
    return [events[0], *asked, *events[1:]]


@pytest.fixture
def led(session, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store, "MOST_OF_A_BATCH", 7)
        lead(session, two_days())
    session.execute(text("SET LOCAL session_replication_role = replica"))
    return session


def taken_again(session):
    connection = driver_connection(session)
    return [replay(connection, MARKET, resolve, each) for each in stretches(connection, MARKET)]


def found(session):
    check = replay_check(lambda _session, _market: resolve)
    return check.run(session)


def forged(session, statement: str, **values) -> None:
    """Change rows, and make every digest anew that rests on them: no chain tells."""
    assert session.execute(text(statement), values).rowcount
    remake_markets(session)
    assert [each for check in CHECKS for each in check.run(session)] == []


def place_of_some(session, table: str, number: int = 50) -> int:
    query = f"SELECT sequence FROM market.{table} ORDER BY 1 OFFSET {number} LIMIT 1"
    return session.execute(text(query)).scalar_one()


def test_each_day_comes_out_as_it_is_stored(led):
    before, *days = taken_again(led)
    assert before.events == 0
    assert [each.opening.day.day for each in days] == [29, 1]
    assert [each.difference for each in days] == [None, None]
    connection = driver_connection(led)
    head = store.head(connection, MARKET)
    assert sum(each.events for each in days) == head.sequence == 904
    assert sum(each.publications for each in days) == len(
        store.publications(connection, MARKET, 1, 2**40)
    )
    assert days[-1].course.head == head
    assert found(led) == []


def test_a_batch_is_not_cut_by_how_much_is_read_at_a_time(led, monkeypatch):
    monkeypatch.setattr("market.replaying.EVENTS_AT_A_TIME", 7)
    assert [each.difference for each in taken_again(led)] == [None] * 3


def test_a_price_that_was_forged_is_named(led):
    at = place_of_some(led, "publication")
    forged(led, ONE_PRICE, at=at)
    (finding,) = found(led)
    assert (finding.code, finding.place) == ("market-replay", f"market.publication tiny {at}/1")
    assert "price_micro_per_mwh of " in finding.value and "comes of the events" in finding.value


def test_an_outcome_that_was_forged_is_named(led):
    (at,) = led.scalars(
        text("SELECT max(sequence) FROM market.event WHERE outcome = 'taken' AND kind = 'demand'")
    )
    forged(led, ONE_OUTCOME, at=at)
    (finding,) = found(led)
    assert finding.place == f"market.event tiny {at}"
    assert finding.value == "outcome: late is stored, and taken comes of the events"


def test_a_booking_that_was_forged_is_named_by_its_key(led):
    forged(led, BOOKING)
    first, *_ = found(led)
    assert first.place == "market.opening tiny 2024-03-01"
    assert first.value.startswith("bookings.known[ask-1].")
    assert first.value.endswith("power_w: 3001 is stored, and 3000 comes of the events")


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE market.opening SET state = '{}' WHERE sequence > 1", "market.opening tiny"),
        ("UPDATE market.opening SET state = 'x' WHERE sequence > 1", "market.opening tiny"),
        ("UPDATE market.opening SET state = '[1]' WHERE sequence = 1", "market.opening tiny"),
        ("UPDATE market.opening SET sequence = sequence + 1 WHERE sequence > 1", "market.opening"),
        ("UPDATE market.opening SET day = day + 1 WHERE sequence > 1", "market.opening tiny"),
        ("DELETE FROM market.opening WHERE sequence > 1", "market.opening tiny 2024-03-01"),
        ("DELETE FROM market.publication WHERE sequence > 800", "market.publication tiny 8"),
        ("UPDATE market.event SET numbers[1] = 7 WHERE numbers[1] > 40000", "tiny"),
    ],
)
def test_whatever_was_forged_is_named_though_every_digest_was_made_anew(led, statement, place):
    if "day + 1" in statement or "sequence + 1" in statement:
        led.execute(text(statement))
        remake_markets(led)
    else:
        assert led.execute(text(statement)).rowcount
        remake_markets(led)
    places = [each.place for each in found(led)]
    assert any(each.startswith(place) or place in each for each in places), places


ONE_BOOKING = r"""
UPDATE market.booking SET record = replace(record, '"energy_wh"\:1000,', '"energy_wh"\:1001,')
 WHERE sequence = :at AND part = 1
"""


def test_a_booking_that_was_forged_where_it_was_made_is_named_there(led):
    at = led.scalar(text("SELECT min(sequence) FROM market.booking"))
    forged(led, ONE_BOOKING, at=at)
    first = found(led)[0]
    assert first.place == f"market.booking tiny {at}/1"
    assert first.value.endswith("energy_wh: 1001 is stored, and 1000 comes of the events")


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE market.booking SET participant = 'x' WHERE part = 1 AND sequence = :at",
         "participant: x is stored, and cedar comes of the events"),
        ("DELETE FROM market.booking WHERE sequence = :at AND part = 1", "part: 2 is stored"),
        ("DELETE FROM market.booking WHERE sequence = :at", "it is made of the events"),
        ("UPDATE market.booking SET sequence = sequence + 1 WHERE sequence = :at",
         "it is made of the events, and not stored"),
    ],
)  # fmt: skip
def test_whose_a_booking_is_and_that_it_is_there_is_held_too(led, statement, value):
    at = led.scalar(text("SELECT min(sequence) FROM market.booking"))
    forged(led, statement, at=at)
    finding = found(led)[0]
    assert finding.place.startswith(f"market.booking tiny {at}/1")
    assert finding.value.startswith(value)


def test_a_booking_that_no_batch_left_is_named(led):
    (inner,) = led.scalars(text("SELECT max(sequence) FROM market.event WHERE sequence > batch"))
    forged(
        led,
        "INSERT INTO market.booking SELECT market, :at, part, participant, record, digest "
        "FROM market.booking ORDER BY sequence, part LIMIT 1",
        at=inner,
    )
    (finding,) = found(led)
    assert finding.place == f"market.booking tiny {inner}/1"
    assert finding.value == "it is stored, and no batch begins there"


def test_what_was_published_and_no_batch_made_is_named(led):
    columns = (
        "part, day, at, cause, holons, tightness_ppm, price_micro_per_mwh, "
        "sell_price_micro_per_mwh, published_at, digest, law"
    )
    (inner,) = led.scalars(text("SELECT max(sequence) FROM market.event WHERE sequence > batch"))
    led.execute(
        text(
            f"INSERT INTO market.publication (market, sequence, {columns}) "
            f"SELECT market, :inner, {columns} FROM market.publication ORDER BY sequence DESC, "
            "part LIMIT 1"
        ),
        {"inner": inner},
    )
    remake_markets(led)
    (finding,) = found(led)
    assert finding.place == f"market.publication tiny {inner}/1"
    assert finding.value == "it is stored, and no batch begins there"


def test_law_that_is_other_than_it_was_is_told(session):
    lead(session, happenings(20))
    other = replace(LAW, digest="other")
    check = replay_check(lambda _session, _market: lambda _day, _known: other)
    (finding,) = check.run(session)
    assert finding.place == "market.event tiny 1"
    assert finding.value == "outcome: taken is stored, and unknown comes of the events"


def test_a_log_that_was_told_of_no_law_is_taken_again(session):
    lead(session, [event(Kind.OUTAGE, "birch"), event(Kind.CLOCK, at_us=START_US + MINUTE_US)])
    (only,) = taken_again(session)
    assert (only.opening, only.events, only.difference) == (None, 2, None)


@pytest.mark.parametrize(
    ("stored", "made", "said"),
    [
        ('{"a":1}', '{"a":1}', None),
        ('{"a": 1}', '{"a":1}', "it says the same, written otherwise"),
        ('{"a":true}', '{"a":1}', "a: True is stored, and 1 comes of the events"),
        ('{"a":[1]}', '{"a":[1,2]}', "a[1]: nothing is stored, and 2 comes of the events"),
        ('{"b":1}', '{"a":1}', "a: nothing is stored, and 1 comes of the events"),
        ("{", '{"a":1}', "it cannot be read"),
    ],
)
def test_the_first_value_of_a_state_that_differs_is_named(stored, made, said):
    assert state_difference(stored, made) == said


def test_states_are_told_apart_as_deep_as_they_go():
    stored = json.dumps({"known": [{"key": "k", "placed": [{"energy_wh": 1}]}]})
    made = stored.replace(": 1}", ": 2}")
    assert state_difference(stored, made) == (
        "known[k].placed[0].energy_wh: 1 is stored, and 2 comes of the events"
    )
