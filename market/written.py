"""Which days of a log have rows of a stretch of it, and so which partitions are asked.

A log has a partition a day, and a query that names no day locks all of them and their indexes. An
event may be of any day, so nothing but the log itself says of which; `market.append` keeps it. Days
are values of a query of its own, and the query that they bound is planned for them: nothing else
keeps PostgreSQL from locking what it does not read.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

Connection = psycopg.Connection[Any]

EVENT, PUBLICATION = "event", "publication"

DAYS = """
SELECT DISTINCT day FROM market.written
 WHERE market = %(market)s AND parent = %(parent)s AND sequence <= %(last)s AND sequence >= (
       SELECT coalesce(max(sequence), 0) FROM market.written
        WHERE market = %(market)s AND parent = %(parent)s AND sequence <= %(first)s)
"""
"""Of the stretches from the one in which the first lies to the one in which the last does."""
STRETCHES = """
SELECT sequence, array_agg(day ORDER BY day) FROM market.written
 WHERE market = %(market)s AND parent = %(parent)s AND sequence < %(before)s
 GROUP BY sequence ORDER BY sequence DESC
"""
PARTITIONS = """
SELECT to_date(right(made.relname, 8), 'YYYYMMDD') FROM pg_inherits
  JOIN pg_class AS made ON made.oid = inhrelid
 WHERE inhparent = to_regclass('market.' || %s) ORDER BY 1
"""


class Stretch(NamedTuple):
    """A stretch of a log, from the opening of a day to the next, and the days of its rows."""

    sequence: int
    days: list[dt.date]


def days_of(
    connection: Connection, market: str, parent: str, first: int, last: int
) -> list[dt.date]:
    """Return the days of rows from one sequence to another: of all, and maybe of others."""
    limits = {"market": market, "parent": parent, "first": first, "last": last}
    return [day for (day,) in connection.execute(DAYS, limits)]


def stretches_before(
    connection: Connection, market: str, parent: str, sequence: int
) -> list[Stretch]:
    """Return the stretches that begin before a sequence, the latest first."""
    limits = {"market": market, "parent": parent, "before": sequence}
    return [Stretch(*row) for row in connection.execute(STRETCHES, limits)]


def partition_days(connection: Connection, parent: str) -> list[dt.date]:
    """Return every day that has a partition."""
    return [day for (day,) in connection.execute(PARTITIONS, [parent])]


@contextmanager
def released(connection: Connection) -> Iterator[None]:
    """Let go at the end what the block locks: within a transaction, by undoing that it began."""
    with connection.transaction(force_rollback=True):
        yield
