"""Bookings keep what they promise, whatever is asked, and remember what was not delivered."""

import json

import pytest
from hypothesis import given

from market.core.booking_records import BookingRecord, State
from market.core.bookings import Bookings
from market.core.events import Kind, Outcome
from market.core.forward import Forward
from market.core.machine import Machine
from market.core.quotes import Reason, Request, Side, quote
from market.core.state import restore
from market.core.state import state_of as known_by
from tests.market.asking import (
    CAP,
    FULL,
    START,
    asking_streams,
    asks,
    begun,
    changed,
    clock,
    home,
    later,
    run,
    state_of,
    told,
)
from tests.market.streams import START_US, event, in_force, online
from tests.settlement.core.examples import tiny_market

ENDED = {State.REFUSED, State.CANCELLED, State.MISSED, State.DELIVERED}


def placed_w(records, horizon) -> dict[str, list[int]]:
    """W of each point in each interval to come, from records alone; points of nothing left out."""
    sums: dict[str, list[int]] = {}
    for record in records:
        sign = 1 if record.request.side is Side.BUY else -1
        for each in record.placed:
            place = (each.start_minute - horizon.first_minute) // horizon.minutes
            if 0 <= place < horizon.count:
                of_point = sums.setdefault(record.request.point, [0] * horizon.count)
                of_point[place] += sign * each.power_w
    return {point: of_point for point, of_point in sums.items() if any(of_point)}


def keeps_to_its_terms(record: BookingRecord) -> None:
    """Assert what every record must be."""
    request = record.request
    for each in record.placed:
        assert each.energy_wh > 0 and 0 < each.power_w <= 10**13
        assert each.power_w == each.energy_wh * 60 // each.minutes
    starts = [each.start_minute for each in record.placed]
    assert starts == sorted(set(starts))
    assert record.booked_wh <= request.energy_wh
    assert {each.start_minute for each in record.told} <= set(starts)
    assert record.delivered_wh <= record.booked_wh
    assert (record.state is State.WAITING) <= (not record.placed and record.reason is not None)
    assert (record.state is State.BOOKED) <= bool(record.placed)
    assert (record.state is State.DELIVERED) <= (record.delivered_wh == record.booked_wh > 0)
    assert (record.state in (State.REFUSED, State.CANCELLED)) <= (not record.placed)


@given(asking_streams())
def test_whatever_is_asked_bookings_keep_to_their_terms(stream):
    market, batches = stream
    machine, last = Machine({"law": market}), {}
    for batch in batches:
        taken = machine.take(batch)
        bookings = machine.bookings
        for record in taken.booking_records:
            keeps_to_its_terms(record)
            assert record.at_us <= machine.clock_us
            before = last.get(record.key)
            if before is not None:
                # What was begun stays, and a state that ends a booking is its last.
                assert before.number == record.number
                assert before.state not in (State.REFUSED, State.CANCELLED)
                assert set(before.begun(record.at_us)) <= set(record.placed)
            last[record.key] = record
        assert bookings.records == []
        assert all(last[key] == record for key, record in bookings.known.items())
        waits = {key for key, record in last.items() if record.state is State.WAITING}
        assert bookings.waiting == waits
        horizon = bookings.forward.horizon
        booked = placed_w(bookings.known.values(), horizon)
        now = {name: w.tolist() for name, w in bookings.forward.booked_w.items() if w.any()}
        assert now == booked
        # Nobody waits who could be served.
        for record in bookings.queue():
            assert quote(bookings.forward, record.request).reason is not None


@given(asking_streams())
def test_a_log_gives_the_same_bookings_again_and_the_same_intervals_to_come(stream):
    market, batches = stream
    (one, first), other, second = run(market, batches), Machine({"law": market}), []
    for batch in batches:
        second.append(other.take(batch))
        # Whoever looks moves nothing.
        state_of(other.bookings.forward)
    assert told(first) == told(second)
    assert [each.outcomes for each in first] == [each.outcomes for each in second]
    assert state_of(one.bookings.forward) == state_of(other.bookings.forward)
    # The intervals to come are what is known of them, whatever the way here.
    anew = Forward(market, one.grid, one.clock_us)
    anew.forecasts = one.bookings.forward.forecasts
    for record in one.bookings.known.values():
        sign = 1 if record.request.side is Side.BUY else -1
        for each in record.placed:
            if not each.has_begun(one.clock_us):
                place = (each.start_minute - anew.horizon.first_minute) // 30
                anew.book(record.request.point, {place: sign * each.power_w})
    assert state_of(anew) == state_of(one.bookings.forward)


@given(asking_streams(16))
def test_without_a_queue_it_makes_no_difference_which_events_came_together(stream):
    market, batches = stream
    alone = [[each] for batch in batches for each in batch]
    (one, first), (other, second) = run(market, batches), run(market, alone)
    if any(record.state is State.WAITING for record in (*told(first), *told(second))):
        return
    assert told(first) == told(second)
    assert state_of(one.bookings.forward) == state_of(other.bookings.forward)


@given(asking_streams(16))
def test_to_cancel_all_that_has_not_begun_restores_every_interval(stream):
    machine, _ = run(*stream)
    bookings, clock_us = machine.bookings, machine.clock_us
    for record in list(bookings.known.values()):
        at = {"at_us": clock_us, "words": (record.key,), "key": f"end {record.key}"}
        machine.take([event(Kind.CANCEL, record.request.point, **at)])
    assert not any(w.any() for w in bookings.forward.booked_w.values())
    anew = Forward(machine.market, machine.grid, clock_us)
    anew.forecasts = bookings.forward.forecasts
    assert state_of(anew) == state_of(bookings.forward)


ASKED = {
    "what there is": (FULL, Outcome.TAKEN, State.BOOKED, None),
    "more than there is": (
        (5_501, 11_002, 30, 60, CAP),
        Outcome.TAKEN,
        State.WAITING,
        Reason.SHORT,
    ),
    "below its price": ((5_500, 11_000, 30, 60, 0), Outcome.REFUSED, State.REFUSED, Reason.PRICE),
    "more than its power gives": (
        (5_500, 10_999, 30, 60, CAP),
        Outcome.REFUSED,
        State.REFUSED,
        Reason.WINDOW,
    ),
    "in no whole half-hour": ((1, 9, 31, 89, CAP), Outcome.REFUSED, State.REFUSED, Reason.WINDOW),
    "in a half-hour that runs": ((1, 9, 0, 30, CAP), Outcome.REFUSED, State.REFUSED, Reason.WINDOW),
    "in three days": (
        (1, 9, 72 * 60, 73 * 60, CAP),
        Outcome.REFUSED,
        State.REFUSED,
        Reason.HORIZON,
    ),
}


@pytest.mark.parametrize("named", ASKED)
def test_what_becomes_of_a_request(named):
    numbers, outcome, state, reason = ASKED[named]
    _, (became,) = begun(home("a", *numbers))
    assert became == (outcome, [("a", state, reason)])


@pytest.mark.parametrize(
    ("product", "outcome"), [("flexible", Outcome.TAKEN), ("P1", Outcome.UNKNOWN)]
)
def test_without_contracts_only_flexible_energy_is_asked_for(product, outcome):
    asked = [asks("home", 1, 9, 30, 60, CAP, product=product)]
    _, (_, taken) = run(online(tiny_market()), [[in_force()], asked])
    assert taken.outcomes == [outcome]


UNREAD = {
    "of nobody": (asks("nobody", 1, 9, 30, 60, CAP), Outcome.UNKNOWN),
    "of a unit": (asks("wind", 1, 9, 30, 60, CAP), Outcome.UNKNOWN),
    "of another product": (asks("home", 1, 9, 30, 60, CAP, product="shop"), Outcome.UNKNOWN),
    "neither bought nor sold": (home("b", 1, 9, 30, 60, CAP, side="lend"), Outcome.UNREADABLE),
    "of no energy": (home("b", 0, 9, 30, 60, CAP), Outcome.UNREADABLE),
    "of no power": (home("b", 1, 0, 30, 60, CAP), Outcome.UNREADABLE),
    "that ends before it begins": (home("b", 1, 9, 60, 60, CAP), Outcome.UNREADABLE),
    "of more than a week": (home("b", 1, 9, 30, 10_111, CAP), Outcome.UNREADABLE),
    "at a price that no rule may state": (home("b", 1, 9, 30, 60, 10**11 + 1), Outcome.UNREADABLE),
    "without its numbers": (
        event(Kind.REQUEST, "home", words=("home", "buy")),
        Outcome.UNREADABLE,
    ),
    "without its side": (event(Kind.REQUEST, "home", words=("home",)), Outcome.UNREADABLE),
    "again under one key": (home("a", 1, 9, 30, 60, CAP), Outcome.AGAIN),
    "to change what is not": (changed("x", 0, 1, 9, 30, 60), Outcome.UNKNOWN),
    "to change to nothing": (changed("a", 0, 0, 9, 30, 60), Outcome.UNREADABLE),
    "to change without numbers": (later(Kind.CHANGE, "a", 0), Outcome.UNREADABLE),
    "to cancel what another has": (later(Kind.CANCEL, "a", 0, point="shop"), Outcome.UNKNOWN),
    "to cancel with a number": (later(Kind.CANCEL, "a", 0, 1), Outcome.UNREADABLE),
    "delivered where nothing was booked": (
        later(Kind.DELIVERY, "a", 70, START, 1),
        Outcome.UNKNOWN,
    ),
    "delivered before the end": (later(Kind.DELIVERY, "a", 59, START + 30, 1), Outcome.AHEAD),
    "delivered beyond what was booked": (
        later(Kind.DELIVERY, "a", 60, START + 30, 101),
        Outcome.UNREADABLE,
    ),
    "delivered, not taken and late beyond what was booked": (
        later(Kind.DELIVERY, "a", 60, START + 30, 50, 30, 21),
        Outcome.UNREADABLE,
    ),
    "delivered below nothing": (
        later(Kind.DELIVERY, "a", 60, START + 30, -1),
        Outcome.UNREADABLE,
    ),
}


@pytest.mark.parametrize("named", UNREAD)
def test_what_is_not_taken_moves_no_booking(named):
    asked, outcome = UNREAD[named]
    machine, became = begun(home("a", 100, 200, 30, 60, CAP), asked)
    assert became[1] == (outcome, [])
    assert list(machine.bookings.known) == ["a"]


def test_a_cancellation_before_it_begins_leaves_room_to_the_one_who_waits():
    _, became = begun(home("a", *FULL), home("b", *FULL), later(Kind.CANCEL, "a", 29))
    assert became[1:] == [
        (Outcome.TAKEN, [("b", State.WAITING, Reason.SHORT)]),
        (Outcome.TAKEN, [("a", State.CANCELLED, None), ("b", State.BOOKED, None)]),
    ]


def test_what_has_begun_stays_when_the_rest_is_cancelled():
    numbers = (4_000, 4_000, 30, 90, CAP)
    machine, became = begun(
        home("a", *numbers), later(Kind.CANCEL, "a", 30), later(Kind.CANCEL, "a", 31)
    )
    assert became[1:] == [
        (Outcome.TAKEN, [("a", State.BOOKED, None)]),
        (Outcome.REFUSED, [("a", State.BOOKED, Reason.BEGUN)]),
    ]
    (left,) = machine.bookings.known["a"].placed
    assert (left.start_minute - START, left.energy_wh) == (30, 2_000)


def test_a_change_that_can_be_had_replaces_and_one_that_cannot_leaves_all_as_it_was():
    machine, _ = begun(home("a", 4_000, 8_000, 30, 60, CAP), home("b", 1_500, 3_000, 60, 90, CAP))
    before = state_of(machine.bookings.forward)
    for asked, reason in (
        (changed("b", 1, 5_501, 11_002, 60, 90), Reason.SHORT),
        (changed("b", 2, 2_000, 4_000, 30, 60), Reason.SHORT),
        (changed("b", 3, 1_500, 3_000, 60, 90, limit=0), Reason.PRICE),
        (changed("b", 4, 9_000, 9_000, 60, 90), Reason.WINDOW),
    ):
        taken = machine.take([asked])
        assert taken.outcomes == [Outcome.REFUSED]
        (record,) = taken.booking_records
        assert (record.state, record.reason) == (State.BOOKED, reason)
        assert record.request.energy_wh == 1_500
        assert state_of(machine.bookings.forward) == before
    # What it has itself is no hindrance.
    taken = machine.take([changed("b", 5, 5_500, 11_000, 60, 90)])
    (record,) = taken.booking_records
    assert (taken.outcomes, record.booked_wh, record.reason) == ([Outcome.TAKEN], 5_500, None)


def test_a_change_counts_what_has_begun_as_had():
    machine, _ = begun(home("a", 4_000, 4_000, 30, 90, CAP))
    taken = machine.take([changed("a", 35, 5_000, 4_000, 30, 150)])
    (record,) = taken.booking_records
    assert taken.outcomes == [Outcome.TAKEN]
    assert [(each.start_minute - START, each.energy_wh) for each in record.placed] == [
        (30, 2_000),
        (60, 2_000),
        (90, 1_000),
    ]
    (less,) = machine.take([changed("a", 36, 1_999, 4_000, 30, 150)]).booking_records
    assert less.reason is Reason.BEGUN and less.placed == record.placed
    (just,) = machine.take([changed("a", 37, 2_000, 4_000, 30, 150)]).booking_records
    assert just.placed == record.placed[:1] and just.state is State.BOOKED


def test_a_booking_is_delivered_once_all_is_told_and_a_later_word_corrects():
    machine, became = begun(
        home("a", 4_000, 4_000, 30, 90, CAP),
        later(Kind.DELIVERY, "a", 61, START + 30, 2_000),
        later(Kind.DELIVERY, "a", 91, START + 60, 1_900),
        later(Kind.DELIVERY, "a", 92, START + 60, 2_000),
        later(Kind.DELIVERY, "a", 90, START + 60, 0),
    )
    assert [became[number][1] for number in range(1, 5)] == [
        [("a", State.BOOKED, None)],
        [("a", State.MISSED, None)],
        [("a", State.DELIVERED, None)],
        [],
    ]
    assert became[4][0] is Outcome.OLDER
    # All was promised but 1 percent of it.
    assert machine.bookings.promises.deficit(("north", "home")) == -10_000 * 4_000


def test_a_booking_is_forgotten_after_a_whole_month_and_missed_if_not_all_was_told():
    machine, _ = begun(home("a", 100, 200, 30, 60, CAP))
    machine.take([clock(24 * 60)])
    machine.take([clock(31 * 24 * 60)])
    assert list(machine.bookings.known) == ["a"]
    (record,) = machine.take([clock(32 * 24 * 60)]).booking_records
    assert (record.key, record.state) == ("a", State.MISSED)
    assert not machine.bookings.known
    taken = machine.take([home("a", 100, 200, 32 * 24 * 60 + 30, 33 * 24 * 60, CAP)])
    assert taken.outcomes == [Outcome.LATE]


@given(asking_streams())
def test_bookings_that_were_kept_as_text_go_on_as_those_that_were_not(stream):
    market, batches = stream
    half = 1 + len(batches) // 2
    known, _ = run(market, batches[:half])
    kept = json.loads(json.dumps(known_by(known)))
    other = restore(kept, {"law": market})
    second = [other.take(batch) for batch in batches[half:]]
    first = [known.take(batch) for batch in batches[half:]]
    assert told(first) == told(second)
    assert [each.outcomes for each in first] == [each.outcomes for each in second]
    assert known_by(known) == known_by(other)
    assert state_of(known.bookings.forward) == state_of(other.bookings.forward)


def test_a_request_reads_as_it_was_written():
    asked = Request.of(asks("home", 1, 2, 3, 4, 5, side="sell"))
    assert asked == Request("home", "flexible", Side.SELL, 1, 2, START + 3, START + 4, 5)


def test_bookings_need_no_machine():
    market = online(tiny_market())
    machine = Machine({"law": market})
    machine.take([in_force()])
    assert Bookings(market, machine.grid, START_US).queue() == []
