"""A network is laid out from its links alone: whole, without a line through what it goes past."""

import json
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.charts.chart import Chart
from portal.charts.layering import group_rows, in_order, is_bend, with_bends
from portal.charts.network import MOST_PLACES, Mark
from portal.grid_view import MOST_ROWS, grid_chart
from portal.holarchy_view import holarchy_chart
from rulebook.documents import GridModel
from rulebook.folders import read_files
from tests.conftest import ROOT
from tests.examples import tried
from tests.settlement.trial_cases import changed

GRIDS = {"two-region": (2, 1), "gb12": (12, 12), "rts-gmlc": (73, 109)}


def grid(name: str) -> GridModel:
    ((_, document),), _ = read_files([ROOT / "scenarios" / name / "grid-model.yaml"])
    return document


def drawn(chart: Chart, tag: str) -> list[dict]:
    return [dict(each.attributes) for each in chart.wide.elements if each.tag == tag]


def texts(chart: Chart) -> list[str]:
    return [each.text for each in chart.wide.elements if each.tag == "text"]


links = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda p: p[0] != p[1]))


@settings(max_examples=tried(60), deadline=None)
@given(links)
def test_a_link_joins_places_of_one_row_or_of_neighbours_once_it_is_bent(pairs):
    names = [f"n{at}" for at in range(12)]
    joined = [(names[one], names[other]) for one, other in dict.fromkeys(pairs)]
    near: dict[str, list[str]] = {}
    for one, other in joined:
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    rows = group_rows(names, near, set())
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    assert sorted(row_of) == sorted(names)
    assert all(abs(row_of[one] - row_of[other]) <= 1 for one, other in joined)
    upside_down = [*rows[:1], *rows[1:][::-1]]
    bent, bends = with_bends(upside_down, joined)
    at = {name: number for number, row in enumerate(bent) for name in row}
    for one, other in joined:
        between = range(min(at[one], at[other]) + 1, max(at[one], at[other]))
        assert [at[each] for each in bends.get((one, other), [])] == list(between)
    ordered = in_order(bent, near)
    assert [sorted(row) for row in ordered] == [sorted(row) for row in bent]
    assert all(is_bend(name) or name in row_of for row in ordered for name in row)


@pytest.mark.parametrize("name", GRIDS)
def test_every_node_and_line_of_a_market_is_drawn(name):
    chart = grid_chart(grid(name))
    nodes, joints = GRIDS[name]
    ways = [each["d"] for each in drawn(chart, "path")]
    assert (len(ways), len(set(ways))) == (joints, joints), "no line lies on another"
    assert {node.node for node in grid(name).nodes} <= set(texts(chart))
    assert f"{nodes} nodes, {joints} link" in chart.alternative
    assert len(chart.table.rows) == len(grid(name).lines)
    boxes = [each for each in drawn(chart, "rect") if each["stroke"] is not None]
    assert len(boxes) >= nodes


@pytest.mark.parametrize("name", GRIDS)
def test_no_box_of_a_node_lies_on_another(name):
    for drawing in (grid_chart(grid(name)).wide, grid_chart(grid(name)).narrow):
        elements = [dict(each.attributes) for each in drawing.elements if each.tag == "rect"]
        boxes = [
            (each["x"], each["y"], each["x"] + each["width"], each["y"] + each["height"])
            for each in elements
            if each.get("stroke-width")
        ]
        for one, other in combinations(boxes, 2):
            apart = one[2] <= other[0] or other[2] <= one[0]
            assert apart or one[3] <= other[1] or other[3] <= one[1]


def test_what_changed_of_a_grid_is_marked_in_the_drawing_the_table_and_the_sentence():
    before = grid("gb12")
    body = before.model_dump(mode="json")
    first, *others = body["lines"]
    first["rating_w"] //= 2
    left = [line for line in others if line["line"] != "N20-N21"]
    bank = {"node": "N40", "title": "Dogger Bank"}
    cable = others[0] | {"line": "N22-N40", "from_node": "N22", "to_node": "N40"}
    holon = {"holon": "N40", "layer": "node", "parent": "north-east-feeder", "title": "Dogger Bank"}
    after = changed(
        before,
        lines=[first, *left, cable],
        nodes=[*body["nodes"], bank],
        holons=[*body["holons"], holon],
    )
    chart = grid_chart(after, before)
    assert {"+ new", "− left out", "~ changed", "+ N40"} <= set(texts(chart))
    assert chart.table.columns == ("Line", "Joins", "Before", "After")
    rows = {row[0]: row[2:] for row in chart.table.rows}
    assert rows.keys() == {"N0-N1", "N20-N21", "N22-N40"}
    assert rows["N20-N21"][1] == rows["N22-N40"][0] == "–"
    assert "9,000\xa0MW" in rows["N0-N1"][0] and "4,500\xa0MW" in rows["N0-N1"][1]
    assert "new: N40, N22 – N40; left out: N20 – N21; changed: N0 – N1." in chart.alternative
    inks = {each["stroke"] for each in drawn(chart, "path")}
    assert inks == {mark.ink for mark in Mark}
    same = grid_chart(before, before)
    assert same.table.rows == () and "new" not in same.alternative


def big(count: int, zones: int) -> GridModel:
    base = grid("rts-gmlc").model_dump(mode="json")
    line = base["lines"][0]
    nodes = [{"node": f"B{at}", "title": f"Bus {at}"} for at in range(count)]
    holons = [{"holon": "s", "layer": "system", "parent": None, "title": "System"}]
    holons += [
        {"holon": f"z{at}", "layer": "zone", "parent": "s", "title": f"Zone {at}"}
        for at in range(zones)
    ]
    holons += [
        {"holon": f"B{at}", "layer": "bus", "parent": f"z{at * zones // count}", "title": "Bus"}
        for at in range(count)
    ]
    lines = [
        line | {"line": f"L{at}", "from_node": f"B{at}", "to_node": f"B{at + 1}"}
        for at in range(count - 1)
    ]
    return changed(
        grid("rts-gmlc"), layers=["system", "zone", "bus"], nodes=nodes, holons=holons, lines=lines
    )


def test_a_grid_of_thousands_is_drawn_by_what_its_nodes_lie_in():
    chart = grid_chart(big(2_000, 50))
    assert "Parts of the grid in the layer zone" in chart.title
    assert len(drawn(chart, "path")) == 49
    assert chart.table.columns == ("Parts joined", "Lines", "Forward", "Backward")
    assert len(chart.svg) < 60_000
    many = grid_chart(big(MOST_PLACES + 1, MOST_PLACES + 1))
    assert len(drawn(many, "path")) == 0, "the system alone"
    lines = grid_chart(big(100, 2))
    assert len(lines.table.rows) == 99 <= MOST_ROWS


def test_a_grid_is_the_same_bytes_from_the_same_law():
    one, other = (grid_chart(grid("rts-gmlc")) for _ in range(2))
    assert json.dumps([one.svg, one.narrow_svg]) == json.dumps([other.svg, other.narrow_svg])


@pytest.mark.parametrize(("name", "rows"), [("two-region", 2), ("gb12", 12), ("rts-gmlc", 73)])
def test_every_part_of_a_grid_is_drawn_in_what_it_lies_in(name, rows):
    law = grid(name)
    chart = holarchy_chart(law)
    boxes = drawn(chart, "rect")
    assert len(boxes) == len(law.holons) and len(chart.table.rows) == rows
    assert chart.table.columns == law.layers
    columns = {}
    for box in boxes:
        columns[box["x"]] = columns.get(box["x"], 0) + box["height"]
    assert len(columns) == len(law.layers)
    assert len(set(columns.values())) == 1, "each layer is the whole"


def test_what_changed_of_the_holarchy_is_marked():
    before = grid("gb12")
    holons = before.model_dump(mode="json")["holons"]
    moved = next(each for each in holons if each["holon"] == "scotland-border")
    moved["parent"] = "northern-england"
    holons.append({"holon": "isles", "layer": "cluster", "parent": "scotland", "title": "Isles"})
    after = changed(before, holons=[each for each in holons if each["holon"] != "N34"])
    chart = holarchy_chart(after, before)
    told = {row[-2]: row[-1] for row in chart.table.rows}
    assert told["N34, South-east"] == "left out"
    assert "new: isles; left out: N34; changed: scotland-border." in chart.alternative
    assert {"− N34", "+ Isles"} <= set(texts(chart))


def test_a_holarchy_of_thousands_is_drawn_as_far_as_there_is_room():
    chart = holarchy_chart(big(2_000, 50))
    assert chart.table.columns == ("system", "zone") and len(chart.table.rows) == 50
    assert len(holarchy_chart(big(300, 200)).table.rows) == 1


@pytest.mark.parametrize(
    "layers", [["system", "region"], ["system", "zone", "node"], ["node", "cluster", "system"]]
)
def test_grids_of_other_layers_are_drawn_beside_each_other(layers):
    before = grid("gb12")
    body = before.model_dump(mode="json")["holons"]
    kept = [each for each in body if each["layer"] in layers]
    names = {each["holon"] for each in kept}
    for each in kept:
        each["parent"] = each["parent"] if each["parent"] in names else None
    after = changed(before, layers=layers, holons=kept)
    for old, new in ((before, after), (after, before)):
        for chart in (grid_chart(new, old), holarchy_chart(new, old)):
            assert chart is None or chart.svg
