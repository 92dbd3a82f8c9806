"""What the market maker promises whatever comes: bounded, monotone, memoryless."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.deliverability import MEASURES
from settlement.core.engine import DayReadings, MarketModel, settle_day
from settlement.core.grid import Grid, Layer
from settlement.core.model import node_demand_w
from settlement.core.scarcity import price_layers
from settlement.core.tightness import Curve, NodePrices, node_prices
from tests.settlement.core import examples
from tests.settlement.core.draws import Words, any_of, examples_of, matrix
from tests.settlement.core.reference import as_numbers

INTERVALS = 3
POWER = ((0, 0, 0, 5_000, 10_000), range(50_001))
ANY_POWER = (*POWER, (1, 10**12, 9 * 10**11))
# All points together stay within the 9.2 TW of demand that a tightness can be computed of.
METERED_WH = (0, 1, -1, 10**11, -(10**12), -(10**15))
KNOTS_PPM = any_of(range(2 * 10**6 + 1))
PRICES = any_of(range(-(10**8), 6 * 10**9 + 1))
LOWER = any_of(range(10**8 + 1))
LATER_PPM = any_of(range(10**6 + 1))


def read_curves(words: Words) -> tuple[Curve, Curve]:
    """A curve, and one to sell by that is nowhere above it; knots of their own."""
    count = words.count(2, 5)
    knots_ppm = np.sort(words.of(KNOTS_PPM, count)) + np.arange(count)
    prices = np.sort(words.of(PRICES, count))
    lower, later_ppm = words.number(LOWER), words.number(LATER_PPM)
    return Curve(knots_ppm, prices), Curve(knots_ppm + later_ppm, prices - lower)


def read_scarcity(words: Words, power: np.ndarray):
    model, _ = examples.read_market(words, intervals=1)
    buy, sell = zip(*(read_curves(words) for _ in model.curves), strict=True)
    available, demand = (words.of(power, len(model.grid.nodes), INTERVALS) for _ in range(2))
    return replace(model, curves=buy, sell_curves=sell), available, demand


def scarcities(power=POWER):
    """A market on random rules, and what is available and wanted at its nodes."""
    return examples_of(read_scarcity, any_of(*power), words=220)


def priced(model: MarketModel, available, demand) -> NodePrices:
    return node_prices(model.grid, model.layers_in_use, price_layers(model, available, demand))


@given(scarcities(ANY_POWER))
def test_prices_are_bounded_and_selling_is_never_above_buying_for_any_input(market):
    model, available, demand = market
    layers = price_layers(model, available, demand)
    for layer, buy, sell in zip(layers, model.curves, model.sell_curves, strict=True):
        for curve, price in (
            (buy, layer.price_micro_per_mwh),
            (sell, layer.sell_price_micro_per_mwh),
        ):
            assert np.all(price >= curve.price_micro_per_mwh[0])
            assert np.all(price <= curve.price_micro_per_mwh[-1])
        assert np.all(layer.sell_price_micro_per_mwh <= layer.price_micro_per_mwh)
    prices = node_prices(model.grid, model.layers_in_use, layers)
    assert np.all(prices.sell_price_micro_per_mwh <= prices.price_micro_per_mwh)


@given(scarcities(), st.data())
def test_no_metered_energy_takes_a_price_out_of_its_bounds(market, data):
    """Net export included, which is no demand at its node, however large."""
    model, available, _ = market
    demand_wh = data.draw(matrix(len(model.supply_points), INTERVALS, METERED_WH))
    demand = node_demand_w(model, demand_wh)
    assert np.all(demand >= 0)
    prices = priced(model, available, demand)
    used = [number for number, use in enumerate(model.layers_in_use) if use]
    for curves, price in (
        (model.curves, prices.price_micro_per_mwh),
        (model.sell_curves, prices.sell_price_micro_per_mwh),
    ):
        assert np.all(price >= max(curves[n].price_micro_per_mwh[0] for n in used))
        assert np.all(price <= max(curves[n].price_micro_per_mwh[-1] for n in used))


@given(scarcities(), st.data())
def test_more_demand_lowers_no_price_and_more_availability_raises_none(market, data):
    """At every holon and node, under either deliverability, buying and selling."""
    model, available, demand = market
    more = data.draw(matrix(*available.shape, *POWER))
    for deliverability in MEASURES:
        chosen = replace(model, deliverability=deliverability)
        before = (price_layers(chosen, available, demand), priced(chosen, available, demand))
        scarcer = (
            price_layers(chosen, available, demand + more),
            priced(chosen, available, demand + more),
        )
        easier = (
            price_layers(chosen, available + more, demand),
            priced(chosen, available + more, demand),
        )
        for name in ("price_micro_per_mwh", "sell_price_micro_per_mwh"):
            low, middle, high = (
                np.concatenate([getattr(each, name) for each in (*layers, nodes)])
                for layers, nodes in (easier, before, scarcer)
            )
            assert np.all(low <= middle), (deliverability, name)
            assert np.all(middle <= high), (deliverability, name)


@given(scarcities(), st.data())
def test_a_price_returns_exactly_when_a_shock_ends(market, data):
    """An interval's price rests on that interval alone: on none before it, in whichever order."""
    model, available, demand = market
    shock = data.draw(matrix(len(available), 1, *ANY_POWER))[:, 0]
    shocked, out_of_service = demand.copy(), available.copy()
    shocked[:, 1] += shock
    out_of_service[:, 1] = 0
    calm, after = priced(model, available, demand), priced(model, out_of_service, shocked)
    backwards = priced(model, out_of_service[:, ::-1], shocked[:, ::-1])
    for name in NodePrices.__dataclass_fields__:
        series = getattr(after, name)
        assert np.array_equal(series[:, [0, 2]], getattr(calm, name)[:, [0, 2]])
        assert np.array_equal(series, getattr(backwards, name)[:, ::-1])


@given(scarcities())
def test_the_layer_that_binds_is_the_outermost_of_the_highest(market):
    model, available, demand = market
    layers = price_layers(model, available, demand)
    prices = node_prices(model.grid, model.layers_in_use, layers)
    for name, number in (
        ("price_micro_per_mwh", prices.binding_layer),
        ("sell_price_micro_per_mwh", prices.binding_layer_sell),
    ):
        for node, interval in np.ndindex(number.shape):
            of_layer = {
                place: int(getattr(layers[place], name)[layer.node_holon[node], interval])
                for place, layer in enumerate(model.grid.layers)
                if model.layers_in_use[place]
            }
            highest = max(of_layer.values())
            assert getattr(prices, name)[node, interval] == highest
            assert number[node, interval] == min(
                p for p, price in of_layer.items() if price == highest
            )


@given(scarcities())
def test_a_node_s_price_moves_no_faster_than_the_steepest_curve(market):
    """From one interval to the next, by the greatest move of tightness of the holons around it."""
    model, available, demand = market
    layers = price_layers(model, available, demand)
    prices = node_prices(model.grid, model.layers_in_use, layers)
    used = [number for number, use in enumerate(model.layers_in_use) if use]
    for name, curves in (
        ("price_micro_per_mwh", model.curves),
        ("sell_price_micro_per_mwh", model.sell_curves),
    ):
        series = getattr(prices, name)
        steepest = max(curves[number].steepest_micro_per_mwh_per_ppm for number in used)
        for node in range(len(model.grid.nodes)):
            tightness = [
                layers[n].tightness_ppm[model.grid.layers[n].node_holon[node]].tolist()
                for n in used
            ]
            for earlier, other in pairwise(range(INTERVALS)):
                moved = max(abs(row[earlier] - row[other]) for row in tightness)
                assert abs(int(series[node, earlier] - series[node, other])) <= ceil(
                    steepest * moved
                )


@given(scarcities(), st.data())
def test_prices_are_the_same_however_nodes_and_holons_are_numbered(market, data):
    model, available, demand = market
    grid = model.grid
    nodes = len(grid.nodes)
    new = as_numbers(data.draw(st.permutations(range(nodes))))
    old = np.argsort(new)
    layers = []
    for layer in grid.layers:
        number = as_numbers(data.draw(st.permutations(range(len(layer.holons)))))
        names = tuple(layer.holons[place] for place in np.argsort(number))
        layers.append(Layer(layer.name, names, number[layer.node_holon][old]))
    order = as_numbers(data.draw(st.permutations(range(len(grid.line_from)))))
    renumbered = Grid(
        tuple(grid.nodes[place] for place in old),
        new[grid.line_from][order],
        new[grid.line_to][order],
        grid.rating_w[order],
        grid.reverse_rating_w[order],
        tuple(layers),
    )
    for deliverability in MEASURES:
        chosen = replace(model, deliverability=deliverability)
        other = priced(replace(chosen, grid=renumbered), available[old], demand[old])
        for name in NodePrices.__dataclass_fields__:
            assert np.array_equal(
                getattr(other, name)[new], getattr(priced(chosen, available, demand), name)
            )


@given(scarcities())
def test_one_layer_in_use_is_uniform_zonal_or_nodal_under_either_deliverability(market):
    model, available, demand = market
    for number, layer in enumerate(model.grid.layers):
        alone = replace(model, layers_in_use=tuple(place == number for place in range(3)))
        for deliverability in MEASURES:
            chosen = replace(alone, deliverability=deliverability)
            prices, layers = (
                priced(chosen, available, demand),
                price_layers(chosen, available, demand),
            )
            assert np.all(prices.binding_layer == number)
            assert np.all(prices.binding_layer_sell == number)
            for name in ("price_micro_per_mwh", "sell_price_micro_per_mwh"):
                of_holon = getattr(layers[number], name)
                assert np.array_equal(getattr(prices, name), of_holon[layer.node_holon])


def test_a_sell_curve_settles_net_export_and_its_results_are_stored():
    """The plant of the tiny market exports 1 kWh at its node; it is paid by the sell curve."""
    model = replace(examples.tiny_market(), sell_curves=(examples.LOWER_LADDER,) * 3)
    readings = examples.tiny_day(2)
    demand = readings.demand_wh.copy()
    demand[1:] = [(-1_000, 1_000), (5_000, 5_000)]
    result = settle_day(model, replace(readings, demand_wh=demand))
    south = model.supply_point_node[1]
    buy = int(result.values("node_price_micro_per_mwh")[south, 1])
    sell = int(result.values("node_sell_price_micro_per_mwh")[south, 0])
    assert 0 < sell < int(result.values("node_price_micro_per_mwh")[south, 0])
    exported, taken = result.values("charge.dynamic_micro")[0].tolist()
    assert exported == -sell * 1_000 // 10**6
    assert exported + taken == (buy * 1_000 - sell * 1_000) // 10**6
    charged, paid = (
        sum(table.values.sum(axis=0) for table in result.tables if table.measure.startswith(kind))
        for kind in ("charge.", "payment.")
    )
    assert np.array_equal(charged, paid + result.values("equalisation_micro")[0])
    assert result.values("sell_price_micro_per_mwh").shape == (5, 2)
    assert result.values("binding_layer_sell").shape == (2, 2)


def test_selling_at_the_curves_of_buying_settles_as_without_sell_curves():
    model, readings = examples.tiny_market(), examples.tiny_day()
    demand = readings.demand_wh - 600
    readings = DayReadings(readings.day, readings.generation_wh, readings.available_w, demand)
    without = settle_day(model, readings)
    stated = settle_day(replace(model, sell_curves=model.curves), readings)
    for table in without.tables:
        assert np.array_equal(table.values, stated.values(table.measure))
    assert len(stated.tables) == len(without.tables) + 3
    assert np.array_equal(
        stated.values("node_sell_price_micro_per_mwh"), without.values("node_price_micro_per_mwh")
    )


def test_the_steepest_segment_is_an_exact_ratio():
    assert Curve(as_numbers([0, 3, 9]), as_numbers([10, 20, 21])).steepest_micro_per_mwh_per_ppm \
        == Fraction(10, 3)  # fmt: skip
    assert examples.LADDER.steepest_micro_per_mwh_per_ppm == 22_800
    assert Curve(as_numbers([0, 3]), as_numbers([5, 5])).steepest_micro_per_mwh_per_ppm == 0
