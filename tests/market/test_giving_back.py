"""What was booked and is given back is owed its fall in price: no promise is made for nothing."""

import numpy as np
from hypothesis import given

from market.core.bookings import BookingRecord, State
from market.core.events import Kind
from market.core.machine import Machine
from tests.market.asking import CAP, START_US, begun, changed, home, later
from tests.market.streams import MINUTE_US, event
from tests.settlement.core.draws import Words, any_of, examples_of

WINDOW = (30, 60, CAP)


def demand(power_w: int, minute: int = 0):
    return event(Kind.DEMAND, "home", power_w, at_us=START_US + minute * MINUTE_US)


def record(machine: Machine, *told) -> BookingRecord:
    """What the last event of a batch leaves of its booking."""
    return machine.take(list(told)).booking_records[-1]


def owed(said: BookingRecord) -> int:
    return sum(each.owed_micro for each in said.given_back)


def price(said: BookingRecord) -> int:
    (placed,) = said.placed
    return placed.price_micro_per_mwh


def test_a_sale_that_nobody_means_costs_more_than_what_was_booked_beside_it_saved():
    honest, _ = begun(demand(4_000))
    fair = price(record(honest, home("buy", 3_000, 6_000, *WINDOW)))
    machine, _ = begun(demand(4_000))
    record(machine, home("sale", 4_000, 12_000, 30, 60, -CAP, side="sell"))
    cheap = price(record(machine, home("buy", 3_000, 6_000, *WINDOW)))
    said = record(machine, later(Kind.CANCEL, "sale", 5))
    saved = 3_000 * (fair - cheap) // 10**6
    assert saved > 0
    assert owed(said) >= saved
    # In the interval of the act, whenever it was to be had.
    assert [each.minute * MINUTE_US - START_US for each in said.given_back] == [5 * MINUTE_US]


def test_who_gives_back_or_moves_a_booking_as_prices_fall_pays_the_fall():
    fallen = event(Kind.AVAILABILITY, "wind", 60_000, at_us=START_US + 2 * MINUTE_US)
    machine, _ = begun(demand(4_000), home("a", 1_000, 2_000, *WINDOW))
    (before,) = machine.bookings.known.values()
    moved = record(machine, fallen, changed("a", 3, 1_001, 2_002, 30, 60))
    assert price(moved) < price(before)
    assert owed(moved) == 1_000 * (price(before) - price(moved)) // 10**6 > 0
    gone = record(machine, later(Kind.CANCEL, "a", 4))
    # What it was owed for once is not owed for again, beyond the fall since.
    assert owed(gone) >= owed(moved) and gone.given_back[:1] == moved.given_back


def test_a_change_of_nothing_is_owed_nothing_for_nor_a_booking_given_back_as_prices_rise():
    machine, _ = begun(demand(4_000), home("a", 3_000, 6_000, *WINDOW))
    assert record(machine, changed("a", 1, 3_000, 6_000, 30, 60)).given_back == ()
    record(machine, home("b", 100, 200, *WINDOW, at_us=START_US + MINUTE_US))
    assert record(machine, demand(4_300, 2), later(Kind.CANCEL, "b", 3)).given_back == ()


def read_game(words: Words) -> tuple[Machine, list[BookingRecord]]:
    """One party that books, sells, changes and gives back by turns, on a grid that stays as it is.

    Returns the machine, and each of its bookings as it stands at last.
    """
    machine, said = begun(demand(3_000))[0], dict[str, BookingRecord]()
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
            told = home(key, energy_wh, 2 * energy_wh, 30, 60, limit, side=side, at_us=at_us)
        said |= {each.key: each for each in machine.take([told]).booking_records}
    return machine, list(said.values())


@given(examples_of(read_game, words=12 * 3))
def test_no_game_of_booking_and_giving_back_is_cheaper_than_asking_for_what_is_kept(game):
    machine, said = game
    owed = sum(each.energy_wh * each.fall_micro_per_mwh for one in said for each in one.given_back)
    net_wh = 0
    for one in said:
        sign = 1 if one.request.side == "buy" else -1
        net_wh += sign * one.booked_wh
        owed += sum(sign * each.energy_wh * each.price_micro_per_mwh for each in one.placed)
    # What is kept, asked for by small steps: each at the price of all before it, and no more.
    node, step, least = machine.bookings.forward.at("home"), 50 if net_wh > 0 else -50, 0
    for asked in range(0, net_wh, step):
        prices = node.with_more(np.full(len(node.spare_w), 2 * (asked - net_wh)))
        of_side = prices.price_micro_per_mwh if step > 0 else prices.sell_price_micro_per_mwh
        wh = min(step, net_wh - asked) if step > 0 else max(step, net_wh - asked)
        least += wh * int(of_side[0])
    assert owed >= least
