"""Tokens: what lets a process act as an account, for some hours by the clock of the database."""

import datetime as dt
from hashlib import sha256

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ledger.people.tables import Token

TOKEN_BYTES = 32
"""Of chance, in a token that is made for a command."""

COMMAND_HOURS = 12
"""How long a command's token lets it act."""


def hash_of(token: str) -> bytes:
    """Return what is stored of a token: who reads it cannot act by it."""
    return sha256(token.encode()).digest()


def accept(session: Session, account: str, token: str, lasting: dt.timedelta) -> None:
    """Let whoever holds a token act as an account, for so long from now; those that ended go."""
    session.execute(delete(Token).where(Token.expires_at < func.clock_timestamp()))
    statement = insert(Token).values(
        hash=hash_of(token),
        account=account,
        made_at=func.clock_timestamp(),
        expires_at=func.clock_timestamp() + lasting,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["hash"],
            set_={"expires_at": statement.excluded.expires_at},
            where=Token.account == statement.excluded.account,
        )
    )


def end(session: Session, token: str) -> None:
    """Let nobody act by a token any more."""
    session.execute(delete(Token).where(Token.hash == hash_of(token)))


def end_all(session: Session, account: str) -> None:
    """End every token of an account: what follows a lost device, or a right taken away."""
    session.execute(delete(Token).where(Token.account == account))
