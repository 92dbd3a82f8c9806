"""Waiting for the database to say something: that something came, or that a lock fell free.

By the sockets themselves: psycopg waits on one connection at a time, and keeps every notification
that comes while it does something else, of which a leader would have as many as it took events.
"""

from select import select

import psycopg
from psycopg.pq import ExecStatus

from market.store import Connection


class Ear:
    """Hears that a connection is told of something, and not how often."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_told = False
        connection.add_notify_handler(self._hear)

    def _hear(self, _: psycopg.Notify) -> None:
        self._is_told = True

    def wait(self, seconds: float, *others: "Turn") -> None:
        """Wait until something was said since the last time, or another has news.

        Raises:
            psycopg.OperationalError: a connection was lost.
        """
        # What came right behind an answer was read with it, and is on no socket any more.
        if not self._is_told and not self._has_notices():
            sockets = [self._connection.fileno(), *(other.fileno() for other in others)]
            ready, _, _ = select(sockets, [], [], seconds)
            if self._connection.fileno() in ready:
                self._connection.pgconn.consume_input()
                self._has_notices()
        self._is_told = False

    def _has_notices(self) -> bool:
        """Whether something was said that is read already; it is let go of."""
        is_told = False
        while self._connection.pgconn.notifies():
            is_told = True
        return is_told


class Turn:
    """The lock of who leads, asked for once: it is given when it falls free, first come first."""

    def __init__(self, connection: Connection, key: int) -> None:
        self._connection = connection
        # A process that ended without a word would else keep its place in the queue.
        connection.execute("SET client_connection_check_interval TO '1s'")
        connection.pgconn.send_query_params(
            b"SELECT pg_advisory_lock($1::bigint)", [str(key).encode()]
        )
        self._is_given = False

    def fileno(self) -> int:
        """Return the socket on which it is said that the lock is given."""
        return self._connection.fileno()

    def is_given(self) -> bool:
        """Whether the lock is ours, until the connection ends.

        Raises:
            psycopg.OperationalError: the connection was lost.
        """
        if not self._is_given:
            asking = self._connection.pgconn
            asking.consume_input()
            if asking.is_busy():
                return False
            result = asking.get_result()
            if result is None or result.status != ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError("the lock of who leads was not given")
            self._is_given = True
        return True
