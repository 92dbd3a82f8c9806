"""Statements of account, open items by age and credit: all of it comes to the ledger's own sums."""

import datetime as dt
import json
from typing import get_args

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from common.refusals import Refused
from ledger.invoice_queries import unbilled
from ledger.payments import queries
from ledger.payments.account import BUCKETS, Entry, Standing, age_open_items
from ledger.payments.account_queries import account_statement, day_end, standings
from ledger.payments.allocate import allocate
from ledger.payments.matching import OpenDocument
from portal.management import base
from portal.management.commands import ageing, credit, statement
from rulebook.documents.registration import CreditCover
from rulebook.documents.settlement_terms import CreditTerms
from settlement.accounts.credit import FORMS, credit_of
from settlement.accounts.credit_report import credit_report
from settlement.accounts.late import post_interest
from settlement.datasets.bank import Payment
from tests.examples import tried
from tests.worlds import tiny_market
from tests.worlds.banked import PAYER, bank_file, pay_tiny, take
from tests.worlds.rolled_back import reading, rolled_back
from tests.worlds.settled import PUBLISHED, SETTLED, bill_tiny

PAID = SETTLED + dt.timedelta(days=20)
LATER = PAID + dt.timedelta(days=20)
DAY = dt.timedelta(days=1)


def fill(session):
    bill_tiny(session)
    pay_tiny(session, PAID)
    post_interest(session, "tiny", LATER.date(), now=LATER)


@pytest.fixture
def paid(world_of):
    """The tiny market, billed, paid in part 20 days later, with interest posted 20 days on."""
    with rolled_back(world_of(fill)[0]) as session:
        yield session


def posted_micro(session, participant, at=LATER):
    """Sum the postings on the money accounts of a participant, without the product."""
    return session.scalar(
        text(
            "SELECT coalesce(sum(amount), 0)::bigint FROM ledger.posting "
            "JOIN ledger.account ON code = account JOIN ledger.journal ON number = journal_number "
            "WHERE participant = :who AND commodity = 'GBP' AND posted_at <= :at"
        ),
        {"who": participant, "at": at},
    )


def participants(session):
    return {document.participant for document in queries.documents(session, "tiny")}


def whole(session, participant, first_day=None):
    first_day = first_day or SETTLED.date()
    (account,) = account_statement(session, "tiny", participant, first_day, LATER.date())
    return account


def test_every_account_comes_to_the_sum_of_its_postings(paid):
    assert len(participants(paid)) == 4
    for name in participants(paid):
        account = whole(paid, name)
        assert account.closing.ledger_micro == posted_micro(paid, name)
        moved = [
            line.movement.amount_micro for line in account.lines if line.movement.moves_balance
        ]
        assert account.opening_micro + sum(moved) == account.closing.balance_micro
        assert not account.lines or account.lines[-1].balance_micro == account.closing.balance_micro
        accrued = sum(
            line.movement.amount_micro
            for line in account.lines
            if line.movement.entry is Entry.INTEREST
        )
        assert account.closing.unbilled_micro == accrued != 0


def test_a_statement_tells_documents_payments_corrections_and_interest(paid):
    first = next(document for document in queries.documents(paid, "tiny") if document.due_minor > 0)
    told = [
        (line.movement.entry, line.movement.document, line.movement.payment)
        for line in whole(paid, first.participant).lines
    ]
    assert told[0] == (Entry.DOCUMENT, first.name, "")
    assert (Entry.PAYMENT, first.name, "tiny-bank-000001/1") in told
    assert (Entry.PAYMENT, first.name, "tiny-bank-000001/3") in told
    assert told.count((Entry.ALLOCATION, first.name, "tiny-bank-000001/4")) == 2
    assert told[-1] == (Entry.INTEREST, first.name, "")


def test_a_period_opens_with_what_the_one_before_closed_with(paid):
    for name in participants(paid):
        (early,) = account_statement(paid, "tiny", name, SETTLED.date(), PAID.date() - DAY)
        late = whole(paid, name, PAID.date())
        assert late.opening_micro == early.closing.balance_micro
        assert [*early.lines, *late.lines] == list(whole(paid, name).lines)


def test_unbilled_is_what_a_document_would_bill(paid):
    month = LATER.date().replace(day=1)
    drafts = unbilled(paid, "tiny", month)
    for (name, _), standing in standings(paid, "tiny").items():
        assert sum(drafts.get(name, {}).values()) == standing.unbilled_micro


def test_before_anything_happened_there_is_no_account(paid):
    assert standings(paid, "tiny", PUBLISHED) == {}
    assert account_statement(paid, "tiny", "cedar", dt.date(2024, 1, 1), dt.date(2024, 1, 2)) == []


drawn = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-9_000_000, 9_000_000).filter(bool), st.booleans()),
    max_size=5,
)
moves = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(-9_000_000, 9_000_000)), max_size=4
)


@settings(max_examples=tried(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn, moves)
def test_accounts_reconcile_whatever_is_paid_and_decided(paid, drawn, moves):
    with paid.begin_nested() as nested:
        documents = queries.documents(paid, "tiny")
        closing = queries.statements(paid, "tiny")[0].closing_minor
        entries = [
            [Payment(amount, LATER.date(), "X", PAYER, documents[which].name if names else "")]
            for which, amount, names in drawn
        ]
        take(paid, bank_file(entries, number=3, opening=closing, on=LATER.date()), LATER)
        for line, which, amount in moves:
            try:
                with paid.begin_nested():
                    allocate(
                        paid, f"tiny-bank-000003/{line}", {documents[which].name: amount},
                        decided_by="bea", reason="Drawn", now=LATER,
                    )  # fmt: skip
            except Refused:
                continue
        for name in participants(paid):
            account = whole(paid, name)
            assert account.closing.ledger_micro == posted_micro(paid, name)
            moved = (each.movement for each in account.lines if each.movement.moves_balance)
            assert sum(each.amount_micro for each in moved) == account.closing.balance_micro
            open_minor = sum(
                each.balance_minor
                for each in queries.documents(paid, "tiny")
                if each.participant == name
            )
            assert account.closing.balance_micro == open_minor * 10_000
        nested.rollback()


def test_open_items_fall_into_buckets_by_days_after_the_due_day():
    on = dt.date(2024, 6, 1)
    overdue = {0: 0, -5: 0, 1: 1, 30: 1, 31: 2, 60: 2, 61: 3, 90: 3, 91: 4, 400: 4}
    documents = [
        OpenDocument("s", number, f"s-{number}", "cedar", "GBP", on - days * DAY, 100 + number)
        for number, days in enumerate(overdue)
    ]
    done = OpenDocument("s", 99, "s-99", "cedar", "GBP", on, 5, 5)
    (found,) = age_open_items([*documents, done], on)
    assert {item.overdue_days: item.bucket for item in found.items} == overdue
    assert sum(found.amounts_minor) == found.total_minor == sum(100 + n for n in range(10))
    assert len(found.amounts_minor) == len(BUCKETS)


def test_what_is_open_is_derived_for_any_day(paid):
    day = SETTLED.date()
    before = age_open_items(queries.documents(paid, "tiny", day_end(day)), day)
    assert all(item.bucket == 0 for account in before for item in account.items)
    now = age_open_items(queries.documents(paid, "tiny", LATER), LATER.date())
    assert {item.bucket for account in now for item in account.items} == {1}
    assert sum(account.total_minor for account in now) != sum(
        account.total_minor for account in before
    )


TERMS = CreditTerms.model_validate(
    {
        "exposure": ["unpaid", "unbilled"],
        "levels": [
            {"level": "notice", "title": "Three quarters", "from_ppm": 750_000},
            {"level": "breach", "title": "Used up", "from_ppm": 1_000_000},
        ],
    }
)
COVER = [{"form": "cash", "reference": "D-1", "amount_micro": 600}] * 2


def registration(cover=COVER):
    (cedar,) = [
        registration
        for registration in tiny_market.registrations()
        if registration.participant == "cedar"
    ]
    return type(cedar).model_validate(cedar.model_dump() | {"credit_cover": cover})


LEVELS = {
    # exposure (unpaid, unbilled), cover, level, headroom
    "none": ((0, 0), COVER, None, 1_200),
    "owed by the market": ((-500, 100), COVER, None, 1_200),
    "below the first": ((500, 399), COVER, None, 301),
    "at the first": ((500, 400), COVER, "notice", 300),
    "between": ((1_000, 199), COVER, "notice", 1),
    "at the last": ((1_200, 0), COVER, "breach", 0),
    "beyond": ((1_500, 0), COVER, "breach", -300),
    "nothing lodged": ((1, 0), [], "breach", -1),
    "nothing lodged and nothing owed": ((0, 0), [], None, 0),
}


@pytest.mark.parametrize("what", LEVELS)
def test_a_level_is_reached_by_exposure_over_cover(what):
    (unpaid, open_micro), cover, level, headroom = LEVELS[what]
    standing = Standing(unpaid + 70, -70, open_micro)
    found = credit_of("cedar", registration(cover), standing, TERMS)
    assert (found.level and found.level.level, found.headroom_micro) == (level, headroom)
    only_unpaid = TERMS.model_copy(update={"exposure": ("unpaid",)})
    assert credit_of("cedar", None, standing, only_unpaid).exposure_micro == max(0, unpaid)


def test_what_is_lodged_is_named_as_the_registration_has_it():
    cover = [*COVER, {"form": "letter-of-credit", "reference": "LC 7", "amount_micro": 5}]
    found = credit_of("cedar", registration(cover), Standing(), TERMS)
    assert [(each.form, each.reference) for each in found.lodged] == [
        ("cash", "D-1"), ("cash", "D-1"), ("letter of credit", "LC 7"),
    ]  # fmt: skip
    assert found.cover_micro == 1_205
    assert FORMS.keys() == set(get_args(CreditCover.model_fields["form"].annotation))


def test_credit_is_derived_for_any_moment(paid):
    report = credit_report(paid, "tiny", SETTLED)
    found = {credit.participant: credit for credit in report.credits}
    assert set(found) == {"alder", "birch", "cedar", "doric"}
    assert found["cedar"].level.level == "breach"
    assert found["alder"].exposure_micro == 0 < found["cedar"].exposure_micro
    later = {credit.participant: credit for credit in credit_report(paid, "tiny", LATER).credits}
    assert later["doric"].exposure_micro < found["doric"].exposure_micro
    with pytest.raises(Refused):
        credit_report(paid, "tiny", PUBLISHED - DAY)


def billed_and_paid(session):
    bill_tiny(session)
    pay_tiny(session, PAID)


@pytest.fixture
def commands(world_of, monkeypatch):
    engine, _ = world_of(billed_and_paid)
    for command in (base, ageing, credit, statement):
        monkeypatch.setattr(command, "transaction", lambda: reading(engine))
    monkeypatch.setattr(base, "utc_now", lambda: LATER)


def printed(capsys, *command):
    call_command(*command, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_commands_print_the_same_sums(commands, capsys):
    (account,) = printed(capsys, "statement", "cedar")
    (balances,) = printed(capsys, "statement", "cedar", "--at", LATER.isoformat())
    open_items = {row["participant"]: row for row in printed(capsys, "ageing", "tiny")}
    report = {row["participant"]: row for row in printed(capsys, "credit", "tiny")["participants"]}
    assert account["closing_micro"] == balances["balance_micro"]
    assert sum(open_items["cedar"]["amounts_minor"].values()) * 10_000 == account["closing_micro"]
    assert report["cedar"]["unpaid_micro"] == account["closing_micro"]
    for row in report.values():
        assert sum(each["amount_micro"] for each in row["lodged"]) == row["cover_micro"]
    for command in (
        ("statement", "cedar"),
        ("statement", "cedar", "--at", LATER.isoformat()),
        ("ageing", "tiny"),
        ("credit", "tiny"),
    ):
        call_command(*command)
    said = capsys.readouterr().out
    assert "Closing balance" in said and "breach: Used up" in said and "over 90 days" in said


def test_the_commands_refuse_without_a_traceback(commands):
    with pytest.raises(CommandError, match="nobody: it has no account; correct the name"):
        call_command("statement", "nobody")
    with pytest.raises(CommandError, match="lies before --from"):
        call_command("statement", "cedar", "--from", "2024-03-02", "--to", "2024-03-01")
    with pytest.raises(CommandError, match="validity-gap"):
        call_command("credit", "tiny", "--at", "2001-01-01T00:00Z")
