"""Seals: what they cover, what the database refuses of a sealed day, what verification finds."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from common.refusals import Refused
from ledger import tables
from ledger.chain import GENESIS_DIGEST
from ledger.posting import post, post_many
from ledger.rules import LedgerRule
from ledger.seal import DayToSeal, SealRequest, SealRow, anchor_draft, check_request, seal_digest
from ledger.sealing import seal_days, seals_of, verify_seals
from ledger.store import constraints_as_refusals, journal_head, sealed_at
from ledger.verification import verify
from tests.ledger.drafts import DAY, MARKET, journal
from tests.ledger.test_posting import codes, insert_raw
from tests.worlds.logged import take_payments
from tests.worlds.people import acting_as

NEXT_DAY = DAY + dt.timedelta(days=1)


def request(*days: dt.date, **changes) -> SealRequest:
    midnights = [dt.datetime.combine(day, dt.time(), dt.UTC) for day in days]
    spans = [
        DayToSeal(day, start, start + dt.timedelta(days=1))
        for day, start in zip(days, midnights, strict=True)
    ]
    return replace(SealRequest(MARKET, tuple(spans), "bea", "Year's end"), **changes)


@pytest.fixture
def posted(session, now):
    """Two days are posted, the first of them twice."""
    return post_many(session, [journal(), journal(NEXT_DAY), journal(kind="SF", charge=0)], now)


def test_a_seal_names_the_last_journal_of_its_day_and_is_anchored(session, now, posted):
    first, second = seal_days(session, request(DAY, NEXT_DAY), now)
    assert (first.row.last_journal_number, first.row.last_journal_digest) == (3, posted[2].digest)
    assert second.row.last_journal_number == 2
    assert {first.row.journal_number, second.row.journal_number} == {4}
    assert journal_head(session).number == 4
    assert list(verify(session)) == list(verify_seals(session)) == []
    assert sealed_at(session, [(MARKET, DAY), ("other", DAY)]) == {(MARKET, DAY): now}


def test_a_day_is_sealed_once_and_the_original_returned(session, now, posted):
    (original,) = seal_days(session, request(DAY), now)
    with acting_as(session, "cal"):
        again, new = seal_days(
            session, request(DAY, NEXT_DAY, sealed_by="cal"), now + dt.timedelta(days=1)
        )
    assert (again.row, again.is_repeat, new.is_repeat) == (original.row, True, False)
    assert seal_days(session, request(DAY, NEXT_DAY), now) == seals_of(session)
    assert journal_head(session).number == 5
    assert list(verify_seals(session)) == []


BAD_REQUESTS = [
    ({"sealed_by": " "}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"reason": ""}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"days": ()}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"market": "g b"}, LedgerRule.NAME_IS_MALFORMED),
]


@pytest.mark.parametrize(("changes", "code"), BAD_REQUESTS)
def test_a_request_that_says_too_little_is_refused(session, now, posted, changes, code):
    with pytest.raises(Refused) as refused:
        seal_days(session, request(DAY, **changes), now)
    assert codes(refused) == [code]
    assert seals_of(session) == []


def test_every_breach_of_a_request_is_named():
    assert len(check_request(SealRequest("", (), "", ""))) == 4


def test_a_day_without_a_journal_is_not_sealed_nor_any_day_with_it(session, now, posted):
    empty = NEXT_DAY + dt.timedelta(days=1)
    with pytest.raises(Refused) as refused:
        seal_days(session, request(DAY, empty), now)
    assert codes(refused) == [LedgerRule.SEAL_IS_UNFOUNDED]
    assert str(empty) in refused.value.findings[0].place
    assert seals_of(session) == []


def test_posting_to_a_sealed_day_is_refused_and_the_rest_goes_on(session, now, posted):
    seal_days(session, request(DAY), now)
    with pytest.raises(Refused) as refused:
        post_many(session, [journal(NEXT_DAY, "SF"), journal(kind="R1")], now)
    assert codes(refused) == [LedgerRule.DAY_IS_SEALED]
    assert str(DAY) in refused.value.findings[0].value
    assert post(session, journal(kind="SF", charge=0), now).is_repeat
    assert not post(session, journal(NEXT_DAY, "SF"), now).is_repeat


def test_a_journal_without_a_settlement_day_is_still_posted(session, now, posted):
    seal_days(session, request(DAY, NEXT_DAY), now)
    take_payments(session, 1)
    assert journal_head(session).number == 5


def test_the_database_itself_refuses_a_journal_of_a_sealed_day(session, now, posted):
    seal_days(session, request(DAY), now)
    number, digest = journal_head(session)
    with pytest.raises(Refused) as refused, session.begin_nested():
        insert_raw(session, journal(kind="R1"), number + 1, digest)
    assert codes(refused) == [LedgerRule.DAY_IS_SEALED]


RAW_SEALS = [
    ({"last_journal_number": 1}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"last_journal_number": 2}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"last_journal_digest": bytes([1] * 32)}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"sealed_by": ""}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"reason": ""}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"journal_number": 3}, LedgerRule.SEAL_IS_UNFOUNDED),
    ({"last_journal_digest": b"short"}, LedgerRule.ROW_IS_MALFORMED),
    ({"ends_at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC)}, LedgerRule.ROW_IS_MALFORMED),
    ({}, None),
]


@pytest.mark.parametrize(("changes", "code"), RAW_SEALS)
def test_the_database_refuses_seals_that_the_service_would_not_make(
    session, now, posted, changes, code
):
    post(session, replace(journal(dt.date(2024, 2, 1)), key="the anchor"), now)
    start = dt.datetime.combine(DAY, dt.time(), dt.UTC)
    row = SealRow(
        MARKET, DAY, 4, start, start + dt.timedelta(days=1), "bea", "Why", now, 3,
        posted[2].digest,
    )._replace(**changes)  # fmt: skip

    def store() -> None:
        with session.begin_nested(), constraints_as_refusals():
            values = row._asdict() | {"digest": seal_digest(row)}
            session.execute(insert(tables.Seal), [values])

    if code is None:
        store()
        with pytest.raises(Refused) as refused:
            store()
        assert codes(refused) == [LedgerRule.DAY_IS_SEALED]
        return
    with pytest.raises(Refused) as refused:
        store()
    assert codes(refused) == [code]


FORGERIES = [
    ("DELETE FROM ledger.seal WHERE settlement_day = :day", "ledger.journal 4 ("),
    ("DELETE FROM ledger.seal", "ledger.journal 4 ("),
    ("UPDATE ledger.journal SET key = 'x' WHERE number = 4", "ledger.journal 4 ("),
    (
        "UPDATE ledger.seal SET last_journal_number = 1 WHERE settlement_day = :day",
        f"ledger.seal {MARKET} {DAY}",
    ),
    ("UPDATE ledger.journal SET settlement_day = :day WHERE number = 4", "ledger.journal 4"),
]


@pytest.mark.parametrize(("statement", "place"), FORGERIES)
def test_what_was_done_behind_the_seals_is_found(session, now, posted, statement, place):
    seal_days(session, request(DAY, NEXT_DAY), now)
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(statement), {"day": DAY} if ":day" in statement else {})
    assert any(found.place.startswith(place) for found in verify_seals(session))


rows = st.builds(
    SealRow,
    market=st.sampled_from(["gb12", "tiny"]),
    settlement_day=st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 9)),
    journal_number=st.integers(1, 5),
    begins_at=st.just(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
    ends_at=st.just(dt.datetime(2024, 1, 2, tzinfo=dt.UTC)),
    sealed_by=st.text(max_size=3),
    reason=st.text(max_size=3),
    sealed_at=st.just(dt.datetime(2025, 1, 1, tzinfo=dt.UTC)),
    last_journal_number=st.integers(1, 5),
    last_journal_digest=st.just(GENESIS_DIGEST),
)


@given(rows, rows)
def test_two_seals_share_a_digest_only_when_they_say_the_same(one, other):
    assert (seal_digest(one) == seal_digest(other)) == (one == other)
    assert anchor_draft([one]).input_digest != anchor_draft([one, other]).input_digest
