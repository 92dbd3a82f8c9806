"""The two markets of the real data sets, as dispatch sees them: a grid, a fleet, and intervals."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from rulebook.documents import AllocationPolicy, GridModel, MarketRules, Registration
from rulebook.folders import read_files
from rulebook.resolve import RuleSet
from settlement.datasets.market import market_shape
from settlement.datasets.recorded import recorded_profile
from settlement.dispatch.model import DispatchModel

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
MILLION = 1_000_000


@dataclass(frozen=True, eq=False)
class Intervals:
    """A market and some intervals of it: available_w int64[U, T], demand_wh int64[N, T]."""

    model: DispatchModel
    available_w: np.ndarray
    demand_wh: np.ndarray


def great_britain(scenario: str, first_day: dt.date, last_day: dt.date) -> Intervals:
    """Return consecutive days of gb12 under the rules of a scenario."""
    shape = market_shape(rules_of_scenario(scenario, first_day))
    profile = recorded_profile(shape, DATA / "gb12", first_day, last_day)
    available_w = np.concatenate([day.available_w for day in profile], axis=1)
    point_wh = np.concatenate([day.demand_wh for day in profile], axis=1)
    demand_wh = np.zeros((shape.dispatch.node_count, point_wh.shape[1]), dtype=np.int64)
    np.add.at(demand_wh, shape.supply_point_node, point_wh)
    return Intervals(shape.dispatch, available_w, demand_wh)


def rules_of_scenario(scenario: str, day: dt.date) -> RuleSet:
    read, findings = read_files([ROOT / "scenarios" / scenario])
    assert not findings
    documents = [document for _, document in read]
    (market_rules,) = (one for one in documents if isinstance(one, MarketRules))
    (grid_model,) = (one for one in documents if isinstance(one, GridModel))
    (policy,) = (one for one in documents if isinstance(one, AllocationPolicy))
    registrations = tuple(one for one in documents if isinstance(one, Registration))
    return RuleSet(scenario, day, (), market_rules, grid_model, policy, registrations)


def reliability_test_system(demand_ppm: int) -> Intervals:
    """Return the year of rts_gmlc, demand scaled; its one DC line has no reactance.

    A unit offers at its average cost at full load. There is no storage: hours stand alone.
    """
    folder = DATA / "rts_gmlc"
    buses = pq.read_table(folder / "buses.parquet")["bus_id"].to_pylist()
    place = {bus: number for number, bus in enumerate(buses)}
    branches = pq.read_table(folder / "branches.parquet").to_pylist()
    units = pq.read_table(folder / "generators.parquet").to_pylist()
    demand = pq.read_table(folder / "demand_bus_hourly_da.parquet")
    available = pq.read_table(folder / "availability_hourly_da.parquet")
    demand_wh = np.zeros((len(buses), demand.num_rows), dtype=np.int64)
    for bus in demand.column_names:
        if bus.isdigit():
            demand_wh[place[int(bus)]] = np.rint(demand[bus].to_numpy() * demand_ppm)
    available_w = np.empty((len(units), demand.num_rows), dtype=np.int64)
    for number, unit in enumerate(units):
        name, most_mw = unit["gen_id"], unit["pmax_mw"]
        # A unit without a profile is always available.
        profile_mw = available[name].to_numpy() if name in available.column_names else most_mw
        available_w[number] = np.rint(np.minimum(profile_mw, most_mw) * MILLION)
    rating_w = integers(branch["rating_mw"] * MILLION for branch in branches)
    model = DispatchModel(
        node_count=len(buses),
        line_from=integers(place[branch["from_bus"]] for branch in branches),
        line_to=integers(place[branch["to_bus"]] for branch in branches),
        rating_w=rating_w,
        reverse_rating_w=rating_w,
        reactance_ppm=integers((branch["x_pu"] or 0) * MILLION for branch in branches),
        unit_node=integers(place[unit["bus_id"]] for unit in units),
        offer_micro_per_mwh=integers(
            unit["avg_cost_full_load_usd_mwh"] * MILLION for unit in units
        ),
        # Hours stand alone here.
        minimum_w=np.zeros(len(units), dtype=np.int64),
        ramp_w_per_h=np.full(len(units), 10**15),
        loss_ppm=np.zeros(len(units), dtype=np.int64),
        storage_wh=np.zeros(len(units), dtype=np.int64),
        round_trip_efficiency_ppm=np.zeros(len(units), dtype=np.int64),
        unserved_micro_per_mwh=6_000 * MILLION,
        interval_minutes=60,
    )
    return Intervals(model, available_w, demand_wh)


def integers(values) -> np.ndarray:
    return np.array([round(value) for value in values], dtype=np.int64)
