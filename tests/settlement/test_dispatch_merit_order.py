"""The merit-order check: each reason by hand, and that least cost has nothing unexplained."""

import dataclasses
import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.dispatch.least_cost import dispatch_day
from settlement.dispatch.merit_order import MeteredDay, Reason, check_merit_order
from settlement.dispatch.power_flow import unserved_by_power_flow_kw
from settlement.dispatch.report import MeritOrderReport, format_report
from settlement.dispatch.transfers import transfers_of
from tests.examples import tried
from tests.oracles.real_markets import great_britain
from tests.settlement.dispatch_cases import MW, MWH, integers, markets, model

CONGESTED = model(2, [(0, 1, 30, 0)], [(0, 12, 0, 0), (1, 90, 0, 0)])
LOOP = [(0, 1, 40, 500_000), (0, 2, 40, 500_000), (2, 1, 40, 500_000)]


def metered(made, generation_mwh, available_mw, demand_mwh, reserve_mw=None) -> MeteredDay:
    available_w = integers(*available_mw) * MW
    return MeteredDay(
        units=tuple(f"U{number}" for number in range(len(made.unit_node))),
        lines=tuple(f"L{number}" for number in range(len(made.line_from))),
        generation_wh=integers(*generation_mwh) * MWH,
        available_w=available_w,
        reserve_w=0 * available_w if reserve_mw is None else integers(*reserve_mw) * MW,
        demand_wh=integers(*demand_mwh) * MWH,
    )


def checked(made, *days, **more):
    return check_merit_order(made, metered(made, *days, **more))


def test_energy_in_merit_order_is_not_listed():
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0)])
    outcome = checked(made, [[60], [20]], [[60], [100]], [[80]])
    assert outcome.entries == ()
    assert outcome.generated_wh == 80 * MWH
    assert outcome.fuel_micro == outcome.least_fuel_micro == (60 * 12 + 20 * 90) * MW


def test_of_equal_offers_none_is_out_of_merit():
    made = model(units=[(0, 12, 0, 0), (0, 12, 0, 0)])
    assert checked(made, [[10], [70]], [[60], [100]], [[80]]).entries == ()


def test_a_full_line_explains_the_dearer_unit_behind_it():
    outcome = checked(CONGESTED, [[40], [20]], [[100], [100]], [[10], [50]])
    (entry,) = outcome.entries
    assert (entry.unit, entry.energy_wh, entry.instead_of) == ("U1", 20 * MWH, "U0")
    assert (entry.reason, entry.constraint) == (Reason.LINE, "L0")
    assert entry.shadow_price_micro_per_mwh == 78 * MW
    assert entry.node_price_micro_per_mwh == entry.offer_micro_per_mwh == 90 * MW


def test_of_two_lines_the_full_one_is_named():
    made = model(3, [(0, 1, 300, 0), (1, 2, 30, 0)], [(0, 12, 0, 0), (2, 90, 0, 0)])
    outcome = checked(made, [[40], [20]], [[100], [100]], [[10], [0], [50]])
    assert [entry.constraint for entry in outcome.entries] == ["L1"]


def test_the_line_of_a_loop_that_binds_is_named():
    made = model(3, LOOP, [(0, 12, 0, 0), (1, 90, 0, 0)])
    outcome = checked(made, [[60], [40]], [[200], [200]], [[0], [100], [0]])
    assert [entry.constraint for entry in outcome.entries] == ["L0"]
    # 1.5 MW more may leave node 0 for each MW of rating: 1.5 x (90 - 12).
    assert outcome.entries[0].shadow_price_micro_per_mwh == 117 * MW


def test_running_the_dearer_unit_while_the_cheaper_idles_is_unexplained():
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0)])
    outcome = checked(made, [[50], [30]], [[100], [100]], [[80]])
    (entry,) = outcome.entries
    assert (entry.reason, entry.energy_wh, entry.instead_of) == (Reason.UNEXPLAINED, 30 * MWH, "")
    assert outcome.energy_wh[Reason.UNEXPLAINED] == 30 * MWH
    assert outcome.fuel_micro - outcome.least_fuel_micro == 30 * 78 * MW


def test_a_cheaper_unit_that_stays_out_where_it_is_wanted_is_named():
    """The dear unit is needed for 10; the other 30 are those of the cheaper unit that idles."""
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0)])
    (entry,) = checked(made, [[20], [40]], [[50], [100]], [[60]]).entries
    assert (entry.unit, entry.reason, entry.instead_of) == ("U1", Reason.UNEXPLAINED, "U0")
    assert entry.energy_wh == 30 * MWH


def test_among_equal_offers_what_the_last_one_ran_is_out_of_merit():
    made = model(units=[(0, 90, 0, 0), (0, 12, 0, 0), (0, 90, 0, 0)])
    outcome = checked(made, [[20], [20], [25]], [[50], [50], [50]], [[65]])
    assert [(entry.unit, entry.energy_wh) for entry in outcome.entries] == [
        ("U2", 25 * MWH),
        ("U0", 5 * MWH),
    ]


def test_reserve_explains_up_to_what_is_held():
    made = model(units=[(0, 12, 0, 0), (0, 90, 0, 0)])
    outcome = checked(made, [[70], [10]], [[100], [100]], [[80]], reserve_mw=[[30], [0]])
    (entry,) = outcome.entries
    assert (entry.reason, entry.constraint, entry.energy_wh) == (Reason.RESERVE, "U0", 10 * MWH)


def test_energy_stored_for_a_dearer_hour_explains_the_dearer_unit_now():
    """Half full at 20: gives all of it, and what it is charged with, in the hour priced 90."""
    made = model(units=[(0, 5, 40, 1_000_000), (0, 50, 0, 0), (0, 90, 0, 0)])
    available = [[100, 100], [80, 80], [100, 100]]
    outcome = checked(made, [[-20, 20], [80, 80], [0, 10]], available, [[60, 110]])
    storage = [entry for entry in outcome.entries if entry.interval == 0]
    assert {(entry.unit, entry.reason, entry.constraint) for entry in storage} == {
        ("U1", Reason.STORAGE, "U0")
    }
    assert storage[0].shadow_price_micro_per_mwh >= 45 * MW


def test_losses_are_made_up_before_a_unit_is_called_unneeded():
    """Of 61 MWh generated 1 is lost; five sixths of it at node 1, so U2 is needed there."""
    made = model(2, [(0, 1, 30, 0)], [(0, 12, 0, 0), (1, 90, 0, 0), (1, 100, 0, 0)])
    outcome = checked(made, [[40], [20], [1]], [[100], [20], [20]], [[10], [50]])
    assert {(entry.unit, entry.reason) for entry in outcome.entries} == {
        ("U1", Reason.LINE),
        ("U2", Reason.LINE),
    }


@pytest.mark.real_data
def test_a_real_day_at_least_cost_is_explained_by_lines_and_storage():
    market = great_britain("gb12-published", dt.date(2024, 1, 2), dt.date(2024, 1, 2))
    made = market.model
    generation_wh = dispatch_day(made, market.available_w, market.demand_wh).generation_wh
    day = MeteredDay(
        units=tuple(map(str, range(len(made.unit_node)))),
        lines=tuple(map(str, range(len(made.line_from)))),
        generation_wh=generation_wh,
        available_w=market.available_w,
        reserve_w=np.zeros_like(generation_wh),
        demand_wh=market.demand_wh,
    )
    energy_wh = check_merit_order(made, day).energy_wh
    assert energy_wh[Reason.UNEXPLAINED] == 0
    assert energy_wh[Reason.LINE] > 0 and energy_wh[Reason.STORAGE] > 0


def test_bad_input_is_refused():
    good = metered(CONGESTED, [[40], [20]], [[100], [100]], [[10], [50]])
    for change, words in (
        ({"generation_wh": integers([1])}, "generation_wh: shape"),
        ({"units": ("U0",)}, "do not fit"),
        ({"reserve_w": integers([-1], [0])}, "reserve of -1 W"),
        ({"available_w": integers([-1], [0])}, "it is not negative"),
    ):
        with pytest.raises(ValueError, match=words):
            check_merit_order(CONGESTED, dataclasses.replace(good, **change))


@settings(max_examples=tried(150))
@given(markets())
def test_least_cost_dispatch_has_nothing_unexplained(market):
    made, available_w, demand_wh = market
    generation_wh = dispatch_day(made, available_w, demand_wh).generation_wh
    names = metered(made, [[0]] * len(made.unit_node), [[0]], [[0]])
    day = dataclasses.replace(
        names,
        generation_wh=generation_wh,
        available_w=available_w,
        reserve_w=0 * available_w,
        demand_wh=demand_wh,
    )
    outcome = check_merit_order(made, day)
    assert outcome.energy_wh[Reason.UNEXPLAINED] <= 2 * generation_wh.size
    by_unit = np.zeros_like(generation_wh)
    for entry in outcome.entries:
        by_unit[day.units.index(entry.unit), entry.interval] += entry.energy_wh
    assert (by_unit <= np.maximum(generation_wh, 0)).all()


@settings(max_examples=tried(150))
@given(markets(), st.integers(0, 10**6))
def test_all_energy_out_of_merit_is_listed_with_what_explains_it_or_flagged(market, seed):
    """Whatever units ran and held: entries are what ran beyond merit, and say why in full."""
    made, available_w, demand_wh = market
    random = np.random.default_rng(seed)
    could_wh = available_w // 2
    names = metered(made, [[0]] * len(made.unit_node), [[0]], [[0]])
    day = dataclasses.replace(
        names,
        generation_wh=random.integers(-2, 11, available_w.shape) * could_wh // 10,
        available_w=available_w,
        reserve_w=random.integers(0, 3, available_w.shape) * available_w // 5,
        demand_wh=demand_wh,
    )
    outcome = check_merit_order(made, day)
    listed = {(t, offer): 0 for t in range(demand_wh.shape[1]) for offer in offers_of(made)}
    for entry in outcome.entries:
        listed[entry.interval, entry.offer_micro_per_mwh] += entry.energy_wh
    assert listed == beyond_merit(made, day)
    for entry in outcome.entries:
        assert entry.energy_wh > 0
        assert_explained(made, day, entry)


def offers_of(made) -> list[int]:
    return sorted(set(made.offer_micro_per_mwh.tolist()))


def beyond_merit(made, day: MeteredDay) -> dict[tuple[int, int], int]:
    """By interval and offer: what units ran beyond the part that merit order has for them."""
    found = {}
    for t in range(day.demand_wh.shape[1]):
        ran = np.maximum(day.generation_wh[:, t], 0)
        left = int(ran.sum())
        for offer in offers_of(made):
            alike = made.offer_micro_per_mwh == offer
            could = int(np.maximum(day.available_w[alike, t] // 2, ran[alike]).sum())
            merit = min(left, could)
            left -= merit
            found[t, offer] = max(0, int(ran[alike].sum()) - merit)
    return found


def assert_explained(made, day: MeteredDay, entry) -> None:
    """A reason names what it rests on: a line, or the cheaper unit that holds back or stores."""
    cheaper = day.units.index(entry.instead_of) if entry.instead_of else None
    if cheaper is not None:
        assert made.offer_micro_per_mwh[cheaper] < entry.offer_micro_per_mwh
        idle_wh = day.available_w[cheaper, entry.interval] // 2
        idle_wh -= max(0, int(day.generation_wh[cheaper, entry.interval]))
        assert entry.energy_wh <= idle_wh
    match entry.reason:
        case Reason.LINE:
            assert cheaper is not None
            places = made.unit_node[[cheaper, day.units.index(entry.unit)]]
            is_joined = bool(transfers_of(made).joined[tuple(places)])
            assert (entry.constraint in day.lines) == is_joined
            assert (entry.shadow_price_micro_per_mwh > 0) == is_joined  # the line is full
        case Reason.RESERVE:
            assert entry.constraint == entry.instead_of != ""
            assert entry.energy_wh <= day.reserve_w[cheaper, entry.interval] // 2
        case Reason.STORAGE:
            assert entry.constraint == entry.instead_of != ""
            assert made.storage_wh[cheaper] and entry.shadow_price_micro_per_mwh > 0
        case Reason.UNEXPLAINED:
            assert entry.constraint == ""


@settings(max_examples=tried(60))
@given(markets())
def test_power_flow_never_serves_more_than_line_ratings(market):
    made, available_w, demand_wh = market
    less_kw = unserved_by_power_flow_kw(made, available_w, demand_wh)
    assert less_kw.shape == demand_wh.shape[1:] and (less_kw >= 0).all()
    if not made.reactance_ppm.any():
        assert not less_kw.any()


def test_a_loop_serves_less_by_power_flow():
    """Line ratings bring 80 to node 1; by power flow the direct line is full at 60."""
    made = model(3, LOOP, [(0, 12, 0, 0)])
    less_kw = unserved_by_power_flow_kw(
        made, integers([200, 200]) * MW, integers([0, 0], [100, 50], [0, 0]) * MWH
    )
    assert less_kw.tolist() == [20_000, 0]


def test_a_transfer_around_a_loop_splits_by_reactance():
    transfers = transfers_of(model(3, LOOP))
    assert transfers.flow[:, 0] - transfers.flow[:, 1] == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert transfers.strongest_line(np.array([1.0, 3.0, 0.0]), 0, 1) == 1
    assert transfers.strongest_line(np.zeros(3), 0, 1) is None


def test_islands_are_told_apart():
    transfers = transfers_of(model(4, [(0, 1, 30, 0), (3, 2, 30, 500_000)]))
    assert transfers.joined.astype(int).tolist() == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 1, 1],
        [0, 0, 1, 1],
    ]
    assert transfers.strongest_line(np.ones(2), 0, 3) is None


def test_a_dearer_unit_that_no_line_reaches_is_explained_without_a_line():
    made = model(2, [], [(0, 12, 0, 0), (1, 90, 0, 0)])
    (entry,) = checked(made, [[10], [50]], [[100], [100]], [[10], [50]]).entries
    assert (entry.reason, entry.constraint, entry.instead_of) == (Reason.LINE, "", "U0")


def test_the_report_reads_from_totals_to_causes():
    outcome = checked(CONGESTED, [[40], [20]], [[100], [100]], [[10], [50]])
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    report = MeritOrderReport(
        "tiny", dt.date(2024, 1, 1), "GBP", (start,), outcome, integers(20_000)
    )
    text = "\n".join(format_report(report))
    assert "out of merit             20.000000 MWh" in text
    assert "at most 20,000 kW less:" in text
    assert (
        "line                  20.000000 MWh of U1 offered at 90.00, in 1 of 1 intervals, "
        "00:00Z to 00:00Z: line L0 is full, U0 is behind it, 78.00 to 78.00 per MWh"
    ) in text
