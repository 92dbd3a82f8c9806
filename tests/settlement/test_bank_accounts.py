"""Accounts without an IBAN, from the law to the bank's file and to what documents print."""

import datetime as dt

import pytest

from ledger.payments import queries
from settlement.accounts.law import bank_account
from settlement.billing.issuing import issue_month
from settlement.datasets.bank import Payment, StatementHead, statement_xml
from settlement.documents.en16931 import business_terms
from settlement.documents.pdf import page_of
from settlement.documents.render import find_document
from tests.worlds import tiny_market
from tests.worlds.banked import take
from tests.worlds.settled import SETTLED, ingest_tiny, publish_tiny, settle_tiny

OPERATOR = {"sort_code": "00-12-34", "account_number": "12345678"}
CEDAR = {"sort_code": "20 00 00", "account_number": "55779911"}


def national(document):
    """Return a document of the market with accounts as Britain names them."""
    values = document.model_dump(mode="json")
    if document.kind == "settlement-terms":
        del values["operator"]["iban"]
        values["operator"]["national_account"] = OPERATOR
    elif values.get("participant") == "cedar":
        values["national_account"] = CEDAR
    return type(document).model_validate(values)


@pytest.fixture
def billed(session):
    publish_tiny(session, [national(document) for document in tiny_market.documents()])
    ingest_tiny(session)
    settle_tiny(session)
    issue_month(session, "tiny", tiny_market.VALID_FROM, now=SETTLED)
    return session


def test_a_market_without_an_iban_is_paid_by_sort_code_and_number(billed):
    now = SETTLED + dt.timedelta(days=1)
    account = bank_account(billed, "tiny", now)
    assert account.number == "00123412345678"
    open_ones = [each for each in queries.documents(billed, "tiny") if each.due_minor > 0]
    owed = next(each for each in open_ones if each.participant == "cedar")
    head = StatementHead("S-1", 1, "00-12-34 12345678", "GBP", 0, now.date())
    paid = Payment(owed.due_minor, now.date(), "Cedar", "200000 55779911", "thanks")
    (row,) = take(billed, statement_xml(head, [[paid]]), now).statements
    assert row.account == "00123412345678"
    (payment,) = queries.decided_transactions(billed, "tiny")
    assert payment.amounts == {owed.name: owed.due_minor}
    assert payment.latest.method == "account"
    document = find_document(billed, owed.name)
    paid_to = dict(page_of(document)["payment"]["rows"])
    assert (paid_to["Account"], paid_to["Reference"]) == ("account 001234 12345678", owed.name)
    assert business_terms(document)["BT-84"] == "001234 12345678"
