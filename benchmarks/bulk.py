"""Speed of rows in bulk: a month of day vectors, against a row a reading by psycopg's COPY."""

import datetime as dt
from statistics import median
from time import perf_counter_ns

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.server import owner_engine
from benchmarks.shapley import Figure
from database.bulk import read_rows, write_rows
from database.session import transaction

ENTITIES = 80
DAYS = 31
INTERVALS = 48
YARDSTICK_DAYS = 2
RUNS = 5
TYPES = {"day": "date", "entity": "text", "values": "int8[]"}


def figures() -> list[Figure]:
    """Return the time of one million readings, in and out, beside the yardstick's."""
    with transaction(owner_engine()) as session:
        session.execute(
            text("CREATE TEMP TABLE vectors (day date, entity text, values int8[]) ON COMMIT DROP")
        )
        session.execute(
            text("CREATE TEMP TABLE readings (day date, entity text, at int2, value int8)")
        )
        times = [_times(session) for _ in range(RUNS)]
    into, out, yardstick = (int(median(column)) for column in zip(*times, strict=True))
    return [
        Figure("a million readings in, as day vectors", into, yardstick),
        Figure("a million readings out, as day vectors", out, yardstick),
    ]


def _times(session: Session) -> tuple[int, int, int]:
    """Return nanoseconds a million readings: vectors in, vectors out, rows in."""
    values = np.random.default_rng(1).integers(0, 10**9, (ENTITIES * DAYS, INTERVALS))
    days = [
        dt.date(2024, 1, 1) + dt.timedelta(days=number // ENTITIES) for number in range(len(values))
    ]
    names = [f"unit-{number % ENTITIES}" for number in range(len(values))]
    session.execute(text("TRUNCATE vectors, readings"))
    start = perf_counter_ns()
    write_rows(session, "vectors", TYPES, zip(days, names, values, strict=True))
    into = perf_counter_ns() - start
    start = perf_counter_ns()
    read_rows(session, "SELECT * FROM vectors", {})
    out = perf_counter_ns() - start
    rows = values[: ENTITIES * YARDSTICK_DAYS]
    start = perf_counter_ns()
    cursor = session.connection().connection.cursor()
    with cursor.copy("COPY readings FROM STDIN") as copy:  # type: ignore[attr-defined]
        for day, name, row in zip(days, names, rows.tolist(), strict=False):
            for interval, value in enumerate(row):
                copy.write_row((day, name, interval, value))
    yardstick = perf_counter_ns() - start
    return _million(into, values.size), _million(out, values.size), _million(yardstick, rows.size)


def _million(nanoseconds: int, readings: int) -> int:
    return nanoseconds * 1_000_000 // readings
