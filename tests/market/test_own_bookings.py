"""The verifier's lines of a participant's bookings beside those that settlement makes."""

from dataclasses import replace

import numpy as np
import pytest

from settlement.core.booked import Booked
from settlement.core.booking_lines import Held, booking_charge_micro
from verifier.own_booked import check_booking, hold_charge, hold_late
from verifier.own_days import PPM, OwnDay
from verifier.report import Report
from verifier.results import Day

DAY, ENTITY, NODE = "2024-01-15", "7/shop", "N"
BOOKED_WH, DELIVERED_WH, REFUSED_WH = [100, 100], [80, 60], [20, 0]
BOOKED_PRICE, CHARGED_PRICE = [60, 60], [90, 40]
LATE_WH, LATE_PRICE = [0, 5], [0, 60 * PPM]
TAKEN_WH = [80, 3]
"""Of what is late in the second interval 2 Wh are fed in less."""


def own_day(charge: list[int], *, timing: str, has_fair_play: bool = True) -> OwnDay:
    settled = Day(b"")
    settled.vectors |= {
        (DAY, "booked_wh", ENTITY): BOOKED_WH,
        (DAY, "booking_delivered_wh", ENTITY): DELIVERED_WH,
        (DAY, "booking_refused_wh", ENTITY): REFUSED_WH,
        (DAY, "booking_late_wh", ENTITY): LATE_WH,
        (DAY, "booking_late_price_micro_per_mwh", ENTITY): LATE_PRICE,
        (DAY, "taken_wh", "shop"): TAKEN_WH,
        (DAY, "charge.booking_micro", ENTITY): charge,
        (DAY, "node_price_micro_per_mwh", NODE): [PPM * price for price in CHARGED_PRICE],
        (DAY, "node_sell_price_micro_per_mwh", NODE): [PPM * price // 2 for price in CHARGED_PRICE],
    }
    product = {"product": "P", "timing": timing, "window_minutes": 240}
    return OwnDay(
        "run",
        settled,
        "doric",
        {"supply_points": [{"supply_point": "shop", "node": NODE, "product": "P"}]},
        {"charging": [{"product": "P", "mode": "dynamic"}]}
        | ({"fair_play": {}} if has_fair_play else {}),
        {"products": [product], "interval_minutes": 30},
    )


def settled_charge(refused_ppm: int) -> list[int]:
    energy, delivered, refused = map(np.array, (BOOKED_WH, DELIVERED_WH, REFUSED_WH))
    late, late_price, taken = map(np.array, (LATE_WH, LATE_PRICE, TAKEN_WH))
    price = np.array(CHARGED_PRICE) * PPM
    return booking_charge_micro(
        Booked(7, 0, False, energy, np.array(BOOKED_PRICE) * PPM),
        Held(delivered, refused, energy - delivered - refused, late, late_price),
        (price, price // 2),
        np.maximum(taken, 0) * PPM,
        taken,
        PPM,
        refused_ppm,
    )


@pytest.mark.parametrize(
    ("timing", "has_fair_play", "refused_ppm"),
    [("flexible", True, 0), ("essential", True, PPM), ("flexible", False, PPM)],
)
def test_what_is_served_later_is_given_nothing_and_all_else_is(timing, has_fair_play, refused_ppm):
    prices = [price * PPM for price in BOOKED_PRICE]
    for ppm in (0, PPM):
        report = Report()
        day = own_day(settled_charge(ppm), timing=timing, has_fair_play=has_fair_play)
        hold_charge(DAY, day, ENTITY, prices, report)
        assert (report.findings == []) is (ppm == refused_ppm), report.findings


@pytest.mark.parametrize(
    ("late", "prices", "is_right"),
    [
        ([0, 20], [0, 60 * PPM], True),
        ([0, 21], [0, 60 * PPM], False),
        ([0, 5], [0, 61 * PPM], False),
        ([0, 0], [0, 60 * PPM], False),
        ([-1, 1], [60 * PPM, 60 * PPM], False),
    ],
)
def test_what_is_late_is_no_more_than_was_refused_at_a_price_that_was_booked(
    late, prices, is_right
):
    report, day = Report(), own_day([0, 0], timing="flexible")
    day.settled.vectors[DAY, "booking_late_wh", ENTITY] = late
    day.settled.vectors[DAY, "booking_late_price_micro_per_mwh", ENTITY] = prices
    hold_late(ENTITY, [(DAY, day)], [60 * PPM, 60 * PPM], report)
    assert (report.findings == []) is is_right


def test_what_another_run_refused_is_no_bound_of_what_is_late():
    """A day that was settled again may know of more that was served than those after it."""
    before, day = (own_day([0, 0], timing="flexible") for _ in range(2))
    for each, measure, row in ((before, "refused_wh", [0, 0]), (before, "late_wh", [0, 0]),
                               (before, "late_price_micro_per_mwh", [0, 0]),
                               (day, "refused_wh", [0, 0])):  # fmt: skip
        each.settled.vectors[DAY, f"booking_{measure}", ENTITY] = row
    for run_id in ("run", "another"):
        report = Report()
        of_run = replace(before, run_id=run_id)
        hold_late(ENTITY, [(DAY, of_run), (DAY, day)], [60 * PPM], report)
        assert (report.findings == []) is (run_id == "another")


def test_what_of_a_sale_is_not_fed_in_is_held_to_the_price_of_what_is_taken():
    buying, selling = np.array([100, 50]) * PPM, np.array(CHARGED_PRICE) * PPM
    energy, delivered = np.array(BOOKED_WH), np.array(DELIVERED_WH)
    booking = Booked(7, 0, True, energy, np.array(BOOKED_PRICE) * PPM)
    held = Held(delivered, *([0 * energy] * 4))._replace(not_taken_wh=energy - delivered)
    taken = -delivered
    charge = booking_charge_micro(booking, held, (buying, selling), 0 * energy, taken, PPM, PPM)
    assert charge == [80 * 30 + 20 * 40, 60 * -20 + 40 * 0]
    day = own_day(charge, timing="flexible")
    for measure, row in (("booked_wh", energy), ("booking_delivered_wh", delivered)):
        day.settled.vectors[DAY, measure, ENTITY] = (-row).tolist()
    for measure in ("refused_wh", "late_wh", "late_price_micro_per_mwh"):
        day.settled.vectors[DAY, f"booking_{measure}", ENTITY] = [0, 0]
    day.settled.vectors[DAY, "node_price_micro_per_mwh", NODE] = buying.tolist()
    day.settled.vectors[DAY, "node_sell_price_micro_per_mwh", NODE] = selling.tolist()
    report = Report()
    hold_charge(DAY, day, ENTITY, [price * PPM for price in BOOKED_PRICE], report)
    assert report.findings == [] and report.counts


@pytest.mark.parametrize("how", ["given_back", "let_go"])
def test_a_booking_of_which_something_was_given_back_is_counted_and_not_recomputed(how):
    report = Report()
    record = {how: [{"start_minute": 0, "energy_wh": 1, "price_micro_per_mwh": 1}]}
    check_booking(ENTITY, [(DAY, own_day([1, 1], timing="flexible"))], record, report)
    assert report.findings == [] and len(report.counts) == 1


def test_a_booking_by_law_of_other_intervals_is_held_to_its_energy_and_not_recomputed():
    placed = {"start_minute": 0, "minutes": 60, "energy_wh": 200, "price_micro_per_mwh": 60 * PPM}
    for energy_wh in (200, 201):
        record = {
            "request": {"side": "buy", "point": "shop"},
            "placed": [placed | {"energy_wh": energy_wh}],
        }
        report, day = Report(), own_day(settled_charge(0), timing="essential")
        check_booking(ENTITY, [(DAY, day)], record, report)
        # Of the larger, what the day does not hold lies beyond it.
        assert report.findings == [] and len(report.counts) == 1
    record["placed"] = [placed | {"energy_wh": 199}]
    check_booking(ENTITY, [(DAY, day)], record, report)
    assert report.findings
