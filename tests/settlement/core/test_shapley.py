from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numba import config

from settlement.core.cuts import grid_cuts
from settlement.core.grid import Grid
from settlement.core.shapley import denominator, shapley_adequacy, shapley_location, size_weights
from tests.settlement.core import examples, reference
from tests.settlement.core.reference import as_numbers

compiled_only = pytest.mark.skipif(config.DISABLE_JIT, reason="millions of coalitions: needs JIT")


def location(grid, unit_node, available, demand):
    return shapley_location(grid_cuts(grid), unit_node, available, demand)


@given(examples.games())
def test_location_is_as_the_reference(game):
    grid, unit_node, available, demand = game
    units, cuts = len(unit_node), grid_cuts(grid)
    numerators, value_all = location(*game)
    for interval in range(available.shape[1]):
        now = available[:, interval], demand[:, interval]
        expected = reference.shapley(
            units, lambda members, now=now: reference.served_by_cuts(cuts, unit_node, *now, members)
        )
        found = [
            Fraction(int(numerator), denominator(units)) for numerator in numerators[:, interval]
        ]
        assert found == expected
        assert value_all[interval] == reference.served_by_cuts(cuts, unit_node, *now, range(units))


@given(examples.games())
def test_adequacy_is_as_the_reference(game):
    _, unit_node, available, demand = game
    units = len(unit_node)
    numerators, value_all = shapley_adequacy(available, demand.sum(axis=0))
    for interval in range(available.shape[1]):
        now = available[:, interval], demand[:, interval]
        expected = reference.shapley(
            units, lambda members, now=now: reference.adequacy_kw(*now, members)
        )
        found = [
            Fraction(int(numerator), denominator(units)) for numerator in numerators[:, interval]
        ]
        assert found == expected
        assert value_all[interval] == reference.adequacy_kw(*now, range(units))


# Enough units that some are outer and some inner, at one node and at many.
larger_games = examples.games(most_units=11)


@given(larger_games)
def test_efficiency_and_bounds(game):
    _, unit_node, available, _ = game
    numerators, value_all = location(*game)
    common = denominator(len(unit_node))
    assert np.array_equal(numerators.sum(axis=0), value_all * common)
    assert np.all(numerators >= 0)
    assert np.all(numerators <= available * common)


@given(larger_games)
def test_units_alike_get_alike_and_a_unit_without_supply_gets_nothing(game):
    grid, unit_node, available, demand = game
    numerators, _ = location(grid, unit_node, available, demand)
    for interval in range(available.shape[1]):
        seen: dict[tuple[int, int], int] = {}
        for unit, (node, kw) in enumerate(zip(unit_node, available[:, interval], strict=True)):
            found = int(numerators[unit, interval])
            assert seen.setdefault((int(node), int(kw)), found) == found
            assert kw or not found


@given(larger_games, st.data())
def test_a_unit_without_supply_changes_nothing_for_others(game, data):
    grid, unit_node, available, demand = game
    assume(len(unit_node) > 1)
    idle = data.draw(st.integers(0, len(unit_node) - 1))
    available[idle] = 0
    others = np.delete(np.arange(len(unit_node)), idle)
    all_units, _ = location(grid, unit_node, available, demand)
    without, _ = location(grid, unit_node[others], available[others], demand)
    ratio = denominator(len(unit_node)) // denominator(len(others))
    assert np.array_equal(all_units[others], without * ratio)


@given(larger_games, st.randoms(use_true_random=False))
def test_numbering_units_otherwise_changes_nothing(game, random):
    grid, unit_node, available, demand = game
    order = list(range(len(unit_node)))
    random.shuffle(order)
    numerators, value_all = location(*game)
    shuffled, value_shuffled = location(grid, unit_node[order], available[order], demand)
    assert np.array_equal(shuffled, numerators[order])
    assert np.array_equal(value_shuffled, value_all)


@given(larger_games, st.randoms(use_true_random=False))
def test_numbering_nodes_otherwise_changes_nothing(game, random):
    grid, unit_node, available, demand = game
    order = list(range(len(grid.nodes)))
    random.shuffle(order)
    new_number = np.argsort(order)
    renumbered = Grid(
        grid.nodes,
        new_number[grid.line_from],
        new_number[grid.line_to],
        grid.rating_w,
        grid.reverse_rating_w,
        (),
    )
    numerators, value_all = location(*game)
    found, value_found = location(renumbered, new_number[unit_node], available, demand[order])
    assert np.array_equal(found, numerators)
    assert np.array_equal(value_found, value_all)


@given(larger_games, st.data())
def test_more_supply_never_earns_less(game, data):
    grid, unit_node, available, demand = game
    unit = data.draw(st.integers(0, len(unit_node) - 1))
    before, value_before = location(*game)
    available[unit] += data.draw(st.integers(1, 20))
    after, value_after = location(grid, unit_node, available, demand)
    assert np.all(after[unit] >= before[unit])
    assert np.all(value_after >= value_before)


@given(larger_games, st.integers(2, 1000))
def test_a_game_in_another_unit_scales(game, factor):
    grid, unit_node, available, demand = game
    scaled = Grid(
        grid.nodes,
        grid.line_from,
        grid.line_to,
        grid.rating_w * factor,
        grid.reverse_rating_w * factor,
        (),
    )
    numerators, value_all = location(*game)
    found, value_found = location(scaled, unit_node, available * factor, demand * factor)
    assert np.array_equal(found, numerators * factor)
    assert np.array_equal(value_found, value_all * factor)


@given(examples.games(most_units=5), examples.games(most_units=5))
def test_islands_add(left, other):
    """The value of two grids that no line joins is a sum, so shares are those of each alone."""
    grid, nodes = left[0], len(left[0].nodes)
    both = Grid(
        tuple(map(str, range(nodes + len(other[0].nodes)))),
        np.concatenate([grid.line_from, other[0].line_from + nodes]),
        np.concatenate([grid.line_to, other[0].line_to + nodes]),
        np.concatenate([grid.rating_w, other[0].rating_w]),
        np.concatenate([grid.reverse_rating_w, other[0].reverse_rating_w]),
        (),
    )
    found, value_all = location(
        both,
        np.concatenate([left[1], other[1] + nodes]),
        np.concatenate([left[2], other[2]]),
        np.concatenate([left[3], other[3]]),
    )
    common = denominator(len(found))
    alone = [location(*game) for game in (left, other)]
    expected = [part * (common // denominator(len(part))) for part, _ in alone]
    assert np.array_equal(found, np.concatenate(expected))
    assert np.array_equal(value_all, alone[0][1] + alone[1][1])


@given(larger_games)
def test_without_a_limiting_line_location_is_adequacy(game):
    _, unit_node, available, demand = game
    nodes = len(demand)
    wide = np.full(nodes - 1, 10**9)
    chain = Grid(
        tuple(map(str, range(nodes))), np.arange(nodes - 1), np.arange(1, nodes), wide, wide, ()
    )
    for found, expected in zip(
        location(chain, unit_node, available, demand),
        shapley_adequacy(available, demand.sum(axis=0)),
        strict=True,
    ):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("units", range(1, 25))
def test_weights_of_all_orders_sum_to_one(units):
    weights = size_weights(units).tolist()
    orders = sum(comb(units - 1, size) * weights[size] for size in range(units))
    assert orders == denominator(units)
    assert weights[units] == 0


def test_a_worked_case():
    """Two units of 6 kW for 10 kW: each adds 6 when first, 4 when second, so 5 on average."""
    numerators, value_all = shapley_adequacy(as_numbers([[6], [6]]), as_numbers([10]))
    assert (numerators.tolist(), value_all.tolist()) == ([[10], [10]], [10])
    assert denominator(2) == 2


@pytest.mark.parametrize("units", [0, 25])
def test_too_many_units_are_refused(units):
    with pytest.raises(ValueError, match="1 to 24"):
        shapley_adequacy(np.ones((units, 1), dtype=np.int64), as_numbers([1]))


def test_quantities_that_could_pass_int64_are_refused():
    unit = as_numbers([[1]])
    with pytest.raises(OverflowError, match="Shapley numerators"):
        shapley_adequacy(unit, as_numbers([2**61]))
    with pytest.raises(OverflowError, match="cut values"):
        shapley_adequacy(as_numbers([[2**62], [2**62]]), as_numbers([1]))


def test_the_largest_quantities_accepted_are_exact():
    largest = (2**63 - 1) // (8 * denominator(9))
    available = as_numbers([[largest - unit] for unit in range(9)])
    numerators, _ = shapley_adequacy(available, as_numbers([largest]))
    expected = reference.shapley(
        9, lambda members: min(sum(int(available[unit, 0]) for unit in members), largest)
    )
    assert [Fraction(int(numerator), denominator(9)) for numerator in numerators[:, 0]] == expected


@pytest.mark.parametrize(("available", "demand"), [(-1, 1), (1, -1)])
def test_negative_quantities_are_refused(available, demand):
    with pytest.raises(ValueError, match="must not be negative"):
        shapley_adequacy(as_numbers([[available]]), as_numbers([demand]))


@compiled_only
@pytest.mark.golden
@pytest.mark.real_data
def test_great_britain_agrees_with_the_reference_on_seven_of_its_units():
    """All 21 units sum to the value; with 14 of them idle, the rest are as the reference."""
    grid, units, unit_node = examples.great_britain(2)
    cases = examples.known_cases()
    available = as_numbers([[case["availability_kw"][unit] for case in cases] for unit in units])
    demand = as_numbers([[case["demand_kw"].get(node, 0) for case in cases] for node in grid.nodes])
    numerators, value_all = location(grid, unit_node, available, demand)
    assert np.array_equal(numerators.sum(axis=0), value_all * denominator(len(units)))
    few = [0, 3, 7, 11, 14, 17, 20]
    idle = np.zeros_like(available)
    idle[few] = available[few]
    found, _ = location(grid, unit_node, idle, demand)
    cuts = grid_cuts(grid)
    expected = reference.shapley(
        len(few),
        lambda members: reference.served_by_cuts(
            cuts, unit_node, available[:, 5], demand[:, 5], [few[member] for member in members]
        ),
    )
    assert [Fraction(int(numerator), denominator(21)) for numerator in found[few, 5]] == expected
