"""What lines can bring into a holon: two algorithms, another package, and the boundary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.deliverability import imports_by_cuts_w, imports_by_flow_w, imports_w
from settlement.core.grid import Grid
from tests.settlement.core import examples, reference
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.reference import as_numbers

INTERVALS = 2
POWER = any_of((0, 0, 0, 5_000, 10_000), range(30_001), (9 * 10**11,))


def read_case(words: Words):
    grid = examples.read_grid(words, most_nodes=6)
    return grid, *(words.of(POWER, len(grid.nodes), INTERVALS) for _ in range(2))


def cases():
    return examples_of(read_case, words=70)


@given(cases())
def test_imports_are_the_difference_of_two_maximum_flows_by_cuts_and_by_paths(case):
    grid, available, demand = case
    for number, layer in enumerate(grid.layers):
        found = imports_w(grid, layer, available, demand, "max-flow")
        assert np.array_equal(found, imports_by_cuts_w(grid, layer, available, demand))
        assert np.array_equal(found, imports_by_flow_w(grid, layer, available, demand))
        for place in np.ndindex(found.shape):
            holon, interval = place
            assert found[place] == reference.imports_by_flow_w(
                grid, number, holon, available, demand, interval
            )


@given(cases())
def test_imports_by_flow_are_within_boundary_and_what_demand_outside_leaves(case):
    grid, available, demand = case
    for layer in grid.layers:
        by_flow = imports_w(grid, layer, available, demand, "max-flow")
        by_boundary = imports_w(grid, layer, available, demand)
        assert np.all(by_flow >= 0)
        assert np.all(by_flow <= grid.boundary_w(layer)[:, np.newaxis])
        for holon, interval in np.ndindex(by_flow.shape):
            outside = layer.node_holon != holon
            supply, wanted = (int(w[outside, interval].sum()) for w in (available, demand))
            served = reference.maximum_flow_w(
                grid, (available[:, interval] * outside).tolist(),
                (demand[:, interval] * outside).tolist(),
            )  # fmt: skip
            assert by_flow[holon, interval] <= supply - served
            if served == wanted:
                assert by_flow[holon, interval] <= by_boundary[holon, interval]


@given(cases())
def test_where_each_node_joins_the_holon_by_a_line_of_its_own_the_measures_agree(case):
    """Without demand outside, and with lines that carry each node's supply."""
    _, available, _ = case
    nodes = len(available)
    ends = np.arange(1, nodes)
    rating = available[1:, 0]
    grid = Grid(
        tuple(f"N{n}" for n in range(nodes)),
        ends, np.zeros_like(ends), rating, np.zeros_like(rating),
        examples.layered(nodes, [0] * nodes),
    )  # fmt: skip
    nothing = np.zeros_like(available)
    node = grid.layers[-1]
    by_flow = imports_w(grid, node, available[:, :1], nothing[:, :1], "max-flow")
    assert by_flow[0] == imports_w(grid, node, available[:, :1], nothing[:, :1])[0]


def three(ratings_w: list[int]) -> Grid:
    """A to B, A to C, and B to C, each one way."""
    return Grid(
        ("A", "B", "C"),
        as_numbers([0, 0, 1]),
        as_numbers([1, 2, 2]),
        as_numbers(ratings_w),
        as_numbers([0, 0, 0]),
        examples.layered(3, [0, 0, 1]),
    )


@pytest.mark.parametrize(
    ("ratings", "demand", "boundary", "flow"),
    [
        ([3, 5, 0], [0, 9, 0], 1, 5),  # B's demand is cut off, so more than the surplus is free
        ([9, 5, 0], [0, 9, 0], 1, 1),  # all demand outside is served first
        ([3, 5, 9], [0, 0, 0], 10, 8),  # the boundary is 14, but only 8 reaches it, 3 through B
        ([9, 0, 9], [0, 9, 0], 1, 0),  # one is left, and the line that it needs is full
    ],
)
def test_worked_examples(ratings, demand, boundary, flow):
    grid, supply = three(ratings), as_numbers([[10], [0], [0]])
    node, wanted = grid.layers[2], as_numbers(demand)[:, np.newaxis]
    assert imports_w(grid, node, supply, wanted)[2].tolist() == [boundary]
    assert imports_w(grid, node, supply, wanted, "max-flow")[2].tolist() == [flow]


def test_flow_to_demand_outside_passes_through_the_holon_by_its_own_lines():
    """A row A-B-C, supply at A: of the 7 W that reach B, C's 1 W outside B is served first."""
    grid = Grid(
        ("A", "B", "C"),
        as_numbers([0, 1]), as_numbers([1, 2]), as_numbers([7, 7]), as_numbers([7, 7]),
        examples.layered(3, [0, 1, 0]),
    )  # fmt: skip
    supply, wanted = as_numbers([[20], [0], [0]]), as_numbers([[0], [2], [1]])
    _, zone, node = grid.layers
    assert imports_w(grid, node, supply, wanted, "max-flow").T.tolist() == [[0, 6, 5]]
    assert imports_w(grid, zone, supply, wanted, "max-flow").T.tolist() == [[0, 6]]


def test_a_higher_rating_can_lower_imports_by_flow_and_never_those_by_boundary():
    supply, wanted = as_numbers([[5], [0], [0]]), as_numbers([[0], [5], [0]])
    flows = [
        int(
            imports_w(three([ab, 5, 0]), three([0] * 3).layers[2], supply, wanted, "max-flow")[2, 0]
        )
        for ab in (0, 2, 5)
    ]
    assert flows == [5, 3, 0]


@given(cases(), st.data())
def test_a_higher_rating_lowers_no_import_by_boundary(case, data):
    grid, available, demand = case
    if len(grid.line_from):
        line = data.draw(st.integers(0, len(grid.line_from) - 1))
        rating = grid.rating_w.copy()
        rating[line] += 4_000
        higher = Grid(
            grid.nodes, grid.line_from, grid.line_to, rating, grid.reverse_rating_w, grid.layers
        )
        for layer in grid.layers:
            before, after = (imports_w(g, layer, available, demand) for g in (grid, higher))
            assert np.all(after >= before)


def test_what_may_pass_int64_is_refused():
    grid = three([2**62, 1, 1])
    none = np.zeros((3, 1), dtype=np.int64)
    with pytest.raises(OverflowError, match="maximum flow"):
        imports_w(grid, grid.layers[2], none, none, "max-flow")
    with pytest.raises(OverflowError, match="maximum flow"):
        imports_w(three([1, 1, 1]), grid.layers[2], none + 2**62, none, "max-flow")


def test_a_grid_of_many_nodes_takes_the_way_of_flow():
    """Sixteen nodes on a ring: too many for cuts by default, and the same by cuts."""
    nodes = 16
    node = np.arange(nodes)
    random = np.random.default_rng(7)
    grid = Grid(
        tuple(f"N{n:02}" for n in node),
        node, (node + 1) % nodes, random.integers(0, 9, nodes), random.integers(0, 9, nodes),
        examples.layered(nodes, (node // 4).tolist()),
    )  # fmt: skip
    available, demand = random.integers(0, 12, (2, nodes, 1))
    for layer in grid.layers[:2]:
        assert np.array_equal(
            imports_w(grid, layer, available, demand, "max-flow"),
            imports_by_cuts_w(grid, layer, available, demand),
        )
