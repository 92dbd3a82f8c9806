"""Loads that answer the prices of intervals to come, again and again: when they come to rest."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market.core.booking_records import State
from market.core.events import Kind
from market.core.machine import Machine
from settlement.core.tightness import Curve
from tests.market.asking import CAP, START, asks
from tests.market.streams import event, in_force, online
from tests.settlement.core.examples import tiny_market

STRAIGHT = Curve(np.array([0, 1_000_000]), np.array([0, 1_000_000_000]))
"""1,000 micro for each ppm."""


def straight_market(intervals: int):
    """The tiny market on straight curves, with 90 kW in the north, and so many half-hours ahead."""
    model = replace(tiny_market(), curves=(STRAIGHT,) * 3)
    machine = Machine({"law": online(model, forward_hours=intervals // 2)})
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 90_000)])
    return machine


def loads_that_answer(gain_ppm: int, rounds: int = 60) -> list[int]:
    """Prices of a half-hour, round by round, in which eight loads book by the price of the last.

    Each has 4 kW, more or less by so many ppm for each currency unit that the price lies below or
    above that at which all have 4 kW: 42 of 90 kW, 466,666,000 micro. As `settlement.studies.sweep`
    measures it, the gain is slope x response x flexible / deliverable.
    """
    response_ppm = gain_ppm * 90 // (1_000 * 32)
    machine = straight_market(2)
    machine.take([event(Kind.FORECAST, "home", START + 30, 15_000)])
    keys = [f"load {number}" for number in range(8)]
    asked = [(key, asks("home", 2_000, 50_000, 30, 60, CAP, key=key)) for key in keys]
    machine.take([each for _, each in asked])
    machine.take([event(Kind.FORECAST, "home", START + 30, 10_000, key="the shock is over")])
    price, prices = 52_000 * 10**6 // 90, []
    for number in range(rounds):
        away = price - 466_666_000
        energy_wh = min(max(2_000 - 2_000 * response_ppm * away // 10**12, 1), 4_000)
        told_of = (energy_wh, 50_000, START + 30, START + 60, CAP)
        more = [(key, {"words": (key,), "key": f"{number} {key}"}) for key in keys]
        machine.take([event(Kind.CHANGE, "home", *told_of, **each) for _, each in more])
        made = machine.bookings.forward.at("home").with_more(np.zeros(2, dtype=np.int64))
        price = int(made.price_micro_per_mwh[0])
        prices.append(price)
    assert all(machine.bookings.known[key].state is State.BOOKED for key in keys)
    return prices


def test_loads_that_answer_the_last_price_settle_where_the_loop_gain_is_below_one():
    for gain_ppm in (250_000, 800_000):
        settled = loads_that_answer(gain_ppm)
        assert max(settled[-8:]) - min(settled[-8:]) < 2_000_000 < abs(settled[0] - settled[-1])
    turning = loads_that_answer(1_250_000)
    steps = np.diff(turning[-10:])
    assert np.all(steps[1:] * steps[:-1] < 0) and abs(steps).min() > 50_000_000
    assert max(turning) <= 10**9


@given(
    st.lists(st.integers(0, 60_000), min_size=6, max_size=6),
    st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 3)), min_size=2, max_size=8),
)
def test_loads_that_choose_their_half_hours_by_turns_come_to_rest(powers_w, loads):
    """Each sees what the others booked, and what it adds: no delay, so it settles at any slope."""
    machine = straight_market(6)
    machine.take([event(Kind.FORECAST, "home", START + 30, *powers_w)])
    numbers = {
        f"load {number}": (energy_wh, -(-energy_wh // parts) * 2, START + 30, START + 210, CAP)
        for number, (energy_wh, parts) in enumerate(loads)
    }
    for key, told_of in numbers.items():
        machine.take([event(Kind.REQUEST, "home", *told_of, words=("flexible", "buy"), key=key)])
    seen = []
    for turn in range(12):
        for key, told_of in numbers.items():
            machine.take([event(Kind.CHANGE, "home", *told_of, words=(key,), key=f"{turn} {key}")])
        seen.append(machine.bookings.forward.booked_w["home"].tolist())
    assert seen[-1] == seen[-2] == seen[-3]
    assert all(2 * sum(told_of[0] for told_of in numbers.values()) == sum(each) for each in seen)
