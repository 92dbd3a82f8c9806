"""Replay: the same bytes with any number of threads, in another process, with the JIT off."""

import datetime as dt
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from sqlalchemy import text

from settlement.core.engine import DayReadings, DayResult, settle_day
from settlement.replays.replay import replay
from settlement.rules.compile import compile_market
from settlement.runs import computing
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import day_digest, vectors_of
from settlement.runs.run import ENGINE_VERSION
from settlement.runs.settle import settle
from settlement.runs.store import find_run
from tests.conftest import ROOT
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    SETTLED,
    correct_tiny,
    fill_tiny,
    ingest_tiny,
    publish_tiny,
)

REPLAY = """
import sys, uuid
from database.session import transaction
from settlement.replays.replay import replay
from settlement.runs.store import find_run
with transaction() as session:
    outcome = replay(session, find_run(session, uuid.UUID(sys.argv[1])), threads=int(sys.argv[2]))
print(outcome.is_same, outcome.result_digest.hex())
"""
SETTLE_PURE = """
from tests.settlement.test_replay import pure_day_digest
print(pure_day_digest().hex())
"""


def in_subprocess(program: str, *arguments: str, **environment: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def pure_day_digest() -> bytes:
    """Return the digest of a tiny day settled without a database."""
    rules, grid, policy, *registrations, _ = tiny_market.documents()
    model = compile_market(rules, grid, policy, registrations)
    values = {}
    content = tiny_market.readings_csv(FIRST_DAY, FIRST_DAY).decode()
    for row in content.splitlines()[1:]:
        _, entity, measure, value, _ = row.split(",")
        values.setdefault((measure, entity), []).append(int(value))
    readings = DayReadings(
        FIRST_DAY,
        *(
            np.array([values[measure, entity] for entity in entities])
            for measure, entities in (
                ("metered_generation_wh", model.units),
                ("available_w", model.units),
                ("metered_demand_wh", model.supply_points),
            )
        ),
    )
    return day_digest(vector.digest for vector in vectors_of(settle_day(model, readings)))


@pytest.fixture
def run(world_of):
    return world_of(fill_tiny)[1]


@pytest.fixture
def session(request, world_of, database_engine):
    """A session that is rolled back, in the settled market where the test asks for its run."""
    is_settled = "run" in request.fixturenames
    with rolled_back(world_of(fill_tiny)[0] if is_settled else database_engine) as opened:
        yield opened


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_any_number_of_threads_gives_the_same_bytes(session, run, threads):
    done = []
    outcome = replay(session, run, threads=threads, progress=lambda *step: done.append(step))
    assert outcome.is_same
    assert outcome.first_difference is None
    assert outcome.result_digest == run.result_digest
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_no_threads_is_refused(session, run):
    with pytest.raises(ValueError, match="threads: 0 given, at least 1 needed"):
        replay(session, run, threads=0)


def test_a_replay_writes_nothing(session, run):
    def rows():
        return [
            session.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in ("settlement.run", "settlement.result", "ledger.journal")
        ]

    before = rows()
    replay(session, run)
    assert rows() == before


def test_a_replay_keeps_to_what_the_run_knew(session, run):
    correct_tiny(session)
    publish_later_rules(session)
    assert replay(session, run).is_same
    later = settle(
        session, "tiny", "SF", FIRST_DAY, LAST_DAY, known_at=RESETTLED, now=RESETTLED
    ).run
    assert later.result_digest != run.result_digest
    assert replay(session, later, threads=2).is_same
    assert replay(session, run).is_same


def publish_later_rules(session) -> None:
    """Publish other offers for days that are settled already."""
    publish(
        session,
        tiny_market.registrations({"U2": 91_000_000})[1:2],
        valid_from=FIRST_DAY + dt.timedelta(days=1),
        known=RESETTLED,
        reason="Offer corrected",
    )


def test_another_process_with_other_threads_gives_the_same_bytes(world_of):
    settled, run = world_of(fill_tiny)
    url = settled.url.render_as_string(hide_password=False)
    found = in_subprocess(REPLAY, str(run.id), "2", DATABASE_URL=url)
    assert found == f"True {run.result_digest.hex()}"


def test_a_day_gives_the_same_bytes_without_compilation(session):
    publish_tiny(session)
    ingest_tiny(session)
    settled = settle(session, "tiny", "II", FIRST_DAY, FIRST_DAY, known_at=SETTLED, now=SETTLED)
    stored = session.scalars(
        text(
            "SELECT digest FROM settlement.result WHERE run_id = :run "
            'ORDER BY measure COLLATE "C", entity COLLATE "C"'
        ),
        {"run": settled.run.id},
    ).all()
    found = in_subprocess(SETTLE_PURE, NUMBA_DISABLE_JIT="1")
    assert found == day_digest(bytes(digest) for digest in stored).hex()
    assert found == pure_day_digest().hex()


def tamper(session, statement: str, **values) -> None:
    session.execute(text("SET LOCAL session_replication_role = replica"))
    changed = session.execute(text(statement), values)
    session.execute(text("SET LOCAL session_replication_role = origin"))
    assert changed.rowcount == 1


def test_a_changed_result_is_named(session, run):
    tamper(
        session,
        "UPDATE settlement.result SET values[7] = values[7] + 1, digest = sha256(digest) "
        "WHERE run_id = :run AND settlement_day = :day "
        "AND measure = 'payment.fuel_micro' AND entity = 'U2'",
        run=run.id,
        day=FIRST_DAY + dt.timedelta(days=1),
    )
    outcome = replay(session, run, threads=2)
    assert not outcome.is_same
    assert outcome.first_difference == (
        "settlement.result 2024-01-02 payment.fuel_micro U2: stored and recomputed values differ"
    )
    assert outcome.result_digest == run.result_digest


def test_a_changed_result_whose_digest_was_left_is_named(session, run):
    tamper(
        session,
        "UPDATE settlement.result SET values[7] = values[7] + 1 WHERE run_id = :run "
        "AND settlement_day = :day AND measure = 'payment.fuel_micro' AND entity = 'U2'",
        run=run.id,
        day=FIRST_DAY,
    )
    outcome = replay(session, run)
    assert not outcome.is_same
    assert "settlement.result 2024-01-01 payment.fuel_micro U2" in outcome.first_difference


@pytest.mark.parametrize("change", ["total_wh = total_wh + 1", "digest = sha256(digest)"])
def test_a_changed_day_total_is_named(session, run, change):
    tamper(
        session,
        f"UPDATE settlement.day_total SET {change} WHERE run_id = :run "
        "AND settlement_day = :day AND measure = 'metered_demand_wh' AND entity = 'B-home'",
        run=run.id,
        day=FIRST_DAY + dt.timedelta(days=1),
    )
    outcome = replay(session, run, threads=2)
    assert not outcome.is_same
    assert outcome.first_difference == (
        "settlement.day_total 2024-01-02 metered_demand_wh B-home: stored and recomputed values "
        "differ"
    )


def test_the_first_of_several_differences_is_named(session, run):
    for day, entity in ((3, "B-home"), (2, "C-office"), (2, "B-office")):
        tamper(
            session,
            "UPDATE settlement.result SET digest = sha256(digest) WHERE run_id = :run "
            "AND settlement_day = :day AND entity = :entity AND measure LIKE 'charge.%' "
            "AND measure IN ('charge.fuel_micro', 'charge.dynamic_micro')",
            run=run.id,
            day=dt.date(2024, 1, day),
            entity=entity,
        )
    outcome = replay(session, run, threads=4)
    assert outcome.first_difference.startswith(
        "settlement.result 2024-01-02 charge.dynamic_micro B-office:"
    )


def test_a_result_that_is_gone_is_named(session, run):
    tamper(
        session,
        "DELETE FROM settlement.result WHERE run_id = :run AND settlement_day = :day "
        "AND measure = 'demand_kw'",
        run=run.id,
        day=LAST_DAY,
    )
    outcome = replay(session, run)
    assert outcome.first_difference == (
        "settlement.result 2024-01-03 demand_kw market: recomputed, but not stored"
    )


def test_a_result_that_was_added_is_named(session, run):
    tamper(
        session,
        "INSERT INTO settlement.result "
        "SELECT run_id, settlement_day, measure, 'V1', values, digest FROM settlement.result "
        "WHERE run_id = :run AND settlement_day = :day "
        "AND measure = 'payment.fuel_micro' AND entity = 'U1'",
        run=run.id,
        day=LAST_DAY,
    )
    outcome = replay(session, run)
    assert outcome.first_difference == (
        "settlement.result 2024-01-03 payment.fuel_micro V1: stored, but not recomputed"
    )


def test_a_changed_result_digest_of_the_run_is_named(session, run):
    tamper(
        session,
        "UPDATE settlement.run SET result_digest = sha256(result_digest) WHERE id = :run",
        run=run.id,
    )
    session.expire_all()
    outcome = replay(session, find_run(session, run.id))
    assert not outcome.is_same
    assert outcome.first_difference == (
        f"settlement.run {run.id}: result_digest is not that of its results"
    )


def test_a_changed_reading_differs_in_the_inputs_by_its_digest(session, run):
    tamper(
        session,
        "UPDATE settlement.reading SET values[1] = values[1] + 1, digest = sha256(digest) "
        "WHERE entity = 'B-home' AND settlement_day = :day",
        day=FIRST_DAY,
    )
    outcome = replay(session, run)
    assert not outcome.is_same
    assert outcome.first_difference.startswith(f"inputs of run {run.id}")


def test_a_changed_reading_whose_digest_was_left_differs_in_the_results(session, run):
    tamper(
        session,
        "UPDATE settlement.reading SET values[1] = values[1] + 1000000 "
        "WHERE entity = 'B-home' AND settlement_day = :day",
        day=FIRST_DAY,
    )
    outcome = replay(session, run)
    assert not outcome.is_same
    assert "2024-01-01" in outcome.first_difference


def test_a_run_names_the_engine_that_made_it(run):
    assert run.engine_version == ENGINE_VERSION


def test_the_days_come_in_order_whatever_the_threads(session, run):
    periods = pinned_periods(session, run)
    inputs = run_inputs(session, "tiny", periods, run.known_at)
    compiled = [
        computing.Period(
            first_day,
            last_day,
            compile_market(
                rules.market_rules, rules.grid_model, rules.allocation_policy, rules.registrations
            ),
        )
        for first_day, last_day, rules in inputs.periods
    ]
    days = [
        [day.day for day in computing.compute_days(compiled, inputs.days, inputs.day_readings, n)]
        for n in (1, 2, 4)
    ]
    assert days == [inputs.days] * 3
    with pytest.raises(LookupError, match="2024-01-04"):
        computing.model_on(compiled, LAST_DAY + dt.timedelta(days=1))


MANY_DAYS = [FIRST_DAY + dt.timedelta(days=offset) for offset in range(40)]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_many_days_come_in_order_and_few_are_held_at_once(monkeypatch, threads):
    """Later days finish first; they wait, and only so many days are ahead of the reader."""
    started = []

    def settle_later_days_faster(_model, day, *_):
        started.append(day)
        time.sleep(0.003 if day.day % 2 else 0)
        return DayResult(day, ())

    monkeypatch.setattr(computing, "settle_day", settle_later_days_faster)
    periods = [computing.Period(MANY_DAYS[0], MANY_DAYS[-1], None)]
    came = []
    for day in computing.compute_days(periods, MANY_DAYS, lambda day, _model: day, threads):
        came.append(day.day)
        assert len(started) <= len(came) - 1 + threads * computing.DAYS_AHEAD_PER_THREAD
    assert came == MANY_DAYS


def test_a_day_that_fails_stops_the_run(monkeypatch):
    def fail_on_the_third(_model, day, *_):
        if day == MANY_DAYS[2]:
            raise ZeroDivisionError(f"{day}")
        return DayResult(day, ())

    monkeypatch.setattr(computing, "settle_day", fail_on_the_third)
    periods = [computing.Period(MANY_DAYS[0], MANY_DAYS[-1], None)]
    days = computing.compute_days(periods, MANY_DAYS, lambda day, _model: day, 2)
    assert [next(days).day, next(days).day] == MANY_DAYS[:2]
    with pytest.raises(ZeroDivisionError, match="2024-01-03"):
        next(days)
