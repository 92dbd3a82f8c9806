"""Who comes to the embedded PostgreSQL, and by which password.

Each role has a password in a file of its own beside the data, which the user of the system alone
may read: `var/postgresql-passwords/writer`. Where all processes run as one user, that keeps them
apart by what they are told and not by what they could read. The superuser makes the database and
its owner; nothing else is done by it.
"""

import os
import shutil
import signal
from pathlib import Path
from time import sleep
from typing import NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql

from database.outages import Unusable
from database.roles.granting import set_password
from database.roles.names import Role, role_name, role_prefix
from database.secrets import kept_secret

SUPERUSER = "postgres"
MAINTENANCE_DATABASE = "postgres"
LOOKS, LOOK_SECONDS = 500, 0.01
"""For the server to say that it read its rules."""

RULES = """\
# Written by Tallystick: whoever connects has a password, on the socket too.
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
"""

# What an earlier state of the code made as the superuser: objects of extensions stay as they are,
# a sequence goes with its table, and a schema that initdb made belongs to whom it says.
OBJECTS_OF_SUPERUSER = """
WITH space AS (
    SELECT oid, nspname, nspowner FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), part AS (
    SELECT classid, objid FROM pg_depend
     WHERE deptype = 'e' OR classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
        AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'S')
)
SELECT format('ALTER SCHEMA %I OWNER TO ', nspname) FROM space
 WHERE nspowner = current_user::regrole
UNION ALL
SELECT format('ALTER %s %I.%I OWNER TO ',
              CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' WHEN 'v' THEN 'VIEW'
                   ELSE 'TABLE' END, nspname, relname)
  FROM pg_class JOIN space ON space.oid = relnamespace
 WHERE relowner = current_user::regrole AND relkind IN ('r', 'p', 'v', 'S', 'c')
   AND ('pg_class'::regclass, pg_class.oid) NOT IN (TABLE part)
UNION ALL
SELECT format('ALTER ROUTINE %I.%I(%s) OWNER TO ', nspname, proname,
              pg_get_function_identity_arguments(pg_proc.oid))
  FROM pg_proc JOIN space ON space.oid = pronamespace
 WHERE proowner = current_user::regrole AND ('pg_proc'::regclass, pg_proc.oid) NOT IN (TABLE part)
UNION ALL
SELECT format('ALTER TYPE %I.%I OWNER TO ', nspname, typname)
  FROM pg_type JOIN space ON space.oid = typnamespace
 WHERE typowner = current_user::regrole AND typtype IN ('d', 'e')
   AND ('pg_type'::regclass, pg_type.oid) NOT IN (TABLE part)
"""


class Access(NamedTuple):
    """Where an embedded server is, and which of its databases is meant."""

    data_folder: Path
    socket_folder: Path
    database: str

    @property
    def passwords_folder(self) -> Path:
        """Where the passwords lie, a file a role."""
        return self.data_folder.with_name(f"{self.data_folder.name}-passwords")

    def url(self, role: Role) -> str:
        """Return the address by which a role comes to the database."""
        name = role_name(role_prefix(self.database), role)
        return self._url(name, self.password(role), self.database)

    def superuser_url(self, database: str = MAINTENANCE_DATABASE) -> str:
        """Return the address by which databases are made."""
        return self._url(SUPERUSER, self.password("superuser"), database)

    def password(self, who: str) -> str:
        """Return a password, made on first use."""
        self.passwords_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return kept_secret(self.passwords_folder / who)

    def has_roles(self) -> bool:
        """Return whether somebody migrated the database since it has roles."""
        writer = role_name(role_prefix(self.database), Role.WRITER)
        with psycopg.connect(self.url(Role.OWNER)) as connection:
            found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [writer])
            return found.fetchone() is not None

    def _url(self, user: str, password: str, database: str) -> str:
        return (
            f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@/"
            f"{quote(database, safe='')}?host={quote(str(self.socket_folder), safe='')}"
        )


def close_to_strangers(access: Access) -> None:
    """Give the superuser a password and let nobody in without one; what is stored stays.

    The wheel makes a server that trusts whoever reaches its socket, as did every earlier state of
    the code: this closes it, while the lock under which it was started is held.

    Raises:
        Unusable: the server is closed, and its superuser's password is gone.
    """
    rules = access.data_folder / "pg_hba.conf"
    if rules.read_text() == RULES:
        if not (access.passwords_folder / "superuser").exists():
            raise Unusable(
                f"the passwords of the embedded PostgreSQL are not in {access.passwords_folder}; "
                f"put them back, or write `local all all trust` into {rules} and start the "
                "command again, which makes new ones"
            )
        return
    # Its rules may have been opened by hand while it ran.
    _reload(access)
    with psycopg.connect(
        access._url(SUPERUSER, "", MAINTENANCE_DATABASE), autocommit=True
    ) as connection:
        set_password(connection, SUPERUSER, access.password("superuser"))
    draft = rules.with_name("pg_hba.conf.draft")
    shutil.copy2(rules, draft)
    os.chown(draft, rules.stat().st_uid, rules.stat().st_gid)
    draft.write_text(RULES)
    draft.replace(rules)
    _reload(access)


def _reload(access: Access) -> None:
    """Let the server read its rules, and return when it has."""
    server = int((access.data_folder / "postmaster.pid").read_text().split()[0])
    log = access.data_folder / "log"
    before = log.stat().st_size if log.exists() else 0
    os.kill(server, signal.SIGHUP)
    for _ in range(LOOKS):
        if log.exists() and b"SIGHUP" in log.read_bytes()[before:]:
            return
        sleep(LOOK_SECONDS)


def make_database(access: Access) -> None:
    """Make the database and the role that owns it, unless they are there."""
    try:
        psycopg.connect(access.url(Role.OWNER)).close()
        return
    except psycopg.OperationalError:
        pass  # no such role, no such database, or another password than the file's
    owner = role_name(role_prefix(access.database), Role.OWNER)
    name, database = sql.Identifier(owner), sql.Identifier(access.database)
    # CREATE DATABASE runs in no transaction, and has no IF NOT EXISTS.
    with psycopg.connect(access.superuser_url(), autocommit=True) as connection:
        if _is_missing(connection, "SELECT FROM pg_roles WHERE rolname = %s", owner):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        # It can give a role of its making no right that it lacks itself.
        connection.execute(sql.SQL("ALTER ROLE {} CREATEROLE BYPASSRLS").format(name))
        set_password(connection, owner, access.password(Role.OWNER))
        if _is_missing(connection, "SELECT FROM pg_database WHERE datname = %s", access.database):
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, name))
            return
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, name))
    with psycopg.connect(access.superuser_url(access.database)) as connection:
        for (statement,) in connection.execute(OBJECTS_OF_SUPERUSER).fetchall():
            connection.execute(sql.SQL(statement + "{}").format(name))


def _is_missing(connection: psycopg.Connection[tuple[()]], question: str, name: str) -> bool:
    return connection.execute(question, [name]).fetchone() is None
