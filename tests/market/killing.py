"""Killing who leads, who waits, connections and the server, while events are handed in."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from statistics import median
from typing import Any, Protocol

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from database.outages import Unusable
from market.core.events import Event
from tests.market.led import (
    hand_in,
    happenings,
    hold_to_replay,
    reading,
    start_worker,
    wait_until_taken,
    writer_url,
)

A_KILL = 40
"""Events that are handed in around it."""
AGAIN_SECONDS, MOST_SECONDS = 0.05, 60
BREAK_OFF = """
SELECT pg_terminate_backend(pid) FROM (
    SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND usename LIKE '%\\_writer' AND pid <> pg_backend_pid()
     ORDER BY random() LIMIT 1) AS one
"""
"""A connection of who leads or waits: that which appends, or holds or awaits the lock."""


class Victim(StrEnum):
    """What is killed at a point."""

    LEADER = "who leads"
    WAITING = "who waits"
    CONNECTION = "a connection"
    SERVER = "the server"


class Server(Protocol):
    """A server that may be killed."""

    def kill(self) -> None:
        """Kill all of it."""

    def start(self) -> float:
        """Start it again, and return the seconds until it answered."""


@dataclass
class Killer:
    """Two workers of a market, and what kills them.

    Attributes:
        server: that the market is on, where it may be killed.
        victims: how often each was killed.
        taken_over_s: after a leader was killed while another followed, until that began to lead.
        recovered_s, led_again_s: after the server was killed, until it answered, and until somebody
            led from there.
    """

    engine: Engine
    chance: random.Random
    server: Server | None = None
    victims: dict[Victim, int] = field(default_factory=lambda: dict.fromkeys(Victim, 0))
    taken_over_s: list[float] = field(default_factory=list)
    recovered_s: list[float] = field(default_factory=list)
    led_again_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._url = writer_url(self.engine)
        # Of whoever leads, in shared memory; and of who said that it follows.
        self._leads = get_context("fork").Value("q", 0)
        self._follows: dict[int, Any] = {}
        self.workers: list[BaseProcess] = []
        for _ in range(2):
            self._begin()

    def _begin(self) -> None:
        follows, number = get_context("fork").Value("b", 0), len(self._follows) + 1

        def tell(sentence: str) -> None:
            if "leading in epoch" in sentence:
                self._leads.value = number
            follows.value = "following" in sentence

        worker = start_worker(self._url, tell=tell)
        worker.name = str(number)
        self._follows[number] = follows
        self.workers.append(worker)

    def kill(self) -> Victim:
        """Kill something, mostly who leads, and see to it that there are two workers again."""
        weights = {Victim.LEADER: 3, Victim.WAITING: 1, Victim.CONNECTION: 2}
        if self.server is not None:
            weights[Victim.SERVER] = 2
        (victim,) = self.chance.choices(list(weights), list(weights.values()))
        self.victims[victim] += 1
        if victim is Victim.SERVER:
            self._kill_server()
        elif victim is Victim.CONNECTION:
            with self.engine.connect() as connection:
                connection.exec_driver_sql(BREAK_OFF.replace("%", "%%"))
        else:
            self._kill_worker(leads=victim is Victim.LEADER)
        return victim

    def _kill_worker(self, *, leads: bool) -> None:
        leader = str(self._leads.value)
        found = [each for each in self.workers if (each.name == leader) is leads]
        victim = found[0] if found else self.workers[0]
        others = [each for each in self.workers if each is not victim]
        is_followed = any(self._follows[int(each.name)].value for each in others)
        epoch, began = epoch_of(self.engine), time.monotonic()
        victim.kill()
        victim.join()
        self.workers.remove(victim)
        if leads and found and is_followed and wait_for_epoch(self.engine, epoch + 1):
            self.taken_over_s.append(time.monotonic() - began)
        self._begin()

    def _kill_server(self) -> None:
        assert self.server is not None
        epoch = epoch_of(self.engine)
        self.server.kill()
        began = time.monotonic()
        self.engine.dispose()  # its connections are to nobody
        self.recovered_s.append(self.server.start())
        if wait_for_epoch(self.engine, epoch + 1, seconds=10):
            self.led_again_s.append(time.monotonic() - began)

    def end(self) -> None:
        """Kill the workers."""
        for worker in self.workers:
            worker.kill()
            worker.join()

    def said(self) -> list[str]:
        """Return what was killed, and how long it took, in sentences."""
        found = [", ".join(f"{each}: {count}" for each, count in self.victims.items())]
        for words, times in (
            ("another led after a leader was killed", self.taken_over_s),
            ("the server had recovered after it was killed", self.recovered_s),
            ("somebody led after the server was killed", self.led_again_s),
        ):
            if times:
                middle, most = (round(each * 1_000) for each in (median(times), max(times)))
                found.append(f"{words}, {len(times)} times: {middle} ms median, {most} ms at most")
        return found


def killed(engine: Engine, kills: int, seed: int, server: Server | None = None) -> Killer:
    """Kill at so many points, mostly who leads, while events are handed in.

    Then hold what is in the log to what was handed in, and to what it says when it is taken again.
    """
    chance = random.Random(seed)
    events, led = happenings(kills * A_KILL, seed), 0
    killer = Killer(engine, chance, server)
    try:
        for number in range(kills):
            part = events[number * A_KILL : (number + 1) * A_KILL]
            producer = threading.Thread(target=hand_in_whatever_is_killed, args=(engine, part))
            producer.start()
            if number % 4:  # each fourth comes while another takes over, or before
                wait_for_epoch(engine, led + 1)
            time.sleep(chance.random() * 0.06)
            led = epoch_of(engine)
            killer.kill()
            producer.join()
        hand_in(engine, events[kills * A_KILL :])
        hand_in(engine, events)  # of which all were handed in
        wait_until_taken(engine)
    finally:
        killer.end()
    hold_to_replay(engine, events)
    assert epoch_of(engine) > kills // 3, "somebody took over"
    return killer


def hand_in_whatever_is_killed(engine: Engine, events: Sequence[Event], at_once: int = 3) -> None:
    """Hand events in, and what may not have been handed in again: whoever asks does not know."""
    until = time.monotonic() + MOST_SECONDS
    for start in range(0, len(events), at_once):
        while True:
            try:
                hand_in(engine, events[start : start + at_once], at_once)
                break
            except (DBAPIError, psycopg.Error, Unusable):
                if time.monotonic() > until:
                    raise
                time.sleep(AGAIN_SECONDS)


def epoch_of(engine: Engine) -> int:
    """Return the epoch in which the market is led; 0 before the first."""
    with reading(engine) as connection:
        row = connection.execute("SELECT epoch FROM market.head").fetchone()
    return row[0] if row else 0


def wait_for_epoch(engine: Engine, epoch: int, seconds: float = 1) -> bool:
    """Wait until another leads, for a second at most: who was killed may not have led."""
    until = time.monotonic() + seconds
    with reading(engine) as connection:
        while time.monotonic() < until:
            row = connection.execute("SELECT epoch FROM market.head").fetchone()
            if row and row[0] >= epoch:
                return True
            time.sleep(0.005)
    return False
