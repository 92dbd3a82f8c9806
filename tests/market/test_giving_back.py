"""What was booked and is given back bears its fall in price: no promise is made for nothing."""

from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from hypothesis import given

from market.core.booking_records import BookingRecord, State
from market.core.events import Kind
from market.core.machine import Machine
from market.core.state import state_of
from market.moments import moment_of
from market.requesting import given_up_now
from settlement.core.booked import Booked
from settlement.core.tightness import Curve
from tests.market.asking import CAP, START_US, asks, begun, changed, home, later, run
from tests.market.streams import MINUTE_US, event, in_force, online
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.examples import tiny_market
from tests.settlement.core.reference import as_numbers

WINDOW = (30, 60, CAP)
NONE = np.zeros(1, dtype=np.int64)
TIGHTNESS = as_numbers([0, 300_000, 600_000, 900_000, 1_000_000, 1_500_000])
NODE_CURVE = Curve(TIGHTNESS, as_numbers([0, 50, 80, 95, 500, 6_000]) * 10**6)
SELL_CURVE = Curve(TIGHTNESS, as_numbers([0, 10, 30, 70, 250, 6_000]) * 10**6)
"""Those of a node of gb12: what is paid for net export rises less than what is charged."""


def demand(power_w: int, minute: int = 0):
    return event(Kind.DEMAND, "home", power_w, at_us=START_US + minute * MINUTE_US)


def record(machine: Machine, *told) -> BookingRecord:
    """What the last event of a batch leaves of its booking."""
    return machine.take(list(told)).booking_records[-1]


def owed(said: BookingRecord) -> int:
    """What is owed at once."""
    return sum(each.owed_micro for each in said.given_back)


def price(said: BookingRecord) -> int:
    (placed,) = said.placed
    return placed.price_micro_per_mwh


def charged(machine: Machine, more_w: int = 0) -> tuple[int, int]:
    """What is charged, and paid for net export, in the first interval to come, as it is booked."""
    node = machine.bookings.forward.at("home")
    prices = node.with_more(np.full(len(node.spare_w), more_w))
    return int(prices.price_micro_per_mwh[0]), int(prices.sell_price_micro_per_mwh[0])


def comes_to(said: Iterable[BookingRecord], machine: Machine) -> int:
    """What bookings cost in all, in Wh x micro per MWh, where all that is placed is delivered."""
    total, (buying, _) = 0, charged(machine)
    for one in said:
        sign = 1 if one.request.side == "buy" else -1
        total += sum(each.energy_wh * each.fall_micro_per_mwh for each in one.given_back)
        total += sum(sign * each.energy_wh * each.price_micro_per_mwh for each in one.placed)
        total += held(one).not_taken_at(0, buying, 0)
    return total


def held(said: BookingRecord) -> Booked:
    """A booking of one interval as settlement holds it."""
    let_go = tuple((each.energy_wh, each.price_micro_per_mwh) for each in said.let_go)
    return Booked(1, 0, said.request.side == "sell", NONE, NONE, {}, {0: let_go})


def test_a_sale_that_nobody_means_costs_more_than_what_was_booked_beside_it_saved():
    honest, _ = begun(demand(4_000))
    fair = price(record(honest, home("buy", 3_000, 6_000, *WINDOW)))
    machine, _ = begun(demand(4_000))
    record(machine, home("sale", 4_000, 12_000, 30, 60, -CAP, side="sell"))
    cheap = record(machine, home("buy", 3_000, 6_000, *WINDOW))
    said = record(machine, later(Kind.CANCEL, "sale", 5))
    saved = 3_000 * (fair - price(cheap)) // 10**6
    assert saved > 0
    assert owed(said) >= saved
    # In the interval of the act, whenever it was to be had.
    assert [each.minute * MINUTE_US - START_US for each in said.given_back] == [5 * MINUTE_US]


def test_what_a_load_does_for_a_minute_while_something_is_given_back_saves_it_nothing():
    wind = event(Kind.AVAILABILITY, "wind", 30_000, at_us=START_US + 2 * MINUTE_US)
    left = []
    for spike in ([], [demand(30_000, 3)]):
        machine, _ = begun(demand(4_000), home("a", 3_000, 6_000, *WINDOW))
        said = record(machine, wind, *spike, later(Kind.CANCEL, "a", 4))
        assert (owed(said) == 0) is bool(spike)
        machine.take([demand(4_000, 5)])
        left.append(comes_to([said], machine))
    assert left[0] == left[1] > 0


def test_what_giving_up_is_said_to_cost_is_what_it_costs_and_moves_nothing():
    fallen = event(Kind.AVAILABILITY, "wind", 60_000, at_us=START_US + 2 * MINUTE_US)
    machine, _ = begun(demand(4_000), home("a", 3_000, 6_000, *WINDOW))
    machine.take([fallen])
    before, course = state_of(machine), SimpleNamespace(machine=machine)
    (known,) = machine.bookings.known.values()
    was, left = given_up_now(course, known, moment_of(START_US + 3 * MINUTE_US))
    assert (was, state_of(machine)) == (known, before)
    assert left == record(machine, later(Kind.CANCEL, "a", 2))
    assert owed(left) > 0 and left.state is State.CANCELLED


def test_who_moves_a_booking_as_prices_fall_pays_the_fall():
    fallen = event(Kind.AVAILABILITY, "wind", 60_000, at_us=START_US + 2 * MINUTE_US)
    machine, _ = begun(demand(4_000), home("a", 1_000, 2_000, *WINDOW))
    (before,) = machine.bookings.known.values()
    moved = record(machine, fallen, changed("a", 3, 1_001, 2_002, 30, 60))
    assert price(moved) < price(before) and moved.let_go == ()
    assert owed(moved) == 1_000 * (price(before) - price(moved)) // 10**6 > 0
    # Half of it, and half an hour later: neither part is owed for twice.
    fewer = record(machine, changed("a", 4, 500, 1_000, 30, 60))
    assert [each.energy_wh for each in fewer.let_go] == [501]
    gone = record(machine, changed("a", 5, 500, 1_000, 60, 90))
    assert [each.energy_wh for each in gone.let_go] == [501, 500]
    assert all(each.price_micro_per_mwh <= price(moved) for each in gone.let_go)


def test_a_change_of_nothing_is_owed_nothing_for_nor_a_booking_moved_as_prices_rise():
    machine, _ = begun(demand(4_000), home("a", 3_000, 6_000, *WINDOW))
    same = record(machine, changed("a", 1, 3_000, 6_000, 30, 60))
    assert same.given_back == same.let_go == ()
    dearer = record(machine, demand(4_300, 2), changed("a", 3, 3_000, 6_000, 30, 60))
    assert dearer.given_back == dearer.let_go == ()
    assert price(dearer) > price(same)


def with_spread(power_w: int = 3_000) -> Machine:
    """The tiny market by the curves of a node of gb12."""
    model = replace(tiny_market(), curves=(NODE_CURVE,) * 3, sell_curves=(SELL_CURVE,) * 3)
    supply = [event(Kind.AVAILABILITY, *unit) for unit in (("wind", 9_000), ("gas", 3_000))]
    return run(online(model), [[in_force(), *supply, demand(power_w)]])[0]


def read_game(words: Words) -> tuple[Machine, list[BookingRecord]]:
    """One party that books, sells, changes and gives back by turns, on a grid that stays as it is.

    Returns the machine, and each of its bookings as it stands at last.
    """
    one_curve = words.count(0, 1)
    machine = begun(demand(3_000))[0] if one_curve else with_spread()
    product, said = "home" if one_curve else "P", dict[str, BookingRecord]()
    for turn in range(1, 13):
        held = [key for key, each in sorted(said.items()) if each.state is State.BOOKED]
        what, energy_wh = words.count(0, 9), 100 + words.number(any_of(range(3_900)))
        key, at_us = f"turn {turn}", START_US + turn * MINUTE_US
        if held and what < 5:
            key = held[energy_wh % len(held)]
            limit = CAP if said[key].request.side == "buy" else -CAP
            told = (
                later(Kind.CANCEL, key, turn)
                if what < 3
                else changed(key, turn, energy_wh, 2 * energy_wh, 30, 60, limit=limit)
            )
        else:
            side, limit = ("buy", CAP) if what % 2 else ("sell", -CAP)
            numbers, more = (energy_wh, 2 * energy_wh, 30, 60, limit), {"key": key, "at_us": at_us}
            told = asks("home", *numbers, side=side, product=product, **more)
        said |= {each.key: each for each in machine.take([told]).booking_records}
    return machine, list(said.values())


@given(examples_of(read_game, words=1 + 12 * 3))
def test_no_game_of_booking_and_giving_back_is_cheaper_than_asking_for_what_is_kept(game):
    machine, said = game
    net_wh = sum(one.booked_wh * (1 if one.request.side == "buy" else -1) for one in said)
    # What is kept, asked for by small steps: each at the price of all before it, and no more.
    step, least = 50 if net_wh > 0 else -50, 0
    for asked in range(0, net_wh, step):
        wh = min(step, net_wh - asked) if step > 0 else max(step, net_wh - asked)
        least += wh * charged(machine, 2 * (asked - net_wh))[step < 0]
    assert comes_to(said, machine) >= least


def test_a_small_sale_beside_a_large_purchase_saves_nothing_where_net_export_is_paid_less():
    honest, machine = with_spread(9_000), with_spread(9_000)
    at_us = START_US + 2 * MINUTE_US
    steps = [
        record(honest, asks("home", 10, 20, *WINDOW, key=f"step {n}", at_us=at_us))
        for n in range(100)
    ]
    said = [record(machine, asks("home", 250, 9_500, 30, 60, -CAP, side="sell", at_us=at_us))]
    said += [
        record(machine, asks("home", 10, 20, *WINDOW, key=f"step {n}", at_us=at_us))
        for n in range(100)
    ]
    (key,) = {each.key for each in said if each.request.side == "sell"}
    said[0] = record(machine, later(Kind.CANCEL, key, 3))
    saved = 10 * (sum(map(price, steps)) - sum(map(price, said[1:])))
    # At once, whatever is charged later.
    assert 0 < saved < sum(each.energy_wh * each.fall_micro_per_mwh for each in said[0].given_back)
