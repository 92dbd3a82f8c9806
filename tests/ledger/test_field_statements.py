"""Bank files of the field on PostgreSQL: what is imported, what is left out and named.

A row a case; each is a file that banks send and that could not get in, or a neighbour of one.
"""

import datetime as dt

import pytest
from sqlalchemy import text

from common.refusals import Refused
from ledger.payments import queries
from ledger.payments.import_file import BankAccount, import_file
from ledger.payments.verification import verify_payments
from ledger.verification import verify
from tests.ledger.bank import IBAN, PAYER
from tests.ledger.camt_files import (
    OTHER,
    amount,
    balance,
    details,
    entry,
    gzipped,
    message,
    page,
    statement,
    zip_of,
    zipped,
)
from tests.ledger.drafts import MARKET, SUPPLIER
from tests.ledger.test_payments import INVOICE, bill

NAMES = frozenset({"TSBX00123412345678", "00123412345678"})
ACCOUNT = BankAccount(MARKET, IBAN, "GBP", {PAYER: frozenset({SUPPLIER})}, NAMES)


@pytest.fixture
def billed(session, now):
    bill(session, now, 200_000, 49_001)
    return session


class Bank:
    """What a test imports, and asks of it."""

    def __init__(self, session, now, account=ACCOUNT):
        self.session, self.now, self.account = session, now, account

    def take(self, content, **more):
        self.now += dt.timedelta(minutes=1)
        imported = import_file(
            self.session, self.account, "s", content, received_by="bea", now=self.now, **more
        )
        self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        self.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        assert [*verify(self.session), *verify_payments(self.session)] == []
        return imported

    def refused(self, content, **more):
        """Return what a file is refused with; nothing of it is stored."""
        before = self.amounts()
        with pytest.raises(Refused) as raised:
            self.take(content, **more)
        assert self.amounts() == before
        return [str(finding) for finding in raised.value.findings]

    def amounts(self):
        found = queries.decided_transactions(self.session, MARKET)
        return [payment.transaction.amount_minor for payment in found]

    def paid(self, document=INVOICE):
        found = queries.documents(self.session, MARKET)
        return next(each.paid_minor for each in found if each.name == document)

    def waiting(self):
        return [
            (payment.rest_minor, payment.latest.reason)
            for payment in queries.queue(self.session, MARKET)
        ]


@pytest.fixture
def bank(billed, now):
    """The account, two years later: after every day that the statements here tell of."""
    return Bank(billed, now + dt.timedelta(days=731))


def notes(imported):
    return [str(note) for note in imported.notes]


FIRST = statement("S-1", "0.00", "50.00", entry("50.00"))


# Several accounts, 03


def test_statements_of_other_accounts_are_left_out_and_named(bank):
    other = statement("OTHER-1", "5.00", "5.00", account=OTHER)
    imported = bank.take(message(other, FIRST))
    assert [row.identification for row in imported.statements] == ["S-1"]
    (note,) = notes(imported)
    assert note.startswith("statement OTHER-1: left out: it is of account GB33BUKB20201555555555")


def test_nothing_of_another_account_is_judged(bank):
    broken = statement("OTHER-1", "5.00", "9.00", entry("x"), account=OTHER, number=None)
    assert bank.take(message(broken, FIRST)).statements


def test_the_same_account_in_another_currency_is_left_out_and_named(bank):
    euro = statement("EUR-1", "5.00", "5.00", currency="EUR")
    (note,) = notes(bank.take(message(euro, FIRST)))
    assert "it is of the account in EUR, not in GBP" in note


def test_two_statements_of_the_account_in_one_file_are_both_imported_in_any_order(bank):
    second = statement("S-2", "50.00", "70.00", entry("20.00"), on="2024-03-02", number=2)
    imported = bank.take(message(second, FIRST))
    assert [row.identification for row in imported.statements] == ["S-1", "S-2"]


def test_a_file_for_other_accounts_alone_is_the_wrong_file(bank):
    (told,) = bank.refused(message(statement("OTHER-1", "5.00", "5.00", account=OTHER)))
    assert "GB33BUKB20201555555555, not GB50TSBX00123412345678" in told


def test_one_file_serves_two_markets(billed, now):
    other = statement("OTHER-1", "5.00", "5.00", account=OTHER)
    content = message(other, FIRST)
    Bank(billed, now).take(content)
    second = BankAccount("other", "GB33BUKB20201555555555", "GBP", {})
    imported = Bank(billed, now + dt.timedelta(hours=1), second).take(content)
    assert [row.name for row in imported.statements] == ["other-bank-000001"]


def test_a_market_that_changed_its_account_takes_what_was_left_out_of_a_file(billed, now):
    content = message(statement("OTHER-1", "5.00", "5.00", account=OTHER), FIRST)
    Bank(billed, now).take(content)
    changed = BankAccount(MARKET, "GB33BUKB20201555555555", "GBP", {})
    bank = Bank(billed, now + dt.timedelta(hours=1), changed)
    assert [row.identification for row in bank.take(content).statements] == ["OTHER-1"]
    assert bank.take(content).is_repeat
    assert Bank(billed, now + dt.timedelta(hours=2)).take(content).is_repeat


# Charges, 04 and 05

CHARGED = amount("26.00") + "<CdtDbtInd>DBIT</CdtDbtInd>"
RECORD = f"<Chrgs><Rcrd>{CHARGED}</Rcrd></Chrgs>"
TOTAL = f"<Chrgs>{amount('26.00', tag='TtlChrgsAndTaxAmt')}</Chrgs>"
TWO = details(INVOICE, value="1000.00") + details(INVOICE, value="500.00")
OF_ONE = f"<Chrgs><Rcrd>{amount('13.00')}<CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>"


def _instructed(value):
    return f"<AmtDtls><InstdAmt>{amount(value)}</InstdAmt></AmtDtls>"


INSTRUCTED = _instructed("1500.00")
CHARGES = {
    "of a batch, with a total": (TWO, f"<Chrgs>{TOTAL[7:-8]}<Rcrd>{CHARGED}</Rcrd></Chrgs>"),
    "of a batch, the total alone": (TWO, TOTAL),
    "of a batch, as version 02 has them": (TWO, f"<Chrgs>{CHARGED}</Chrgs>"),
    "of each payment of a batch": (
        details(INVOICE, value="1000.00", extra=OF_ONE)
        + details(INVOICE, value="500.00", extra=OF_ONE),
        "",
    ),
    "of a batch, with the tax on them": (
        TWO,
        f"<Chrgs>{TOTAL[7:-8]}<Rcrd>{amount('20.00')}<CdtDbtInd>DBIT</CdtDbtInd>"
        f"<Tax>{amount('6.00')}</Tax></Rcrd></Chrgs>",
    ),
    "of each payment of a batch, as they were instructed": (
        details(INVOICE, value="987.00", extra=f"{_instructed('1000.00')}{OF_ONE}")
        + details(INVOICE, value="487.00", extra=f"{_instructed('500.00')}{OF_ONE}"),
        "",
    ),
    "of one payment": (details(INVOICE, value="1500.00"), RECORD),
    "of one payment, stated with it": (details(INVOICE, value="1500.00", extra=RECORD), ""),
    "of one payment, as it was instructed": (
        details(INVOICE, value="1474.00", extra=INSTRUCTED), RECORD,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHARGES)
def test_charges_are_an_item_of_their_own_and_the_payments_count_whole(bank, what):
    inner, extra = CHARGES[what]
    bank.take(message(statement("S-1", "0.00", "1474.00", entry("1474.00", inner, extra=extra))))
    assert bank.paid() == 150_000
    assert bank.waiting() == [(-2_600, "charges that the bank deducted")]
    assert sum(bank.amounts()) == 147_400


def test_charges_of_a_payment_that_went_out_come_on_top(bank):
    inner = details("what we owe", value="-1000.00")
    bank.take(message(statement("S-1", "0.00", "-1026.00", entry("-1026.00", inner, extra=RECORD))))
    assert bank.amounts() == [-100_000, -2_600]


def test_charges_that_are_booked_apart_change_nothing(bank):
    entries = (entry("1500.00", TWO, extra=RECORD), entry("-26.00", details("fees")))
    bank.take(message(statement("S-1", "0.00", "1474.00", *entries)))
    assert bank.amounts() == [100_000, 50_000, -2_600]


def test_charges_that_do_not_explain_the_rest_are_refused(bank):
    content = message(statement("S-1", "0.00", "1470.00", entry("1470.00", TWO, extra=RECORD)))
    (told,) = bank.refused(content)
    assert "2 payments sum to 1,500.00 GBP, the entry is 1,470.00 GBP" in told
    assert "its charges do not explain the rest" in told


# Batches that do not say what each payment came to

ELSE = "GB33BUKB20201555555555"


def test_payments_of_several_payers_without_amounts_are_matched_only_where_all_is_paid(bank):
    """Else the money of who names nothing would pay what the other names."""
    inner = details(INVOICE) + details("thanks", account=ELSE)
    bank.take(message(statement("S-1", "0.00", "300.00", entry("300.00", inner))))
    assert bank.paid() == 0
    assert bank.waiting() == [
        (30_000, "payments of several payers, and the bank gives their sum alone")
    ]


def test_payments_of_one_payer_without_amounts_pay_what_they_name(bank):
    inner = details(INVOICE) + details("thanks")
    bank.take(message(statement("S-1", "0.00", "300.00", entry("300.00", inner))))
    assert bank.paid() == 30_000


def test_payments_that_are_paid_whole_need_no_amounts(bank):
    inner = details(INVOICE) + details(INVOICE, account=ELSE)
    bank.take(message(statement("S-1", "0.00", "2000.00", entry("2000.00", inner))))
    assert bank.paid() == 200_000


def test_payments_in_another_currency_count_by_what_they_came_to(bank):
    def paid(words, euro, pounds, account):
        counter = f"<AmtDtls><CntrValAmt>{amount(pounds)}</CntrValAmt></AmtDtls>"
        stated = f"{amount(euro, 'EUR')}<CdtDbtInd>CRDT</CdtDbtInd>{counter}"
        return details(words, extra=stated, account=account)

    inner = paid(INVOICE, "120.00", "100.00", PAYER) + paid("thanks", "240.00", "200.00", ELSE)
    bank.take(message(statement("S-1", "0.00", "300.00", entry("300.00", inner))))
    assert (bank.paid(), bank.amounts()) == (10_000, [10_000, 20_000])


# Entries that are not booked, 06


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_what_is_not_booked_is_left_out_and_named_where_the_balances_hold_without(bank, status):
    unbooked = entry("7.00", status=status)
    imported = bank.take(message(statement("S-1", "0.00", "10.00", entry("10.00"), unbooked)))
    assert bank.amounts() == [1_000]
    (note,) = notes(imported)
    assert note.startswith("statement S-1, entry 2: left out: 7.00 GBP")
    assert f"({status})" in note


def test_what_is_not_booked_may_be_unreadable(bank):
    vague = entry("7.00", status="PDNG").replace("<BookgDt><Dt>2024-03-01</Dt></BookgDt>", "")
    vague = vague.replace("7.00", "about 7")
    assert bank.take(message(statement("S-1", "0.00", "10.00", entry("10.00"), vague))).statements


def test_a_balance_that_counts_what_is_not_booked_is_refused(bank):
    unbooked = entry("7.00", status="PDNG")
    (told,) = bank.refused(message(statement("S-1", "0.00", "17.00", entry("10.00"), unbooked)))
    assert "PDNG of 7.00 GBP, which the closing balance counts" in told


# Accounts without IBAN, 07

NATIONAL = {
    "sort code and number": ("<Othr><Id>00123412345678</Id></Othr>", ""),
    "with dashes and blanks": ("<Othr><Id>00-12-34 12345678</Id></Othr>", ""),
    "with the bank's letters": ("<Othr><Id>TSBX00123412345678</Id></Othr>", ""),
    "the sort code with the bank": (
        "<Othr><Id>12345678</Id></Othr>",
        "<Svcr><FinInstnId><ClrSysMmbId><MmbId>001234</MmbId></ClrSysMmbId></FinInstnId></Svcr>",
    ),
    "an IBAN under another name": (f"<Othr><Id>{IBAN}</Id></Othr>", ""),
}


@pytest.mark.parametrize("what", NATIONAL)
def test_an_account_goes_by_its_national_number_and_is_stored_under_one(bank, what):
    account, servicer = NATIONAL[what]
    content = message(statement("S-1", "0.00", "0.00", account=account, servicer=servicer))
    (row,) = bank.take(content).statements
    assert row.account == IBAN


def test_an_account_that_is_registered_without_iban(billed, now):
    account = BankAccount(MARKET, "00123412345678", "GBP", {})
    content = message(
        statement("S-1", "0.00", "0.00", account="<Othr><Id>00123412345678</Id></Othr>")
    )
    (row,) = Bank(billed, now, account).take(content).statements
    assert row.account == "00123412345678"


def test_an_account_that_is_not_stated_is_missing(bank):
    told = bank.refused(message(statement("S-1", "0.00", "0.00", account="<Othr/>")))
    assert ["no Acct/Id/IBAN or Acct/Id/Othr/Id" in each for each in told] == [True]


def test_a_payer_goes_by_its_national_number_too(billed, now):
    owners = {"00000003391422946": frozenset({SUPPLIER})}
    inner = details().replace(f"<IBAN>{PAYER}</IBAN>", "<Othr><Id>000000 0339-1422946</Id></Othr>")
    bank = Bank(billed, now, BankAccount(MARKET, IBAN, "GBP", owners))
    bank.take(message(statement("S-1", "0.00", "2000.00", entry("2000.00", inner))))
    assert bank.paid() == 200_000


# Numbers of statements, 08 and 31b


def test_a_statement_needs_no_number_where_its_balance_follows(bank):
    bank.take(message(statement("S-1", "0.00", "50.00", entry("50.00"), number=None)))
    bank.take(message(statement("S-2", "50.00", "50.00", on="2024-03-02", number=None)))
    bank.take(message(statement("S-3", "50.00", "50.00", on="2024-03-03", number=7)))
    rows = queries.statements(bank.session, MARKET)
    assert [row.sequence_number for row in rows] == [7, None, None]


def test_without_number_a_balance_that_does_not_follow_is_refused(bank):
    bank.take(message(FIRST))
    (told,) = bank.refused(message(statement("S-2", "51.00", "51.00", number=None)))
    assert (
        "it opens on 2024-03-01 with 51.00 GBP, where S-1 closed on 2024-03-01 with 50.00" in told
    )
    assert "any statement of the bank does" in told


@pytest.mark.parametrize("number", [5, 1, 0])
def test_a_number_that_skips_or_comes_again_is_named(bank, number):
    bank.take(message(FIRST))
    later = statement("S-2", "50.00", "50.00", on="2024-03-02", number=number)
    (note,) = notes(bank.take(message(later)))
    assert f"its number is {number}, after 1 of S-1; the balances follow" in note


def test_an_identification_may_come_again_in_another_year(bank):
    bank.take(message(statement("001", "0.00", "0.00", on="2024-12-31", number=23)))
    again = statement("001", "0.00", "1.00", entry("1.00"), on="2025-01-02", number=1)
    imported = bank.take(message(again))
    assert (len(imported.statements), imported.notes) == (1, ())


def test_an_identification_that_never_changes(bank):
    bank.take(message(statement("X", "0.00", "1.00", entry("1.00"), number=None)))
    second = statement("X", "1.00", "2.00", entry("1.00"), on="2024-03-02", number=None)
    assert not bank.take(message(second)).is_repeat
    other = statement("X", "0.00", "3.00", entry("3.00"), number=None)
    (told,) = bank.refused(message(other))
    assert "another as gb12-bank-000001: it closes with 3.00 GBP, not 1.00 GBP" in told


# Pages, 10

PAGES = (
    statement(
        "S-1", "", "", entry("10.00", details("a")), page=page(1, last=False),
        balances=balance("OPBD", "0.00", "2024-03-01") + balance("ITBD", "10.00", "2024-03-01"),
    ),
    statement(
        "S-1", "", "", entry("20.00", details("b")), page=page(2, last=True),
        balances=balance("ITBD", "10.00", "2024-03-01") + balance("CLBD", "30.00", "2024-03-01"),
    ),
)  # fmt: skip
WHOLE = balance("OPBD", "0.00", "2024-03-01") + balance("CLBD", "30.00", "2024-03-01")
ITBD, INTERIM = "<Cd>ITBD</Cd></CdOrPrtry>", "<SubTp><Cd>INTM</Cd></SubTp>"
JOINED = {
    "in one file": message(*PAGES),
    "in the other order": message(*PAGES[::-1]),
    "a file each, in a zip": zipped(b__xml=message(PAGES[1]), a__xml=message(PAGES[0])),
    "one of them twice": message(*PAGES, PAGES[1]),
    "balances of the whole on each": message(
        *(
            statement(
                "S-1", "", "", entry(value), page=page(number, last=number == 2), balances=WHOLE
            )
            for number, value in ((1, "10.00"), (2, "20.00"))
        )
    ),
    "interim balances under the booked codes": message(
        PAGES[0].replace(ITBD, ITBD.replace("ITBD", "CLBD") + INTERIM),
        PAGES[1].replace(ITBD, ITBD.replace("ITBD", "OPBD") + INTERIM),
    ),
    "without numbers": message(*(each.replace("StmtPgntn", "Unknown") for each in PAGES)),
    "pages of the message": zip_of(
        {
            f"{number}.xml": message(
                PAGES[number - 1].replace("StmtPgntn", "Unknown"),
                head=f"<MsgPgntn><PgNb>{number}</PgNb><LastPgInd>{str(number == 2).lower()}"
                "</LastPgInd></MsgPgntn>",
            )
            for number in (1, 2)
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", JOINED)
def test_pages_of_a_statement_are_joined(bank, what):
    (row,) = bank.take(JOINED[what]).statements
    assert (row.opening_minor, row.closing_minor, row.transaction_count) == (0, 3_000, 2)
    assert bank.amounts() == [1_000, 2_000]


def test_a_page_that_is_missing_is_named(bank):
    (told,) = bank.refused(message(PAGES[0]))
    assert (
        "all pages of a statement come in one file, each once, found a statement without what "
        "follows page 1" in told
    )
    (told,) = bank.refused(message(PAGES[1]))
    assert "found a statement without page 1" in told
    assert "one zip file" in told


def test_a_page_twice_with_other_content_is_refused(bank):
    other = PAGES[1].replace("20.00", "21.00")
    assert any("page 2 twice, with other content" in told for told in bank.refused(
        message(*PAGES, other)
    ))  # fmt: skip


def test_a_statement_that_is_whole_on_its_page_is_whole(bank):
    alone = statement("S-1", "0.00", "50.00", entry("50.00"), page=page(1, last=False))
    assert bank.take(message(alone)).statements


# Forms of amounts, 11

AMOUNTS = ["000000000000000010.00", "+10.00", "10", "10.", "10.0000000", "0010.0"]


@pytest.mark.parametrize("written", AMOUNTS)
def test_zeros_before_and_behind_mean_nothing(bank, written):
    bank.take(message(statement("S-1", "0.00", "000000010.00", entry(written))))
    assert bank.amounts() == [1_000]


@pytest.mark.parametrize("written", ["", ".", "1e1", "1,00", "10.001", "1000000000000", "١٠"])
def test_what_is_no_amount_is_named_and_nothing_is_concluded_from_it(bank, written):
    (told,) = bank.refused(message(statement("S-1", "0.00", "10.00", entry(written))))
    assert f"found {written!r}" in told


# One form of an account, 12d


def test_the_same_statement_with_blanks_and_without_counts_once(bank):
    spaced = "<IBAN>GB50 TSBX 0012 3412 3456 78</IBAN>"
    first = bank.take(message(statement("S-1", "0.00", "50.00", entry("50.00"), account=spaced)))
    again = bank.take(message(FIRST, message_id="M2"))
    assert (again.is_repeat, again.statements) == (True, first.statements)
    assert bank.amounts() == [5_000]


def test_the_same_statement_in_composed_letters_and_decomposed_counts_once(bank):
    def exported(words):
        return message(statement("S-1", "0.00", "50.00", entry("50.00", details(words))))

    bank.take(exported("Z\u00fcrich f\u00fcr M\u00e4rz"))
    assert bank.take(exported("Zu\u0308rich fu\u0308r Ma\u0308rz")).is_repeat
    assert bank.amounts() == [5_000]


@pytest.mark.parametrize(
    "written",
    [
        "gb50tsbx00123412345678",
        "GB50\u00a0TSBX\u00a000123412345678",
        "GB50-TSBX-00123412345678",
        "\uff27\uff22\uff15\uff10TSBX00123412345678",
        "GB50\u200bTSBX00123412345678",
    ],
)
def test_an_account_in_any_writing_is_one_account(bank, written):
    content = message(statement("S-1", "0.00", "0.00", account=f"<IBAN>{written}</IBAN>"))
    (row,) = bank.take(content).statements
    assert row.account == IBAN


# Archives, 16

ARCHIVES = {
    "zip": zipped(a__xml=message(FIRST)),
    "gzip": gzipped(message(FIRST)),
    "gzip in zip": zipped(a__gz=gzipped(message(FIRST))),
    "zip in zip": zipped(a__zip=zipped(a__xml=message(FIRST))),
    "an envelope": b"<Envelope>" + message(FIRST).split(b"?>")[1] + b"</Envelope>",
    "white space before": b"\r\n" + message(FIRST),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_statements_are_read_from_what_banks_wrap_them_in(bank, what):
    (row,) = bank.take(ARCHIVES[what]).statements
    assert row.identification == "S-1"


def test_a_zip_of_a_month_is_imported_in_the_order_of_its_days(bank):
    later = statement("S-2", "50.00", "70.00", entry("20.00"), on="2024-03-02", number=2)
    imported = bank.take(zipped(a__xml=message(later), b__xml=message(FIRST)))
    assert [row.identification for row in imported.statements] == ["S-1", "S-2"]


def test_every_member_of_a_zip_is_imported_or_named(bank):
    content = zip_of(
        {
            "1.xml": message(FIRST),
            "1.pdf": b"%PDF-1.7",
            "notice.xml": message(FIRST).replace(b"camt.053", b"camt.054"),
            "empty.xml": b"",
            "__MACOSX/._1.xml": b"\0",
            "readme.txt": b"hello",
            "none.xml": message(),
        }
    )
    named = notes(bank.take(content))
    assert len(named) == 6
    assert "1.pdf: left out: a PDF file" in named
    assert "notice.xml: left out: a message camt.054.001.08, not camt.053" in named


# Words, 17

REFERENCES = {
    "of the structured reference": details(
        structured="<Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf>"
        f"<AddtlRmtInf>{INVOICE}</AddtlRmtInf></Strd>"
    ),
    "of the payment": details().replace(
        "</TxDtls>", f"<AddtlTxInf>{INVOICE}</AddtlTxInf></TxDtls>"
    ),
    "of related remittance": details(extra=f"<RltdRmtInf><RmtId>{INVOICE}</RmtId></RltdRmtInf>"),
    "of a line of a document": details(
        structured=f"<Strd><RfrdDocInf><LineDtls><Id><Nb>{INVOICE}</Nb></Id></LineDtls>"
        "</RfrdDocInf></Strd>"
    ),
    "of the bank's own reference": details().replace(
        "</EndToEndId>", f"</EndToEndId><Prtry><Ref>{INVOICE}</Ref></Prtry>"
    ),
    "as a creditor reference": details(
        structured="<Strd><CdtrRefInf><Ref>RF86GB12INVOICE000001</Ref></CdtrRefInf></Strd>"
    ),
    "as a creditor reference in groups of four": details("RF86 GB12 INVO ICE0 0000 1 for March"),
    "with the dashes of a word processor": details("gb12\u2013invoice\u2013000001"),
    "in wide letters": details("\uff27\uff22\uff11\uff12 INVOICE 000001"),
    "with unseen signs": details("gb12-\u200binvoice-000\u00ad001"),
    "with colons": details("gb12:invoice:#000001"),
    "cut in lines": details(structured=f"<Ustrd>{INVOICE[:9]}</Ustrd><Ustrd>{INVOICE[9:]}</Ustrd>"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFERENCES)
def test_a_number_is_found_in_every_text(bank, what):
    bank.take(message(statement("S-1", "0.00", "20.00", entry("20.00", REFERENCES[what]))))
    assert bank.paid() == 2_000


def test_a_number_is_found_in_what_the_bank_says_of_the_entry_beside_other_words(bank):
    told = entry("20.00", details("thanks"), after=f"<AddtlNtryInf>{INVOICE}</AddtlNtryInf>")
    bank.take(message(statement("S-1", "0.00", "20.00", told)))
    assert bank.paid() == 2_000


def test_what_the_bank_says_of_a_batch_is_not_said_of_each_payment(bank):
    inner = details("for March", value="15.00") + details("for May", value="5.00")
    batch = entry("20.00", inner, after=f"<AddtlNtryInf>{INVOICE}</AddtlNtryInf>")
    bank.take(message(statement("S-1", "0.00", "20.00", batch)))
    assert bank.paid() == 0


# Balances, 22


def test_an_available_balance_closes_where_what_is_booked_comes_to_it(bank):
    balances = balance("OPBD", "0.00", "2024-03-01") + balance("CLAV", "50.00", "2024-03-01")
    imported = bank.take(message(statement("S-1", "", "", entry("50.00"), balances=balances)))
    assert imported.statements[0].closing_minor == 5_000
    assert "which the bank calls available (CLAV)" in notes(imported)[0]


DAYS = {
    "the balance before, and then booked ones": (
        ("PRCD", "0.00", "2024-02-29"), ("CLBD", "10.00", "2024-03-01"),
        ("OPBD", "10.00", "2024-03-02"), ("CLBD", "30.00", "2024-03-02"),
    ),
    "the last one available alone": (
        ("OPBD", "0.00", "2024-03-01"), ("CLBD", "10.00", "2024-03-01"),
        ("OPBD", "10.00", "2024-03-02"), ("CLAV", "30.00", "2024-03-02"),
    ),
    "one of the time between": (
        ("OPBD", "0.00", "2024-03-01"), ("ITBD", "10.00", "2024-03-01"),
        ("ITBD", "10.00", "2024-03-02"), ("CLBD", "30.00", "2024-03-02"),
    ),
    "those that close": (
        ("OPBD", "0.00", "2024-03-01"), ("CLBD", "10.00", "2024-03-01"),
        ("CLBD", "30.00", "2024-03-02"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAYS)
def test_balances_of_days_in_any_form_open_with_the_first_and_close_with_the_last(bank, what):
    balances = "".join(balance(*each) for each in DAYS[what])
    entries = (entry("10.00"), entry("20.00", on="2024-03-02"))
    (row,) = bank.take(message(statement("S-1", "", "", *entries, balances=balances))).statements
    assert (row.opening_minor, row.closing_minor) == (0, 3_000)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("CLAV", "CLAV of 51.00 GBP (available, not booked), where what is booked comes to 50.00"),
        ("ITBD", "ITBD of 51.00 GBP (booked in between, before the day was over)"),
    ],
)
def test_a_balance_that_does_not_close_is_named_with_what_it_is(bank, code, words):
    balances = balance("OPBD", "0.00", "2024-03-01") + balance(code, "51.00", "2024-03-01")
    content = message(statement("S-1", "", "", entry("50.00"), balances=balances))
    (told,) = bank.refused(content)
    assert words in told
    assert "statement of the whole day" in told


def test_balances_of_each_day_open_with_the_first_and_close_with_the_last(bank):
    days = [("2024-03-02", "10.00", "30.00"), ("2024-03-01", "0.00", "10.00")]
    balances = "".join(
        balance("OPBD", opening, on) + balance("CLBD", closing, on) for on, opening, closing in days
    )
    entries = (entry("10.00"), entry("20.00", on="2024-03-02"))
    (row,) = bank.take(message(statement("S-1", "", "", *entries, balances=balances))).statements
    assert (row.opening_minor, row.closing_minor) == (0, 3_000)
    assert (str(row.opened_on), str(row.closed_on)) == ("2024-03-01", "2024-03-02")


# Again, 26

SECOND = statement("S-2", "50.00", "70.00", entry("20.00"), on="2024-03-02", number=2)


def test_a_statement_that_is_there_is_skipped_in_a_new_export(bank):
    bank.take(message(FIRST))
    imported = bank.take(message(FIRST, SECOND, message_id="M2"))
    assert [row.identification for row in imported.statements] == ["S-2"]
    (note,) = notes(imported)
    assert note == (
        "statement S-1: left out: it was imported before, unchanged, as gb12-bank-000001"
    )
    assert bank.amounts() == [5_000, 2_000]


def test_a_statement_that_is_there_with_other_content_is_refused_and_all_with_it(bank):
    bank.take(message(FIRST))
    other = statement("S-1", "0.00", "50.00", entry("50.00", details("y")))
    (told,) = bank.refused(message(other, SECOND, message_id="M2"))
    assert "its 1 payments are not the 1 of before" in told


def test_a_statement_twice_in_one_file_counts_once(bank):
    imported = bank.take(zipped(a__xml=message(FIRST), b__xml=message(FIRST)))
    assert len(imported.statements) == 1
    assert notes(imported) == ["b.xml: statement S-1: left out: it stands in the same file"]


def test_a_statement_under_a_new_name_is_known_by_its_content(bank):
    inout = (entry("50.00"), entry("-50.00"))
    bank.take(message(statement("EXPORT-1", "0.00", "0.00", *inout)))
    again = bank.take(message(statement("EXPORT-2", "0.00", "0.00", *inout)))
    assert again.is_repeat
    assert len(bank.amounts()) == 2


def test_an_export_of_more_days_that_begins_with_known_ones_is_refused(bank):
    inout = (entry("50.00"), entry("-50.00"))
    bank.take(message(statement("D-1", "0.00", "0.00", *inout)))
    more = statement("M-1", "0.00", "9.00", *inout, entry("9.00"), opened_on="2024-03-01",
                     on="2024-03-31")  # fmt: skip
    (told,) = bank.refused(message(more))
    assert "it holds again what gb12-bank-000001 holds" in told


INOUT = (
    entry("50.00", details("Cedar, for January"), reference="R1"),
    entry("-50.00", details("Returned"), reference="R2"),
)
ALTERED = {
    # a statement of the same day that opens as if it followed | what it closes with
    "in other words": ((entry("50.00", details("CEDAR"), reference="R1"), INOUT[1]), "0.00"),
    "in another order": (INOUT[::-1], "0.00"),
    "its first half": (INOUT[:1], "50.00"),
    "and more": ((*INOUT, entry("9.00", reference="R3")), "9.00"),
    "in other words, without references": ((entry("50.00", reference=""), entry("-50.00")), "0.00"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_an_export_that_overlaps_is_known_whatever_it_says(bank, what):
    bank.take(message(statement("D-1", "0.00", "0.00", *INOUT)))
    entries, closing = ALTERED[what]
    (told,) = bank.refused(message(statement("M-1", "0.00", closing, *entries, number=7)))
    assert "it holds again what gb12-bank-000001 holds" in told


def test_an_export_that_overlaps_is_known_between_others_too(bank):
    days = ("2024-03-01", "2024-03-02", "2024-03-03")
    out = statement("D-2", "50.00", "50.00", entry("5.00", on=days[1]),
                    entry("-5.00", on=days[1]), on=days[1])  # fmt: skip
    third = statement("D-3", "50.00", "70.00", entry("20.00", on=days[2]), on=days[2])
    bank.take(message(statement("D-1", "0.00", "50.00", entry("50.00"), on=days[0]), out, third))
    again = statement("M-2", "50.00", "50.00", entry("-5.00", on=days[1]),
                      entry("5.00", on=days[1]), on=days[1], number=9)  # fmt: skip
    (told,) = bank.refused(message(again))
    assert "it holds again what gb12-bank-000002 holds" in told


def test_the_same_amounts_by_other_references_of_the_bank_are_other_payments(bank):
    def both(name):
        return (entry("50.00", reference=f"{name}+"), entry("-50.00", reference=f"{name}-"))

    bank.take(message(statement("D-1", "0.00", "0.00", *both("R1"))))
    bank.take(message(statement("D-2", "0.00", "0.00", *both("R2"), number=2)))
    assert len(bank.amounts()) == 4
    (told,) = bank.refused(message(statement("D-3", "0.00", "0.00", *both("R1"), number=3)))
    assert "it holds again what gb12-bank-000001 and gb12-bank-000002 holds" in told


def test_without_references_what_came_back_may_be_paid_again(bank):
    for number, value in enumerate(("50.00", "-50.00", "50.00"), start=1):
        opening, closing = ("0.00", "50.00") if value == "50.00" else ("50.00", "0.00")
        bank.take(message(statement(f"D-{number}", opening, closing, entry(value), number=number)))
    assert bank.amounts() == [5_000, -5_000, 5_000]


def test_a_reason_does_not_take_a_statement_with_another_opening_balance(bank):
    bank.take(message(FIRST))
    altered = statement("S-7", "10.00", "60.00", entry("50.00", details("x")), number=7)
    (told,) = bank.refused(message(altered), missing="Lost")
    assert "it holds again what gb12-bank-000001 holds" in told


def test_a_bank_account_is_of_one_market(bank, session, now):
    bank.take(message(FIRST))
    for number, names in ((IBAN, NAMES), ("00123412345678", frozenset())):
        other = BankAccount("gb13", number, "GBP", {}, names)
        with pytest.raises(Refused, match="whose statements are imported to gb12"):
            import_file(session, other, "s", message(FIRST), received_by="bea", now=now)


REFERRED = (entry("50.00", reference="A"), entry("-50.00", reference="B"))
CUT = (entry("50.00", details("other words"), reference="A"), entry("-50.00", reference="B"))
BARE = (entry("50.00", details("other words"), reference=""), entry("-50.00", reference=""))
DISAGREE = {
    "of more days": statement("M-1", "0.00", "9.00", *CUT, entry("9.00", reference="C"),
                              opened_on="2024-03-01", on="2024-03-31"),
    "of the same day under another name": statement("M-1", "0.00", "0.00", *CUT, number=2),
    "that lacks one": statement("M-1", "0.00", "41.00", CUT[0], entry("-9.00", reference="C"),
                                on="2024-03-02", opened_on="2024-03-01"),
    "without references": statement("M-1", "0.00", "0.00", *BARE, number=2),
}  # fmt: skip


@pytest.mark.parametrize("what", DISAGREE)
def test_an_export_that_holds_known_payments_in_other_words_is_refused(bank, what):
    """They moved nothing in all, so that the balances alone let them count twice."""
    bank.take(message(statement("D-1", "0.00", "0.00", *REFERRED)))
    (told,) = bank.refused(message(DISAGREE[what]))
    assert "it holds again what gb12-bank-000001 holds" in told


def test_an_export_that_holds_known_payments_before_others_is_refused(bank):
    first = statement("D-1", "0.00", "0.00", *REFERRED)
    second = statement("D-2", "0.00", "7.00", entry("7.00"), on="2024-03-02", number=2)
    bank.take(message(first, second))
    (told,) = bank.refused(message(statement("M-1", "0.00", "0.00", *CUT, number=None)))
    assert "it holds again what gb12-bank-000001 holds" in told


def test_payments_of_the_same_amounts_with_other_references_are_others(bank):
    bank.take(message(statement("D-1", "0.00", "0.00", *REFERRED)))
    others = (entry("50.00", reference="C"), entry("-50.00", reference="D"))
    assert bank.take(message(statement("D-2", "0.00", "0.00", *others, number=2))).statements
    assert bank.amounts() == [5_000, -5_000, 5_000, -5_000]


def test_a_reversal_with_blanks_around_its_sign_takes_back(bank):
    bank.take(message(statement("S-1", "0.00", "100.00", entry("100.00", details(INVOICE)))))
    back = entry("-100.00", details(INVOICE), on="2024-03-02")
    back = back.replace("<Sts>", "<RvslInd> true </RvslInd><Sts>")
    bank.take(message(statement("S-2", "100.00", "0.00", back, on="2024-03-02", number=2)))
    assert (bank.paid(), bank.waiting()) == (0, [])


# What is missing, and how to go on

THIRD = statement("S-3", "80.00", "85.00", entry("5.00"), on="2024-03-04", number=4)


def test_a_statement_of_any_name_and_days_fills_what_is_missing(bank):
    bank.take(message(FIRST))
    assert "where S-1 closed on 2024-03-01 with 50.00 GBP" in bank.refused(message(THIRD))[0]
    fills = statement("REQUEST-77", "50.00", "80.00", entry("30.00", on="2024-03-03"),
                      opened_on="2024-03-02", on="2024-03-03", number=None)  # fmt: skip
    bank.take(message(fills))
    assert bank.take(message(THIRD)).statements


def test_the_missing_one_in_the_same_file_is_found_whatever_the_order(bank):
    bank.take(message(FIRST))
    fills = statement("S-2", "50.00", "80.00", entry("30.00"), on="2024-03-03", number=3)
    imported = bank.take(message(THIRD, fills))
    assert [row.identification for row in imported.statements] == ["S-2", "S-3"]


def test_earlier_statements_may_come_after_later_ones(bank):
    bank.take(message(THIRD))
    earlier = statement("S-2", "50.00", "80.00", entry("30.00"), on="2024-03-03", number=3)
    bank.take(message(earlier, FIRST))
    assert bank.amounts() == [500, 3_000, 5_000]
    bank.take(message(statement("S-4", "85.00", "85.00", on="2024-03-05", number=5)))


def test_a_person_goes_on_without_what_the_bank_cannot_give(bank):
    bank.take(message(FIRST))
    imported = bank.take(message(THIRD), missing="The bank closed its archive; gb12-invoice-000001")
    (row,) = imported.statements
    assert (row.opening_minor, row.closing_minor) == (5_000, 8_500)
    assert bank.waiting()[1] == (3_000, "the bank gave no statement of it")
    (note,) = notes(imported)
    assert "30.00 GBP wait in the queue" in note
    again = bank.take(message(THIRD, message_id="M2"))
    assert again.is_repeat
    late = statement("S-2", "50.00", "80.00", entry("30.00"), on="2024-03-03", number=3)
    assert "gb12-bank-000002 went on without it" in bank.refused(message(late))[0]
    bank.take(message(statement("S-4", "85.00", "85.00", on="2024-03-05", number=5)))


def test_a_reason_does_not_take_what_overlaps(bank):
    bank.take(message(FIRST, SECOND))
    overlapping = statement("M-1", "0.00", "90.00", entry("90.00"), opened_on="2024-03-01",
                            on="2024-03-31")  # fmt: skip
    assert bank.refused(message(overlapping), missing="Lost")


def test_nothing_is_concluded_from_a_statement_that_could_not_be_read(bank):
    broken = statement("S-1", "0.00", "50.00", entry("fifty"))
    (told,) = bank.refused(message(broken, SECOND))
    assert "found 'fifty'" in told
    bank.take(message(FIRST))
    (told,) = bank.refused(message(broken))
    assert "found 'fifty'" in told
    unclosed = FIRST.replace("<Cd>CLBD</Cd>", "<Cd>FWAV</Cd>")
    (told,) = bank.refused(message(unclosed, SECOND))
    assert "no booked closing balance" in told
