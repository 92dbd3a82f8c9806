"""A day settled by each method: the shares are those of its games, interval by interval."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction
from math import lcm

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from settlement.core.arrays import INT64_LIMIT
from settlement.core.clusters import clusters, clusters_of, neighbourhood
from settlement.core.day_games import in_microwatts, play_games
from settlement.core.engine import settle_day
from settlement.core.games import Game, ramp_deliverable_w
from settlement.core.holarchy import tree_of_layers, without_limits
from settlement.core.methods import exact, levels
from settlement.core.model import node_demand_w
from settlement.core.network import network_of
from settlement.core.pots import Flexibility, Pot
from settlement.core.sampled import sampled
from settlement.core.shapley_rule import METHODS, MICROWATTS_PER_KW, ShapleyRule
from tests.examples import tried
from tests.settlement.core import examples, reference
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers

BY_METHOD = {
    "exact": ShapleyRule(),
    "levels": ShapleyRule("levels"),
    "clusters": ShapleyRule("clusters", trunk_nodes=(0,), hop_limit=2),
    "sampled": ShapleyRule("sampled", seed=7, most_orders=8),
}
GAMES = ("adequacy", "location", "flexibility")
RESPONSE_MINUTES = 20


RAMPS_W_PER_H = any_of(range(90_001))


def read_market(words: Words, methods):
    model, readings = examples.read_market(words)
    rule = BY_METHOD[words.one_of(methods)]
    if rule.method == "clusters":
        rule = replace(rule, rating_multiplier=words.count(1, 3))
    flexibility = Flexibility(
        words.of(RAMPS_W_PER_H, len(model.units)),
        RESPONSE_MINUTES,
        words.number(examples.SHARES_PPM),
    )
    pots = (Pot("flexibility", 200_000, "served"), Pot("location", 800_000, "served"))
    return replace(model, shapley=rule, flexibility=flexibility, pots=pots), readings


def markets(*methods: str):
    """A market that shares three games by one of the methods, and a day of it."""
    return examples_of(read_market, methods or METHODS, words=200)


def games_of(model, readings, interval: int) -> dict[str, Game]:
    """The games of one interval, on the network as rated."""
    supply_kw = readings.available_w[:, interval] // 1000
    demand_kw = node_demand_w(model, readings.demand_wh)[:, interval] // 1000
    flexibility = model.flexibility
    ramp_w = ramp_deliverable_w(
        readings.available_w[:, interval], flexibility.unit_ramp_w_per_h, RESPONSE_MINUTES
    )
    needed_kw = int(demand_kw.sum()) * flexibility.requirement_ppm // 1_000_000
    return {
        "adequacy": Game.adequacy(supply_kw, int(demand_kw.sum())),
        "location": Game(network_of(model.grid), model.unit_node, supply_kw, demand_kw),
        "flexibility": Game.flexibility(ramp_w // 1000, needed_kw),
    }


def shares_of(model, readings, interval: int):
    """What the methods answer for the games of an interval, one game at a time."""
    rule, games = model.shapley, games_of(model, readings, interval)
    if rule.method == "exact":
        return {name: exact(game) for name, game in games.items()}
    if rule.method == "sampled":
        seed = rule.interval_seed(readings.day, interval)
        return {name: sampled(game, seed, rule.most_orders) for name, game in games.items()}
    if rule.method == "levels":
        tree, network = tree_of_layers(model.grid), network_of(model.grid)
        return {
            name: levels(
                Game(
                    network, model.unit_node, game.available_kw, spread(game, len(model.grid.nodes))
                ),
                tree if name == "location" else without_limits(tree),
            )
            for name, game in games.items()
        }
    location = games["location"]
    near = neighbourhood(location.network, rule.trunk_nodes, rule.hop_limit)
    number = clusters_of(near, model.unit_node, location.available_kw)
    wider = network_of(model.grid, rule.rating_multiplier)
    games["location"] = replace(location, network=wider)
    return {name: clusters(game, number) for name, game in games.items()}


def spread(game: Game, nodes: int) -> np.ndarray:
    """Demand at the nodes of the grid; what has no place stands at the last."""
    if len(game.demand_kw) == nodes:
        return game.demand_kw
    return as_numbers([0] * (nodes - 1) + game.demand_kw.tolist())


@given(markets())
@settings(max_examples=tried(120))
def test_each_interval_is_shared_as_its_games_are(market):
    model, readings = market
    result = settle_day(model, readings)
    denominator = model.shapley.denominator(len(model.units))
    for interval in range(readings.demand_wh.shape[1]):
        for name, expected in shares_of(model, readings, interval).items():
            found = result.values(f"shapley_{name}")[:, interval].tolist()
            value = int(result.values(f"value_{name}_kw")[0, interval])
            assert value == expected.value_all_kw
            assert sum(found) == value * denominator
            for numerator, share in zip(found, expected.fractions_kw(), strict=True):
                error = abs(numerator - share * denominator)
                assert error == 0 if model.shapley.method == "exact" else error < 1
            if model.shapley.method == "sampled":
                errors = result.values(f"standard_error_{name}_w")[:, interval]
                assert tuple(errors.tolist()) == expected.standard_error_w


@given(markets())
def test_charges_are_payments_and_equalisation_by_every_method(market):
    model, readings = market
    result = settle_day(model, readings)
    charges, payments = (
        sum(table.values.sum(axis=0) for table in result.tables if table.measure.startswith(kind))
        for kind in ("charge.", "payment.")
    )
    assert np.array_equal(charges, payments + result.values("equalisation_micro")[0])
    assert all(table.values.dtype == np.int64 for table in result.tables)


@given(markets("levels", "clusters"))
def test_the_gap_is_what_the_game_is_worth_beyond_the_network(market):
    model, readings = market
    games = play_games(
        model, readings.day, readings.available_w, node_demand_w(model, readings.demand_wh)
    )
    for interval, served_kw in enumerate(games.served_kw.tolist()):
        location = games_of(model, readings, interval)["location"]
        everyone = range(location.unit_count)
        assert served_kw == location.value_kw(everyone)
        assert served_kw == reference.served_by_flow(
            model.grid, model.unit_node, location.available_kw, location.demand_kw, everyone
        )
    if games.gap_location_kw is None:
        assert model.shapley.method == "clusters" and model.shapley.rating_multiplier == 1
        assert np.array_equal(games.served_kw, games.value_kw["location"])
    else:
        assert (games.gap_location_kw >= 0).all()
        assert np.array_equal(games.served_kw + games.gap_location_kw, games.value_kw["location"])


@given(markets("clusters"))
def test_clusters_are_numbered_by_their_first_unit_and_share_by_supply(market):
    model, readings = market
    result = settle_day(model, readings)
    numbers = result.values("cluster_number")
    for interval in range(numbers.shape[1]):
        seen = list(dict.fromkeys(numbers[:, interval].tolist()))
        assert seen == list(range(len(seen)))
        supply_kw = readings.available_w[:, interval] // 1000
        shares = result.values("shapley_location")[:, interval]
        for number in seen:
            members = numbers[:, interval] == number
            whole, supply = int(shares[members].sum()), int(supply_kw[members].sum())
            for share, kw in zip(
                shares[members].tolist(), supply_kw[members].tolist(), strict=True
            ):
                assert abs(share * supply - whole * kw) <= supply * len(shares)


@given(markets("levels", "clusters", "sampled"))
def test_cuts_are_enumerated_by_the_exact_method_alone(market):
    model, readings = market
    settle_day(model, readings)
    assert "cuts" not in vars(model)
    by_cuts = replace(model, shapley=ShapleyRule())
    settle_day(by_cuts, readings)
    assert "cuts" in vars(by_cuts)


def test_a_day_has_the_tables_of_its_method():
    readings = examples.tiny_day(4)
    extra = {
        "exact": set(),
        "levels": {"gap_location_kw"},
        "clusters": {"cluster_number"},
        "sampled": {"standard_error_adequacy_w", "standard_error_location_w"},
    }
    by_method = {
        method: {
            table.measure
            for table in settle_day(replace(examples.tiny_market(), shapley=rule), readings).tables
        }
        for method, rule in BY_METHOD.items()
    }
    for method, measures in by_method.items():
        assert measures - by_method["exact"] == extra[method]
        assert by_method["exact"] <= measures


def test_timing_by_what_is_served_follows_the_network_as_rated():
    """8 kW are wanted; first a line of 4 brings them from afar, then a unit at home has them all.

    With the line counted three times both games are worth 8, but the network serves 4 and 8.
    """
    model = replace(
        examples.tiny_market(),
        shapley=ShapleyRule("clusters", (0,), hop_limit=0, rating_multiplier=3),
        pots=(Pot("location", 1_000_000, "served"),),
        unit_is_eligible=np.array([True, True, True]),
    )
    readings = replace(
        examples.tiny_day(2),
        available_w=as_numbers([[0, 8_000], [0, 0], [8_000, 0]]),
        demand_wh=as_numbers([[0, 0], [4_000, 4_000], [0, 0]]),
        generation_wh=as_numbers([[0, 0]] * 3),
    )
    result = settle_day(model, readings)
    assert result.values("value_location_kw").tolist() == [[8, 8]]
    assert result.values("gap_location_kw").tolist() == [[4, 0]]
    paid = result.values("payment.location_micro").sum(axis=0)
    assert abs(2 * paid[0] - paid[1]) <= 2


@given(st.lists(st.fractions(0, 50, max_denominator=997), min_size=1, max_size=8))
@example([Fraction(1, n) for n in (67, 99, 205, 232, 639, 677, 689, 989)])
def test_microwatts_sum_to_the_value_and_round_by_largest_remainder(quotas):
    rest = -sum(quotas, Fraction(0)) % 1
    shares = [*quotas, rest]
    value = int(sum(shares))
    common = lcm(*(share.denominator for share in shares))  # may be beyond int64
    numerators = [int(share * common) for share in shares]
    found = in_microwatts(value, numerators)
    assert sum(found) == value * MICROWATTS_PER_KW
    if value:
        assert found == reference.apportioned(value * MICROWATTS_PER_KW, numerators)


def test_the_worked_example_and_the_largest_value():
    assert in_microwatts(1, [1, 1, 1]) == [333_333_334, 333_333_333, 333_333_333]
    assert in_microwatts(0, [0, 0]) == [0, 0]
    assert in_microwatts((INT64_LIMIT - 1) // 10**9, [1]) == [9_223_372_036 * 10**9]
    with pytest.raises(OverflowError, match="shares in microwatts"):
        in_microwatts(9_223_372_037, [1])


def test_each_interval_of_each_day_draws_its_own_orders():
    rule = ShapleyRule("sampled", seed=7)
    assert rule.interval_seed(dt.date(2024, 1, 17), 35) == 7_20240117_0035
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 2), dt.date(2025, 1, 1)]
    seeds = {ShapleyRule("sampled", seed=seed) for seed in range(3)}
    drawn = {rule.interval_seed(day, t) for rule in seeds for day in days for t in (0, 1, 49)}
    assert len(drawn) == 27


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "guessed"}, "it is one of exact, levels"),
        ({"method": "clusters", "hop_limit": 2}, "need a trunk node"),
        ({"method": "clusters", "trunk_nodes": (0,), "hop_limit": -1}, "hop limit of 0 or more"),
        ({"rating_multiplier": 0}, "it is at least 1"),
        ({"method": "sampled", "seed": -1}, "sampling needs"),
        ({"method": "sampled", "most_orders": 3}, "sampling needs"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ShapleyRule(**arguments)


def test_a_trunk_node_that_the_grid_does_not_have_is_refused():
    with pytest.raises(ValueError, match="a trunk is at a node"):
        replace(examples.tiny_market(), shapley=ShapleyRule("clusters", (2,), 1))
