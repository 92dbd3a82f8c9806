"""Bookings in the order of service: before what nobody booked, and nothing else is otherwise."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.booked_lots import BookedPower
from settlement.core.contract_day import serve_day
from settlement.core.contracts import ContractState, nothing_owed
from settlement.core.network_rooms import rooms_of
from settlement.core.order_of_service import BOOKED, DUE, PROMISES, WAITING
from tests.settlement.core import fair_play_reference as reference
from tests.settlement.core.examples import remembered
from tests.settlement.core.test_contract_day import LOTTERY, PAIR, copperplate

DAYS = reference.contract_days()
PRICE = 60_000_000


def bookings_of(contracts, desired, parts):
    """Bookings of flexible points, a part of what is desired each, or more than that."""
    return tuple(
        BookedPower(
            number + 1,
            point := number % len(desired),
            desired[point] * part // 4,
            np.full(desired.shape[1], PRICE + number),
        )
        for number, part in enumerate(parts)
        if contracts.point_window[number % len(desired)]
    )


def serve(example, booked, state=None):
    grid, contracts, supply, desired = example
    nobody = np.zeros(len(desired), dtype=np.bool_)
    state = state or nothing_owed(contracts)
    at = rooms_of(grid), contracts, state, supply, desired, desired, nobody
    return serve_day(*at, booked=booked)


BOOKED_DAYS = st.tuples(DAYS, st.lists(st.integers(0, 6), max_size=8))


@given(BOOKED_DAYS)
def test_as_much_is_served_whoever_booked_and_promises_and_what_is_due_come_first(drawn):
    example, parts = drawn
    contracts, desired = example[1], example[3]
    day = serve(example, bookings_of(contracts, desired, parts))
    order = [PROMISES, DUE, BOOKED, WAITING]
    for interval, service in enumerate(day.services):
        assert day.delivered_w[:, interval].sum() == day.maximum_w[interval]
        if service is not None:
            keys = [(order.index(turn.name), turn.due_after) for turn in service.turns]
            assert keys == sorted(set(keys))
            assert np.all(service.booked_w <= service.waiting_w)
    # In the first interval both begin alike: what is booked is served no worse.
    plain = serve(example, ())
    if plain.services[0] is not None:
        before, booked = plain.services[0], day.services[0]
        assert np.array_equal(before.due_w, booked.due_w)


@given(BOOKED_DAYS)
def test_what_is_refused_of_a_booking_is_late_missed_or_owed_once(drawn):
    example, parts = drawn
    contracts, desired = example[1], example[3]
    day = serve(example, bookings_of(contracts, desired, parts))
    for each, lots in zip(day.before, day.lots, strict=True):
        owed = np.zeros_like(each.owed)
        for lot in each.lots:
            owed[lot.due, lot.point] += lot.power_w
        assert np.all(owed <= each.owed)
        assert not lots or [lot.lot for lot in lots if not lot.is_new] == list(each.lots)
    after = [*day.before[1:], day.after]
    for lots, state in zip(day.lots, after, strict=True):
        for each in lots:
            # Where the meter is all that is known, nobody declines.
            assert each.served_w + each.left_w == each.lot.power_w
        left = [each.left_w for each in lots if each.left_w and each.lot.due]
        assert sorted(left) == sorted(lot.power_w for lot in state.lots)


@given(BOOKED_DAYS, st.integers(0, 5))
def test_two_parts_of_a_day_come_to_what_the_whole_does(drawn, cut):
    (grid, contracts, supply, desired), parts = drawn
    cut = min(cut, desired.shape[1])
    booked = bookings_of(contracts, desired, parts)
    whole = serve((grid, contracts, supply, desired), booked)

    def part(where, state=None):
        of_part = (grid, contracts, supply[:, where], desired[:, where])
        own = (
            dataclasses.replace(
                each,
                power_w=each.power_w[where],
                price_micro_per_mwh=each.price_micro_per_mwh[where],
            )
            for each in booked
        )
        return serve(of_part, tuple(own), state)

    if 0 < cut < desired.shape[1]:
        first = part(slice(0, cut))
        second = part(slice(cut, None), first.after)
        assert np.array_equal(np.hstack([first.delivered_w, second.delivered_w]), whole.delivered_w)
        assert second.after.lots == whole.after.lots


def test_of_two_who_may_wait_the_one_that_booked_is_served_first_and_keeps_its_turn():
    flexible = dataclasses.replace(PAIR, window=np.array([2, 2]), promise_ppm=np.array([0, 0]))
    desired = np.array([[80, 0, 0], [80, 0, 0]]) * 1_000
    booked = (BookedPower(7, 1, np.array([100_000, 0, 0]), np.full(3, PRICE)),)
    supply = np.zeros((3, 3), dtype=np.int64)
    supply[2] = np.array([50, 40, 70]) * 1_000
    state = ContractState(np.zeros((2, 2), dtype=np.int64), remembered(flexible, (1, 1), (1, 1)))
    nobody = np.zeros(2, dtype=np.bool_)
    at = copperplate(3), flexible, state, supply, desired, desired, nobody
    # B booked all of its 80: it has all there is, 50 and then 30; and A the 10 left over.
    day = serve_day(*at, booked=booked)
    assert day.delivered_w.tolist() == [[0, 10_000, 70_000], [50_000, 30_000, 0]]
    assert [turn.name for turn in day.services[1].turns] == [BOOKED, WAITING]
    (new,), (late,), none = day.lots
    assert (new.is_new, new.served_w, new.refused_wh(30)) == (True, 50_000, 15_000)
    assert (late.served_w, late.late_wh(30), late.lot.price_micro_per_mwh) == (
        30_000,
        15_000,
        PRICE,
    )
    assert not none
    # Had nobody booked, they would share.
    assert serve_day(*at).delivered_w[:, 0].tolist() == [25_000, 25_000]


def test_what_is_met_whole_or_not_at_all_is_booked_whole_or_counts_as_not_booked():
    whole = dataclasses.replace(
        PAIR,
        window=np.array([2, 2]),
        promise_ppm=np.array([0, 0]),
        indivisible=np.array([True, True]),
    )
    desired = np.array([[80], [80]]) * 1_000
    supply = np.array([[0], [0], [100_000]])
    state = ContractState(np.zeros((2, 2), dtype=np.int64), remembered(whole, (1, 1), (1, 1)))
    nobody = np.zeros(2, dtype=np.bool_)

    def turns(power_w):
        booked = (BookedPower(7, 0, np.array([power_w]), np.array([PRICE])),)
        at = copperplate(3), whole, state, supply, desired, desired, nobody, LOTTERY
        day = serve_day(*at, booked=booked)
        return day, [turn.name for turn in day.services[0].turns]

    day, names = turns(80_000)
    assert BOOKED in names
    assert day.delivered_w.tolist() == [[80_000], [0]]
    assert BOOKED not in turns(79_999)[1]
