from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np
import pytest
from hypothesis import given

from settlement.core.grid import Grid
from settlement.core.tightness import Curve, layer_tightness, node_prices
from tests.settlement.core import reference
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.examples import LADDER, layered, read_grid
from tests.settlement.core.reference import as_numbers

KNOTS_PPM = any_of(range(3_000_001))
PRICES = any_of(range(-(10**8), 6 * 10**9 + 1))
TIGHTNESS = any_of(range(4_000_001), range(2**62 + 1))
POWER = any_of((0,), range(50_001), range(9 * 10**11 + 1))
HOUSEHOLD_POWER = any_of(range(30_001))


def read_curve(words: Words) -> Curve:
    count = words.count(2, 6)
    knots_ppm = np.sort(words.of(KNOTS_PPM, count)) + np.arange(count)
    return Curve(knots_ppm, np.sort(words.of(PRICES, count)))


def read_tightness(words: Words, least: int, most: int) -> tuple[Curve, list[int]]:
    return read_curve(words), words.of(TIGHTNESS, words.count(least, most)).tolist()


def read_curve_and_power(words: Words, power: np.ndarray, intervals: int):
    grid = read_grid(words)
    available, demand = (words.of(power, len(grid.nodes), intervals) for _ in range(2))
    return read_curve(words), grid, available, demand


def points(curve: Curve) -> list[tuple[int, int]]:
    return list(zip(curve.tightness_ppm.tolist(), curve.price_micro_per_mwh.tolist(), strict=True))


@given(examples_of(read_tightness, 1, 20, words=40))
def test_a_price_is_bounded_monotone_and_as_the_exact_curve(case):
    curve, tightness = case[0], sorted(case[1])
    prices = curve.price_at(as_numbers(tightness)).tolist()
    assert prices == sorted(prices)
    for value, found in zip(tightness, prices, strict=True):
        assert points(curve)[0][1] <= found <= points(curve)[-1][1]
        assert found == reference.price(points(curve), Fraction(value))


@given(examples_of(read_tightness, 2, 2, words=20))
def test_a_price_moves_no_faster_than_the_steepest_segment(case):
    curve, (tightness, other) = case
    steepest = curve.steepest_micro_per_mwh_per_ppm
    slopes = [
        Fraction(high - low, right - left) for (left, low), (right, high) in pairwise(points(curve))
    ]
    assert steepest == max(slopes)
    low, high = curve.price_at(as_numbers(sorted([tightness, other]))).tolist()
    assert (
        high - low
        <= ceil(steepest * abs(tightness - other))
        < steepest * abs(tightness - other) + 1
    )


@given(examples_of(read_curve_and_power, POWER, 3, words=90))
def test_a_layer_is_as_the_reference(case):
    curve, grid, available, demand = case
    for number, layer in enumerate(grid.layers):
        found = layer_tightness(grid, layer, curve, available, demand)
        for holon in range(len(layer.holons)):
            inside = layer.node_holon == holon
            for interval in range(3):
                needed = int(demand[inside, interval].sum())
                supply = reference.deliverable_w(grid, number, holon, available, demand, interval)
                last_knot = int(curve.tightness_ppm[-1])
                tightness = needed * 10**6 // supply if supply else last_knot * (needed > 0)
                assert found.deliverable_w[holon, interval] == supply
                assert found.tightness_ppm[holon, interval] == tightness
                assert found.price_micro_per_mwh[holon, interval] == reference.price(
                    points(curve), Fraction(tightness)
                )


@given(examples_of(read_curve_and_power, HOUSEHOLD_POWER, 2, words=80))
def test_uniform_zonal_and_nodal_prices_follow_from_the_layer_in_use(case):
    _, grid, available, demand = case
    layers = tuple(layer_tightness(grid, layer, LADDER, available, demand) for layer in grid.layers)
    alone = []
    for number, layer in enumerate(grid.layers):
        in_use = tuple(place == number for place in range(3))
        found = node_prices(grid, in_use, layers)
        assert np.all(found.binding_layer == number)
        assert np.array_equal(
            found.price_micro_per_mwh, layers[number].price_micro_per_mwh[layer.node_holon]
        )
        alone.append(found.price_micro_per_mwh)
    uniform, zonal, nodal = alone
    assert np.all(uniform == uniform[0])
    zone = grid.layers[1].node_holon
    assert all(
        np.all(zonal[zone == zone_number] == zonal[zone == zone_number][0])
        for zone_number in set(zone.tolist())
    )
    assert np.array_equal(nodal, layers[2].price_micro_per_mwh)

    together = node_prices(grid, (True, True, True), layers)
    assert np.array_equal(together.price_micro_per_mwh, np.maximum(np.maximum(*alone[:2]), nodal))
    for place in np.ndindex(together.binding_layer.shape):
        highest = [price[place] for price in alone]
        assert together.binding_layer[place] == highest.index(max(highest))


def test_no_demand_is_slack_and_no_supply_is_the_last_knot():
    grid = one_node_grid()
    found = layer_tightness(
        grid, grid.layers[0], LADDER, as_numbers([[0, 0, 5]]), as_numbers([[0, 7, 0]])
    )
    assert found.tightness_ppm.tolist() == [[0, 1_250_000, 0]]
    assert found.price_micro_per_mwh.tolist() == [[0, 6_000_000_000, 0]]


def test_demand_beyond_int64_is_refused():
    grid = one_node_grid()
    with pytest.raises(OverflowError, match="tightness"):
        layer_tightness(grid, grid.layers[0], LADDER, as_numbers([[1]]), as_numbers([[10**13]]))


def test_a_market_without_a_layer_in_use_is_refused():
    with pytest.raises(ValueError, match="no layer is in use"):
        node_prices(one_node_grid(), (False, False, False), ())


@pytest.mark.parametrize(
    ("knots", "prices"),
    [([0], [1]), ([5, 5], [1, 2]), ([5, 4], [1, 2]), ([0, 1], [2, 1]), ([-1, 1], [1, 2])],
)
def test_a_curve_that_is_no_curve_is_refused(knots, prices):
    with pytest.raises(ValueError, match="two knots"):
        Curve(as_numbers(knots), as_numbers(prices))


def one_node_grid() -> Grid:
    return Grid(("N0",), *(as_numbers([]) for _ in range(4)), layered(1, [0]))
