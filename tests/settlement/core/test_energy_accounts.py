"""Energy accounts of areas against a slow reference in fractions, over a graph of nodes."""

import datetime as dt
from fractions import Fraction
from math import floor

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.energy_accounts import (
    DEMAND,
    GENERATION,
    IMBALANCE,
    LOSSES,
    MEASURES,
    EnergyAreas,
    energy_of_areas,
)
from settlement.core.periods import interval_count

NODES, UNITS, POINTS = 5, 4, 6
LARGE = 10**12


@st.composite
def days(draw):
    """Return areas, places and meters of a day of a few intervals, storage and export included."""
    area_count = draw(st.integers(1, 4))
    intervals = draw(st.sampled_from([1, 2, 7, 46, 50]))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    scale = int(random.choice([3, 20_000, 10**9, LARGE]))
    areas = EnergyAreas(
        tuple(f"zone/{number}" for number in range(area_count)),
        random.integers(0, area_count, NODES),
        random.choice([0, 1, 30, 20_000, 999_999, 1_000_000], area_count),
        random.integers(0, 2, area_count).astype(bool),
    )
    return (
        areas,
        random.integers(0, NODES, UNITS),
        random.integers(0, NODES, POINTS),
        random.integers(-scale // 4, scale, (UNITS, intervals)),
        random.integers(-scale // 4, scale, (POINTS, intervals)),
    )


def reference(areas, unit_node, point_node, generation_wh, demand_wh):
    """Walk a graph from each area to its meters, and add fractions one interval at a time."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(("area", area) for area in range(len(areas.names)))
    graph.add_edges_from((("area", int(a)), ("node", n)) for n, a in enumerate(areas.node_area))
    graph.add_edges_from((("node", int(n)), ("unit", u)) for u, n in enumerate(unit_node))
    graph.add_edges_from((("node", int(n)), ("point", p)) for p, n in enumerate(point_node))
    found = {measure: [] for measure in MEASURES}
    for area in range(len(areas.names)):
        meters = networkx.descendants(graph, ("area", area))
        lost, stated = Fraction(0), 0
        rows = {measure: [] for measure in MEASURES}
        for interval in range(demand_wh.shape[1]):
            made = sum(int(generation_wh[u, interval]) for kind, u in meters if kind == "unit")
            used = sum(int(demand_wh[p, interval]) for kind, p in meters if kind == "point")
            base = made if areas.of_generation[area] else used
            lost += Fraction(max(base, 0) * int(areas.loss_ppm[area]), 1_000_000)
            step = floor(lost) - stated
            stated += step
            values = (made, used, step, made - used - step)
            for measure, value in zip(MEASURES, values, strict=True):
                rows[measure].append(value)
        for measure in MEASURES:
            found[measure].append(rows[measure])
    return found


@given(days())
def test_every_area_and_interval_is_as_the_reference_says(day):
    found = energy_of_areas(*day)
    expected = reference(*day)
    assert {measure: values.tolist() for measure, values in found.items()} == expected


@given(days())
def test_energy_is_used_lost_or_imbalance_in_each_area_and_in_the_market(day):
    areas, _, _, generation_wh, demand_wh = day
    found = energy_of_areas(*day)
    assert (found[GENERATION] == found[DEMAND] + found[LOSSES] + found[IMBALANCE]).all()
    assert (found[GENERATION].sum(axis=0) == generation_wh.sum(axis=0)).all()
    assert (found[DEMAND].sum(axis=0) == demand_wh.sum(axis=0)).all()
    assert (found[LOSSES] >= 0).all()
    base = np.where(areas.of_generation[:, np.newaxis], found[GENERATION], found[DEMAND]).clip(0)
    for row, ppm, lost in zip(base.tolist(), areas.loss_ppm.tolist(), found[LOSSES], strict=True):
        exact = Fraction(sum(row) * ppm, 1_000_000)
        assert 0 <= exact - int(lost.sum()) < 1


def small(loss_ppm=20_000, of_generation=False):
    return EnergyAreas(
        ("zone/a", "zone/empty"),
        np.array([0]),
        np.array([loss_ppm, 5]),
        np.array([of_generation, 0]),
    )


def play(areas, generation_wh, demand_wh):
    node = np.array([0])
    return energy_of_areas(areas, node, node, np.array([generation_wh]), np.array([demand_wh]))


def test_an_area_without_meters_has_nothing():
    found = play(small(), [900, 100], [500, 500])
    assert all(values[1].tolist() == [0, 0] for values in found.values())
    assert found[LOSSES][0].tolist() == [10, 10]


def test_storage_that_takes_in_and_supply_points_that_feed_in_lose_nothing():
    assert play(small(), [0, 0], [-500, 500])[LOSSES][0].tolist() == [0, 10]
    assert play(small(of_generation=True), [-500, 500], [0, 0])[LOSSES][0].tolist() == [0, 10]


@pytest.mark.parametrize(("day", "count"), [((2024, 3, 31), 46), ((2024, 10, 27), 50)])
def test_a_day_of_a_clock_change_is_accounted_over_its_own_intervals(day, count):
    intervals = interval_count(dt.date(*day), "Europe/London", 30)
    assert intervals == count
    found = play(small(30), [0] * intervals, [20_000] * intervals)
    assert found[LOSSES][0].sum() == intervals * 20_000 * 30 // 1_000_000


def test_energy_beyond_int64_is_refused():
    with pytest.raises(OverflowError):
        play(small(1_000_000), [0] * 48, [2**62] * 48)


WRONG = [
    {"loss_ppm": np.array([-1, 0])},
    {"loss_ppm": np.array([1_000_001, 0])},
    {"node_area": np.array([2])},
    {"of_generation": np.array([True])},
]


@pytest.mark.parametrize("changes", WRONG)
def test_areas_that_make_no_sense_are_refused(changes):
    fields = {
        "names": ("zone/a", "zone/b"),
        "node_area": np.array([0]),
        "loss_ppm": np.array([0, 0]),
        "of_generation": np.array([False, False]),
    }
    with pytest.raises(ValueError):
        EnergyAreas(**fields | changes)
