"""Flexible demand that answers prices: by hand, energy kept, prices without memory, days alike."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.engine import settle_day
from settlement.core.model import DayReadings
from settlement.core.periods import interval_starts
from settlement.replays.replay import replay
from settlement.rules.compile import compile_rules
from settlement.runs import store
from settlement.studies.closed_loop import (
    LoopLaw,
    Waiting,
    answer_day,
    answering_on,
    price_at_points,
)
from settlement.studies.measures import DESIRED, MOVED
from settlement.studies.overlay import PriceResponse
from settlement.studies.price_response import (
    NO_PRICE,
    Answering,
    answer_price,
    nothing_waits,
)
from tests.settlement.study_cases import metered, response, study_tiny
from tests.settlement.test_shocks import DAY, NEXT, POINTS, RULES
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import RESETTLED
from tests.worlds.tiny_market import ZONE

POUND = 1_000_000
MODEL = compile_rules(RULES)
WINDOW = np.array([0, 8, 0, 8])
LAW = LoopLaw(RULES, MODEL, WINDOW)
RESPONSES = (PriceResponse.model_validate(response()),)
KEPT = st.lists(st.integers(0, 10**9), min_size=20, max_size=20)


def answering(rate=2_000, reference=90 * POUND, most=400_000, window=2):
    column = [np.array([[value]]) for value in (rate, reference, most)]
    return Answering(*column, np.array([window]))


def test_a_part_waits_by_the_price_of_the_interval_before():
    def part(pounds):
        return answering().part_ppm(np.array([[pounds * POUND]])).item()

    # 50 pounds above the reference, 2,000 ppm each: a tenth; 400,000 ppm is the most that waits.
    assert [part(pounds) for pounds in (0, 90, 140, 290, 6_000)] == [
        0,
        0,
        100_000,
        400_000,
        400_000,
    ]
    assert answering(window=0).part_ppm(np.array([[140 * POUND]])).item() == 0


def test_what_waits_is_asked_for_until_its_window_closes():
    """A half waits in each interval: 101 Wh become 50, then 25, and the last may not wait."""
    half = answering(rate=1_000_000, most=500_000)
    waiting, asked, moved = nothing_waits(2, 1, 1), [], []
    for new in (101, 0, 0, 0):
        found = answer_price(half, waiting, np.array([[new]]), np.array([[100 * POUND]]))
        waiting = found.waiting_wh
        asked.append(found.asked_wh.item())
        moved.append(found.moved_wh.item())
    assert (asked, moved) == ([51, 25, 25, 0], [50, 0, 0, 0])


def test_nobody_waits_beyond_the_last_interval_or_without_a_price():
    high, new = np.array([[300 * POUND]]), np.array([[100]])
    all_wait = answering(rate=1_000_000, most=1_000_000)
    last = answer_price(all_wait, nothing_waits(2, 1, 1), new, high, intervals_left=0)
    assert (last.asked_wh.item(), last.moved_wh.item()) == (100, 0)
    first = answer_price(all_wait, nothing_waits(2, 1, 1), new, np.array([[NO_PRICE]]))
    assert first.asked_wh.item() == 100
    # With one interval to come, what would be due in two is due in one.
    found = answer_price(all_wait, nothing_waits(2, 1, 1), new, high, intervals_left=1)
    assert found.waiting_wh.ravel().tolist() == [100, 0]


@given(KEPT, st.lists(st.integers(NO_PRICE, 10**11), min_size=20, max_size=20), st.integers(1, 9))
def test_energy_moves_and_none_of_it_is_lost(new, prices, window):
    everyone = answering(rate=7_777, reference=-POUND, most=1_000_000, window=window)
    waiting, asked, arisen, served = nothing_waits(window, 1, 1), [], 0, 0
    for interval, (wh, price) in enumerate(zip(new, prices, strict=True)):
        left = len(new) - 1 - interval
        found = answer_price(everyone, waiting, np.array([[wh]]), np.array([[price]]), left)
        waiting = found.waiting_wh
        assert waiting.min() >= 0
        asked.append(found.asked_wh.item())
        arisen, served = arisen + wh, served + asked[-1]
        assert arisen == served + waiting.sum()
        # Nothing waits longer than its window: all that arose before it was asked for.
        assert served >= sum(new[: max(interval + 1 - window, 0)])
    assert sum(asked) == sum(new)


def office_day(factor=1):
    """A day without the battery, whose offices that ask for 20 MW in four intervals."""
    demand = np.zeros((4, 48), dtype=np.int64)
    demand[:] = np.array([[6_000_000], [8_000_000], [6_000_000], [8_000_000]]) * factor
    demand[3, 20:24] = 20_000_000
    available = np.array([[30_000_000], [40_000_000], [0], [20_000_000]]).repeat(48, axis=1)
    return DayReadings(DAY, np.zeros_like(available), available, demand)


def run_day(readings, before=None, after=0):
    answers = answering_on(LAW, RESPONSES, DAY)
    return answer_day(MODEL, answers, before or Waiting(), readings, after)


def test_a_day_answers_its_own_prices():
    readings = office_day()
    answered, _ = run_day(readings)
    asked = answered.readings.demand_wh
    assert asked[[0, 2]].tolist() == readings.demand_wh[[0, 2]].tolist()  # homes are essential
    assert asked.sum(axis=1).tolist() == readings.demand_wh.sum(axis=1).tolist()
    # By hand: the first interval answers none; the next the price of the one before, at its node.
    price = price_at_points(MODEL, readings.available_w[:, :1], asked[:, :1])
    part = min(500_000, 10_000 * max(int(price[3, 0]) - 50 * POUND, 0) // POUND)
    assert part > 0
    assert answered.moved_wh[:, 1].tolist() == [0, 8 * part, 0, 8 * part]
    assert asked[3, 20] < 20_000_000 < asked[3, 20:33].sum()


def test_where_nothing_is_refused_the_price_answered_is_the_price_that_settles():
    answered, after = run_day(office_day())
    settled = settle_day(MODEL, answered.readings).values("node_price_micro_per_mwh")
    at_points = settled[MODEL.supply_point_node]
    for interval in range(48):
        now = slice(interval, interval + 1)
        asked = answered.readings.demand_wh[:, now]
        found = price_at_points(MODEL, answered.readings.available_w[:, now], asked)
        assert found[:, 0].tolist() == at_points[:, interval].tolist()
    assert after.price_micro_per_mwh == dict(zip(POINTS, at_points[:, -1].tolist(), strict=True))


def test_what_waits_crosses_midnight_and_stops_at_the_end_of_the_study():
    alone, nothing = run_day(office_day(2))
    assert not any(any(rows) for rows in nothing.waiting_wh.values())
    first, held = run_day(office_day(2), after=48)
    assert sum(held.waiting_wh["B-office"]) > 0
    assert first.readings.demand_wh[:, :30].tolist() == alone.readings.demand_wh[:, :30].tolist()
    second, _ = run_day(office_day(2), held)
    both = first.readings.demand_wh.sum(axis=1) + second.readings.demand_wh.sum(axis=1)
    assert both.tolist() == (2 * office_day(2).demand_wh.sum(axis=1)).tolist()


@given(st.lists(st.integers(0, 60_000_000), min_size=8, max_size=8), st.integers(0, 10**8))
def test_a_price_has_no_memory_and_keeps_its_bounds(history, standing):
    """Two histories that end in the same readings end in the same price, and none leaves bounds."""
    available = np.array([[30_000_000], [40_000_000], [0], [20_000_000]])
    rules = RULES.market_rules
    prices = []
    for past in (history, [0] * 8):
        columns = np.array([[wh] * 4 for wh in (*past, standing)]).T
        found = price_at_points(MODEL, available.repeat(9, axis=1), columns)
        assert rules.price_floor_micro_per_mwh <= found.min()
        assert found.max() <= rules.price_cap_micro_per_mwh
        prices.append(found[:, -1].tolist())
    assert prices[0] == prices[1]


@pytest.fixture
def answered_study(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        yield session, study_tiny(session, price_responses=[response()])


def sums(session, run_id, measure):
    found: dict[str, int] = {}
    for vector in store.series(session, run_id, [measure]):
        found[vector.entity] = found.get(vector.entity, 0) + int(vector.values.sum())
    return found


def test_a_study_moves_demand_keeps_its_energy_and_is_replayed(answered_study):
    session, studied = answered_study
    before, after = (studied.study.report["operation"][side] for side in ("before", "after"))
    assert before["moved_wh"] == 0 < after["moved_wh"]
    runs = (studied.study.before_run_id, studied.run.id)
    desired = [sums(session, run, DESIRED) for run in runs]
    assert desired[0] == desired[1]
    moved = sums(session, studied.run.id, MOVED)
    assert sum(moved.values()) == after["moved_wh"]
    assert {point for point, wh in moved.items() if wh} == {"B-office", "C-office"}
    loop = studied.study.report["loop"]
    assert loop["products"] == ["office"]
    assert loop["responses_ppm_per_unit"][:3] == [2_500, 5_000, 10_000]
    assert loop["responses_ppm_per_unit"][-1] == 100_000
    most = {}
    for vector in store.series(session, studied.run.id, [MOVED]):
        for start, wh in zip(
            interval_starts(vector.day, ZONE, 30), vector.values.tolist(), strict=True
        ):
            most[start] = most.get(start, 0) + wh
    assert most[dt.datetime.fromisoformat(loop["start"])] == max(most.values())
    assert len(loop["cells"]) == 100
    assert replay(session, studied.run, threads=2).is_same


def test_it_is_the_same_on_threads_and_another_response_is_another_study(world_of):
    digests = []
    for threads in (1, 3):
        with rolled_back(world_of(metered)[0]) as session:
            told = {"price_responses": [response()], "threads": threads}
            digests.append(study_tiny(session, **told).run.result_digest)
            other = [response(response_ppm_per_unit=5_000)]
            assert study_tiny(session, now=RESETTLED, price_responses=other).is_new
    assert digests[0] == digests[1]


def test_a_response_holds_on_its_days_alone():
    dated = (PriceResponse.model_validate(response(first_day=NEXT, last_day=NEXT)),)
    assert not answering_on(LAW, dated, DAY).answers.any()
    assert answering_on(LAW, dated, NEXT).answers[:, 0].tolist() == [False, True, False, True]
