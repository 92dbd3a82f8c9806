"""Who leads a market: one process, found by a lock, and held to an epoch in all that it appends.

The lock is of a session of the database, so it falls free when the process that held it ends,
however it ends. By itself it would allow two leaders: one whose connection broke unnoticed writes
on by another. So whoever gets it begins an epoch, which waits for what is being appended at that
moment, and every append names the epoch of its leader.
"""

import datetime as dt
import json
from collections.abc import Callable
from hashlib import sha256
from itertools import groupby

import psycopg

from common.damage import damage
from database.market_log import FENCED_SQLSTATE
from market import store
from market.core.state import days_of_law
from market.course import Course, Diverged
from market.law_book import Resolve
from market.log import Opening
from market.store import Connection

MOST_READ = 5_000
"""Events that are read at once; no batch is longer."""
HOLDER = """
SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
 WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1 AND granted
   AND (classid::bigint << 32) | objid::bigint = %s
"""
FIRST_NOW = """
SELECT number, clock_timestamp() FROM market.submission WHERE market = %s ORDER BY number LIMIT 1
"""
LOCK_TAG = b"tallystick.market-leader.1:"


def connect(url: str) -> Connection:
    """Return a connection in which every statement is a transaction, and durable when it is done.

    Raises:
        psycopg.OperationalError: the server cannot be reached.
    """
    connection = psycopg.connect(url, autocommit=True, client_encoding="UTF8")
    # What subscribers are told of must outlast the server, whatever it is set to.
    connection.execute("SET synchronous_commit TO on")
    connection.execute("SET TIME ZONE 'UTC'")
    return connection


def lock_key(market: str) -> int:
    """Return the key of the advisory lock of who leads a market."""
    digest = sha256(LOCK_TAG + market.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def is_led(connection: Connection, market: str) -> bool:
    """Whether a process holds the lock of who leads a market."""
    row = connection.execute(HOLDER, [lock_key(market)]).fetchone()
    return row is not None


def end_leader(connection: Connection, market: str) -> None:
    """End the connection that holds the lock of a market, by which it falls free.

    Only of a process of the same role. What it appends after that is refused, once another leads.
    """
    connection.execute(
        f"SELECT pg_terminate_backend(pid) FROM ({HOLDER}) AS held".encode(), [lock_key(market)]
    )


class Silence:
    """How long a market has stood still, though something waits in its inbox.

    A process that is stopped, and not ended, keeps its lock for as long as it is.
    """

    def __init__(self, connection: Connection, market: str) -> None:
        self._connection, self._market = connection, market
        self._first: int | None = None
        self._since: dt.datetime | None = None

    def seconds(self) -> float:
        """Return for how long the same event has been the first that waits, by the database."""
        first, now = self._connection.execute(FIRST_NOW, [self._market]).fetchone() or (None, None)
        if first is None or first != self._first or self._since is None:
            self._first, self._since = first, now
        return (now - self._since).total_seconds() if now and self._since else 0.0


def is_fenced(error: psycopg.Error) -> bool:
    """Whether an append was refused because another leads."""
    return error.sqlstate == FENCED_SQLSTATE


def find_course(connection: Connection, market: str, resolve: Resolve) -> Course:
    """Return a market as it was when its last day began: what came since is to be followed."""
    return course_from(connection, market, resolve, store.last_opening(connection, market))


def course_from(
    connection: Connection, market: str, resolve: Resolve, opening: Opening | None
) -> Course:
    """Return a market as it was when a day began; without an opening, one that knows nothing."""
    if opening is None:
        return Course.begin(market, resolve)
    before = store.head_before(connection, market, opening.sequence)
    days = days_of_law(json.loads(opening.state))
    rules = store.rules_before(connection, market, opening.sequence, days)
    return Course.resume(market, resolve, opening, before, rules)


def catch_up(
    connection: Connection, course: Course, is_stopped: Callable[[], bool] = lambda: False
) -> None:
    """Bring a course to the end of its log, and hold what it published on the way to it.

    Raises:
        Diverged: the log does not come out as it is stored.
    """
    while not is_stopped():
        end = store.head(connection, course.market)
        if course.head.sequence >= end.sequence:
            break
        # Up to a head that was read: a batch is appended whole, so none is cut off there.
        first = course.head.sequence + 1
        read = store.events(connection, course.market, first, end.sequence, MOST_READ)
        batches = [list(batch) for _, batch in groupby(read, key=lambda each: each.logged.batch)]
        if len(read) == MOST_READ and len(batches) > 1:
            batches.pop()  # the last may go on
        for batch in batches:
            course.follow(batch)
        if not batches:
            raise _diverged(course.market, first, f"no event, and the log ends with {end.sequence}")
        if course.head.sequence == end.sequence and course.head != end:
            raise _diverged(course.market, end.sequence, "what was published came out otherwise")


def _diverged(market: str, sequence: int, value: str) -> Diverged:
    return Diverged(damage("market-head", f"market.event {market} {sequence}", value))
