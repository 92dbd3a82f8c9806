"""Engine and transaction: committed whole or not at all, in UTC, on a server that is new enough."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import text

from database import session as database_session
from database.session import (
    MINIMUM_SERVER_VERSION,
    ServerTooOld,
    check_server_version,
    ensure_server,
    make_engine,
    refuse_old_server,
    transaction,
)
from tests.conftest import ROOT


def test_a_transaction_commits_when_its_block_ends(committed_database):
    with transaction(committed_database) as session:
        session.execute(text("CREATE TABLE public.kept (number int)"))
        session.execute(text("INSERT INTO public.kept VALUES (1)"))
    with transaction(committed_database) as session:
        assert session.scalar(text("SELECT number FROM public.kept")) == 1


def test_a_transaction_rolls_back_when_its_block_raises(committed_database):
    with pytest.raises(ZeroDivisionError), transaction(committed_database) as session:
        session.execute(text("CREATE TABLE public.lost (number int)"))
        raise ZeroDivisionError
    with transaction(committed_database) as session:
        assert session.scalar(text("SELECT to_regclass('public.lost')")) is None


def test_sessions_speak_utc(committed_database):
    with transaction(committed_database) as session:
        assert session.scalar(text("SHOW TIME ZONE")) == "UTC"
        assert session.scalar(text("SELECT '2024-07-01'::timestamptz::text")).endswith("+00")


def test_the_usual_ways_to_write_a_url_work(committed_database):
    url = committed_database.url.render_as_string(hide_password=False)
    bare = url.replace("postgresql+psycopg://", "postgresql://")
    made = make_engine(bare)
    with transaction(made) as session:
        assert session.scalar(text("SELECT 1")) == 1
    made.dispose()


@pytest.mark.parametrize(
    ("number", "version"),
    [(150_018, "PostgreSQL 15.18 on x86_64"), (179_999, "PostgreSQL 17.9 (Debian) on aarch64")],
)
def test_an_old_server_is_refused_with_version_limit_and_remedy(number, version):
    with pytest.raises(ServerTooOld) as refused:
        check_server_version(number, version)
    message = str(refused.value)
    assert message.startswith(f"DATABASE_URL names {version.partition(' on ')[0]};")
    assert "needs 18 or later" in message
    assert "Point DATABASE_URL at such a server, or unset it" in message


def test_the_oldest_server_that_will_do_is_accepted():
    check_server_version(MINIMUM_SERVER_VERSION, "PostgreSQL 18.0")


def test_the_server_under_test_is_new_enough(committed_database):
    refuse_old_server(committed_database)


def test_an_old_server_is_asked_for_its_version(committed_database, monkeypatch):
    monkeypatch.setattr(database_session, "MINIMUM_SERVER_VERSION", 990_000)
    with pytest.raises(ServerTooOld, match="DATABASE_URL names PostgreSQL 18"):
        refuse_old_server(committed_database)


def test_a_named_server_is_used_and_no_other_started(committed_database, monkeypatch):
    url = committed_database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr("database.embedded.start", lambda: pytest.fail("started another server"))
    database_session.engine.cache_clear()
    try:
        assert ensure_server() == url
    finally:
        database_session.engine().dispose()
        database_session.engine.cache_clear()


def test_without_a_server_the_engine_says_what_to_do(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(RuntimeError, match=r"no database: call database\.session\.ensure_server"):
        database_session.database_url()


def test_a_command_that_cannot_reach_its_server_says_so_without_a_traceback(tmp_path):
    found = subprocess.run(
        [sys.executable, "manage.py", "verify"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": f"postgresql:///none?host={tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    assert found.stderr.startswith("the database does not answer: ")
    assert str(tmp_path) in found.stderr
