"""The database itself refuses to edit a published fact, in every table of the domain."""

import datetime as dt
import re

import psycopg
import pytest
from psycopg import sql

from database.guards import REFUSAL_SQLSTATE
from database.metadata import SCHEMAS
from database.session import make_engine
from tests.settlement.test_verification import COLUMNS, OF_A_DAY, TABLES, Tampering

MOVING = {
    "people.token",
    "market.head",
    "market.submission",
    "market.outlook",
    "market.standing",
}
"""Tokens come and go: they let a process act for some hours, and are no facts. A head moves with
its log, what waits for its turn goes on into the log, and what is kept of intervals to come is put
in the place of the last."""
NAMES = sorted({f"{table.schema}.{table.name}" for table in TABLES} - MOVING)


@pytest.fixture(scope="module")
def filled(clone_filled_database):
    made = make_engine(clone_filled_database())
    yield made
    made.dispose()


@pytest.fixture
def guarded(filled):
    """A connection with rows in every table, and all triggers on; rolled back at the end."""
    with filled.connect() as bind:
        outer = bind.begin()
        yield Tampering(bind)
        outer.rollback()


def refusal(guarded: Tampering, statement: sql.Composable) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as refused, guarded.connection.transaction():
        guarded.connection.execute(statement)
    return refused.value


def identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def test_every_table_of_the_domain_is_known_here(guarded):
    found = guarded.connection.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_schema = ANY(%s) AND table_type = 'BASE TABLE' AND table_name !~ %s",
        [list(SCHEMAS), OF_A_DAY],
    ).fetchall()
    assert sorted(name for (name,) in found) == sorted([*NAMES, *MOVING])


def test_every_guard_is_switched_on(guarded):
    found = guarded.connection.execute(
        "SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger "
        "JOIN pg_class ON pg_class.oid = tgrelid "
        "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = ANY(%s) AND NOT tgisinternal",
        [list(SCHEMAS)],
    ).fetchall()
    assert {enabled for _, _, enabled in found} == {"O"}
    for table in NAMES:
        names = {name for relation, name, _ in found if relation == table}
        assert {"refuse_row_change", "refuse_truncate"} <= names


CLOSABLE = ("rulebook.version", "recorded")
"""The one column of which a part may be set: the end of recorded time, once. See below."""


UPDATED = [one for one in COLUMNS if one != CLOSABLE and one[0] not in MOVING]


@pytest.mark.parametrize(("table", "column"), UPDATED)
def test_no_column_is_updated(guarded, table, column):
    assign = sql.SQL("UPDATE {} SET {} = {}").format(
        identifier(table), sql.Identifier(column), changed(guarded, table, column)
    )
    found = refusal(guarded, assign)
    assert found.sqlstate == REFUSAL_SQLSTATE
    # A row of a day is refused in the name of its partition.
    assert re.search(rf"{table}(_[0-9]{{8}})? is append-only", str(found))
    assert "publish a" in str(found)


def changed(guarded: Tampering, table: str, column: str) -> sql.Composable:
    """Return an expression that changes a column of any type."""
    if table != "rulebook.version":
        return sql.Identifier(column)  # even a change to the same value is refused
    kind = guarded.connection.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'rulebook.version'::regclass AND attname = %s",
        [column],
    ).fetchone()[0]
    values = {
        "uuid": "uuidv7()",
        "bigint": "0",
        "text": "'another'",
        "jsonb": "'{}'::jsonb",
        "bytea": "decode(repeat('07', 32), 'hex')",
        "tstzrange": "tstzrange('2001-01-01Z', NULL)",
        "uuid[]": "ARRAY[uuidv7()]",
    }
    return sql.SQL(values[kind])


@pytest.mark.parametrize("table", NAMES)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_no_row_is_deleted(guarded, table, statement):
    found = refusal(guarded, sql.SQL(statement).format(identifier(table)))
    assert found.sqlstate == REFUSAL_SQLSTATE
    assert "append-only" in str(found)


def open_and_closed(guarded: Tampering) -> tuple[dict, dict]:
    rows = guarded.rows("rulebook.version")
    return (
        next(row for row in rows if row["recorded"].upper is None),
        next(row for row in rows if row["recorded"].upper is not None),
    )


def set_recorded(guarded: Tampering, row: dict, lower: dt.datetime, upper: dt.datetime | None):
    with guarded.connection.transaction():
        guarded.connection.execute(
            "UPDATE rulebook.version SET recorded = tstzrange(%s, %s) WHERE id = %s",
            [lower, upper, row["id"]],
        )


def test_the_end_of_recorded_time_may_be_set_once(guarded):
    row, _ = open_and_closed(guarded)
    lower = row["recorded"].lower
    set_recorded(guarded, row, lower, lower + dt.timedelta(days=1))
    for again in (None, lower + dt.timedelta(days=2)):
        with pytest.raises(psycopg.Error) as refused:
            set_recorded(guarded, row, lower, again)
        assert refused.value.sqlstate == REFUSAL_SQLSTATE


def test_the_beginning_of_recorded_time_is_never_changed(guarded):
    row, closed = open_and_closed(guarded)
    day = dt.timedelta(days=1)
    for one, lower, upper in (
        (row, row["recorded"].lower - day, row["recorded"].lower + day),
        (closed, closed["recorded"].lower, None),
        (closed, closed["recorded"].lower, closed["recorded"].upper + day),
    ):
        with pytest.raises(psycopg.Error) as refused:
            set_recorded(guarded, one, lower, upper)
        assert refused.value.sqlstate == REFUSAL_SQLSTATE


@pytest.mark.parametrize(
    ("column", "value"),
    [("author", "'olga'"), ("reason", "''"), ("supersedes", "ARRAY[uuidv7()]")],
)
def test_nothing_else_changes_with_the_end_of_recorded_time(guarded, column, value):
    row, _ = open_and_closed(guarded)
    statement = sql.SQL(
        "UPDATE rulebook.version SET {} = {}, "
        "recorded = tstzrange(lower(recorded), lower(recorded) + '1 day') WHERE id = {}"
    ).format(sql.Identifier(column), sql.SQL(value), sql.Literal(str(row["id"])))
    assert refusal(guarded, statement).sqlstate == REFUSAL_SQLSTATE
