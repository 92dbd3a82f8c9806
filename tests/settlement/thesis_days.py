"""Days of 2024 as the thesis's script paid for them, and the same days as recorded.

`thesis_script_days.csv` has what the script came to, run a day at a time as docs/thesis-script.md
says: fuel, nodal payments at no more than the cap of settlement, the same at prices as they are,
and in which intervals (from 0) its day-ahead pass left a unit off.
"""

import csv
import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from settlement.dispatch.prices import day_optimum
from tests.oracles.real_markets import Intervals, great_britain, rules_of_scenario

SCENARIO = "gb12-published"
FIRST_DAY, LAST_DAY = dt.date(2024, 1, 1), dt.date(2024, 12, 31)
INTERVALS = 48
MILLION = 1_000_000
CAP = 6_000
RECORDED = Path(__file__).with_name("thesis_script_days.csv")


@dataclass(frozen=True)
class ScriptDay:
    """What the script came to, in pounds; `uncapped`: nodal; `off` has unit and interval."""

    date: dt.date
    fuel: int
    nodal: int
    uncapped: int
    off: frozenset[tuple[str, int]]


def script_days() -> list[ScriptDay]:
    with RECORDED.open(newline="") as file:
        return [
            ScriptDay(
                dt.date.fromisoformat(row["day"]),
                int(row["fuel_gbp"]),
                int(row["nodal_gbp"]),
                int(row["nodal_uncapped_gbp"]),
                frozenset(
                    (unit, interval)
                    for unit, _, runs in (part.partition(":") for part in row["off"].split(";"))
                    for run in runs.split()
                    for interval in _of_run(run)
                ),
            )
            for row in csv.DictReader(file)
        ]


def _of_run(run: str) -> range:
    first, _, last = run.partition("-")
    return range(int(first), int(last or first) + 1)


@cache
def units():
    """The registered units in the order of the dispatch."""
    rules = rules_of_scenario(SCENARIO, FIRST_DAY)
    each = (unit for registration in rules.registrations for unit in registration.units)
    return sorted(each, key=lambda unit: unit.unit)


@cache
def year() -> Intervals:
    return great_britain(SCENARIO, FIRST_DAY, LAST_DAY)


def utc_day(date: dt.date) -> Intervals:
    """The intervals of a day of the script, which is one of UTC, as the year of London begins."""
    whole = year()
    first = (date - FIRST_DAY).days * INTERVALS
    of = slice(first, first + INTERVALS)
    return Intervals(whole.model, whole.available_w[:, of], whole.demand_wh[:, of])


def paid(day: Intervals, gives: np.ndarray, takes: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Fuel, nodal payments and these uncapped, in pounds: [U, T] in MW, price [N, T] per MWh."""
    hours = day.model.interval_minutes / 60
    offers = day.model.offer_micro_per_mwh[:, np.newaxis] / MILLION
    prices = (np.clip(price, 0, CAP), price)
    nodal = [((gives - takes) * each[day.model.unit_node]).sum() for each in prices]
    return np.array([(gives * offers).sum(), *nodal]) * hours


def paid_by_product(day: Intervals) -> np.ndarray:
    optimum = day_optimum(day.model, day.available_w, day.demand_wh)
    net = optimum.generation_mw
    return paid(day, np.maximum(net, 0), np.maximum(-net, 0), optimum.node_price_per_mwh)
