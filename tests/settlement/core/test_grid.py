import numpy as np
import pytest

from settlement.core.arrays import integers
from settlement.core.cuts import grid_cuts
from settlement.core.grid import Grid, Layer
from tests.settlement.core.examples import layered
from tests.settlement.core.reference import as_numbers


def grid(**changes):
    parts = {
        "nodes": ("A", "B", "C"),
        "line_from": as_numbers([0, 1]),
        "line_to": as_numbers([1, 2]),
        "rating_w": as_numbers([5_000, 7_000]),
        "reverse_rating_w": as_numbers([3_000, 0]),
        "layers": layered(3, [0, 0, 1]),
    }
    return Grid(**{**parts, **changes})


def test_a_boundary_counts_what_flows_in():
    made = grid()
    zones, nodes = made.layers[1], made.layers[2]
    assert made.boundary_w(made.layers[0]).tolist() == [0]
    assert made.boundary_w(zones).tolist() == [0, 7_000]
    assert made.boundary_w(nodes).tolist() == [3_000, 5_000, 7_000]


def test_a_cut_counts_what_flows_out_of_the_supply_side():
    assert grid_cuts(grid()).boundary_kw.tolist() == [0, 5, 3 + 7, 7, 0, 5, 3, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"line_to": as_numbers([1, 3])}, "ends at a node"),
        ({"line_from": as_numbers([-1, 1])}, "ends at a node"),
        ({"rating_w": as_numbers([-1, 1])}, "negative rating"),
        ({"rating_w": as_numbers([1])}, "shape"),
        ({"layers": layered(2, [0, 0])}, "does not place every node"),
        ({"layers": layered(3, [0, 0, 1])[::-1]}, "spans two holons"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        grid(**changes)


@pytest.mark.parametrize("node_holon", [[0, 0, 0], [0, 1, 2], [0, -1, 1]])
def test_a_layer_needs_every_holon_and_every_node(node_holon):
    with pytest.raises(ValueError, match="each holon needs a node"):
        Layer("zone", ("north", "south"), as_numbers(node_holon))


def test_too_many_nodes_to_enumerate_are_refused():
    many = Grid(tuple(map(str, range(21))), *(as_numbers([]) for _ in range(4)), ())
    with pytest.raises(ValueError, match="21 nodes"):
        grid_cuts(many)


@pytest.mark.parametrize("values", [[1.0], [True], ["1"]])
def test_only_integers_enter(values):
    with pytest.raises(TypeError, match="integers needed"):
        integers(values, (1,), "energy_wh")


def test_arrays_are_copied_in():
    given = np.array([1, 2], dtype=np.int32)
    taken = integers(given, (2,), "energy_wh")
    given[0] = 9
    assert taken.tolist() == [1, 2]
    assert taken.dtype == np.int64
