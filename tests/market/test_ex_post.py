"""An interval's readings give settlement's prices, bit for bit, in any order of arrival."""

import datetime as dt
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from market.core.events import Event, Kind, Outcome
from market.core.ex_post import AVAILABLE, DEMAND, ExPost
from market.core.grid_state import MOST_W
from market.core.machine import Cause, Machine, Publication
from market.core.pricing import MOST_DEMAND_W, Holons
from settlement.core.engine import settle_day
from settlement.core.model import DayReadings
from settlement.meters import register
from tests.market.streams import DAY, MINUTE_US, START_US, event, in_force, online
from tests.settlement.core.draws import examples_of
from tests.settlement.core.examples import (
    fair_play,
    read_market,
    tiny_day,
    tiny_market,
    tiny_market_by_flow,
)

HALF_HOUR_US = 30 * MINUTE_US
DAY_US = 48 * HALF_HOUR_US


def reading(measure: str, entity: str, interval: int, value: int, revision: int = 0, **more):
    """A reading, told when its interval ended."""
    at_us = more.pop("at_us", START_US + (interval + 1) * HALF_HOUR_US)
    key = f"{measure}:{entity}:{interval}:{revision}:{value}"
    return Event(
        more.pop("day", DAY), key, Kind.READING, entity, at_us,
        (interval, revision, value), (measure, "measured"),
    )  # fmt: skip


def readings_of(model, day: DayReadings, revision: int = 0, **more) -> list[Event]:
    """All readings of a day that make prices."""
    return [
        reading(measure, entity, interval, value, revision, **more)
        for measure, entities, rows in (
            (AVAILABLE, model.units, day.available_w),
            (DEMAND, model.supply_points, day.demand_wh),
        )
        for entity, row in zip(entities, rows.tolist(), strict=True)
        for interval, value in enumerate(row)
    ]


def whole_day(words, intervals: int = 4):
    """A market of half-hours without Fair Play, a UTC day of it, and a day that it replaced."""
    model, few = read_market(words, intervals)
    model = replace(model, interval_minutes=30, fair_play=None)

    def long(values):
        return np.tile(values, (1, 48 // intervals))

    values = (few.generation_wh, few.available_w, few.demand_wh)
    day = DayReadings(DAY, *map(long, values))
    return model, day, words.below(2**16, 1)[0]


def days():
    return examples_of(whole_day, words=600)


def last_told(publications: list[Publication]) -> dict[int, Publication]:
    """The last price ex post of each moment."""
    return {each.at_us: each for each in publications if each.cause is Cause.EX_POST}


def settled(model, day: DayReadings) -> dict:
    result = settle_day(model, day)
    return {name: result.values(name) for name in (
        "tightness_ppm", "price_micro_per_mwh", "node_price_micro_per_mwh", "binding_layer",
    )}  # fmt: skip


def assert_settled(model, day: DayReadings, told: dict[int, Publication]) -> None:
    """Whether what was told of each interval is what settlement makes of the day."""
    expected, holons = settled(model, day), Holons(model)
    assert sorted(told) == [START_US + number * HALF_HOUR_US for number in range(48)]
    for number, at_us in enumerate(sorted(told)):
        prices = told[at_us].prices
        assert np.array_equal(prices.tightness_ppm, expected["tightness_ppm"][:, number])
        assert np.array_equal(
            prices.price_micro_per_mwh, expected["price_micro_per_mwh"][:, number]
        )
        node_price, binding = holons.node_prices(prices.price_micro_per_mwh)
        assert np.array_equal(node_price, expected["node_price_micro_per_mwh"][:, number])
        assert np.array_equal(binding, expected["binding_layer"][:, number])


@given(days())
def test_in_any_order_with_revisions_a_day_is_priced_as_settlement_prices_it(example):
    model, day, seed = example
    chance = random.Random(int(seed))
    first = replace(
        day,
        available_w=chance.choice((day.available_w, day.available_w * 2 + 1)),
        demand_wh=chance.choice((day.demand_wh, day.demand_wh // 3 - 5)),
    )
    # What is told first of some is another number; the later revision is the day's.
    events = [each for each in readings_of(model, first) if chance.randrange(3)]
    events += readings_of(model, day, revision=1)
    # They are read in any order, and told in any order; all within the delay of the day's law.
    events = [replace(each, at_us=START_US + DAY_US) for each in events]
    chance.shuffle(events)
    machine = Machine({"law": online(model, late_after_days=1)})
    machine.take([in_force()])
    told: list[Publication] = []
    while events:
        count = chance.choice((1, 2, 7, 100))
        taken = machine.take(events[:count])
        assert set(taken.outcomes) <= {Outcome.TAKEN, Outcome.OLDER}
        told, events = told + taken.publications, events[count:]
    assert_settled(model, day, last_told(told))


@given(days())
def test_a_machine_that_begins_in_the_middle_of_a_day_goes_on_as_the_one_that_never_stopped(
    example,
):
    model, day, seed = example
    chance = random.Random(int(seed))
    events = readings_of(model, day, at_us=START_US + DAY_US)
    chance.shuffle(events)
    half = chance.randrange(len(events))
    market = online(model, late_after_days=1)
    one, other = Machine({"law": market}), Machine({"law": market})
    one.take([in_force(), *events[:half]])
    other.take([in_force()])
    other.clock_us = one.clock_us
    other.ex_post.restore(one.ex_post.kept())
    rest = one.take(events[half:]).publications, other.take(events[half:]).publications
    told = [last_told(publications) for publications in rest]
    assert told[0].keys() == told[1].keys()
    for at_us, publication in told[0].items():
        for name in vars(publication.prices):
            assert np.array_equal(
                getattr(publication.prices, name), getattr(told[1][at_us].prices, name)
            )
    assert list(one.ex_post.kept()) == list(other.ex_post.kept())


def test_prices_by_maximum_flow_are_settlements_too():
    model, day = tiny_market_by_flow(), tiny_day(day=DAY)
    machine = Machine({"law": online(model, late_after_days=1)})
    told = machine.take([in_force(), *readings_of(model, day)]).publications
    assert_settled(model, day, last_told(told))


def test_where_fair_play_refuses_nothing_the_price_of_the_meter_is_that_of_settlement():
    model, day = tiny_market(), tiny_day(day=DAY)
    day = replace(day, available_w=day.available_w + 10**6, demand_wh=abs(day.demand_wh))
    model = replace(model, grid=_wide(model.grid), fair_play=fair_play(model))
    assert not settle_day(model, day).values("missed_w").any()
    machine = Machine({"law": online(model)})
    told = machine.take([in_force(), *readings_of(model, day)]).publications
    assert_settled(model, day, last_told(told))


def _wide(grid):
    return replace(grid, rating_w=grid.rating_w + 10**9, reverse_rating_w=grid.rating_w + 10**9)


def begun(**changes) -> Machine:
    machine = Machine({"law": online(tiny_market(), **changes)})
    machine.take([in_force()])
    return machine


def interval_of(values: dict[str, int], interval: int = 0, revision: int = 0) -> list[Event]:
    model = tiny_market()
    return [
        reading(AVAILABLE if name in model.units else DEMAND, name, interval, value, revision)
        for name, value in values.items()
    ]


ALL = {
    **dict.fromkeys(tiny_market().units, 5_000),
    **dict.fromkeys(tiny_market().supply_points, 700),
}


def test_nothing_is_said_of_an_interval_until_its_last_reading():
    machine = begun()
    *most, last = interval_of(ALL)
    assert not last_told(machine.take(most).publications)
    told = last_told(machine.take([last]).publications)
    assert list(told) == [START_US]


def test_a_revision_prices_again_and_the_same_value_does_not():
    machine = begun()
    machine.take(interval_of(ALL))
    again = interval_of({"home": 700}, revision=1)
    assert not last_told(machine.take(again).publications)
    (told,) = last_told(machine.take(interval_of({"home": 9_000}, revision=2)).publications).items()
    assert told[0] == START_US


def test_what_is_read_moves_no_price_of_now():
    machine = begun()
    before = machine.grid.prices()
    machine.take(interval_of(ALL))
    assert np.array_equal(before.price_micro_per_mwh, machine.grid.prices().price_micro_per_mwh)
    assert np.array_equal(
        machine.published.price_micro_per_mwh, machine.grid.prices().price_micro_per_mwh
    )


HOME = ("home", 0, 700)
READ = {
    "as it was": (reading(DEMAND, *HOME), Outcome.TAKEN),
    "of a lower revision": (reading(DEMAND, "home", 1, 8, 4), Outcome.OLDER),
    "of the same revision and another value": (reading(DEMAND, "home", 1, 8, 5),
                                               Outcome.CONTRADICTED),
    "of the same revision and value": (reading(DEMAND, "home", 1, 7, 5), Outcome.TAKEN),
    "of nobody": (reading(DEMAND, "nobody", 0, 1), Outcome.UNKNOWN),
    "of a unit by the measure of a point": (reading(DEMAND, "wind", 0, 1), Outcome.UNKNOWN),
    "by no measure of a price": (reading("reserve_w", "wind", 0, 1), Outcome.UNREADABLE),
    "of no interval of the day": (reading(DEMAND, "home", 48, 1), Outcome.UNREADABLE),
    "before its interval ended": (
        reading(DEMAND, "home", 5, 1, at_us=START_US + 6 * HALF_HOUR_US - 1), Outcome.UNREADABLE),
    "below the first revision": (reading(DEMAND, "home", 0, 1, -1), Outcome.UNREADABLE),
    "of availability below nothing": (reading(AVAILABLE, "wind", 0, -1), Outcome.UNREADABLE),
    "of net export": (reading(DEMAND, "home", 0, -MOST_W), Outcome.TAKEN),
    "of more than there is": (reading(DEMAND, "home", 0, MOST_W + 1), Outcome.UNREADABLE),
    "past what is exact": (reading(DEMAND, "home", 0, MOST_DEMAND_W // 2 + 1), Outcome.TOO_LARGE),
    "the most that is exact": (reading(DEMAND, "home", 0, MOST_DEMAND_W // 2), Outcome.TAKEN),
    "of a day before all law, and late by it": (
        reading(DEMAND, "home", 0, 1, day=DAY - dt.timedelta(days=1)), Outcome.LATE),
    "of a day before all years": (
        reading(DEMAND, "home", 0, 1, day=dt.date.min), Outcome.UNKNOWN),
    "of a year that no clock knows": (
        reading(DEMAND, "home", 0, 1, day=dt.date.max), Outcome.UNREADABLE),
    "on the last moment before it is late": (
        reading(DEMAND, *HOME, at_us=START_US + 2 * DAY_US), Outcome.TAKEN),
    "later": (reading(DEMAND, *HOME, at_us=START_US + 2 * DAY_US + 1), Outcome.LATE),
}  # fmt: skip


@pytest.mark.parametrize("named", READ)
def test_what_becomes_of_a_reading(named):
    told, outcome = READ[named]
    machine = begun(late_after_days=1)
    # Events may be a day ahead of the clock and no more, so the clock is brought near first.
    clock = event(Kind.CLOCK, at_us=START_US + DAY_US + 1)
    machine.take([clock, reading(DEMAND, "home", 1, 7, 5)])
    kept = list(machine.ex_post.kept())
    assert machine.take([told]).outcomes == [outcome]
    if outcome is not Outcome.TAKEN:
        assert list(machine.ex_post.kept()) == kept


def test_a_reading_is_priced_by_the_law_of_its_day_and_not_by_that_of_now():
    market = online(tiny_market(), late_after_days=2)
    narrow = replace(market.model.grid, rating_w=0 * market.model.grid.rating_w,
                     reverse_rating_w=0 * market.model.grid.rating_w)  # fmt: skip
    new = replace(market, digest="new", model=replace(market.model, grid=narrow))
    machine = Machine({"law": market, "new": new})
    next_day = DAY + dt.timedelta(days=1)
    rules = Event(next_day, "rules", Kind.RULES, "", START_US + DAY_US, (), ("new",))
    machine.take([in_force(), rules])
    model, day = market.model, tiny_day(day=DAY)
    told = machine.take(readings_of(model, day)).publications
    assert_settled(model, day, last_told(told))


def test_other_law_of_a_day_prices_what_was_read_again():
    market = online(tiny_market(), late_after_days=2)
    moved = replace(market.model, supply_point_node=np.array([1, 0, 1]))
    machine = Machine({"law": market, "new": replace(market, digest="new", model=moved)})
    day = tiny_day(day=DAY)
    told = readings_of(market.model, day)
    before, after = (
        [each for each in told if (each.numbers[0] < 40) == is_early] for is_early in (True, False)
    )
    machine.take([in_force(), *before])
    rules = event(Kind.RULES, at_us=START_US + 40 * HALF_HOUR_US, words=("new",))
    # Known later on the day, it prices what was read and priced before, too.
    assert_settled(moved, day, last_told(machine.take([rules, *after]).publications))


def test_a_day_is_forgotten_once_its_readings_would_be_late():
    machine = begun(late_after_days=1)
    machine.take(interval_of(ALL))
    for day in (1, 2, 3):
        rules = replace(in_force(START_US + day * DAY_US), day=DAY + dt.timedelta(days=day))
        machine.take([rules])
        assert bool(list(machine.ex_post.kept())) == (day <= 2)


def test_a_day_of_summer_time_has_the_intervals_of_its_clock():
    market = online(tiny_market(), zone="Europe/London", late_after_days=9)
    day = dt.date(2024, 3, 31)
    midnight_us = int(dt.datetime(2024, 3, 31, tzinfo=dt.UTC).timestamp()) * 1_000_000
    machine = Machine({"law": market})
    machine.take([replace(in_force(midnight_us), day=day)])
    for interval, outcome in ((45, Outcome.TAKEN), (46, Outcome.UNREADABLE)):
        told = reading(DEMAND, "home", interval, 1, day=day, at_us=midnight_us + DAY_US)
        assert machine.take([told]).outcomes == [outcome]


def test_readings_are_not_taken_back_where_no_law_was_obeyed():
    machine = begun()
    machine.take(interval_of(ALL))
    with pytest.raises(ValueError, match="no law of that day"):
        ExPost().restore(machine.ex_post.kept())


def test_measures_are_called_as_meters_call_them():
    assert (AVAILABLE, DEMAND) == (register.AVAILABLE, register.DEMAND)
