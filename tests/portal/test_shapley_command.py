"""`manage.py shapley` in text: what it prints of the units is what they are worth together."""

import doctest
import io
import json
import re
from fractions import Fraction

import pytest
from django.core.management import call_command

from portal.management.commands import shapley


def game(*available_kw: int, demand_kw: int) -> dict:
    units = [
        {"id": f"u{number}", "node": "N", "available_kw": available}
        for number, available in enumerate(available_kw)
    ]
    return {
        "nodes": ["N"],
        "lines": [],
        "units": units,
        "demand_kw": {"N": demand_kw},
        "trunk_nodes": ["N"],
        "hop_limit": 1,
    }


GAMES = {
    "three alike share what one serves": game(1, 1, 1, demand_kw=1),
    "seven of different size": game(1, 2, 3, 5, 7, 1, 1, demand_kw=9),
    "thousands that divide by seven": game(*[90_000] * 7, demand_kw=200_000),
    "halves, whose digits end": game(1, 1, demand_kw=1),
    "nobody to serve": game(1, 1, 1, demand_kw=0),
}


def printed(tmp_path, content, method: str) -> str:
    file = tmp_path / "game.json"
    file.write_text(json.dumps(content))
    out = io.StringIO()
    call_command("shapley", "--method", method, str(file), stdout=out)
    return out.getvalue()


def kw(words: str) -> Fraction:
    return Fraction(words.replace(",", ""))


@pytest.mark.parametrize("method", ["exact", "levels", "clusters", "sampled"])
@pytest.mark.parametrize("content", GAMES.values(), ids=GAMES.keys())
def test_printed_shares_sum_to_what_all_are_worth_together(tmp_path, content, method):
    text = printed(tmp_path, content, method)
    together = re.search(r"all units together ([\d,]+) kW", text)
    shares = re.findall(r"^  u\d+ +([\d,./]+) kW", text, re.MULTILINE)
    assert len(shares) == len(content["units"])
    assert sum(map(kw, shares)) == kw(together[1])


def test_a_third_is_printed_as_a_third_and_beside_it_what_it_is_about(tmp_path):
    text = printed(tmp_path, GAMES["three alike share what one serves"], "exact")
    assert text.count("1/3 kW (about 0.333)") == 3


def test_what_the_tree_serves_beyond_the_network_is_named(tmp_path):
    """Two branches that no line joins: the tree above them shares what the network cannot."""
    content = {
        "nodes": ["A", "B", "C", "D"],
        "lines": [
            {"line": "ab", "from": "A", "to": "B", "rating_kw": 5},
            {"line": "cd", "from": "C", "to": "D", "rating_kw": 5},
        ],
        "units": [{"id": "u0", "node": "A", "available_kw": 9}],
        "demand_kw": {"A": 1, "B": 0, "C": 5, "D": 0},
        "holarchy": {"A": "ac", "C": "ac", "B": "bd", "D": "bd", "ac": None, "bd": None},
    }
    text = printed(tmp_path, content, "levels")
    gap = json.loads(_as_json(tmp_path, content, "levels"))["gap_kw"]
    assert gap > 0
    assert f"{gap} kW of it the tree serves and the network does not" in text


def _as_json(tmp_path, content, method: str) -> str:
    file = tmp_path / "game.json"
    file.write_text(json.dumps(content))
    out = io.StringIO()
    call_command("shapley", "--method", method, "--json", str(file), stdout=out)
    return out.getvalue()


def test_examples_in_docstrings_hold():
    results = doctest.testmod(shapley)
    assert results.attempted
    assert not results.failed
