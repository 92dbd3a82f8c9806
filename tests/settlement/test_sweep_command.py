"""`sweep`: exact as JSON, read as a table, drawn as a grid, and refused with every finding."""

import datetime as dt
import json
from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.management import base
from portal.management.commands import sweep
from tests.settlement.study_cases import metered
from tests.worlds.rolled_back import reading
from tests.worlds.settled import FIRST_DAY, SETTLED

ASKED = ("sweep", "tiny", str(FIRST_DAY), "--time", "17:30", "--product", "office")


@pytest.fixture
def market(world_of, monkeypatch):
    engine, _ = world_of(metered)
    for command in (base, sweep):
        monkeypatch.setattr(command, "transaction", lambda: reading(engine))
    monkeypatch.setattr(base, "utc_now", lambda: SETTLED)


def printed(capsys, *more) -> dict:
    call_command(*ASKED, *more, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_sweep_is_exact_and_the_same_twice(market, capsys):
    found = printed(capsys, "--steps", "3")
    assert found == printed(capsys, "--steps", "3")
    assert dt.datetime.fromisoformat(found["start"]).isoformat() == "2024-01-01T17:30:00+00:00"
    assert [cell["response_ppm_per_unit"] for cell in found["cells"][:3]] == [200, 2_100, 4_000]
    slopes = [cell["slope_ppm"] for cell in found["cells"][::3]]
    assert slopes == [500_000, 2_750_000, 5_000_000]
    first = found["cells"][0]
    of_one = first["response_ppm_per_unit"] * first["slope_ppm"]
    for cell in found["cells"]:
        # The gain is response x slope, rounded up once.
        times = Fraction(cell["response_ppm_per_unit"] * cell["slope_ppm"], of_one)
        assert -1 < times * first["steepest_gain_ppm"] - cell["steepest_gain_ppm"] < times
        assert cell["standing_gain_ppm"] <= cell["steepest_gain_ppm"]
        if cell["steepest_gain_ppm"] < 900_000:
            assert cell["mark"] == "settled"


def test_a_sweep_reads_as_a_table_and_is_drawn(market, capsys, tmp_path):
    picture = tmp_path / "sweep.svg"
    call_command(*ASKED, "--response", "10", "--slope", "100..200", "--out", str(picture))
    said = capsys.readouterr().out
    assert "tiny, 2024-01-01 17:30 GMT, office" in said
    assert "S settled, B bounded, O oscillating" in said
    assert "cells settle; every price stays within floor and cap." in said
    root = ET.fromstring(picture.read_text())
    assert root.tag.endswith("svg")
    assert "Where the loop settles, tiny" in root[0].text


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        (("--product", "home", "--time", "17:31"), ("no-flexible-product", "no-such-interval")),
        (("--product", "farm"), ("no-flexible-product",)),
        (("--steps", "51", "--response", "1..100", "--slope", "1..100"), ("too-many-cells",)),
    ],
)
def test_what_cannot_be_swept_is_refused_with_every_finding(market, more, codes):
    with pytest.raises(CommandError) as refused:
        call_command(*ASKED, *more)
    for code in codes:
        assert f"[{code}]" in str(refused.value)


def test_ends_that_are_no_span_are_refused(market):
    for text in ("0..5", "9..3", "a", "1..99999"):
        with pytest.raises(CommandError, match=r"LOW\.\.HIGH"):
            call_command(*ASKED, "--response", text)
