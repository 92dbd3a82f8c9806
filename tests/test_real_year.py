"""Real intervals of Great Britain: settled, posted, replayed by another process to the same bytes.

A week with a change of clocks by default; TALLYSTICK_FULL_YEAR=1 takes the whole of 2024, its
17,568 intervals, and `pytest -s` prints the seconds of each stage.
"""

import datetime as dt
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import lcm
from typing import Any

import pytest
from sqlalchemy import Engine, text

from database.session import make_engine, transaction
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.datasets.files import Form
from settlement.datasets.market_files import make_corrections, make_recorded_files
from settlement.fairness.make import FairnessRequest, keep_report, make_report
from settlement.meters.ingest import ingest
from settlement.runs.run import Run
from settlement.runs.settle import no_progress, settle
from settlement.verification import list_checks
from tests.conftest import ROOT, SHARED
from tests.worlds.law import publish

pytestmark = pytest.mark.real_data
IS_FULL_YEAR = os.environ.get("TALLYSTICK_FULL_YEAR") == "1"
FIRST_DAY, LAST_DAY = (
    (dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    if IS_FULL_YEAR
    else (dt.date(2024, 3, 26), dt.date(2024, 4, 1))
)
INTERVALS = 17_568 if IS_FULL_YEAR else 6 * 48 + 46
DAY_COUNT = (LAST_DAY - FIRST_DAY).days + 1
THREADS = 2
OTHER_THREADS = 1 if not IS_FULL_YEAR else 3
PUBLISHED = dt.datetime(2025, 1, 2, 9, tzinfo=dt.UTC)
INGESTED, SETTLED, CORRECTED, RESETTLED = (PUBLISHED + dt.timedelta(hours=n) for n in range(1, 5))
DENOMINATOR = lcm(*range(1, 22))
REPLAY = """
import resource, sys, uuid
from database.session import transaction
from settlement.replays.replay import replay
from settlement.runs.store import find_run
with transaction() as session:
    outcome = replay(session, find_run(session, uuid.UUID(sys.argv[1])), threads=int(sys.argv[2]))
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(outcome.is_same, outcome.result_digest.hex(), peak_mb, outcome.first_difference)
"""


@dataclass(frozen=True)
class Settled:
    """A database in which the days are settled and posted."""

    engine: Engine
    run: Run
    seconds: dict[str, float]


@contextmanager
def stage(seconds: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began


@pytest.fixture(scope="module")
def real(clone_database) -> Iterator[Settled]:
    engine = make_engine(clone_database())
    seconds: dict[str, float] = {}
    with stage(seconds, "publish"), transaction(engine) as session:
        publish(
            session,
            [ROOT / "scenarios" / "gb12"],
            valid_from=dt.date(2024, 1, 1),
            known=PUBLISHED,
            reason="First law of the market",
        )
    with transaction(engine) as session:
        with stage(seconds, "dispatch"):
            files = make_recorded_files(
                session,
                "gb12",
                SHARED / "data" / "gb12",
                FIRST_DAY,
                LAST_DAY,
                known=PUBLISHED,
                form=Form.PARQUET,
                progress=no_progress,
            )
        with stage(seconds, "ingest"):
            ingest(session, "gb12", files, received_at=INGESTED)
    with stage(seconds, "settle"), transaction(engine) as session:
        run = settle(
            session,
            "gb12",
            "II",
            FIRST_DAY,
            LAST_DAY,
            known_at=SETTLED,
            now=SETTLED,
            threads=THREADS,
        ).run
    with stage(seconds, "post"), transaction(engine) as session:
        post(session, run, now=SETTLED)
    yield Settled(engine, run, seconds)
    report(seconds)
    engine.dispose()


def report(seconds: dict[str, float]) -> None:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    stages = ", ".join(f"{name} {took:.1f} s" for name, took in seconds.items())
    print(f"\n{DAY_COUNT} days, {INTERVALS:,} intervals: {stages}; peak {peak_mb} MB")


def column(real: Settled, query: str, **values: Any) -> list[Any]:
    with transaction(real.engine) as session:
        return list(session.scalars(text(query), {"run": real.run.id} | values))


def test_every_interval_of_21_units_and_40_supply_points_is_settled(real):
    (intervals,) = column(
        real,
        "SELECT sum(cardinality(values)) FROM settlement.result "
        "WHERE run_id = :run AND measure = 'demand_kw'",
    )
    assert intervals == INTERVALS
    for measure, count in (("shapley_location", 21), ("metered_demand_wh", 40)):
        table = "reading" if measure.startswith("metered") else "result"
        (entities,) = column(
            real,
            f"SELECT count(DISTINCT entity) FROM settlement.{table} WHERE measure = :measure",
            measure=measure,
        )
        assert entities == count


PER_INTERVAL = """
SELECT settlement_day, interval, sum(value) FILTER (WHERE measure LIKE 'charge.%') AS charges,
       sum(value) FILTER (WHERE measure LIKE 'payment.%') AS payments,
       sum(value) FILTER (WHERE measure = 'equalisation_micro') AS equalisation,
       sum(value) FILTER (WHERE measure = 'shapley_location') AS location,
       sum(value) FILTER (WHERE measure = 'value_location_kw') AS location_kw,
       sum(value) FILTER (WHERE measure = 'shapley_adequacy') AS adequacy,
       sum(value) FILTER (WHERE measure = 'value_adequacy_kw') AS adequacy_kw
  FROM settlement.result, unnest(values) WITH ORDINALITY AS t(value, interval)
 WHERE run_id = :run GROUP BY settlement_day, interval
"""


def test_in_every_interval_money_and_shapley_values_sum(real):
    with transaction(real.engine) as session:
        found = session.execute(text(PER_INTERVAL), {"run": real.run.id}).all()
    assert len(found) == INTERVALS
    for row in found:
        assert row.charges == row.payments + row.equalisation, row
        assert row.location == row.location_kw * DENOMINATOR, row
        assert row.adequacy == row.adequacy_kw * DENOMINATOR, row
    assert all(row.payments > 0 for row in found)


def test_every_journal_balances_in_money_and_energy(real):
    unbalanced = column(
        real,
        "SELECT count(*) FROM (SELECT number FROM ledger.journal "
        "JOIN ledger.posting ON journal_number = number JOIN ledger.account ON code = account "
        "GROUP BY number, commodity HAVING sum(amount) <> 0) AS wrong",
    )
    assert unbalanced == [0]
    assert column(real, "SELECT count(*) FROM ledger.journal") == [DAY_COUNT]


def test_another_process_with_other_threads_replays_the_same_bytes(real):
    with stage(real.seconds, f"replay with {OTHER_THREADS} threads"):
        found = subprocess.run(
            [sys.executable, "-c", REPLAY, str(real.run.id), str(OTHER_THREADS)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url_of(real)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert found.returncode == 0, found.stderr
    is_same, digest, peak_mb, difference = found.stdout.split(maxsplit=3)
    assert (is_same, digest, difference.strip()) == ("True", real.run.result_digest.hex(), "None")
    print(f"\nreplayed to {digest}, peak {peak_mb} MB")


def url_of(real: Settled) -> str:
    return real.engine.url.render_as_string(hide_password=False)


def test_a_fairness_report_of_the_days_says_what_their_results_come_to(real):
    """Of the whole year what its contracts came to is known: see `docs/contracts.md`."""
    with stage(real.seconds, "report fairness"), transaction(real.engine) as session:
        made = make_report(session, FairnessRequest("gb12", FIRST_DAY, LAST_DAY))
        keep_report(session, made, now=SETTLED)
    found = made.report
    assert found["intervals"] == INTERVALS
    assert (found["waste"]["waste_wh"], found["waste"]["wasted_intervals"]) == (0, 0)
    missed = column(
        real,
        "SELECT sum(value)::bigint FROM settlement.result, unnest(values) AS value "
        "WHERE run_id = :run AND measure = 'missed_w'",
    )
    assert found["refused_wh"] == missed[0] // 2
    money = found["money"]
    assert money["charges_micro"] - money["payments_micro"] == money["equalisation_micro"]
    if IS_FULL_YEAR:
        assert found["refused_wh"] == 28_843_638_120
        assert (found["promises"], found["promises_kept"]) == (480, 480)


def test_a_later_run_after_corrections_posts_and_bills_the_difference(real):
    first, last = FIRST_DAY, min(LAST_DAY, FIRST_DAY + dt.timedelta(days=1))
    month = first.replace(day=1)
    with stage(real.seconds, "bill a month"), transaction(real.engine) as session:
        issued = issue_month(session, "gb12", month, now=SETTLED)
        assert len(issued.invoices) >= 8
    with transaction(real.engine) as session:
        file = make_corrections(session, "gb12", first, last, seed=1, known=SETTLED)
        ingest(session, "gb12", [file], received_at=CORRECTED)
    with transaction(real.engine) as session:
        later = settle(
            session, "gb12", "SF", first, last, known_at=RESETTLED, now=RESETTLED, threads=THREADS
        ).run
        post(session, later, now=RESETTLED)
        notes = issue_month(session, "gb12", month, now=RESETTLED)
        assert notes.invoices
        assert all(note.row.original is not None for note in notes.invoices)
    posted = column(
        real,
        "SELECT sum(amount)::bigint FROM ledger.posting JOIN ledger.journal "
        "ON journal_number = number WHERE account = 'gb12:GBP:-:equalisation:market' "
        "AND settlement_day BETWEEN :first AND :last",
        first=first,
        last=last,
    )
    settled = column(
        real,
        "SELECT sum(-value)::bigint FROM settlement.result, unnest(values) AS value "
        "WHERE run_id = :later AND measure = 'equalisation_micro'",
        later=later.id,
    )
    assert posted == settled


def test_every_stored_row_is_proven(real):
    with stage(real.seconds, "verify"), transaction(real.engine) as session:
        assert [found for check in list_checks() for found in check.findings(session)] == []
