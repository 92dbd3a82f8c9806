"""What lines multiply and how they come to pence; held to fractions and to the ledger's totals."""

import doctest
import importlib
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.invoice import Tax, round_half_away, subtotals, sum_by_tax
from settlement.documents.arithmetic import PRICED, price_of, rounded_lines
from tests.documents.made import (
    BILLED,
    EXEMPT,
    PENNY,
    RATES_PPM,
    any_billed,
    any_document,
    energy_line,
    make_document,
)

amounts = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize("name", ["arithmetic", "issued_document", "wording"])
def test_the_examples_of_the_modules_hold(name):
    module = importlib.import_module(f"settlement.documents.{name}")
    tried = doctest.testmod(module)
    assert tried.attempted > 0
    assert tried.failed == 0


@given(st.integers(-(10**14), 10**14), st.sampled_from(sorted(PRICED)), amounts)
@example(1, "Wh", 5_000)
@example(3, "days", -5_000)
@example(999_999_999_999, "Wh", 1_005_000)
@example(1_562_500_000_000, "Wh", 150_000)
def test_quantity_times_price_is_the_amount_to_the_penny(quantity, unit, amount_micro):
    price = price_of(quantity, unit, amount_micro, PENNY)
    if quantity == 0:
        assert price is None
        return
    _, divisor = PRICED[unit]
    product = Fraction(quantity, divisor) * Fraction(price.value, 10**price.decimals) * 10**6
    assert round_half_away(product.numerator, product.denominator * PENNY) == round_half_away(
        amount_micro, PENNY
    )
    assert price.is_exact == (product == amount_micro)
    if product != amount_micro:
        exact = Fraction(amount_micro * divisor, quantity * 10**6)
        assert abs(exact - Fraction(price.value, 10**price.decimals)) < Fraction(
            1, 10**price.decimals
        )


taxes = st.sampled_from([EXEMPT, *(Tax("S", rate_ppm) for rate_ppm in RATES_PPM)])


@given(st.lists(st.tuples(taxes, amounts), min_size=1, max_size=12), any_billed())
def test_lines_in_pence_sum_to_the_base_of_their_tax(lines, billed):
    stated = subtotals(sum_by_tax(lines), billed.amounts_micro, PENNY)
    rounded = rounded_lines(lines, billed.amounts_micro, PENNY)
    pence = sum_by_tax(
        (tax, one.amount_minor) for (tax, _), one in zip(lines, rounded, strict=True)
    )
    assert pence == {tax: each.base_minor for tax, each in stated.items()}
    for one, (_, amount) in zip(rounded, lines, strict=True):
        assert one.amount_minor - one.carried_minor == round_half_away(amount, PENNY)
        assert abs(one.carried_minor) <= 2


def test_the_worked_example_of_rounding():
    rounded = rounded_lines([(EXEMPT, 4_000)] * 3, {}, PENNY)
    assert [(one.amount_minor, one.carried_minor) for one in rounded] == [(0, 0), (1, 1), (0, 0)]


@given(any_document())
def test_a_document_sums_as_it_says(document):
    assert sum(line.amount_minor for line in document.lines) == document.net_minor
    assert sum(line.exact_micro for line in document.lines) == document.exact_micro
    assert document.exact_micro + document.rounding_micro == document.net_minor * PENNY
    assert sum(total.base_minor for total in document.taxes) == document.net_minor
    assert sum(total.tax_minor for total in document.taxes) == document.tax_minor
    assert document.net_minor + document.tax_minor == document.due_minor
    assert sorted(line.number for group in document.groups for line in group.lines) == [
        line.number for line in document.lines
    ]
    if document.is_credit:
        assert document.due_minor > 0 or (document.due_minor, document.exact_micro > 0) == (0, True)


def test_a_credit_note_turns_quantities_with_amounts_and_keeps_prices():
    note = make_document([energy_line(1, -17_523_001, -1_072_000_061)], billed=BILLED)
    first = make_document([energy_line(1, 17_523_001, 1_072_000_061)])
    assert note.kind == "credit note"
    assert note.lines[0].quantity == first.lines[0].quantity == 17_523_001
    assert note.lines[0].price == first.lines[0].price
    assert note.due_minor > 0
