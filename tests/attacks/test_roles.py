"""Each role of the database tries what it may not; what it may is the list, and nothing beside it.

Objects are enumerated from PostgreSQL's catalogue: one that is added without a row in
`database.roles.privileges` fails here, whoever may reach it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine, make_url

from database.roles.granting import plain_url
from database.roles.names import GRANTED, Role, role_name, role_prefix
from database.roles.privileges import (
    AS_OWNER,
    FUNCTIONS,
    NOT_OURS,
    SCHEMAS,
    TABLES,
    Privileges,
    sequence_privileges,
)
from database.session import make_engine, transaction
from ledger.disputes.sealing import AttachmentRow, attachment_digest
from ledger.log.leaf import Leaf
from settlement.verification import list_checks
from tests.settlement.test_verification import fill
from tests.worlds.moments import any_moment
from tests.worlds.roles import url_as

ROLES = [role.value for role in GRANTED]
OURS = sorted(SCHEMAS)
CONTENT = b"a meter, photographed"


@pytest.fixture(scope="module")
def database(clone_portal_database) -> str:
    return clone_portal_database()


@pytest.fixture(scope="module")
def urls(database) -> dict[str, str]:
    return {role.value: url_as(database, role) for role in GRANTED}


@pytest.fixture(scope="module")
def connections(urls) -> Iterator[dict[str, psycopg.Connection]]:
    made = {role: psycopg.connect(plain_url(url), autocommit=True) for role, url in urls.items()}
    yield made
    for connection in made.values():
        connection.close()


@pytest.fixture(scope="module")
def insider(database) -> Iterator[psycopg.Connection]:
    """A superuser, who looks and arranges."""
    with psycopg.connect(plain_url(database), autocommit=True) as connection:
        yield connection


@contextmanager
def refused(*also: type[Exception]) -> Iterator[None]:
    with pytest.raises((errors.InsufficientPrivilege, *also)):
        yield


# What there is, and who may do what with it.

GIVEN = """
WITH object (place, acl, kind, owner) AS (
    SELECT nspname || '.' || relname, relacl, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
           relowner
      FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND ('pg_class'::regclass, pg_class.oid) NOT IN (
           SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
    UNION ALL
    SELECT nspname || '.' || proname, proacl, 'f', proowner
      FROM pg_proc JOIN pg_namespace AS space ON space.oid = pronamespace
     WHERE ('pg_proc'::regclass, pg_proc.oid) NOT IN (
           SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
    UNION ALL
    SELECT nspname || '.' || typname, typacl, 'T', typowner
      FROM pg_type JOIN pg_namespace AS space ON space.oid = typnamespace
     WHERE typtype IN ('d', 'e')
    UNION ALL
    SELECT nspname || '.', nspacl, 'n', nspowner FROM pg_namespace
    UNION ALL
    SELECT '', datacl, 'd', datdba FROM pg_database WHERE datname = current_database()
)
SELECT kind, place, coalesce(grantee::regrole::text, '-'), privilege_type, is_grantable
  FROM object LEFT JOIN LATERAL aclexplode(coalesce(acl, acldefault(kind, owner))) AS item
    ON item.grantee <> owner
 WHERE split_part(place, '.', 1) = ANY (%s) OR kind = 'd'
"""
COLUMNS = """
SELECT nspname || '.' || relname, attname, grantee::regrole::text, privilege_type
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  JOIN pg_namespace AS space ON space.oid = relnamespace
 CROSS JOIN LATERAL aclexplode(attacl)
 WHERE nspname = ANY (%s)
"""


@pytest.fixture(scope="module")
def given(insider) -> list[tuple]:
    return insider.execute(GIVEN, [OURS]).fetchall()


def places(given: list[tuple], kind: str) -> set[str]:
    return {place for found, place, *_ in given if found == kind}


def privileges(prefix: str, place: str, listed: Privileges) -> set[tuple[str, str, str]]:
    """Return (place, role's name, privilege) of whole objects: those of columns stand apart."""
    return {
        (place, role_name(prefix, role), word.strip())
        for role, words in listed.items()
        for word in re.sub(r"\([^)]*\)", "()", words).split(",")
        if not word.strip().endswith("()")
    }


def prefix_of(insider: psycopg.Connection) -> str:
    return insider.execute("SELECT obj_description('ledger'::regnamespace)").fetchone()[0]


def test_every_table_and_function_has_a_row_in_the_list(given, insider):
    assert places(given, "r") == set(TABLES)
    trigger_functions = {
        place
        for (place,) in insider.execute(
            "SELECT pronamespace::regnamespace || '.' || proname FROM pg_proc "
            "WHERE prorettype = 'trigger'::regtype AND pronamespace::regnamespace::text = ANY (%s)",
            [OURS],
        )
    }
    assert places(given, "f") == set(FUNCTIONS) | trigger_functions
    assert not trigger_functions & set(FUNCTIONS)
    assert {place.removesuffix(".") for place in places(given, "n")} == set(SCHEMAS)


def test_what_is_granted_is_the_list_and_nothing_beside_it(given, insider):
    prefix = prefix_of(insider)
    expected = {("", role_name(prefix, role), "CONNECT") for role in GRANTED}
    for listed in (TABLES, FUNCTIONS):
        for place, may in listed.items():
            expected |= privileges(prefix, place, may)
    for schema, may in SCHEMAS.items():
        expected |= privileges(prefix, f"{schema}.", may)
    for place in places(given, "s"):
        table = insider.execute(
            "SELECT refobjid::regclass::text FROM pg_depend "
            "WHERE objid = %s::regclass AND deptype = 'a' AND refclassid = 'pg_class'::regclass",
            [place],
        ).fetchone()
        expected |= privileges(prefix, place, sequence_privileges(table[0] if table else ""))
    found = {(place, role, privilege) for _, place, role, privilege, _ in given if role != "-"
             or privilege}  # fmt: skip
    assert found == expected
    assert not any(is_grantable for *_, is_grantable in given)


def test_single_columns_are_granted_as_the_list_says(insider):
    prefix = prefix_of(insider)
    expected = {
        (place, column.strip(), role_name(prefix, role), privilege)
        for place, may in TABLES.items()
        for role, words in may.items()
        for privilege, columns in re.findall(r"(\w+) \(([^)]*)\)", words)
        for column in columns.split(",")
    }
    assert expected
    assert set(insider.execute(COLUMNS, [OURS]).fetchall()) == expected


def test_everybody_has_nothing(given):
    assert [row for row in given if row[2] == "-" and row[3]] == []


# Guards.


def test_every_guard_has_a_search_path_of_its_own_and_nobody_may_call_it(insider):
    found = insider.execute(
        "SELECT pronamespace::regnamespace || '.' || proname, prosecdef, "
        "coalesce(array_to_string(proconfig, ' '), ''), prorettype = 'trigger'::regtype "
        "FROM pg_proc WHERE pronamespace::regnamespace::text = ANY (%s) "
        "AND (prorettype = 'trigger'::regtype OR prosecdef)",
        [OURS],
    ).fetchall()
    assert {place for place, is_definer, _, _ in found if is_definer} == set(AS_OWNER)
    for place, _, settings, _ in found:
        if not place.startswith(NOT_OURS):
            path, _, planned = settings.partition(" plan_cache_mode=")
            assert path == "search_path=pg_catalog, pg_temp", place
            assert planned in ("", "force_generic_plan"), place


@pytest.mark.parametrize("role", ROLES)
def test_a_guard_that_acts_as_its_owner_cannot_be_hung_on_a_table_of_ones_own(
    role, database, insider, connections
):
    """As it would run what the trigger's arguments say, as the owner of everything."""
    name, attacker = make_url(database).database, connections[role]
    user = attacker.info.user
    with refused():
        attacker.execute("CREATE TEMP TABLE mine (id int)")
    insider.execute(f'GRANT TEMPORARY ON DATABASE "{name}" TO "{user}"')
    try:
        attacker.execute("CREATE TEMP TABLE mine (id int)")
        for guard in AS_OWNER:
            # Of which some are no triggers.
            with refused(errors.InvalidObjectDefinition, errors.UndefinedFunction):
                attacker.execute(
                    "CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS added "
                    f"FOR EACH STATEMENT EXECUTE FUNCTION {guard}('id', 'id')"
                )
        attacker.execute("DROP TABLE mine")
    finally:
        insider.execute(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM "{user}"')


def test_a_search_path_does_not_say_what_a_guard_calls(insider, connections):
    """Functions of PostgreSQL's own names stand before them on the writer's path."""
    writer = connections["writer"]
    insider.execute("CREATE SCHEMA evil")
    try:
        insider.execute(
            "CREATE FUNCTION evil.sha256(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE "
            "AS $$ SELECT decode(repeat('ee', 32), 'hex') $$"
        )
        insider.execute(
            "CREATE FUNCTION evil.pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql "
            "AS $$ SELECT $$"
        )
        insider.execute("GRANT USAGE ON SCHEMA evil TO PUBLIC")
        writer.execute("SET search_path = evil, pg_catalog")
        row = AttachmentRow(sha256(CONTENT).digest(), "image/png")
        writer.execute(
            "INSERT INTO ledger.attachment (sha256, media_type, content, digest) "
            "VALUES (%s, %s, %s, %s)",
            [row.sha256, row.media_type, CONTENT, attachment_digest(row)],
        )
        key, digest, leaf_hash = insider.execute(
            "SELECT key, digest, leaf_hash FROM ledger.log_leaf ORDER BY index DESC LIMIT 1"
        ).fetchone()
        assert leaf_hash == Leaf("ledger.attachment", key, digest).hash
    finally:
        writer.execute("RESET search_path")
        insider.execute("DROP SCHEMA evil CASCADE")


# Rows.

STATEMENTS = {
    "SELECT": "SELECT FROM {table} LIMIT 0",
    "INSERT": "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {table} WHERE false",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table}",
    "COPY": "COPY {table} TO STDOUT",
    "LOCK": "DO $$ BEGIN LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; END $$",
    "disable": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "trigger": "CREATE TRIGGER mine BEFORE INSERT ON {table} "
    "EXECUTE FUNCTION public.refuse_change()",
    "policy": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "rule": "CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "index": "CREATE INDEX ON {table} ({column})",
    "owner": "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "drop": "DROP TABLE {table}",
}
NEEDS = {"COPY": "SELECT"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_at_every_table_what_is_not_listed(role, connections, insider):
    attacker = connections[role]
    first_column = dict(
        insider.execute(
            "SELECT attrelid::regclass::text, quote_ident(attname) FROM pg_attribute "
            "WHERE attnum = 1 AND attrelid::regclass::text = ANY (%s)",
            [[*TABLES, "alembic_version"]],
        ).fetchall()
    )
    for table, may in TABLES.items():
        allowed = set(
            re.sub(r"\w+ \([^)]*\)(, )?", "", may.get(Role(role), "")).replace(",", " ").split()
        )
        column = first_column.get(table) or first_column[table.removeprefix("public.")]
        for privilege, statement in STATEMENTS.items():
            # To insert what was selected, and to lock, take more than one privilege.
            if privilege == "LOCK" and allowed & {"UPDATE", "DELETE"}:
                continue
            if NEEDS.get(privilege, privilege) in allowed:
                continue
            if privilege == "UPDATE" and f"UPDATE ({column})" in may.get(Role(role), ""):
                continue
            if privilege == "SELECT" and "SELECT (" in may.get(Role(role), ""):
                continue
            with refused():
                attacker.execute(statement.format(table=table, column=column))


@pytest.mark.parametrize("role", ROLES)
def test_facts_are_changed_by_no_role(role, connections):
    """Not even by one that may insert them; that a guard refuses it too, other tests say."""
    for table in (name for name in TABLES if name.startswith(("ledger.", "settlement."))):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with refused():
                connections[role].execute(statement)


def test_the_web_process_cannot_give_anybody_a_right(connections):
    django = connections["portal_auth"]
    for statement in (
        "UPDATE portal.auth_user SET is_superuser = true",
        "UPDATE portal.auth_user SET is_active = true",
        "INSERT INTO people.account_grant (number) VALUES (1)",
        "INSERT INTO people.approval (proposal) VALUES (1)",
        "UPDATE portal.portal_auditentry SET reason = ''",
        "DELETE FROM portal.portal_auditentry",
    ):
        with refused():
            django.execute(statement)


def test_the_auditor_reads_no_secret(connections):
    for statement in (
        "SELECT password FROM portal.auth_user",
        "SELECT * FROM portal.django_session",
        "SELECT data FROM portal.mfa_authenticator",
        "SELECT content FROM portal.portal_exportpart",
    ):
        with refused():
            connections["auditor"].execute(statement)


# The server.

NOT_OF_ROWS = {
    "make a role": "CREATE ROLE mine",
    "be a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "pass by row security": "ALTER ROLE CURRENT_USER BYPASSRLS",
    "act as the owner": "SET ROLE {owner}",
    "begin as the owner": "SET SESSION AUTHORIZATION {owner}",
    "join the owner": "GRANT {owner} TO CURRENT_USER",
    "join those who write": "GRANT pg_write_all_data TO CURRENT_USER",
    "join those who run programmes": "GRANT pg_execute_server_program TO CURRENT_USER",
    "make a schema": "CREATE SCHEMA mine",
    "make a database": "CREATE DATABASE mine",
    "copy the database": "CREATE DATABASE mine TEMPLATE {database}",
    "change the database": "ALTER DATABASE {database} SET session_replication_role = replica",
    "own the database": "ALTER DATABASE {database} OWNER TO CURRENT_USER",
    "switch triggers off": "SET session_replication_role = replica",
    "write system tables": "SET allow_system_table_mods = on",
    "set the server": "ALTER SYSTEM SET fsync = off",
    "reload the server": "SELECT pg_reload_conf()",
    "run a programme": "COPY (SELECT 1) TO PROGRAM 'id'",
    "read from a programme": "DO $$ BEGIN EXECUTE 'COPY pg_class FROM PROGRAM ''id'''; END $$",
    "write a file": "COPY (SELECT 1) TO '/tmp/mine'",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "read a file in bytes": "SELECT pg_read_binary_file('/etc/passwd')",
    "list a folder": "SELECT pg_ls_dir('/')",
    "import a file": "SELECT lo_import('/etc/passwd')",
    "export a file": "SELECT lo_export(1, '/tmp/mine')",
    "read passwords": "SELECT rolpassword FROM pg_authid",
    "read statistics of values": "SELECT * FROM pg_statistic",
    "load a library": "LOAD 'dblink'",
    "make an extension": "CREATE EXTENSION dblink SCHEMA pg_catalog",
    "make a language": "CREATE LANGUAGE plpython3u",
    "make a wrapper": "CREATE FOREIGN DATA WRAPPER mine",
    "make an event trigger": "CREATE EVENT TRIGGER mine ON ddl_command_end "
    "EXECUTE FUNCTION public.refuse_change()",
    "make a cast": "CREATE CAST (text AS bytea) WITH INOUT AS IMPLICIT",
    "publish": "CREATE PUBLICATION mine",
    "subscribe": "CREATE SUBSCRIPTION mine CONNECTION '' PUBLICATION mine WITH (connect = false)",
    "switch the log": "SELECT pg_switch_wal()",
    "take a backup": "SELECT pg_backup_start('mine')",
    "say what the roles are": "COMMENT ON SCHEMA ledger IS 'mine'",
    "default privileges of the owner": "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} "
    "GRANT ALL ON TABLES TO PUBLIC",
    "rewrite a guard": "CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger "
    "LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "let a guard go": "ALTER FUNCTION ledger.log_facts() SECURITY INVOKER",
    "shadow a function": "CREATE FUNCTION pg_catalog.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
}
# A role that cannot be, or a library that is not there, is not refused for want of a right.
OTHERWISE = (errors.UndefinedFile, errors.FeatureNotSupported, errors.UndefinedObject)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("attack", NOT_OF_ROWS)
def test_a_role_is_refused_by_the_server(role, attack, connections, database, insider):
    owner = insider.execute("SELECT quote_ident(current_user)").fetchone()[0]
    name = f'"{make_url(database).database}"'
    statement = NOT_OF_ROWS[attack].format(owner=owner, database=name)
    with refused(*OTHERWISE):
        connections[role].execute(statement)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_acts_as_no_other(role, connections):
    for other in GRANTED:
        if other != role:
            name = connections[other.value].info.user
            with refused():
                connections[role].execute(f'SET ROLE "{name}"')


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("schema", [*OURS, "pg_catalog"])
def test_a_role_makes_nothing_in_any_schema(role, schema, connections):
    for made in (
        f"CREATE TABLE {schema}.mine (id int)",
        f"CREATE VIEW {schema}.mine AS SELECT 1",
        f"CREATE FUNCTION {schema}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        f"CREATE TYPE {schema}.mine AS (id int)",
        f"CREATE DOMAIN {schema}.mine AS int",
    ):
        with refused():
            connections[role].execute(made)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_ends_nobody_elses_connection(role, connections):
    for other, connection in connections.items():
        if other != role:
            with refused():
                connections[role].execute(
                    "SELECT pg_terminate_backend(%s)", [connection.info.backend_pid]
                )


def test_a_role_of_another_database_is_not_let_in(database, insider):
    name = f"{prefix_of(insider)}_of_another"
    insider.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'its-own'")
    try:
        stranger = make_url(database).set(username=name, password="its-own")
        with pytest.raises(psycopg.OperationalError, match="does not have CONNECT privilege"):
            psycopg.connect(plain_url(stranger.render_as_string(hide_password=False)))
    finally:
        insider.execute(f"DROP ROLE {name}")


# What the product does, it does as these roles.


@pytest.fixture(scope="module")
def written(clone_portal_database) -> Iterator[tuple[str, Engine]]:
    url = clone_portal_database()
    engine = make_engine(url_as(url, Role.WRITER))
    yield url, engine
    engine.dispose()


def test_the_writer_stores_a_row_of_every_sort_and_verifies_them(written):
    url, engine = written
    with any_moment(url), transaction(engine) as session:
        fill(session)
    with transaction(engine) as session:
        assert [finding for check in list_checks() for finding in check.run(session)] == []


@pytest.mark.parametrize("role", [Role.PORTAL, Role.AUDITOR])
def test_who_reads_facts_reads_those_and_stores_none(written, role):
    url, _ = written
    with psycopg.connect(plain_url(url_as(url, role)), autocommit=True) as reader:
        assert reader.execute("SELECT count(*) > 0 FROM ledger.posting").fetchone() == (True,)
        with refused():
            reader.execute("INSERT INTO ledger.seal SELECT * FROM ledger.seal")


# Names.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a" * 41, "a" * 42),
        ("Grid", "grid"),
        ("grid-1", "grid_1"),
        ("grid 1", "grid-1"),
        ("größe", "grösse"),
        ("a" * 41, role_prefix("a" * 41).removeprefix("tallystick_")),
        ("a", "a_portal"),
    ],
)
def test_no_two_databases_have_a_role_in_common(one, other):
    names = {role_name(role_prefix(each), role) for each in (one, other) for role in Role}
    assert len(names) == 2 * len(Role)
    assert all(len(name.encode()) < 64 for name in names)
