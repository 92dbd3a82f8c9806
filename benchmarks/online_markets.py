"""A market of 1,000 nodes in 5 layers, online, and random events about it."""

import datetime as dt
import random

import numpy as np

from market.core.events import Event, Kind
from market.core.online import OnlineMarket
from settlement.core.charges import Charging
from settlement.core.grid import Grid, Layer
from settlement.core.model import MarketModel
from settlement.core.pots import Pot
from settlement.core.tightness import Curve

NODES, LINES = 1_000, 2_000
HOLONS = (1, 8, 40, 200, 1_000)
"""Of each layer, outermost first."""
PPM = 1_000_000
PRICES = Curve(
    np.array([0, 400_000, 900_000, 1_200_000]),
    np.array([0, 30, 250, 6_000]) * PPM,
)
DAY = dt.date(2024, 1, 1)
START_US = 1_704_067_200_000_000
DAY_US = 86_400_000_000
DIGEST = "law-of-the-benchmark"
MOST_W, MOST_DEMAND_W, MOST_RATING_W = 30_000_000, 30_000_000, 50_000_000


def online_market() -> OnlineMarket:
    """Return the market: a unit and a supply point at each node, and two lines."""
    chance, places = np.random.default_rng(1), np.arange(NODES)
    start = chance.integers(0, NODES, LINES)
    end = (start + 1 + chance.integers(0, 20, LINES)) % NODES
    ratings = chance.integers(0, MOST_RATING_W, (2, LINES))
    layers = tuple(
        Layer(
            f"layer-{number}",
            tuple(f"holon-{number}-{each:04d}" for each in range(count)),
            places * count // NODES,
        )
        for number, count in enumerate(HOLONS)
    )
    nodes = tuple(f"node-{each:04d}" for each in places)
    nothing = np.zeros(NODES, dtype=np.int64)
    model = MarketModel(
        grid=Grid(nodes, start, end, ratings[0], ratings[1], layers),
        interval_minutes=30,
        curves=(PRICES,) * len(layers),
        layers_in_use=(True,) * len(layers),
        units=tuple(f"unit-{each:04d}" for each in places),
        unit_node=places,
        offer_micro_per_mwh=nothing,
        annual_cost_micro=nothing,
        unit_is_regulated=np.zeros(NODES, dtype=np.bool_),
        unit_is_eligible=np.ones(NODES, dtype=np.bool_),
        supply_points=tuple(f"point-{each:04d}" for each in places),
        supply_point_node=places,
        charging=Charging(np.full(NODES, PPM), np.full(NODES, PPM)),
        pots=(Pot("location", PPM, "flat"),),
    )
    lines = tuple(f"line-{each:04d}" for each in range(LINES))
    suppliers = ("supplier",) * NODES
    return OnlineMarket(DIGEST, model, lines, suppliers, "UTC", PPM, 600 * PPM)


def opening_events(market: OnlineMarket) -> list[Event]:
    """Return the law, what every unit could feed in, and what every supply point takes."""
    model = market.model
    return [
        Event(DAY, "law", Kind.RULES, "", START_US, (), (DIGEST,)),
        *(Event(DAY, unit, Kind.AVAILABILITY, unit, START_US, (20 * PPM,)) for unit in model.units),
        *(
            Event(DAY, each, Kind.DEMAND, each, START_US, (15 * PPM,))
            for each in model.supply_points
        ),
    ]


def random_event(chance: random.Random, market: OnlineMarket, key: str, at_us: int) -> Event:
    """Return an event of telemetry about anybody."""
    kind = chance.choice(
        (Kind.AVAILABILITY, Kind.DEMAND, Kind.DEMAND, Kind.LINE_RATING, Kind.OUTAGE, Kind.RETURN)
    )
    if kind is Kind.DEMAND:
        numbers: tuple[int, ...] = (chance.randrange(-MOST_DEMAND_W // 10, MOST_DEMAND_W),)
        entity = chance.choice(market.model.supply_points)
    elif kind is Kind.LINE_RATING:
        numbers = (chance.randrange(MOST_RATING_W), chance.randrange(MOST_RATING_W))
        entity = chance.choice(market.lines)
    else:
        numbers = (chance.randrange(MOST_W),) if kind is Kind.AVAILABILITY else ()
        entity = chance.choice(market.model.units)
    day = DAY + dt.timedelta(days=(at_us - START_US) // DAY_US)
    return Event(day, key, kind, entity, at_us, numbers)
