"""Rounding, kinds of document and the rules of invoice drafts, a row a code."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.invoice import (
    DocumentKind,
    Family,
    Totals,
    document_kind,
    round_half_away,
    totals,
)
from ledger.invoice_checks import check_invoices
from ledger.rules import LedgerRule
from tests.ledger.drafts import CHARGE, OPERATOR, PARTY, invoice, line
from tests.ledger.rules import rule_of

PENNY = 10_000
amounts = st.integers(-(10**15), 10**15)


@given(amounts, st.integers(1, 10**6))
def test_rounding_is_to_the_nearest_with_halves_away_from_zero(value, divisor):
    rounded = round_half_away(value, divisor)
    error = abs(Fraction(value, divisor) - rounded)
    assert error <= Fraction(1, 2)
    if error == Fraction(1, 2):
        assert abs(rounded) > abs(Fraction(value, divisor))
    assert round_half_away(-value, divisor) == -rounded


@given(st.lists(amounts, min_size=1, max_size=12), st.sampled_from([0, 50_000, 200_000]))
def test_rounding_never_adds_up_over_documents(movements, tax_rate_ppm):
    billed_micro = billed_minor = rounding_micro = 0
    for amount_micro in movements:
        document = totals(amount_micro, billed_micro, billed_minor, PENNY, tax_rate_ppm)
        assert document.amount_micro + document.rounding_micro == document.net_minor * PENNY
        assert document.due_minor == document.net_minor + document.tax_minor
        assert abs(document.rounding_micro) <= PENNY
        billed_micro += amount_micro
        billed_minor += document.net_minor
        rounding_micro += document.rounding_micro
    assert billed_minor == round_half_away(sum(movements), PENNY)
    assert abs(rounding_micro) <= PENNY // 2


def test_the_worked_example_of_the_module():
    invoice_totals = totals(1_234_500, 0, 0, PENNY, 0)
    debit_totals = totals(1_000, 1_234_500, 123, PENNY, 0)
    credit_totals = totals(-1_235_500, 1_235_500, 124, PENNY, 0)
    assert invoice_totals == Totals(1_234_500, -4_500, 123, 0, 123)
    assert debit_totals == Totals(1_000, 9_000, 1, 0, 1)
    assert credit_totals == Totals(-1_235_500, -4_500, -124, 0, -124)


def test_tax_is_on_the_rounded_net():
    assert totals(10_005_000, 0, 0, PENNY, 200_000) == Totals(10_005_000, 5_000, 1_001, 200, 1_201)


@pytest.mark.parametrize(
    ("family", "is_first", "amount_micro", "kind"),
    [
        (Family.INVOICE, True, 5, DocumentKind.INVOICE),
        (Family.INVOICE, True, -5, DocumentKind.INVOICE),
        (Family.INVOICE, False, -5, DocumentKind.CREDIT_NOTE),
        (Family.INVOICE, False, 5, DocumentKind.DEBIT_NOTE),
        (Family.INVOICE, False, 0, DocumentKind.DEBIT_NOTE),
        (Family.SELF_BILLED, True, -5, DocumentKind.SELF_BILLED_INVOICE),
        (Family.SELF_BILLED, False, 5, DocumentKind.SELF_BILLED_CREDIT_NOTE),
        (Family.SELF_BILLED, False, -5, DocumentKind.SELF_BILLED_DEBIT_NOTE),
    ],
)
def test_kind_of_document(family, is_first, amount_micro, kind):
    assert document_kind(family, is_first=is_first, amount_micro=amount_micro) is kind


LINE = line(CHARGE, 5_000)
GOOD = invoice(LINE)
REFUSED = [
    (LedgerRule.NAME_IS_MALFORMED, replace(GOOD, participant="a b"), "'a b'"),
    (LedgerRule.NAME_IS_MALFORMED, invoice(replace(LINE, kind="")), "kind ''"),
    (LedgerRule.DIGEST_IS_MALFORMED, invoice(replace(LINE, rule_digests=(b"x",))), "b'x'"),
    (LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, invoice(replace(LINE, amount_micro=1.5)), "1.5"),
    (LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, invoice(replace(LINE, amount_micro=None)), "None"),
    (LedgerRule.AMOUNT_IS_OUT_OF_RANGE, invoice(replace(LINE, quantity=2**63)), str(2**63)),
    (
        LedgerRule.MONTH_IS_MALFORMED,
        replace(GOOD, billing_month=dt.date(2024, 1, 2)),
        "2024-01-02",
    ),
    (LedgerRule.CURRENCY_IS_UNKNOWN, replace(GOOD, currency="XXX"), "XXX"),
    (LedgerRule.PAYMENT_TERM_IS_OUT_OF_RANGE, replace(GOOD, payment_term_days=-1), "-1 days"),
    (LedgerRule.TAX_IS_UNKNOWN, replace(GOOD, tax_category="AA"), "AA"),
    (LedgerRule.TAX_IS_UNKNOWN, replace(GOOD, tax_rate_ppm=1), "rate 1 ppm"),
    (
        LedgerRule.PARTY_IS_INCOMPLETE,
        replace(GOOD, seller=replace(OPERATOR, legal_name=" ")),
        "seller's legal_name",
    ),
    (LedgerRule.PARTY_IS_INCOMPLETE, replace(GOOD, buyer=replace(PARTY, postcode="")), "postcode"),
    (LedgerRule.PARTY_IS_INCOMPLETE, replace(GOOD, tax_note=""), "tax_note"),
    (LedgerRule.LINE_IS_INCOMPLETE, invoice(replace(LINE, quantity_unit=None)), "None"),
    (LedgerRule.LINE_IS_INCOMPLETE, invoice(replace(LINE, description=" ")), "' '"),
    (LedgerRule.QUALITY_IS_UNKNOWN, invoice(replace(LINE, quality="guessed")), "'guessed'"),
    (LedgerRule.QUALITY_IS_UNKNOWN, invoice(replace(LINE, quality="none")), "quantity 1000"),
    (LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, invoice(replace(LINE, estimated_quantity=1.5)), "1.5"),
]


@pytest.mark.parametrize(("code", "draft", "value"), REFUSED, ids=lambda part: str(part)[:40])
def test_each_rule_refuses_with_its_code_and_the_value(code, draft, value):
    refusals = check_invoices([draft])
    assert [rule_of(refusal) for refusal in refusals] == [code]
    assert value in refusals[0].value


def test_good_drafts_are_accepted_and_repeated_ones_are_not():
    assert check_invoices([GOOD, replace(GOOD, family=Family.SELF_BILLED)]) == []
    assert [rule_of(refusal) for refusal in check_invoices([GOOD, GOOD])] == [
        LedgerRule.DRAFT_IS_REPEATED
    ]
    taxed = replace(GOOD, tax_category="S", tax_rate_ppm=200_000)
    assert check_invoices([taxed]) == []


def test_tax_is_due_on_all_but_untaxed_lines_rounded_on_their_running_total():
    first = totals(1_004_000, 0, 0, PENNY, 200_000, untaxed_micro=504_000)
    assert (first.net_minor, first.tax_minor) == (100, 10)  # of 100 less 50
    note = totals(8_000, 1_004_000, 100, PENNY, 200_000, 8_000, 504_000)
    assert (note.net_minor, note.tax_minor) == (1, 0)  # one more penny, and it is untaxed


def test_a_line_has_the_category_of_its_document_or_is_exempt():
    for category, expected in ((None, []), ("E", []), ("S", [LedgerRule.TAX_IS_UNKNOWN])):
        draft = invoice(replace(line(CHARGE, 5), tax_category=category))
        assert [rule_of(refusal) for refusal in check_invoices([draft])] == expected
