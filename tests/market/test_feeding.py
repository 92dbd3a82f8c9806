"""A day that is fed in order: what is published at each interval's end is what settles it."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from market.core.events import Event, Kind, Outcome
from market.core.machine import Cause, Machine
from market.feeding import SPREAD_US, Eve, FedReadings, day_events, due
from settlement.core.model import DayReadings
from settlement.core.periods import interval_starts
from settlement.meters.register import AVAILABLE, DEMAND
from tests.market.streams import DAY, MINUTE_US, START_US, online
from tests.market.test_ex_post import DAY_US, assert_settled, days, last_told
from tests.settlement.core.examples import tiny_day, tiny_market, tiny_market_by_flow

HALF_HOUR_US = 30 * MINUTE_US


def fed(entities, values, revision: int = 1) -> FedReadings:
    words = tuple(("measured",) * values.shape[1] for _ in entities)
    return FedReadings(entities, values, (revision,) * len(entities), words)


def events_of(market, day: DayReadings, revision: int = 1) -> list[Event]:
    model = market.model
    return day_events(
        market,
        day.day,
        {
            AVAILABLE: fed(model.units, day.available_w, revision),
            DEMAND: fed(model.supply_points, day.demand_wh, revision),
        },
    )


def assert_fed(market, day: DayReadings) -> None:
    """Whether a machine that is fed a day publishes at each end what it is settled by."""
    machine, told = Machine({market.digest: market}), []
    for each in events_of(market, day):
        taken = machine.take([each])
        assert taken.outcomes == [Outcome.TAKEN]
        told += taken.publications
    ends = {each.at_us: each.prices for each in told if each.cause is Cause.INTERVAL_END}
    ex_post = last_told(told)
    assert_settled(market.model, day, ex_post)
    assert len(ends) == 48
    for began_us, publication in ex_post.items():
        at_end = ends[began_us + HALF_HOUR_US]
        for name in vars(at_end):
            assert np.array_equal(getattr(publication.prices, name), getattr(at_end, name))


@given(days())
def test_at_the_end_of_an_interval_the_published_price_is_that_of_its_readings(example):
    model, day, _ = example
    assert_fed(online(replace(model, deliverability="boundary")), day)


def test_so_it_is_by_maximum_flow():
    assert_fed(online(tiny_market_by_flow()), tiny_day(day=DAY))


def test_events_are_in_order_and_each_has_a_key_of_its_own():
    events = events_of(online(tiny_market()), tiny_day(day=DAY))
    assert [event.at_us for event in events] == sorted(event.at_us for event in events)
    assert len({(event.day, event.key) for event in events}) == len(events)
    assert [event.kind for event in events[:2]] == [Kind.CLOCK, Kind.RULES]
    # Law and clock at the day's first moment, readings only of what has ended.
    assert {event.at_us for event in events[:2]} == {START_US}
    for event in events:
        if event.kind is Kind.READING:
            assert event.at_us == START_US + (event.numbers[0] + 1) * HALF_HOUR_US


def test_only_what_changed_is_told_and_within_the_first_minutes():
    day = tiny_day(day=DAY)
    still = replace(day, available_w=day.available_w * 0 + 5, demand_wh=day.demand_wh * 0 + 7)
    still.demand_wh[1, 9] = 70
    model = tiny_market()
    telemetry = [
        event
        for event in events_of(online(model), still)
        if event.kind in (Kind.AVAILABILITY, Kind.DEMAND)
    ]
    first = [event for event in telemetry if event.at_us == START_US]
    assert len(first) == len(model.units) + len(model.supply_points)
    later = [(event.entity, event.numbers) for event in telemetry if event not in first]
    point = model.supply_points[1]
    # 70 Wh in half an hour are 140 W.
    assert later == [(point, (140,)), (point, (14,))]
    busy = [each for each in events_of(online(model), day) if each.kind is Kind.DEMAND]
    assert all((each.at_us - START_US) % HALF_HOUR_US < SPREAD_US for each in busy)


def test_a_day_begins_with_the_event_that_ended_the_day_before():
    market, day = online(tiny_market()), tiny_day(day=DAY)
    tomorrow = tiny_day(day=DAY + dt.timedelta(days=1))
    before, after = events_of(market, day), events_of(market, tomorrow)
    clocks = [event for event in before if event.kind is Kind.CLOCK]
    assert clocks[-1] == after[0] and after[0].day == tomorrow.day


def test_a_day_that_is_fed_after_another_settles_by_its_own_readings():
    market = online(tiny_market())
    machine = Machine({market.digest: market})
    first = tiny_day(day=DAY)
    second = replace(tiny_day(day=DAY + dt.timedelta(days=1)), demand_wh=first.demand_wh // 2 + 3)
    machine.take(events_of(market, first))
    told = last_told(machine.take(events_of(market, second)).publications)
    shifted = {at_us - DAY_US: each for at_us, each in told.items()}
    assert_settled(market.model, replace(second, day=DAY), shifted)


def test_a_later_revision_that_is_fed_again_is_another_reading_and_the_rest_the_same():
    market, day = online(tiny_market(), late_after_days=1), tiny_day(day=DAY)
    corrected = replace(day, demand_wh=day.demand_wh * 2)
    machine = Machine({market.digest: market})
    machine.take(events_of(market, day))
    again = [
        event for event in events_of(market, corrected, revision=2) if event.kind is Kind.READING
    ]
    assert not {each.key for each in again} & {each.key for each in events_of(market, day)}
    assert_settled(market.model, corrected, last_told(machine.take(again).publications))


def test_a_day_of_other_intervals_than_its_clock_has_is_refused():
    market = online(tiny_market(), zone="Europe/London")
    with pytest.raises(ValueError, match="48 intervals given, 46 needed"):
        events_of(market, tiny_day(day=dt.date(2024, 3, 31)))


def test_events_are_due_by_the_speed_of_the_feed():
    events = events_of(online(tiny_market()), tiny_day(day=DAY))
    paced = due(events, 300)
    assert [event for each in paced for event in each.events] == events
    assert paced[0].after_us == 0 and paced[-1].after_us == DAY_US // 300
    # An interval of thirty minutes takes six seconds.
    ends = [each.after_us for each in paced if any(e.kind is Kind.CLOCK for e in each.events)]
    assert ends == [number * 6_000_000 for number in range(49)]
    assert due([], 300) == []


@pytest.mark.parametrize(
    ("eve", "first"),
    [
        (dt.date(2024, 1, 9), [1, 2, 3, 4]),
        # Its clock went from 1:00 to 2:00: what the next day does in that hour it did at 0:30.
        (dt.date(2024, 3, 31), [1, 1, 1, 2]),
        # Its clock showed 1:00 and 1:30 twice: as at the second time.
        (dt.date(2024, 10, 27), [1, 4, 5, 6]),
    ],
)
def test_a_day_is_forecast_as_the_clock_of_the_day_before_told_it(eve, first):
    market = replace(online(tiny_market()), zone="Europe/London", forward_hours=48)
    day, read = eve + dt.timedelta(days=1), tiny_day()
    count = len(interval_starts(eve, market.zone, 30))
    point, units = market.model.supply_points[0], market.model.units
    told = day_events(
        market,
        day,
        {
            AVAILABLE: fed(units, read.available_w),
            DEMAND: fed(market.model.supply_points, read.demand_wh),
        },
        {DEMAND: Eve((point,), np.arange(count)[np.newaxis]), AVAILABLE: Eve((), np.zeros((0, 7)))},
    )
    (forecast,) = [each for each in told if each.kind is Kind.FORECAST]
    start, *power_w = forecast.numbers
    assert (forecast.entity, start) == (point, forecast.at_us // MINUTE_US + 30)
    assert [watt // 2 for watt in power_w[:4]] == first
    assert len(power_w) == 96 and power_w[48:] == power_w[:48] and power_w[47] == 0
    assert set(Machine({market.digest: market}).take(told).outcomes) == {Outcome.TAKEN}
