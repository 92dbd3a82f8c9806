"""Under law by which an interval has begun by when it was handed in, nobody acts in hindsight."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.core.booking_records import State
from market.core.events import Kind, Outcome
from market.core.machine import Machine
from market.core.quotes import Reason
from market.core.state import another, restore
from market.core.state import state_of as known_by
from tests.market.asking import CAP, asking_streams, asks, later, told
from tests.market.asking import state_of as ahead_of
from tests.market.streams import MINUTE_US, START_US, event, in_force, online
from tests.settlement.core.examples import tiny_market

SEEDS = st.integers(0, 2**32)


def handed_in(batches, seed: int) -> list[list[tuple]]:
    """Each event and when it was handed in: later and later behind the clock, some out of turn."""
    chance, came_us, timed = random.Random(seed), START_US, []
    for batch in batches:
        timed.append([])
        for each in batch:
            came_us = max(came_us, each.at_us) + chance.choice((0, 0, 1, 7, 45)) * MINUTE_US
            early_us = chance.choice((0, 0, min(came_us - each.at_us, 2 * MINUTE_US)))
            timed[-1].append((each, came_us - early_us))
    return timed


def take(machine: Machine, batch):
    return machine.take([each for each, _ in batch], [came_us for _, came_us in batch])


@given(asking_streams(), SEEDS)
def test_nothing_is_booked_moved_or_given_back_that_had_begun_when_it_was_handed_in(stream, seed):
    market, batches = stream
    machine = Machine({"law": replace(market, begun_by_handing_in=True)})
    placed: dict[str, set] = {}
    for event_and_moment in (each for batch in handed_in(batches, seed) for each in batch):
        taken = take(machine, [event_and_moment])
        came_us = event_and_moment[1]
        for record in taken.booking_records:
            moved = set(record.placed) ^ placed.get(record.key, set())
            assert all(each.start_minute * MINUTE_US > came_us for each in moved)
            assert all(each.minute * MINUTE_US <= machine.bookings.begun_us
                       for each in record.given_back)  # fmt: skip
            placed[record.key] = set(record.placed)
        if taken.outcomes == [Outcome.TAKEN]:
            first_us = machine.bookings.forward.horizon.first_minute * MINUTE_US
            assert first_us > max(came_us, machine.clock_us)
            assert machine.handed_in_us >= came_us


@given(asking_streams(16), SEEDS, st.booleans())
def test_a_log_gives_the_same_again_from_any_batch_on(stream, seed, by_handing_in):
    market, batches = stream
    law = {"law": replace(market, begun_by_handing_in=by_handing_in)}
    one, timed = Machine(law), handed_in(batches, seed)
    for number, batch in enumerate(timed):
        taken = take(one, batch)
        if number == len(timed) // 2:
            copies = [restore(json.loads(json.dumps(known_by(one))), law), another(one)]
        elif number > len(timed) // 2:
            for copy in copies:
                again = take(copy, batch)
                assert again.outcomes == taken.outcomes
                assert again.booking_records == taken.booking_records
    assert [known_by(each) for each in copies] == [known_by(one)] * 2
    assert ("handed_in_us" in known_by(one)) == by_handing_in


@given(asking_streams(16), SEEDS)
def test_by_the_clock_alone_it_makes_no_difference_when_anything_was_handed_in(stream, seed):
    market, batches = stream
    one, other = Machine({"law": market}), Machine({"law": market})
    first = [take(one, batch) for batch in handed_in(batches, seed)]
    second = [other.take(batch) for batch in batches]
    assert told(first) == told(second)
    assert known_by(one) == known_by(other)
    assert ahead_of(one.bookings.forward) == ahead_of(other.bookings.forward)


def machine_of(**changes) -> Machine:
    """The tiny market with 9 kW of wind, told of its start and of nothing later."""
    machine = Machine({"law": online(tiny_market(), **changes)})
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)], [START_US] * 2)
    return machine


def wish(key: str, energy_wh: int = 1_500):
    return asks("home", energy_wh, 1_000, 0, 180, CAP, product="flexible", key=key)


@pytest.mark.parametrize(("by_handing_in", "first"), [(False, 30), (True, 60)])
def test_who_asks_when_an_interval_runs_by_the_wall_is_given_a_later_one(by_handing_in, first):
    machine = machine_of(begun_by_handing_in=by_handing_in)
    (record,) = machine.take([wish("a")], [START_US + 45 * MINUTE_US]).booking_records
    starts = [each.start_minute - START_US // MINUTE_US for each in record.placed]
    assert starts == [first, first + 30, first + 60]
    # By the clock that is told, all of it is to come yet; by the wall one and a half have begun.
    came_us = START_US + (first + 40) * MINUTE_US
    cancel = later(Kind.CANCEL, "a", 0)
    taken = machine.take([cancel], [came_us])
    (record,) = taken.booking_records
    assert record.state is (State.BOOKED if by_handing_in else State.CANCELLED)
    assert len(record.placed) == (2 if by_handing_in else 0)


def test_what_has_begun_by_the_wall_alone_is_neither_changed_nor_given_up():
    machine = machine_of(begun_by_handing_in=True)
    machine.take([wish("a", 500)], [START_US])
    came_us = START_US + 30 * MINUTE_US
    change = later(Kind.CHANGE, "a", 0, *wish("b", 900).numbers)
    for act in (change, later(Kind.CANCEL, "a", 0)):
        taken = another(machine).take([act], [came_us])
        assert taken.outcomes == [Outcome.REFUSED]
        assert taken.booking_records[0].reason is Reason.BEGUN
        assert another(machine).take([act], [came_us - 1]).outcomes == [Outcome.TAKEN]
