"""For whom a process waits in the database: told while it waits, to whoever sits before it.

A process is known to the server by PGAPPNAME, which `manage.py` sets. Whoever holds what it needs
has such a name too.
"""

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from database.session import database_url

FIRST_LOOK_SECONDS = 2.0
LOOK_SECONDS = 5.0
CONNECT_SECONDS = 3

BLOCKERS = """
SELECT DISTINCT holder.pid, holder.application_name, holder.xact_start
  FROM pg_stat_activity AS waiting,
       LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
  JOIN pg_stat_activity AS holder ON holder.pid = blocking.pid
 WHERE waiting.wait_event_type = 'Lock' AND waiting.application_name = %s
   AND holder.application_name <> waiting.application_name
 ORDER BY holder.xact_start
"""


class Holder(NamedTuple):
    """A connection that holds what another one waits for."""

    process: int
    name: str
    since: dt.datetime | None

    def __str__(self) -> str:
        who = self.name or f"a connection without a name (process {self.process} of the server)"
        return f"{who}, at work since {self.since:%H:%M:%S} UTC" if self.since else who


def holders_before(name: str) -> list[Holder]:
    """Return who holds what the connections called `name` wait for, longest at work first."""
    # A connection of its own: those of the process are the ones that wait.
    url = database_url().replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        return [Holder(*row) for row in connection.execute(BLOCKERS, [name])]


@contextmanager
def telling_waits(
    tell: Callable[[str], object],
    first_look_s: float = FIRST_LOOK_SECONDS,
    look_s: float = LOOK_SECONDS,
) -> Iterator[None]:
    """While the block runs, `tell` for whom this process waits, once for each."""
    name = os.environ.get("PGAPPNAME")
    if not name:  # without a name nobody knows which connections are ours
        yield
        return
    is_done = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(name, tell, is_done, first_look_s, look_s), daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        is_done.set()


def _watch(
    name: str,
    tell: Callable[[str], object],
    is_done: threading.Event,
    first_look_s: float,
    look_s: float,
) -> None:
    told: set[Holder] = set()
    pause_s = first_look_s
    while not is_done.wait(pause_s):
        pause_s = look_s
        try:
            found = holders_before(name)
        except (psycopg.Error, RuntimeError, OSError):
            continue  # to tell is a kindness; the command itself says what the database fails at
        for holder in found:
            if holder not in told and not is_done.is_set():
                told.add(holder)
                tell(f"waiting for {holder}")
