"""Whatever is changed in the log of a market, its own digest made anew or not, is named."""

import pytest
from sqlalchemy import text

from market.core.events import Kind
from market.verification import CHECKS
from tests.market.led import askings, happenings, lead


@pytest.fixture
def led(session):
    lead(session, happenings(60)[:20])
    lead(session, happenings(60)[20:])
    session.execute(text("SET LOCAL session_replication_role = replica"))
    return session


def found(session) -> list[tuple[str, str]]:
    return [(each.code, each.place) for check in CHECKS for each in check.run(session)]


def test_what_was_led_holds(led):
    assert found(led) == []


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        ("DELETE FROM market.event WHERE sequence = 7", "market.event tiny 8"),
        ("DELETE FROM market.event WHERE sequence = 61", "market.head tiny"),
        ("DELETE FROM market.event", "market.head tiny"),
        (
            "INSERT INTO market.event SELECT market, 62, day, 62, key || '+', kind, entity, at, "
            "numbers, words, outcome, submitted_at, submitted_by, digest FROM market.event "
            "WHERE sequence = 61",
            "market.event tiny 62",
        ),
        ("UPDATE market.event SET kind = 'x' WHERE sequence = 3", "market.event tiny 3"),
        ("UPDATE market.event SET words = '{x}' WHERE sequence = 3", "market.event tiny 3"),
        ("UPDATE market.event SET market = 'other' WHERE sequence = 3", "market.event other 3"),
        ("DELETE FROM market.publication WHERE sequence = 2", "market.publication tiny "),
        ("DELETE FROM market.publication", "market.head tiny"),
        ("DELETE FROM market.opening", "market.publication tiny 1/1"),
        ("UPDATE market.opening SET state = '{}'", "market.opening tiny 2024-02-29"),
        ("UPDATE market.publication SET cause = 'x' WHERE sequence = 1", "market.publication tiny"),
        ("UPDATE market.publication SET day = day + 1 WHERE sequence = 1", None),
        ("DELETE FROM market.head", "market.head tiny"),
        ("UPDATE market.head SET sequence = sequence + 1", "market.head tiny"),
        ("DELETE FROM market.sealed WHERE first_sequence = 1", "market.sealed tiny/61"),
        ("UPDATE market.sealed SET event_digest = digest", "market.sealed tiny/20"),
        ("UPDATE market.sealed SET publication_digest = digest", "market.sealed tiny/61"),
        ("UPDATE market.sealed SET digest = event_digest", "market.sealed tiny/61"),
        ("UPDATE market.sealed SET last_sequence = 70 WHERE first_sequence = 21", "tiny/70"),
    ],
)
def test_what_is_changed_is_named(led, attack, named):
    if named is None:
        led.execute(text("SELECT market.make_days('publication', ARRAY[date '2024-03-01'])"))
        named = "market.publication tiny 1/1"
    led.execute(text(attack))
    places = [place for _, place in found(led)]
    assert any(named in place for place in places), places


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        ("DELETE FROM market.booking WHERE part = 1", "market.booking tiny 62/2"),
        ("DELETE FROM market.booking WHERE part = 4", "market.head tiny"),
        ("UPDATE market.booking SET participant = 'x' WHERE part = 1", "market.booking tiny 62/1"),
        ("UPDATE market.booking SET record = '{}' WHERE part = 2", "market.booking tiny 62/2"),
        ("UPDATE market.booking SET sequence = 63 WHERE part = 2", "market.booking tiny 62/3"),
        ("UPDATE market.booking SET market = 'other' WHERE part = 1", "market.booking other 62/1"),
    ],
)
def test_what_is_changed_of_a_booking_is_named(led, attack, named):
    lead(led, askings())
    assert found(led) == []
    led.execute(text(attack))
    assert named in [place for _, place in found(led)]


def test_an_event_that_is_left_out_is_named_by_its_place_though_what_follows_is_made_anew(led):
    """As far as the head: whoever writes that anew, too, is held to what is sealed."""
    led.execute(text("DELETE FROM market.event WHERE sequence = 7"))
    codes = dict(found(led))
    assert codes["market-gap"] == "market.event tiny 8"
    assert codes["market-chain"] == "market.event tiny 8"


def test_kinds_are_those_that_a_log_can_say(led):
    kinds = led.scalars(text("SELECT DISTINCT kind FROM market.event")).all()
    assert set(kinds) <= set(Kind)
