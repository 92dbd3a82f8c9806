"""Speed of the question which law is in force: a market of ten thousand versions, half superseded.

The versions are written directly, in a database of its own that is dropped afterwards, as copies of
published law: each document of the twelve-node market has as many, a day each, of which every one
was recorded twice. What is timed is what `rules_at` asks of the database, for days drawn by chance:
the zone that dates the day, and the versions that applied.
"""

import datetime as dt
import itertools
import random

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks import law
from benchmarks.figures import Result, median_ns
from benchmarks.server import scratch_database
from database.embedded import ROOT
from database.session import transaction
from rulebook import store
from rulebook.days import day_start
from rulebook.folders import read_files

MARKET = "gb12"
VERSIONS = 10_000
FIRST_DAY = dt.date(2000, 1, 1)
VALID_FROM = dt.date(2024, 1, 1)
KNOWN = dt.datetime(2024, 6, 1, 9, tzinfo=dt.UTC)
LIMIT_MS = 5
QUESTIONS = 200
APPEND = """
    INSERT INTO rulebook.version (market, instrument, kind, body, digest, valid, recorded, status,
        author, approver, approval, reason, supersedes, row_digest)
    SELECT market, instrument, kind, body, digest, tstzrange(first, first + interval '1 day'),
        tstzrange(at, CASE WHEN NOT is_last THEN at + interval '1 hour' END), status,
        author, approver, approval, reason, supersedes, row_digest
    FROM rulebook.version CROSS JOIN generate_series(0, :days - 1) AS day
        CROSS JOIN (VALUES (false, 0), (true, 1)) AS twice (is_last, hour)
        CROSS JOIN LATERAL (SELECT
            CAST(:first AS timestamptz) + make_interval(days => day) AS first,
            CAST(:first AS timestamptz) + make_interval(hours => hour) AS at) AS times
    WHERE market = :market
"""


def results() -> list[Result]:
    """Return the median time of the question against its target."""
    with scratch_database("law_benchmark") as made:
        with transaction(made) as session:
            documents, _ = read_files([ROOT / "scenarios" / MARKET])
            law.publish(session, [each for _, each in documents], VALID_FROM, KNOWN)
            days = amend_often(session, MARKET)
        with transaction(made) as session:
            session.execute(text("ANALYZE rulebook.version"))
            asked = itertools.cycle(random.Random(1).sample(days, QUESTIONS))
            took_ns = median_ns(lambda: ask(session, next(asked)), QUESTIONS)
    name = f"which of {VERSIONS:,} versions apply on a day, ms"
    return [Result(name, round(took_ns / 1e6, 2), LIMIT_MS, at_most=True)]


def ask(session: Session, day: dt.date) -> None:
    """Ask the database what `rules_at` does."""
    zone = store.time_zone(session, MARKET, KNOWN) or ""
    start = day_start(day, zone)
    found = store.versions_known(session, MARKET, KNOWN, start, start + dt.datetime.resolution)
    if not found:
        raise RuntimeError(f"no law on {day}")


def amend_often(session: Session, market: str) -> list[dt.date]:
    """Let each document of a market have many versions; return the days on which these apply.

    Nobody decided them: triggers, which hold law to its proposals, are off for the statement.
    """
    published = session.scalar(
        text("SELECT count(*) FROM rulebook.version WHERE market = :market"), {"market": market}
    )
    count = VERSIONS // (2 * (published or 1))
    session.execute(text("SET LOCAL session_replication_role = replica"))
    values = {"market": market, "first": f"{FIRST_DAY}T00:00Z", "days": count}
    session.execute(text(APPEND), values)
    session.execute(text("SET LOCAL session_replication_role = origin"))
    return [FIRST_DAY + dt.timedelta(days=number) for number in range(count)]
