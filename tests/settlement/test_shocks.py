"""Each shock by hand on the tiny market, and every finding about an overlay."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from common.refusals import Refused
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.model import DayReadings
from settlement.rules.compile import compile_market
from settlement.studies.checks import overlay_findings
from settlement.studies.made_readings import _delivered_wh, without_called_reserve
from settlement.studies.overlay import read_overlay
from settlement.studies.shocks import overlaid_periods, overlaid_readings
from tests.conftest import ROOT
from tests.settlement.study_cases import overlay, response
from tests.worlds import tiny_market

DAY, NEXT = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
RULES = RuleSet(
    "tiny", DAY, (), tiny_market.market_rules(), tiny_market.grid_model(),
    tiny_market.allocation_policy(), tuple(tiny_market.registrations()),
)  # fmt: skip
POINTS = ("B-home", "B-office", "C-home", "C-office")


def readings(day=DAY, intervals=48):
    """U1 to U4 have 101, 201, 301 and 401 W; each point takes 999 Wh and B-office exports 999."""
    available = np.array([[101], [201], [301], [401]]).repeat(intervals, axis=1)
    demand = np.array([[999], [-999], [999], [999]]).repeat(intervals, axis=1)
    return DayReadings(day, np.zeros_like(available), available, demand, available // 2)


def shocked(day=DAY, intervals=48, **shocks):
    return overlaid_readings(RULES, overlay(**shocks), readings(day, intervals))


def test_an_outage_rounds_what_is_left_down_and_bounds_the_reserve():
    made = shocked(outages=[{"units": ["U2", "U4"], "lost_ppm": 500_001}])
    assert made.available_w[:, 0].tolist() == [101, 100, 301, 200]
    assert made.reserve_w[:, 0].tolist() == [50, 100, 150, 200]
    assert shocked(outages=[{"units": ["U2"]}]).available_w[1].tolist() == [0] * 48


def test_a_drought_leaves_a_part_to_a_technology_after_any_outage():
    made = shocked(
        outages=[{"units": ["U1"], "lost_ppm": 500_000}],
        wind_droughts=[{"left_ppm": 100_000}],
    )
    assert made.available_w[:, 0].tolist() == [5, 201, 301, 401]  # 101 -> 50 -> 5


def test_a_surge_scales_what_is_taken_and_leaves_what_is_exported():
    made = shocked(demand_surges=[{"nodes": ["B"], "factor_ppm": 1_100_000}])
    assert made.demand_wh[:, 0].tolist() == [1_098, -999, 999, 999]
    made = shocked(demand_surges=[{"products": ["home"], "factor_ppm": 500_000}])
    assert made.demand_wh[:, 0].tolist() == [499, -999, 499, 999]


def test_hours_are_those_of_the_local_clock():
    surge = {"factor_ppm": 2_000_000, "from_time": "01:30", "to_time": "02:30"}
    assert np.flatnonzero(shocked(demand_surges=[surge]).demand_wh[0] > 999).tolist() == [3, 4]
    # On 31 March 2024 the hour from 01:00 is not there; on 27 October it is told twice.
    spring = shocked(dt.date(2024, 3, 31), 46, demand_surges=[surge])
    assert np.flatnonzero(spring.demand_wh[0] > 999).tolist() == [2]
    autumn = shocked(dt.date(2024, 10, 27), 50, demand_surges=[surge])
    assert np.flatnonzero(autumn.demand_wh[0] > 999).tolist() == [3, 5, 6]


def test_a_shock_holds_on_its_days_alone():
    outage = {"units": ["U1"], "first_day": NEXT, "last_day": NEXT}
    assert shocked(outages=[outage]).available_w[0, 0] == 101
    assert shocked(NEXT, outages=[outage]).available_w[0, 0] == 0
    assert overlaid_readings(RULES, None, readings()).available_w[0, 0] == 101


def test_fuel_prices_change_offers_and_part_the_days_into_stretches():
    fuel = {"technologies": ["gas"], "units": ["U3"], "factor_ppm": 1_500_000}
    made = overlaid_periods(
        [RulePeriod(DAY, NEXT, RULES)],
        overlay(fuel_prices=[fuel | {"added_micro_per_mwh": 7, "first_day": NEXT}]),
    )
    assert [(first, last) for first, last, _ in made] == [(DAY, DAY), (NEXT, NEXT)]
    offers = [offers_of(rules) for _, _, rules in made]
    assert offers[0] == [0, 90_000_000, 70_000_000, 95_000_000]
    assert offers[1] == [0, 135_000_007, 105_000_007, 142_500_007]


def offers_of(rules):
    model = compile_market(
        rules.market_rules, rules.grid_model, rules.allocation_policy, rules.registrations
    )
    return model.offer_micro_per_mwh.tolist()


def test_a_line_outage_lowers_both_ratings():
    ((_, _, rules),) = overlaid_periods(
        [RulePeriod(DAY, NEXT, RULES)],
        overlay(line_outages=[{"lines": ["A-B"], "left_ppm": 333_333}]),
    )
    ratings = [(line.rating_w, line.reverse_rating_w) for line in rules.grid_model.lines]
    assert ratings == [(16_666_650, 16_666_650), (30_000_000, 30_000_000)]


def test_reserve_is_called_where_more_is_served_with_it_and_not_where_a_line_is_full():
    """Half hours in which 60, 70 and 90 MW are asked for at C, behind a line of 30 MW from B."""
    model = compile_market(
        RULES.market_rules, RULES.grid_model, RULES.allocation_policy, RULES.registrations
    )
    mw = 1_000_000
    available_w = np.array([60 * mw, 80 * mw, 20 * mw, 50 * mw])[:, None].repeat(3, axis=1)
    held_w = np.array([[0, 0, 0], [20, 20, 20], [0, 0, 0], [20, 20, 0]]) * mw
    asked_wh = np.zeros((4, 3), dtype=np.int64)
    asked_wh[POINTS.index("C-home")] = np.array([60, 70, 90]) * mw // 2
    day = DayReadings(DAY, np.zeros_like(available_w), available_w, asked_wh, held_w)
    is_storage = np.array([False, False, True, False])
    found = without_called_reserve(model, is_storage, day, asked_wh).reserve_w
    # 60 is 30 of the line and 30 of what U4 does not hold; of 70 U4 gives 10 that it held.
    assert (found[:, 0] == held_w[:, 0]).all() and not found[:, 1].any()
    assert (found[:, 2] == held_w[:, 2]).all(), "what U2 holds cannot be brought to C"
    nobody = replace(day, reserve_w=None)
    assert without_called_reserve(model, is_storage, nobody, asked_wh) is nobody


def test_what_dispatch_leaves_unserved_is_shared_by_what_may_be_taken():
    unserved_wh, spilled_wh = np.array([[10], [11], [0]]), np.array([[0], [0], [4]])
    allowed_wh = np.array([[30], [60], [-5], [10], [-9], [3]])
    delivered = _delivered_wh(np.array([0, 0, 0, 1, 2, 2]), allowed_wh, unserved_wh, spilled_wh)
    assert delivered.ravel().tolist() == [27, 53, -5, 0, -5, 3]


REFUSED = [
    ({"outages": [{"units": ["U9"]}]}, ["unknown-units"]),
    ({"wind_droughts": [{"technologies": ["wave"], "left_ppm": 1}]}, ["unknown-technologies"]),
    ({"demand_surges": [{"nodes": ["Z"], "products": ["farm"], "factor_ppm": 1}]},
     ["unknown-nodes", "unknown-products"]),
    ({"line_outages": [{"lines": ["C-D"]}]}, ["unknown-lines"]),
    ({"fuel_prices": [{"factor_ppm": 2_000_000}]}, ["nothing-named"]),
    ({"fuel_prices": [{"units": ["U2"], "added_micro_per_mwh": 100_000_000_000}]},
     ["offer-too-high"]),
    ({"outages": [{"units": ["U1"], "first_day": dt.date(2025, 1, 1)}]}, ["shock-outside-study"]),
    ({"outages": [{"units": ["U1"], "last_day": dt.date(2023, 1, 1)}]}, ["shock-outside-study"]),
    ({"outages": [{"units": ["U1"], "first_day": NEXT, "last_day": DAY}]}, ["days-in-order"]),
    ({"outages": [{"units": ["U1"], "first_day": dt.date(2025, 1, 1),
                   "last_day": dt.date(2025, 1, 2)}]}, ["shock-outside-study"]),
    ({"outages": [{"units": ["U1"], "from_time": "12:00", "to_time": "12:00"}]},
     ["times-in-order"]),
    ({"price_responses": [response(products=["home"])]}, ["response-of-essential-demand"]),
    ({"price_responses": [response(products=["farm"])]}, ["unknown-products"]),
    ({"price_responses": [response(last_day=DAY), response(first_day=DAY)]}, ["two-responses"]),
    ({"price_responses": [response(last_day=DAY), response(first_day=NEXT)]}, []),
    ({"outages": [{"units": ["U8"]}, {"units": ["U1"], "from_time": "13:00", "to_time": "12:00"}]},
     ["unknown-units", "times-in-order"]),
]  # fmt: skip


@pytest.mark.parametrize(("shocks", "codes"), REFUSED)
def test_an_overlay_that_does_not_fit_is_refused_with_every_finding(shocks, codes):
    found = overlay_findings(overlay(**shocks), [RulePeriod(DAY, NEXT, RULES)], "o.yaml")
    assert [finding.code for finding in found] == codes
    assert all(finding.place.startswith("o.yaml: ") for finding in found)


BAD = {
    "kind: overlay\ntitle: T\nreason: R\n": ["no-shock"],
    "kind: overlay\nreason: R\noutages:\n  - {unit: [U1]}\n":
        ["missing-field", "missing-field", "unknown-field"],
    "kind: overlay\ntitle: T\nreason: R\noutages:\n  - {units: [U1], lost_ppm: 1_000_001}\n":
        ["too-large"],
    "kind: overlay\ntitle: T\nreason: R\ndemand_surges:\n"
    "  - {factor_ppm: 1.1, from_time: 4pm}\n": ["not-well-formed", "not-an-integer"],
    "- a\n": ["not-a-document"],
    "a: [\n": ["not-yaml"],
    "": ["empty-file"],
}  # fmt: skip


@pytest.mark.parametrize(("content", "codes"), BAD.items())
def test_a_file_that_is_no_overlay_is_refused_with_every_finding(tmp_path, content, codes):
    file = tmp_path / "overlay.yaml"
    file.write_text(content)
    with pytest.raises(Refused) as refused:
        read_overlay(file)
    assert sorted(found.code for found in refused.value.findings) == sorted(codes)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refused) as refused:
        read_overlay(tmp_path / "none.yaml")
    assert [found.code for found in refused.value.findings] == ["file-not-readable"]


def test_an_overlay_without_a_response_keeps_the_digest_that_it_had():
    assert "price_responses" not in overlay(outages=[{"units": ["U1"]}]).body
    assert "price_responses" in overlay(price_responses=[response()]).body


@pytest.mark.parametrize("file", sorted((ROOT / "scenarios" / "overlays").glob("*.yaml")))
def test_the_ready_overlays_read(file):
    assert any(read_overlay(file).shocks)
