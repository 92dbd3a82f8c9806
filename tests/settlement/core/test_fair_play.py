"""One interval of Fair Play: essential first, nothing wasted, by weight inside a node."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.cuts import grid_cuts
from settlement.core.fair_play import Terms, fair_shares, fill_by_weight, weights_ppm
from settlement.core.lottery import draw_winners, lottery_seed, make_drawing
from tests.settlement.core import examples
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.draws import matrix
from tests.settlement.core.reference import as_numbers

PLACE = (bytes(range(32)), "2024-01-17 35")
TWO_NODES = grid_cuts(examples.tiny_market().grid)  # one line, 4 kW to the south, 2 kW back


def terms_of(places, indivisible=None, **changed) -> Terms:
    count = len(places)
    return Terms(
        **{
            "nodes": ("north", "south"),
            "node": as_numbers(places),
            "reliability_ppm": as_numbers([990_000] * count),
            "indivisible": np.array(indivisible or [False] * count),
            "least_fulfilment_ppm": 100_000,
            **changed,
        }
    )


@given(reference.requests())
def test_essential_demand_first_then_all_the_physics_allows(request):
    grid, terms, supply, desired, weights = request
    shares = fair_shares(grid_cuts(grid), terms, supply, desired, weights)
    essential, all_demand = (
        reference.at_nodes(terms, wanted) for wanted in (desired[0], desired.sum(axis=0))
    )
    served = shares.node_served_w.sum(axis=0)
    assert shares.node_served_w[0].sum() == reference.servable_by_flow(grid, supply, essential)
    assert served.sum() == reference.servable_by_flow(grid, supply, all_demand)
    assert served.sum() == reference.servable_by_flow(grid, supply, served)
    assert shares.maximum_w == served.sum()
    assert shares.unused_w == 0
    assert np.all((shares.entitlement_w >= 0) & (shares.entitlement_w <= desired))
    for rank in range(2):
        by_node = reference.at_nodes(terms, shares.entitlement_w[rank])
        assert np.array_equal(by_node, shares.node_served_w[rank])


@given(reference.requests())
def test_without_shortage_everyone_has_all_they_desire(request):
    grid, terms, _, desired, weights = request
    supply = reference.at_nodes(terms, desired.sum(axis=0))
    shares = fair_shares(grid_cuts(grid), terms, supply, desired, weights)
    assert np.array_equal(shares.entitlement_w, desired)
    assert shares.frozen == ((), ())


@given(reference.requests(), st.data())
def test_more_supply_never_serves_less(request, data):
    grid, terms, supply, desired, weights = request
    more = supply + data.draw(matrix(1, len(supply), range(9_002)))[0]
    before, after = (
        fair_shares(grid_cuts(grid), terms, watts, desired, weights) for watts in (supply, more)
    )
    assert after.maximum_w >= before.maximum_w
    assert after.entitlement_w[0].sum() >= before.entitlement_w[0].sum()


desires = st.lists(
    st.tuples(st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 10**11)), st.integers(1, 9)),
    min_size=1,
    max_size=7,
)


@given(desires, st.integers(0, 10**6))
def test_pouring_is_as_the_reference(wants, part_ppm):
    desired, weights = [want for want, _ in wants], [weight for _, weight in wants]
    amount = sum(desired) * part_ppm // 10**6
    shares = fill_by_weight(amount, desired, weights)
    assert sum(shares) == amount
    for share, wanted, exact in zip(
        shares, desired, reference.fill_by_weight(amount, desired, weights), strict=True
    ):
        assert 0 <= share <= wanted
        assert abs(share - exact) < 1


@given(desires, st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_points_in_another_order_share_alike(wants, part_ppm, random):
    order = list(range(len(wants)))
    random.shuffle(order)
    amount = sum(want for want, _ in wants) * part_ppm // 10**6
    here = fill_by_weight(amount, *zip(*wants, strict=True))
    there = fill_by_weight(amount, *zip(*(wants[index] for index in order), strict=True))
    assert all(abs(here[index] - share) <= 1 for index, share in zip(order, there, strict=True))


@given(desires, st.integers(0, 10**6), st.integers(2, 50))
def test_a_heavier_equal_never_gets_less(wants, part_ppm, more):
    (desired, weight), *others = wants
    wants = [(desired, weight), *others, (desired, weight * more)]
    amount = sum(want for want, _ in wants) * part_ppm // 10**6
    shares = fill_by_weight(amount, *zip(*wants, strict=True))
    assert shares[-1] >= shares[0]


def test_the_examples_of_the_docstrings():
    assert fill_by_weight(90, [40, 60, 60], [3, 1, 1]) == [40, 25, 25]
    assert fill_by_weight(100, [60, 60, 60], [1, 1, 1]) == [34, 33, 33]
    assert fill_by_weight(3, [4, 2], [1, 2]) == [2, 1]  # 1.5 each: the odd one to the lowest index
    assert fill_by_weight(0, [0, 0], [1, 1]) == [0, 0]
    assert fill_by_weight(0, [], []) == []
    terms = terms_of([0])
    assert weights_ppm(terms, as_numbers([40]), as_numbers([30])) == [1_320_000]


def test_weights_from_history():
    terms = terms_of([0] * 7, reliability_ppm=as_numbers([990_000] * 5 + [1, 0]))
    desired = as_numbers([20, 20, 20, 0, 20, 20, 20])
    delivered = as_numbers([20, 10, 0, 0, 30, 40, 20])
    # In full, half, nothing (the least fulfilment), nothing desired, more than desired, rounded up.
    assert weights_ppm(terms, desired, delivered).tolist() == [
        990_000,
        1_980_000,
        9_900_000,
        990_000,
        660_000,
        1,
        1,
    ]
    no_history = weights_ppm(terms, desired * 0, delivered * 0)
    assert no_history.tolist() == [990_000] * 5 + [1, 1]


@given(st.lists(st.tuples(st.integers(0, 10**17), st.integers(0, 10**17)), min_size=1, max_size=5))
def test_weights_are_exact_for_a_country_over_years(history):
    terms = terms_of([0] * len(history))
    desired, delivered = (as_numbers(column) for column in zip(*history, strict=True))
    expected = [
        max(1, 990_000 * 10**6 // max(done * 10**6 // wanted if wanted else 10**6, 100_000))
        for wanted, done in history
    ]
    assert weights_ppm(terms, desired, delivered).tolist() == expected


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 10_000))
def test_a_worse_history_gets_at_least_the_share_of_an_equal(worse, better, supply):
    worse, better = sorted((worse, better))
    terms = terms_of([0, 0])
    weights = weights_ppm(terms, as_numbers([100, 100]), as_numbers([better, worse]))
    desired = as_numbers([[0, 0], [7_001, 7_001]])
    shares = fair_shares(TWO_NODES, terms, as_numbers([supply, 0]), desired, weights)
    first, second = shares.entitlement_w[1].tolist()
    # Equal weights tie, and the odd watt goes to the first.
    assert second >= first or (weights[0] == weights[1] and first - second == 1)


def test_ratios_inside_a_node_follow_weights():
    terms = terms_of([0, 0, 1])
    shares = fair_shares(
        TWO_NODES,
        terms,
        as_numbers([3_000, 0]),
        as_numbers([[0, 0, 0], [4_000, 2_000, 0]]),
        as_numbers([1_000_000, 2_000_000, 1]),
    )
    # Level x 1 x 4,000 + level x 2 x 2,000 = 3,000.
    assert shares.entitlement_w[1].tolist() == [1_500, 1_500, 0]


@given(reference.requests(whole=True))
def test_whole_requests_are_met_whole_or_not_at_all(request):
    grid, terms, supply, desired, weights = request
    shares = fair_shares(grid_cuts(grid), terms, supply, desired, weights, PLACE)
    again = fair_shares(grid_cuts(grid), terms, supply, desired, weights, PLACE)
    assert np.array_equal(shares.entitlement_w, again.entitlement_w)
    whole = shares.entitlement_w[:, terms.indivisible]
    assert np.all((whole == 0) | (whole == desired[:, terms.indivisible]))
    assert np.all((shares.entitlement_w >= 0) & (shares.entitlement_w <= desired))
    served = reference.at_nodes(terms, shares.entitlement_w.sum(axis=0))
    assert reference.servable_by_flow(grid, supply, served) == served.sum()
    all_demand = reference.at_nodes(terms, desired.sum(axis=0))
    assert shares.maximum_w == reference.servable_by_flow(grid, supply, all_demand)
    assert shares.unused_w == shares.maximum_w - served.sum() >= 0


def test_a_lottery_leaves_what_no_whole_request_can_use_to_those_that_take_any():
    terms = terms_of([0, 0, 0], [True, True, False])
    shares = fair_shares(
        TWO_NODES,
        terms,
        as_numbers([10_000, 0]),
        as_numbers([[0, 0, 0], [6_000, 6_000, 6_000]]),
        as_numbers([1, 1, 1]),
        PLACE,
    )
    # Entitled to 3,334 + 3,333 together, one of the two is met, and 667 W go to the third.
    (winner,) = draw_winners(
        6_667,
        [6_000, 6_000],
        [1, 1],
        make_drawing(lottery_seed(PLACE[0], "2024-01-17 35 north flexible")),
    )
    expected = [0, 0, 4_000]
    expected[winner] = 6_000
    assert shares.entitlement_w[1].tolist() == expected
    assert shares.unused_w == 0


def test_what_whole_requests_leave_of_the_essential_serves_the_flexible_elsewhere():
    # 5 kW at north; two essential requests of 4 kW there, one flexible of 2 kW at south.
    terms = terms_of([0, 0, 1], [True, True, False])
    desired = as_numbers([[4_000, 4_000, 0], [0, 0, 2_000]])
    weights = as_numbers([1, 1, 1])
    shares = fair_shares(TWO_NODES, terms, as_numbers([5_000, 0]), desired, weights, PLACE)
    assert sorted(shares.entitlement_w[0].tolist()) == [0, 0, 4_000]
    assert shares.entitlement_w[1].tolist() == [0, 0, 1_000]
    assert (shares.maximum_w, shares.unused_w) == (5_000, 0)
    desired[1] = 0
    shares = fair_shares(TWO_NODES, terms, as_numbers([5_000, 0]), desired, weights, PLACE)
    assert (shares.maximum_w, shares.unused_w) == (5_000, 1_000)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"node": as_numbers([0, 2])}, ValueError, "does not have"),
        ({"node": as_numbers([-1, 0])}, ValueError, "does not have"),
        ({"reliability_ppm": as_numbers([-1, 1])}, ValueError, "0 to 1000000"),
        ({"reliability_ppm": as_numbers([1, 1_000_001])}, ValueError, "0 to 1000000"),
        ({"reliability_ppm": np.array([0.5, 1])}, TypeError, "integers needed"),
        ({"least_fulfilment_ppm": 0}, ValueError, "1 to 1000000"),
        ({"indivisible": np.array([True])}, ValueError, "shape"),
    ],
)
def test_terms_are_checked(changed, error, message):
    with pytest.raises(error, match=message):
        terms_of([0, 1], **changed)


def test_requests_are_checked():
    terms, weights = terms_of([0, 1], [True, False]), as_numbers([1, 1])
    supply, desired = as_numbers([1, 1]), as_numbers([[1, 1], [1, 1]])
    for changed, error in (
        ((terms, -supply, desired, weights, PLACE), ValueError),
        ((terms, supply, -desired, weights, PLACE), ValueError),
        ((terms, supply, desired, weights), ValueError),
        ((terms, supply[:1], desired, weights, PLACE), ValueError),
        ((terms, supply, desired[:, :1], weights, PLACE), ValueError),
        ((terms, supply, desired * 2**61, weights, PLACE), OverflowError),
    ):
        with pytest.raises(error):
            fair_shares(TWO_NODES, *changed)


def test_equal_desires_with_equal_weights_have_equal_ratios():
    shares = fill_by_weight(1_000, [700, 1_400, 2_100], [5, 5, 5])
    assert all(
        abs(Fraction(share, want) - Fraction(1_000, 4_200)) < Fraction(1, want)
        for share, want in zip(shares, [700, 1_400, 2_100], strict=True)
    )
