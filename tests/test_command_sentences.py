"""What ends a command outside of what it is about: a sentence and status 1, never a traceback."""

import errno
import io
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

import manage
from database import schema
from database.session import transaction
from database.waiting import telling_waits
from tests.conftest import ROOT
from tests.worlds.roles import urls_of_roles


def url_of(engine) -> str:
    url = engine.url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is not the address"),
        ({"DATABASE_URL": "postgresql://u:secret@h:port/db"}, "DATABASE_URL is not the address"),
        ({"DATABASE_URL": "sqlite:///db"}, "which is not PostgreSQL"),
        ({"DATABASE_URL": "", "TALLYSTICK_SMTP_PORT": "post"}, "TALLYSTICK_SMTP_PORT is 'post'"),
        ({"DATABASE_URL": "", "TALLYSTICK_SMTP_PORT": "99999"}, "TALLYSTICK_SMTP_PORT"),
    ],
)
def test_an_environment_that_cannot_be_read_is_a_sentence(environment, words):
    found = run_command("served", "nowhere.json", **environment)
    assert found.returncode == 1
    assert words in found.stderr
    assert "secret" not in found.stderr
    assert len(found.stderr.splitlines()) == 1


def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_python("manage.py", *arguments, **environment)


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_without_the_letters_is_shown_escapes(tmp_path, monkeypatch, encoding):
    """Else a command that has written what it should ends in a traceback about its own words."""
    game = {"nodes": ["N0"], "lines": [], "units": [], "demand_kw": {"N0": 1}}
    game["units"] = [{"id": "Δοκιμή ₂", "node": "N0", "available_kw": 1}]
    file = tmp_path / "game.json"
    file.write_text(json.dumps(game))
    monkeypatch.setenv("PGAPPNAME", "")  # a command names its connections, for good
    terminals = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    with redirect_stdout(terminals[0]), redirect_stderr(terminals[1]):
        manage.main(["manage.py", "shapley", str(file), "--method", "exact"])
    for terminal in terminals:
        terminal.flush()
    shown, complained = (terminal.buffer.getvalue().decode(encoding) for terminal in terminals)
    assert complained == ""
    assert ("Δοκιμή ₂" if encoding == "utf-8" else r"\u2082") in shown


def test_an_empty_address_stands_for_the_embedded_server():
    found = run_command("shapley", "nowhere.json", "--method", "exact", DATABASE_URL="")
    assert "nowhere.json" in found.stderr
    assert "Traceback" not in found.stderr


IMPOSSIBLE = [
    (("serve", "--port", "99999"), "99999 is not a port"),
    (("serve", "--port", "-1"), "-1 is not a port"),
    (("serve", "--address", "203.0.113.5", "--port", "0"), "cannot listen on 203.0.113.5"),
    (("demo", "--port", "99999"), "99999 is not a port"),
    (("demo", "--readings", "docs"), "docs: no file whose name ends in .csv or .parquet"),
    (("demo", "--readings", "nowhere"), "nowhere: No such file or directory; name the folder"),
    (("demo", "--readings", "README.md"), "README.md: Not a directory; name the folder"),
    (("demo", "--readings", "nowhere", "--data", "nowhere"), "give --data or --readings, not both"),
    (("schema", "downgrade", "9999"), "Can't locate revision identified by '9999'"),
    (("schema", "upgrade", "9999"), "Can't locate revision identified by '9999'"),
    (("schema", "upgrade", "--yes-drop", "x"), "--yes-drop goes with downgrade"),
    (("schema", "check", "0001"), "check has no revision 0001"),
    (("schema", "downgrade", "--yes-drop", "README.md"), "README.md is no backup that pg_dump"),
    (("schema", "downgrade", "--yes-drop", "no"), "no cannot be read: No such file"),
    (("schema", "downgrade"), "rest on what it would drop"),
    (("migrate", "portal", "zero"), "migrate only goes forward"),
    (("migrate", "portal", "0002"), "migrate only goes forward"),
]


def test_what_a_command_cannot_do_is_a_sentence(portal_database):
    commands = json.dumps([arguments for arguments, _ in IMPOSSIBLE])
    urls = {**urls_of_roles(portal_database), "TALLYSTICK_OWNER_DATABASE_URL": portal_database}
    found = run_python("-m", "tests.commands_in_turn", commands, **urls)
    assert (found.returncode, found.stderr) == (0, "")
    for (arguments, words), (status, said) in zip(
        IMPOSSIBLE, json.loads(found.stdout), strict=True
    ):
        assert (status, len(said.splitlines())) == (1, 1), (arguments, said)
        assert words in said, arguments


@pytest.fixture(scope="module")
def portal_database(clone_portal_database) -> str:
    return make_url(clone_portal_database()).render_as_string(hide_password=False)


def test_nobody_who_reads_the_output_is_a_sentence(committed_database):
    reads, writes = os.pipe()
    os.close(reads)
    found = subprocess.run(
        [sys.executable, "manage.py", "runs"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url_of(committed_database)},
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writes)
    assert found.returncode == 1
    (sentence,) = found.stderr.splitlines()
    assert "nobody reads the output any more" in sentence


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_no_room_for_the_output_is_a_sentence(committed_database):
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "manage.py", "runs"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url_of(committed_database)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert found.returncode == 1
    (sentence,) = found.stderr.splitlines()
    assert "there is no room to write to: No space left on device" in sentence


def test_an_error_of_another_kind_keeps_its_traceback():
    assert manage.sentence_of(RuntimeError("no")) is None
    assert manage.sentence_of(OSError(errno.EPERM, "no")) is None


def hold(url: str, key: int, name: str, seconds: float) -> threading.Thread:
    """Hold an advisory lock for a while, as a command called `name` would."""
    holds = threading.Event()

    def work() -> None:
        with psycopg.connect(url, application_name=name) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [key])
            holds.set()
            time.sleep(seconds)

    thread = threading.Thread(target=work)
    thread.start()
    assert holds.wait(10)
    return thread


def test_a_second_migrate_waits_for_the_first_and_says_so(committed_database):
    url = url_of(committed_database)
    with psycopg.connect(url, application_name="manage.py migrate (process 7)") as first:
        first.execute("SELECT pg_advisory_xact_lock(%s)", [schema.MIGRATION_LOCK])
        second = subprocess.Popen(
            [sys.executable, "manage.py", "schema", "upgrade"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            stderr=subprocess.PIPE,
            text=True,
        )
        said = second.stderr.readline()
    assert said.startswith("waiting for manage.py migrate (process 7), at work since ")
    assert second.communicate(timeout=120) == (None, "")
    assert second.returncode == 0


def test_migrations_that_begin_at_once_all_end(committed_database):
    url = url_of(committed_database)
    begun = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=180)[1] for process in begun]
    assert [process.returncode for process in begun] == [0, 0], said


def test_who_waits_for_the_ledger_is_told_for_whom_once(committed_database, monkeypatch):
    url = url_of(committed_database)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("PGAPPNAME", "manage.py seal tiny (process 8)")
    held = hold(url, 42, "manage.py invoice tiny (process 7)", 2)
    told: list[str] = []
    watched = telling_waits(told.append, first_look_s=0.1, look_s=0.1)
    with watched, psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(42)")
    held.join()
    assert len(told) == 1
    assert told[0].startswith("waiting for manage.py invoice tiny (process 7), at work since ")


def test_who_does_not_wait_is_told_nothing(committed_database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url_of(committed_database))
    monkeypatch.setenv("PGAPPNAME", "manage.py seal tiny (process 8)")
    told: list[str] = []
    watched = telling_waits(told.append, first_look_s=0.05, look_s=0.05)
    with watched, transaction(committed_database) as session:
        session.execute(text("SELECT pg_sleep(0.5)"))
    assert told == []
