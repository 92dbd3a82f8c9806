"""Engine and transaction: the caller opens one transaction, stores receive its session."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from database.acting import TOKEN_SETTING
from database.addresses import names_server, url_of, use_embedded, uses_embedded, working_role
from database.outages import Unusable
from database.roles.names import Role

if TYPE_CHECKING:
    import psycopg

MINIMUM_SERVER_VERSION = 180_000
"""PostgreSQL 18, as `server_version_num` writes it."""


SCHEMES = ("postgresql", "postgres")


class ServerTooOld(Unusable):
    """The server that DATABASE_URL names is older than PostgreSQL 18."""


def database_url() -> str:
    """Return the address by which this process reads and writes facts."""
    return url_of(working_role())


def check_url(url: str, variable: str = "DATABASE_URL") -> None:
    """Refuse an address that is none of a PostgreSQL database, without repeating its password.

    Raises:
        Unusable: it cannot be read, or names another kind of database.

    >>> check_url("mysql://localhost/tallystick")
    Traceback (most recent call last):
    database.outages.Unusable: DATABASE_URL names a database of the kind 'mysql', which is not ...
    """
    example = "write it as postgresql://user:password@host:5432/tallystick, or unset it to use the "
    try:
        kind = make_url(url).get_backend_name()
    except (ArgumentError, ValueError):
        raise Unusable(
            f"{variable} is not the address of a database; {example}embedded server"
        ) from None
    if kind not in SCHEMES:
        raise Unusable(
            f"{variable} names a database of the kind {kind!r}, which is not PostgreSQL; "
            f"{example}embedded server"
        )


def ensure_server(role: Role | None = None) -> str:
    """Return the database's address, starting the embedded server where none is named.

    Args:
        role: that comes to it; by default the one as which this process works.

    Raises:
        ServerTooOld: the server is older than PostgreSQL 18.
        Unusable: the embedded server did not start, or this process has no address on another.
    """
    if uses_embedded() or not names_server():
        use_embedded()
        return url_of(role or working_role())
    if role is None:
        refuse_old_server(engine())
        return database_url()
    made = make_engine(url_of(role))  # before the roles are made there is nobody but the owner
    refuse_old_server(made)
    made.dispose()
    return url_of(role)


@cache
def engine() -> Engine:
    """Return the engine of this process."""
    return make_engine(database_url())


def make_engine(url: str) -> Engine:
    """Return an engine for a PostgreSQL URL; sessions speak UTC."""
    address = make_url(url).set(drivername="postgresql+psycopg")
    # The server may have been stopped and started since a pooled connection was used: ask it first.
    created = create_engine(address, pool_pre_ping=True)

    @event.listens_for(created, "connect")
    def _set_utc(connection: "psycopg.Connection[Any]", _record: object) -> None:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.commit()  # or the pool would roll the setting back with the transaction

    return created


def refuse_old_server(bind: Engine) -> None:
    """Refuse a server below PostgreSQL 18, which lacks temporal constraints and uuidv7().

    Raises:
        ServerTooOld: naming the version found, the limit and the remedy.
    """
    with bind.connect() as connection:
        number, version = connection.execute(
            text("SELECT current_setting('server_version_num')::int, version()")
        ).one()
    check_server_version(number, version)


def check_server_version(number: int, version: str) -> None:
    """Raise ServerTooOld when `number` (as server_version_num) is below 18.

    >>> check_server_version(150018, "PostgreSQL 15.18")
    Traceback (most recent call last):
    database.session.ServerTooOld: DATABASE_URL names PostgreSQL 15.18; Tallystick needs 18 or ...
    """
    if number < MINIMUM_SERVER_VERSION:
        raise ServerTooOld(
            f"DATABASE_URL names {version.partition(' on ')[0]}; Tallystick needs 18 or later. "
            "Point DATABASE_URL at such a server, or unset it to use the embedded one."
        )


class Patience(NamedTuple):
    """How long one may wait for a lock, and how long a statement may take."""

    lock_ms: int
    statement_ms: int


LIMITS = (
    "set_config('lock_timeout', CAST(:lock_ms AS text), true), "
    "set_config('statement_timeout', CAST(:statement_ms AS text), true)"
)
_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)

ACTING_BY_TOKEN = f"set_config('{TOKEN_SETTING}', :token, true)"
_token: ContextVar[str | None] = ContextVar("token", default=None)


def current_patience() -> Patience | None:
    """Return how long this thread of work waits for the database, or None: as long as it takes."""
    return _patience.get()


@contextmanager
def waiting_at_most(patience: Patience) -> Iterator[None]:
    """Let transactions that begin in the block fail rather than wait longer."""
    before = _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(before)


def current_token() -> str | None:
    """Return the token by which transactions that begin now act; None where they act as nobody."""
    return _token.get()


@contextmanager
def acting_by(token: str | None) -> Iterator[None]:
    """Let transactions that begin in the block act as the account of a token; None: as nobody."""
    before = _token.set(token)
    try:
        yield
    finally:
        _token.reset(before)


def act_by(session: Session, token: str) -> None:
    """Let a transaction act as the account of a token from here to its end."""
    session.execute(text(f"SELECT {ACTING_BY_TOKEN}"), {"token": token})


@contextmanager
def transaction(bind: Engine | None = None) -> Iterator[Session]:
    """Open one transaction: committed when the block ends, rolled back when it raises."""
    # What was read stays readable after the commit: expired rows would ask a closed session.
    with Session(bind or engine(), expire_on_commit=False) as session, session.begin():
        _set_up(session, current_patience(), _token.get())
        yield session


@contextmanager
def snapshot(bind: Engine | None = None) -> Iterator[Session]:
    """Open one transaction that sees the database as it stood when it began, and writes nothing."""
    how = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with Session(bind or engine(), expire_on_commit=False) as session, session.begin():
        session.connection(execution_options=how)
        _set_up(session, current_patience(), _token.get())
        yield session


def _set_up(session: Session, patience: Patience | None, token: str | None) -> None:
    """Let a transaction wait no longer than a patience, and act as the account of a token."""
    settings: dict[str, Any] = {}
    wanted = []
    if patience is not None:
        wanted.append(LIMITS)
        settings |= patience._asdict()
    if token is not None:
        wanted.append(ACTING_BY_TOKEN)
        settings["token"] = token
    if wanted:  # in one statement: a page opens several transactions
        session.execute(text(f"SELECT {', '.join(wanted)}"), settings)
