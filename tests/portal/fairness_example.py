"""A fairness report made by hand: two days around a clock change, with a broken promise."""

import copy
import datetime as dt
from typing import Any

from settlement.fairness.definitions import FIGURES
from settlement.fairness.intervals import NOBODYS
from settlement.fairness.report import findings_of

RUN = "00000000-0000-4000-8000-000000000007"
ZONE = "Europe/London"
VALUES = {
    "reward_distance_ppm": 219,
    "promises_kept_ppm": 500_000,
    "refused_wh": 3_000_000,
    "deferred_wh": 1_500_000,
    "gini_of_households_ppm": 12_000,
    "cost_micro_per_mwh": 90_000_000,
    "waste_wh": 0,
    "intervals_at_bounds": 2,
}
THEIRS = {
    "nodal": {"cost_micro_per_mwh": 80_000_000, "refused_wh": 9_000_000},
    "uniform": {"cost_micro_per_mwh": 85_000_000},
    "flat": {"cost_micro_per_mwh": 99_000_000},
}
EVEN = {"jain_ppm": 1_000_000, "gini_ppm": 0, "lowest_ppm": 990_000,
        "lorenz_ppm": [100_000 * tenth for tenth in range(1, 10)] + [999_999]}  # fmt: skip


def example() -> dict[str, Any]:
    """Return the whole report, as it is stored but for its public part."""
    figures = [
        {
            "code": figure.code,
            "better": figure.better,
            "value": VALUES.get(figure.code),
            "designs": {name: theirs.get(figure.code) for name, theirs in THEIRS.items()},
        }
        for figure in FIGURES
    ]
    report = {
        "format": "tallystick.fairness.2",
        "market": "gb12",
        "first_day": "2024-03-30",
        "last_day": "2024-03-31",
        "currency": "GBP",
        "days": 2,
        "intervals": 94,
        "figures": figures,
        "findings": findings_of(figures),
        "products": [_product("P1", 995_000, 999_000, 1), _product("P4", 999_000, 993_600, 0)],
        "refused_wh": 3_000_000,
        "deferred_wh": 1_500_000,
        "declined_wh": 0,
        "owed_wh": 250_000_000,
        "promises": 2,
        "promises_kept": 1,
        "groups": [
            _group("P1", 995_000, 999_000, is_kept=True),
            _group("P4", 999_000, 993_600, is_kept=False),
        ],
        "months": [{"month": "2024-03", "product": "P1", "delivered_ppm": 999_000}],
        "places": [_place("system", "gb", 993_000), _place("node", "N0", 993_000)],
        "nodes": [{"node": "N0", "places": {"system": "gb"}, "missed_wh": 3_000_000}],
        "access": {"nodes": EVEN, "households": EVEN},
        "technologies": [_technology("wind", 600_000, 550_000), _technology("gas", 400_000, None)],
        "units": [_unit("G1", 12_345), _unit("G2", None)],
        "supply_points": [_point("P1/N0", 0), _point("P4/N0", 3_000_000)],
        "calendar": [_quiet_day("2024-03-30"), _short_day("2024-03-31")],
        "units_with_capital": 2,
        "by_interval": [_by_interval("2024-03-30", 48), _by_interval("2024-03-31", 46)],
        "worst": [
            {"day": "2024-03-31", "interval": 2, "run": RUN, "missed_wh": 3_000_000,
             "deferred_wh": 0, "nodes": [{"node": "N0", "missed_wh": 3_000_000}]},
        ],
        "designs": {
            name: {"figures": theirs, "access": {"nodes": EVEN, "households": EVEN},
                   "products": []}
            for name, theirs in THEIRS.items()
        },
        "runs": [{"run": RUN, "first_day": "2024-03-30", "last_day": "2024-03-31"}],
    }  # fmt: skip
    return copy.deepcopy(report)


def public_example() -> dict[str, Any]:
    """Return what everybody is told of it: days in parts, and no sum of one participant."""
    report = example()
    for name in ("units", "supply_points", "runs"):
        del report[name]
    for name in ("refused_wh", "deferred_wh", "owed_wh"):
        report[name] = None
    for row in (*report["products"], *report["places"]):
        for key in [key for key in row if key.endswith(("_wh", "_micro", "share_ppm"))]:
            row[key] = None
    for row in report["by_interval"]:
        row["columns"] = {name: row["columns"][name] for name in NOBODYS}
    for row in (*report["calendar"], *report["worst"]):
        for key in [key for key in row if key.endswith("_wh")]:
            del row[key]
    return report


def _product(name: str, promised: int, delivered: int, kept: int) -> dict[str, Any]:
    return {
        "product": name, "title": f"Product {name}", "household_count": 1_000,
        "promised_ppm": promised, "delivered_ppm": delivered, "missed_wh": 1_500_000,
        "deferred_wh": 750_000, "shortfall_wh": 10_000, "promises": 1, "promises_kept": kept,
        "charged_micro": 10_000_000, "cost_share_ppm": 500_000, "energy_share_ppm": 500_000,
        "tight_share_ppm": 400_000 if name == "P1" else 600_000,
        "cost_micro_per_mwh": 90_000_000, "lowest_cost_micro_per_mwh": 80_000_000,
        "highest_cost_micro_per_mwh": 95_000_000,
    }  # fmt: skip


def _group(product: str, promised: int, delivered: int, *, is_kept: bool) -> dict[str, Any]:
    return {
        "month": "2024-03", "node": "N0", "product": product, "promised_ppm": promised,
        "delivered_ppm": delivered, "is_kept": is_kept,
    }  # fmt: skip


def _place(layer: str, holon: str, delivered: int) -> dict[str, Any]:
    return {
        "layer": layer, "holon": holon, "product": None, "delivered_ppm": delivered,
        "matured_wh": 450_000_000, "missed_wh": 3_000_000, "deferred_wh": 1_500_000,
    }  # fmt: skip


def _technology(name: str, reward: int, contribution: int | None) -> dict[str, Any]:
    return {
        "technology": name, "units": 2, "reward_share_ppm": reward,
        "shapley_share_ppm": contribution, "paid_micro": 5_000_000_000,
    }  # fmt: skip


def _unit(name: str, payback: int | None) -> dict[str, Any]:
    return {
        "unit": name, "participant": "meridian-thermal", "technology": "wind",
        "reward_share_ppm": 300_000, "shapley_share_ppm": 275_000, "paid_micro": 2_500_000_000,
        "payback_milliyears": payback, "expected_payback_years": 20,
    }  # fmt: skip


def _point(name: str, missed: int) -> dict[str, Any]:
    product, _, node = name.partition("/")
    return {
        "supply_point": name, "participant": "hearth-energy", "node": node, "product": product,
        "delivered_ppm": 999_000, "missed_wh": missed, "deferred_wh": 0, "taken_wh": 9_000_000,
        "charged_micro": 1_000_000_000,
    }  # fmt: skip


def _by_interval(day: str, intervals: int) -> dict[str, Any]:
    """Half of the intervals are at £50, half at £90; of energy, 2 MWh are generated in each."""
    half = intervals // 2
    amounts = {
        "mean_price_micro_per_mwh": 70_000_000, "tightness_ppm": 900_000, "at_bounds": 0,
        "wasted_wh": 0, "desired_wh": 2_000_000, "delivered_wh": 2_000_000, "missed_wh": 0,
        "deferred_wh": 0, "owed_wh": 0, "taken_wh": 2_000_000, "demand_wh": 2_000_000,
        "lost_wh": 100_000, "generated_wh": 2_000_000, "ungenerated_wh": 100_000,
        "carbon_g": 500_000, "charged_micro": 180_000_000, "paid_micro": 170_000_000,
        "over_take_micro": 0, "compensation_micro": 1_000_000, "excess_micro": 0,
        "equalisation_micro": 10_000_000,
    }  # fmt: skip
    columns: dict[str, Any] = {name: [value] * intervals for name, value in amounts.items()}
    for name in ("lowest_price", "highest_price"):
        columns[f"{name}_micro_per_mwh"] = [50_000_000] * half + [90_000_000] * half
        columns[f"{name}_node"], columns[f"{name}_layer"] = ["N0"] * intervals, ["zone"] * intervals
    return {"day": day, "run": RUN, "columns": columns}


def _quiet_day(day: str) -> dict[str, Any]:
    return {
        "day": day, "run": RUN, "short_ppm": 0, "late_ppm": 0, "missed_wh": 0, "deferred_wh": 0,
        "short_intervals": 0, "nodes": [],
    }  # fmt: skip


def _short_day(day: str) -> dict[str, Any]:
    """Half-hour 3 of the day on which the clock goes forward begins at 02:00 local time, BST."""
    missed, late = [0] * 46, [0] * 46
    missed[2], late[30] = 3_000_000, 1_500_000
    row = _quiet_day(day) | {
        "short_ppm": 7_000, "late_ppm": 3_500, "missed_wh": 3_000_000, "deferred_wh": 1_500_000,
        "short_intervals": 2, "interval_missed_wh": missed, "interval_deferred_wh": late,
    }  # fmt: skip
    node = {key: row[key] for key in ("short_ppm", "late_ppm", "missed_wh", "deferred_wh")}
    return row | {"nodes": [{"node": "N0", **node}]}


FIRST_DAY, LAST_DAY = dt.date(2024, 3, 30), dt.date(2024, 3, 31)
