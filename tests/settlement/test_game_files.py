import json
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.games.files import read_games
from tests.examples import tried

GAME = {
    "nodes": ["N0", "N1", 2],
    "lines": [
        {"from": "N0", "to": "N1", "rating_kw": 4},
        {"line": "back", "from": "N1", "to": 2, "rating_kw": 5.0, "reverse_rating_kw": 3},
    ],
    "units": [
        {"id": "gas", "node": "N0", "available_kw": 9},
        {"id": "wind", "node": 2, "available_kw": 6, "ramp_kw_per_h": 60},
    ],
    "demand_kw": {"N1": 7, "2": 1},
}


def read(document, name="game.json"):
    return read_games(name, json.dumps(document).encode())


def changed(path: list, value):
    document = deepcopy(GAME)
    at = document
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


def test_a_game_as_written():
    reading = read(GAME)
    assert (reading.findings, reading.notices, reading.is_list) == ([], [], False)
    (game,) = reading.games
    assert game.nodes == ("N0", "N1", "2")
    assert game.demand_kw == (0, 7, 1)
    assert [(line.from_node, line.to_node) for line in game.lines] == [(0, 1), (1, 2)]
    assert [(line.rating_kw, line.reverse_rating_kw) for line in game.lines] == [(4, 4), (5, 3)]
    assert [(unit.unit, unit.node, unit.ramp_kw_per_h) for unit in game.units] == [
        ("gas", 0, None),
        ("wind", 2, 60),
    ]
    assert game.rating_multiplier == 1
    assert game.coalition is game.trunk_nodes is game.hop_limit is game.requirement_kw is None
    assert (game.holarchy.parents, game.holarchy.node_holon) == ((-1, 0, 0, 0), (1, 2, 3))


def test_options_and_lists():
    options = {
        "coalition": ["wind"],
        "trunk_nodes": ["N1", 2],
        "hop_limit": 2,
        "rating_multiplier": 2,
        "response_minutes": 30,
        "requirement_kw": 8,
    }
    reading = read([GAME | options, GAME])
    assert reading.is_list
    assert [game.place for game in reading.games] == ["game.json: game 0", "game.json: game 1"]
    game = reading.games[0]
    assert (game.coalition, game.trunk_nodes, game.hop_limit) == ((1,), (1, 2), 2)
    assert (game.rating_multiplier, game.response_minutes, game.requirement_kw) == (2, 30, 8)


@pytest.mark.parametrize(
    "holarchy",
    [
        {"north": ["N0", "N1"], "south": {"2": ["wind"]}},
        {"north": ["N0", "N1"], "south": "2"},
        {"N0": "north", "N1": "north", "2": "south", "north": None},
        {"2": "south", "south": None, "north": None, "N0": "north", "N1": "north", "wind": 2},
        [
            {"holon": "north", "parent": None, "layer": "zone"},
            {"id": "south", "parent": None},
            {"id": "N0", "parent": "north"},
            {"id": "N1", "parent": "north"},
            {"id": 2, "parent": "south"},
        ],
        {
            "layers": ["zone", "node"],
            "holons": [
                {"holon": "north", "parent": None},
                {"holon": "south", "parent": None},
                {"holon": "N0", "parent": "north"},
                {"holon": "N1", "parent": "north"},
                {"holon": "2", "parent": "south"},
            ],
        },
        [
            {"name": "north", "children": ["N0", {"id": "N1", "children": []}]},
            {"name": "south", "children": [2]},
        ],
        {"N0": ["north"], "N1": ["north"], "2": ["south"]},
        {"gas": ["north", "N0"], "wind": ["south", 2], "N1": ["north"]},
    ],
)
def test_a_holarchy_may_be_written_in_several_ways(holarchy):
    reading = read(GAME | {"holarchy": holarchy})
    assert reading.findings == []
    found = reading.games[0].holarchy
    around = [found.parents[holon] for holon in found.node_holon]
    assert around[0] == around[1] != around[2]
    assert {found.parents[holon] for holon in around} == {0}
    assert len(found.parents) == 6


def test_units_may_be_listed_straight_inside_a_holon():
    reading = read(GAME | {"holarchy": {"all": ["gas", "wind", "N1"]}})
    assert reading.findings == []
    assert reading.games[0].holarchy.parents == (-1, 0, 1)
    assert reading.games[0].holarchy.node_holon == (1, 2, 1)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (changed(["nodes"], []), {("no-node", "nodes")}),
        (changed(["nodes"], ...), {("missing-field", "nodes")}),
        (changed(["nodes"], "N0"), {("not-a-list", "nodes"), ("no-node", "nodes")}),
        (changed(["nodes", 0], True), {("not-an-id", "nodes[0]")}),
        (changed(["nodes", 0], " "), {("not-an-id", "nodes[0]")}),
        (changed(["units", 0, "id"], "half \ud800"), {("not-an-id", "units[0].id")}),
        (changed(["units", 0, "id"], "a\nb"), {("not-an-id", "units[0].id")}),
        (changed(["units", 0, "id"], "\x1b[31m"), {("not-an-id", "units[0].id")}),
        (changed(["nodes"], ["N0", "N1", 2, "2"]), {("repeated-id", "nodes[3]")}),
        (changed(["lines"], ...), {("missing-field", "lines")}),
        (changed(["lines", 0], 7), {("not-an-object", "lines[0]")}),
        (changed(["lines", 0, "from"], ...), {("missing-field", "lines[0].from")}),
        (changed(["lines", 0, "from"], "N9"), {("unknown-id", "lines[0].from")}),
        (changed(["lines", 0, "rating_kw"], -1), {("out-of-range", "lines[0].rating_kw")}),
        (changed(["lines", 0, "rating_kw"], 2.5), {("not-whole", "lines[0].rating_kw")}),
        (changed(["lines", 0, "rating_kw"], "4"), {("not-whole", "lines[0].rating_kw")}),
        (
            changed(["lines", 1, "reverse_rating_kw"], 10**10),
            {("out-of-range", "lines[1].reverse_rating_kw")},
        ),
        (changed(["units", 1, "id"], "gas"), {("repeated-id", "units[1]")}),
        (changed(["units", 1, "id"], ...), {("missing-field", "units[1].id")}),
        (changed(["units", 1, "node"], "N9"), {("unknown-id", "units[1].node")}),
        (changed(["units", 1, "available_kw"], True), {("not-whole", "units[1].available_kw")}),
        (changed(["units", 1, "ramp_kw_per_h"], -1), {("out-of-range", "units[1].ramp_kw_per_h")}),
        (changed(["demand_kw"], []), {("not-an-object", "demand_kw")}),
        (changed(["demand_kw", "N9"], 1), {("unknown-id", "demand_kw.N9")}),
        (changed(["demand_kw", "N1"], None), {("not-whole", "demand_kw.N1")}),
        (changed(["demand_kw", "N1"], float("nan")), {("not-whole", "demand_kw.N1")}),
        (changed(["coalition"], ["gas", "sun"]), {("unknown-id", "coalition[1]")}),
        (changed(["coalition"], ["gas", "gas"]), {("repeated-id", "coalition[1]")}),
        (changed(["trunk_nodes"], ["gas"]), {("unknown-id", "trunk_nodes[0]")}),
        (changed(["hop_limit"], -1), {("out-of-range", "hop_limit")}),
        (changed(["rating_multiplier"], 0), {("out-of-range", "rating_multiplier")}),
        (changed(["rating_multiplier"], None), {("not-whole", "rating_multiplier")}),
        (changed(["requirement_kw"], "8"), {("not-whole", "requirement_kw")}),
        (changed(["response_minutes"], 0), {("out-of-range", "response_minutes")}),
        (
            changed(["holarchy"], {"a": ["N0", "N1"], "b": ["N0", 2]}),
            {("two-holons", "holarchy.b[0]")},
        ),
        (changed(["holarchy"], {"a": ["N0", "N1"]}), {("node-without-holon", "holarchy")}),
        (
            changed(["holarchy"], {"a": ["N0", "N1", 2, "N9"]}),
            {("unknown-id", "holarchy.a[3]")},
        ),
        (
            changed(["holarchy"], {"a": ["N0", "N1", 2, None]}),
            {("not-a-holarchy", "holarchy.a[3]")},
        ),
        (
            changed(["holarchy"], {"children": ["N0", "N1", 2]}),
            {("not-a-holarchy", "holarchy"), ("node-without-holon", "holarchy")},
        ),
        (
            changed(["holarchy"], {"a": "b", "b": "a", "N0": "a", "N1": "a", "2": "b"}),
            {("holon-in-itself", "holarchy.a")},
        ),
        (
            changed(["holarchy"], [{"id": "N0", "parent": None}, {"id": "N0", "parent": "x"}, 3]),
            {
                ("repeated-id", "holarchy[1]"),
                ("not-a-holarchy", "holarchy[2]"),
                ("node-without-holon", "holarchy"),
            },
        ),
    ],
)
def test_what_is_wrong_is_found_at_its_place(document, found):
    reading = read(document)
    named = {
        (finding.code, finding.place.removeprefix("game.json: ")) for finding in reading.findings
    }
    assert named >= found
    assert named == found or "nodes" in str(found)  # what hangs on a node is then unknown too
    assert all(finding.value and finding.limit and finding.remedy for finding in reading.findings)
    assert reading.games == []


def test_every_finding_of_every_game_is_named():
    reading = read([changed(["nodes", 0], None), GAME, 5, changed(["hop_limit"], "far")])
    codes = [(finding.code, finding.place) for finding in reading.findings]
    assert ("not-an-id", "game.json: game 0: nodes[0]") in codes
    assert ("not-an-object", "game.json: game 2") in codes
    assert ("not-whole", "game.json: game 3: hop_limit") in codes
    assert len(reading.games) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "not-json"),
        (b"\xff", "not-json"),
        (b"", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'{"hop_limit": ' + b"9" * 5000 + b"}", "not-json"),
        (b"[]", "no-game"),
        (b'{"nodes": [], "nodes": ["N0"]}', "repeated-field"),
    ],
)
def test_a_file_that_is_not_of_the_format(content, code):
    assert read_games("game.json", content).findings[0].code == code


def test_a_field_that_was_not_read_is_named():
    reading = read(GAME | {"holarcy": {}, "units": [GAME["units"][0] | {"cost": 1}]})
    assert reading.findings == []
    assert [notice.split(" is not")[0] for notice in reading.notices] == [
        "game.json: field 'holarcy'",
        "game.json: units[0]: field 'cost'",
    ]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["N0", "gas", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*GAME, "N0", "gas", "id", "parent", "children", "holons"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([*GAME, "holarchy", "coalition", "hop_limit", "trunk_nodes"]), anything)
def test_whatever_is_written_gives_a_game_or_findings(name, value):
    reading = read(GAME | {name: value})
    assert bool(reading.games) != bool(reading.findings)


@given(anything)
@settings(max_examples=tried(500))
def test_whatever_is_written_as_a_holarchy_gives_a_game_or_findings(value):
    reading = read(GAME | {"holarchy": value})
    assert bool(reading.games) != bool(reading.findings)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_reading_ends_in_games_or_findings(content):
    reading = read_games("game.json", content)
    assert bool(reading.games) != bool(reading.findings)
