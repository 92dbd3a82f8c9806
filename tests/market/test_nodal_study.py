"""`manage.py market study`: published prices beside nodal ones, of one state at each moment."""

import json
from fractions import Fraction
from itertools import pairwise
from math import isqrt

import numpy as np
import pytest
from django.core.management import call_command

from database.session import snapshot, transaction
from market import store
from market.core.events import Kind
from market.core.machine import Machine
from market.nodal_study import NodalMarket, State, moments
from portal import market_feed, market_study, signing
from portal.management import base
from portal.management.commands import market as market_command
from settlement.dispatch.model import DispatchModel
from tests.market.streams import MINUTE_US, START_US, event, in_force, online
from tests.market.test_feed import DAY, law_online
from tests.market.test_market_replay import lead_all
from tests.settlement.core.examples import tiny_market
from tests.worlds.settled import ingest_tiny, publish_tiny

FLOOR, CAP = 0, 6_000_000_000


def nodal_of(market) -> NodalMarket:
    """The tiny market's units at offers of their own, without minimum, ramp or storage."""
    model, none = market.model, np.zeros(len(market.model.units), dtype=np.int64)
    grid = model.grid
    fleet = DispatchModel(
        len(grid.nodes), grid.line_from, grid.line_to, grid.rating_w, grid.reverse_rating_w,
        np.zeros_like(grid.rating_w), model.unit_node,
        np.arange(1, len(model.units) + 1, dtype=np.int64) * 10_000_000,
        none, none, none, none, none, CAP, 30,
    )  # fmt: skip
    return NodalMarket.of(fleet, market.lines, market, (FLOOR, CAP))


def moments_of(market, batches):
    machine = Machine({"law": market})
    return list(moments(machine, batches, lambda batch: machine.take(batch).publications, "law"))


def test_the_price_of_a_state_is_that_of_the_unit_that_gives_more_and_the_cap_where_none_does():
    market = online(tiny_market())
    nodal, gas = nodal_of(market), market.model.units.index("gas")
    told = moments_of(
        market,
        [
            [in_force(), event(Kind.AVAILABILITY, "gas", 50_000)],
            [event(Kind.DEMAND, "home", 1_000)],
            [event(Kind.DEMAND, "home", 90_000_000)],
        ],
    )
    node = market.model.supply_point_node[market.model.supply_points.index("home")]
    prices = [nodal.prices(each.state).prices_micro_per_mwh[node] for each in told]
    assert prices[-1] == CAP and (gas + 1) * 10_000_000 in prices


def test_a_moment_at_the_end_of_an_interval_has_the_state_that_held_to_it():
    market = online(tiny_market())
    half_past = START_US + 30 * MINUTE_US
    told = moments_of(
        market,
        [
            [in_force(), event(Kind.AVAILABILITY, "gas", 5_000), event(Kind.DEMAND, "home", 900)],
            [event(Kind.DEMAND, "home", 4_900, at_us=half_past)],
        ],
    )
    home = market.model.supply_points.index("home")
    last = [(each.at_us, each.is_end, int(each.state.demand_w[home])) for each in told[-2:]]
    assert last == [(half_past, True, 900), (half_past, False, 4_900)]


def test_states_are_the_same_where_every_number_is():
    market = online(tiny_market())
    machine = Machine({"law": market})
    machine.take([in_force(), event(Kind.DEMAND, "home", 9)])
    before = State.of(machine.grid).key()
    line = market.lines[0]
    machine.take([event(Kind.LINE_RATING, line, 1, 2)])
    assert State.of(machine.grid).key() != before


@pytest.fixture
def fed(committed_database, monkeypatch):
    """The tiny market, with readings of a day of which its log knows nothing yet."""
    for module in (base, signing, market_command, market_feed):
        monkeypatch.setattr(module, "transaction", lambda: transaction(committed_database))
    monkeypatch.setattr(market_study, "snapshot", lambda: snapshot(committed_database))
    with transaction(committed_database) as session:
        publish_tiny(session, law_online())
        ingest_tiny(session)
    return committed_database


def studied(capsys, *words: str) -> dict:
    capsys.readouterr()
    call_command("market", "study", "tiny", "--day", str(DAY), "--json", *words)
    return json.loads(capsys.readouterr().out)


def test_a_day_of_the_log_is_studied_as_its_readings_were(fed, capsys, monkeypatch, tmp_path):
    of_readings = studied(capsys, "--out", str(tmp_path / "day.svg"))
    assert of_readings["source"] == "readings"
    assert "nodal marginal" in (tmp_path / "day.svg").read_text()
    call_command("market", "feed", "tiny", "--day", str(DAY), "--at-once")
    monkeypatch.setattr(store, "MOST_OF_A_BATCH", 1)  # as told one by one
    lead_all(fed)
    of_log = studied(capsys)
    assert of_log["source"] == "log" and of_log["law"] == of_readings["law"]
    assert len(of_log["interval_ends"]) == len(of_readings["interval_ends"]) == 48
    for one, other in zip(of_log["series"], of_readings["series"], strict=True):
        for place, same in zip(of_log["interval_ends"], of_readings["interval_ends"], strict=True):
            assert one["price_micro_per_mwh"][place] == other["price_micro_per_mwh"][same], one
    hold_to_series(of_readings)
    call_command("market", "study", "tiny", "--day", str(DAY))
    assert "Published prices lie within" in capsys.readouterr().out


def hold_to_series(told: dict) -> None:
    """Hold every figure to the series beside it, and ours to be bounded and without memory."""
    for each in told["figures"]:
        of_rows = [
            row["price_micro_per_mwh"]
            for row in told["series"]
            if (row["series"], row["layer"]) == (each["series"], each["layer"])
            and each["name"] in (None, row["name"])
        ]
        if each["over"] == "interval ends":
            of_rows = [[row[place] for place in told["interval_ends"]] for row in of_rows]
        every = [price for row in of_rows for price in row]
        steps = [abs(b - a) for row in of_rows for a, b in pairwise(row)]
        mean = Fraction(sum(every), len(every))
        squares = sum((price - mean) ** 2 for price in every) / len(every)
        assert each["mean_micro_per_mwh"] == mean.__floor__()
        assert each["deviation_micro_per_mwh"] == isqrt(squares.__floor__())
        assert each["mean_step_micro_per_mwh"] == sum(steps) // len(steps)
        assert each["moves"] == sum(step > told["deadband_micro_per_mwh"] for step in steps)
        assert each["at_cap"] == sum(price >= told["price_cap_micro_per_mwh"] for price in every)
        assert each["is_bounded"], each
    assert told["memory"]["exact_differ"] == 0
    assert told["moments"] == len(told["at_us"])
