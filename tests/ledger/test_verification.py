"""Tampering by the tables' owner with triggers off: one changed value in any column of any row,
a deleted row, an inserted row. Verification must name the row each time.
"""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from database.session import make_engine
from ledger.chain import PostingRow, posting_digest
from ledger.invoice import Family, document_number
from ledger.invoice_queries import unbilled
from ledger.issuing import issue
from ledger.posting import post, post_many
from ledger.store import Head, journal_head
from ledger.tables import SCHEMA
from ledger.verification import verify
from tests.ledger.drafts import (
    DAY,
    GENERATOR,
    MARKET,
    MONTH,
    SUPPLIER,
    invoice,
    journal,
    line,
    publish_drafted_runs,
)

NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
KEYS = {
    "account": ("code",),
    "journal": ("number",),
    "posting": ("journal_number", "line"),
    "invoice": ("series", "number"),
    "invoice_line": ("invoice_id", "line"),
}
OTHER_VALUE = {
    "text": "{0} || '1'",
    "bigint": "{0} + 1000",
    "integer": "{0} + 1000",
    "date": "{0} + 1000",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "uuid": "uuidv7()",
    "bytea": "set_byte({0}, 31, get_byte({0}, 31) # 1)",
    "ARRAY": "{0}[2:]",
}
WHEN_NULL = {
    "bytea": "sha256('x')",
    "text": "'x'",
    "bigint": "1",
    "uuid": "uuidv7()",
    "date": "DATE '2024-01-01'",
}


@pytest.fixture(scope="module")
def ledger_engine(clone_database) -> Engine:
    """A committed ledger: three journals of runs, an empty one, invoices and notes."""
    engine = make_engine(clone_database())
    with Session(engine) as session, session.begin():
        publish_drafted_runs(session)
        post_many(session, [journal(), journal(DAY + dt.timedelta(days=1))], NOW)
        issue(session, drafts(session), NOW)
        post(session, journal(kind="SF", charge=-1_203_000, payment=7_500), NOW)
        issue(session, drafts(session), NOW)
        post(session, replace(journal(DAY + dt.timedelta(days=2)), postings=()), NOW)
        assert list(verify(session)) == []
    yield engine
    engine.dispose()


def drafts(session):
    families = {SUPPLIER: Family.INVOICE, GENERATOR: Family.SELF_BILLED}
    return [
        invoice(
            *(line(each, amount) for each, amount in accounts.items() if each.commodity == "GBP"),
            participant=participant,
            family=families[participant],
        )
        for participant, accounts in unbilled(session, MARKET, MONTH).items()
    ]


@pytest.fixture
def owner(ledger_engine):
    """The owner's session with every trigger and foreign key off; rolled back."""
    with Session(ledger_engine) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for name, table in session.execute(
            text(
                "SELECT conname, conrelid::regclass::text FROM pg_constraint "
                "WHERE connamespace = 'ledger'::regnamespace AND contype = 'c'"
            )
        ).all():
            session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        yield session
        session.rollback()


def columns_of(session, table):
    return session.execute(
        text(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = :schema AND table_name = :table ORDER BY ordinal_position"
        ),
        {"schema": SCHEMA, "table": table},
    ).all()


def rows_of(session, table):
    """Locate every row of a table by its place in the file, beside its key."""
    keys = ", ".join(KEYS[table])
    return session.execute(text(f"SELECT ctid::text, {keys} FROM ledger.{table} ORDER BY {keys}"))


def name_of(table, key, documents):
    """Return how a finding names a row; a line whose invoice is not there, by its identity."""
    if table == "invoice":
        return document_number(*key)
    if table == "invoice_line":
        return f"{documents.get(key[0], key[0])}/{key[1]}"
    return "/".join(map(str, key))


def documents_of(session):
    rows = session.execute(text("SELECT id, series, number FROM ledger.invoice")).all()
    return {row.id: document_number(row.series, row.number) for row in rows}


def tables_found(session):
    return {table_of(finding).removeprefix("ledger.") for finding in verify(session)}


def table_of(finding):
    return finding.place.partition(" ")[0]


@pytest.mark.parametrize("table", KEYS)
def test_a_changed_value_in_any_column_of_any_row_is_found(owner, table):
    """Every other row is changed at once: each must be named, by its key or by its new one."""
    rows = rows_of(owner, table).all()
    assert len(rows) > 1
    documents = documents_of(owner)
    not_named = []
    for column, kind in columns_of(owner, table):
        changed = OTHER_VALUE[kind].format(column)
        absent = WHEN_NULL.get(kind, "NULL")
        value = f"CASE WHEN {column} IS NULL THEN {absent} ELSE {changed} END"
        # Not a row and the next: what is changed in one may be noticed at the one that follows it.
        for changed_rows in (rows[::2], rows[1::2]):
            with owner.begin_nested() as savepoint:
                names = []
                for place, *key in changed_rows:
                    new_key = owner.execute(
                        text(
                            f"UPDATE ledger.{table} SET {column} = {value} "
                            f"WHERE ctid = '{place}' RETURNING {', '.join(KEYS[table])}"
                        )
                    ).one()
                    names.append({name_of(table, each, documents) for each in (key, new_key)})
                found = {finding.place for finding in verify(owner)}
                # A journal's key follows its number in brackets.
                named = {tuple(place.split(" ")[:2]) for place in found}
                not_named += [
                    (column, either)
                    for either in names
                    if not any((f"ledger.{table}", name) in named for name in either)
                ]
                savepoint.rollback()
    assert not_named == []


@pytest.mark.parametrize("table", KEYS)
def test_any_deleted_row_but_an_empty_tail_is_found(owner, table):
    for place, *key in rows_of(owner, table).all():
        with owner.begin_nested() as savepoint:
            owner.execute(text(f"DELETE FROM ledger.{table} WHERE ctid = '{place}'"))
            findings = list(verify(owner))
            savepoint.rollback()
        if table == "journal" and key == [journal_head(owner).number]:
            assert findings == []
        else:
            assert findings, key


def test_a_cut_tail_is_found_by_a_head_kept_elsewhere(owner):
    kept = journal_head(owner)
    assert list(verify(owner, kept)) == []
    owner.execute(
        text("DELETE FROM ledger.journal WHERE number = :number"), {"number": kept.number}
    )
    assert list(verify(owner)) == []
    (finding,) = verify(owner, kept)
    assert (finding.code, finding.place) == ("ledger-row-missing", f"ledger.journal {kept.number}")
    assert list(verify(owner, Head(0, bytes(32)))) == []


INSERTED = {
    "account": "SELECT 'gb12:GBP:-:x:y', 'gb12', NULL, 'x', 'y', 'GBP', digest",
    "journal": "SELECT number + 100, uuidv7(), key || 'x', market, settlement_day, NULL, NULL,"
    " reason, posted_at, posting_count, input_digest, cause_source, cause_key || 'x', cause_digest,"
    " previous_digest, sha256(digest)",
    "posting": "SELECT journal_number, line + 100, account, amount, digest",
    "invoice_line": "SELECT invoice_id, line + 100, kind, subject, description, quantity,"
    " quantity_unit, amount_micro, clauses, rule_digests, digest, quality, estimated_quantity,"
    " tax_category, tax_rate_ppm, tax_note",
}


@pytest.mark.parametrize("table", INSERTED)
def test_an_inserted_row_is_found_and_named(owner, table):
    owner.execute(text(f"INSERT INTO ledger.{table} {INSERTED[table]} FROM ledger.{table} LIMIT 1"))
    assert table in tables_found(owner)


def test_an_inserted_invoice_is_found_and_named(owner):
    names = [name for name, _ in columns_of(owner, "invoice")]
    changed = {
        "number": "number + 100",
        "participant_number": "participant_number + 100",
        "id": "uuidv7()",
        "journal_number": "NULL",
        "digest": "sha256(digest)",
    }
    values = ", ".join(changed.get(name, name) for name in names)
    owner.execute(text(f"INSERT INTO ledger.invoice SELECT {values} FROM ledger.invoice LIMIT 1"))
    assert "invoice" in tables_found(owner)


def test_rows_and_digests_changed_together_break_the_chain(owner):
    """An owner who seals a changed posting again still breaks the journal above it."""
    row = owner.execute(
        text("SELECT journal_number, line, account, amount FROM ledger.posting LIMIT 1")
    ).one()
    changed = PostingRow(*row)._replace(amount=row.amount + 1)
    owner.execute(
        text(
            "UPDATE ledger.posting SET amount = :amount, digest = :digest "
            "WHERE journal_number = :journal_number AND line = :line"
        ),
        {**changed._asdict(), "digest": posting_digest(changed)},
    )
    findings = {(finding.code, table_of(finding)) for finding in verify(owner)}
    assert findings == {("ledger-digest", "ledger.journal"), ("ledger-balance", "ledger.journal")}
