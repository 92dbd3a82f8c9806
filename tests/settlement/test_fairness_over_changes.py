"""Fairness reports over days on which the law, a supplier or an owner became another."""

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.baselines.day import PricedDay
from settlement.fairness.make import FairnessRequest, make_report
from settlement.fairness.prices_of_days import figures_of_days, intervals_at_bounds
from settlement.fairness.public import coarse, own_part, public_part
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    FAIR_PLAY,
    FIRST,
    LAST,
    MIDDLE,
    ingest_month_end,
    law_with,
    publish_with,
    settle_month_end,
)
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import PUBLISHED, publish_tiny

MINUTE = dt.timedelta(minutes=1)
POINT, BEFORE, AFTER = "B-home", "cedar", "doric"
UNIT, OWNED_BEFORE, OWNED_AFTER = "U3", "alder", "birch"
SERVED_BY = ("allocation-policy", "market-rules")
ADDED = (
    "desired_wh", "matured_wh", "missed_wh", "taken_wh", "charged_micro", "shortfall_wh",
)  # fmt: skip
EARNED = ("paid_micro", "pots_micro", "fuel_micro", "fixed_micro", "capital_micro")


@pytest.fixture
def session(database_engine):
    with rolled_back(database_engine) as opened:
        yield opened


def moved(of, name, old, new):
    """Return who has what, after something went from one to another."""
    return {
        owner: [each for each in names if (owner, each) != (old, name)] + [name] * (owner == new)
        for owner, names in of.items()
    }


def of_days(session, first, last):
    return make_report(session, FairnessRequest("tiny", first, last)).report


def rows_of(report, table, name):
    column = {"supply_points": "supply_point", "units": "unit"}[table]
    return {row["participant"]: row for row in report[table] if row[column] == name}


def test_who_takes_a_supply_point_over_is_told_nothing_of_the_days_before(session):
    publish_with(session, FAIR_PLAY, "flexible")
    after = moved(tiny_market.SUPPLIERS, POINT, BEFORE, AFTER)
    changed = [each for each in tiny_market.registrations(suppliers=after) if each.supply_points]
    publish_tiny(session, changed, valid_from=LAST, known=PUBLISHED + MINUTE)
    ingest_month_end(session)
    settle_month_end(session)
    whole, last = of_days(session, FIRST, LAST), of_days(session, LAST, LAST)
    before = of_days(session, FIRST, MIDDLE)
    rows = rows_of(whole, "supply_points", POINT)
    assert rows[AFTER] == rows_of(last, "supply_points", POINT)[AFTER]
    alone = rows_of(before, "supply_points", POINT)[BEFORE]
    assert all(rows[BEFORE][name] == alone[name] for name in ADDED)
    assert rows[BEFORE]["owed_wh"] == 0
    own = json.dumps(own_part(whole, AFTER))
    assert str(alone["charged_micro"]) not in own
    assert str(alone["charged_micro"] + rows[AFTER]["charged_micro"]) not in own
    # It is one supply point all the same: its households count once.
    count = {row["product"]: row["household_count"] for row in whole["products"]}
    assert count["home"] == 20_000
    assert whole["owed_wh"] == last["owed_wh"]
    for name in ("charged_micro", "taken_wh"):
        for row in whole["products"]:
            points = [p for p in whole["supply_points"] if p["product"] == row["product"]]
            assert row[name] == sum(point[name] for point in points)


def test_who_takes_a_unit_over_is_told_nothing_of_the_days_before(session, monkeypatch):
    publish_with(session, FAIR_PLAY, "flexible")
    after = moved(tiny_market.OWNERS, UNIT, OWNED_BEFORE, OWNED_AFTER)
    monkeypatch.setattr(tiny_market, "OWNERS", after)
    changed = [each for each in tiny_market.registrations() if each.units]
    publish_tiny(session, changed, valid_from=LAST, known=PUBLISHED + MINUTE)
    ingest_month_end(session)
    settle_month_end(session)
    whole, last = of_days(session, FIRST, LAST), of_days(session, LAST, LAST)
    rows = rows_of(whole, "units", UNIT)
    alone = rows_of(last, "units", UNIT)[OWNED_AFTER]
    assert all(rows[OWNED_AFTER][name] == alone[name] for name in EARNED)
    assert rows[OWNED_AFTER]["generated_wh"] == alone["generated_wh"]
    assert rows[OWNED_BEFORE]["paid_micro"] > 0
    for name in ("reward_share_ppm", "shapley_share_ppm"):
        told = [row[name] for row in whole["units"] if row[name] is not None]
        assert 1_000_000 - len(told) < sum(told) <= 1_000_000
    technology = {row["technology"]: row for row in whole["technologies"]}["battery"]
    assert technology["units"] == 1
    assert technology["paid_micro"] == sum(row["paid_micro"] for row in rows.values())


def test_no_margin_is_told_of_a_month_that_is_not_met_whole(session):
    publish_with(session, FAIR_PLAY, "flexible")
    ingest_month_end(session)
    settle_month_end(session)
    report = of_days(session, FIRST, LAST)
    assert report["promises"] == 0
    assert any(row["delivered_ppm"] < row["promised_ppm"] for row in report["groups"])
    values = {row["code"]: row["value"] for row in report["figures"]}
    assert values["lowest_margin_ppm"] is values["promises_kept_ppm"] is None


def test_other_designs_are_compared_on_the_days_under_fair_play(session):
    publish_tiny(session, [*tiny_market.documents()])
    served_by = [each for each in law_with(FAIR_PLAY) if each.kind in SERVED_BY]
    publish_tiny(session, served_by, valid_from=MIDDLE, known=PUBLISHED + MINUTE)
    ingest_month_end(session)
    settle_month_end(session)
    whole, served, first = (
        make_report(session, FairnessRequest("tiny", *days, with_baselines=True)).report
        for days in ((FIRST, LAST), (MIDDLE, LAST), (FIRST, FIRST))
    )
    rows = [{row["code"]: row for row in report["figures"]} for report in (whole, served, first)]
    for code in ("refused_wh", "lowest_access_ppm", "jain_of_nodes_ppm"):
        assert rows[0][code]["value"] == rows[1][code]["value"]
        assert rows[0][code]["designs"] == rows[1][code]["designs"]
    # Of the day without, nothing is known of the market's; others serve it all the same.
    assert rows[2]["refused_wh"]["value"] is None
    assert rows[2]["refused_wh"]["designs"]["nodal"] > 0


def test_nobody_solves_anothers_energy_from_what_was_delivered(session):
    publish_with(session, FAIR_PLAY, "flexible")
    ingest_month_end(session)
    settle_month_end(session)
    report = of_days(session, FIRST, LAST)
    # One supplies the homes and one the offices, which knows its own energy.
    due = {row["product"]: row["matured_wh"] for row in report["products"]}
    for told, is_near in ((report, True), (report["public"], False)):
        delivered = {row["product"]: row["delivered_ppm"] for row in told["products"]}
        (of_all,) = [
            row["delivered_ppm"]
            for row in told["places"]
            if row["layer"] == "system" and row["product"] is None
        ]
        # As exactly as the ppm allow.
        low, high = min(delivered.values()), max(delivered.values())
        assert low <= of_all <= high
        part = (of_all - delivered["office"]) / ((delivered["home"] - delivered["office"]) or 1)
        solved = due["office"] * part / (1 - part or 1)
        assert (abs(solved - due["home"]) < due["home"] / 100) is is_near
    # What each was promised where it is, everybody reads to the ppm.
    assert [row["delivered_ppm"] for row in report["public"]["groups"]] == [
        row["delivered_ppm"] for row in report["groups"]
    ]


@given(st.dictionaries(st.integers(0, 1_000_000), st.integers(1, 1_000), min_size=1, max_size=8))
def test_a_coarse_mean_lies_among_its_parts_and_is_exact_where_they_are_alike(weights):
    mean = sum(part * weight for part, weight in weights.items()) // sum(weights.values())
    told, spread = coarse(mean, list(weights)), max(weights) - min(weights)
    assert min(weights) <= told <= mean
    assert mean - told < 2 * spread + 1
    if spread <= 5:
        assert told == mean


def test_what_one_participant_alone_was_lacking_is_told_nobody(session):
    publish_with(session, FAIR_PLAY, "flexible")
    ingest_month_end(session)
    settle_month_end(session)
    report = of_days(session, FIRST, LAST)
    points = report["supply_points"]
    # Six participants alike, so that their sums may be told; one of them alone lacks what was due.
    alike = {**points[0], "product": "home", "shortfall_wh": 0}
    report["supply_points"] = [
        {**alike, "supply_point": f"S{n}", "participant": f"p{n}", "shortfall_wh": 7 * (n == 3)}
        for n in range(6)
    ]
    rows = {row["product"]: row for row in public_part(report)["products"]}
    assert rows["home"]["shortfall_wh"] is None
    for point in report["supply_points"]:
        point["shortfall_wh"] = 7
    rows = {row["product"]: row for row in public_part(report)["products"]}
    assert rows["home"]["shortfall_wh"] is not None


def test_an_interval_at_both_bounds_counts_once():
    prices = np.array([[0, 5, 9], [9, 5, 9]])
    days = [PricedDay(("A", "B"), prices, 0, 9), PricedDay(("A", "B"), prices, -1, 10)]
    assert intervals_at_bounds(days) == 2
    found = figures_of_days(days)
    assert (found.intervals_at_cap, found.intervals_at_floor) == (2, 1)
