"""Bookings of a real winter day: whether what is placed where it is least tight really lies there.

The figures of twenty days of 2024, and of a month of the queue, are in docs/studies.md.
"""

import datetime as dt
import random

import numpy as np
import pytest
from numba import config

from market.core.booking_records import BookingRecord, State
from market.core.events import Event, Kind
from market.core.machine import Machine
from market.feeding import Eve, day_events
from market.moments import midnight_us
from market.rules import online_market
from settlement.core.booked import Booked, OnlineDay
from settlement.core.booking_lines import Flexible, hold_to_meter
from settlement.core.contract_state import NOTHING_CARRIED, begin_day
from settlement.core.fair_play_market import carried_by, shares_of_day
from settlement.core.fair_play_rules import Requests
from settlement.core.model import DayReadings, node_available_w, node_demand_w
from settlement.core.scarcity import price_layers
from settlement.core.tightness import node_prices
from settlement.meters.register import AVAILABLE, DEMAND
from tests.market.test_feeding import fed
from tests.market.test_rules import STATED, rules_with
from tests.settlement.core.test_great_britain import day_of, market

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(config.DISABLE_JIT, reason="imports a model that needs JIT"),
]
DAY = dt.date(2024, 1, 15)
TIGHT = dt.date(2024, 11, 26)
ONE_DAY = dt.timedelta(days=1)
MINUTE_US = 60_000_000
COUNT = 96
"""Half-hours of the day and the next."""
NIGHT = slice(32, 66)
"""From 16:00 to 09:00, when cars are there."""


@pytest.fixture(scope="module")
def law():
    return online_market(rules_with(STATED | {"forward_hours": 48}))


def read(law, day):
    """What could be fed in, in W, and what was taken, in Wh, in the order of the law."""
    names, recorded = market(1), day_of(day)
    units = [names.units.index(unit) for unit in law.model.units]
    points = [names.supply_points.index(point) for point in law.model.supply_points]
    return recorded.available_w[units], recorded.demand_wh[points]


def charges(law, day=DAY) -> list[Event]:
    """Fleets of cars that come home in the evening and are to be charged by the morning."""
    chance, midnight = random.Random(1), midnight_us(day, law.zone)
    asked = []
    for number in range(150):
        at_us = midnight + chance.randrange(16 * 60, 20 * 60) * MINUTE_US
        point = chance.choice(law.model.supply_points)
        product = law.model.fair_play.contracts.groups[
            law.model.fair_play.contracts.point_group[law.model.supply_points.index(point)]
        ][1]
        power_w, minute = 7_400 * chance.randrange(500, 6_000), at_us // MINUTE_US
        window = (minute, minute + 60 * chance.randrange(9, 13))
        numbers = (3 * power_w, power_w, *window, 6_000_000_000)
        words = (product, "buy")
        asked.append(Event(day, f"car {number}", Kind.REQUEST, point, at_us, numbers, words))
    return asked


def lived_through(law, eve, day=DAY) -> list[BookingRecord]:
    """The bookings of a day on which cars are asked for, by their numbers."""
    available_w, demand_wh = read(law, day)
    readings = {
        AVAILABLE: fed(law.model.units, available_w),
        DEMAND: fed(law.model.supply_points, demand_wh),
    }
    told = [each for each in day_events(law, day, readings, eve) if each.kind is not Kind.READING]
    machine = Machine({law.digest: law})
    for each in sorted([*told, *charges(law, day)], key=lambda event: event.at_us):
        machine.take([each])
    return sorted(machine.bookings.known.values(), key=lambda record: record.number)


def booked(law, eve) -> tuple[np.ndarray, int]:
    """What is booked in the half-hours of two days, shape (G, 96), in Wh, and its mean price."""
    first = midnight_us(DAY, law.zone) // MINUTE_US
    placed_wh, worth = np.zeros((len(law.model.supply_points), COUNT), dtype=np.int64), 0
    for record in lived_through(law, eve):
        assert record.state is State.BOOKED
        row = law.model.supply_points.index(record.request.point)
        for each in record.placed:
            placed_wh[row, (each.start_minute - first) // 30] += each.energy_wh
            worth += each.energy_wh * each.price_micro_per_mwh
    return placed_wh, worth // int(placed_wh.sum())


def at_once(law) -> np.ndarray:
    """The same cars where nobody asks: each charges from the half-hour after it came."""
    placed_wh = np.zeros((len(law.model.supply_points), COUNT), dtype=np.int64)
    first = midnight_us(DAY, law.zone) // MINUTE_US
    for each in charges(law):
        start = -(-(each.numbers[2] - first) // 30)
        row = law.model.supply_points.index(each.entity)
        placed_wh[row, start : start + 6] += each.numbers[1] // 2
    return placed_wh


def settles_at(law, placed_wh) -> tuple[int, int]:
    """The highest tightness of the system that night, in ppm, and a MWh of it costs, in micro."""
    days = [read(law, DAY), read(law, DAY + ONE_DAY)]
    available_w, demand_wh = (np.concatenate(each, axis=1) for each in zip(*days, strict=True))
    model = law.model
    layers = price_layers(
        model, node_available_w(model, available_w), node_demand_w(model, demand_wh + placed_wh)
    )
    prices = node_prices(model.grid, model.layers_in_use, layers).price_micro_per_mwh
    worth = int((placed_wh * (prices[model.supply_point_node] // 1_000)).sum()) * 1_000
    return int(layers[0].tightness_ppm[:, NIGHT].max()), worth // int(placed_wh.sum())


def test_forecast_by_the_day_before_bookings_lie_where_it_is_least_tight(law):
    forecast_wh, booked_at = booked(law, eve_of(law, DAY))
    peak, charged = settles_at(law, forecast_wh)
    peak_before, _ = settles_at(law, np.ones_like(forecast_wh))
    peak_at_once, charged_at_once = settles_at(law, at_once(law))
    assert forecast_wh.sum() == at_once(law).sum()
    # They add nothing to the peak, cost less than at once, and what was promised but for a little.
    assert peak == peak_before < peak_at_once
    assert charged < charged_at_once - 20_000_000
    assert abs(booked_at - charged) < 5_000_000
    # Where what goes on now is all that is known, every interval looks alike.
    _, charged_blind = settles_at(law, booked(law, None)[0])
    assert charged < charged_blind - 10_000_000


def eve_of(law, day):
    available_w, demand_wh = read(law, day - ONE_DAY)
    return {
        AVAILABLE: Eve(law.model.units, available_w),
        DEMAND: Eve(law.model.supply_points, demand_wh),
    }


def of_day(law, records, day, number) -> list[Booked]:
    """What records place on a day or, by its number, on one after it."""
    first = midnight_us(day, law.zone) // MINUTE_US + number * 24 * 60
    found = []
    for record in records:
        energy_wh, price = np.zeros((2, COUNT // 2), dtype=np.int64)
        for each in record.placed:
            interval = (each.start_minute - first) // 30
            if 0 <= interval < COUNT // 2:
                energy_wh[interval], price[interval] = each.energy_wh, each.price_micro_per_mwh
        row = law.model.supply_points.index(record.request.point)
        found.append(Booked(record.number, row, False, energy_wh, price))
    return found


def came_of(law, records, day, *, has_turn: bool) -> tuple[int, int]:
    """What flexible contracts are served of what they booked on two days: in its interval, late."""
    model, rules = law.model, law.model.fair_play
    carried, in_time, late = NOTHING_CARRIED, 0, 0
    for number in (-1, 0, 1):
        bookings = of_day(law, records, day, number)
        available_w, demand_wh = read(law, day + number * ONE_DAY)
        for each in bookings:
            demand_wh[each.point] += each.energy_wh
        state = begin_day(rules.contracts, model.supply_points, carried, day + number * ONE_DAY)
        nobody = np.zeros(len(demand_wh), dtype=np.bool_)
        prices = np.zeros((len(model.grid.nodes), COUNT // 2), dtype=np.int64)
        readings = DayReadings(
            day + number * ONE_DAY,
            0 * available_w,
            available_w,
            demand_wh,
            requests=Requests(np.zeros_like(demand_wh), nobody, state),
            online=OnlineDay(prices, prices, prices[0] > 0, tuple(bookings) if has_turn else ()),
        )
        shares = shares_of_day(model, rules, readings)
        flexible = Flexible(model.is_owed, shares.served.lots, 30) if has_turn else None
        held = hold_to_meter(bookings, demand_wh, shares.taken_wh, flexible)
        for booking, each in zip(bookings, held, strict=True):
            if model.is_owed[booking.point]:
                in_time += int(each.delivered_wh.sum())
                late += int(each.late_wh.sum())
        carried = carried_by(model, rules, shares, carried)
    return in_time, late


def test_on_a_tight_day_all_that_cars_booked_is_served_in_its_interval_as_it_has_a_turn(law):
    records = lived_through(law, eve_of(law, TIGHT), TIGHT)
    flexible_wh = sum(
        record.booked_wh
        for record in records
        if law.model.is_owed[law.model.supply_points.index(record.request.point)]
    )
    assert came_of(law, records, TIGHT, has_turn=True) == (flexible_wh, 0)
    without, _ = came_of(law, records, TIGHT, has_turn=False)
    assert 4 * 10**9 < without < flexible_wh * 98 // 100
