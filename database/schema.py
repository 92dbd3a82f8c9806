"""The domain schema by Alembic: upgrade, downgrade, and the check for drift."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError as AlembicError
from psycopg import sql
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from common.file_names import file_path
from database.addresses import urls_to_set
from database.embedded import ROOT
from database.metadata import SCHEMAS
from database.outages import Unusable, first_line
from database.roles.granting import drop_roles, grant, plain_url
from database.roles.names import Role
from database.session import ensure_server, make_engine

MIGRATION_LOCK = 0x7A11_5C4E
"""The advisory lock under which commands migrate."""
MIGRATION_WAIT = "600s"
BACKUP_BEGINNINGS = (b"PGDMP", b"--\n-- PostgreSQL database dump")
"""How files begin that pg_dump writes: its archives, and its scripts."""
MAKE_BACKUP = "Keep a copy first: pg_dump --format=custom --file=FILE DATABASE_URL"


def alembic_config(url: str | None = None) -> Config:
    """Return Alembic's configuration for this product; `url` names another database."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    if url:
        # The option is read with interpolation, and a password may hold a percent sign.
        config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


class WouldLose(Unusable):
    """Taking the schema back would drop rows of which nobody has a backup."""


class Loss(NamedTuple):
    """What of a table goes with a downgrade: so many rows, or a column of them."""

    table: str
    rows: int
    column: str = ""

    def __str__(self) -> str:
        named = f"{self.table}.{self.column}" if self.column else self.table
        return f"{named} ({self.rows:,} row{'s' if self.rows != 1 else ''})"


@contextmanager
def one_migration_at_a_time() -> Iterator[None]:
    """Hold what keeps a second command from migrating, until the block ends."""
    with psycopg.connect(plain_url(owner_url()), autocommit=True) as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [MIGRATION_WAIT])
        # Of the session, not of a transaction: Alembic and Django migrate in several of their own.
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        yield


def owner_url() -> str:
    """Return the address by which this process migrates; the embedded server is started for it."""
    return ensure_server(Role.OWNER)


def upgrade(url: str | None = None, revision: str = "head") -> None:
    """Bring the domain schema to `revision`.

    Raises:
        Unusable: there is no such revision, or the database is at one that is not known here.
    """
    with _unknown_revisions_refused():
        command.upgrade(alembic_config(url), revision)
    if url is None:
        grant(owner_url(), urls_to_set())
    else:
        grant(url)


def downgrade(
    url: str | None = None, revision: str = "base", backup: Path | None = None
) -> list[Loss]:
    """Take the domain schema back to `revision`, and return what that dropped.

    Args:
        url: of another database than that of this process.
        revision: to go back to.
        backup: file of pg_dump; where it is named, rows may be dropped.

    Raises:
        WouldLose: rows would be dropped, and no backup is named; nothing is changed.
        Unusable: the backup is none, there is no such revision, or the database is at one that is
            not known here.
    """
    if backup is not None:
        _refuse_no_backup(backup)
    made = make_engine(url or owner_url())
    config = alembic_config(url)
    try:
        # One transaction, so that what would be lost is found out by losing it, and rolled back.
        with made.begin() as connection, _unknown_revisions_refused():
            before = _contents(connection)
            config.attributes["connection"] = connection
            command.downgrade(config, revision)
            lost = _lost(before, _contents(connection))
            if lost and backup is None:
                raise WouldLose(
                    f"this would drop {', '.join(map(str, lost))}, for good; nothing was changed. "
                    f"{MAKE_BACKUP}, and name that file: --yes-drop FILE"
                )
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.errors.DependentObjectsStillExist):
            raise
        raise Unusable(
            f"{revision} cannot be reached: {first_line(error)}. The portal's own tables, with its "
            "users and the audit trail, rest on what it would drop, and no command drops them; "
            "nothing was changed. Go back to 0011 at most, or drop the whole database."
        ) from None
    finally:
        made.dispose()
    return lost


Contents = dict[str, tuple[int, frozenset[str]]]
"""Number of rows and names of the columns, by table."""


def _contents(connection: Connection) -> Contents:
    columns: dict[str, set[str]] = {}
    found = connection.execute(
        text(
            "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = ANY(:schemas)"
        ),
        {"schemas": list(SCHEMAS)},
    )
    for table, column in found:
        columns.setdefault(table, set()).add(column)
    return {
        table: (
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one(),
            frozenset(names),
        )
        for table, names in sorted(columns.items())
    }


def _lost(before: Contents, after: Contents) -> list[Loss]:
    """Return what was there before, and is not after."""
    lost = []
    for table, (rows, columns) in before.items():
        rows_left, columns_left = after.get(table, (0, frozenset()))
        if rows > rows_left:
            lost.append(Loss(table, rows - rows_left))
        elif rows:
            lost += [Loss(table, rows, column) for column in sorted(columns - columns_left)]
    return lost


def _refuse_no_backup(backup: Path) -> None:
    """Refuse a file that pg_dump did not write; whether it is complete, only a restore shows.

    Raises:
        Unusable: it cannot be read, or begins as no backup does.
    """
    try:
        with backup.open("rb") as file:
            beginning = file.read(max(map(len, BACKUP_BEGINNINGS)))
    except OSError as error:
        raise Unusable(
            f"{file_path(backup)} cannot be read: {error.strerror}; nothing was changed. "
            f"{MAKE_BACKUP}"
        ) from None
    if not beginning.startswith(BACKUP_BEGINNINGS):
        raise Unusable(
            f"{file_path(backup)} is no backup that pg_dump wrote; nothing was changed. "
            f"{MAKE_BACKUP}"
        )


@contextmanager
def _unknown_revisions_refused() -> Iterator[None]:
    try:
        yield
    except AlembicError as error:
        raise Unusable(
            f"the schema cannot be brought there: {error}. The revisions are the numbers of the "
            "files in migrations/versions, base and head; if nobody named one, the database was "
            "migrated by another version of Tallystick: use that, or another database."
        ) from None


def check(url: str | None = None) -> None:
    """Raise alembic.util.AutogenerateDiffsDetected when models and the schema at `url` differ."""
    command.check(alembic_config(url))


@contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """Make a database with the domain schema, give its URL, and drop it at the end."""
    name = f"schema_check_{uuid.uuid4().hex[:12]}"
    scratch = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            upgrade(scratch)
            yield scratch
        finally:
            # FORCE, as a migration that fails leaves its connection open.
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)
            drop_roles(connection, name)
