import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.core.games import Game
from settlement.core.methods import exact
from settlement.core.network import network_of
from settlement.core.sampled import sampled
from tests.examples import tried
from tests.settlement.core import examples
from tests.settlement.core.draws import Words, examples_of
from tests.settlement.core.reference import as_numbers


def read_game(words: Words, most_units: int) -> Game:
    grid, unit_node, available, demand = examples.read_game(words, most_units, intervals=1)
    return Game(network_of(grid), unit_node, available[:, 0], demand[:, 0])


def sampled_games(most_units: int = 8):
    return examples_of(read_game, most_units, words=80)


def by_all_draws(game: Game, seed: int, orders: int) -> list[int]:
    """What each unit adds in the same orders, each coalition valued from nothing."""
    draws = np.random.PCG64(seed).random_raw(orders // 2 * game.unit_count).tolist()
    totals = [0] * game.unit_count
    for pair in range(orders // 2):
        order: list[int] = []
        for unit in range(game.unit_count):
            order.append(unit)
            place = draws[pair * game.unit_count + unit] % (unit + 1)
            order[unit], order[place] = order[place], order[unit]
        for way in (order, order[::-1]):
            for number, unit in enumerate(way):
                totals[unit] += game.value_kw(way[: number + 1]) - game.value_kw(way[:number])
    return totals


@given(sampled_games(), st.integers(0, 2**64 - 1))
@settings(max_examples=tried(40))
def test_each_order_adds_what_its_coalitions_are_worth(game, seed):
    found = sampled(game, seed, most_orders=20)
    assert found.denominator == 20
    assert list(found.numerators) == by_all_draws(game, seed, 20)
    assert found == sampled(game, seed, most_orders=20)


@given(sampled_games(), st.integers(0, 1000))
def test_efficiency_bounds_and_a_unit_without_supply(game, seed):
    found = sampled(game, seed, most_orders=8)
    assert sum(found.numerators) == found.value_all_kw * found.denominator
    for numerator, kw in zip(found.numerators, game.available_kw.tolist(), strict=True):
        assert 0 <= numerator <= kw * found.denominator


@given(sampled_games(), st.integers(0, 1000), st.data())
def test_in_the_same_orders_more_supply_never_earns_less(game, seed, data):
    unit = data.draw(st.integers(0, game.unit_count - 1))
    more = game.available_kw.copy()
    more[unit] += data.draw(st.integers(1, 20))
    after = sampled(Game(game.network, game.unit_node, more, game.demand_kw), seed, 16)
    assert after.numerators[unit] >= sampled(game, seed, 16).numerators[unit]


@given(sampled_games(most_units=5))
@settings(max_examples=tried(30))
def test_the_exact_value_is_within_a_few_standard_errors(game):
    found = sampled(game, seed=7, most_orders=2000)
    pairs = zip(found.fractions_kw(), exact(game).fractions_kw(), strict=True)
    for (estimate, value), error_w in zip(pairs, found.standard_error_w, strict=True):
        assert abs(estimate - value) * 1000 <= 6 * error_w


def test_the_standard_error_is_that_of_the_means_of_pairs():
    """Two units of 6 kW for 10: a pair of orders gives each 6 + 4, so there is no error."""
    found = sampled(Game.adequacy(as_numbers([6, 6]), 10), seed=3, most_orders=4)
    assert (found.numerators, found.standard_error_w) == ((20, 20), (0, 0))
    # Three units of 6 for 10: in a pair the middle one adds 4 + 4, the others 6 + 0.
    game = Game.adequacy(as_numbers([6, 6, 6]), 10)
    found = sampled(game, seed=3, most_orders=2000)
    for numerator, error_w in zip(found.numerators, found.standard_error_w, strict=True):
        middles = (numerator - 6 * 1000) // 2
        mean = (4 * middles + 3 * (1000 - middles)) / 1000
        spread = middles * (4 - mean) ** 2 + (1000 - middles) * (3 - mean) ** 2
        assert error_w == np.ceil(1000 * (spread / 999 / 1000) ** 0.5)


def test_sampling_stops_at_the_target_and_otherwise_at_the_limit():
    game = Game.adequacy(as_numbers([60, 70, 80, 90, 100]), 150)
    stopped = sampled(game, seed=1, most_orders=100_000, target_error_w=500)
    assert stopped.reached_target
    assert max(stopped.standard_error_w) <= 500
    assert stopped.denominator < 100_000
    assert stopped.denominator % 64 == 0
    limited = sampled(game, seed=1, most_orders=101, target_error_w=1)
    assert (limited.denominator, limited.reached_target) == (100, False)
    assert limited.numerators != sampled(game, seed=2, most_orders=101).numerators


@pytest.mark.parametrize(
    ("units", "arguments"), [(0, (1, 10)), (1, (-1, 10)), (1, (1, 3)), (1, (1, 10, -1))]
)
def test_sampling_that_makes_no_sense_is_refused(units, arguments):
    game = Game.adequacy(as_numbers([1] * units), 1)
    with pytest.raises(ValueError, match="sampling needs"):
        sampled(game, *arguments)
