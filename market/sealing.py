"""What of a market's log is sealed: a leaf of the ledger's log over all up to there.

A leaf is appended under the lock of the ledger, which a posting may hold for seconds. So it is done
by a thread and a connection of their own, in a transaction of its own: prices wait for nobody.
"""

import threading

import psycopg

from market import store
from market.leading import connect
from market.log import Head, Sealed

LEAVING_SECONDS = 5


def seal(connection: store.Connection, market: str, head: Head) -> None:
    """Seal the log up to a head, from where it was sealed last."""
    before = store.sealed_up_to(connection, market)
    if head.sequence > before:
        store.seal(connection, market, Sealed(before + 1, head))


class Sealer:
    """Seals a log in the background, up to the last head that it was told of."""

    def __init__(self, url: str, market: str) -> None:
        self._url, self._market = url, market
        self._head: Head | None = None
        self._is_ending = False
        self._told = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def offer(self, head: Head) -> None:
        """Say up to where the log may be sealed; only the last that is said counts."""
        with self._told:
            self._head = head
            self._told.notify()

    def end(self) -> None:
        """Wait until what was offered is sealed, for some seconds at most; the next leader can."""
        with self._told:
            self._is_ending = True
            self._told.notify()
        self._thread.join(LEAVING_SECONDS)

    def _run(self) -> None:
        while True:
            with self._told:
                self._told.wait_for(lambda: self._head is not None or self._is_ending)
                head, self._head = self._head, None
            if head is None:
                return
            try:
                with connect(self._url) as connection:
                    seal(connection, self._market, head)
            except psycopg.OperationalError:
                continue  # the next one covers it
