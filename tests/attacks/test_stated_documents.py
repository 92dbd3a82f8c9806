"""An insider issues the documents of a month by the product's functions, with their own account.

Amounts are those of the journals, every digest is right, triggers are on and the log is whole: what
tells is that `verify` drafts each document again from the law and the journals of its issue.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from ledger.invoice import Family, InvoiceDraft, InvoiceLine
from settlement.billing import issuing
from settlement.billing.billed_verification import verify_billed
from settlement.billing.issuing import issue_month
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    RESETTLED,
    SETTLED,
    correct_tiny,
    fill_tiny,
    settle_tiny,
)

MINUTE = dt.timedelta(minutes=1)
THEIRS = "GB50TSBX00123412345678"


@pytest.fixture(scope="module")
def engine(clone_database) -> Iterator:
    """The tiny market, settled and not billed."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        fill_tiny(session)
    yield made
    made.dispose()


@pytest.fixture
def market(engine) -> Iterator[Session]:
    with rolled_back(engine) as session:
        yield session


def of_counted_lines(**changes: object) -> Callable[[InvoiceDraft], InvoiceDraft]:
    """Return what changes the lines of a draft that count what was metered."""

    def change(line: InvoiceLine) -> InvoiceLine:
        return line if line.estimated_quantity is None else replace(line, **changes)

    return lambda draft: replace(draft, lines=tuple(map(change, draft.lines)))


FORGERIES: dict[str, tuple[Callable[[InvoiceDraft], InvoiceDraft], str]] = {
    "the market pays another account": (
        lambda draft: replace(draft, seller=replace(draft.seller, iban=THEIRS)),
        "its seller_iban is",
    ),
    "the market is paid to another account": (
        lambda draft: replace(draft, buyer=replace(draft.buyer, iban=THEIRS)),
        "its buyer_iban is",
    ),
    "another is named": (
        lambda draft: replace(draft, seller=replace(draft.seller, legal_name="Eve Limited")),
        "its seller_legal_name is",
    ),
    "another is written to": (
        lambda draft: replace(draft, buyer=replace(draft.buyer, contact_email="eve@example.com")),
        "its buyer_contact_email is",
    ),
    "it is due at once": (
        lambda draft: replace(draft, payment_term_days=0),
        "its payment_term_days is",
    ),
    "it rests on no run": (lambda draft: replace(draft, run_id=None), "its run_id is"),
    "it counts another quantity": (of_counted_lines(quantity=1), "the quantity of"),
    "it counts another estimate": (
        of_counted_lines(estimated_quantity=1),
        "the estimated_quan",
    ),
    "it cites no clause": (of_counted_lines(clauses=()), "the clauses of"),
    "it cites no rule": (of_counted_lines(rule_digests=()), "the rule_digests of"),
}


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_document_that_states_what_no_law_says_is_named(market, monkeypatch, family, forgery):
    change, words = FORGERIES[forgery]
    honest = issuing.draft_month

    def draft_month(*values, **named):
        drafts = honest(*values, **named)
        return [change(draft) if draft.family is family else draft for draft in drafts]

    monkeypatch.setattr(issuing, "draft_month", draft_month)
    forged = [
        each for each in issue_month(market, "tiny", FIRST_DAY, now=SETTLED).invoices
        if each.row.series == f"tiny-{family}"
    ]  # fmt: skip
    found = list(verify_billed(market))
    assert {finding.place.partition("/")[0] for finding in found} == {
        f"ledger.invoice {each.row.series}-{each.row.number:06}" for each in forged
    }
    assert all(finding.code.startswith("document-") for finding in found)
    assert all(words in finding.value for finding in found)


def test_every_document_of_a_month_that_was_billed_twice_is_drafted_as_it_was_issued(market):
    issue_month(market, "tiny", FIRST_DAY, now=SETTLED)
    correct_tiny(market)
    settle_tiny(market, "SF", now=RESETTLED)
    again = issue_month(market, "tiny", FIRST_DAY, now=RESETTLED + MINUTE)
    assert CORRECTED < RESETTLED
    assert again.invoices
    assert list(verify_billed(market)) == []
