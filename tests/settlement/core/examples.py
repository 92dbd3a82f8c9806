"""Small random grids and markets, and the 12-node case of Great Britain from its data files."""

import csv
import datetime as dt
import hashlib
import json
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from settlement.core.booked import Booked, OnlineDay
from settlement.core.charges import BASES, NODE_PRICE, RETURNED_TO, Blocks, Charging
from settlement.core.clusters import clusters, clusters_of, neighbourhood
from settlement.core.contract_state import NOTHING_CARRIED, begin_day
from settlement.core.contracts import Contracts, Memory
from settlement.core.deliverability import MEASURES, imports_by_cuts_w, imports_by_flow_w
from settlement.core.engine import DayReadings, DayResult, MarketModel
from settlement.core.fair_play_rules import UNLIMITED_W, FairPlay, Requests
from settlement.core.games import Game
from settlement.core.grid import Grid, Layer
from settlement.core.holarchy import holarchy_tree
from settlement.core.methods import exact, levels
from settlement.core.network import Network, network_of
from settlement.core.pots import Pot
from settlement.core.sampled import sampled
from settlement.core.tightness import Curve
from tests.conftest import SHARED
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers

LADDER = Curve(
    as_numbers([0, 800_000, 1_000_000, 1_250_000]),
    as_numbers([0, 60_000_000, 300_000_000, 6_000_000_000]),
)

LOWER_LADDER = Curve(
    as_numbers([100_000, 900_000, 1_000_000, 1_500_000]),
    as_numbers([0, 50_000_000, 200_000_000, 5_000_000_000]),
)
"""A sell curve: nowhere above the ladder."""


CAP_MICRO_PER_MWH = 6_000_000_000


def layered(node_count: int, zones: list[int]) -> tuple[Layer, ...]:
    """One system, the given zones, one holon a node."""
    numbers = sorted(set(zones))
    return (
        Layer("system", ("all",), as_numbers([0] * node_count)),
        Layer(
            "zone",
            tuple(f"zone {number}" for number in numbers),
            as_numbers([numbers.index(zone) for zone in zones]),
        ),
        Layer("node", tuple(f"N{node}" for node in range(node_count)), np.arange(node_count)),
    )


KW = any_of((0, 0, 0, 5, 10), range(31))
"""Few distinct sizes, so that ties and zero availability are common."""

LINE_COUNTS = (0, *range(8))
LINE_KW = any_of((0,), range(21))
TIMINGS = ("flat", "tightness", "served")
LAYERS_IN_USE = tuple(filter(any, product((False, True), repeat=3)))
OFFERS = any_of(range(200_000_001))
ANNUAL_COSTS = any_of(range(10**12 + 1))
DYNAMIC_PPM = any_of((0, 0, 1_000_000, 250_000))
CAPACITY_WEIGHTS_PPM = any_of((1_000_000, 2_000_000, 0))
SHARES_PPM = any_of(range(1_000_001))
GENERATION_WH = any_of(range(-5_000, 20_001))
AVAILABLE_W = any_of(range(40_001))
DEMAND_WH = any_of(range(-3_000, 9_001))


def read_grid(words: Words, most_nodes: int = 5) -> Grid:
    """A grid: parallel lines, unequal and zero ratings, nodes that no line reaches."""
    nodes, lines = words.count(1, most_nodes), words.one_of(LINE_COUNTS)
    return Grid(
        tuple(f"N{number}" for number in range(nodes)),
        *words.below(nodes, 2, lines),
        *(words.of(LINE_KW, 2, lines) * 1000),
        layered(nodes, words.below(3, nodes).tolist()),
    )


def read_game(words: Words, most_units: int = 6, intervals: int = 2):
    """(grid, unit_node[U], available_kw[U,T], demand_kw[N,T])."""
    grid = read_grid(words)
    nodes, units = len(grid.nodes), words.count(1, most_units)
    return (
        grid,
        words.below(nodes, units),
        words.of(KW, units, intervals),
        words.of(KW, nodes, intervals),
    )


def games(most_units: int = 6, intervals: int = 2):
    """A grid with units and demand: (grid, unit_node, available_kw[U,T], demand_kw[N,T])."""
    return examples_of(read_game, most_units, intervals, words=90)


def read_tree(words: Words, node_count: int, most_holons: int = 5) -> tuple[list[int], list[int]]:
    """The holon around each holon, the root first, and the innermost holon of each node."""
    holons = words.count(1, most_holons)
    parents = [-1, *(words.count(0, holon - 1) for holon in range(1, holons))]
    return parents, words.below(holons, node_count).tolist()


def read_trunk(words: Words, nodes: int) -> list[int]:
    """Some of the nodes, or none, in any order."""
    return words.order(nodes)[: words.count(0, nodes)].tolist()


def read_holarchy_game(words: Words, most_units: int = 6, intervals: int = 2):
    grid, unit_node, available, demand = read_game(words, most_units, intervals)
    tree = holarchy_tree(network_of(grid), *read_tree(words, len(grid.nodes)))
    return tree, grid, unit_node, available, demand


def holarchy_games(most_units: int = 6, intervals: int = 2):
    """A game with a holarchy: (tree, grid, unit_node, available_kw[U,T], demand_kw[N,T])."""
    return examples_of(read_holarchy_game, most_units, intervals, words=100)


def read_market(words: Words, intervals: int = 4) -> tuple[MarketModel, DayReadings]:
    grid = read_grid(words)
    nodes, units, points = len(grid.nodes), words.count(1, 5), words.count(1, 5)
    adequacy_ppm = words.number(SHARES_PPM)
    model = MarketModel(
        grid=grid,
        interval_minutes=30,
        curves=(LADDER, LADDER, LADDER),
        layers_in_use=words.one_of(LAYERS_IN_USE),
        units=tuple(f"G{number}" for number in range(units)),
        unit_node=words.below(nodes, units),
        offer_micro_per_mwh=words.of(OFFERS, units),
        annual_cost_micro=words.of(ANNUAL_COSTS, units),
        unit_is_regulated=words.flags(units),
        unit_is_eligible=words.flags(units),
        supply_points=tuple(f"P{number}" for number in range(points)),
        supply_point_node=words.below(nodes, points),
        charging=Charging(
            words.of(DYNAMIC_PPM, points),
            words.of(CAPACITY_WEIGHTS_PPM, points),
            words.one_of(BASES),
            words.one_of(RETURNED_TO),
        ),
        pots=(
            Pot("adequacy", adequacy_ppm, words.one_of(TIMINGS)),
            Pot("location", 1_000_000 - adequacy_ppm, words.one_of(TIMINGS)),
        ),
        sell_curves=words.one_of([(), (LOWER_LADDER, LADDER, LOWER_LADDER)]),
        deliverability=words.one_of(MEASURES),
    )
    readings = DayReadings(
        dt.date(2024, 2, 29),
        words.of(GENERATION_WH, units, intervals),
        words.of(AVAILABLE_W, units, intervals),
        words.of(DEMAND_WH, points, intervals),
    )
    return model, readings


def markets(intervals: int = 4):
    """A small market and a day of it, net export, storage intake and dynamic points included."""
    return examples_of(read_market, intervals, words=180)


def tiny_market(dynamic: bool = True) -> MarketModel:
    """Two nodes, a line of 4 kW one way and 2 kW back, three units, three supply points."""
    grid = Grid(
        ("north", "south"),
        as_numbers([0]),
        as_numbers([1]),
        as_numbers([4_000]),
        as_numbers([2_000]),
        layered(2, [0, 1]),
    )
    return MarketModel(
        grid=grid,
        interval_minutes=30,
        curves=(LADDER, LADDER, LADDER),
        layers_in_use=(True, True, True),
        units=("gas", "nuclear", "wind"),
        unit_node=as_numbers([1, 1, 0]),
        offer_micro_per_mwh=as_numbers([90_000_000, 12_000_000, 0]),
        annual_cost_micro=as_numbers([400_000_000, 900_000_000, 700_000_000]),
        unit_is_regulated=np.array([False, True, False]),
        unit_is_eligible=np.array([True, False, True]),
        supply_points=("home", "plant", "shop"),
        supply_point_node=as_numbers([0, 1, 1]),
        charging=Charging(
            as_numbers([0, 1_000_000 if dynamic else 0, 0]), as_numbers([1_000_000] * 3)
        ),
        pots=(Pot("adequacy", 600_000, "flat"), Pot("location", 400_000, "tightness")),
    )


def contracts(model: MarketModel, **changes) -> Contracts:
    """Contracts of a market: one product for each point, every other flexible, for 99 percent."""
    points = len(model.supply_points)
    terms = {
        "nodes": model.grid.nodes,
        "groups": tuple(
            (model.grid.nodes[node], point)
            for node, point in zip(
                model.supply_point_node.tolist(), model.supply_points, strict=True
            )
        ),
        "node": model.supply_point_node,
        "promise_ppm": np.full(points, 990_000),
        "tier_ppm": np.full(points, 1_000_000),
        "window": np.arange(points) % 2 * 4,
        "indivisible": np.zeros(points, dtype=bool),
        "point_group": np.arange(points),
        "least_fulfilment_ppm": 10_000,
    }
    return Contracts(**terms | changes)


def remembered(
    contracts: Contracts, matured: tuple[int, ...], delivered: tuple[int, ...]
) -> Memory:
    """Memory of a term in which each group was promised one part of all that matured."""
    promises = contracts.promise_ppm.tolist()
    promised = tuple(part * each for part, each in zip(promises, matured, strict=True))
    return Memory(matured, delivered, promised)


def fair_play(model: MarketModel, **changes) -> FairPlay:
    """Fair Play for a market: every other point is flexible, all contract for 99 percent."""
    points = len(model.supply_points)
    rules = {
        "contracts": contracts(model),
        "limit_w": np.full(points, UNLIMITED_W),
        "over_take_micro_per_mwh": CAP_MICRO_PER_MWH,
        "compensation_micro_per_mwh": np.full(points, 90_000_000),
    }
    return FairPlay(**rules | changes)


def requests(
    model: MarketModel,
    intervals: int,
    day: dt.date = dt.date(2024, 1, 15),
    carried=NOTHING_CARRIED,
    **changes,
) -> Requests:
    """Requests of which the meter alone tells, unless it is said, on a day that begins so."""
    points = len(model.supply_points)
    terms = model.fair_play.contracts if model.fair_play else contracts(model)
    stated = {
        "desired_wh": np.zeros((points, intervals), dtype=np.int64),
        "is_known": np.zeros(points, dtype=bool),
        "state": begin_day(terms, model.supply_points, carried, day),
    }
    return Requests(**stated | changes)


def tiny_shortage() -> tuple[MarketModel, DayReadings]:
    """The tiny market under Fair Play, on a day with an eighth of its supply, some of it drawn."""
    model, day = tiny_market(), tiny_day()
    drawn = contracts(model, indivisible=np.array([False, True, True]))
    model = replace(model, fair_play=fair_play(model, contracts=drawn))
    stated = requests(
        model,
        48,
        desired_wh=day.demand_wh + np.arange(48) % 7 * 100,
        is_known=np.array([True, False, True]),
        seed=bytes(range(32)),
    )
    return model, replace(day, available_w=day.available_w // 8, requests=stated)


def tiny_covered() -> tuple[MarketModel, DayReadings]:
    """The tiny market under Fair Play, on a day on which blocks of two contracts are used up."""
    model, day = tiny_market(), tiny_day()
    blocks = Blocks(
        np.array([True, False, True]), as_numbers([4_000, 0, 9_000]), as_numbers([NODE_PRICE, 0, 7])
    )
    model = replace(
        model, fair_play=fair_play(model), charging=replace(model.charging, blocks=blocks)
    )
    return model, replace(day, requests=requests(model, 48))


def tiny_booked() -> tuple[MarketModel, DayReadings]:
    """The tiny market charged by what was published, with two bookings of one point and a sale."""
    step = np.arange(48, dtype=np.int64)
    steep = np.stack([step * 7_000_000 % 130_000_001, step * 11_000_000 % 170_000_003])
    online = OnlineDay(
        steep,
        steep // 2,
        step % 3 > 0,
        tuple(
            Booked(number, point, is_sale, step * pace % 700, step * 9_000_001 % 140_000_000)
            for number, point, is_sale, pace in (
                (2, 1, False, 41),
                (3, 1, False, 97),
                (7, 0, True, 31),
            )
        ),
    )
    exported = tiny_day().demand_wh * np.array([[-1], [1], [1]])
    market = replace(tiny_market_by_flow(), charged_price="published")
    return market, replace(tiny_day(), demand_wh=exported, online=online)


def tiny_declined() -> tuple[MarketModel, DayReadings]:
    """The tiny market under Fair Play: a plant booked, asks for thrice what it takes, and waits."""
    model, day = tiny_market(), tiny_day()
    model = replace(model, fair_play=fair_play(model))
    stated = requests(
        model, 48, desired_wh=day.demand_wh * 3, is_known=np.array([False, True, False])
    )
    nothing, none = np.zeros((2, 48), dtype=np.int64), np.zeros(48, dtype=np.bool_)
    price = np.full(48, 60_000_000)
    online = OnlineDay(nothing, nothing, none, (Booked(5, 1, False, day.demand_wh[1] * 3, price),))
    scarce = day.available_w * (np.arange(48) % 4 // 2)
    return model, replace(day, available_w=scarce, requests=stated, online=online)


def tiny_market_by_flow() -> MarketModel:
    """The same market with maximum flow and sell curves."""
    return replace(
        tiny_market(), deliverability="max-flow", sell_curves=(LOWER_LADDER, LADDER, LOWER_LADDER)
    )


def tiny_day(intervals: int = 48, day: dt.date = dt.date(2024, 1, 15)) -> DayReadings:
    """A day of the tiny market, from a fixed arithmetic pattern."""
    step = np.arange(intervals, dtype=np.int64)
    generation = np.stack([step * 37 % 900, 1_500 + step % 2, step * 61 % 2_500])
    demand = np.stack([step * 53 % 1_200, 900 + step * 17 % 700, 300 + step * 29 % 400])
    return DayReadings(day, generation, generation * 4 + 3_000, demand)


def shares_of_one_game() -> list:
    """The shares of eight units on a ring of four nodes by every method."""
    node = np.arange(4)
    network = Network(4, node, (node + 1) % 4, as_numbers([3, 5, 4, 6]), as_numbers([2, 5, 1, 9]))
    game = Game(
        network,
        as_numbers([0, 0, 1, 1, 2, 2, 3, 3]),
        as_numbers([3, 7, 2, 8, 5, 6, 4, 9]),
        as_numbers([8, 9, 7, 11]),
    )
    number = clusters_of(neighbourhood(network, [0, 2], 1), game.unit_node, game.available_kw)
    tree = holarchy_tree(network, [-1, 0, 0, 1, 1, 2, 2], [3, 4, 5, 6])
    return [exact(game), levels(game, tree), clusters(game, number), sampled(game, 1, 100)]


def imports_of_one_ring() -> list:
    """What flow brings into the holons of a ring of six nodes, by cuts and by paths."""
    node = np.arange(6)
    zones = layered(6, [0, 0, 1, 1, 2, 2])
    lines = (node, (node + 1) % 6, node * 5 % 7, node * 3 % 5)
    ring = Grid(tuple(f"N{number}" for number in node), *lines, zones)
    available, demand = (node * 11 % 9)[:, np.newaxis], (node * 7 % 8)[:, np.newaxis]
    return [
        ways(ring, layer, available, demand).tolist()
        for layer in zones
        for ways in (imports_by_cuts_w, imports_by_flow_w)
    ]


def digest(result: DayResult) -> str:
    """A digest of every byte of a result, for comparison in tests."""
    running = hashlib.sha256(result.day.isoformat().encode())
    for table in result.tables:
        running.update(repr((table.measure, table.entities, table.values.shape)).encode())
        running.update(np.ascontiguousarray(table.values).tobytes())
    return running.hexdigest()


def with_layers(model: MarketModel, *names: str) -> MarketModel:
    """The same market with only the named layers in use."""
    return replace(model, layers_in_use=tuple(layer.name in names for layer in model.grid.layers))


@cache
def great_britain(rating_multiplier: int) -> tuple[Grid, tuple[str, ...], np.ndarray]:
    """Grid, unit ids and unit nodes of the 12-node case."""
    folder = SHARED / "data" / "gb12"
    with (folder / "lines.csv").open() as lines_file, (folder / "units.csv").open() as units_file:
        lines, units = list(csv.DictReader(lines_file)), list(csv.DictReader(units_file))
    nodes = tuple(sorted({line[end] for line in lines for end in ("from_node", "to_node")}))
    rating_w = as_numbers([int(line["rating_kw"]) * 1000 * rating_multiplier for line in lines])
    grid = Grid(
        nodes,
        as_numbers([nodes.index(line["from_node"]) for line in lines]),
        as_numbers([nodes.index(line["to_node"]) for line in lines]),
        rating_w,
        rating_w,
        layered(len(nodes), [0] * len(nodes)),
    )
    placed = sorted((unit["unit"], nodes.index(unit["node"])) for unit in units)
    return grid, tuple(name for name, _ in placed), as_numbers([node for _, node in placed])


@cache
def known_cases() -> list[dict]:
    """The 24 intervals with known coalition values."""
    return json.loads((SHARED / "golden" / "thesis_clusters.json").read_text())["cases"]
