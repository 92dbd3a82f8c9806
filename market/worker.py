"""The process that leads a market, or waits to: it takes what is handed in, and publishes prices.

A leader asks the inbox when it is told that something came, and ten times a second whatever it is
told; at once again only where a batch did not take all that waited. It needs two statements a
batch: one that reads what waits, one that appends what came of it. Each is a transaction: the
second moves all of a batch or nothing, so there is no state between.

A process that waits follows the log with a machine of its own, so it can lead at once. Whatever
goes wrong with a connection, the course is thrown away and found again in the log: nothing that is
in memory alone is ever relied on.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Event as Flag

import psycopg

from database.market_log import INBOX_CHANNEL, PUBLISHED_CHANNEL
from market import ahead, store
from market.apart import UNTAKEABLE, set_first_apart
from market.core.machine import Cause
from market.course import Batch, Course
from market.law_book import Resolve
from market.leading import (
    Silence,
    catch_up,
    connect,
    end_leader,
    find_course,
    is_fenced,
    lock_key,
)
from market.sealing import Sealer
from market.store import Connection
from market.waiting import Ear, Turn

WAIT_SECONDS = 0.1
"""Longest for what nobody told of: a notification that was lost, a wish that it ends."""
PATIENCE_SECONDS = 30.0
"""A leader that takes nothing for so long, though something waits, leads no more: it is stopped, or
its machine is out of reach. It is far longer than any batch takes."""
REST_SECONDS = 0.5
"""Before a server that was lost is asked again."""

Tell = Callable[[str], object]


@dataclass
class Leader:
    """A market that is led: the only one that appends to its log, while its epoch lasts."""

    connection: Connection
    course: Course
    epoch: int
    most: int | None = None
    """Events that it takes together, where not as many as a batch holds."""
    is_ahead_due: bool = True
    is_more_due: bool = True
    """Whether something may wait that nobody will be told of again."""

    def step(self) -> Batch | None:
        """Take what waits in the inbox, and append what comes of it; None where nothing waits.

        Where nothing waits, the intervals to come are kept, if they are others than they were.
        After an error the course is ahead of the log, and is of no more use.

        Raises:
            psycopg.Error: nothing was appended, or it is not known whether all of it was.
        """
        pending = store.pending(self.connection, self.course.market, self.most)
        if not pending:
            self.most, self.is_more_due = None, False
            self._keep_ahead()
            return None
        together = self.course.together(pending)
        batch = self.course.take(together)
        store.append(
            self.connection,
            self.course.market,
            self.epoch,
            [each.number for each in together],
            batch.entries,
            batch.publications,
            batch.bookings,
            batch.opening,
        )
        self.is_ahead_due = self.is_ahead_due or ahead.is_due(batch)
        is_all = len(together) == len(pending) < (self.most or store.MOST_OF_A_BATCH)
        self.is_more_due = not is_all or self.is_ahead_due
        return batch

    def go_past(self, resolve: Resolve) -> bool:
        """Find the market again after an event that cannot be taken, and take one at a time.

        The event that cannot be taken even so is set apart.

        Returns:
            whether one was set apart.

        Raises:
            psycopg.Error: another leads by now, or the database was lost.
            Diverged: the log does not come out as it is stored.
        """
        is_found, market = self.most == 1, self.course.market
        if is_found and not set_first_apart(self.connection, market, self.epoch):
            raise AssertionError(f"{market}: what is set apart cannot be taken")
        self.most = None if is_found else 1
        self.course = find_course(self.connection, market, resolve)
        catch_up(self.connection, self.course)
        return is_found

    def _keep_ahead(self) -> None:
        if self.is_ahead_due and self.course.head.sequence:
            ahead.keep(self.connection, self.course, self.epoch)
            self.is_ahead_due = False


@dataclass
class Worker:
    """A process that leads a market, or waits to.

    Attributes:
        url: of the database, as psycopg reads it.
        market: to lead.
        resolve: gives law.
        stop: is set by who wants it to end; what is being appended is appended first.
        tell: is told what it becomes, in a sentence.
        taken: how many events it took as the leader.
        patience_seconds: with another that leads, and takes nothing of what waits.
    """

    url: str
    market: str
    resolve: Resolve
    stop: Flag
    tell: Tell = print
    taken: int = 0
    patience_seconds: float = PATIENCE_SECONDS

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            Diverged: the log does not come out as it is stored; nobody should append to it.
        """
        while not self.stop.is_set():
            try:
                with closing(connect(self.url)) as connection:
                    self._work(connection)
            except psycopg.OperationalError as error:
                self.tell(f"{self.market}: the database was lost ({_reason(error)}); asking again")
                self.stop.wait(REST_SECONDS)
            except psycopg.DatabaseError as error:
                if not is_fenced(error):
                    raise
                self.tell(f"{self.market}: another leads now; waiting")

    def _work(self, connection: Connection) -> None:
        ear, course = Ear(connection), find_course(connection, self.market, self.resolve)
        with closing(connect(self.url)) as lock:
            if not self._wait_for_turn(connection, ear, Turn(lock, lock_key(self.market)), course):
                return
            epoch = store.begin_epoch(connection, self.market)
            catch_up(connection, course)
            first = course.head.sequence + 1
            self.tell(f"{self.market}: leading in epoch {epoch}, from event {first:,}")
            sealer = Sealer(self.url, self.market)
            try:
                self._lead(Leader(connection, course, epoch), ear, sealer)
            finally:
                sealer.end()

    def _wait_for_turn(self, connection: Connection, ear: Ear, turn: Turn, course: Course) -> bool:
        """Follow the log until nobody else leads; return whether to lead."""
        connection.execute(f"LISTEN {PUBLISHED_CHANNEL}".encode())
        is_told, silence = False, Silence(connection, self.market)
        while not self.stop.is_set():
            catch_up(connection, course, self.stop.is_set)
            if silence.seconds() > self.patience_seconds:
                self.tell(f"{self.market}: who leads takes nothing of what waits; taking over")
                end_leader(connection, self.market)
                silence = Silence(connection, self.market)
            ear.wait(WAIT_SECONDS, turn)
            if turn.is_given():
                break
            if not is_told:
                self.tell(f"{self.market}: another leads; following")
                is_told = True
        connection.execute("UNLISTEN *")
        return not self.stop.is_set()

    def _lead(self, leader: Leader, ear: Ear, sealer: Sealer) -> None:
        leader.connection.execute(f"LISTEN {INBOX_CHANNEL}".encode())
        while not self.stop.is_set():
            try:
                batch = leader.step()
            except UNTAKEABLE as error:
                if leader.go_past(self.resolve):
                    self.tell(f"{self.market}: an event was set apart ({_reason(error)})")
                continue
            if batch is not None:
                self.taken += len(batch.entries)
                if any(each.publication.cause is Cause.INTERVAL_END for each in batch.publications):
                    sealer.offer(leader.course.head)
            if not leader.is_more_due:
                ear.wait(WAIT_SECONDS)
        sealer.offer(leader.course.head)


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
