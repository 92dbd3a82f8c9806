"""Streams that ask: forecasts, requests and what follows them among telemetry; and what is true."""

from dataclasses import replace

import numpy as np

from market.core.booking_records import BookingRecord
from market.core.events import Event, Kind
from market.core.forward import Forward
from market.core.machine import Machine, Taken
from market.core.online import OnlineMarket
from settlement.core.scarcity import price_layers
from settlement.core.tightness import LayerTightness, node_prices
from tests.market.streams import (
    BACK_MINUTES,
    MINUTE_US,
    START_US,
    STEP_MINUTES,
    day_of,
    event,
    in_force,
    online,
    read_event,
)
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.examples import contracts, fair_play, read_market, tiny_market

START = START_US // MINUTE_US
HOURS = 4
CAP = 6_000_000_000
POWERS_W = any_of(range(-9_000, 12_001), range(-60_000, 200_001))
MOST_W = any_of(range(100, 12_001), range(100, 600))
LIMITS = any_of((6_000_000_000,), (6_000_000_000, 0, 60_000_000), range(-10, 400_000_000))
MINUTES = any_of(range(301))
ASKING = (
    Kind.REQUEST,
    Kind.REQUEST,
    Kind.REQUEST,
    Kind.FORECAST,
    Kind.CHANGE,
    Kind.CANCEL,
    Kind.DELIVERY,
    Kind.DELIVERY,
)


def asks(point: str, *numbers: int, side: str = "buy", product: str = "flexible", **more) -> Event:
    """A request: energy in Wh, power in W, earliest and latest in minutes from the start, limit."""
    energy_wh, power_w, earliest, latest, limit = numbers
    told = (energy_wh, power_w, START + earliest, START + latest, limit)
    return event(Kind.REQUEST, point, *told, words=(product, side), **more)


def read_numbers(words: Words, at_us: int) -> tuple[int, ...]:
    """What is asked for: often more than is to be had, sometimes in no time."""
    earliest = max(at_us // MINUTE_US - 20 + words.number(MINUTES) // 4, 0)
    power_w, parts = words.number(MOST_W), words.count(1, 24)
    return (
        power_w * parts // 12 + words.count(1, 9),
        power_w,
        earliest,
        earliest + 20 + words.number(MINUTES),
        words.number(LIMITS),
    )


def read_asking(
    words: Words, market: OnlineMarket, number: int, at_us: int, asked: list[Event]
) -> Event:
    """An event of intervals to come: of what was asked before, or of anybody."""
    kind, points, day = words.one_of(ASKING), market.model.supply_points, day_of(at_us)
    point, numbers = words.one_of(points), read_numbers(words, at_us)
    power_w, side = words.of(POWERS_W, words.count(1, 4)), words.one_of(("buy", "buy", "sell"))
    start, which, of_another = words.count(-3, 6), words.count(0, 999), not words.count(0, 9)
    named: tuple[str, ...] = ("nobody's",)
    if asked and kind not in (Kind.REQUEST, Kind.FORECAST):
        of = asked[which % len(asked)]
        named, point = (of.key,), point if of_another else of.entity
        start_minute = of.numbers[2] // 30 * 30 + 30 * (abs(start) % 4)
    else:
        start_minute = (at_us // (30 * MINUTE_US) + start) * 30
    if kind is Kind.FORECAST:
        point = words.one_of((*points, *market.model.units))
        told_w = power_w if point in points else abs(power_w)
        return Event(day, f"ask {number}", kind, point, at_us, (start_minute, *told_w.tolist()))
    product = point if market.model.fair_play else "flexible"
    numbers, named = {
        Kind.REQUEST: (numbers, (product, side)),
        Kind.CHANGE: (numbers, named),
        Kind.CANCEL: ((), named),
        Kind.DELIVERY: ((start_minute, numbers[0] // 24), named),
    }[kind]
    made = Event(day, f"ask {number}", kind, point, at_us, numbers, named)
    if kind is Kind.REQUEST:
        asked.append(made)
    return made


def read_stream(words: Words, count: int) -> tuple[OnlineMarket, list[list[Event]]]:
    """A market, and batches of events, every other of which is of intervals to come."""
    model, _ = read_market(words)
    if words.count(0, 1):
        terms = contracts(model, tier_ppm=1 + words.below(2_000_000, len(model.supply_points)))
        model = replace(model, fair_play=fair_play(model, contracts=terms))
    market = online(model, forward_hours=HOURS)
    at_us, asked, batches = START_US, list[Event](), [[in_force()]]
    for unit in model.units:
        batches[0].append(event(Kind.AVAILABILITY, unit, 2 * abs(words.number(POWERS_W))))
    for number in range(count):
        at_us += words.number(STEP_MINUTES) * MINUTE_US
        said_us = at_us - words.number(BACK_MINUTES) * MINUTE_US
        if words.count(0, 2):
            batches.append([])
        if words.count(0, 3):
            batches[-1].append(read_asking(words, market, number, said_us, asked))
        else:
            batches[-1].append(read_event(words, market, number, said_us))
    return market, [batch for batch in batches if batch]


def asking_streams(count: int = 30):
    """A market and batches of events, of now and of intervals to come."""
    return examples_of(read_stream, count, words=220 + 40 * count)


def run(market: OnlineMarket, batches: list[list[Event]]) -> tuple[Machine, list[Taken]]:
    """A machine after some batches, and what became of each."""
    machine = Machine({market.digest: market})
    return machine, [machine.take(batch) for batch in batches]


def told(taken: list[Taken]) -> list[BookingRecord]:
    """What became of bookings, in order."""
    return [record for each in taken for record in each.booking_records]


def takes_w(machine, point: str, place: int) -> int:
    """What a supply point is to take in an interval with what it booked, slowly."""
    horizon, known = machine.bookings.forward.horizon, machine.bookings.forward.forecasts.get(point)
    is_known = known is not None and known.said_us[place] > -(2**63)
    start = horizon.first_minute + place * horizon.minutes
    return int(known.power_w[place] if is_known else machine.grid.demand_w(point)) + sum(
        each.power_w if record.request.side == "buy" else -each.power_w
        for record in machine.bookings.known.values()
        if record.request.point == point
        for each in record.placed
        if each.start_minute == start
    )


def powers(machine: Machine, place: int) -> tuple[list[int], list[int]]:
    """W at each node that can be fed in and are taken, net, in an interval: from what was said.

    Slowly, from telemetry, forecasts and the records of bookings alone.
    """
    model, forward = machine.market.model, machine.bookings.forward
    start = forward.horizon.first_minute + place * forward.horizon.minutes
    available, net = [0] * len(model.grid.nodes), [0] * len(model.grid.nodes)
    for unit, node in zip(model.units, model.unit_node.tolist(), strict=True):
        known = forward.forecasts.get(unit)
        since = machine.grid.out_since_us(unit)
        is_known = known is not None and known.said_us[place] > since
        power = known.power_w[place] if is_known else machine.grid.effective_w(unit)
        available[node] += int(power)
    for point, node in zip(model.supply_points, model.supply_point_node.tolist(), strict=True):
        known = forward.forecasts.get(point)
        is_known = known is not None and known.said_us[place] > -(2**63)
        power = known.power_w[place] if is_known else machine.grid.demand_w(point)
        net[node] += int(power)
        for record in machine.bookings.known.values():
            sign = 1 if record.request.side == "buy" else -1
            if record.request.point == point:
                net[node] += sum(
                    sign * each.power_w for each in record.placed if each.start_minute == start
                )
    return available, net


def made_in_full(machine: Machine, place: int, point: str = "", more_w: int = 0):
    """Layers and node prices of an interval, by settlement's market maker, with more at a point."""
    model = replace(machine.market.model, grid=replace(machine.grid.grid))
    available, net = powers(machine, place)
    if point:
        net[int(model.supply_point_node[model.supply_points.index(point)])] += more_w
    demand = np.maximum(np.array(net, dtype=np.int64), 0)[:, np.newaxis]
    layers = price_layers(model, np.array(available, dtype=np.int64)[:, np.newaxis], demand)
    return layers, node_prices(model.grid, model.layers_in_use, layers)


def over(machine: Machine, layers: tuple[LayerTightness, ...], point: str) -> list[tuple]:
    """Demand, deliverable supply and tightness of the holons over a point, outermost first."""
    model = machine.market.model
    node = int(model.supply_point_node[model.supply_points.index(point)])
    return [
        tuple(
            int(getattr(found, name)[layer.node_holon[node], 0])
            for name in ("demand_w", "deliverable_w", "tightness_ppm")
        )
        for layer, found in zip(model.grid.layers, layers, strict=True)
    ]


def state_of(forward: Forward) -> tuple:
    """All that the intervals to come are, as comparable values."""
    prices = forward.prices()
    return (
        forward.horizon,
        {name: tuple(w.tolist()) for name, w in forward.booked_w.items() if w.any()},
        *(getattr(prices, name).tolist() for name in vars(prices)),
        *(seen_from(forward, point) for point in forward.model.supply_points),
    )


def seen_from(forward: Forward, point: str) -> tuple:
    """The intervals to come as a point sees them, as comparable values."""
    node = forward.at(point)
    return tuple(
        getattr(node, name).tolist()
        for name in ("demand_w", "deliverable_w", "net_demand_w", "spare_w")
    )


def begun(*events, **changes):
    """The tiny market under Fair Play, with 9 kW of wind in the north and 3 kW of gas in the south.

    Each point has a product of its own name. Returns a machine, and what became of each event.
    """
    model = tiny_market()
    terms = contracts(model, **changes)
    market = online(replace(model, fair_play=fair_play(model, contracts=terms)))
    first = [
        in_force(),
        event(Kind.AVAILABILITY, "wind", 9_000),
        event(Kind.AVAILABILITY, "gas", 3_000),
    ]
    machine, taken = run(market, [first, *([each] for each in events)])
    return machine, [
        (each.outcomes[0], [(r.key, r.state, r.reason) for r in each.booking_records])
        for each in taken[1:]
    ]


def home(key: str, *numbers: int, **more):
    return asks("home", *numbers, product="home", key=key, **more)


def later(kind: Kind, key: str, minute: int, *numbers: int, point: str = "home", **more):
    """An event about a booking, so many minutes after the start."""
    at_us = START_US + minute * MINUTE_US
    return event(kind, point, *numbers, at_us=at_us, words=(key,), key=f"{kind} {minute}", **more)


def changed(key: str, minute: int, energy_wh: int, power_w: int, *window: int, limit: int = CAP):
    numbers = (energy_wh, power_w, START + window[0], START + window[1], limit)
    return later(Kind.CHANGE, key, minute, *numbers)


def clock(minute: int):
    return event(Kind.CLOCK, at_us=START_US + minute * MINUTE_US, key=f"clock {minute}")


# The north has 9 kW of its own and 2 kW from the south: 5,500 Wh in a half-hour.
FULL = (5_500, 11_000, 30, 60, CAP)
