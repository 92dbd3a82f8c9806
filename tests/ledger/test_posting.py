"""Posting on PostgreSQL: numbering, idempotency, all or nothing, and what the database refuses."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger import tables
from ledger.chain import GENESIS_DIGEST, seal_journal
from ledger.constraint_rules import RULE_OF_CONSTRAINT
from ledger.issuing import issue
from ledger.journal import ENERGY, Posting
from ledger.posting import post, post_many
from ledger.queries import (
    balances,
    journal_summaries,
    posted_runs,
)
from ledger.rules import LedgerRule
from ledger.store import (
    Head,
    constraints_as_refusals,
    insert_accounts,
    insert_journals,
    journal_head,
    new_ids,
)
from ledger.verification import verify
from tests.ledger.drafts import (
    CHARGE,
    DAY,
    DEMAND,
    EQUALISATION,
    IMBALANCE,
    MARKET,
    PAYMENT,
    RUN,
    invoice,
    journal,
    line,
)
from tests.ledger.rules import rule_of

NEXT_DAY = DAY + dt.timedelta(days=1)
LEDGER_TABLES = ("account", "journal", "posting", "invoice", "invoice_line")


def count(session, table="journal"):
    return session.execute(text(f"SELECT count(*) FROM ledger.{table}")).scalar_one()


def codes(refused):
    return [rule_of(refusal) for refusal in refused.value.findings]


def insert_raw(session, draft, number=1, previous=GENESIS_DIGEST, **changes):
    """Insert a journal as the service would, but without its checks."""
    now = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    sealed = seal_journal(draft, number, new_ids(session, 1)[0], now, previous)
    sealed = sealed._replace(row=sealed.row._replace(**changes))
    insert_accounts(session, {posting.account for posting in draft.postings})
    insert_journals(session, [sealed])
    return sealed


def test_numbers_start_at_one_and_digests_chain(session, now):
    first, second = post_many(session, [journal(), journal(NEXT_DAY)], now)
    third = post(session, journal(kind="SF"), now)
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert journal_head(session) == Head(3, third.digest)
    assert list(verify(session)) == []
    assert list(verify(session, Head(2, second.digest))) == []


def test_the_same_key_and_input_returns_the_original(session, now):
    original = post(session, journal(), now)
    later = now + dt.timedelta(days=1)
    repeat, new = post_many(session, [journal(charge=1, payment=1), journal(NEXT_DAY)], later)
    assert (repeat.number, repeat.id, repeat.digest) == (1, original.id, original.digest)
    assert (repeat.is_repeat, new.is_repeat, new.number) == (True, False, 2)
    assert count(session) == 2


def test_the_same_key_with_another_input_is_refused(session, now):
    post(session, journal(), now)
    with pytest.raises(Refused) as refused:
        post(session, replace(journal(), input_digest=bytes(32)), now)
    assert codes(refused) == [LedgerRule.KEY_HAS_OTHER_INPUT]
    assert count(session) == 1


def test_a_day_is_posted_once_a_run_kind(session, now):
    post(session, journal(), now)
    with pytest.raises(Refused) as refused, session.begin_nested():
        post(session, replace(journal(), key="another key"), now)
    assert codes(refused) == [LedgerRule.RUN_IS_ALREADY_POSTED]
    assert count(session) == 1


def test_one_bad_draft_refuses_the_whole_batch(session, now):
    bad = replace(journal(NEXT_DAY), postings=(Posting(CHARGE, 1),))
    with pytest.raises(Refused) as refused:
        post_many(session, [journal(), bad], now)
    assert codes(refused) == [LedgerRule.JOURNAL_IS_UNBALANCED]
    assert count(session) == count(session, "account") == 0


def test_a_moment_needs_a_zone(session, now):
    with pytest.raises(ValueError, match="no zone"):
        post(session, journal(), now.replace(tzinfo=None))


def test_empty_journal_and_empty_batch(session, now):
    assert post_many(session, [], now) == []
    assert post(session, replace(journal(), postings=()), now).number == 1
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_balances_are_sums_by_day_and_account(session, now):
    post_many(session, [journal(), journal(NEXT_DAY)], now)
    post(session, journal(kind="SF", charge=-3_000, payment=100), now)
    posted = balances(session, MARKET, DAY, NEXT_DAY)
    assert posted[DAY, CHARGE.code] == 5_000_000
    assert posted[DAY, PAYMENT.code] == -4_900_200
    assert posted[NEXT_DAY, DEMAND.code] == 61_000
    assert {day for day, _ in balances(session, MARKET, NEXT_DAY, NEXT_DAY)} == {NEXT_DAY}
    assert balances(session, "other", DAY, NEXT_DAY) == {}


def test_questions_about_runs(session, now):
    post_many(session, [journal(), journal(NEXT_DAY), journal(kind="SF", charge=0)], now)
    assert posted_runs(session, MARKET, DAY, NEXT_DAY) == [
        (DAY, "II"),
        (DAY, "SF"),
        (NEXT_DAY, "II"),
    ]
    summary = journal_summaries(session, RUN)[0]
    assert (summary.number, summary.posting_count, summary.settlement_day) == (1, 6, DAY)
    assert summary.totals == (("GBP", 5_003_000, -5_003_000), (ENERGY, 61_000, -61_000))


@pytest.mark.parametrize("commodity", ["GBP", ENERGY])
def test_the_database_refuses_a_batch_that_does_not_balance(session, commodity):
    account = EQUALISATION if commodity == "GBP" else IMBALANCE
    draft = journal()
    postings = tuple(
        replace(posting, amount=posting.amount + (posting.account == account))
        for posting in draft.postings
    )
    with pytest.raises(Refused) as refused, session.begin_nested():
        insert_raw(session, replace(draft, postings=postings))
    assert codes(refused) == [LedgerRule.JOURNAL_IS_UNBALANCED]
    assert refused.value.findings[0].value == f"journal 1: {commodity} sums to 1"
    assert count(session) == 0


def test_the_database_refuses_amounts_that_balance_only_across_commodities(session):
    postings = (Posting(EQUALISATION, 5), Posting(IMBALANCE, -5))
    with pytest.raises(Refused) as refused, session.begin_nested():
        insert_raw(session, replace(journal(), postings=postings))
    assert codes(refused) == [LedgerRule.JOURNAL_IS_UNBALANCED]


RAW_BREACHES = [
    ({"posting_count": 7}, {}, LedgerRule.JOURNAL_IS_INCOMPLETE),
    ({"posting_count": 0}, {}, LedgerRule.JOURNAL_IS_INCOMPLETE),
    ({}, {"number": 2}, LedgerRule.JOURNAL_IS_OUT_OF_ORDER),
    ({"previous_digest": bytes([1] * 32)}, {}, LedgerRule.JOURNAL_IS_OUT_OF_ORDER),
    ({"run_id": None}, {}, LedgerRule.RUN_IS_HALF_NAMED),
    ({"run_kind": "study"}, {}, LedgerRule.RUN_IS_A_STUDY),
    ({"input_digest": b"short"}, {}, LedgerRule.ROW_IS_MALFORMED),
]


@pytest.mark.parametrize(("changes", "arguments", "code"), RAW_BREACHES)
def test_the_database_refuses_what_the_service_would_never_write(session, changes, arguments, code):
    with pytest.raises(Refused) as refused, session.begin_nested():
        insert_raw(session, journal(), **arguments, **changes)
    assert codes(refused) == [code]
    assert count(session) == 0


def test_a_posting_added_to_an_old_journal_is_refused(session, now):
    post(session, journal(), now)
    pair = [
        {"journal_number": 1, "line": number, "account": CHARGE.code, "amount": amount}
        for number, amount in ((7, 5), (8, -5))
    ]
    rows = [{**row, "digest": bytes(32)} for row in pair]
    with (
        pytest.raises(Refused) as refused,
        session.begin_nested(),
        constraints_as_refusals(),
    ):
        session.execute(insert(tables.Posting).values(rows))
    assert codes(refused) == [LedgerRule.JOURNAL_IS_INCOMPLETE]


def test_a_journal_whose_postings_never_come_cannot_commit(session):
    sealed = seal_journal(
        journal(), 1, new_ids(session, 1)[0], dt.datetime.now(dt.UTC), GENESIS_DIGEST
    )
    with (
        pytest.raises(Refused) as refused,
        session.begin_nested(),
        constraints_as_refusals(),
    ):
        session.execute(insert(tables.Journal), [{**sealed.row._asdict(), "digest": sealed.digest}])
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert codes(refused) == [LedgerRule.JOURNAL_IS_INCOMPLETE]


def test_an_account_whose_code_does_not_say_what_it_is_is_refused(session):
    row = {**replace(CHARGE).__dict__, "commodity": ENERGY, "digest": bytes(32)}
    with (
        pytest.raises(Refused) as refused,
        session.begin_nested(),
        constraints_as_refusals(),
    ):
        session.execute(insert(tables.Account), [row])
    assert codes(refused) == [LedgerRule.ROW_IS_MALFORMED]


CHANGES = [
    statement.format(table=table)
    for table in LEDGER_TABLES
    for statement in (
        "UPDATE ledger.{table} SET digest = digest",
        "DELETE FROM ledger.{table}",
        "TRUNCATE ledger.{table} CASCADE",
    )
]


@pytest.mark.parametrize("statement", CHANGES)
def test_update_delete_and_truncate_are_refused(session, now, statement):
    post(session, journal(), now)
    issue(session, [invoice(line(CHARGE, 5_003_000))], now)
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    with (
        pytest.raises(Refused, match="is append-only") as refused,
        session.begin_nested(),
        constraints_as_refusals(),
    ):
        session.execute(text(statement))
    assert codes(refused) == [LedgerRule.TABLE_IS_APPEND_ONLY]


def test_every_constraint_that_speaks_for_a_code_exists(session):
    named = session.execute(
        text(
            "SELECT conname FROM pg_constraint "
            "WHERE connamespace IN ('ledger'::regnamespace, 'people'::regnamespace)"
        )
    )
    functions = session.execute(
        text(
            "SELECT prosrc FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace "
            "WHERE nspname IN ('ledger', 'people', 'rulebook')"
        )
    )
    raised = " ".join(functions.scalars())
    names = set(named.scalars())
    missing = [
        name
        for name in RULE_OF_CONSTRAINT
        if name not in names and f"CONSTRAINT = '{name}'" not in raised
    ]
    assert missing == []


def test_a_connection_killed_half_way_leaves_nothing(committed_database, now):
    with Session(committed_database) as session:
        post_many(session, [journal(), journal(NEXT_DAY)], now)
        assert count(session) == 2
        backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with committed_database.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:backend)"), {"backend": backend})
        with pytest.raises(Exception, match="terminating connection"):
            session.execute(text("SELECT 1"))
        session.invalidate()
    with Session(committed_database) as session, session.begin():
        assert [count(session, table) for table in LEDGER_TABLES] == [0] * 5
        assert post(session, journal(), now).number == 1


def test_posters_who_race_leave_no_gap(committed_database, now):
    start = threading.Barrier(4)

    def post_days(poster: int) -> list[int]:
        start.wait()
        numbers = []
        for step in range(5):
            day = DAY + dt.timedelta(days=5 * poster + step)
            with Session(committed_database) as session:
                numbers.append(post(session, journal(day), now).number)
                if step == 2:
                    session.rollback()
                    numbers.pop()
                else:
                    session.commit()
        return numbers

    with ThreadPoolExecutor(4) as pool:
        numbers = [number for each in pool.map(post_days, range(4)) for number in each]
    assert sorted(numbers) == list(range(1, 17))
    with Session(committed_database) as session:
        assert list(verify(session)) == []


def test_racers_with_the_same_key_post_once(committed_database, now):
    start = threading.Barrier(3)

    def post_it(_: int) -> bool:
        start.wait()
        with Session(committed_database) as session, session.begin():
            return post(session, journal(), now).is_repeat

    with ThreadPoolExecutor(3) as pool:
        repeats = list(pool.map(post_it, range(3)))
    assert sorted(repeats) == [False, True, True]
