"""Documents from the ledger's movements: numbers, kinds, rounding, refusals, on PostgreSQL."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.billing import NOTHING_BILLED, EarlierCheckpoint, document_of, seal_invoice
from ledger.chain import GENESIS_DIGEST
from ledger.invoice import DocumentKind, Family, Tax, Totals
from ledger.invoice_queries import invoice as stored_invoice
from ledger.invoice_queries import invoices, unbilled
from ledger.issuing import issue
from ledger.posting import post, post_many
from ledger.rules import LedgerRule
from ledger.store import constraints_as_refusals, insert_invoice, new_ids
from ledger.verification import verify
from tests.ledger.drafts import (
    CHARGE,
    DAY,
    DEMAND,
    GENERATION,
    GENERATOR,
    MARKET,
    MONTH,
    PAYMENT,
    RUN,
    SUPPLIER,
    VAT,
    invoice,
    journal,
    line,
)
from tests.ledger.rules import rule_of


def drafts_of(session):
    """Draft the documents as settlement does: a line for each account of money that moved."""
    moved = unbilled(session, MARKET, MONTH)
    supplied = [
        line(account, amount)
        for account, amount in moved.get(SUPPLIER, {}).items()
        if account.commodity == "GBP"
    ]
    generated = [
        line(account, amount)
        for account, amount in moved.get(GENERATOR, {}).items()
        if account.commodity == "GBP"
    ]
    return [
        invoice(*supplied),
        invoice(*generated, participant=GENERATOR, family=Family.SELF_BILLED),
    ]


def balance_micro(session, participant):
    return session.execute(
        text(
            "SELECT coalesce(sum(amount), 0)::bigint FROM ledger.posting "
            "JOIN ledger.account ON account.code = posting.account "
            "WHERE participant = :participant AND commodity = 'GBP'"
        ),
        {"participant": participant},
    ).scalar_one()


def settle_constraints(session):
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_unbilled_is_what_the_accounts_of_the_month_moved(session, now):
    post_many(session, [journal(), journal(DAY + dt.timedelta(days=1))], now)
    post(session, journal(dt.date(2024, 2, 1)), now)
    moved = unbilled(session, MARKET, MONTH)
    assert moved[SUPPLIER] == {CHARGE: 2 * 5_003_000, DEMAND: 2 * 61_000}
    assert moved[GENERATOR] == {PAYMENT: -2 * 4_900_100, GENERATION: -2 * 60_500}
    assert moved.keys() == {SUPPLIER, GENERATOR}
    assert unbilled(session, "other", MONTH) == {}


def test_first_documents_are_invoices_and_round_the_accounts_to_pence(session, now):
    post(session, journal(), now)
    issued = issue(session, drafts_of(session), now)
    supplied, generated = (each.row for each in issued.invoices)
    assert (supplied.kind, supplied.series, supplied.number) == ("invoice", "gb12-invoice", 1)
    assert (generated.kind, generated.series) == ("self-billed invoice", "gb12-self-billed")
    assert (supplied.amount_micro, supplied.rounding_micro) == (5_003_000, -3_000)
    assert (supplied.net_minor, supplied.tax_minor, supplied.due_minor) == (500, 0, 500)
    assert (generated.due_minor, generated.rounding_micro) == (-490, 100)
    assert supplied.due_on == dt.date(2024, 3, 15)
    assert supplied.original is None
    assert supplied.last_journal_number == 1
    assert (supplied.journal_number, generated.journal_number) == (2, 3)
    assert balance_micro(session, SUPPLIER) == 5_000_000
    assert balance_micro(session, GENERATOR) == -4_900_000
    settle_constraints(session)


def test_differences_become_notes_that_name_the_original(session, now):
    post(session, journal(), now)
    first = issue(session, drafts_of(session), now).invoices
    post(session, journal(kind="SF", charge=-1_203_000, payment=7_500), now)
    notes = issue(session, drafts_of(session), now).invoices
    assert [each.row.kind for each in notes] == ["credit note", "self-billed debit note"]
    assert [each.row.original for each in notes] == [each.row.id for each in first]
    assert [each.row.number for each in notes] == [2, 2]
    assert [each.row.due_minor for each in notes] == [-120, -1]
    post(session, journal(kind="R1", charge=4_000, payment=-7_500), now)
    last = issue(session, drafts_of(session), now).invoices
    assert [each.row.kind for each in last] == ["debit note", "self-billed credit note"]
    assert [each.row.original for each in last] == [each.row.id for each in first]
    assert balance_micro(session, SUPPLIER) == 3_800_000
    assert balance_micro(session, GENERATOR) == -4_900_000
    settle_constraints(session)


def test_nothing_moved_means_no_document_and_says_so(session, now):
    post(session, journal(), now)
    issue(session, drafts_of(session), now)
    again = issue(session, drafts_of(session), now)
    assert again.invoices == ()
    assert [str(each) for each in again.nothing] == [
        "lumen-supply: nothing to bill for 2024-01 (invoice): no line has an amount",
        "northern-power: nothing to bill for 2024-01 (self-billed): no line has an amount",
    ]
    post(session, replace(journal(kind="SF"), postings=()), now)
    assert issue(session, drafts_of(session), now).invoices == ()


def test_lines_that_differ_from_the_accounts_are_refused_for_every_participant(session, now):
    post(session, journal(), now)
    wrong = [
        invoice(line(CHARGE, 5_003_001)),
        invoice(participant=GENERATOR, family=Family.SELF_BILLED),
    ]
    with pytest.raises(Refused) as refused:
        issue(session, wrong, now)
    assert [(rule_of(refusal), refusal.value) for refusal in refused.value.findings] == [
        (
            LedgerRule.LINES_DIFFER_FROM_LEDGER,
            f"lines of account {CHARGE.code} sum to £5.003001, it moved £5.003",
        ),
        (
            LedgerRule.LINES_DIFFER_FROM_LEDGER,
            f"lines of account {PAYMENT.code} sum to £0.00, it moved −£4.9001",
        ),
    ]
    assert session.execute(text("SELECT count(*) FROM ledger.invoice")).scalar_one() == 0


def test_a_participant_who_supplies_and_generates_gets_both_documents(session, now):
    payment = replace(PAYMENT, participant=SUPPLIER)
    both = journal()
    postings = tuple(
        replace(posting, account=payment) if posting.account == PAYMENT else posting
        for posting in both.postings
    )
    post(session, replace(both, postings=postings), now)
    drafts = [
        invoice(line(CHARGE, 5_003_000)),
        invoice(line(payment, -4_900_100), family=Family.SELF_BILLED),
    ]
    with pytest.raises(Refused):
        issue(session, drafts[:1], now)
    issued = issue(session, drafts, now).invoices
    assert [each.row.kind for each in issued] == [
        DocumentKind.INVOICE,
        DocumentKind.SELF_BILLED_INVOICE,
    ]
    assert unbilled(session, MARKET, MONTH)[GENERATOR].keys() == {GENERATION}
    assert SUPPLIER not in unbilled(session, MARKET, MONTH)


def test_tax_is_posted_with_the_document(session, now):
    post(session, journal(), now)
    (sealed,) = issue(session, [taxed(drafts_of(session)[0], VAT)], now).invoices
    assert (sealed.row.net_minor, sealed.row.tax_minor, sealed.row.due_minor) == (500, 100, 600)
    assert balance_micro(session, SUPPLIER) == 6_000_000
    settle_constraints(session)


def taxed(draft, tax):
    return replace(draft, lines=tuple(replace(each, tax=tax) for each in draft.lines))


def test_a_note_under_another_tax_takes_back_the_tax_of_its_invoice(session, now):
    """A law that is changed after billing moves no net: 5.00 at 20 % becomes 5.00 at 5 %."""
    post(session, journal(), now)
    first = drafts_of(session)[0]
    issue(session, [taxed(first, VAT)], now)
    reduced = Tax("S", 50_000)
    both = invoice(
        replace(line(CHARGE, -5_003_000), tax=VAT), replace(line(CHARGE, 5_003_000), tax=reduced)
    )
    (note,) = issue(session, [both], now).invoices
    assert (note.row.kind, note.row.net_minor, note.row.tax_minor) == ("credit note", 0, -75)
    assert balance_micro(session, SUPPLIER) == 5_250_000
    settle_constraints(session)
    assert list(verify(session)) == []


def test_what_is_outside_the_scope_of_tax_has_documents_of_its_own(session, now):
    post(session, journal(), now)
    outside = Tax("O", 0)
    drafts = [
        invoice(replace(line(CHARGE, 2_003_000), tax=VAT)),
        invoice(replace(line(CHARGE, 3_000_000), tax=outside)),
    ]
    first = issue(session, drafts, now).invoices
    assert [(each.row.kind, each.row.due_minor) for each in first] == [
        ("invoice", 240),
        ("invoice", 300),
    ]
    notes = [
        invoice(replace(line(CHARGE, -3_000_000), tax=outside)),
        invoice(replace(line(CHARGE, 3_000_000), tax=VAT)),
    ]
    credit, debit = issue(session, notes, now).invoices
    assert (credit.row.kind, credit.row.due_minor) == ("credit note", -300)
    assert (debit.row.kind, debit.row.due_minor) == ("debit note", 360)
    assert [credit.row.original, debit.row.original] == [first[1].row.id, first[0].row.id]
    assert list(verify(session)) == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (Totals(5_003_000, 7_000, 501, 100, 601), "net 501 and tax 100"),
        (Totals(5_003_000, -3_000, 500, 101, 601), "net 500 and tax 101"),
    ],
)
def test_the_database_refuses_money_that_is_not_of_the_lines(session, now, wrong, found):
    post(session, journal(), now)
    document = document_of(taxed(drafts_of(session)[0], VAT), NOTHING_BILLED, 1)
    sealed = seal_invoice(
        replace(document, totals=wrong),
        new_ids(session, 1)[0],
        participant_number=1,
        last_journal_number=1,
        journal_number=None,
        issued_at=now,
        previous_digest=GENESIS_DIGEST,
        earlier=EarlierCheckpoint(),
    )
    with pytest.raises(Refused, match=f"come to net 500 and tax 100, not {found}") as refused:
        insert_invoice(session, sealed)
    assert rule_of(refused.value.findings[0]) is LedgerRule.INVOICE_DIFFERS_FROM_LINES


def test_numbers_have_no_gap_after_a_rollback(committed_database, now):
    with Session(committed_database) as session, session.begin():
        post(session, journal(), now)
    with Session(committed_database) as session:
        issue(session, drafts_of(session), now)
        session.rollback()
    with Session(committed_database) as session, session.begin():
        issued = issue(session, drafts_of(session), now)
    assert [each.row.number for each in issued.invoices] == [1, 1]
    assert issued.invoices[0].row.journal_number == 2


def test_an_invoice_line_added_later_is_refused(session, now):
    post(session, journal(), now)
    issue(session, drafts_of(session), now)
    with (
        pytest.raises(Refused, match="1 lines in one statement") as refused,
        session.begin_nested(),
        constraints_as_refusals(),
    ):
        session.execute(
            text(
                "INSERT INTO ledger.invoice_line SELECT invoice_id, 2, kind, subject, description,"
                " quantity, quantity_unit, 0, clauses, rule_digests, digest, quality, NULL,"
                " tax_category, tax_rate_ppm, tax_note"
                " FROM ledger.invoice_line LIMIT 1"
            )
        )
    assert rule_of(refused.value.findings[0]) is LedgerRule.INVOICE_IS_INCOMPLETE


def test_documents_are_read_back_as_they_were_sealed(session, now):
    post(session, journal(), now)
    sealed = issue(session, drafts_of(session), now).invoices
    assert [stored_invoice(session, each.row.id) for each in sealed] == list(sealed)
    assert stored_invoice(session, RUN) is None
    assert invoices(session, participant=SUPPLIER, market=MARKET) == [sealed[0].row]
    assert {row.id for row in invoices(session)} == {each.row.id for each in sealed}
    assert invoices(session, participant="nobody") == invoices(session, market="other") == []


def test_issuers_who_race_bill_once(committed_database, now):
    with Session(committed_database) as session, session.begin():
        post(session, journal(), now)
        drafts = drafts_of(session)
    start = threading.Barrier(3)

    def issue_them(_: int) -> str:
        start.wait()
        try:
            with Session(committed_database) as session, session.begin():
                return ",".join(
                    str(each.row.number) for each in issue(session, drafts, now).invoices
                )
        except Refused as refused:
            return refused.findings[0].code

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(issue_them, range(3)))
    assert outcomes == ["1,1", "LINES_DIFFER_FROM_LEDGER", "LINES_DIFFER_FROM_LEDGER"]
    with Session(committed_database) as session:
        assert list(verify(session)) == []
