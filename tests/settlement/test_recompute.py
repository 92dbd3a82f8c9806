import json
from fractions import Fraction
from itertools import combinations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

import manage
from tests.settlement.core import examples, reference

LINES = [("A", "B", 4), ("B", "C", 2)]
UNITS = [("a1", "A", 3, 30), ("a2", "A", 5, 4), ("b", "B", 2, 60), ("c", "C", 9, 10)]
GAME = {
    "nodes": ["A", "B", "C"],
    "lines": [{"from": start, "to": end, "rating_kw": kw} for start, end, kw in LINES],
    "units": [
        {"id": unit, "node": node, "available_kw": kw, "ramp_kw_per_h": ramp}
        for unit, node, kw, ramp in UNITS
    ],
    "demand_kw": {"A": 1, "B": 6, "C": 4},
    "trunk_nodes": ["B"],
    "hop_limit": 1,
    "holarchy": {"west": ["A", "B"], "east": ["C"]},
    "response_minutes": 30,
    "requirement_kw": 12,
}
METHODS = ("exact", "levels", "clusters", "sampled")


@pytest.fixture
def run(tmp_path, capsys):
    """Run a command on games; return what it printed as JSON."""

    def run(command: str, games, *arguments: str):
        path = tmp_path / "GAME.json"
        path.write_text(json.dumps(games))
        call_command(command, str(path), *arguments, "--json")
        return json.loads(capsys.readouterr().out)

    return run


def fractions(answer: dict) -> dict[str, Fraction]:
    return {
        unit: Fraction(share["numerator"], share["denominator"])
        for unit, share in answer["shapley_kw"].items()
    }


def test_neither_command_needs_the_database():
    assert {"served", "shapley"} <= manage.WITHOUT_DATABASE


def test_served_of_every_coalition(run):
    names = [unit for unit, *_ in UNITS]
    coalitions = [list(chosen) for size in range(5) for chosen in combinations(names, size)]
    answers = run("served", [GAME | {"coalition": coalition} for coalition in coalitions])
    supply = {unit: (node, kw) for unit, node, kw, _ in UNITS}
    for coalition, answer in zip(coalitions, answers, strict=True):
        assert answer.keys() == {"served_kw"}
        at = {
            node: sum(supply[unit][1] for unit in coalition if supply[unit][0] == node)
            for node in "ABC"
        }
        best = 0
        for to_c in range(-2, 3):  # what B sends to C; negative is what C sends to B
            for to_b in range(-4, 5):
                left = [at["A"] - to_b, at["B"] + to_b - to_c, at["C"] + to_c]
                if min(left) >= 0:
                    best = max(best, min(left[0], 1) + min(left[1], 6) + min(left[2], 4))
        assert answer["served_kw"] == best
    assert run("served", GAME) == {"served_kw": 11}


@pytest.mark.parametrize("game", ["location", "adequacy", "flexibility"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_shares_the_value_of_every_game(run, method, game):
    answer = run("shapley", GAME, "--method", method, "--game", game)
    assert (answer["method"], answer["game"]) == (method, game)
    assert sum(fractions(answer).values()) == answer["value_all_kw"]
    assert answer["value_all_kw"] == {"location": 11, "adequacy": 11, "flexibility": 12}[game]
    assert list(answer["shapley_kw"]) == ["a1", "a2", "b", "c"]
    assert ("standard_error_kw" in answer) == (method == "sampled")
    assert ("clusters" in answer) == (method == "clusters")
    assert ("gap_kw" in answer) == (method == "levels")


def test_exact_shares_are_those_of_the_served_demand(run):
    def value(members):
        coalition = [UNITS[member][0] for member in members]
        return run("served", GAME | {"coalition": coalition})["served_kw"]

    expected = reference.shapley(4, value)
    assert list(fractions(run("shapley", GAME, "--method", "exact")).values()) == expected


def test_clusters_are_named_with_their_shares_and_coalitions(run):
    answer = run("shapley", GAME, "--method", "clusters")
    assert answer["clusters"] == [["a1", "a2", "b"], ["c"]]
    values = {tuple(row["clusters"]): row["served_kw"] for row in answer["coalition_values_kw"]}
    assert values == {(): 0, (0,): 7, (1,): 6, (0, 1): 11}
    shares = [
        Fraction(row["numerator"], row["denominator"]) for row in answer["cluster_shapley_kw"]
    ]
    assert shares == [6, 5]
    assert fractions(answer)["a1"] == Fraction(6 * 3, 10)


def test_a_multiplier_counts_for_what_is_served_and_not_for_clusters(run):
    narrow = GAME | {"lines": [line | {"rating_kw": 1} for line in GAME["lines"]]}
    for multiplier in (1, 2):
        game = narrow | {"rating_multiplier": multiplier}
        answer = run("shapley", game, "--method", "clusters")
        assert answer["clusters"] == [["a1", "a2"], ["b"], ["c"]]
        assert answer["value_all_kw"] == run("served", game)["served_kw"] == 7 + 2 * multiplier


def test_a_list_of_games_gives_a_list_of_answers(run):
    assert len(run("shapley", [GAME, GAME], "--method", "levels")) == 2
    assert run("served", [GAME]) == [{"served_kw": 11}]


def test_sampling_follows_its_seed_limit_and_target(run):
    answer = run("shapley", GAME, "--method", "sampled", "--seed", "5", "--orders", "20")
    assert (answer["seed"], answer["shapley_kw"]["c"]["denominator"]) == (5, 20)
    assert answer == run("shapley", GAME, "--method", "sampled", "--seed", "5", "--orders", "20")
    free = run("shapley", GAME, "--method", "sampled", "--target-error-w", "300")
    assert free["reached_target"]
    assert max(free["standard_error_kw"].values()) <= 0.3


def test_without_json_the_answer_is_text(tmp_path, capsys):
    path = tmp_path / "GAME.json"
    path.write_text(json.dumps(GAME))
    call_command("served", str(path))
    call_command("shapley", str(path), "--method", "clusters")
    printed = capsys.readouterr().out
    assert "served 11 kW" in printed
    assert "clusters, location: all units together 11 kW" in printed
    assert " 1.8 kW" in printed


@pytest.mark.parametrize(
    ("changes", "arguments", "codes"),
    [
        ({"units": []}, ("exact",), ["no-unit"]),
        (
            {"trunk_nodes": None, "hop_limit": None},
            ("clusters",),
            ["missing-field", "missing-field"],
        ),
        (
            {"requirement_kw": None, "response_minutes": None},
            ("exact", "--game", "flexibility"),
            ["missing-field", "missing-field"],
        ),
        (
            {"units": [{"id": n, "node": "A", "available_kw": 1} for n in range(25)]},
            ("exact",),
            ["beyond-method"],
        ),
        (
            {"units": [{"id": n, "node": "A", "available_kw": 1} for n in range(25)]},
            ("levels",),
            ["beyond-method"],
        ),
        ({"demand_kw": {"A": -1, "Z": 1}}, ("exact",), ["out-of-range", "unknown-id"]),
    ],
)
def test_a_refusal_names_every_finding(tmp_path, capsys, changes, arguments, codes):
    path = tmp_path / "GAME.json"
    path.write_text(json.dumps(GAME | changes))
    with pytest.raises(CommandError, match="Refused"):
        call_command("shapley", str(path), "--json", "--method", *arguments)
    refused = json.loads(capsys.readouterr().out)["refused"]
    assert [finding["code"] for finding in refused] == codes


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"nowhere.json: a readable file"):
        call_command("served", str(tmp_path / "nowhere.json"))


def test_a_field_that_was_not_read_is_named(tmp_path, capsys):
    path = tmp_path / "GAME.json"
    path.write_text(json.dumps(GAME | {"holarcy": {}}))
    call_command("served", str(path), "--json")
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"served_kw": 11}
    assert "field 'holarcy' is not of the format" in printed.err


@pytest.mark.golden
@pytest.mark.real_data
def test_the_published_cases_from_a_file(run):
    grid, units, unit_node = examples.great_britain(1)
    cases = examples.known_cases()
    games = [
        {
            "nodes": list(grid.nodes),
            "lines": [
                {"from": grid.nodes[start], "to": grid.nodes[end], "rating_kw": int(w) // 1000}
                for start, end, w in zip(grid.line_from, grid.line_to, grid.rating_w, strict=True)
            ],
            "units": [
                {
                    "id": unit,
                    "node": grid.nodes[node],
                    "available_kw": case["availability_kw"][unit],
                }
                for unit, node in zip(units, unit_node, strict=True)
            ],
            "demand_kw": case["demand_kw"],
            "trunk_nodes": ["N1", "N16", "N17"],
            "hop_limit": 2,
            "rating_multiplier": 2,
        }
        for case in cases
    ]
    for case, answer in zip(cases, run("shapley", games, "--method", "clusters"), strict=True):
        found = [frozenset(cluster) for cluster in answer["clusters"]]
        assert set(found) == set(map(frozenset, case["clusters"]))
        for cluster, share_kw in zip(case["clusters"], case["cluster_shapley_kw"], strict=True):
            share = answer["cluster_shapley_kw"][found.index(frozenset(cluster))]
            assert abs(share["numerator"] / share["denominator"] - share_kw) < 1
