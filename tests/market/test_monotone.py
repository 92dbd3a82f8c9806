"""More demand or less supply lowers no price, of now or to come; and every price is bounded.

Over random streams: whatever was said before of units, points, lines, outages and bookings.
"""

import json

import numpy as np
from hypothesis import given

from market.core.events import Event, Kind, Outcome
from market.core.machine import Machine
from market.core.pricing import Holons, Prices
from market.core.state import restore, state_of
from tests.market.asking import asking_streams, run
from tests.market.streams import event, streams

PRICES = ("price_micro_per_mwh", "sell_price_micro_per_mwh")
MORE_W = 7_000
DEARER = "what lowers no price"
CHEAPER = "what raises none"


def hold_to_bounds(holons: Holons, prices: Prices) -> None:
    """Hold prices, shape (H,) or (H, T), to the ends of the curve of each holon's layer."""
    model = holons.model
    curves = {PRICES[0]: model.curves, PRICES[1]: model.sell_curves or model.curves}
    for name, of_layers in curves.items():
        made = getattr(prices, name)
        ends = [of_layers[layer].price_micro_per_mwh[[0, -1]] for layer in holons.layer]
        for row, (lowest, highest) in zip(made.reshape(len(holons), -1), ends, strict=True):
            assert lowest <= row.min(initial=highest) and row.max(initial=lowest) <= highest


def hold_to_order(dearer: Prices, cheaper: Prices, said: object) -> None:
    for name in PRICES:
        assert np.all(getattr(dearer, name) >= getattr(cheaper, name)), said


def steps_of(machine: Machine, choose: int) -> list[tuple[str, Event]]:
    """One event of every kind that moves a price, about anybody, each with what it may do."""
    market, grid, at_us = machine.market, machine.grid, machine.clock_us
    unit, point = (
        names[choose % len(names)] for names in (market.model.units, market.model.supply_points)
    )
    known = grid.said.get((Kind.AVAILABILITY, unit))
    offered_w = known.numbers[0] if known else 0  # out or not
    steps = [
        (DEARER, event(Kind.DEMAND, point, grid.demand_w(point) + MORE_W, at_us=at_us)),
        (DEARER, event(Kind.OUTAGE, unit, at_us=at_us)),
        (CHEAPER, event(Kind.RETURN, unit, at_us=at_us)),
        (CHEAPER, event(Kind.AVAILABILITY, unit, offered_w + MORE_W, at_us=at_us)),
    ]
    if market.lines:
        row = choose % len(market.lines)
        now = (int(grid.grid.rating_w[row]), int(grid.grid.reverse_rating_w[row]))
        line = market.lines[row]
        better = event(Kind.LINE_RATING, line, *(w + MORE_W for w in now), at_us=at_us)
        worse = event(Kind.LINE_RATING, line, *(w // 2 for w in now), at_us=at_us)
        steps += [(CHEAPER, better), (DEARER, worse)]
    return steps


def hold_to_steps(machine: Machine, choose: int) -> int:
    """Hold a machine to move the right way by each kind of event; return how many were taken.

    Each is taken by a machine of its own, restored as this one is.
    """
    state, taken = json.dumps(state_of(machine)), 0
    hold_to_bounds(machine.grid.holons, machine.grid.prices_in_full())
    for does, step in steps_of(machine, choose):
        other = restore(json.loads(state), machine.law)
        if step.kind is Kind.AVAILABILITY:  # of a unit that is out it would say nothing
            other.take([event(Kind.RETURN, step.entity, at_us=step.at_us)])
        before = other.grid.prices_in_full()
        if other.take([step]).outcomes != [Outcome.TAKEN]:
            continue
        taken += 1
        pair = (other.grid.prices_in_full(), before)
        hold_to_order(*(pair if does is DEARER else pair[::-1]), step)
        hold_to_bounds(other.grid.holons, pair[0])
    return taken


@given(streams(20))
def test_every_kind_of_telemetry_moves_prices_one_way_within_their_bounds(stream):
    market, batches = stream
    machine = Machine({"law": market})
    for batch in batches:
        machine.take(batch)
    assert hold_to_steps(machine, len(machine.grid.said)) >= 4


@given(asking_streams())
def test_a_booking_moves_prices_to_come_one_way_within_their_bounds(stream):
    market, batches = stream
    machine, _ = run(market, batches)
    forward, holons = machine.bookings.forward, machine.grid.holons
    before = forward.prices()
    hold_to_bounds(holons, before)
    point = market.model.supply_points[len(batches) % len(market.model.supply_points)]
    every = range(forward.horizon.count)
    forward.book(point, dict.fromkeys(every, MORE_W))
    dearer, exact = forward.prices(), forward.exact()
    hold_to_bounds(holons, dearer)
    for name in PRICES:
        assert np.all((getattr(dearer, name) >= getattr(before, name))[:, exact])
    # A sale of the same, twice: below where it began, and back to it.
    forward.book(point, dict.fromkeys(every, -2 * MORE_W))
    cheaper = forward.prices()
    hold_to_bounds(holons, cheaper)
    for name in PRICES:
        assert np.all((getattr(cheaper, name) <= getattr(before, name))[:, exact])
    forward.book(point, dict.fromkeys(every, MORE_W))
    for name in vars(before):
        assert np.array_equal(getattr(forward.prices(), name), getattr(before, name)), name


@given(asking_streams(20))
def test_an_outage_makes_no_interval_to_come_cheaper(stream):
    market, batches = stream
    machine, _ = run(market, batches)
    unit = market.model.units[len(batches) % len(market.model.units)]
    # Without those who wait: an outage moves no booking, and who waits is tried again.
    forward, exact = machine.bookings.forward, machine.bookings.forward.exact()
    before = forward.prices()
    machine.grid.move(event(Kind.OUTAGE, unit, at_us=machine.clock_us))
    forward.moved(unit)
    after = forward.prices()
    hold_to_bounds(machine.grid.holons, after)
    for name in PRICES:
        assert np.all((getattr(after, name) >= getattr(before, name))[:, exact])
