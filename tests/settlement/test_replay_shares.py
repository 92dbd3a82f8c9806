"""What several processes replay between them is what one replays alone."""

import datetime as dt
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from database.outages import Unusable
from database.session import transaction
from settlement.replays import shares
from settlement.replays.shares import shares_of
from settlement.replays.verification import verify_replays
from tests.attacks.attacker import turn_triggers_off
from tests.attacks.column_cases import Changed, remake_after
from tests.settlement.test_day_memory import fill_twice
from tests.worlds.settled import FIRST_DAY, LAST_DAY

FORGED = [FIRST_DAY, LAST_DAY]
"""The first is replayed by the process that asks, the last by one that it starts."""


def fill_forged(session):
    """Change a result of the first run on its first day, and one of the later run on its last."""
    runs = fill_twice(session)
    turn_triggers_off(session)
    for run, day in zip(runs, FORGED, strict=True):
        session.execute(
            text(
                "UPDATE settlement.result SET values[1] = values[1] + 1 WHERE run_id = :run "
                "AND settlement_day = :day AND measure = 'charge.fuel_micro'"
            ),
            {"run": run.id, "day": day},
        )
    remake_after(session, [Changed("settlement.result", "values", frozenset())])
    return runs


@pytest.fixture
def share_days(world_of, monkeypatch):
    """A function that fills a database, as that of this process and of those that it starts."""
    monkeypatch.setattr(shares, "DAYS_OF_A_PROCESS", 1)

    def made(fill):
        engine, runs = world_of(fill)
        monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
        return engine, runs

    return made


@given(
    days=st.sets(st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31)), max_size=400),
    processes=st.integers(1, 9),
)
def test_every_day_is_in_one_share(days, processes):
    found = shares_of(days, processes)
    assert 1 <= len(found) <= processes
    assert all(sum(first <= day <= last for first, last in found) == 1 for day in days)
    counts = [sum(first <= day <= last for day in days) for first, last in found]
    assert max(counts) - min(counts) <= 1
    assert len(found) == 1 or min(counts) >= shares.DAYS_OF_A_PROCESS


@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_hold_what_one_does(share_days, processes):
    engine, (first, later) = share_days(fill_twice)
    alone: dict = {}
    between: dict = {}
    with transaction(engine) as session:
        assert list(verify_replays(session, held=alone)) == []
        assert list(verify_replays(session, held=between, processes=processes)) == []
    assert between == alone
    assert set(alone) == {first.id, later.id}
    assert all(list(days) == first.days for days in between.values())


def test_what_differs_is_named_whichever_process_replayed_it(share_days):
    engine, runs = share_days(fill_forged)
    with transaction(engine) as session:
        found = list(verify_replays(session, processes=2))
        assert found == list(verify_replays(session))
    assert [finding.place for finding in found] == [f"settlement.run {run.id}" for run in runs]
    for finding, day in zip(found, FORGED, strict=True):
        assert f"{day} charge.fuel_micro" in finding.value


class Ended:
    """A pool whose processes were ended from outside."""

    def __init__(self, *_: object, **__: object) -> None:
        self.asked: Future = Future()
        self.asked.set_exception(BrokenProcessPool("terminated abruptly"))

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, *_: object) -> Future:
        return self.asked


def test_a_process_that_is_ended_from_outside_is_a_sentence(share_days, monkeypatch):
    engine, _ = share_days(fill_twice)
    monkeypatch.setattr(shares, "ProcessPoolExecutor", Ended)
    with transaction(engine) as session, pytest.raises(Unusable, match="--threads 1"):
        list(verify_replays(session, processes=2))


def test_what_another_process_cannot_read_is_named(share_days, monkeypatch):
    engine, runs = share_days(fill_twice)
    with transaction(engine) as session:
        unread = dict.fromkeys((run.id for run in runs), "it is not there")
        monkeypatch.setattr(shares, "_replay_share", lambda *_: unread)
        found = list(verify_replays(session, processes=2))
    assert [finding.value for finding in found] == [
        "what it was computed from cannot be read: it is not there"
    ] * len(runs)
