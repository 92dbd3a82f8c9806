"""A quote is what settlement's market maker makes of the intervals to come, and no more is used."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.core.events import Kind, Outcome
from market.core.forward import MINUTE_US, Forecast, NodeForward
from market.core.grid_state import NEVER_US
from market.core.quotes import Quote, Reason, Request, Side, quote
from tests.market.asking import (
    START,
    asking_streams,
    asks,
    made_in_full,
    over,
    run,
    state_of,
    takes_w,
)
from tests.market.streams import START_US, event, in_force, online
from tests.settlement.core.examples import tiny_market, tiny_market_by_flow

MORE_W = st.integers(-20_000, 200_000)
CAP = 6_000_000_000


def a_request(point: str, **changes) -> Request:
    """To buy 3 kWh at any price within four hours."""
    asked = Request(point, "P", Side.BUY, 3_000, 4_000, START, START + 240, CAP)
    return replace(asked, **changes)


def requests_of(points, at_minute: int):
    """Requests of any of some points around a moment."""
    return st.builds(
        lambda point, side, energy_wh, power_w, after, length, limit: Request(
            point,
            "P",
            side,
            energy_wh,
            power_w,
            at_minute + after,
            at_minute + after + length,
            limit,
        ),
        st.sampled_from(points),
        st.sampled_from(Side),
        st.integers(1, 9_000),
        st.integers(1, 20_000),
        st.integers(-60, 300),
        st.integers(1, 400),
        st.sampled_from([CAP, 0]) | st.integers(-5, 400_000_000),
    )


@given(asking_streams())
def test_intervals_to_come_are_priced_as_settlement_prices_their_powers(stream):
    machine, _ = run(*stream)
    forward = machine.bookings.forward
    prices, holons = forward.prices(), machine.grid.holons
    assert forward.exact().all()
    for place in range(forward.horizon.count):
        layers, _ = made_in_full(machine, place)
        for name in vars(prices):
            made = np.concatenate([getattr(layer, name)[:, 0] for layer in layers])
            assert np.array_equal(getattr(prices, name)[:, place], made)
    assert prices.tightness_ppm.shape == (len(holons), forward.horizon.count)


@given(asking_streams(12), MORE_W, st.data())
def test_what_a_node_is_told_of_more_is_what_all_would_come_to(stream, more_w, data):
    machine, _ = run(*stream)
    forward = machine.bookings.forward
    point = data.draw(st.sampled_from(machine.market.model.supply_points))
    node = forward.node_of(point)
    made = forward.at(point).with_more(np.full(forward.horizon.count, more_w, dtype=np.int64))
    for place in range(forward.horizon.count):
        layers, expected = made_in_full(machine, place, point, more_w)
        assert made.tightness_ppm[place] == max(each[2] for each in over(machine, layers, point))
        assert made.price_micro_per_mwh[place] == expected.price_micro_per_mwh[node, 0]
        assert made.sell_price_micro_per_mwh[place] == expected.sell_price_micro_per_mwh[node, 0]


@given(asking_streams(12), st.data())
def test_the_room_over_a_node_is_all_of_it_and_not_a_watt_more(stream, data):
    machine, _ = run(*stream)
    forward = machine.bookings.forward
    point = data.draw(st.sampled_from(machine.market.model.supply_points))
    room_w = forward.at(point).room_w.tolist()
    for place, room in enumerate(room_w):
        full = [
            over(machine, made_in_full(machine, place, point, more_w)[0], point)
            for more_w in (0, room, room + 1)
        ]
        passes = [any(demand > supply for demand, supply, _ in each) for each in full]
        assert passes == ([False, False, True] if not passes[0] else [True, True, True])
        if passes[0]:
            assert room == 0


def holds(machine, request: Request, found: Quote) -> None:
    """Assert what every quote must be."""
    horizon, clock_us = machine.bookings.forward.horizon, machine.clock_us
    sign = 1 if request.side is Side.BUY else -1
    for each in found.placed:
        assert each.start_minute * MINUTE_US > clock_us
        assert request.earliest_minute <= each.start_minute
        assert each.end_minute <= min(request.latest_minute, horizon.end_minute)
        assert 0 < each.power_w <= request.power_w
        assert each.power_w == each.energy_wh * 60 // each.minutes
        assert sign * each.price_micro_per_mwh <= sign * request.limit_micro_per_mwh
        place = (each.start_minute - horizon.first_minute) // horizon.minutes
        layers, prices = made_in_full(machine, place, request.point, sign * each.power_w)
        node = machine.bookings.forward.node_of(request.point)
        name = "price_micro_per_mwh" if sign > 0 else "sell_price_micro_per_mwh"
        assert getattr(prices, name)[node, 0] == each.price_micro_per_mwh
        if sign > 0:
            assert all(d <= s for d, s, _ in over(machine, layers, request.point))
            assert all(ppm <= 1_000_000 for *_, ppm in over(machine, layers, request.point))
    starts = [each.start_minute for each in found.placed]
    assert starts == sorted(set(starts))
    assert (found.energy_wh == request.energy_wh) is (found.reason is None)
    assert found.energy_wh <= request.energy_wh


def could_carry(machine, request: Request) -> dict[int, tuple]:
    """What each interval of the window could carry, slowly: start to order and Wh."""
    horizon, found = machine.bookings.forward.horizon, {}
    node = machine.bookings.forward.node_of(request.point)
    sign = 1 if request.side is Side.BUY else -1
    for place, start in enumerate(horizon.starts.tolist()):
        if start < request.earliest_minute or start + 30 > request.latest_minute:
            continue
        own_w = 0 if sign > 0 else max(takes_w(machine, request.point, place), 0)
        low, high = 0, min(max(request.power_w - own_w, 0) // 2, request.energy_wh)
        while low < high:
            middle = (low + high + 1) // 2
            layers, _ = made_in_full(machine, place, request.point, sign * 2 * middle)
            fits = sign < 0 or all(d <= s for d, s, _ in over(machine, layers, request.point))
            low, high = (middle, high) if fits else (low, middle - 1)
        if low:
            layers, prices = made_in_full(machine, place, request.point, sign * 2 * low)
            tightness = max(ppm for *_, ppm in over(machine, layers, request.point))
            name = "price_micro_per_mwh" if sign > 0 else "sell_price_micro_per_mwh"
            price = int(getattr(prices, name)[node, 0])
            found[start] = ((sign * tightness, sign * price, start), low)
    return found


@given(asking_streams(10), st.data())
def test_a_quote_fills_the_least_tight_intervals_that_there_are(stream, data):
    machine, _ = run(*stream)
    points = machine.market.model.supply_points
    request = data.draw(requests_of(points, machine.clock_us // MINUTE_US))
    before = state_of(machine.bookings.forward)
    found = quote(machine.bookings.forward, request)
    assert state_of(machine.bookings.forward) == before
    holds(machine, request, found)
    if found.reason in (Reason.WINDOW, Reason.HORIZON):
        assert not found.placed
        return
    sign = 1 if request.side is Side.BUY else -1
    carry = could_carry(machine, request)
    if found.reason is Reason.OWN:
        # Refused as a whole, though its window would carry a part of it.
        assert not found.placed
        assert sign < 0
        assert sum(wh for _, wh in carry.values()) < request.energy_wh
        return
    within = {
        start: wh
        for start, ((_, price, _), wh) in sorted(carry.items(), key=lambda item: item[1][0])
        if price <= sign * request.limit_micro_per_mwh
    }
    left, expected = request.energy_wh, {}
    for start, wh in within.items():
        if left:
            expected[start] = min(wh, left)
            left -= expected[start]
    assert {each.start_minute: each.energy_wh for each in found.placed} == expected
    if left:
        is_short = sum(wh for _, wh in carry.values()) < request.energy_wh
        horizon = machine.bookings.forward.horizon
        takes_itself = request.side is Side.SELL and any(
            takes_w(machine, request.point, place) > 0
            for place, start in enumerate(horizon.starts.tolist())
            if request.earliest_minute <= start <= request.latest_minute - horizon.minutes
        )
        short = Reason.OWN if takes_itself else Reason.SHORT
        assert found.reason is (short if is_short else Reason.PRICE)


@given(asking_streams(10), st.data())
def test_the_next_quote_sees_a_booking_and_no_interval_is_cheaper(stream, data):
    machine, _ = run(*stream)
    forward, points = machine.bookings.forward, machine.market.model.supply_points
    request = data.draw(requests_of(points, machine.clock_us // MINUTE_US))
    found = quote(forward, request)
    sign = 1 if request.side is Side.BUY else -1
    after = data.draw(st.sampled_from(points))
    more_w = np.full(forward.horizon.count, sign * 1_000, dtype=np.int64)
    before, was = forward.at(after).with_more(more_w), state_of(forward)
    placed = {
        (each.start_minute - forward.horizon.first_minute) // 30: sign * each.power_w
        for each in found.placed
    }
    forward.book(request.point, placed)
    now = forward.at(after).with_more(more_w)
    for name in ("price_micro_per_mwh", "sell_price_micro_per_mwh"):
        assert np.all(sign * getattr(now, name) >= sign * getattr(before, name))
        moved = np.flatnonzero(getattr(now, name) != getattr(before, name)).tolist()
        assert set(moved) <= set(placed)
    forward.book(request.point, {place: -w for place, w in placed.items()})
    assert state_of(forward) == was


def test_by_maximum_flow_a_booking_leaves_less_to_the_others():
    market = online(tiny_market_by_flow())
    machine, _ = run(market, [[in_force()], [event(Kind.AVAILABILITY, "wind", 9_000)]])
    forward = machine.bookings.forward
    assert forward.at("plant").deliverable_w[-1, :2].tolist() == [4_000, 4_000]
    forward.book("home", {1: 8_000})
    assert forward.at("plant").deliverable_w[-1, :3].tolist() == [4_000, 1_000, 4_000]


def begun(*events, **changes):
    """The tiny market with 9 kW of wind in the north and 3 kW of gas in the south."""
    market = online(tiny_market(), **changes)
    first = [
        in_force(),
        event(Kind.AVAILABILITY, "wind", 9_000),
        event(Kind.AVAILABILITY, "gas", 3_000),
    ]
    machine, taken = run(market, [first, *([each] for each in events)])
    return machine, [each.outcomes[-1] for each in taken[1:]]


def forecast(entity: str, after: int, *power_w: int, at_us: int = START_US, **more):
    """A forecast from so many minutes after the start."""
    return event(Kind.FORECAST, entity, START + after, *power_w, at_us=at_us, **more)


def test_the_least_tight_half_hours_are_filled_up_to_their_room_and_the_last_in_part():
    machine, _ = begun(forecast("home", 30, 6_000, 8_000, 5_000, 1_999))
    asked = a_request("home", energy_wh=5_000, power_w=4_000, latest_minute=START + 150)
    found = quote(machine.bookings.forward, asked)
    # The north has 9 kW and is brought 2: with the most it needs 10, 11, 9 and 5.999 of them.
    placed = [(each.start_minute - START, each.power_w, each.energy_wh) for each in found.placed]
    assert placed == [(30, 2_000, 1_000), (90, 4_000, 2_000), (120, 4_000, 2_000)]
    # At 8 of 11 kW, though the most would have been 10.
    assert found.placed[0].price_micro_per_mwh == 727_272 * 60_000_000 // 800_000
    whole = quote(machine.bookings.forward, replace(asked, energy_wh=7_501))
    assert whole.reason is Reason.SHORT and whole.energy_wh == 7_500


def test_what_nobody_forecasts_is_as_the_day_before_and_else_goes_on():
    machine, _ = begun(event(Kind.DEMAND, "home", 5_000), forecast("home", 60, 7_000))
    forward = machine.bookings.forward
    now, to_come = machine.grid.prices(), forward.prices()
    assert forward.net_w("home").tolist() == [5_000, 7_000, *[5_000] * 47, 7_000, *[5_000] * 46]
    for place in range(forward.horizon.count):
        same = [
            np.array_equal(getattr(to_come, name)[:, place], getattr(now, name))
            for name in vars(now)
        ]
        assert all(same) is (place not in (1, 49))


def test_a_day_that_nothing_is_said_of_is_as_the_one_before_however_far_it_reaches():
    never = NEVER_US
    said = Forecast(np.array([1, 2, never, never, never, 3]), np.array([5, 7, 0, 0, 0, 9]))
    days = said.day_after_day(2)
    assert days.power_w.tolist() == [5, 7, 5, 7, 5, 9]
    assert days.said_us.tolist() == [1, 2, 1, 2, 1, 3]
    short = Forecast(np.array([1, never, never]), np.array([5, 0, 0]))
    assert short.day_after_day(2).power_w.tolist() == [5, 0, 5]
    assert short.day_after_day(4).power_w.tolist() == [5, 0, 0]


def test_an_outage_ends_what_was_forecast_before_it_and_nothing_said_after():
    machine, _ = begun(
        forecast("wind", 30, 9_000, 9_000, 9_000),
        event(Kind.OUTAGE, "wind", at_us=START_US + 1),
        forecast("wind", 90, 4_000, at_us=START_US + 2),
    )
    wind_w = machine.bookings.forward
    wind_w.prices()
    assert wind_w._sums._available_w[0, :4].tolist() == [0, 0, 4_000, 0]
    machine.take([event(Kind.RETURN, "wind", at_us=START_US + 3)])
    wind_w.prices()
    assert wind_w._sums._available_w[0, :4].tolist() == [9_000, 9_000, 4_000, 9_000]


def test_of_two_forecasts_the_one_said_later_stands_in_any_order():
    early, late = START_US, START_US + MINUTE_US
    said = [
        forecast("home", 30, 1, 2, 3, at_us=early, key="a"),
        forecast("home", 60, 7, 8, at_us=late, key="b"),
        forecast("home", 60, 9, at_us=late, key="c"),
    ]
    for order, expected in (((0, 1, 2), [1, 9, 8]), ((1, 0, 2), [1, 9, 8]), ((2, 1, 0), [1, 7, 8])):
        machine, _ = begun(*(said[each] for each in order))
        known = machine.bookings.forward.forecasts["home"].power_w[:3].tolist()
        assert known == expected


FORECASTS = {
    "of nobody": (forecast("nobody", 30, 1), Outcome.UNKNOWN),
    "of nothing": (event(Kind.FORECAST, "home", START), Outcome.UNREADABLE),
    "of no number": (event(Kind.FORECAST, "home"), Outcome.UNREADABLE),
    "from within an interval": (forecast("home", 31, 1), Outcome.UNREADABLE),
    "of a unit below nothing": (forecast("wind", 30, -1), Outcome.UNREADABLE),
    "with words": (forecast("home", 30, 1, words=("x",)), Outcome.UNREADABLE),
    "of more than there is": (forecast("home", 30, 10**13 + 1), Outcome.UNREADABLE),
    "of intervals that have begun": (forecast("home", -60, 1, 2, 3), Outcome.OLDER),
    "to the end of the horizon": (forecast("home", 30, *[1] * 96), Outcome.TAKEN),
    "beyond it": (forecast("home", 30, *[1] * 97), Outcome.AHEAD),
    "of net export": (forecast("home", 30, -5), Outcome.TAKEN),
}


@pytest.mark.parametrize("named", FORECASTS)
def test_what_becomes_of_a_forecast(named):
    told, outcome = FORECASTS[named]
    machine, outcomes = begun(told)
    assert outcomes == [outcome]
    assert bool(machine.bookings.forward.forecasts) is (outcome is Outcome.TAKEN)


def test_sums_that_are_not_exact_are_not_quoted():
    many = [forecast(point, 30, 9 * 10**12) for point in ("home", "plant")]
    machine, _ = begun(*many)
    forward = machine.bookings.forward
    assert forward.exact()[:2].tolist() == [False, True]
    assert forward.prices().tightness_ppm[:, 0].max() == 0
    for side in Side:
        found = quote(
            forward, a_request("home", side=side, limit_micro_per_mwh=CAP * (side == "buy"))
        )
        assert [each.start_minute - START for each in found.placed] != [30]
        assert all(each.start_minute > START + 30 for each in found.placed)


def test_what_is_least_tight_is_taken_before_what_is_cheapest():
    # The country alone sets prices; at home the north is tighter in the first half-hour.
    model = replace(tiny_market(), layers_in_use=(True, False, False))
    machine, _ = run(
        online(model),
        [
            [in_force()],
            [event(Kind.AVAILABILITY, "wind", 9_000), event(Kind.AVAILABILITY, "gas", 3_000)],
            [forecast("home", 30, 4_200, 0), forecast("shop", 30, 0, 4_500)],
        ],
    )
    asked = a_request("home", energy_wh=50, power_w=100, latest_minute=START + 90)
    (placed,) = quote(machine.bookings.forward, asked).placed
    (cheaper,) = quote(machine.bookings.forward, replace(asked, latest_minute=START + 60)).placed
    assert placed.start_minute == START + 60
    assert placed.price_micro_per_mwh > cheaper.price_micro_per_mwh


def test_a_sale_goes_where_it_is_tightest_and_lowers_the_price_there():
    machine, _ = begun(
        event(Kind.DEMAND, "shop", 4_000),
        forecast("shop", 60, 6_500, 6_000),
        forecast("wind", 30, 0),
    )
    forward = machine.bookings.forward
    asked = a_request(
        "plant", side=Side.SELL, energy_wh=1_000, power_w=1_000, limit_micro_per_mwh=0
    )
    before = forward.at("plant").with_more(np.zeros(96, dtype=np.int64))
    found = quote(forward, asked)
    assert [each.start_minute - START for each in found.placed] == [30, 60]
    for each in found.placed:
        place = (each.start_minute - START) // 30 - 1
        assert each.price_micro_per_mwh < before.sell_price_micro_per_mwh[place]
    dear = replace(asked, limit_micro_per_mwh=CAP)
    assert quote(forward, dear).reason is Reason.PRICE


def test_what_a_point_is_to_take_itself_is_not_sold():
    machine, _ = begun(event(Kind.DEMAND, "plant", 500), forecast("plant", 60, 5_000, -3_000))
    asked = a_request("plant", side=Side.SELL, energy_wh=7_000, power_w=5_000)
    asked = replace(asked, limit_micro_per_mwh=0, latest_minute=START + 120)
    found = quote(machine.bookings.forward, asked)
    # 4,500 W beside 500 W of its own, nothing beside 5 kW, and all beside net export.
    assert {each.start_minute - START: each.power_w for each in found.placed} == {}
    assert found.reason is Reason.OWN
    found = quote(machine.bookings.forward, replace(asked, energy_wh=4_750))
    assert {each.start_minute - START: each.power_w for each in found.placed} == {
        30: 4_500, 90: 5_000
    }  # fmt: skip
    # Nor is what it bought, so nobody makes room beside its own booking by a sale.
    bought, _ = begun(asks("shop", 1_000, 2_000, 30, 60, CAP))
    washed = a_request("shop", side=Side.SELL, energy_wh=1_000, power_w=2_000)
    washed = replace(washed, limit_micro_per_mwh=0, latest_minute=START + 60)
    assert quote(bought.bookings.forward, washed).reason is Reason.OWN


def test_a_node_forward_has_no_room_where_a_layer_is_short_already():
    flat = tiny_market().curves[:1]
    numbers = (np.array([[60], [50]]), np.array([[100], [40]]), np.array([-9]), np.array([99]))
    assert NodeForward(*numbers, flat * 2, flat * 2, (True, True)).room_w.tolist() == [0]
    numbers = (np.array([[60], [30]]), *numbers[1:])
    assert NodeForward(*numbers, flat * 2, flat * 2, (True, True)).room_w.tolist() == [19]


def test_a_request_before_there_is_law_is_of_nobody():
    machine, taken = run(online(tiny_market()), [[asks("home", 1, 2, 30, 60, 0)]])
    assert taken[0].outcomes == [Outcome.UNKNOWN] and machine.bookings is None
