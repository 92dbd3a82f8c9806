"""The law of a market, compiled for its state machine."""

import datetime as dt
import uuid
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from common.refusals import Refused
from market.core.events import Kind
from market.core.forward import Horizon
from market.core.machine import Cause, Machine
from market.rules import law_digest, online_market, required_online_market
from rulebook.digest import document_digest
from rulebook.documents import Document, MarketRules, Registration
from rulebook.resolve import PinnedVersion, RuleSet
from settlement.core.periods import interval_starts
from tests.market.asking import CAP, asks
from tests.market.streams import MINUTE_US, START_US, event, in_force, online
from tests.rulebook.law import GRID, POLICY, RULES, TERMS, body, made, scenario
from tests.settlement.core.examples import tiny_market

DAY = dt.date(2024, 1, 1)
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def pinned(document: Document, day: dt.date = DAY) -> PinnedVersion:
    """A version of a document, whatever it is called."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return PinnedVersion(
        uuid.uuid4(), document.instrument, document_digest(document), start, None, start
    )


def rules_with(online: dict | None, day: dt.date = DAY, **changes) -> RuleSet:
    """The law of the twelve-node market, with other rules of the market online."""
    values = body(RULES) | {"online": online} | changes
    values["clauses"] = values["clauses"][:1]
    law = scenario() | {RULES: made(values)}
    assert isinstance(law[RULES], MarketRules)
    return RuleSet(
        "gb12",
        day,
        tuple(pinned(document, day) for document in law.values()),
        law[RULES],
        law[GRID],
        law[POLICY],
        tuple(each for each in law.values() if isinstance(each, Registration)),
        (law["gb12/charge-list/isles-networks"],),
        law[TERMS],
    )


STATED = {"deadband_micro_per_mwh": 7, "accepted_delay_minutes": 3, "forward_hours": 24}


def test_the_part_of_the_law_that_is_of_the_market_online_is_in_the_machines_units():
    market = online_market(rules_with(STATED | {"tick_seconds": 60}))
    assert market.deadband_micro_per_mwh == 7
    assert market.accepted_delay_us == 3 * 60 * 10**6
    assert market.tick_us == 60 * 10**6
    assert market.forward_hours == 24
    assert len(market.suppliers) == len(market.model.supply_points)
    answers = {
        point.supply_point: each.participant
        for each in scenario().values()
        if isinstance(each, Registration)
        for point in each.supply_points
    }
    assert dict(zip(market.model.supply_points, market.suppliers, strict=True)) == answers
    assert (market.zone, market.late_after_days) == ("Europe/London", 5)
    assert online_market(rules_with(STATED)).tick_us == 0


@pytest.mark.parametrize("minutes", [15, 30, 60])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Europe/London", "UTC"])
def test_intervals_begin_at_local_midnight_as_those_of_settlement_do(zone, minutes):
    changes = {"time_zone": zone, "interval_minutes": minutes}
    market = online_market(rules_with(STATED, **changes))
    summer = online_market(rules_with(STATED, dt.date(2024, 7, 1), **changes))
    assert market.offset_us == summer.offset_us
    starts = [
        int(start.timestamp()) * 10**6
        for day in (dt.date(2024, 3, 31), dt.date(2024, 4, 1))
        for start in interval_starts(day, zone, minutes)
    ]
    for start, end in pairwise(starts):
        for at_us in (start, start + 1, end - 1):
            assert market.step_end_us(at_us) == end
            assert market.interval_start_us(at_us) == start
        assert market.is_interval_end(end) and not market.is_interval_end(end - 1)
        horizon = Horizon.after(end - 1, market)
        assert horizon.first_minute * 60 * 10**6 == end
        assert horizon.begins_one(start // (60 * 10**6))
    ticking = replace(market, tick_us=300 * 10**6)
    assert ticking.step_end_us(starts[0]) == starts[0] + 300 * 10**6


def test_prices_are_published_at_the_ends_of_local_intervals_and_windows_are_of_them():
    """An hour in Kathmandu begins a quarter past one of UTC."""
    zone = {"zone": "Asia/Kathmandu", "offset_us": 15 * MINUTE_US}
    market = online(tiny_market(), **zone)
    market = replace(market, model=replace(market.model, interval_minutes=60))
    machine = Machine({"law": market})
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
    said = asks("home", 1_000, 1_000, 60, 240, CAP, key="asked")
    (record,) = machine.take([said]).booking_records
    assert [(each.start_minute - START_US // MINUTE_US) % 60 for each in record.placed] == [15]
    told = machine.take([event(Kind.CLOCK, at_us=START_US + 20 * MINUTE_US)]).publications
    assert (told[0].cause, told[0].at_us) == (Cause.INTERVAL_END, START_US + 15 * MINUTE_US)


def test_a_market_without_that_part_is_not_online():
    rules = rules_with(None)
    assert online_market(rules) is None
    with pytest.raises(Refused) as refused:
        required_online_market(rules)
    (finding,) = refused.value.findings
    assert finding.code == "market-not-online"
    assert "gb12/market-rules" in finding.place and "2024-01-01" in finding.value
    assert required_online_market(rules_with(STATED)).digest == law_digest(rules_with(STATED))


def test_lines_stand_in_the_order_of_the_compiled_grid():
    rules = rules_with(STATED)
    market = online_market(rules)
    of_line = {line.line: line for line in rules.grid_model.lines}
    ratings = [of_line[name].rating_w for name in market.lines]
    assert np.array_equal(market.model.grid.rating_w, ratings)
    assert len(of_line) == len(market.lines)


def test_the_law_has_another_digest_where_any_document_is_another_and_no_other():
    rules = rules_with(STATED)
    assert law_digest(rules) == online_market(rules).digest
    # Another version of the same words, from another day on, is the same law.
    assert law_digest(rules_with(STATED, day=dt.date(2024, 2, 1))) == law_digest(rules)
    assert law_digest(rules_with(STATED, title="Other words")) != law_digest(rules)
    fewer = replace(rules, versions=rules.versions[1:])
    swapped = replace(rules, versions=rules.versions[::-1])
    assert law_digest(fewer) != law_digest(rules) == law_digest(swapped)
