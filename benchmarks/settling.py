"""Whole periods of the twelve-node market, from database to posted ledger.

Each is settled and posted by a process of its own, on a scratch database of the embedded server, or
of the server that DATABASE_URL names; what is measured is that process, from its start to its end.
Demand and availability are the recorded ones where they are beside the checkout, else made by a
seed. Metered generation is spread over the units by availability: least-cost dispatch would take
longer than what is measured, and no step of a settlement depends on who generated.

Run alone with ``python -m benchmarks.settling``.
"""

import datetime as dt
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import psycopg
from psycopg import sql
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from benchmarks.figures import Result
from benchmarks.law import publish
from benchmarks.server import server_url
from benchmarks.shapley import example_market
from database import schema
from database.roles.granting import drop_roles
from database.session import make_engine, transaction
from rulebook.documents import AllocationPolicy, Document
from rulebook.folders import read_files
from rulebook.law import rules_at
from settlement.core.engine import settle_day
from settlement.core.shapley_rule import ShapleyRule
from settlement.datasets.files import Form, make_profile_files
from settlement.datasets.market import MarketShape, market_shape
from settlement.datasets.profile import Integers, ProfileDay
from settlement.datasets.recorded import recorded_profile
from settlement.datasets.synthetic import synthetic_profile
from settlement.meters.ingest import ingest

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT.parent / "shared" / "data" / "gb12"
MARKET = "gb12"
PUBLISHED = dt.datetime(2025, 1, 2, 9, tzinfo=dt.UTC)
INGESTED, SETTLED = (PUBLISHED + dt.timedelta(hours=hours) for hours in (1, 2))
KIB_PER_GIB = 1 << 20
SEED = 1


@dataclass(frozen=True)
class Period:
    """What is settled: consecutive days under one Shapley method."""

    method: str
    first_day: dt.date
    last_day: dt.date


YEAR = Period("exact", dt.date(2024, 1, 1), dt.date(2024, 12, 31))
MONTH = Period("levels", dt.date(2024, 1, 1), dt.date(2024, 1, 31))


@dataclass(frozen=True)
class Measured:
    """What a process took."""

    seconds: float
    peak_gib: float


def month_results() -> list[Result]:
    """Return the figure of the month."""
    name = "month of gb12 with levels, database to posted ledger: s"
    return [Result(name, round(measure(MONTH).seconds, 2), 10, True)]


def year_results() -> list[Result]:
    """Return the figures of the year; this takes minutes."""
    measured = measure(YEAR)
    return [
        Result("year of gb12 with exact: minutes", round(measured.seconds / 60, 2), 15, True),
        Result("year of gb12 with exact: peak GiB", round(measured.peak_gib, 3), 1.5, True),
    ]


def year_left_out() -> list[Result]:
    """Return what stands for the year where it was not asked for."""
    reason = "left out by --quick"
    return [
        Result("year of gb12 with exact: minutes", None, 15, True, reason),
        Result("year of gb12 with exact: peak GiB", None, 1.5, True, reason),
    ]


def measure(period: Period) -> Measured:
    """Prepare a scratch database, and settle and post the period in another process."""
    settle_day(*_warm(period.method))  # compiled code is cached on disk: a machine compiles once
    with scratch_database() as url:
        _tell(f"    preparing {period.first_day} to {period.last_day}")
        _prepare(url, period)
        days = [str(period.first_day), str(period.last_day)]
        start = perf_counter()
        found = subprocess.run(
            [sys.executable, "-m", "benchmarks.settle_period", MARKET, *days, str(SETTLED)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return Measured(perf_counter() - start, int(found.stdout) / KIB_PER_GIB)


def _warm(method: str):
    model, readings = example_market()
    return replace(model, shapley=ShapleyRule(method)), readings


@contextmanager
def scratch_database() -> Iterator[str]:
    """Yield the URL of a migrated database that is dropped afterwards."""
    server, name = server_url(), f"bench_{uuid.uuid4().hex[:12]}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            schema.upgrade(url)
            yield url
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)
            drop_roles(connection, name)


def _prepare(url: str, period: Period) -> None:
    """Publish the market under the method, and ingest the period's readings."""
    made = make_engine(url)
    with transaction(made) as session:
        publish(
            session,
            [
                _under(period.method, document)
                for _, document in read_files([ROOT / "scenarios" / MARKET])[0]
            ],
            period.first_day,
            PUBLISHED,
        )
        _ingest(session, period)
    made.dispose()


def _under(method: str, document: Document) -> Document:
    if not isinstance(document, AllocationPolicy):
        return document
    body = document.model_dump() | {"shapley": {"method": method}}
    return AllocationPolicy.model_validate(body)


def _ingest(session: Session, period: Period) -> None:
    shape = market_shape(rules_at(session, MARKET, period.first_day, PUBLISHED))
    profile = _profile(shape, period)
    generation = [spread_generation(shape, day) for day in profile]
    files = make_profile_files(shape, "benchmark", profile, generation, Form.PARQUET)
    ingest(session, MARKET, files, received_at=INGESTED)


def _profile(shape: MarketShape, period: Period) -> list[ProfileDay]:
    if RECORDED.is_dir():
        return recorded_profile(shape, RECORDED, period.first_day, period.last_day)
    count = (period.last_day - period.first_day).days + 1
    days = [period.first_day + dt.timedelta(days=number) for number in range(count)]
    return synthetic_profile(shape, days, SEED)


def spread_generation(shape: MarketShape, day: ProfileDay) -> Integers:
    """Return demand spread over units by availability, int64[U, T] in Wh, rounded down."""
    intervals_an_hour = 60 // shape.interval_minutes
    could_wh = day.available_w // intervals_an_hour
    needed_wh = np.maximum(day.demand_wh.sum(axis=0), 0)
    all_wh = np.maximum(could_wh.sum(axis=0), 1)
    parts_wh: Integers = could_wh * np.minimum(needed_wh * 1000 // all_wh, 1000) // 1000
    return parts_wh


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Print every figure, one a line."""
    for result in (*month_results(), *year_results()):
        print(result, flush=True)


if __name__ == "__main__":
    main()
