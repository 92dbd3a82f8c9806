"""Who waits is served in the order of what was not delivered to whom, within the month."""

import datetime as dt
import uuid

import numpy as np

from market.core.booking_records import State
from market.core.events import Kind, Outcome
from market.core.machine import Machine
from market.core.promises import Promises, month_of
from market.core.quotes import MOST_WAITING, Reason
from market.deliveries import Day, events_of_booking
from settlement.core.booked import DECLINED, DELIVERED, LATE, REFUSED
from tests.market.asking import CAP, FULL, START, asks, begun, clock, home, later
from tests.market.streams import MINUTE_US, START_US, event


def test_more_wind_serves_those_who_wait_before_whoever_asks_next():
    wind = event(Kind.AVAILABILITY, "wind", 12_000, at_us=START_US + 1)
    machine, _ = begun(home("a", *FULL), home("b", 1_000, 2_000, 30, 60, CAP))
    assert machine.bookings.waiting == {"b"}
    # In one batch: b is tried before c is taken.
    taken = machine.take([wind, home("c", 600, 1_200, 30, 60, CAP, at_us=START_US + 2)])
    assert [(r.key, r.state) for r in taken.booking_records] == [
        ("b", State.BOOKED),
        ("c", State.WAITING),
    ]


def test_a_sale_serves_the_one_who_waits_for_its_energy():
    sale = home("c", 400, 800 + FULL[1], 30, 60, 0, side="sell")
    machine, became = begun(home("a", *FULL), home("b", 400, 800, 30, 60, CAP), sale)
    assert became[2][1] == [("c", State.BOOKED, None), ("b", State.BOOKED, None)]
    assert machine.bookings.forward.at("home").room_w[0] == 0


def test_no_point_waits_more_often_than_it_may_and_slows_all_others_by_it():
    asked = [home(f"w{number}", *FULL) for number in range(MOST_WAITING + 2)]
    _, became = begun(home("a", *FULL), *asked)
    assert [each[0][1] for _, each in became[1:]] == [State.WAITING] * MOST_WAITING + [
        State.REFUSED,
        State.REFUSED,
    ]
    assert became[-1] == (Outcome.REFUSED, [(asked[-1].key, State.REFUSED, Reason.MANY)])


def test_who_waits_until_its_window_is_too_short_has_missed():
    _, became = begun(home("a", *FULL), home("b", *FULL), clock(29), clock(30))
    assert became[2:] == [
        (Outcome.TAKEN, []),
        (Outcome.TAKEN, [("b", State.MISSED, Reason.WINDOW)]),
    ]


def test_who_waits_is_served_where_it_is_within_its_price_and_waits_on_where_not():
    cheap = home("b", 1_000, 2_000, 30, 60, 60_000_000)
    more = [
        event(Kind.AVAILABILITY, "wind", power_w, at_us=START_US + power_w)
        for power_w in (11_000, 30_000)
    ]
    _, became = begun(home("a", *FULL), cheap, *more)
    assert became[2:] == [(Outcome.TAKEN, []), (Outcome.TAKEN, [("b", State.BOOKED, None)])]


def three_wait(**changes) -> Machine:
    """Three points of the south, which lost its gas, wait for a half-hour there."""
    machine, _ = begun(**changes)
    machine.take([event(Kind.OUTAGE, "gas", at_us=START_US + 1)])
    machine.take([event(Kind.AVAILABILITY, "wind", 0, at_us=START_US + 1)])
    for key, point, ends in (("s1", "shop", 120), ("p1", "plant", 90), ("s2", "shop", 60)):
        machine.take([asks(point, 500, 1_000, 30, ends, CAP, product=point, key=key)])
    return machine


def test_the_queue_goes_by_memory_then_weight_then_deadline_then_who_asked_first():
    machine = three_wait()
    bookings = machine.bookings
    assert [each.key for each in bookings.queue()] == ["s2", "p1", "s1"]
    heavier = three_wait(tier_ppm=np.array([1, 3, 2])).bookings
    assert [each.key for each in heavier.queue()] == ["p1", "s2", "s1"]
    heavier.promises.tell(("south", "shop"), 990_000, 1_000, 989)
    assert [each.key for each in heavier.queue()] == ["s2", "s1", "p1"]
    # Of what is promised nothing lacks, to the last Wh.
    heavier.promises.tell(("south", "shop"), 0, 0, 1)
    assert [each.key for each in heavier.queue()] == ["p1", "s2", "s1"]


def test_what_was_not_delivered_puts_a_group_first_when_there_is_room_for_one():
    def served(*delivered_wh: int, then_wh: tuple[int, ...] = (0, 0, 0)) -> str:
        machine, _ = begun(
            asks("shop", 500, 1_000, 30, 90, CAP, product="shop", key="before"),
            later(Kind.DELIVERY, "before", 60, START + 30, *delivered_wh, point="shop"),
            later(Kind.DELIVERY, "before", 90, START + 60, *then_wh, point="shop"),
            event(Kind.AVAILABILITY, "wind", 0, at_us=START_US + 91 * MINUTE_US),
            event(Kind.AVAILABILITY, "gas", 0, at_us=START_US + 91 * MINUTE_US),
        )
        for key, point in (("p", "plant"), ("s", "shop")):
            at_us = START_US + 91 * MINUTE_US
            machine.take(
                [asks(point, 500, 1_000, 120, 150, CAP, product=point, key=key, at_us=at_us)]
            )
        gas = event(Kind.AVAILABILITY, "gas", 1_000, at_us=START_US + 92 * MINUTE_US)
        (record,) = machine.take([gas]).booking_records
        return record.key

    assert (served(494), served(495)) == ("s", "p")
    # Nor does it lack what it did not take.
    assert (served(0, 500), served(0, 0), served(394, 100), served(0, 499)) == ("p", "s", "s", "s")
    assert served(396, 100) == "p"
    # What it is refused it lacks until it is served late, or declines that.
    assert (served(0, then_wh=(0, 0, 495)), served(0, then_wh=(0, 500, 0))) == ("p", "p")
    assert served(0, then_wh=(0, 5, 488)) == "s"


def test_memory_begins_anew_with_the_local_month():
    # 29 February in UTC: the month ends after 24 hours.
    machine, _ = begun(
        home("a", 100, 200, 30, 60, CAP), later(Kind.DELIVERY, "a", 60, START + 30, 0)
    )
    promises = machine.bookings.promises
    group = ("north", "home")
    assert (promises.month, promises.deficit(group)) == ((2024, 2), 99_000_000)
    machine.take([clock(24 * 60 - 1)])
    assert promises.deficit(group) == 99_000_000
    machine.take([clock(24 * 60)])
    assert (promises.month, promises.deficit(group)) == ((2024, 3), 0)
    # Of what belongs to the month before, nothing is remembered any more.
    taken = machine.take([later(Kind.DELIVERY, "a", 24 * 60, START + 30, 50)])
    assert taken.outcomes == [Outcome.TAKEN] and promises.deficit(group) == 0


def test_the_month_is_that_of_the_market_s_own_clock():
    # The last evening of June in London is an hour ahead of UTC.
    minute = int(dt.datetime(2024, 6, 30, 23, 0, tzinfo=dt.UTC).timestamp()) // 60
    assert month_of(minute, "Europe/London") == (2024, 7)
    assert month_of(minute - 1, "Europe/London") == (2024, 6)
    assert month_of(minute, "UTC") == (2024, 6)
    assert month_of(-5, "UTC") == (1970, 1) and month_of(2**62, "UTC")[0] > 9_000


def test_a_month_that_is_over_does_not_come_back():
    promises = Promises((2024, 3))
    promises.tell(("n", "p"), 10**6, 5, 3)
    assert not promises.reach((2024, 2)) and not promises.reach((2024, 3))
    assert promises.deficit(("n", "p")) == 2 * 10**6
    assert promises.reach((2025, 1)) and promises.deficit(("n", "p")) == 0


def test_a_deficit_is_exact_however_long_it_grows():
    promises = Promises((2024, 2))
    for _ in range(1_000):
        promises.tell(("n", "p"), 999_999, 10**13, 10**13 - 10**7)
    assert promises.deficit(("n", "p")) == 0
    promises.tell(("n", "p"), 1, 1, 0)
    assert promises.deficit(("n", "p")) == 1


def test_what_is_declined_of_what_was_refused_is_told_as_not_taken_and_corrected():
    machine, _ = begun(home("a", 100, 200, 30, 90, CAP))
    day = Day(START, START + 150, 30, "UTC")
    row, refused, late, declined = (
        np.array(each) for each in ([0] * 5, [0, 100, 0, 0, 0], [0, 0, 40, 0, 0], [0, 0, 50, 10, 0])
    )
    settled = {DELIVERED: row, REFUSED: refused, LATE: late}
    # Of what is declined, the last comes after what was asked for.
    by_run = [settled | {DECLINED: declined}, settled | {LATE: row}]
    said = []
    for run in by_run:
        told = list(events_of_booking(machine.bookings.known["a"], uuid.uuid4(), day, run))
        assert machine.take(told).outcomes == [Outcome.TAKEN] * len(told)
        said.append([(each.numbers[0] - START, *each.numbers[1:]) for each in told])
    assert said == [[(30, 0, 0), (60, 0, 50, 40)], [(60, 0, 0, 0)]]
