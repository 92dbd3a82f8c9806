"""Who leads appends, and nobody else; whatever is killed, nothing is lost or doubled."""

import os
import signal
import threading
from contextlib import closing
from dataclasses import replace
from select import select
from threading import Event as Flag
from time import monotonic

import psycopg
import pytest

from database.catalogue.verification import verify_schema
from database.session import transaction
from market import store
from market.core.events import Kind
from market.inbox import submit
from market.leading import connect, is_fenced, is_led
from market.sealing import seal
from market.waiting import Ear
from market.worker import Worker
from tests.market.killing import killed
from tests.market.led import (
    MARKET,
    hand_in,
    happenings,
    hold_to_replay,
    leader_of,
    log_of,
    reading,
    resolve,
    start_worker,
    take_all,
    wait_until_taken,
    writer_url,
)
from tests.market.streams import event


@pytest.fixture
def connection(committed_database):
    with closing(connect(writer_url(committed_database))) as opened:
        yield opened


def test_what_is_handed_in_is_in_the_log_with_what_was_published(committed_database, connection):
    events = happenings(900)
    hand_in(committed_database, events)
    leader = leader_of(connection)
    while leader.is_more_due:
        leader.step()
    again = replace(events[-1], key="again")
    hand_in(committed_database, [again])
    assert leader.step() is not None
    assert not leader.is_more_due  # nothing waits, so nobody looks until something is said
    events.append(again)
    entries = hold_to_replay(committed_database, events)
    assert [each.logged.event for each in entries] == events
    with transaction(committed_database) as session:
        assert list(verify_schema(session)) == []


def test_what_was_said_right_behind_an_answer_is_heard_though_no_socket_tells(
    committed_database, connection
):
    ear = Ear(connection)
    connection.execute("LISTEN something")
    with closing(connect(writer_url(committed_database))) as other:
        other.execute("NOTIFY something")
    assert select([connection.fileno()], [], [], 10)[0]
    connection.pgconn.consume_input()
    start = monotonic()
    ear.wait(10)
    assert monotonic() - start < 5
    ear.wait(0.1)
    assert monotonic() - start >= 0.1  # it was heard once


def test_who_leads_no_more_appends_nothing(committed_database, connection):
    hand_in(committed_database, happenings(3))
    old = leader_of(connection)
    with closing(connect(writer_url(committed_database))) as other:
        new = leader_of(other)
        with pytest.raises(psycopg.DatabaseError) as refused:
            old.step()
        assert is_fenced(refused.value)
        assert log_of(other) == []
        take_all(new)
    hold_to_replay(committed_database, happenings(3))


def test_who_thinks_that_the_log_ends_elsewhere_appends_nothing(committed_database, connection):
    hand_in(committed_database, happenings(3), at_once=4)
    leader = leader_of(connection)
    leader.course.head = leader.course.head._replace(sequence=5)
    with pytest.raises(psycopg.DatabaseError) as refused:
        leader.step()
    assert is_fenced(refused.value)
    assert log_of(connection) == []


def test_nobody_writes_the_log_by_hand(connection):
    for statement in (
        "INSERT INTO market.head VALUES ('tiny', 9, 0, '', '')",
        "UPDATE market.head SET epoch = 9",
        "DELETE FROM market.submission",
        "INSERT INTO market.event (market) VALUES ('tiny')",
        "SELECT market.make_days('event', ARRAY[date '2024-01-01'])",
        "INSERT INTO market.opening VALUES ('tiny', '2024-01-01', 1, '', '')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_what_is_in_the_log_is_handed_in_no_second_time(committed_database, connection):
    events = happenings(20)
    hand_in(committed_database, events)
    leader = take_all(leader_of(connection))
    hand_in(committed_database, events)
    assert store.pending(connection, MARKET) == []
    with transaction(committed_database) as session:
        other = replace(events[3], entity="x" + events[3].entity)
        found = submit(session, MARKET, [other, event(Kind.CLOCK)], by="test")
    assert [each.code for each in found] == ["event-key-again"]
    assert leader.step() is None
    hold_to_replay(committed_database, events)


def test_a_leader_goes_on_where_the_last_day_began(committed_database, connection):
    events = happenings(900)
    for start in range(0, len(events), 90):
        hand_in(committed_database, events[start : start + 90])
        take_all(leader_of(connection))
    assert len(store.openings(connection, MARKET)) == 2
    hold_to_replay(committed_database, events)


def test_a_stretch_is_sealed_once_and_follows_the_one_before(committed_database, connection):
    hand_in(committed_database, happenings(30, step_us=1_000_000))
    leader = leader_of(connection)
    for _ in range(2):
        leader.step()  # the law by itself, and then the rest, which is of one interval
        for _ in range(2):
            seal(connection, MARKET, leader.course.head)
    rows = connection.execute(
        "SELECT first_sequence, last_sequence, event_digest, key FROM market.sealed "
        "LEFT JOIN ledger.log_leaf ON source = 'market.sealed' AND log_leaf.digest = sealed.digest "
        "ORDER BY 1"
    ).fetchall()
    assert [(row[0], row[1], row[3]) for row in rows] == [(1, 1, "tiny/1"), (2, 31, "tiny/31")]
    assert bytes(rows[1][2]) == leader.course.head.event_digest


def test_of_two_workers_one_leads_and_the_other_takes_over(committed_database):
    url, stops, told = writer_url(committed_database), [Flag(), Flag()], []
    threads = [
        threading.Thread(target=Worker(url, MARKET, resolve, stop, told.append).run)
        for stop in stops
    ]
    events = happenings(200)
    for thread in threads:
        thread.start()
    hand_in(committed_database, events[:100])
    wait_until_taken(committed_database)
    first = next(place for place, each in enumerate(told) if "leading" in each)
    assert sum("leading in epoch" in each for each in told) == 1, told
    stops[0].set()
    threads[0].join()
    hand_in(committed_database, events[100:])
    wait_until_taken(committed_database)
    stops[1].set()
    threads[1].join()
    assert "epoch 1" in told[first]
    hold_to_replay(committed_database, events)
    with reading(committed_database) as connection:
        assert store.sealed_up_to(connection, MARKET) == 201


def test_who_leads_and_is_stopped_is_taken_over_from_while_something_waits(committed_database):
    url, stop, told, events = writer_url(committed_database), Flag(), [], happenings(60)
    frozen = start_worker(url)
    hand_in(committed_database, events[:20])
    wait_until_taken(committed_database)
    os.kill(frozen.pid, signal.SIGSTOP)
    other = Worker(url, MARKET, resolve, stop, told.append, patience_seconds=0.5)
    follower = threading.Thread(target=other.run)
    follower.start()
    try:
        while not told:
            stop.wait(0.02)
        stop.wait(0.8)
        assert told == ["tiny: another leads; following"]  # nothing waits, and nothing is amiss
        with reading(committed_database) as connection:
            assert is_led(connection, MARKET)
        hand_in(committed_database, events[20:])
        wait_until_taken(committed_database)
        os.kill(frozen.pid, signal.SIGCONT)
        hand_in(committed_database, events)
        stop.wait(0.3)
    finally:
        stop.set()
        follower.join()
        frozen.kill()
        frozen.join()
    assert "tiny: leading in epoch 2, from event 21" in told, told
    hold_to_replay(committed_database, events)
    with reading(committed_database) as connection:
        assert not is_led(connection, MARKET)


def test_workers_that_are_killed_lose_nothing_and_double_nothing(committed_database):
    killed(committed_database, kills=20, seed=14)
