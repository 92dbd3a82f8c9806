"""The benchmark of whole periods settles in another process, and leaves nothing behind."""

import datetime as dt

import psycopg
import pytest
from numba import config

from benchmarks import settling
from benchmarks.settling import Period, measure, year_left_out


@pytest.mark.skipif(config.DISABLE_JIT, reason="millions of coalitions: needs JIT")
def test_a_period_is_measured_on_a_scratch_database(server_url, monkeypatch):
    monkeypatch.setattr(settling, "server_url", lambda: server_url)
    day = dt.date(2024, 1, 1)
    measured = measure(Period("levels", day, day))
    assert measured.seconds > 0
    assert 0.05 < measured.peak_gib < 4
    with psycopg.connect(server_url) as connection:
        left = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'bench_%'")
        assert left.fetchone() == (0,)


def test_what_is_left_out_says_so():
    assert [result.as_dict()["value"] for result in year_left_out()] == [None, None]
    assert all(result.met is None and "--quick" in str(result) for result in year_left_out())
