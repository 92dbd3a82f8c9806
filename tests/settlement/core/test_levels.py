from fractions import Fraction
from math import lcm
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config

from settlement.core import levels
from settlement.core.cuts import grid_cuts
from settlement.core.holarchy import HolarchyTree, holarchy_tree, tree_of_layers, without_limits
from settlement.core.levels import shapley_levels
from settlement.core.levels_plan import levels_plan
from settlement.core.network import network_of, smallest_cut
from settlement.core.shapley import denominator, shapley_adequacy, shapley_location
from tests.settlement.core import examples, reference
from tests.settlement.core.reference import as_numbers

compiled_only = pytest.mark.skipif(config.DISABLE_JIT, reason="millions of choices: needs JIT")


def shares(tree: HolarchyTree, unit_node, available, demand) -> tuple[list[list[Fraction]], list]:
    """Values by interval and unit, and the value of all."""
    plan = levels_plan(tree, unit_node)
    numerators, value_all = shapley_levels(plan, available, demand)
    found = [
        [Fraction(int(numerator), plan.denominator) for numerator in column]
        for column in numerators.T
    ]
    return found, value_all.tolist()


def tree_value(tree: HolarchyTree, unit_node, available, demand):
    """The value of a coalition in the tree game, as a maximum flow."""
    holon_demand = tree.demand_kw(demand)

    def value(members) -> int:
        supply = np.zeros(len(tree.parent), dtype=np.int64)
        for unit in members:
            supply[tree.node_holon[unit_node[unit]]] += available[unit]
        return smallest_cut(tree.network, supply, holon_demand)[0]

    return value


@given(examples.holarchy_games(most_units=6, intervals=1))
def test_levels_are_as_the_reference(game):
    tree, _, unit_node, available, demand = game
    found, value_all = shares(tree, unit_node, available, demand)
    value = tree_value(tree, unit_node, available[:, 0], demand[:, 0])
    unit_holon = tree.node_holon[unit_node].tolist()
    assert found[0] == reference.winter(tree.parent.tolist(), unit_holon, value)
    assert value_all == [value(range(len(unit_node)))]


@given(examples.holarchy_games(most_units=7))
def test_remainders_by_several_primes_give_the_same(game):
    tree, _, *rest = game
    expected = shares(tree, *rest)
    with mock.patch.object(levels, "EXACT_MODULUS", 1):
        assert shares(tree, *rest) == expected


@given(examples.holarchy_games(most_units=9))
def test_efficiency_and_bounds(game):
    tree, grid, unit_node, available, demand = game
    found, value_all = shares(tree, unit_node, available, demand)
    cuts = grid_cuts(grid)
    for interval, values in enumerate(found):
        assert sum(values) == value_all[interval]
        for value, kw in zip(values, available[:, interval].tolist(), strict=True):
            assert 0 <= value <= kw
        everyone = range(len(unit_node))
        in_network = reference.served_by_cuts(
            cuts, unit_node, available[:, interval], demand[:, interval], everyone
        )
        assert value_all[interval] >= in_network


@given(examples.holarchy_games(most_units=9))
def test_units_alike_get_alike_and_a_unit_without_supply_gets_nothing(game):
    tree, _, unit_node, available, demand = game
    found, _ = shares(tree, unit_node, available, demand)
    for interval, values in enumerate(found):
        seen: dict[tuple[int, int], Fraction] = {}
        for unit, value in enumerate(values):
            alike = (int(tree.node_holon[unit_node[unit]]), int(available[unit, interval]))
            assert seen.setdefault(alike, value) == value
            assert alike[1] or not value


@given(examples.holarchy_games(most_units=9), st.randoms(use_true_random=False))
def test_numbering_units_otherwise_changes_nothing(game, random):
    tree, _, unit_node, available, demand = game
    order = list(range(len(unit_node)))
    random.shuffle(order)
    found, value_all = shares(tree, unit_node, available, demand)
    other, value_other = shares(tree, unit_node[order], available[order], demand)
    assert other == [[values[unit] for unit in order] for values in found]
    assert value_other == value_all


@given(examples.holarchy_games(most_units=9), st.data())
def test_more_supply_never_earns_less(game, data):
    tree, _, unit_node, available, demand = game
    unit = data.draw(st.integers(0, len(unit_node) - 1))
    before, value_before = shares(tree, unit_node, available, demand)
    available[unit] += data.draw(st.integers(1, 20))
    after, value_after = shares(tree, unit_node, available, demand)
    for old, new in zip(before, after, strict=True):
        assert new[unit] >= old[unit]
    assert all(new >= old for old, new in zip(value_before, value_after, strict=True))


@given(examples.holarchy_games(most_units=5), examples.holarchy_games(most_units=5))
def test_islands_add(left, other):
    """Two trees side by side, with nothing between them, give each what it gives alone."""
    trees = [left[0], other[0]]
    parent, node_holon, out_kw, in_kw = [-1], [], [0], [0]
    for tree in trees:
        first = len(parent)
        parent += [0 if holon < 0 else first + holon for holon in tree.parent.tolist()]
        node_holon += (tree.node_holon + first).tolist()
        out_kw += tree.out_kw.tolist()
        in_kw += tree.in_kw.tolist()
    both = HolarchyTree(*map(as_numbers, (parent, out_kw, in_kw, node_holon)))
    found, value_all = shares(
        both,
        np.concatenate([left[2], other[2] + len(left[4])]),
        np.concatenate([left[3], other[3]]),
        np.concatenate([left[4], other[4]]),
    )
    alone = [shares(game[0], *game[2:]) for game in (left, other)]
    assert found == [left + right for left, right in zip(alone[0][0], alone[1][0], strict=True)]
    assert value_all == [left + right for left, right in zip(alone[0][1], alone[1][1], strict=True)]


@given(examples.games(most_units=5))
def test_a_flat_holarchy_gives_the_exact_values_of_the_tree_game(game):
    grid, unit_node, available, demand = game
    # One holon a unit, all directly inside the root, and the nodes without one inside it.
    parents, node_holon = [-1], [0] * len(grid.nodes)
    places = dict.fromkeys(unit_node.tolist())
    for node in places:
        node_holon[node] = len(parents)
        parents.append(0)
    tree = holarchy_tree(network_of(grid), parents, node_holon)
    first = [unit_node.tolist().index(node) for node in places]
    tree_grid = reference.as_grid(tree.network)
    numerators, value_all = shapley_location(
        grid_cuts(tree_grid),
        tree.node_holon[unit_node[first]],
        available[first],
        tree.demand_kw(demand),
    )
    found, value_found = shares(tree, unit_node[first], available[first], demand)
    common = denominator(len(first))
    assert found == [
        [Fraction(int(numerator), common) for numerator in column] for column in numerators.T
    ]
    assert value_found == value_all.tolist()


@given(examples.games(most_units=8))
def test_one_holon_without_limits_is_adequacy(game):
    grid, unit_node, available, demand = game
    tree = holarchy_tree(network_of(grid), [-1], [0] * len(grid.nodes))
    found, value_found = shares(tree, unit_node, available, demand)
    numerators, value_all = shapley_adequacy(available, demand.sum(axis=0))
    common = denominator(len(unit_node))
    assert found == [
        [Fraction(int(numerator), common) for numerator in column] for column in numerators.T
    ]
    assert value_found == value_all.tolist()


@given(examples.holarchy_games(most_units=6, intervals=1))
def test_without_limits_only_the_orders_differ_from_adequacy(game):
    tree, _, unit_node, available, demand = game
    found, _ = shares(without_limits(tree), unit_node, available, demand)
    unit_holon = tree.node_holon[unit_node].tolist()
    expected = reference.winter(
        tree.parent.tolist(),
        unit_holon,
        lambda members: min(sum(int(available[unit, 0]) for unit in members), int(demand.sum())),
    )
    assert found[0] == expected


def test_layers_become_a_tree_and_boundaries_its_ratings():
    grid = examples.tiny_market().grid  # north to south 4 kW, south to north 2 kW
    tree = tree_of_layers(grid)
    assert tree.parent.tolist() == [-1, 0, 1, 1, 2, 3]
    assert tree.node_holon.tolist() == [4, 5]
    assert tree.out_kw.tolist() == [0, 0, 4, 2, 4, 2]
    assert tree.in_kw.tolist() == [0, 0, 2, 4, 2, 4]


def test_a_worked_case():
    """Two units of 6 kW in one holon and one in another, for 10 kW, and no limit between them.

    Holon first or last: the pair brings 10 or 4, the single unit 6 or 0. Of the four orders, a
    member of the pair adds 6 and 4 when first in the pair and 4 and 0 when second.
    """
    tree = HolarchyTree(*map(as_numbers, ([-1, 0, 0], [0, 99, 99], [0, 99, 99], [1, 2])))
    found, value_all = shares(
        tree, as_numbers([0, 0, 1]), as_numbers([[6], [6], [6]]), as_numbers([[10], [0]])
    )
    assert found == [[Fraction(7, 2), Fraction(7, 2), 3]]
    assert value_all == [10]


def test_wide_holons_and_deep_choices_are_refused():
    with pytest.raises(ValueError, match="21 units or holons directly inside one holon"):
        levels_plan(
            HolarchyTree(*map(as_numbers, ([-1], [0], [0], [0]))), np.zeros(21, dtype=np.int64)
        )
    parents = [-1] + [0] * 12 + [12] * 12
    tree = HolarchyTree(*map(as_numbers, (parents, [0] * 25, [0] * 25, range(25))))
    with pytest.raises(ValueError, match=r"choices around one holon: the levels method takes"):
        levels_plan(tree, np.arange(1, 25))
    with pytest.raises(ValueError, match="no unit"):
        levels_plan(tree, as_numbers([]))


@pytest.mark.parametrize(
    ("parents", "message"),
    [([0], "no other, is the root"), ([-1, -1], "no other"), ([-1, 1], "comes before")],
)
def test_what_is_not_a_tree_is_refused(parents, message):
    none = as_numbers([0] * len(parents))
    with pytest.raises(ValueError, match=message):
        HolarchyTree(as_numbers(parents), none, none, as_numbers([0]))


def test_quantities_that_are_negative_or_too_large_are_refused():
    plan = levels_plan(HolarchyTree(*map(as_numbers, ([-1], [0], [0], [0]))), as_numbers([0]))
    watt = as_numbers([[1]])
    with pytest.raises(ValueError, match="must not be negative"):
        shapley_levels(plan, -watt, watt)
    with pytest.raises(ValueError, match="the limit is"):
        shapley_levels(plan, watt, watt * 10**12)


@compiled_only
def test_numerators_too_large_for_int64_are_exact_python_ints():
    """Four holons, one inside the other, five beside each other, and 17 units in the last."""
    parents, places, last = [-1], [], 0
    for _ in range(4):
        around, last = last, len(parents)
        parents += [around] * 5
        places += range(last + 1, len(parents))
    limits = [0] + [7 * 10**9] * (len(parents) - 1)
    tree = HolarchyTree(*map(as_numbers, (parents, limits, limits, [*places, last])))
    unit_node = as_numbers([*range(len(places)), *[len(places)] * 17])
    plan = levels_plan(tree, unit_node)
    assert plan.denominator == lcm(*range(1, 6)) ** 4 * lcm(*range(1, 18))
    available = as_numbers([[10**9 + unit] for unit in range(len(unit_node))])
    demand = as_numbers([[2 * 10**9]] * (len(places) + 1))
    numerators, value_all = shapley_levels(plan, available, demand)
    assert numerators.dtype == object
    assert sum(numerators[:, 0]) == int(value_all[0]) * plan.denominator
