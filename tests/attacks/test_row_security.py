"""Whoever asks the database as the web process does sees the rows of who is signed in alone.

Each table with a policy, each visitor: what its connection counts is what the visitor may see. To
say that one is somebody else shows nothing, for nobody's token is known.
"""

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import text

from database.acting import TOKEN_SETTING
from database.roles.granting import plain_url
from database.roles.names import Role
from database.row_security import POLICIES
from database.session import make_engine, transaction
from ledger.people.roles import Role as Held
from tests.settlement.test_verification import fill
from tests.worlds import people
from tests.worlds.roles import url_as

OWNERS = {"cedar": "desk-of-cedar", "doric": "desk-of-doric"}
VISITORS = ["bea", "audrey", "rufus", *OWNERS.values(), "left", "eve", None]

OWNED = {
    "ledger.account": "participant",
    "ledger.invoice": "participant",
    "ledger.dispute": "participant",
}
"""Tables whose rows name their participant."""
DOCUMENT = "series || '-' || lpad(number::text, 6, '0')"
NOTHING = "SELECT 0 WHERE %s <> ''"
OF_PARTICIPANT = {
    **{
        table: f"SELECT count(*) FROM {table} WHERE {column} = %s"
        for table, column in OWNED.items()
    },
    "ledger.posting": (
        "SELECT count(*) FROM ledger.posting JOIN ledger.account ON code = account "
        "WHERE participant = %s"
    ),
    "ledger.invoice_line": (
        "SELECT count(*) FROM ledger.invoice_line JOIN ledger.invoice ON id = invoice_id "
        "WHERE participant = %s"
    ),
    "ledger.dispute_event": (
        "SELECT count(*) FROM ledger.dispute_event AS event JOIN ledger.dispute "
        "ON dispute.market = event.market AND dispute.number = event.dispute_number "
        "WHERE participant = %s"
    ),
    "ledger.attachment": (
        "SELECT count(DISTINCT attachment_sha256) FROM ledger.dispute_event AS event "
        "JOIN ledger.dispute ON dispute.market = event.market "
        "AND dispute.number = event.dispute_number WHERE participant = %s"
    ),
    "ledger.allocation": (
        "SELECT count(*) FROM ledger.allocation WHERE documents && ARRAY("
        f"SELECT {DOCUMENT} FROM ledger.invoice WHERE participant = %s)"
    ),
    "ledger.bank_transaction": (
        "SELECT count(DISTINCT (market, statement_number, line)) FROM ledger.allocation "
        f"WHERE documents && ARRAY(SELECT {DOCUMENT} FROM ledger.invoice WHERE participant = %s)"
    ),
    "ledger.bank_statement": (
        "SELECT count(DISTINCT (market, statement_number)) FROM ledger.allocation "
        f"WHERE documents && ARRAY(SELECT {DOCUMENT} FROM ledger.invoice WHERE participant = %s)"
    ),
    "ledger.bank_file": NOTHING,
    **dict.fromkeys(("settlement.reading", "settlement.result", "settlement.day_total"), NOTHING),
    "ledger.interest": (
        "SELECT count(*) FROM ledger.interest WHERE document IN ("
        f"SELECT {DOCUMENT} FROM ledger.invoice WHERE participant = %s)"
    ),
}
"""What a participant sees of each table, as a question of who sees all."""

REGULATOR_ALL = {
    "ledger.account", "ledger.posting", "ledger.invoice", "ledger.dispute", "ledger.dispute_event",
    "ledger.attachment", "ledger.interest",
}  # fmt: skip
"""What the regulator oversees."""
REGULATOR_SOME = {
    "ledger.invoice_line": (
        "SELECT count(*) FROM ledger.invoice_line "
        "WHERE invoice_id IN (SELECT invoice_id FROM ledger.dispute)"
    ),
}


@pytest.fixture(scope="module")
def url(clone_portal_database) -> str:
    """A database with a row of every sort, of several participants."""
    made = clone_portal_database()
    engine = make_engine(made)
    with transaction(engine) as session:
        fill(session)
        people.add(session, "gone", Held.PARTICIPANT, "tiny", "cedar")
        people.withdraw_last(session)
    engine.dispose()
    return made


@pytest.fixture(scope="module")
def insider(url) -> Iterator[psycopg.Connection]:
    """Who sees all."""
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def reader(url) -> Iterator[psycopg.Connection]:
    """The connection by which pages read facts; it acts as nobody yet."""
    with psycopg.connect(plain_url(url_as(url, Role.PORTAL)), autocommit=True) as connection:
        act_as(connection, None)
        yield connection


def act_as(reader: psycopg.Connection, account: str | None) -> None:
    token = people.token_of(account) if account else ""
    reader.execute(f"SELECT set_config('{TOKEN_SETTING}', %s, false)", [token])


def count(connection: psycopg.Connection, question: str, *values: object) -> int:
    return connection.execute(question, values or None).fetchone()[0]


def test_every_table_with_a_policy_is_in_the_matrix():
    assert OF_PARTICIPANT.keys() == POLICIES.keys()


def test_every_policy_hides_something(insider):
    """Else the matrix below would show nothing."""
    for table in POLICIES.keys() - {"ledger.attachment"}:  # one file, which both attached
        everything = count(insider, f"SELECT count(*) FROM {table}")
        seen = [count(insider, OF_PARTICIPANT[table], name) for name in OWNERS]
        assert everything > min(seen), table


@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("table", POLICIES)
def test_a_visitor_sees_its_own_rows_and_no_other(insider, reader, table, visitor):
    act_as(reader, visitor)
    found = count(reader, f"SELECT count(*) FROM {table}")
    everything = f"SELECT count(*) FROM {table}"
    participant = next((name for name, desk in OWNERS.items() if desk == visitor), None)
    if visitor in ("bea", "audrey") or (visitor == "rufus" and table in REGULATOR_ALL):
        assert found == count(insider, everything)
    elif visitor == "rufus":
        some = REGULATOR_SOME.get(table)
        assert found == (count(insider, some) if some else 0)
    elif participant:
        assert found == count(insider, OF_PARTICIPANT[table], participant)
    else:
        assert found == 0


@pytest.mark.parametrize(
    "claim",
    [
        "SET tallystick.token = 'bea'",
        "SET tallystick.token = 'desk-of-cedar'",
        "SELECT set_config('tallystick.account', 'bea', false)",
        "SET row_security = off",
    ],
)
def test_to_say_that_one_is_another_shows_nothing(reader, claim):
    act_as(reader, "desk-of-doric")
    seen = count(reader, "SELECT count(*) FROM ledger.invoice WHERE participant <> 'doric'")
    reader.execute(claim)
    try:
        found = count(reader, "SELECT count(*) FROM ledger.invoice WHERE participant <> 'doric'")
    except errors.InsufficientPrivilege:
        found = 0  # row security that is off for whoever is held to it is an error
    assert (seen, found) == (0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM people.token",
        "INSERT INTO people.token VALUES (sha256('mine'), 'bea', now(), now() + interval '1 hour')",
        "UPDATE people.token SET account = 'bea'",
        "SET ROLE postgres",
        "ALTER TABLE ledger.invoice DISABLE ROW LEVEL SECURITY",
        "DROP POLICY reads ON ledger.invoice",
        "CREATE POLICY more ON ledger.invoice USING (true)",
    ],
)
def test_the_connection_that_reads_facts_makes_no_token_and_changes_no_policy(reader, statement):
    act_as(reader, "desk-of-doric")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement)


def test_an_expired_token_shows_nothing(url, insider, reader):
    act_as(reader, "desk-of-cedar")
    assert count(reader, "SELECT count(*) FROM ledger.invoice")
    insider.execute(
        "UPDATE people.token SET expires_at = now() - interval '1 s' WHERE account = %s",
        ["desk-of-cedar"],
    )
    try:
        assert count(reader, "SELECT count(*) FROM ledger.invoice") == 0
    finally:
        insider.execute("UPDATE people.token SET expires_at = now() + interval '1 day'")


def test_a_right_that_was_taken_away_shows_nothing(insider, reader):
    act_as(reader, "gone")
    assert count(insider, "SELECT count(*) FROM people.token WHERE account = 'gone'")
    for table in POLICIES:
        assert count(reader, f"SELECT count(*) FROM {table}") == 0, table


def test_what_is_told_of_the_disputes_of_others_names_nobody(url):
    engine = make_engine(url_as(url, Role.PORTAL))
    with transaction(engine) as session:
        people.act_as(session, "desk-of-doric")
        rows = session.execute(text("SELECT * FROM ledger.bare_disputes()")).all()
    engine.dispose()
    assert rows
    told = re.sub("[0-9a-f]{64}", "", str(rows))  # a digest may read as a name by chance
    for hidden in ("cedar", "tiny-invoice", "desk-of", "bea", "olga"):
        assert hidden not in told, hidden
