"""What a database that fails means: a sentence for each class of failure, and for nothing else."""

import django.db
import psycopg
import pytest
import sqlalchemy.exc
from psycopg import errors

from database import outages
from database.outages import Unusable, is_busy, outage_sentence
from database.session import check_url


def wrapped(error: psycopg.Error, by: str) -> Exception:
    """Return an error as SQLAlchemy, Django or psycopg itself raises it."""
    if by == "sqlalchemy":
        return sqlalchemy.exc.DBAPIError.instance("SELECT 1", {}, error, psycopg.Error)
    if by == "django":
        around = django.db.OperationalError(*error.args)
        around.__cause__ = error
        return around
    return error


@pytest.mark.parametrize("by", ["psycopg", "sqlalchemy", "django"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (errors.DiskFull, "the disk of the database is full"),
        (errors.OutOfMemory, "ran out of memory"),
        (errors.TooManyConnections, "takes no more connections"),
        (errors.ConfigurationLimitExceeded, "one of its limits"),
        (errors.LockNotAvailable, "is busy"),
        (errors.QueryCanceled, "took too long"),
        (errors.DeadlockDetected, "at the same moment"),
        (errors.SerializationFailure, "at the same moment"),
        (errors.ReadOnlySqlTransaction, "takes no writes"),
        (errors.InsufficientPrivilege, "lacks a right"),
        (errors.IoError, "cannot read or write its files"),
        (errors.DataCorrupted, "files are damaged"),
        (errors.AdminShutdown, "stopped answering"),
        (errors.CrashShutdown, "stopped answering"),
        (psycopg.OperationalError, "stopped answering"),
        (psycopg.InterfaceError, "stopped answering"),
    ],
)
def test_each_failure_is_said_as_what_it_is(kind, words, by, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/any")
    sentence = outage_sentence(wrapped(kind("could not extend file\nDETAIL: no"), by))
    assert words in sentence
    assert "could not extend file. What was not committed is rolled back" in sentence
    assert "\n" not in sentence
    assert ("stopped answering" in sentence) == (words == "stopped answering")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        errors.UniqueViolation("no"),
        errors.SyntaxError("no"),
        wrapped(errors.CheckViolation("no"), "sqlalchemy"),
        RuntimeError("no"),
    ],
)
def test_what_is_no_outage_is_left_to_be_a_fault(error):
    assert outage_sentence(error) is None


def test_a_server_that_went_for_want_of_room_is_not_said_to_be_stopped(tmp_path, monkeypatch):
    (tmp_path / "PG_VERSION").write_text("18\n")
    monkeypatch.setenv("DATABASE_URL", f"postgresql:///any?host={tmp_path}")
    gone = psycopg.OperationalError("server closed the connection unexpectedly")
    assert "stopped answering" in outage_sentence(gone)
    monkeypatch.setattr(outages, "FULL_BELOW_BYTES", 2**80)
    assert "the disk of the database is full" in outage_sentence(gone)
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/any")
    assert "stopped answering" in outage_sentence(gone)


def test_busy_is_what_may_be_tried_again():
    assert is_busy(wrapped(errors.LockNotAvailable("no"), "sqlalchemy"))
    assert is_busy(errors.QueryCanceled("no"))
    assert is_busy(errors.DeadlockDetected("no"))
    assert not is_busy(errors.DiskFull("no"))
    assert not is_busy(ValueError("no"))


@pytest.mark.parametrize(
    "url",
    ["postgresql://", "postgres://u:secret@h/db", "postgresql+psycopg:///db?host=/var/run", "postgresql://[::1]:5432/x"],
)  # fmt: skip
def test_an_address_of_postgresql_is_taken(url):
    check_url(url)


@pytest.mark.parametrize(
    "url", ["nonsense", "u:secret@h/db", "postgresql://u:secret@h:port/db", "mysql://u:secret@h/db"]
)
def test_another_address_is_refused_without_its_password(url):
    with pytest.raises(Unusable, match="DATABASE_URL") as refused:
        check_url(url)
    assert "secret" not in str(refused.value)
    assert "postgresql://user:password@host:5432/tallystick" in str(refused.value)
