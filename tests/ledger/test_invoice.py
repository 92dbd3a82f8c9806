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
    Subtotal,
    Tax,
    Totals,
    document_kind,
    round_half_away,
    subtotals,
    totals,
)
from ledger.invoice_checks import check_invoices
from ledger.rules import LedgerRule
from tests.ledger.drafts import CHARGE, OPERATOR, PARTY, REVERSE_CHARGE, VAT, invoice, line
from tests.ledger.rules import rule_of

PENNY = 10_000
REDUCED, EXEMPT = Tax("S", 50_000), Tax("E", 0)
TAXES = [VAT, REDUCED, EXEMPT]
amounts = st.integers(-(10**15), 10**15)


@given(amounts, st.integers(1, 10**6))
def test_rounding_is_to_the_nearest_with_halves_away_from_zero(value, divisor):
    rounded = round_half_away(value, divisor)
    error = abs(Fraction(value, divisor) - rounded)
    assert error <= Fraction(1, 2)
    if error == Fraction(1, 2):
        assert abs(rounded) > abs(Fraction(value, divisor))
    assert round_half_away(-value, divisor) == -rounded


movements_of_documents = st.lists(
    st.dictionaries(st.sampled_from(TAXES), amounts, min_size=1), min_size=1, max_size=12
)


@given(movements_of_documents)
def test_rounding_never_adds_up_over_documents(documents):
    billed: dict[Tax, int] = {}
    net_minor = tax_minor = rounding_micro = 0
    for moved in documents:
        stated = subtotals(moved, billed, PENNY)
        document = totals(moved, billed, PENNY)
        assert document.amount_micro == sum(moved.values())
        assert document.net_minor == sum(each.base_minor for each in stated.values())
        assert document.tax_minor == sum(each.tax_minor for each in stated.values())
        assert document.amount_micro + document.rounding_micro == document.net_minor * PENNY
        assert document.due_minor == document.net_minor + document.tax_minor
        for tax, (base_minor, stated_minor) in stated.items():
            # A note's tax may carry a penny of the documents before it, and never two.
            assert abs(stated_minor - Fraction(base_minor * tax.rate_ppm, 1_000_000)) <= 1
        billed = {tax: billed.get(tax, 0) + moved.get(tax, 0) for tax in {*billed, *moved}}
        net_minor += document.net_minor
        tax_minor += document.tax_minor
        rounding_micro += document.rounding_micro
    bases = {tax: round_half_away(amount, PENNY) for tax, amount in billed.items()}
    assert net_minor == sum(bases.values())
    assert tax_minor == sum(
        round_half_away(base * tax.rate_ppm, 1_000_000) for tax, base in bases.items()
    )
    assert 2 * abs(rounding_micro) <= PENNY * len(billed)


@given(movements_of_documents)
def test_notes_that_take_everything_back_leave_nothing(documents):
    billed: dict[Tax, int] = {}
    money = []
    for moved in documents:
        money.append(totals(moved, billed, PENNY))
        billed = {tax: billed.get(tax, 0) + moved.get(tax, 0) for tax in {*billed, *moved}}
    money.append(totals({tax: -amount for tax, amount in billed.items()}, billed, PENNY))
    assert Totals(*(sum(column) for column in zip(*money, strict=True))) == (0, 0, 0, 0, 0)


def test_the_worked_example_of_the_module():
    documents = [
        (Totals(1_234_500, -4_500, 123, 25, 148), 0),
        (Totals(1_000, 9_000, 1, 0, 1), 1_234_500),
        (Totals(-1_235_500, -4_500, -124, -25, -149), 1_235_500),
    ]
    for expected, billed_micro in documents:
        assert totals({VAT: expected.amount_micro}, {VAT: billed_micro}, PENNY) == expected


def test_tax_of_small_documents_is_that_of_their_sum():
    """Of 3 p each, 20 % is 0.6 p; four of them are 12 p, and 2.4 p."""
    stated = [totals({VAT: 30_000}, {VAT: n * 30_000}, PENNY).tax_minor for n in range(4)]
    assert stated == [1, 0, 1, 0]
    assert totals({VAT: -120_000}, {VAT: 120_000}, PENNY).tax_minor == -2


def test_tax_is_on_the_rounded_base():
    assert totals({VAT: 10_005_000}, {}, PENNY) == Totals(10_005_000, 5_000, 1_001, 200, 1_201)


def test_each_tax_has_a_base_of_its_own():
    moved = {Tax("S", 190_000): 3_888_000_000, Tax("S", 160_000): 3_888_000_000}
    assert list(subtotals(moved, {}, PENNY).values()) == [
        Subtotal(388_800, 73_872),
        Subtotal(388_800, 62_208),
    ]
    assert totals(moved, {}, PENNY).tax_minor == 136_080


@pytest.mark.parametrize(
    ("family", "is_first", "due_minor", "kind"),
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
def test_kind_of_document(family, is_first, due_minor, kind):
    money = Totals(0, 0, 0, due_minor, due_minor)
    assert document_kind(family, is_first=is_first, money=money) is kind


def test_a_note_that_is_due_nothing_is_called_by_its_exact_amount():
    money = Totals(-1_000, 1_000, 0, 0, 0)
    found = document_kind(Family.INVOICE, is_first=False, money=money)
    assert found is DocumentKind.CREDIT_NOTE


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
    (LedgerRule.TAX_IS_UNKNOWN, invoice(replace(LINE, tax=Tax("AA", 0))), "AA"),
    (LedgerRule.TAX_IS_UNKNOWN, invoice(replace(LINE, tax=Tax("AE", 1))), "rate 0.0001"),
    (LedgerRule.TAX_IS_UNKNOWN, invoice(replace(LINE, tax=Tax("S", 1_000_001))), "100.0001"),
    (LedgerRule.TAX_STANDS_ALONE, invoice(LINE, replace(LINE, tax=Tax("O", 0))), "AE, O"),
    (
        LedgerRule.PARTY_IS_INCOMPLETE,
        replace(GOOD, seller=replace(OPERATOR, legal_name=" ")),
        "seller's legal_name",
    ),
    (LedgerRule.PARTY_IS_INCOMPLETE, replace(GOOD, buyer=replace(PARTY, postcode="")), "postcode"),
    (LedgerRule.LINE_IS_INCOMPLETE, invoice(replace(LINE, tax_note=" ")), "tax_note"),
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
    taxed = invoice(
        *(replace(LINE, tax=tax) for tax in (REVERSE_CHARGE, VAT, REDUCED, EXEMPT, Tax("Z", 0)))
    )
    outside = invoice(replace(LINE, tax=Tax("O", 0)))
    assert check_invoices([taxed, outside]) == []
