"""Readings outlast whoever leads: a market that is found again in its log prices them as before."""

import datetime as dt
import json
from contextlib import closing
from dataclasses import replace

import numpy as np

from market import store
from market.core.events import Kind, Outcome
from market.core.machine import Cause
from market.core.state import days_of_law, state_of
from market.leading import connect
from market.worker import Leader
from tests.market.led import MARKET, hand_in, hold_to_replay, leader_of, take_all, writer_url
from tests.market.streams import DAY, online
from tests.market.test_feeding import events_of
from tests.settlement.core.examples import tiny_day, tiny_market

ONE_DAY = dt.timedelta(days=1)
OLD = online(tiny_market(), digest="old", late_after_days=1)
NEW = replace(OLD, digest="new", model=replace(OLD.model, supply_point_node=np.array([1, 0, 1])))
DAYS = [DAY + number * ONE_DAY for number in range(4)]
LAW = {DAYS[0]: OLD, DAYS[1]: OLD, DAYS[2]: NEW, DAYS[3]: NEW}


def resolve(day: dt.date, known: dt.datetime):
    return LAW.get(day)


def lead(connection) -> Leader:
    return take_all(leader_of(connection, resolve=resolve))


def revised(day: dt.date, at_us: int):
    """A later revision of all demand of a day, read at a moment."""
    corrected = replace(tiny_day(day=day), demand_wh=tiny_day(day=day).demand_wh + 17)
    return [
        replace(each, at_us=at_us)
        for each in events_of(LAW[day], corrected, revision=2)
        if each.kind is Kind.READING
    ]


def test_a_leader_that_follows_another_prices_the_revisions_of_days_that_it_never_saw(
    committed_database,
):
    fed = [events_of(LAW[day], tiny_day(day=day)) for day in DAYS[:3]]
    # Each day ends with the event that begins the next.
    events = list({(each.day, each.key): each for day in fed for each in day}.values())
    hand_in(committed_database, events, at_once=400)
    with closing(connect(writer_url(committed_database))) as connection:
        first = lead(connection)
        # The clock reached the fourth day; the third and second take readings still.
        again = revised(DAYS[1], events[-1].at_us) + revised(DAYS[2], events[-1].at_us)
        hand_in(committed_database, again + revised(DAYS[0], events[-1].at_us), at_once=400)
        opened = store.last_opening(connection, MARKET)
        assert opened.day == DAYS[3]
        assert days_of_law(json.loads(opened.state)) == [DAYS[0], DAYS[2]]
        second = lead(connection)
        assert second.course.head.sequence > first.course.head.sequence
        told = store.publications(connection, MARKET, first.course.head.sequence + 1, 2**40)
        late = store.events(connection, MARKET, first.course.head.sequence + 1, 2**40)
        assert json.dumps(state_of(second.course.machine)) == json.dumps(
            state_of(lead(connection).course.machine)
        )
    ex_post = [each for each in told if each.publication.cause is Cause.EX_POST]
    # They lie with the day that they price, not with the one on which they were made.
    assert {each.day for each in ex_post} == {DAYS[1], DAYS[2]}
    outcomes = {each.logged.event.day: each.logged.outcome for each in late}
    assert outcomes == {
        DAYS[0]: Outcome.LATE, DAYS[1]: Outcome.TAKEN, DAYS[2]: Outcome.TAKEN,
    }  # fmt: skip


def test_a_log_of_readings_replays_to_the_same_bytes(committed_database, monkeypatch):
    monkeypatch.setattr("tests.market.led.resolve", resolve)
    events = [*events_of(OLD, tiny_day(day=DAY))]
    events += revised(DAY, events[-1].at_us)
    hand_in(committed_database, events, at_once=100)
    with closing(connect(writer_url(committed_database))) as connection:
        lead(connection)
    hold_to_replay(committed_database, events)
