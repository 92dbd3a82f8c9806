"""The real year: under the thesis's contract every promise is kept, and no order refuses less.

The products are those of arXiv 2512.13871: P1 and P3 essential, P2 within eight hours, P4 within
four; of premium to basic 2 : 1. The promises are this market's assumption, as the thesis has none.
"""

import csv
import datetime as dt
from collections import defaultdict
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest
from numba import config

from settlement.core.contract_day import Served, serve_day
from settlement.core.contracts import Contracts, ContractState, Memory, nothing_owed
from settlement.core.grid import Grid
from settlement.core.network_rooms import rooms_of
from settlement.core.room import sums_at
from settlement.core.tightness import PPM
from tests.conftest import SHARED
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.contract_programme import episodes, least_refused_w
from tests.settlement.core.examples import great_britain

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(config.DISABLE_JIT, reason="thousands of cuts an interval: needs JIT"),
]
FOLDER = SHARED / "data" / "gb12"
ZONE = ZoneInfo("Europe/London")


class Product(NamedTuple):
    promise_ppm: int
    tier_ppm: int
    window: int


PRODUCTS = {
    "NR": Product(990_000, PPM, 0),
    "P1": Product(995_000, PPM, 0),
    "P2": Product(980_000, PPM, 16),
    "P3": Product(999_500, 2 * PPM, 0),
    "P4": Product(999_000, 2 * PPM, 8),
}
LEAST_REFUSED_WH = 28_843_638_120
"""By the programme over the whole year: what no order of service can beat."""


class Year(NamedTuple):
    grid: Grid
    contracts: Contracts
    supply_w: np.ndarray
    desired_w: np.ndarray
    days: dict[dt.date, slice]


def columns_of(name, keys, value):
    table = pq.read_table(FOLDER / name)
    starts, place = np.unique(table["interval_start"].cast("int64").to_numpy(), return_inverse=True)
    entities = list(zip(*(table[key].to_pylist() for key in keys), strict=True))
    names = sorted(set(entities))
    row = {entity: number for number, entity in enumerate(names)}
    values = np.zeros((len(names), len(starts)), dtype=np.int64)
    values[[row[entity] for entity in entities], place] = table[value].to_numpy()
    return names, starts, values


@pytest.fixture(scope="module")
def year() -> Year:
    grid, _, _ = great_britain(3)
    groups, starts, metered_wh = columns_of("demand.parquet", ("node", "product"), "wh")
    named, _, available_kw = columns_of("availability.parquet", ("unit",), "kw")
    node = np.array([grid.nodes.index(place) for place, _ in groups])
    desired_w = np.maximum(metered_wh, 0) * 2
    with (FOLDER / "units.csv").open() as file:
        place_of = {row["unit"]: row["node"] for row in csv.DictReader(file)}
    supply_w = np.zeros((len(grid.nodes), len(starts)), dtype=np.int64)
    for (unit,), row in zip(named, available_kw, strict=True):
        supply_w[grid.nodes.index(place_of[unit])] += row * 1000
    # Net export serves demand at its own node, and is not sent on.
    export, taken = np.zeros_like(supply_w), np.zeros_like(supply_w)
    np.add.at(export, node, np.maximum(-metered_wh, 0) * 2)
    np.add.at(taken, node, desired_w)
    products = [PRODUCTS[product] for _, product in groups]
    contracts = Contracts(
        nodes=grid.nodes,
        groups=tuple(groups),
        node=node,
        promise_ppm=np.array([product.promise_ppm for product in products]),
        tier_ppm=np.array([product.tier_ppm for product in products]),
        window=np.array([product.window for product in products]),
        indivisible=np.zeros(len(groups), dtype=np.bool_),
        point_group=np.arange(len(groups)),
        least_fulfilment_ppm=100_000,
    )
    local = [dt.datetime.fromtimestamp(start // 10**6, ZONE).date() for start in starts.tolist()]
    days = {day: slice(local.index(day), local.index(day) + local.count(day)) for day in set(local)}
    return Year(grid, contracts, supply_w + np.minimum(export, taken), desired_w, days)


def serve(year: Year, contracts: Contracts) -> tuple[list[Served], dict[int, Memory], int]:
    """Serve every day in turn; memory begins anew with every month."""
    rooms = rooms_of(year.grid)
    state, of_month, owing = nothing_owed(contracts), {}, 0
    known = np.zeros(len(year.desired_w), dtype=np.bool_)
    served = []
    for day in sorted(year.days):
        if day.day == 1:
            state = ContractState(state.owed, nothing_owed(contracts).memory)
        owing += state.owes
        desired = year.desired_w[:, year.days[day]]
        served.append(
            serve_day(
                rooms, contracts, state, year.supply_w[:, year.days[day]], desired, desired, known
            )
        )
        state = served[-1].after
        of_month[day.month] = state.memory
    return served, of_month, owing


@pytest.fixture(scope="module")
def outcome(year):
    return serve(year, year.contracts)


def joined(served, name):
    return np.concatenate([getattr(day, name) for day in served], axis=1)


def test_every_product_at_every_node_in_every_month_meets_its_promise(year, outcome):
    _, of_month, owing = outcome
    assert len(of_month) == 12
    broken = [
        (month, group)
        for month, memory in of_month.items()
        for group, deficit in zip(year.contracts.groups, memory.deficits(), strict=True)
        if deficit > 0
    ]
    assert not broken
    assert owing == 9, "midnights over which something was owed"


def test_no_order_of_service_could_refuse_less(year, outcome):
    served, _, _ = outcome
    missed_wh = int(joined(served, "missed_w").sum()) // 2
    assert missed_wh == LEAST_REFUSED_WH
    is_active = np.array([service is not None for day in served for service in day.services])
    lines = [
        (int(start), int(end), int(rating))
        for start, end, rating in zip(
            year.grid.line_from, year.grid.line_to, year.grid.rating_w, strict=True
        )
    ]
    by_window = defaultdict(lambda: np.zeros_like(year.supply_w))
    for group, window in enumerate(year.contracts.window.tolist()):
        by_window[window][year.contracts.node[group]] += year.desired_w[group]
    least = 0.0
    for stretch in episodes(is_active, year.contracts.longest_window):
        of = slice(stretch.start, stretch.stop)
        least += least_refused_w(
            lines,
            year.supply_w[:, of],
            by_window[0][:, of],
            {window: values[:, of] for window, values in by_window.items() if window},
        )
    assert missed_wh == pytest.approx(least / 2, rel=1e-3)
    assert missed_wh >= least / 2 * (1 - 1e-6)


def test_what_is_served_is_what_the_network_can_serve(year, outcome):
    served, _, _ = outcome
    delivered, desired = joined(served, "delivered_w"), year.desired_w
    before = np.concatenate(
        [np.stack([state.owed.sum(axis=0) for state in day.before], axis=1) for day in served],
        axis=1,
    )
    active = [
        number
        for number, service in enumerate(service for day in served for service in day.services)
        if service is not None
    ]
    assert len(active) == 372
    others = np.linspace(0, desired.shape[1] - 1, 100).astype(int).tolist()
    for interval in [*active, *others]:
        wanted = sums_at(12, year.contracts.node, (desired + before)[:, interval])
        most = reference.servable_by_flow(year.grid, year.supply_w[:, interval], wanted)
        assert delivered[:, interval].sum() == most


def test_without_windows_the_flexible_are_refused_what_could_wait(year, outcome):
    contracts = year.contracts
    at_once = Contracts(
        **{
            name: getattr(contracts, name)
            for name in contracts.__dataclass_fields__
            if name != "window"
        },
        window=np.zeros_like(contracts.window),
    )
    served, _, _ = serve(year, at_once)
    missed_wh = int(joined(served, "missed_w").sum()) // 2
    assert missed_wh > 4 * LEAST_REFUSED_WH
    late_wh = int(joined(outcome[0], "late_w").sum()) // 2
    assert late_wh > 100_000_000_000
