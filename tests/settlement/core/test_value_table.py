from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.cuts import subset_sums
from settlement.core.shapley import denominator
from settlement.core.value_table import shapley_of_table
from tests.settlement.core import reference
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers


def read_table(words: Words, values: np.ndarray, least: int, most: int) -> np.ndarray:
    return np.append(0, words.of(values, 2 ** words.count(least, most) - 1))


def tables(size: int = 1000, players: int | None = None):
    """What each coalition of one to six players is worth."""
    values = any_of(range(-size, size + 1))
    return examples_of(read_table, values, players or 1, players or 6, words=65)


def by_textbook(values: np.ndarray) -> list[Fraction]:
    players = len(values).bit_length() - 1
    return reference.shapley(
        players, lambda members: int(values[sum(1 << player for player in members)])
    )


@given(st.one_of(tables(), tables(2**62)))
def test_any_game_is_as_the_reference(values):
    players = len(values).bit_length() - 1
    found = [Fraction(numerator, denominator(players)) for numerator in shapley_of_table(values)]
    assert found == by_textbook(values)


@given(tables(2**61, players=4), tables(2**61, players=4))
def test_games_add(left, other):
    both = zip(shapley_of_table(left), shapley_of_table(other), strict=True)
    assert shapley_of_table(left + other) == [left + right for left, right in both]


@given(tables(), st.randoms(use_true_random=False))
def test_numbering_players_otherwise_changes_nothing(values, random):
    players = len(values).bit_length() - 1
    order = list(range(players))
    random.shuffle(order)
    renumbered = values[subset_sums(as_numbers([1 << player for player in order]))]
    expected = shapley_of_table(values)
    assert shapley_of_table(renumbered) == [expected[player] for player in order]


def test_a_player_who_adds_nothing_gets_nothing_and_those_alike_get_alike():
    """A glove game of two left gloves and one right, with a player who has none."""
    left, right = subset_sums(as_numbers([1, 1, 0, 0])), subset_sums(as_numbers([0, 0, 1, 0]))
    assert shapley_of_table(np.minimum(left, right)) == [2, 2, 8, 0]


class Gloves:
    """Four left gloves and four right ones, as the other package asks for a game."""

    def value(self, is_member) -> float:
        return min(is_member[:4].sum(), is_member[4:].sum())


def test_a_glove_game_is_as_another_package_has_it():
    other = pytest.importorskip("shapley_numba.shapley")
    left = np.repeat([1, 0], 4)
    found = shapley_of_table(np.minimum(subset_sums(left), subset_sums(1 - left)))
    # Compiling the other package's sum over 256 coalitions takes ten times the sum.
    expected = other.shapley(Gloves(), 8, use_numba=False)
    assert [numerator / denominator(8) for numerator in found] == pytest.approx(list(expected))


@pytest.mark.parametrize(
    ("values", "message"), [([0], "a table has"), ([0, 1, 2], "a table has"), ([1, 2], "no one")]
)
def test_what_is_not_a_game_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        shapley_of_table(as_numbers(values))
