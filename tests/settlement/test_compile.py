"""Documents as arrays: sorted by identifier, whatever the order in which they were written."""

import random

import numpy as np
import pytest

from rulebook.documents import GridModel
from rulebook.folders import read_files
from settlement.core.pots import Pot
from settlement.core.shapley_rule import ShapleyRule
from settlement.rules.compile import compile_grid, compile_market
from settlement.rules.register import register_of
from tests.conftest import ROOT
from tests.worlds import tiny_market

RULES, GRID, POLICY, *REGISTRATIONS, _ = tiny_market.documents()


def as_plain(value):
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tolist()
    if hasattr(value, "__dataclass_fields__"):
        return {name: as_plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple):
        return [as_plain(part) for part in value]
    return value


def test_units_and_supply_points_are_sorted_and_carry_what_their_documents_say():
    model = compile_market(RULES, GRID, POLICY, REGISTRATIONS)
    assert model.units == ("U1", "U2", "U3", "U4")
    assert model.unit_node.tolist() == [0, 0, 1, 2]
    assert model.offer_micro_per_mwh.tolist() == [0, 90_000_000, 70_000_000, 95_000_000]
    assert model.annual_cost_micro.tolist() == [
        4_000_000_000_007 + capacity_w for _, _, capacity_w, _ in tiny_market.UNITS.values()
    ]
    assert model.unit_is_regulated.tolist() == [True, False, False, False]
    assert model.unit_is_eligible.tolist() == [False, True, True, True]
    assert model.supply_points == ("B-home", "B-office", "C-home", "C-office")
    assert model.supply_point_node.tolist() == [1, 1, 2, 2]
    assert model.charging.dynamic_ppm.tolist() == [0, 1_000_000, 0, 1_000_000]
    assert model.charging.capacity_weight_ppm.tolist() == [1_000_000] * 4
    assert model.pots == (
        Pot("adequacy", 600_000, "tightness"),
        Pot("location", 400_000, "served"),
    )
    assert model.layers_in_use == (True, True, True)
    assert model.interval_minutes == 30
    assert [curve.price_micro_per_mwh.tolist() for curve in model.curves] == [
        [0, 90_000_000, 6_000_000_000]
    ] * 3


def test_the_grid_knows_each_node_s_holon_in_every_layer():
    grid = compile_grid(GRID)
    assert grid.nodes == ("A", "B", "C")
    assert [(layer.name, layer.holons, layer.node_holon.tolist()) for layer in grid.layers] == [
        ("system", ("whole",), [0, 0, 0]),
        ("zone", ("north", "south"), [0, 0, 1]),
        ("node", ("A", "B", "C"), [0, 1, 2]),
    ]
    assert (grid.line_from.tolist(), grid.line_to.tolist()) == ([0, 1], [1, 2])
    assert grid.rating_w.tolist() == [50_000_000, 30_000_000]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_documents_does_not_matter(seed):
    shuffle = random.Random(seed).shuffle
    body = GRID.model_dump()
    for name in ("nodes", "lines", "holons"):
        parts = list(body[name])
        shuffle(parts)
        body[name] = tuple(parts)
    registrations = list(REGISTRATIONS)
    shuffle(registrations)
    expected = compile_market(RULES, GRID, POLICY, REGISTRATIONS)
    found = compile_market(RULES, GridModel.model_validate(body), POLICY, registrations)
    assert as_plain(found) == as_plain(expected)


def test_lines_keep_their_direction():
    body = GRID.model_dump()
    line = {**body["lines"][0], "from_node": "B", "to_node": "A", "reverse_rating_w": 7}
    grid = compile_grid(GridModel.model_validate(body | {"lines": (line, body["lines"][1])}))
    assert (grid.line_from[0], grid.line_to[0]) == (1, 0)
    assert (grid.rating_w[0], grid.reverse_rating_w[0]) == (50_000_000, 7)


@pytest.mark.parametrize(
    ("stated", "compiled"),
    [
        ({"method": "exact"}, ShapleyRule()),
        ({"method": "levels"}, ShapleyRule("levels")),
        (
            {"method": "clusters", "clusters": {"trunk_nodes": ["C", "A"], "hop_limit": 2}},
            ShapleyRule("clusters", trunk_nodes=(2, 0), hop_limit=2),
        ),
        (
            {
                "method": "clusters",
                "clusters": {"trunk_nodes": ["B"], "hop_limit": 0, "rating_multiplier": 3},
            },
            ShapleyRule("clusters", trunk_nodes=(1,), rating_multiplier=3),
        ),
        ({"method": "sampled", "sampled": {"seed": 9}}, ShapleyRule("sampled", seed=9)),
        (
            {
                "method": "sampled",
                "sampled": {"seed": 9, "most_orders": 64, "target_error_w": 5_000},
            },
            ShapleyRule("sampled", seed=9, most_orders=64, target_error_w=5_000),
        ),
    ],
)
def test_the_method_is_the_policy_s(stated, compiled):
    policy = tiny_market.allocation_policy(shapley=stated)
    assert compile_market(RULES, GRID, policy, REGISTRATIONS).shapley == compiled


def test_everything_has_one_that_answers_for_it():
    register = register_of(REGISTRATIONS)
    assert register.unit_owner("U3") == "alder"
    assert register.supplier("C-office") == "doric"
    assert list(register.units) == sorted(register.units)
    assert list(register.supply_points) == sorted(register.supply_points)


@pytest.mark.parametrize("scenario", ["gb12", "gb12-published"])
def test_the_scenarios_compile(scenario):
    documents, findings = read_files([ROOT / "scenarios" / scenario])
    assert not findings
    parts = {}
    for _, document in documents:
        parts.setdefault(document.kind, []).append(document)
    model = compile_market(
        parts["market-rules"][0],
        parts["grid-model"][0],
        parts["allocation-policy"][0],
        parts["registration"],
    )
    assert len(model.units) == 21
    assert len(model.supply_points) == 40
    assert len(model.grid.nodes) == 12
    assert [layer.name for layer in model.grid.layers] == [
        "system",
        "region",
        "zone",
        "cluster",
        "node",
    ]
    for outer, inner in zip(model.grid.layers, model.grid.layers[1:], strict=False):
        pairs = set(zip(inner.node_holon.tolist(), outer.node_holon.tolist(), strict=True))
        assert len(pairs) == len(inner.holons)  # each holon lies in one holon of the layer above
