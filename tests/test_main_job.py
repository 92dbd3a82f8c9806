"""The main job may be cut off anywhere and run again."""

import datetime as dt
import itertools
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from database import session as database_session
from portal import main_job
from portal.main_job import JobRequest, run_main_job

DAYS = (dt.date(2024, 3, 30), dt.date(2024, 3, 31))


@contextmanager
def no_progress(_title):
    yield lambda _done, _total: None


@pytest.fixture
def job_on(committed_database, monkeypatch):
    """Return a function that runs the job for two days, one of them short, on a fresh database."""
    url = committed_database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    database_session.engine.cache_clear()
    seconds = itertools.count()
    start = dt.datetime(2024, 5, 1, 9, 0, tzinfo=dt.UTC)
    request = JobRequest("gb12", DAYS, data=None, seed=1, threads=1)
    yield lambda: run_main_job(
        request, lambda: start + dt.timedelta(seconds=next(seconds)), no_progress
    )
    database_session.engine().dispose()
    database_session.engine.cache_clear()


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
