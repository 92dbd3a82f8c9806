"""What a day hands to the next where the law between them changes: who holds what, and how long."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.contract_state import (
    NOTHING_CARRIED,
    Carried,
    DayState,
    begin_day,
    end_day,
    in_intervals_of,
)
from settlement.core.contracts import Contracts, ContractState, must_serve
from settlement.core.fair_play_amounts import shortfalls_w
from settlement.core.tightness import PPM
from tests.settlement.core.examples import remembered

TENTH, NEXT, FIRST_OF_NEXT = dt.date(2024, 1, 10), dt.date(2024, 1, 11), dt.date(2024, 2, 1)
POINTS = ("anna", "bert", "carl")


def held(*products: str) -> Contracts:
    """Contracts of three points at one node, each with the product named."""
    groups = sorted({("N0", product) for product in products})
    ones = np.ones(len(groups), dtype=np.int64)
    return Contracts(
        nodes=("N0",),
        groups=tuple(groups),
        node=0 * ones,
        promise_ppm=PPM * ones,
        tier_ppm=PPM * ones,
        window=0 * ones,
        indivisible=ones == 0,
        point_group=np.array([groups.index(("N0", product)) for product in products]),
        least_fulfilment_ppm=PPM,
    )


def ended_with(contracts: Contracts, before: DayState, missed_w: list[int], taken_wh: list[int]):
    """The state in which a day ends on which points missed and took so much."""
    missed, delivered = np.array(missed_w), np.array(taken_wh)
    memory = before.contracts.memory.after(
        contracts.promise_ppm, contracts.by_group(missed + delivered), contracts.by_group(delivered)
    )
    return DayState(
        ContractState(before.contracts.owed, memory),
        before.missed_w + missed,
        before.missed_worth,
        before.taken_wh + delivered,
    )


def test_who_changes_the_product_takes_no_part_of_what_its_new_group_missed():
    """Anna misses 900 of P1 and goes to P2, where Bert missed 50: the 50 are all his."""
    before, after = held("P1", "P2", "P1"), held("P2", "P2", "P1")
    morning = begin_day(before, POINTS, NOTHING_CARRIED, TENTH)
    evening = ended_with(before, morning, [900, 50, 0], [100, 950, 1_000])
    carried = end_day(before, POINTS, evening, NOTHING_CARRIED, TENTH)
    state = begin_day(after, POINTS, carried, NEXT)
    assert state.missed_w.tolist() == [0, 50, 0]
    found = shortfalls_w(after, state.contracts.memory, state.missed_w)
    assert found.tolist() == [0, 50, 0]
    # And what she took of the month's energy goes with her.
    assert state.taken_wh.tolist() == [100, 950, 1_000]
    # Back with P1, she has what she missed of it.
    carried = end_day(after, POINTS, state, carried, NEXT)
    back = begin_day(before, POINTS, carried, NEXT)
    assert back.missed_w.tolist() == [900, 50, 0]


def test_who_leaves_for_a_day_and_comes_back_has_no_new_block():
    both, without = held("P1", "P1", "P2"), held("P2")
    evening = ended_with(both, begin_day(both, POINTS, NOTHING_CARRIED, TENTH), [5] * 3, [70] * 3)
    carried = end_day(both, POINTS, evening, NOTHING_CARRIED, TENTH)
    alone = begin_day(without, POINTS[2:], carried, NEXT)
    again = end_day(without, POINTS[2:], alone, carried, NEXT)
    assert again == carried
    state = begin_day(both, POINTS, again, NEXT)
    assert state.taken_wh.tolist() == [70] * 3
    assert state.contracts.memory == remembered(both, (150, 75), (140, 70))
    # The month's end forgets those who are gone, too.
    forgotten = end_day(
        without,
        POINTS[2:],
        begin_day(without, POINTS[2:], again, FIRST_OF_NEXT),
        again,
        FIRST_OF_NEXT,
    )
    assert forgotten == NOTHING_CARRIED


CARRIED = Carried(
    owed_w={"anna": (1, 0, 6)},
    matured={("N0", "P1"): 10},
    delivered={("N0", "P1"): 7},
    promised={("N0", "P1"): 9_900_000},
    missed_w={("N0", "P1", "anna"): 3},
    missed_worth={("N0", "P1", "anna"): 210},
    taken_wh={"anna": 5},
    over_take_micro=9,
)


def test_intervals_of_another_length_keep_energy_and_deadlines():
    finer = in_intervals_of(CARRIED, 30, 15)
    assert finer == Carried(
        owed_w={"anna": (0, 2, 0, 0, 0, 12)},
        matured={("N0", "P1"): 20},
        delivered={("N0", "P1"): 14},
        promised={("N0", "P1"): 19_800_000},
        missed_w={("N0", "P1", "anna"): 6},
        missed_worth={("N0", "P1", "anna"): 420},
        taken_wh={"anna": 5},
        over_take_micro=9,
    )
    assert in_intervals_of(finer, 15, 30) == CARRIED
    # What is due in the middle of the second half-hour is due in the first: 13 W become 6.5.
    assert in_intervals_of(Carried(owed_w={"anna": (5, 0, 8)}), 15, 30).owed_w == {"anna": (6,)}
    assert in_intervals_of(Carried(owed_w={"anna": (1,)}), 15, 30) == NOTHING_CARRIED


def test_what_was_promised_keeps_its_part_of_what_matured_where_intervals_change():
    group = ("N0", "P1")
    alike = Carried(matured={group: 5}, delivered={group: 5}, promised={group: 5 * 990_000})
    assert in_intervals_of(alike, 15, 30) == Carried(
        matured={group: 2}, delivered={group: 2}, promised={group: 2 * 990_000}
    )
    # 4 of 5 were promised whole, and one by half: 900,000 ppm of all.
    mixed = Carried(matured={group: 5}, promised={group: 4_500_000})
    assert in_intervals_of(mixed, 15, 30).promised == {group: 1_800_000}
    gone = Carried(matured={group: 1}, promised={group: 990_000})
    assert in_intervals_of(gone, 15, 30) == NOTHING_CARRIED
    # 4 were missed at 100 and one at 50: 90 each.
    anna = (*group, "anna")
    priced = Carried(missed_w={anna: 5}, missed_worth={anna: 450})
    assert in_intervals_of(priced, 15, 30).missed_worth == {anna: 180}


def test_a_promise_is_of_what_matures_under_it():
    first, last = held("P1", "P1", "P1"), held("P1", "P1", "P1")
    last = replace(last, promise_ppm=np.array([500_000]))
    evening = ended_with(
        first, begin_day(first, POINTS, NOTHING_CARRIED, TENTH), [40, 0, 0], [0, 30, 30]
    )
    carried = end_day(first, POINTS, evening, NOTHING_CARRIED, TENTH)
    assert carried.promised == {("N0", "P1"): 100 * PPM}
    morning = begin_day(last, POINTS, carried, NEXT)
    # 40 are lacking of the day before; of 100 more that are due, half is promised.
    assert must_serve(last, morning.contracts.memory, [100]) == [90]
    after = ended_with(last, morning, [5, 0, 0], [15, 0, 0])
    assert after.contracts.memory.deficits() == ((100 + 10 - 75) * PPM,)


MINUTES = st.sampled_from((5, 10, 15, 20, 30, 60))


@given(st.lists(st.integers(0, 10**9), max_size=9), MINUTES, MINUTES)
def test_nothing_is_owed_more_nor_later_where_intervals_change(rows, own, other):
    carried = in_intervals_of(Carried(owed_w={"anna": tuple(rows)}), own, other)
    changed = carried.owed_w.get("anna", ())
    lost = sum(rows) * own - sum(changed) * other
    assert 0 <= lost < max(other * len(rows), 1)
    for end in range(other, len(changed) * other, other):
        # By the end of each interval but the first, all that was due by then is due.
        by_then = sum(value * own for row, value in enumerate(rows) if (row + 1) * own <= end)
        assert Fraction(sum(changed[: end // other]) * other) >= by_then - lost


@pytest.mark.parametrize("minutes", [5, 60])
def test_of_intervals_that_stay_nothing_changes(minutes):
    assert in_intervals_of(CARRIED, minutes, minutes) is CARRIED
