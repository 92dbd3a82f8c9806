"""Pages while a long command holds the ledger: they say so soon, and the probe never waits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from psycopg import errors
from sqlalchemy import text

from database.logged import LEDGER_LOCK
from database.session import current_patience, transaction
from ledger import store
from portal import middleware
from portal.middleware import IMPATIENT, PATIENT, PATIENT_REQUESTS, AnswerProbes, LimitWaits
from portal.views import home

pytestmark = pytest.mark.django_db


@contextmanager
def long_invoice(url: str):
    """Hold the ledger as `manage.py invoice` does while it issues documents."""
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])
        yield


def write(session):
    """Do as a page does that appends to the ledger."""
    store.lock(session)
    return []


@pytest.fixture
def quick(monkeypatch):
    """Requests that wait a tenth of a second."""
    monkeypatch.setattr(middleware, "PATIENT", PATIENT._replace(lock_ms=100))
    monkeypatch.setattr(middleware, "IMPATIENT", IMPATIENT._replace(lock_ms=50))


def test_a_page_behind_a_long_command_says_that_it_is_busy(site, quick, monkeypatch):
    monkeypatch.setattr(home, "markets", write)
    with long_invoice(site.url):
        answer = Client().get("/")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"
    assert b"The ledger is busy" in answer.content
    assert b"nothing is half-written" in answer.content
    assert Client().get("/").status_code == 200


@pytest.mark.parametrize(
    "error",
    [
        errors.LockNotAvailable("busy"),
        errors.QueryCanceled("too slow"),
        errors.DeadlockDetected("crossed"),
        errors.TooManyConnections("full"),
    ],
)
def test_a_database_without_time_is_busy_whoever_says_so(monkeypatch, error):
    def fail(_session):
        raise OperationalError("as Django says it") from error

    monkeypatch.setattr(home, "markets", fail)
    assert Client().get("/").status_code == 503


def test_busy_outside_of_views_is_busy_too(monkeypatch):
    def fail(_request):
        raise errors.LockNotAvailable("busy")

    monkeypatch.setattr("portal.context.viewer_of", fail)
    monkeypatch.setattr(LimitWaits, "process_exception", lambda *_: None)
    assert Client(raise_request_exception=False).get("/").status_code == 503


def test_another_failure_of_the_database_is_no_business_of_waiting(monkeypatch):
    def fail(_session):
        raise errors.DiskFull("no room")

    monkeypatch.setattr(home, "markets", fail)
    assert Client(raise_request_exception=False).get("/").status_code == 500


LIMITS = text("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")


def test_a_request_limits_its_transactions_and_a_command_does_not(site, monkeypatch):
    seen = []

    def look(session):
        seen.append(tuple(session.execute(LIMITS).one()))
        return []

    monkeypatch.setattr(home, "markets", look)
    Client().get("/")
    assert seen == [("3s", "20s")]
    assert current_patience() is None
    with transaction(site.engine) as session:
        assert tuple(session.execute(LIMITS).one()) == ("0", "0")


def test_few_requests_wait_long_and_the_rest_hardly(monkeypatch):
    patient, seen = threading.Event(), []

    def answer(_request):
        seen.append(current_patience())
        patient.wait(10)

    limited = LimitWaits(answer)
    threads = [threading.Thread(target=limited, args=[None]) for _ in range(PATIENT_REQUESTS + 3)]
    for count, thread in enumerate(threads, start=1):
        thread.start()
        while len(seen) < count:
            time.sleep(0.01)
    patient.set()
    for thread in threads:
        thread.join()
    assert seen == [PATIENT] * PATIENT_REQUESTS + [IMPATIENT] * 3
    patient.set()
    limited(None)
    assert seen[-1] == PATIENT


def test_the_probe_answers_beside_six_that_wait_for_the_ledger(site, monkeypatch):
    """Six disputes behind a long invoice took all threads, and the probe waited for over 20 s."""

    def view(_request):
        with transaction(site.engine) as session:
            store.lock(session)

    def dispute():
        try:
            limited(None)
        except Exception as error:
            return error

    limited = LimitWaits(view)

    def probe():
        try:
            return AnswerProbes(view)(RequestFactory().get("/healthy/"))
        finally:
            connection.close()  # that of the thread

    with long_invoice(site.url), ThreadPoolExecutor(6) as threads:  # as many as `serve` has
        waiting = [threads.submit(dispute) for _ in range(6)]
        began = time.monotonic()
        assert threads.submit(probe).result().content.startswith(b"ok\n")
        waited_s = time.monotonic() - began
        assert all(middleware.is_busy(each.result()) for each in waiting)
    assert waited_s < 2
