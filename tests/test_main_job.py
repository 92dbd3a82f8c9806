"""The main job may be cut off anywhere and run again."""

import datetime as dt
import itertools
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from common.refusals import Refused
from database import session as database_session
from portal import main_job
from portal.job_summary import summary_text
from portal.main_job import JobRequest, run_main_job
from settlement.meters.ingest import MeterFile
from tests.two_region.readings import FIRST_DAY, FOLDER, LAST_DAY
from tests.two_region.world import MARKET, RESULT_DIGEST

DAYS = (dt.date(2024, 3, 30), dt.date(2024, 3, 31))


@contextmanager
def no_progress(_title):
    yield lambda _done, _total: None


@pytest.fixture
def run_job(committed_database, monkeypatch):
    """Return a function that runs the job as it is asked for, on a fresh database."""
    url = committed_database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    database_session.engine.cache_clear()
    seconds = itertools.count()
    start = dt.datetime(2025, 5, 1, 9, 0, tzinfo=dt.UTC)
    yield lambda request: run_main_job(
        request, lambda: start + dt.timedelta(seconds=next(seconds)), no_progress
    )
    database_session.engine().dispose()
    database_session.engine.cache_clear()


@pytest.fixture
def job_on(run_job):
    """Return a function that runs the job for two days, one of them short.

    Which days a seed makes is all one here, but not to the solver of other designs: to prove the
    optimum of those of seed 1 takes it ten times as long as all else that the job does.
    """
    return lambda: run_job(JobRequest("gb12", DAYS, data=None, seed=3, threads=1))


@pytest.mark.parametrize("cut_off_at", [1, 2])
def test_a_job_that_was_cut_off_before_posting_posts_when_run_again(
    job_on, committed_database, monkeypatch, cut_off_at
):
    posting, calls = main_job.post, itertools.count(1)

    def cut_off(*arguments, **named):
        if next(calls) == cut_off_at:
            raise KeyboardInterrupt
        return posting(*arguments, **named)

    monkeypatch.setattr(main_job, "post", cut_off)
    with pytest.raises(KeyboardInterrupt):
        job_on()
    job = job_on()
    assert job.is_proven
    assert [run.kind for run in job.runs] == ["II", "SF"]
    with committed_database.connect() as connection:
        journals = text("SELECT count(*) FROM ledger.journal WHERE run_id IS NOT NULL")
        assert connection.scalar(journals) == 2 * len(DAYS)
        invoices = connection.scalar(text("SELECT count(*) FROM ledger.invoice"))
    again = job_on()
    assert again.is_proven
    assert again.documents == {}
    with committed_database.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ledger.invoice")) == invoices


def told(month=(FIRST_DAY, LAST_DAY)):
    """Return the request for a month of the two-region market, of files that are told."""
    files = [MeterFile(path.name, path.read_bytes()) for path in sorted(FOLDER.glob("*.csv"))]
    return JobRequest(MARKET, month, data=None, seed=1, threads=1, readings=tuple(files))


def test_a_month_of_files_is_settled_as_it_was_worked_by_hand(run_job, committed_database):
    job = run_job(told())
    assert job.is_proven
    first, later = job.runs
    assert (first.result_digest.hex(), first.kind, later.kind) == (RESULT_DIGEST, "II", "SF")
    again = run_job(told())
    assert (again.is_proven, again.documents) == (True, {})
    # What there is to read first is named on every run, not on the one that made it alone.
    named = {each.change for each in (job, again)}
    assert len(named) == 1 and named.pop().startswith("1, Pay €2.00 per MW and hour for ")
    summary = summary_text(again, "GBP", 1)
    assert "docs/tutorial.md" in summary
    assert f"manage.py energy {again.runs[-1].id} says" in summary
    assert [run.id for run in again.runs] == [first.id, later.id]


def test_days_that_the_files_do_not_hold_are_named(run_job):
    march = (dt.date(2025, 3, 1), dt.date(2025, 3, 2))
    with pytest.raises(Refused) as refused:
        run_job(told(march))
    assert {finding.code for finding in refused.value.findings} == {"no-reading"}
