"""One changed value in any column of any version, triggers off, is found and named."""

import datetime as dt
import json
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Refused
from rulebook.law import rules_at
from rulebook.tables import VersionRow
from rulebook.verification import verify
from tests.rulebook.law import GRID, RULES, publish_documents, publish_gb12, retitled

MARCH = dt.date(2024, 3, 1)
APRIL = dt.date(2024, 4, 1)
OPENED = dt.datetime(2024, 3, 1, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def amended_connection(database_engine):
    """A connection to the law, amended for March: rows that are closed, new and remaining."""
    with database_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            publish_gb12(session, OPENED)
            publish_documents(
                session,
                [retitled(RULES, "Market rules of March")],
                valid_from=MARCH,
                valid_to=APRIL,
                known=OPENED + dt.timedelta(minutes=1),
            )
            assert list(verify(session)) == []
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))  # nothing waits for a commit
            session.commit()
        yield connection
        outer.rollback()


@pytest.fixture
def amended(amended_connection):
    """A session on the amended law; what a test does to it is undone."""
    savepoint = amended_connection.begin_nested()
    with Session(amended_connection, join_transaction_mode="create_savepoint") as session:
        yield session
    savepoint.rollback()


def tamper(session, change, identity):
    """Change one row as the owner of the table may, with its triggers off."""
    session.execute(text("ALTER TABLE rulebook.version DISABLE TRIGGER USER"))
    session.execute(text("ALTER TABLE rulebook.version DROP CONSTRAINT ex_version_in_force_once"))
    session.execute(
        text("ALTER TABLE rulebook.version DROP CONSTRAINT IF EXISTS ck_version_status_known")
    )
    session.execute(
        text(f"UPDATE rulebook.version SET {change} WHERE id = :identity"), {"identity": identity}
    )


def identities(session, where="true"):
    statement = f"SELECT id FROM rulebook.version WHERE {where} ORDER BY id"
    return session.execute(text(statement)).scalars().all()


COLUMNS = {
    "id": ["id = uuidv7()"],
    "market": ["market = 'gb13'"],
    "instrument": ["instrument = instrument || '2'"],
    "kind": ["kind = 'registrations'"],
    "body": [
        "body = jsonb_set(body, '{publication_date}', '\"2023-10-03\"')",
        "body = jsonb_set(body, '{title}', '\"Other\"')",
        "body = body - 'title'",
        "body = body || '{\"extra\": 1}'",
    ],
    "digest": ["digest = set_byte(digest, 31, get_byte(digest, 31) # 1)"],
    "valid": [
        "valid = tstzrange(lower(valid) + interval '1 microsecond', upper(valid))",
        "valid = tstzrange(lower(valid), '2090-01-01')",
    ],
    "recorded": [
        "recorded = tstzrange(lower(recorded) - interval '1 microsecond', upper(recorded))",
        "recorded = tstzrange(lower(recorded), coalesce(upper(recorded), now()) + interval '1 s')",
    ],
    "status": ["status = 'withdrawn'"],
    "author": ["author = 'olga'"],
    "approver": ["approver = 'rufus'"],
    "approval": ["approval = 1"],
    "reason": ["reason = reason || '.'"],
    "supersedes": ["supersedes = supersedes || ARRAY[uuidv7()]"],
    "origin": ["origin = CASE WHEN origin IS NULL THEN id END"],
    "row_digest": ["row_digest = set_byte(row_digest, 0, get_byte(row_digest, 0) # 1)"],
}


def test_every_column_is_tampered_with():
    assert set(COLUMNS) == set(VersionRow.__table__.columns.keys())


@pytest.mark.parametrize("change", [c for changes in COLUMNS.values() for c in changes])
@pytest.mark.parametrize(
    "where",
    [
        "instrument = 'gb12/registration/westermain-wind'",
        f"instrument = '{RULES}' AND NOT upper_inf(recorded)",
        f"instrument = '{RULES}' AND origin IS NOT NULL AND NOT upper_inf(valid)",
        f"instrument = '{RULES}' AND body->>'title' = 'Market rules of March'",
    ],
    ids=["current", "closed", "remainder", "new"],
)
def test_a_changed_column_is_found_and_the_row_named(amended, where, change):
    (identity,) = identities(amended, where)
    if change == "id = uuidv7()":
        amended.execute(
            text("ALTER TABLE rulebook.version DROP CONSTRAINT fk_version_origin"),
        )
        before = set(identities(amended))
        tamper(amended, change, identity)
        (identity,) = set(identities(amended)) - before
    else:
        tamper(amended, change, identity)
    findings = list(verify(amended))
    assert any(str(identity) in finding.place for finding in findings)
    named = next(finding for finding in findings if str(identity) in finding.place)
    assert named.place.startswith("rulebook.version gb1")


def test_every_number_of_every_body_counts(amended):
    (identity,) = identities(amended, f"instrument = '{GRID}'")
    before = amended.execute(
        text("SELECT body FROM rulebook.version WHERE id = :id"), {"id": identity}
    ).scalar_one()
    for position in range(len(before["lines"])):
        change = f"body = jsonb_set(body, '{{lines,{position},rating_w}}', '1')"
        tamper_once(amended, change, identity)
    tamper_once(amended, "body = jsonb_set(body, '{lines,0,voltage_kv}', '400.0')", identity)
    tamper_once(amended, "body = jsonb_set(body, '{lines,0,voltage_kv}', '\"400\"')", identity)
    tamper_once(amended, "body = jsonb_set(body, '{lines,0,voltage_kv}', '1e400')", identity)
    tamper_once(
        amended, "body = jsonb_set(body, '{lines,0,voltage_kv}', '9007199254740993')", identity
    )


def tamper_once(session, change, identity):
    with session.begin_nested() as savepoint:
        tamper(session, change, identity)
        (finding,) = verify(session)
        assert finding.code == "version-altered"
        assert finding.place == f"rulebook.version {GRID} {identity} body"
        savepoint.rollback()


def test_a_body_and_its_digest_changed_together_are_found(amended):
    (identity,) = identities(amended, f"instrument = '{GRID}'")
    tamper(amended, "body = body || '{\"title\": \"x\"}', digest = sha256('x')", identity)
    assert [finding.code for finding in verify(amended)] == ["version-altered"]


def test_a_reopened_version_is_found_twice_over(amended):
    (identity,) = identities(amended, "NOT upper_inf(recorded)")
    tamper(amended, "recorded = tstzrange(lower(recorded), NULL)", identity)
    found = [finding.code for finding in verify(amended)]
    assert found.count("closure-does-not-match") == 3
    assert found.count("versions-overlap") == 3


def test_a_closure_without_successor_is_found(amended):
    (identity,) = identities(amended, f"instrument = '{GRID}'")
    tamper(amended, "recorded = tstzrange(lower(recorded), '2024-05-01')", identity)
    (finding,) = verify(amended)
    assert finding.code == "closed-without-successor"
    assert str(identity) in finding.place


def test_a_removed_version_is_missed_by_its_successors(amended):
    (identity,) = identities(amended, "NOT upper_inf(recorded)")
    amended.execute(text("ALTER TABLE rulebook.version DISABLE TRIGGER ALL"))
    amended.execute(text("DELETE FROM rulebook.version WHERE id = :id"), {"id": identity})
    found = {finding.code for finding in verify(amended)}
    assert found == {"superseded-version-missing", "origin-does-not-match"}


def test_tampered_law_is_not_given_out(amended):
    (identity,) = identities(amended, f"instrument = '{GRID}'")
    tamper(amended, "body = jsonb_set(body, '{lines,0,rating_w}', '1')", identity)
    with pytest.raises(Refused) as refused:
        rules_at(amended, "gb12", MARCH, OPENED)
    assert refused.value.findings[0].code == "body-does-not-match-digest"
    assert json.dumps(refused.value.findings[0].as_dict())
    assert uuid.UUID(str(identity))
