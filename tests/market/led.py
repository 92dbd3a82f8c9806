"""A small market that is led in a database: its law, what happens to it, and what came of it."""

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from threading import Event as Flag

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from database.bulk import driver_connection
from database.roles.granting import plain_url
from database.roles.names import Role
from database.session import transaction
from market import store
from market.core.events import Event, Kind
from market.course import Course
from market.inbox import submit
from market.law_book import Resolve
from market.law_of_days import law_in
from market.leading import catch_up, connect, find_course
from market.log import EventEntry, PublicationEntry
from market.sealing import seal
from market.worker import Leader, Tell, Worker
from tests.market.asking import CAP, asks
from tests.market.streams import MINUTE_US, START_US, event, in_force, online
from tests.settlement.core.examples import tiny_market
from tests.worlds.roles import url_as

MARKET = "tiny"
LAW = online(tiny_market())


def resolve(day: dt.date, known: dt.datetime):
    return LAW


def writer_url(engine: Engine) -> str:
    """The address of the database as the role of commands and workers."""
    return plain_url(url_as(engine.url.render_as_string(hide_password=False), Role.WRITER))


def happenings(count: int, seed: int = 1, step_us: int = 240_000_000) -> list[Event]:
    """The law, and so many events about anybody; some are late, and some are of nobody."""
    chance = random.Random(seed)
    events, at_us = [in_force()], START_US
    for number in range(count):
        at_us += chance.randrange(step_us)
        said_us = at_us - chance.choice([0, 0, 0, step_us, 4 * step_us])
        kind = chance.choice([Kind.DEMAND, Kind.DEMAND, Kind.AVAILABILITY, Kind.OUTAGE, Kind.CLOCK])
        numbers = (chance.randrange(60_000),) if kind in (Kind.DEMAND, Kind.AVAILABILITY) else ()
        names = LAW.model.supply_points if kind is Kind.DEMAND else LAW.model.units
        entity = "" if kind is Kind.CLOCK else chance.choice([*names, "nobody"])
        events.append(event(kind, entity, *numbers, at_us=said_us, key=f"{seed}-{number}"))
    return events


def askings(minute: int = 360) -> list[Event]:
    """Three requests, of which two are booked and one is cancelled, so many minutes on."""
    at_us = START_US + minute * MINUTE_US
    window = (minute + 60, minute + 240)
    requests = [
        asks(point, energy_wh, 2_000, *window, CAP, key=f"asked {place}", at_us=at_us)
        for place, (point, energy_wh) in enumerate([("home", 1_000), ("plant", 500), ("home", 70)])
    ]
    cancelled = event(Kind.CANCEL, "home", at_us=at_us + 1, words=("asked 2",), key="cancelled")
    return [*requests, cancelled]


def hand_in(engine: Engine, events: Sequence[Event], at_once: int = 7) -> None:
    """Hand events in, some of them in each transaction."""
    for start in range(0, len(events), at_once):
        with transaction(engine) as session:
            assert submit(session, MARKET, events[start : start + at_once], by="test") == []


def lead(session: Session, events: Sequence[Event]) -> None:
    """Hand events in, and take them, in the transaction of a test."""
    assert submit(session, MARKET, events, by="test") == []
    leader = take_all(leader_of(driver_connection(session)))
    seal(leader.connection, MARKET, leader.course.head)


def lead_by_its_law(session: Session, events: Sequence[Event] = ()) -> Leader:
    """Hand events in, and take what waits, by the law in the database, in a test's transaction."""
    assert submit(session, MARKET, events, by="test") == []
    return take_all(leader_of(driver_connection(session), MARKET, law_in(session, MARKET)))


def leader_of(
    connection: store.Connection, market: str = MARKET, resolve: Resolve = resolve
) -> Leader:
    """Whoever leads a market from here on."""
    course = find_course(connection, market, resolve)
    epoch = store.begin_epoch(connection, market)
    catch_up(connection, course)
    return Leader(connection, course, epoch)


def take_all(leader: Leader) -> Leader:
    """Take what waits, until nothing does."""
    while leader.step():
        pass
    return leader


@contextmanager
def reading(engine: Engine) -> Iterator[store.Connection]:
    with closing(connect(writer_url(engine))) as connection:
        yield connection


def log_of(connection: store.Connection) -> list[EventEntry]:
    return store.events(connection, MARKET, 1, 2**40)


def published(connection: store.Connection) -> list[PublicationEntry]:
    return store.publications(connection, MARKET, 1, 2**40)


def as_bytes(entries: Sequence[PublicationEntry]) -> list[tuple]:
    """What was published, so that equal lists are equal byte for byte."""
    return [
        (
            *each[:3],
            each.publication.at_us,
            each.publication.cause,
            each.publication.holons.tobytes(),
            *(vector.tobytes() for vector in vars(each.publication.prices).values()),
            each.digest,
        )
        for each in entries
    ]


def replayed(entries: Sequence[EventEntry]) -> tuple[Course, list[PublicationEntry]]:
    """A fresh machine after a log, and what it publishes."""
    course, told = Course.begin(MARKET, resolve), []
    for _, batch in groupby(entries, key=lambda each: each.logged.batch):
        told += course.follow(list(batch)).publications
    return course, told


def hold_to_replay(engine: Engine, events: Sequence[Event]) -> list[EventEntry]:
    """Hold a log to be of these events, each once, without a gap, and to come out as published."""
    with reading(engine) as connection:
        entries, told = log_of(connection), published(connection)
        assert store.pending(connection, MARKET) == []
        head = store.head(connection, MARKET)
    assert [each.logged.sequence for each in entries] == list(range(1, len(entries) + 1))
    assert sorted(each.logged.event.key for each in entries) == sorted(each.key for each in events)
    course, made = replayed(entries)
    assert as_bytes(made) == as_bytes(told)
    assert course.head == head
    return entries


def start_worker(url: str, market: str = MARKET, tell: Tell = print) -> BaseProcess:
    """A process that leads a market or waits to, until it is killed."""
    # Forked: a process that were spawned would import for seconds.
    process = get_context("fork").Process(
        target=Worker(url, market, resolve, Flag(), tell).run, daemon=True
    )
    process.start()
    return process


def wait_until_taken(engine: Engine, seconds: int = 60) -> None:
    """Wait until the inbox is empty, for whoever leads."""
    waiting = Flag()
    with reading(engine) as connection:
        for _ in range(seconds * 50):
            if not store.pending(connection, MARKET):
                return
            waiting.wait(0.02)
    raise AssertionError("what was handed in is not taken")
