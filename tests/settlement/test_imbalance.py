"""The residual of days explained: by hand in the tiny market, at random, corrected, and refused."""

import datetime as dt

import numpy as np
import pytest

from rulebook.resolve import RuleSet
from settlement.baselines.comparison import compare_baselines
from settlement.baselines.designs import Design
from settlement.core.energy_accounts import LOSSES, energy_of_areas
from settlement.core.imbalance import Imbalance
from settlement.dispatch.losses import with_losses
from settlement.dispatch.market import dispatch_model
from settlement.meters.store import demand_when_generation_was_read
from settlement.rules.compile import compile_rules
from settlement.studies.energy_balance import energy_of_run
from settlement.studies.imbalance import DayEnergy, imbalance_of_day
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    FAIR_PLAY,
    FIRST,
    LAST,
    ingest_month_end,
    publish_with,
    settle_month_end,
)
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    INGESTED,
    LAST_DAY,
    RESETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

WH_PER_MW = 500_000
"""In a half-hour."""
LOSSES_OF_DEMAND = {
    "layer": "zone",
    "losses": [{"area": area, "loss_ppm": 20_000, "of": "demand"} for area in ("north", "south")],
}


def law(accounts):
    rules = RuleSet(
        "tiny", FIRST_DAY, (), tiny_market.market_rules(),
        tiny_market.grid_model(energy_accounts=accounts), tiny_market.allocation_policy(),
        tuple(tiny_market.registrations()),
    )  # fmt: skip
    model = compile_rules(rules)
    return model, with_losses(dispatch_model(rules), model.energy_areas)


def wh(*rows_mw):
    """Return energy of half-hours of so much power in MW."""
    return np.array([[round(mw * WH_PER_MW) for mw in row] for row in rows_mw], dtype=np.int64)


def test_every_part_by_hand():
    """U1 and U2 stand at A, the store U3 at B, U4 at C; 50 MW reach B, and demand is at B and C.

    In the second half-hour 125 MW are asked for. 50 come from A, 20 are the store's and 50 U4's: 5
    are beyond all of them, and 2.5 are lost. The store gives 8 and not 20: 12 less. U4 ran at 10
    and rises by 25 to 35, not 50: 15 less. 86 are generated, so 7 could have been, and were not.
    The first is 10 Wh short, and in the third 3 MW are generated for nobody.

    Then B-home is read again, 1 MW more in the second half-hour; contracts refuse it 4 MW there and
    serve 3 of them in the third.
    """
    first = wh([20, 40, 20], [30, 35, 30], [10, 25, 10], [8, 25, 8])
    metered = first + wh([0, 1, 0], [0] * 3, [0] * 3, [0] * 3)
    taken = metered + wh([0, -4, 3], [0] * 3, [0] * 3, [0] * 3)
    generation = wh([20, 30, 20], [30, 15, 33], [9.36, 8, 9.36], [10, 33, 10])
    generation[2, 0] -= 10
    model, fleet = law(LOSSES_OF_DEMAND)
    places = (model.energy_areas, model.unit_node, model.supply_point_node)
    lost = energy_of_areas(*places, generation, taken)[LOSSES].sum(axis=0)
    available_w = np.array([[60], [80], [20], [50]]) * np.full(3, 1_000_000)
    day = DayEnergy(generation, available_w, first, metered, taken, lost)
    found = imbalance_of_day(model, fleet, day)
    assert found == Imbalance(
        beyond_grid_wh=-2_500_000,
        beyond_with_losses_wh=-1_250_000,
        beyond_stores_wh=-6_000_000,
        beyond_ramps_wh=-7_500_000,
        idle_wh=-3_500_000,
        surplus_wh=1_500_000,
        rounding_wh=-10,
        corrected_wh=-510_000,
        refused_wh=2_000_000,
        late_wh=-1_500_000,
        losses_of_moved_wh=10_000,
    )
    assert found.total_wh == generation.sum() - taken.sum() - lost.sum()


@pytest.mark.parametrize("accounts", [LOSSES_OF_DEMAND, tiny_market.AREAS])
@pytest.mark.parametrize("seed", range(10))
def test_parts_sum_to_the_residual_whatever_was_metered(accounts, seed):
    random = np.random.default_rng(seed)
    model, fleet = law(accounts)
    available_w = random.integers(0, 60_000_000, (4, 6))
    generation = random.integers(-4_000_000, 26_000_000, (4, 6))
    first, metered = random.integers(-9_000_000, 30_000_000, (2, 4, 6))
    taken = np.where(metered > 0, random.integers(0, 30_000_000, (4, 6)), metered)
    places = (model.energy_areas, model.unit_node, model.supply_point_node)
    lost = energy_of_areas(*places, generation, taken)[LOSSES].sum(axis=0)
    day = DayEnergy(generation, available_w, first, metered, taken, lost)
    found = imbalance_of_day(model, fleet, day)
    assert found.total_wh == generation.sum() - taken.sum() - lost.sum()


def publish_areas(session):
    publish_tiny(session, tiny_market.with_areas(tiny_market.documents()))


def test_a_correction_is_told_apart_from_what_was_not_generated(world_of):
    with rolled_back(world_of(publish_areas)[0]) as session:
        ingest_tiny(session)
        before = energy_of_run(session, settle_tiny(session))
        correct_tiny(session)
        after = energy_of_run(session, settle_tiny(session, "SF", RESETTLED))
    moved_wh = after.balance.residual_wh - before.balance.residual_wh
    assert after.imbalance.corrected_wh == moved_wh != 0
    assert before.imbalance.corrected_wh == 0
    assert after.imbalance.beyond_grid_wh == before.imbalance.beyond_grid_wh
    assert after.imbalance.surplus_wh == before.imbalance.surplus_wh
    assert before.unexplained_wh == after.unexplained_wh == 0


UNITS, POINTS = list(tiny_market.UNITS), ["B-home", "B-office", "C-home", "C-office"]
LATER = CORRECTED + dt.timedelta(minutes=10)
CORRECTIONS = [
    ("demand read again", [(POINTS, INGESTED), (UNITS, INGESTED), (["B-home"], CORRECTED)], 1),
    ("demand read for the first time", [(UNITS, INGESTED), (POINTS, CORRECTED)], 0),
    (
        "generation read after it",
        [(POINTS, INGESTED), (["B-home"], CORRECTED), (UNITS, LATER)],
        0,
    ),
    (
        "not known yet",
        [(POINTS, INGESTED), (UNITS, INGESTED), (["B-home"], RESETTLED + dt.timedelta(hours=1))],
        0,
    ),
]


@pytest.mark.parametrize(
    ("files", "count"), [case[1:] for case in CORRECTIONS], ids=[case[0] for case in CORRECTIONS]
)
def test_what_counts_as_a_correction(world_of, files, count):
    with rolled_back(world_of(publish_areas)[0]) as session:
        for seed, (only, received_at) in enumerate(files):
            ingest_tiny(session, seed=seed, only=only, received_at=received_at)
        found = demand_when_generation_was_read(session, "tiny", FIRST_DAY, LAST_DAY, RESETTLED)
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(3)]
    assert sorted(found) == [(day, "B-home") for day in days] * count
    assert all(was_read.all() for was_read, _ in found.values())


def publish_contracts(session):
    publish_with(session, FAIR_PLAY)


def test_other_designs_stand_beside_what_contracts_served(world_of):
    with rolled_back(world_of(publish_contracts)[0]) as session:
        ingest_month_end(session, desiring=())
        balance = energy_of_run(session, settle_month_end(session)).balance
        settled = compare_baselines(session, "tiny", FIRST, LAST).totals.taken_wh[Design.SETTLED]
    assert sum(settled.values()) == balance.served_wh < balance.metered_wh


def test_what_contracts_refuse_and_serve_late_is_in_the_residual(world_of):
    with rolled_back(world_of(publish_contracts)[0]) as session:
        ingest_month_end(session, desiring=())
        balance, imbalance = found = energy_of_run(session, settle_month_end(session))
    assert (imbalance.refused_wh, imbalance.late_wh) == (balance.refused_wh, -balance.late_wh)
    assert balance.refused_wh > balance.late_wh > 0
    assert imbalance.beyond_grid_wh < 0
    assert found.unexplained_wh == 0
