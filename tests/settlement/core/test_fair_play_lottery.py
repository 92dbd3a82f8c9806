"""The lottery: anyone can draw it again, and every ticket has the same chance."""

import hashlib
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.lottery import draw_winners, lottery_seed, make_drawing

DIGEST = hashlib.sha256(b"the inputs of a run").digest()


def test_the_numbers_are_those_of_a_standard_library():
    seed = hashlib.sha256(
        b"tallystick lottery 1\n" + DIGEST + b"2024-01-17 35 N0 flexible"
    ).digest()
    assert lottery_seed(DIGEST, "2024-01-17 35 N0 flexible") == seed
    draw = make_drawing(seed)
    for number in range(5):
        block = hashlib.sha256(seed + number.to_bytes(8, "big")).hexdigest()
        assert draw(1_000_003) == int(block, 16) % 1_000_003


def test_known_draws():
    draw = make_drawing(lottery_seed(bytes(32), "here"))
    assert [draw(100) for _ in range(8)] == [24, 16, 94, 78, 87, 65, 56, 78]


def test_a_number_that_would_favour_a_ticket_is_passed_over():
    seed, tickets = bytes(32), 2**256 // 3 + 1  # two whole rounds: a third of numbers is left over
    numbers = [
        int.from_bytes(hashlib.sha256(seed + i.to_bytes(8, "big")).digest(), "big")
        for i in range(60)
    ]
    kept = [number % tickets for number in numbers if number < 2 * tickets]
    assert 20 < len(kept) < 60
    draw = make_drawing(seed)
    assert [draw(tickets) for _ in kept] == kept


def test_the_example_of_the_docstring():
    tickets_drawn = iter([2, 0])
    assert draw_winners(10, [7, 4, 6], [1, 2, 3], lambda _: next(tickets_drawn)) == [1, 2]


@given(
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)), max_size=8),
    st.binary(min_size=32, max_size=32),
)
def test_whole_requests_fit_and_none_that_waits_would_still_fit(amount, requests, seed):
    sizes, tickets = [size for size, _ in requests], [count for _, count in requests]
    met = draw_winners(amount, sizes, tickets, make_drawing(seed))
    assert met == draw_winners(amount, sizes, tickets, make_drawing(seed))
    assert len(set(met)) == len(met)
    left = amount - sum(sizes[index] for index in met)
    assert left >= 0
    assert all(index in met or not 0 < size <= left for index, size in enumerate(sizes))


def chances(amount, sizes, tickets) -> dict[tuple[int, ...], Fraction]:
    """Probability of each set of winners, by drawing every ticket there is."""
    found: Counter[tuple[int, ...]] = Counter()

    def explore(path: list[int], chance: Fraction) -> None:
        asked = 0
        replay = iter(path)

        def draw(count: int) -> int:
            nonlocal asked
            asked = count
            return next(replay)

        try:
            found[tuple(sorted(draw_winners(amount, sizes, tickets, draw)))] += chance
        except StopIteration:
            for ticket in range(asked):
                explore([*path, ticket], chance / asked)

    explore([], Fraction(1))
    return found


def test_the_chance_of_a_win_follows_tickets_exactly():
    # Room for one of three: the chance is the share of tickets.
    assert chances(5, [5, 5, 5], [1, 2, 3]) == {
        (0,): Fraction(1, 6),
        (1,): Fraction(2, 6),
        (2,): Fraction(3, 6),
    }
    # Room for two of three alike: each pair is equally likely.
    assert set(chances(10, [5, 5, 5], [2, 2, 2]).values()) == {Fraction(1, 3)}


@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 6), min_size=2, max_size=4),
    st.lists(st.integers(1, 3), min_size=4, max_size=4),
)
def test_of_two_alike_the_one_with_more_tickets_has_no_less_a_chance(amount, sizes, tickets):
    sizes[1] = sizes[0]
    found = chances(amount, sizes, tickets)
    assert sum(found.values()) == 1
    first, second = (
        sum(chance for met, chance in found.items() if index in met) for index in (0, 1)
    )
    assert (first >= second) == (tickets[0] >= tickets[1]) or first == second


def test_many_seeds_draw_as_often_as_the_chances_say():
    sizes, tickets, count = [4, 3, 3, 2], [3, 1, 2, 2], 4_000
    seen = Counter(
        tuple(
            sorted(draw_winners(6, sizes, tickets, make_drawing(lottery_seed(DIGEST, str(number)))))
        )
        for number in range(count)
    )
    expected = chances(6, sizes, tickets)
    assert set(seen) <= set(expected)
    chi_square = sum(
        (seen[met] - chance * count) ** 2 / (chance * count) for met, chance in expected.items()
    )
    # 99.9 % of fair lotteries stay below this for up to 5 degrees of freedom.
    assert len(expected) <= 6
    assert chi_square < 20


def test_refusals():
    for seed in (b"", bytes(31), bytes(33)):
        with pytest.raises(ValueError, match="32 are needed"):
            make_drawing(seed)
        with pytest.raises(ValueError, match="32 are needed"):
            lottery_seed(seed, "here")
