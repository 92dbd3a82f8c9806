"""Tokens: what lets a process act as an account, for some hours by the clock of the database.

Whoever checks a sign-in makes them: commands by their session, the portal by Django's connection,
never by the one that reads facts. So statements go through whatever runs them here.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

TOKEN_BYTES = 32
"""Of chance, in a token that is made for a command."""

COMMAND_HOURS = 12
"""How long a command's token lets it act."""

Run = Callable[[str, Mapping[str, Any]], object]
"""Runs a statement with values by their names, written as psycopg has them."""

REMOVE_ENDED = "DELETE FROM people.token WHERE expires_at < clock_timestamp()"
ACCEPT = """
INSERT INTO people.token AS known (hash, account, made_at, expires_at)
VALUES (%(hash)s, %(account)s, clock_timestamp(), clock_timestamp() + %(lasting)s)
ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at
    WHERE known.account = excluded.account
"""
END = "DELETE FROM people.token WHERE hash = %(hash)s"


def through(session: Session) -> Run:
    """Return what runs a statement in the transaction of a session."""
    connection = session.connection()
    return lambda statement, values: connection.exec_driver_sql(statement, dict(values))


def accept(run: Run, account: str, token: str, lasting: dt.timedelta) -> None:
    """Let whoever holds a token act as an account, for so long from now; those that ended go."""
    run(REMOVE_ENDED, {})
    run(ACCEPT, {"hash": hash_of(token), "account": account, "lasting": lasting})


def end(run: Run, token: str) -> None:
    """Let nobody act by a token any more."""
    run(END, {"hash": hash_of(token)})


def hash_of(token: str) -> bytes:
    """Return what is stored of a token: who reads it cannot act by it."""
    return sha256(token.encode()).digest()
