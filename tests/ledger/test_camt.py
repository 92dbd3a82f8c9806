"""Reading camt.053: two versions, batches, reversals, and every reason to refuse a file."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycamt.parser import Camt053Parser

from ledger.payments.bank_files import LARGEST_FILE_BYTES
from ledger.payments.camt import read_file
from ledger.rules import LedgerRule as Code
from settlement.datasets.bank import Payment, StatementHead, statement_xml
from tests.ledger.bank import IBAN, PAYER, Entry, File, payment
from tests.ledger.rules import rule_of

LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
FETCHED = '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/hostname">]>'


def whole(content: bytes):
    """Return the statements of a file of which nothing is left out, as they would be stored."""
    file = read_file(content)
    assert (file.findings, file.notes) == ([], [])
    return [statement.as_statement(statement.account) for statement in file.statements]


def findings(content: bytes):
    return read_file(content).findings


@pytest.mark.parametrize("version", ["02", "04", "08", "13"])
def test_an_entry_is_read_in_every_version(version):
    form = "02" if version == "02" else "08"
    details = payment(form, text="Invoice  gb12-invoice-000001", reference="RF18")
    (found,) = whole(File([Entry(details=details)], version=version).xml())
    assert (found.identification, found.sequence_number, found.account) == ("S-1", 1, IBAN)
    assert (found.opening_minor, found.closing_minor, found.currency) == (100_000, 112_000, "GBP")
    (one,) = found.transactions
    assert (one.entry, one.part, one.amount_minor) == (1, 1, 12_000)
    assert (one.booked_on, one.value_on) == (dt.date(2024, 2, 20), dt.date(2024, 2, 19))
    assert (one.counterparty, one.counterparty_account) == ("Cedar Limited", PAYER)
    assert (one.reference, one.remittance) == ("RF18", "Invoice gb12-invoice-000001")
    assert (one.end_to_end, one.bank_reference) == ("", "REF1")


def test_amounts_count_the_minor_units_of_their_currency():
    content = File([Entry(details=payment())]).xml().replace(b"GBP", b"JPY")
    (found,) = whole(content)
    assert (found.opening_minor, found.closing_minor, found.currency) == (1_000, 1_120, "JPY")
    assert [one.amount_minor for one in found.transactions] == [120]
    refused = findings(content.replace(b">120.00<", b">120.50<"))
    assert refused[0].code == Code.STATEMENT_FIELD_IS_MISSING.name
    assert "amount without decimals, found '120.50'" in str(refused[0])


def test_a_prefix_of_the_namespace_changes_nothing():
    plain = File().xml().decode()
    prefixed = plain.replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?")
    prefixed = prefixed.replace("xmlns=", "xmlns:c=")
    assert whole(prefixed.encode()) == whole(plain.encode())


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_batch_is_read_payment_by_payment(version):
    details = payment(version, amount="100.00", text="a") + payment(
        version, amount="20.00", text="b"
    )
    (found,) = whole(File([Entry(details=details)], version=version).xml())
    assert [(one.part, one.amount_minor, one.remittance) for one in found.transactions] == [
        (1, 10_000, "a"),
        (2, 2_000, "b"),
    ]


def test_a_batch_without_amounts_is_one_payment_that_names_all():
    details = payment(text="gb12-invoice-000001") + payment(text="gb12-invoice-000002")
    (found,) = whole(File([Entry(details=details)]).xml())
    (one,) = found.transactions
    assert one.amount_minor == 12_000
    assert one.remittance == "gb12-invoice-000001 gb12-invoice-000002"


def test_a_debit_goes_out_and_its_other_side_is_the_creditor():
    entry = Entry(side="DBIT", details=payment(side="Cdtr"))
    (found,) = whole(File([entry], closing="880.00").xml())
    (one,) = found.transactions
    assert (one.amount_minor, one.counterparty_account) == (-12_000, PAYER)


def test_a_reversal_of_a_credit_goes_out_and_names_who_had_paid():
    entry = Entry(side="DBIT", reversal="<RvslInd>true</RvslInd>", details=payment())
    (found,) = whole(File([entry], closing="880.00").xml())
    (one,) = found.transactions
    assert (one.amount_minor, one.is_reversal, one.counterparty_account) == (-12_000, True, PAYER)


def test_a_balance_carried_over_opens_a_statement_and_an_overdraft_is_below_zero():
    (found,) = whole(File(opens="PRCD", opening="-100.00", closing="20.00").xml())
    assert (found.opening_minor, found.closing_minor) == (-10_000, 2_000)


REFUSED = {
    "no xml": (b"12;34", {Code.STATEMENT_IS_UNREADABLE}),
    "cut off": (File().xml()[:-20], {Code.STATEMENT_IS_UNREADABLE}),
    "another message": (
        File().xml().replace(b"camt.053", b"camt.054"),
        {Code.STATEMENT_IS_UNREADABLE},
    ),
    "no statement": (
        File().xml().replace(b"Stmt>", b"Rpt>"),
        {Code.STATEMENT_IS_UNREADABLE},
    ),
    "entities that grow": (File(prologue=LAUGHS, iban="&c;").xml(), {Code.STATEMENT_IS_UNREADABLE}),
    "an external entity": (
        File(prologue=FETCHED, iban="&file;").xml(),
        {Code.STATEMENT_IS_UNREADABLE},
    ),
    "too large": (b" " * (LARGEST_FILE_BYTES + 1), {Code.STATEMENT_IS_UNREADABLE}),
    "balances that differ": (File(closing="1120.01").xml(), {Code.STATEMENT_DOES_NOT_ADD_UP}),
    "no closing balance": (
        File().xml().replace(b"CLBD", b"ITBD"),
        {Code.STATEMENT_FIELD_IS_MISSING},
    ),
    "pending": (File([Entry(status="PDNG")]).xml(), {Code.ENTRY_IS_NOT_BOOKED}),
    "no status": (File([Entry(status="")]).xml(), {Code.ENTRY_IS_NOT_BOOKED}),
    "no identification": (
        File(head="<ElctrncSeqNb>1</ElctrncSeqNb>").xml(),
        {Code.STATEMENT_FIELD_IS_MISSING},
    ),
    "no side": (File([Entry(side="")]).xml(), {Code.STATEMENT_FIELD_IS_MISSING}),
    "three decimals": (
        File([Entry(amount="120.001")]).xml(),
        {Code.STATEMENT_FIELD_IS_MISSING},
    ),
    "an amount in words": (
        File([Entry(amount="-120")]).xml(),
        {Code.STATEMENT_FIELD_IS_MISSING},
    ),
    "no day": (File([Entry(booked="")]).xml(), {Code.STATEMENT_FIELD_IS_MISSING}),
    "a batch that does not add up": (
        File([Entry(details=payment(amount="100.00") + payment(amount="20.01"))]).xml(),
        {Code.ENTRY_DOES_NOT_ADD_UP},
    ),
    "several things at once": (
        File([Entry(status="XXXX"), Entry(side="")], closing="one").xml(),
        {Code.ENTRY_IS_NOT_BOOKED, Code.STATEMENT_FIELD_IS_MISSING},
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_is_refused_with_every_reason(what):
    content, codes = REFUSED[what]
    refusals = findings(content)
    assert {rule_of(refusal) for refusal in refusals} == codes
    assert all(refusal.place and refusal.value for refusal in refusals)


def test_a_refusal_shows_what_was_found_on_one_short_line():
    for content in (File([Entry("9" * 5000)]).xml(), File([Entry("1.00\0")]).xml()):
        (found, *_) = findings(content)
        assert len(found.value) < 300
        assert "\n" not in found.value


def test_a_refusal_names_the_entry():
    refusals = findings(File([Entry(), Entry(status="PDNG")], closing="1240.00").xml())
    assert [refusal.place for refusal in refusals] == ["statement S-1, entry 2"]


def test_nothing_is_fetched_into_what_is_read():
    assert read_file(File(prologue=FETCHED, iban="&file;").xml()).statements == []


amounts = st.integers(1, 10**11).flatmap(lambda n: st.sampled_from([n, -n]))
names = st.text("abcdef -/.0123456789", max_size=40)


@given(st.lists(st.tuples(amounts, names), max_size=8), st.integers(-(10**9), 10**9))
def test_what_is_written_is_read_and_another_reader_reads_the_same(drawn, opening_minor):
    day = dt.date(2024, 3, 1)
    entries = [[Payment(amount, day, "Cedar", PAYER, text)] for amount, text in drawn]
    head = StatementHead("S-9", 9, IBAN, "GBP", opening_minor, day)
    content = statement_xml(head, entries)
    (found,) = whole(content)
    assert [one.amount_minor for one in found.transactions] == [amount for amount, _ in drawn]
    assert [one.remittance for one in found.transactions] == [" ".join(t.split()) for _, t in drawn]
    judged = Camt053Parser(content).get_transactions()
    signs = {"CRDT": 1, "DBIT": -1}
    assert [one.amount_minor for one in found.transactions] == [
        signs[one["CreditDebitIndicator"]] * int(one["Amount"].replace(".", "")) for one in judged
    ]
