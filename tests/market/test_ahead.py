"""What is kept of intervals to come: it is that of the log, and of who leads alone."""

from contextlib import closing

import pytest

from market import ahead
from market.core.events import Kind
from market.core.state import state_of
from market.leading import catch_up, connect, find_course
from tests.market.asking import CAP, asks
from tests.market.led import (
    MARKET,
    askings,
    hand_in,
    happenings,
    leader_of,
    resolve,
    take_all,
    writer_url,
)
from tests.market.streams import MINUTE_US, START_US, event

NAMES = ("tightness_ppm", "price_micro_per_mwh", "sell_price_micro_per_mwh")
KEPT = f"SELECT sequence, interval_count, waiting, {', '.join(NAMES)} FROM market.outlook"


@pytest.fixture
def connection(committed_database):
    with closing(connect(writer_url(committed_database))) as opened:
        yield opened


def test_whoever_asks_goes_on_from_what_was_kept_and_comes_to_the_same(
    committed_database, connection
):
    at_us = START_US + 360 * MINUTE_US
    hand_in(committed_database, [*happenings(60), *askings(360)])
    leader = take_all(leader_of(connection))
    ends = leader.course.head.sequence
    telling = event(Kind.DEMAND, "home", 1, at_us=at_us + 5, key="later")
    hand_in(committed_database, [telling])
    leader.step()  # and what is to come is not kept for it
    quick = ahead.quick_course(connection, MARKET, resolve)
    whole = find_course(connection, MARKET, resolve)
    assert quick.head.sequence == ends > whole.head.sequence
    for course in (quick, whole):
        catch_up(connection, course)
    assert state_of(quick.machine) == state_of(whole.machine)
    assert (quick.head, quick.opened) == (whole.head, whole.opened)


def test_the_outlook_is_what_the_machine_would_quote_and_counts_who_waits(
    committed_database, connection
):
    minute = 400
    at_us = START_US + minute * MINUTE_US
    too_much = asks(
        "home", 900_000, 2_000_000, minute, minute + 120, CAP, key="wait",
        at_us=at_us,
    )  # fmt: skip
    hand_in(committed_database, [*happenings(60), too_much])
    leader = take_all(leader_of(connection))
    forward = leader.course.machine.bookings.forward
    sequence, count, waiting, *kept = connection.execute(KEPT).fetchone()
    assert (sequence, count) == (leader.course.head.sequence, forward.horizon.count)
    prices = forward.prices()
    assert kept == [getattr(prices, name).ravel().tolist() for name in NAMES]
    assert waiting == [["flexible", 1, 900_000, too_much.numbers[3]]]
    node = forward.at("home").with_more(0 * prices.price_micro_per_mwh[0])
    rows = forward.grid.holons.node_holons[:, forward.node_of("home")]
    assert (prices.price_micro_per_mwh[rows].max(axis=0) == node.price_micro_per_mwh).all()


def test_who_leads_no_more_keeps_nothing(committed_database, connection):
    hand_in(committed_database, happenings(20))
    leader = take_all(leader_of(connection))
    other = leader_of(connection)
    hand_in(committed_database, [event(Kind.CLOCK, at_us=START_US + 600 * MINUTE_US, key="on")])
    other.step()
    ahead.keep(connection, other.course, leader.epoch)
    assert connection.execute(KEPT).fetchone()[0] < other.course.head.sequence
    ahead.keep(connection, other.course, other.epoch)
    assert connection.execute(KEPT).fetchone()[0] == other.course.head.sequence
