"""Make the roles of a database, and give each what the list says and nothing else.

Done by whoever migrates, after every migration: a table that is new has its row in the list, and
what somebody granted beside it to a role of ours is taken back. What was granted to a role that is
none of ours, `verify` names.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from database.outages import Unusable
from database.roles.names import GRANTED, PASS_BY_ROW_SECURITY, Role, role_name, role_prefix
from database.roles.privileges import (
    FUNCTIONS,
    SCHEMAS,
    TABLES,
    Privileges,
    sequence_privileges,
)

Connection = psycopg.Connection[Any]
PREFIX = "SELECT current_database(), obj_description(to_regnamespace('ledger'), 'pg_namespace')"
"""A database keeps how its roles' names begin, so that a copy or a renamed one has the same."""

# What an extension brings belongs to whoever may install it, and says nothing about our rows.
OBJECTS = """
WITH space AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (%s)
), member AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
)
SELECT CASE relkind WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END,
       nspname, relname, '',
       (SELECT refobjid::regclass::text FROM pg_depend
         WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND deptype = 'a')
  FROM pg_class AS relation JOIN space ON space.oid = relnamespace
 WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
   AND ('pg_class'::regclass, relation.oid) NOT IN (TABLE member)
UNION ALL
SELECT 'function', nspname, proname, pg_get_function_identity_arguments(routine.oid), ''
  FROM pg_proc AS routine JOIN space ON space.oid = pronamespace
 WHERE prokind IN ('f', 'p', 'w') AND ('pg_proc'::regclass, routine.oid) NOT IN (TABLE member)
UNION ALL
SELECT 'type', nspname, typname, '', ''
  FROM pg_type JOIN space ON space.oid = typnamespace
 WHERE typtype IN ('d', 'e') AND ('pg_type'::regclass, pg_type.oid) NOT IN (TABLE member)
 ORDER BY 1, 2, 3, 4
"""


class Object(NamedTuple):
    """Something in a schema of ours; a sequence that no identity owns is of a table's column."""

    kind: str
    schema: str
    name: str
    arguments: str
    of_table: str | None

    @property
    def place(self) -> str:
        """Its name in the list."""
        return f"{self.schema}.{self.name}"

    @property
    def privileges(self) -> Privileges:
        """Who may do what with it."""
        if self.kind == "table":
            return TABLES.get(self.place, {})
        if self.kind == "function":
            return FUNCTIONS.get(self.place, {})
        return sequence_privileges(self.of_table or "") if self.kind == "sequence" else {}

    @property
    def named(self) -> sql.Composable:
        """Its kind and name, as GRANT has it."""
        kind = {"table": "TABLE", "sequence": "SEQUENCE", "type": "TYPE"}.get(self.kind, "ROUTINE")
        name = sql.Identifier(self.schema, self.name)
        arguments = sql.SQL(f"({self.arguments})" if self.kind == "function" else "")
        return sql.SQL(kind + " {}{}").format(name, arguments)


def grant(url: str, urls: Mapping[Role, str] | None = None) -> None:
    """Make the roles of a database that are not there, and grant what the list says.

    Args:
        url: of the database, as its owner.
        urls: by role, the address by which it is to come, with its password. A role that never got
            one cannot sign in.

    Raises:
        Unusable: whoever `url` names may not make a role, or one of `urls` is not of its role.
    """
    with psycopg.connect(plain_url(url)) as connection:
        connection.execute("SET search_path = pg_catalog")
        prefix = find_prefix(connection)
        _make_roles(connection, prefix, _passwords(prefix, urls or {}))
        connection.execute(sql.SQL("; ").join(_statements(connection, prefix)))


def plain_url(url: str) -> str:
    """Return a URL as libpq reads it, without the name of a driver."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def find_prefix(connection: Connection) -> str:
    """Return how the names of this database's roles begin."""
    database, kept = connection.execute(PREFIX).fetchone() or ("", None)
    return kept or role_prefix(database)


def _passwords(prefix: str, urls: Mapping[Role, str]) -> dict[Role, str]:
    found = {}
    for role, url in urls.items():
        address, name = make_url(url), role_name(prefix, role)
        if address.username != name:
            raise Unusable(
                f"the address of the role {role} names the user {address.username}, and in this "
                f"database that role is {name}; correct the address"
            )
        if address.password is not None:
            found[role] = str(address.password)
    return found


def _make_roles(connection: Connection, prefix: str, passwords: Mapping[Role, str]) -> None:
    names = {role: role_name(prefix, role) for role in GRANTED}
    found = connection.execute(
        "SELECT rolname, rolbypassrls FROM pg_roles WHERE rolname = ANY (%s)",
        [list(names.values())],
    ).fetchall()
    there = {name for name, _ in found}
    passing = {name for name, passes in found if passes}
    try:
        for role, name in names.items():
            if name not in there:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
            if role in PASS_BY_ROW_SECURITY and name not in passing:
                connection.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(name)))
            if role in passwords:
                set_password(connection, name, passwords[role])
    except psycopg.errors.InsufficientPrivilege as refused:
        passes = {name: " BYPASSRLS" if role in PASS_BY_ROW_SECURITY else ""
                  for role, name in names.items()}  # fmt: skip
        missing = " ".join(
            f'{"ALTER" if name in there else "CREATE"} ROLE "{name}" LOGIN{passes[name]};'
            for name in names.values()
            if name not in there or (passes[name] and name not in passing)
        )
        raise Unusable(
            f"the owner of the database may not make its roles: {refused.diag.message_primary}. "
            "Give it CREATEROLE and BYPASSRLS, or let an administrator make them: "
            f"{missing or 'with passwords'}"
        ) from None


def set_password(connection: Connection, name: str, password: str) -> None:
    """Give a role a password, of which the server, its log too, sees a verifier alone."""
    encrypted = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), encrypted.decode())
    )


def _statements(connection: Connection, prefix: str) -> Iterator[sql.Composable]:
    roles: dict[Role, sql.Identifier] = {
        role: sql.Identifier(role_name(prefix, role)) for role in GRANTED
    }
    everybody = sql.SQL(", ").join([sql.SQL("PUBLIC"), *roles.values()])
    yield from database_grants(connection.info.dbname, prefix)

    def granted(named: sql.Composable, privileges: Privileges) -> Iterator[sql.Composable]:
        yield sql.SQL("REVOKE ALL ON {} FROM {}").format(named, everybody)
        for role, may in privileges.items():
            yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(may), named, roles[role])

    found = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s)", [list(SCHEMAS)]
    )
    for (schema,) in found.fetchall():
        if schema == "ledger":
            yield sql.SQL("COMMENT ON SCHEMA ledger IS {}").format(prefix)
        yield from granted(sql.SQL("SCHEMA {}").format(sql.Identifier(schema)), SCHEMAS[schema])
    for row in connection.execute(OBJECTS, [list(SCHEMAS)]).fetchall():
        each = Object(*row)
        yield from granted(each.named, each.privileges)


def database_grants(database: str, prefix: str) -> Iterator[sql.Composable]:
    """Yield what lets the roles in, and nobody else; a copy of a database begins without it."""
    name = sql.Identifier(database)
    roles = sql.SQL(", ").join(sql.Identifier(role_name(prefix, role)) for role in GRANTED)
    # Whoever may make a table for the session alone could hang a guard on it.
    yield sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(name, roles)
    yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, roles)


def drop_roles(connection: Connection, database: str) -> None:
    """Drop the roles of a database that is no longer there; those of another stay.

    For databases of tests and checks: roles outlive the database that they were made for.
    """
    for role in GRANTED:
        name = sql.Identifier(role_name(role_prefix(database), role))
        # Where a copy of the database still grants something to it, it is needed.
        with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))
