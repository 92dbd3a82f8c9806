"""Every fact becomes a leaf of the log, by the database itself, in the order of publication."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from database.guards import REFUSAL_SQLSTATE
from database.session import transaction
from ledger.log.leaf import Leaf
from ledger.log.tables import LogLeaf
from ledger.log.verification import SOURCES, sources, verify_leaves
from ledger.posting import post
from tests.examples import tried
from tests.ledger.drafts import DAY, journal
from tests.worlds.people import add
from tests.worlds.settled import ingest_tiny, publish_tiny, settle_tiny

NOW = dt.datetime(2024, 3, 1, 9, 0, tzinfo=dt.UTC)


def of_number(number: int):
    return journal(DAY + dt.timedelta(days=number))


def leaves(session) -> list[tuple[int, str, str]]:
    columns = (LogLeaf.index, LogLeaf.source, LogLeaf.key)
    return [tuple(row) for row in session.execute(select(*columns).order_by(LogLeaf.index))]


def settled(session) -> None:
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session)


def test_every_fact_is_a_leaf_in_the_order_of_publication(session):
    settled(session)
    found = leaves(session)
    assert [index for index, _, _ in found] == list(range(len(found)))
    sources = (source for _, source, _ in found if not source.startswith("people."))
    order = list(dict.fromkeys(sources))
    assert order == [
        "settlement.run",
        "rulebook.version",
        "settlement.reading_file",
        "ledger.journal",
    ]
    journals = [key for _, source, key in found if source == "ledger.journal"]
    assert journals == ["1", "2", "3"]
    assert list(verify_leaves(session)) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tried(50))
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.binary(min_size=32, max_size=32),
)
def test_the_database_gives_the_documented_leaf_hash(session, source, key, digest):
    statement = text("SELECT ledger.log_leaf_hash(:source, :key, :digest)")
    given = {"source": source, "key": key, "digest": digest}
    assert session.execute(statement, given).scalar_one() == Leaf(source, key, digest).hash


def test_a_leaf_comes_by_a_fact_alone(session):
    with pytest.raises(Exception, match="publish a fact instead") as refused:
        session.execute(
            text(
                "INSERT INTO ledger.log_leaf VALUES (0, 'ledger.journal', '1', "
                "decode(repeat('07', 32), 'hex'), decode(repeat('07', 32), 'hex'))"
            )
        )
    assert refused.value.orig.sqlstate == REFUSAL_SQLSTATE


def test_the_tables_of_facts_are_those_that_verification_asks_for(session):
    assert {source.table for source in sources(session)} == SOURCES


@pytest.mark.parametrize("table", sorted(SOURCES))
def test_a_trigger_that_is_gone_is_found(session, table):
    session.execute(text(f"DROP TRIGGER log_facts ON {table}"))
    assert f"{table} (every row)" in {finding.place for finding in verify_leaves(session)}


def test_a_switched_off_trigger_is_found_and_so_is_the_forgotten_fact(session):
    session.execute(text("ALTER TABLE ledger.journal DISABLE TRIGGER log_facts"))
    post(session, of_number(1), NOW)
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert [str(f.place) for f in verify_leaves(session)] == ["ledger.journal (every row)"]
    session.execute(text("ALTER TABLE ledger.journal ENABLE TRIGGER log_facts"))
    assert [str(f.place) for f in verify_leaves(session)] == ["ledger.journal 1"]


def test_a_gap_is_one_finding(session):
    settled(session)
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("DELETE FROM ledger.log_leaf WHERE index BETWEEN 2 AND 4"))
    gaps = [f for f in verify_leaves(session) if f.place.startswith("ledger.log_leaf ")]
    assert [(gap.place, gap.value) for gap in gaps] == [("ledger.log_leaf 2", "a gap, up to 5")]


def test_two_leaves_in_each_other_s_place_are_found(session):
    for number in range(1, 12):
        post(session, of_number(number), NOW)
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert list(verify_leaves(session)) == []
    session.execute(text("SET LOCAL session_replication_role = replica"))
    last = max(index for index, _, _ in leaves(session))
    for change in (
        f"-1 WHERE index = {last - 2}",
        f"{last - 2} WHERE index = {last - 1}",
        f"{last - 1} WHERE index = -1",
    ):
        statement = "ALTER TABLE ledger.log_leaf DROP CONSTRAINT IF EXISTS {}"
        session.execute(text(statement.format("ck_log_leaf_index_is_not_negative")))
        session.execute(text(f"UPDATE ledger.log_leaf SET index = {change}"))
    found = [(finding.code, finding.place, finding.value) for finding in verify_leaves(session)]
    place = f"ledger.log_leaf {last - 1}"
    assert found == [("log-leaf-order", place, "ledger.journal 9 stands after 10")]


def test_writers_at_once_leave_no_gap(committed_database):
    def write(number: int) -> None:
        with transaction(committed_database) as session:
            if number % 2:
                publish_market(session, number)
            else:
                post(session, of_number(number), NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    with transaction(committed_database) as session:
        assert len(leaves(session)) >= 24
        assert list(verify_leaves(session)) == []


def publish_market(session, number: int) -> None:
    """Append a fact of another schema, as a command does."""
    add(session, f"desk-{number}")
