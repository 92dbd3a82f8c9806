"""Who is served by each design: by hand, within what networkx says a network carries, and fair."""

import dataclasses
import datetime as dt

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.baselines.serving import Network, serve_day, supply_w
from settlement.core.energy_accounts import LOSSES, EnergyAreas, energy_of_areas
from settlement.core.model import DayReadings
from settlement.dispatch.rationing import Shortage, rationed_wh
from tests.examples import tried
from tests.settlement.dispatch_cases import MW, MWH, integers, markets, model

DAY = dt.date(2024, 1, 1)
TWO = model(2, [(0, 1, 10, 0)], [(0, 12, 0, 0)])


def served(made, points, available_w, asked_wh, areas=None):
    """Return who is served on a day."""
    readings = DayReadings(DAY, np.zeros_like(available_w), available_w, asked_wh)
    network = Network.of(made, areas, points)
    return serve_day(network, asked_wh, supply_w(network, readings))


@pytest.mark.parametrize(
    ("asked", "nodal", "uniform", "flat"),
    [
        # Energy and line are short: near first; two thirds, then the line; one part but for it.
        ((12, 18), (12, 8), (8, 10), (10, 10)),
        # Energy alone is short, and half of it goes over the line.
        ((30, 10), (20, 0), (15, 5), (15, 5)),
        # The line alone is short: nobody has a choice.
        ((5, 15), (5, 10), (5, 10), (5, 10)),
        ((5, 6), (5, 6), (5, 6), (5, 6)),
    ],
)
def test_each_design_serves_in_its_own_way(asked, nodal, uniform, flat):
    day = served(TWO, integers(0, 1), integers([20]) * MW, integers(asked).T * MWH)
    for design, expected in ((day.nodal, nodal), (day.uniform, uniform), (day.flat, flat)):
        assert design.delivered_wh[:, 0].tolist() == [each * MWH for each in expected]
        assert design.generation_wh.sum() == sum(expected) * MWH
    assert day.scheduled_wh.tolist() == [[min(20, sum(asked)) * MWH]]


def areas_of(*loss_ppm, of_generation=False):
    """Return areas of one node each, of which each loses its factor of demand or generation."""
    count = len(loss_ppm)
    names = tuple(f"node/{number}" for number in range(count))
    return EnergyAreas(
        names, np.arange(count), integers(*loss_ppm), np.full(count, fill_value=of_generation)
    )


@pytest.mark.parametrize(
    ("areas", "asked", "nodal", "uniform", "flat"),
    [
        # S loses a quarter of what it takes: 20 are 25 with losses, and 10 over the line serve 8.
        # The market sells 20 of 40: 7.5 and 10, of which the line brings 8.
        (areas_of(0, 250_000), (15, 20), (15, 4), (7.5, 8), (10, 8)),
        # The energy is short and the line is not: 20 of 40 again, or the near first.
        (areas_of(0, 250_000), (30, 8), (20, 0), (15, 4), (15, 4)),
        # Nobody is short: 5 and 4 with 1 lost.
        (areas_of(0, 250_000), (5, 4), (5, 4), (5, 4), (5, 4)),
        # A fifth of what N generates is lost: 16 of 20 arrive.
        (areas_of(200_000, 0, of_generation=True), (12, 18), (12, 4), (6.4, 9.6), (6.4, 9.6)),
    ],
)
def test_losses_are_generated_and_short_with_the_demand_that_they_are_of(
    areas, asked, nodal, uniform, flat
):
    asked_wh = integers(asked).T * MWH
    day = served(TWO, integers(0, 1), integers([20]) * MW, asked_wh, areas)
    for design, expected in ((day.nodal, nodal), (day.uniform, uniform), (day.flat, flat)):
        assert design.delivered_wh[:, 0] / MWH == pytest.approx(expected, abs=2e-6)
        assert_closed(TWO, areas, integers(0, 1), design)


def assert_closed(made, areas, points, design):
    """Assert that what is generated is delivered or lost, in every interval, but for rounding."""
    places = (made.unit_node, points)
    energy = energy_of_areas(areas, *places, design.generation_wh, design.delivered_wh)
    taken_wh = design.delivered_wh.sum(axis=0) + energy[LOSSES].sum(axis=0)
    most_wh = 2 * (len(made.unit_node) + made.node_count)
    assert (np.abs(design.generation_wh.sum(axis=0) - taken_wh) <= most_wh).all()


def test_what_is_fed_in_and_not_taken_leaves_losses_of_what_is_taken():
    """Of 30 fed in at N, 10 leave it; the others do not spare the area its losses."""
    areas = EnergyAreas(("zone/a",), integers(0, 0), integers(100_000), np.array([False]))
    made = model(2, [(0, 1, 10, 0)], [(1, 12, 0, 0)])
    day = served(made, integers(0, 1), integers([40]) * MW, integers([-30], [25]) * MWH, areas)
    for design in (day.nodal, day.uniform, day.flat):
        # On balance the area takes 15, of which 1.5 are lost: 10 + 16.5 serve 25 and that.
        assert design.delivered_wh.tolist() == [[-10 * MWH], [25 * MWH]]
        assert design.generation_wh[0, 0] == pytest.approx(16.5 * MWH, abs=2)
        assert_closed(made, areas, integers(0, 1), design)


def test_reserve_is_called_before_anybody_is_refused():
    """Of 20 MW 8 are held: nothing of it is free while 12 do, all where 18 are asked for."""
    available_w, held_w, points = integers([20, 20]) * MW, integers([8, 8]) * MW, integers(0, 1)
    for asked_mwh, free_mw in ((([4, 7], [6, 5]), 12), (([4, 10], [6, 8]), 20)):
        asked_wh = integers(*asked_mwh) * MWH
        readings = DayReadings(DAY, np.zeros_like(available_w), available_w, asked_wh, held_w)
        network = Network.of(TWO, None, points)
        free = supply_w(network, readings)
        assert free.tolist() == [[free_mw * MW] * 2]
        day = serve_day(network, asked_wh, free)
        for design in (day.nodal, day.uniform, day.flat):
            assert (design.delivered_wh == asked_wh).all()


def test_alike_nodes_share_pro_rata_and_so_do_the_points_of_a_node():
    made = model(3, [(0, 1, 50, 0), (0, 2, 50, 0)], [(0, 12, 0, 0)])
    points = integers(1, 1, 2)
    asked_wh = integers([20], [40], [30]) * MWH
    day = served(made, points, integers([45]) * MW, asked_wh)
    for design in (day.nodal, day.uniform, day.flat):
        assert design.delivered_wh[:, 0].tolist() == [10 * MWH, 20 * MWH, 15 * MWH]


def test_rationing_says_who_gets_what_behind_a_line():
    made = model(2, [(0, 1, 50, 0)], [(0, 12, 0, 0)])
    nothing = np.zeros((2, 1), dtype=np.int64)
    shortage = Shortage(integers([60], [90]) * MWH, nothing, integers([100], [0]) * MWH)
    assert rationed_wh(made, shortage, near_first=False).tolist() == [[50 * MWH], [50 * MWH]]
    assert rationed_wh(made, shortage, near_first=True).tolist() == [[60 * MWH], [40 * MWH]]


def flow(made, supply_wh, demand_wh):
    """Return the most that a network brings from nodes with supply to nodes with demand, in Wh."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    wh_per_w = made.interval_minutes / 60

    def add(start, end, capacity_wh):
        before = graph.get_edge_data(start, end, {"capacity": 0})["capacity"]
        graph.add_edge(start, end, capacity=before + int(capacity_wh))

    for start, end, forward, reverse in zip(
        made.line_from, made.line_to, made.rating_w, made.reverse_rating_w, strict=True
    ):
        add(int(start), int(end), forward * wh_per_w)
        add(int(end), int(start), reverse * wh_per_w)
    for node, (supply, demand) in enumerate(zip(supply_wh, demand_wh, strict=True)):
        add("from", node, supply)
        add(node, "to", demand)
    return nx.maximum_flow_value(graph, "from", "to")


def at_nodes(made, energy_wh):
    sums = np.zeros((made.node_count, energy_wh.shape[1]), dtype=np.int64)
    np.add.at(sums, made.unit_node, energy_wh)
    return sums


@settings(max_examples=tried(60))
@given(market=markets())
def test_what_is_served_was_asked_for_and_fits_the_network(market):
    made, available_w, asked_wh = market
    day = served(made, np.arange(made.node_count), available_w, asked_wh)
    room = made.node_count + len(made.unit_node) + 4  # a Wh a unit and node, as dispatch states
    for design in (day.nodal, day.uniform, day.flat):
        delivered, generation = design.delivered_wh, design.generation_wh
        assert delivered.dtype == np.int64
        assert (np.abs(delivered) <= np.abs(asked_wh)).all()
        assert (delivered * asked_wh >= 0).all()
        assert (np.abs(generation) <= available_w // 2).all()
        gives = at_nodes(made, np.maximum(generation, 0)) + np.maximum(-delivered, 0)
        takes = at_nodes(made, np.maximum(-generation, 0)) + np.maximum(delivered, 0)
        assert (np.abs(gives.sum(axis=0) - takes.sum(axis=0)) <= room).all()
        for interval in range(asked_wh.shape[1]):
            carried = flow(made, gives[:, interval], takes[:, interval])
            assert carried >= takes[:, interval].sum() - room


@settings(max_examples=tried(60))
@given(
    market=markets(),
    loss_ppm=st.lists(st.integers(0, 200_000), min_size=4, max_size=4),
    area=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    of_generation=st.booleans(),
)
def test_every_design_generates_what_it_delivers_and_what_is_lost(
    market, loss_ppm, area, of_generation
):
    made, available_w, asked_wh = market
    if of_generation:
        # An area whose storage takes in more than its units give has no generation to lose of.
        made = dataclasses.replace(made, storage_wh=np.zeros_like(made.storage_wh))
    areas = EnergyAreas(
        tuple("abcd"), integers(*area[: made.node_count]), integers(*loss_ppm),
        np.full(4, fill_value=of_generation),
    )  # fmt: skip
    points = np.arange(made.node_count)
    day = served(made, points, available_w, asked_wh, areas)
    for design in (day.nodal, day.uniform, day.flat):
        assert_closed(made, areas, points, design)
        assert (np.abs(design.delivered_wh) <= np.abs(asked_wh)).all()
        assert (design.delivered_wh * asked_wh >= 0).all()


@settings(max_examples=tried(30))
@given(market=markets())
def test_a_grid_that_loses_nothing_serves_byte_for_byte_as_one_that_states_no_losses(market):
    made, available_w, asked_wh = market
    points = np.arange(made.node_count)
    for of_generation in (False, True):
        nothing = areas_of(*(0 for _ in points), of_generation=of_generation)
        stated = served(made, points, available_w, asked_wh, nothing)
        unstated = served(made, points, available_w, asked_wh)
        for each, other in zip(stated.served.values(), unstated.served.values(), strict=True):
            assert each.generation_wh.tobytes() == other.generation_wh.tobytes()
            assert each.delivered_wh.tobytes() == other.delivered_wh.tobytes()
        assert stated.scheduled_wh.tobytes() == unstated.scheduled_wh.tobytes()


@st.composite
def short_markets(draw):
    """Draw a market without storage, loops of reactance or net export, of one interval."""
    nodes = draw(st.integers(1, 5))
    node = st.integers(0, nodes - 1)
    lines = draw(st.lists(st.tuples(node, node, st.integers(0, 60), st.just(0)), max_size=7))
    units = draw(st.lists(st.tuples(node, st.integers(0, 9)), min_size=1, max_size=4))
    made = model(
        nodes,
        [line for line in lines if line[0] != line[1]],
        [(at, offer, 0, 0) for at, offer in units],
    )
    available = draw(st.lists(st.integers(0, 80), min_size=len(units), max_size=len(units)))
    asked = draw(st.lists(st.integers(0, 60), min_size=nodes, max_size=nodes))
    return made, integers(*available)[:, np.newaxis] * MW, integers(*asked)[:, np.newaxis] * MWH


@settings(max_examples=tried(100))
@given(market=short_markets())
def test_nodal_and_flat_serve_the_most_and_uniform_no_more_than_was_sold(market):
    made, available_w, asked_wh = market
    day = served(made, np.arange(made.node_count), available_w, asked_wh)
    most = flow(made, at_nodes(made, available_w)[:, 0], asked_wh[:, 0])
    room = 2 * made.node_count
    for design in (day.nodal, day.flat):
        assert abs(int(design.delivered_wh.sum()) - most) <= room
    assert day.uniform.delivered_wh.sum() <= most + room
    part = min(1, int(available_w.sum()) / max(int(asked_wh.sum()), 1))
    assert (day.uniform.delivered_wh <= asked_wh * part + 1).all()


@settings(max_examples=tried(100))
@given(market=short_markets())
def test_flat_gives_nobody_more_while_another_with_less_could_have_it(market):
    """Max-min: who is short could get more only of those who have no larger part."""
    made, available_w, asked_wh = market
    got = served(made, np.arange(made.node_count), available_w, asked_wh).flat.delivered_wh[:, 0]
    asked, supply = asked_wh[:, 0], at_nodes(made, available_w)[:, 0]
    room = 4 * made.node_count
    for node in np.flatnonzero(got + room < asked).tolist():
        smaller = got * int(asked[node]) <= (got[node] + room) * asked
        kept = np.where(smaller, got, 0)
        kept[node] = asked[node]
        assert flow(made, supply, kept) <= np.where(smaller, got, 0).sum() + room
