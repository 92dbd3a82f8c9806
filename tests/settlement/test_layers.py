"""Uniform, zonal and nodal pricing fall out of the layer setting alone.

The documents of the twelve-node market are used as published, but for the layers in use. Prices
are held to a slow reference written from the market rules, holon by holon.
"""

import datetime as dt
from functools import cache
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from rulebook.documents import MarketRules
from rulebook.folders import read_files
from rulebook.resolve import RuleSet
from settlement.core.engine import DayReadings, MarketModel, settle_day
from settlement.core.model import node_available_w, node_demand_w
from settlement.core.scarcity import price_layers
from settlement.core.tightness import node_prices
from settlement.datasets.market import market_shape
from settlement.datasets.recorded import recorded_profile
from settlement.rules.compile import compile_market
from tests.conftest import ROOT, SHARED
from tests.worlds import tiny_market

LAYERS = ("system", "region", "zone", "cluster", "node")
PPM = 1_000_000
DAY = dt.date(2024, 1, 17)


@cache
def documents() -> dict[str, list]:
    found, findings = read_files([ROOT / "scenarios" / "gb12"])
    assert not findings
    by_kind: dict[str, list] = {}
    for _, document in found:
        by_kind.setdefault(document.kind, []).append(document)
    return by_kind


def rules_with(layers_in_use: tuple[str, ...], deliverability: str) -> MarketRules:
    body = documents()["market-rules"][0].model_dump() | {"deliverability": deliverability}
    body["layers"] = tuple(
        {**layer, "in_use": layer["layer"] in layers_in_use} for layer in body["layers"]
    )
    return MarketRules.model_validate(body)


@cache
def model_with(*layers_in_use: str, deliverability: str = "boundary") -> MarketModel:
    parts = documents()
    return compile_market(
        rules_with(layers_in_use, deliverability),
        parts["grid-model"][0],
        parts["allocation-policy"][0],
        parts["registration"],
    )


def seeded_readings(seed: int) -> DayReadings:
    """Return plausible readings; some seeds are short of supply, some have places that export."""
    model = model_with(*LAYERS)
    random = np.random.default_rng(seed)
    units = {unit.unit: unit for owner in documents()["registration"] for unit in owner.units}
    capacity_w = np.array([units[name].capacity_w for name in model.units])
    available_w = capacity_w[:, np.newaxis] * random.integers(5, 100, (21, 48)) // 100
    most_wh = int(capacity_w.sum()) // 2 // 40
    demand_wh = random.integers(-most_wh // 20, most_wh * (1 + seed % 3), (40, 48))
    return DayReadings(DAY, available_w // 4, available_w, demand_wh)


@cache
def recorded_day(day: dt.date) -> DayReadings:
    parts = documents()
    rules = RuleSet(
        "gb12",
        day,
        (),
        parts["market-rules"][0],
        parts["grid-model"][0],
        parts["allocation-policy"][0],
        tuple(parts["registration"]),
    )
    (profile_day,) = recorded_profile(market_shape(rules), SHARED / "data" / "gb12", day, day)
    return DayReadings(
        day, profile_day.available_w // 4, profile_day.available_w, profile_day.demand_wh
    )


def prices_of(model: MarketModel, readings: DayReadings) -> dict[str, list[int]]:
    """Return the price of each node, by interval."""
    demand_w = node_demand_w(model, readings.demand_wh)
    available_w = node_available_w(model, readings.available_w)
    prices = node_prices(
        model.grid, model.layers_in_use, price_layers(model, available_w, demand_w)
    )
    return dict(zip(model.grid.nodes, prices.price_micro_per_mwh.tolist(), strict=True))


def holon_of(layer: str) -> dict[str, str]:
    """Return the holon of each node in a layer, from the grid document."""
    holons = {holon.holon: holon for holon in documents()["grid-model"][0].holons}
    found = {}
    for node in documents()["grid-model"][0].nodes:
        holon = holons[node.node]
        while holon.layer != layer:
            holon = holons[holon.parent]
        found[node.node] = holon.holon
    return found


def reference_prices(
    layer: str, readings: DayReadings, interval: int, deliverability: str = "boundary"
) -> dict[str, int]:
    """Return the price of each holon of a layer, computed the slow way from the documents."""
    rule = next(
        candidate for candidate in documents()["market-rules"][0].layers if candidate.layer == layer
    )
    holon = holon_of(layer)
    supply, demand = dict.fromkeys(holon, 0), dict.fromkeys(holon, 0)
    registrations = documents()["registration"]
    units = sorted((u.unit, u.node) for r in registrations for u in r.units)
    points = sorted((p.supply_point, p.node) for r in registrations for p in r.supply_points)
    for (_, node), row in zip(units, readings.available_w, strict=True):
        supply[node] += int(row[interval])
    for (_, node), row in zip(points, readings.demand_wh, strict=True):
        demand[node] += 2 * int(row[interval])
    demand = {node: max(0, total) for node, total in demand.items()}
    found = {}
    for name in set(holon.values()):
        inside = {node for node in holon if holon[node] == name}
        wanted = sum(demand[node] for node in inside)
        imports = {"boundary": across_boundary, "max-flow": by_flow}[deliverability]
        deliverable = sum(supply[node] for node in inside) + imports(inside, supply, demand)
        knots = [(knot.tightness_ppm, knot.price_micro_per_mwh) for knot in rule.curve]
        if wanted == 0:
            tightness = 0
        elif deliverable == 0:
            tightness = knots[-1][0]
        else:
            tightness = wanted * PPM // deliverable
        found[name] = on_curve(knots, tightness)
    return found


def across_boundary(inside: set[str], supply: dict[str, int], demand: dict[str, int]) -> int:
    crossing = sum(
        line.rating_w if line.to_node in inside else line.reverse_rating_w
        for line in documents()["grid-model"][0].lines
        if (line.from_node in inside) != (line.to_node in inside)
    )
    surplus = sum(supply[node] - demand[node] for node in supply if node not in inside)
    return min(crossing, max(0, surplus))


def by_flow(inside: set[str], supply: dict[str, int], demand: dict[str, int]) -> int:
    """Return what another package's maximum flow brings in beyond the demand outside."""
    flows = []
    for wanted in (sum(supply.values()), 0):
        network = nx.DiGraph()
        for line in documents()["grid-model"][0].lines:
            network.add_edge(line.from_node, line.to_node, capacity=line.rating_w)
            network.add_edge(line.to_node, line.from_node, capacity=line.reverse_rating_w)
        for node, supply_w in supply.items():
            is_inside = node in inside
            network.add_edge("source", node, capacity=0 if is_inside else supply_w)
            network.add_edge(node, "sink", capacity=wanted if is_inside else demand[node])
        flows.append(nx.maximum_flow_value(network, "source", "sink"))
    return flows[0] - flows[1]


def on_curve(knots: list[tuple[int, int]], tightness: int) -> int:
    if tightness <= knots[0][0]:
        return knots[0][1]
    for (left, low), (right, high) in pairwise(knots):
        if tightness <= right:
            return low + (high - low) * (tightness - left) // (right - left)
    return knots[-1][1]


def in_groups(prices: dict[str, list[int]], layer: str) -> list[set[tuple[int, ...]]]:
    """Return the price series found within each holon of a layer."""
    groups: dict[str, set[tuple[int, ...]]] = {}
    for node, series in prices.items():
        groups.setdefault(holon_of(layer)[node], set()).add(tuple(series))
    return list(groups.values())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("layer", LAYERS)
def test_one_layer_in_use_gives_one_price_for_each_of_its_parts(layer, seed):
    readings = seeded_readings(seed)
    prices = prices_of(model_with(layer), readings)
    assert all(len(series) == 1 for series in in_groups(prices, layer))
    for interval in range(48):
        expected = reference_prices(layer, readings, interval)
        assert {node: series[interval] for node, series in prices.items()} == {
            node: expected[holon] for node, holon in holon_of(layer).items()
        }


@pytest.mark.parametrize("layer", LAYERS)
def test_one_layer_in_use_gives_the_prices_of_maximum_flow(layer):
    seen = set()
    for seed in range(3):
        readings = seeded_readings(seed)
        prices = prices_of(model_with(layer, deliverability="max-flow"), readings)
        by_boundary = prices_of(model_with(layer), readings)
        assert all(len(series) == 1 for series in in_groups(prices, layer))
        for interval in range(seed, 48, 12):
            expected = reference_prices(layer, readings, interval, "max-flow")
            assert {node: series[interval] for node, series in prices.items()} == {
                node: expected[holon] for node, holon in holon_of(layer).items()
            }
        seen.add(prices == by_boundary)
    assert (layer == "system") == (seen == {True})


@pytest.mark.parametrize("seed", range(3))
def test_all_layers_in_use_give_the_highest_of_their_prices(seed):
    readings = seeded_readings(seed)
    prices = prices_of(model_with(*LAYERS), readings)
    alone = [prices_of(model_with(layer), readings) for layer in LAYERS]
    for node, series in prices.items():
        assert (
            series == np.max([prices_of_layer[node] for prices_of_layer in alone], axis=0).tolist()
        )


def test_only_the_system_is_uniform_only_zones_zonal_only_nodes_nodal():
    seen = dict.fromkeys(LAYERS, 0)
    for seed in range(6):
        for layer in LAYERS:
            prices = prices_of(model_with(layer), seeded_readings(seed))
            different = len({tuple(series) for series in prices.values()})
            seen[layer] = max(seen[layer], different)
    with_demand = {p.node for owner in documents()["registration"] for p in owner.supply_points}
    for layer in LAYERS:
        holon = holon_of(layer)
        demanding = {holon[node] for node in with_demand}
        priced_at_nothing = set(holon.values()) - demanding
        assert seen[layer] == len(demanding) + bool(priced_at_nothing), layer
    assert [seen["system"], seen["node"]] == [1, len(with_demand) + 1]


@pytest.mark.parametrize(
    ("layers_in_use", "groups"),
    [(("system",), ["ABC"]), (("zone",), ["AB", "C"]), (("node",), ["A", "B", "C"])],
)
def test_a_settled_day_has_the_prices_of_its_layers_and_charges_by_them(layers_in_use, groups):
    rules, grid, policy, *registrations, _ = tiny_market.documents(layers_in_use)
    model = compile_market(rules, grid, policy, registrations)
    random = np.random.default_rng(4)
    available_w = random.integers(10_000_000, 40_000_000, (4, 48))
    readings = DayReadings(
        DAY, available_w // 4, available_w, random.integers(4_000_000, 24_000_000, (4, 48))
    )
    result = settle_day(model, readings)
    prices = dict(
        zip(model.grid.nodes, result.values("node_price_micro_per_mwh").tolist(), strict=True)
    )
    series = [{tuple(prices[node]) for node in group} for group in groups]
    assert all(len(of_group) == 1 for of_group in series)
    assert len(set.union(*series)) == len(groups)
    layer = ("system", "zone", "node").index(layers_in_use[0])
    assert (result.values("binding_layer") == layer).all()
    for number, point in enumerate(("B-office", "C-office")):
        paid = int(result.values("charge.dynamic_micro")[number].sum())
        energy = readings.demand_wh[model.supply_points.index(point)].tolist()
        exact = sum(e * p for e, p in zip(energy, prices[point[0]], strict=True))
        assert paid == exact // 1_000_000


@pytest.mark.real_data
@pytest.mark.parametrize("deliverability", ["boundary", "max-flow"])
@pytest.mark.parametrize("day", ["2024-01-17", "2024-03-31", "2024-10-27"])
@pytest.mark.parametrize("layer", LAYERS)
def test_real_days_are_priced_the_same_way(layer, day, deliverability):
    readings = recorded_day(dt.date.fromisoformat(day))
    prices = prices_of(model_with(layer, deliverability=deliverability), readings)
    assert all(len(series) == 1 for series in in_groups(prices, layer))
    count = readings.demand_wh.shape[1]
    assert count == {"2024-03-31": 46, "2024-10-27": 50}.get(day, 48)
    for interval in range(0, count, 1 if deliverability == "boundary" else 7):
        expected = reference_prices(layer, readings, interval, deliverability)
        assert {node: series[interval] for node, series in prices.items()} == {
            node: expected[holon] for node, holon in holon_of(layer).items()
        }
