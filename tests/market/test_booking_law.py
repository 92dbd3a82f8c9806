"""Law of another day takes bookings along: other nodes, other intervals, fewer points."""

import json
from dataclasses import replace

import numpy as np

from market.core.booking_records import State
from market.core.bookings_state import record_of, record_text
from market.core.events import Kind, Outcome
from market.core.machine import Machine
from market.core.quotes import Reason
from tests.market.asking import CAP, START, asks, changed, clock, later
from tests.market.streams import MINUTE_US, START_US, event, in_force, online
from tests.settlement.core.examples import tiny_market

UNITS = (("wind", 9_000), ("gas", 3_000))


def test_a_change_of_what_runs_by_law_of_longer_intervals_waits_for_its_end():
    market = online(tiny_market())
    quarters = replace(market.model, interval_minutes=15)
    machine = Machine({"law": market, "new": replace(market, digest="new", model=quarters)})
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
    machine.take([asks("home", 1_000, 2_000, 30, 60, CAP, key="a")])
    at_us = START_US + 31 * MINUTE_US
    machine.take([event(Kind.RULES, at_us=at_us, words=("new",)), clock(32)])
    # A booking of which all has begun is not changed; one that goes on is.
    (record,) = machine.take([changed("a", 33, 1_500, 2_000, 30, 120)]).booking_records
    assert (record.state, record.reason) == (State.BOOKED, Reason.BEGUN)
    machine = Machine(machine.law)
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
    machine.take([asks("home", 2_000, 2_000, 30, 90, CAP, key="a")])
    machine.take([event(Kind.RULES, at_us=at_us, words=("new",)), clock(32)])
    (record,) = machine.take([changed("a", 33, 2_500, 2_000, 30, 90)]).booking_records
    assert (record.state, record.reason) == (State.BOOKED, Reason.WINDOW)
    (record,) = machine.take([changed("a", 34, 2_500, 2_000, 30, 120)]).booking_records
    assert [
        (each.start_minute - START, each.minutes, each.energy_wh) for each in record.placed
    ] == [
        (30, 30, 1_000),
        (60, 15, 500),
        (75, 15, 500),
        (90, 15, 500),
    ]


def test_law_of_other_nodes_and_shorter_intervals_takes_bookings_along():
    market = online(tiny_market())
    quarters = replace(market.model, interval_minutes=15, supply_point_node=np.array([1, 0, 1]))
    law = {"law": market, "new": replace(market, digest="new", model=quarters)}
    machine = Machine(law)
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
    machine.take([asks("home", 2_000, 4_000, 30, 60, CAP, key="a")])
    machine.take([event(Kind.FORECAST, "plant", START + 60, 700)])
    machine.take([event(Kind.RULES, at_us=START_US + 1, words=("new",))])
    forward = machine.bookings.forward
    assert forward.horizon.first_minute == START + 15 and forward.horizon.count == 192
    assert forward.booked_w["home"][:5].tolist() == [0, 4_000, 4_000, 0, 0]
    assert forward.at("home").net_demand_w[:5].tolist() == [0, 4_000, 4_000, 0, 0]
    assert forward.at("plant").net_demand_w[:6].tolist() == [0, 0, 0, 700, 700, 0]
    # And back to half-hours.
    machine.take([event(Kind.RULES, at_us=START_US + 2, words=("law",))])
    assert machine.bookings.forward.booked_w["home"][:3].tolist() == [4_000, 0, 0]


def test_what_is_to_come_of_a_point_that_law_knows_no_more_ends_and_is_owed_by_who_booked_it():
    market = online(tiny_market())
    fewer = replace(
        market.model,
        supply_points=("plant", "shop"),
        supply_point_node=np.array([1, 1]),
        charging=replace(
            market.model.charging,
            dynamic_ppm=np.zeros(2, dtype=np.int64),
            capacity_weight_ppm=np.full(2, 1_000_000),
        ),
    )
    machine = Machine({"law": market, "new": replace(market, digest="new", model=fewer)})
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
    machine.take([asks("home", 2_000, 4_000, 30, 60, CAP, key="a")])
    machine.take([asks("home", 9_000, 18_000, 30, 60, CAP, key="b")])
    new = event(Kind.RULES, at_us=START_US + MINUTE_US, words=("new",))
    said = {each.key: each for each in machine.take([new]).booking_records}
    assert {each.state for each in said.values()} == {State.CANCELLED} and len(said) == 2
    (owed,) = said["a"].given_back
    assert owed.energy_wh == 2_000 and owed.owed_micro > 0
    # On the last day that was its own, however late that is told.
    assert owed.minute == START - 1
    assert not machine.bookings.known
    assert not machine.bookings.forward.at("plant").net_demand_w.any()


def test_what_is_to_come_ends_with_its_supplier_and_is_owed_by_who_booked_it():
    market = online(tiny_market())
    others = replace(market, digest="new", suppliers=("doric", *market.suppliers[1:]))
    machine = Machine({"law": market, "new": others})
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
    machine.take([asks("home", 10_000, 10_000, 0, 120, CAP, key="a")])
    machine.take([asks("plant", 100, 4_000, 0, 120, CAP, key="kept")])
    machine.take([asks("home", 50_000, 10**6, 0, 120, CAP, key="waits")])
    # The law comes as an interval begins, which is of who supplies by it.
    new = event(Kind.RULES, at_us=START_US + 60 * MINUTE_US, words=("new",))
    said = {each.key: each for each in machine.take([clock(60), new]).booking_records}
    assert said.keys() == {"a", "waits"}
    assert (said["a"].participant, said["a"].reason) == ("cedar", Reason.SUPPLIER)
    assert [each.start_minute - START for each in said["a"].placed] == [30]
    assert {each.minute - START for each in said["a"].given_back} == {-1}
    assert said["waits"].state is State.CANCELLED
    assert not machine.bookings.forward.booked_w["home"].any()
    assert machine.bookings.forward.booked_w["plant"].any()
    assert record_of(json.loads(record_text(said["a"]))) == said["a"]


def test_who_gave_back_and_is_followed_by_another_owes_at_once_what_it_will_have_no_line_for():
    market = online(tiny_market())
    others = replace(market, digest="new", suppliers=("doric", *market.suppliers[1:]))
    machine = Machine({"law": market, "new": others})
    machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
    machine.take([asks("home", 4_000, 4_000, 0, 120, CAP, key="a")])
    machine.take([later(Kind.CANCEL, "a", 1)])
    # It is over for whoever asks, and known until its last interval begins.
    (outcome,) = machine.take([later(Kind.CANCEL, "a", 2)]).outcomes
    assert outcome is Outcome.UNKNOWN and machine.bookings.known.keys() == {"a"}
    new = event(Kind.RULES, at_us=START_US + 60 * MINUTE_US, words=("new",))
    (said,) = machine.take([clock(60), new]).booking_records
    assert [each.start_minute - START for each in said.let_go] == [30]
    assert said.given_back and said.state is State.CANCELLED
    assert not machine.bookings.known
    machine.take([asks("home", 100, 1_000, 60, 120, CAP, key="b", at_us=START_US + 61 * MINUTE_US)])
    machine.take([later(Kind.CANCEL, "b", 62)])
    machine.take([clock(120)])
    assert not machine.bookings.known


def test_a_change_of_nothing_lets_nothing_go_by_law_of_other_intervals():
    market = online(tiny_market())
    for minutes in (15, 60):
        other = replace(market.model, interval_minutes=minutes)
        machine = Machine({"law": market, "new": replace(market, digest="new", model=other)})
        machine.take([in_force(), event(Kind.AVAILABILITY, "wind", 9_000)])
        machine.take([asks("home", 3_000, 3_000, 60, 120, CAP, key="a")])
        machine.take([event(Kind.RULES, at_us=START_US + MINUTE_US, words=("new",))])
        (record,) = machine.take([changed("a", 2, 3_000, 3_000, 60, 120)]).booking_records
        assert {each.minutes for each in record.placed} == {minutes}
        assert record.given_back == record.let_go == ()
        # Of half of it, half is let go.
        (record,) = machine.take([changed("a", 3, 1_500, 1_500, 60, 120)]).booking_records
        assert sum(each.energy_wh for each in record.let_go) == 1_500


def test_what_was_let_go_is_owed_by_who_booked_it_however_late_the_law_that_ends_it_is_handed_in():
    market, day_us = online(tiny_market(), begun_by_handing_in=True), 24 * 60 * MINUTE_US
    law = {"law": market, "new": replace(market, digest="new", suppliers=("doric",) * 3)}
    first = [in_force(), *(event(Kind.AVAILABILITY, *unit) for unit in UNITS)]
    evening = [
        asks("home", 3_000, 6_000, 1_470, 1_500, CAP, key="a", at_us=START_US + 1_200 * MINUTE_US),
        # What goes on for a minute makes the hours to come as dear as when it was booked.
        event(Kind.DEMAND, "home", 30_000, at_us=START_US + 1_201 * MINUTE_US),
        later(Kind.CANCEL, "a", 1_202),
        event(Kind.DEMAND, "home", 4_000, at_us=START_US + 1_203 * MINUTE_US),
        event(Kind.AVAILABILITY, "wind", 60_000, at_us=START_US + 1_204 * MINUTE_US),
    ]
    owed = []
    for late_us in (0, 70 * MINUTE_US):
        machine = Machine(law)
        for each in (*first, event(Kind.DEMAND, "home", 4_000), *evening):
            machine.take([each], [each.at_us])
        midnight = event(Kind.RULES, at_us=START_US + day_us, words=("new",))
        (ended,) = machine.take([midnight], [midnight.at_us + late_us]).booking_records
        assert ended.let_go == () and not machine.bookings.known
        owed.append(ended.given_back)
    assert owed[0] == owed[1] != ()
