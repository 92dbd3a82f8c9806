"""What a database that fails means for a person: one sentence for each class of failure.

PostgreSQL says by SQLSTATE what is the matter, and to one who waits for it that makes all the
difference: a full disk is mended otherwise than a server that is gone.
"""

import os
import shutil
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, PendingRollbackError

ROLLED_BACK = "What was not committed is rolled back, so nothing is half-written"
FULL_BELOW_BYTES = 32 * 1024 * 1024
"""Two segments of PostgreSQL's log of writes: with less room left the server cannot go on."""

DISK_IS_FULL = "the disk of the database is full"
FREE_SPACE = "free space on it and run the command again"
LOCKED = ("the database is busy: another command holds what this one needs", "try again later")
TOO_SLOW = ("the database took too long and was told to stop", "try again later")
STOPPED = ("the database stopped answering", "start it and run the command again")

# By SQLSTATE, or its first two characters where a whole class means the same.
SENTENCES: dict[str, tuple[str, str]] = {
    "53100": (DISK_IS_FULL, FREE_SPACE),
    "53200": ("the database ran out of memory", "end other work or give it more, and try again"),
    "53300": (
        "the database takes no more connections",
        "wait until others have left, or raise its max_connections",
    ),
    "53": ("the database is at one of its limits", "raise the limit, or try again later"),
    "55P03": LOCKED,
    "57014": TOO_SLOW,
    "40": (
        "another command changed the same rows at the same moment",
        "run the command again",
    ),
    "25006": (
        "the database takes no writes, as a standby does",
        "point DATABASE_URL at one that does",
    ),
    "28": ("the database does not let this user in", "correct user and password in DATABASE_URL"),
    "3D": ("there is no such database on the server", "create it, or correct DATABASE_URL"),
    "42501": (
        "the user of DATABASE_URL lacks a right in the database",
        "let its owner grant it",
    ),
    "58": (
        "the database cannot read or write its files",
        "look into its log and at its disk, and run the command again",
    ),
    "XX": (
        "the database says that its own files are damaged",
        "look into its log before anything else is written",
    ),
    "57P": STOPPED,
    "08": STOPPED,
}


class Unusable(RuntimeError):
    """A database that cannot be worked with as it is; says why, and what to do."""


def outage_sentence(error: BaseException) -> str | None:
    """Return what failed in the database, or None when `error` is of another kind."""
    cause = driver_error(error)
    if isinstance(error, PendingRollbackError):
        return _sentence(STOPPED, error)
    if cause is None:
        return None
    state = cause.sqlstate
    known = _known(state) if state else None
    if known is not None:
        return _sentence(known, cause)
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return None
    if _is_disk_full():
        return _sentence((DISK_IS_FULL, FREE_SPACE), cause)
    return _sentence(STOPPED, cause)


def is_busy(error: BaseException) -> bool:
    """Return whether the database only had no time: what failed may be tried again."""
    state = getattr(driver_error(error), "sqlstate", None) or ""
    return state in {"55P03", "57014", "53300"} or state.startswith("40")


def driver_error(error: BaseException) -> psycopg.Error | None:
    """Return psycopg's error beneath that of SQLAlchemy or Django, or None."""
    if isinstance(error, psycopg.Error):
        return error
    beneath = error.orig if isinstance(error, DBAPIError) else error.__cause__
    return beneath if isinstance(beneath, psycopg.Error) else None


def first_line(error: BaseException) -> str:
    """Return what a driver says, without the statement and the links that follow."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0].rstrip(".")


def _known(state: str) -> tuple[str, str] | None:
    for length in (5, 3, 2):
        if state[:length] in SENTENCES:
            return SENTENCES[state[:length]]
    return None


def _sentence(words: tuple[str, str], error: BaseException) -> str:
    what, remedy = words
    return f"{what}: {first_line(error)}. {ROLLED_BACK}; {remedy}."


def _is_disk_full() -> bool:
    """Return whether a server on this machine has no room left, by which it stops."""
    # A server that cannot write its log of writes ends at once: the driver only sees it go.
    names = ("DATABASE_URL", "TALLYSTICK_PORTAL_DATABASE_URL")
    url = next(filter(None, map(os.environ.get, names)), "postgresql://")
    socket = make_url(url).query.get("host", "")
    folder = Path(str(socket))
    # Of the embedded server alone the socket lies beside the data.
    if not socket or not (folder / "PG_VERSION").is_file():
        return False
    return shutil.disk_usage(folder).free < FULL_BELOW_BYTES
