"""What lines multiply and how they come to pence; held to fractions and to the ledger's totals."""

import doctest
import importlib
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.billing import Billed
from ledger.invoice import round_half_away, totals
from settlement.documents.arithmetic import PRICED, price_of, rounded_lines
from tests.documents.made import BILLED, PENNY, any_billed, any_document, energy_line, make_document

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


@given(st.lists(st.tuples(amounts, st.booleans()), min_size=1, max_size=12), any_billed())
def test_lines_in_pence_sum_to_the_net_and_untaxed_ones_to_what_is_not_taxed(lines, billed):
    untaxed_micro = sum(amount for amount, is_untaxed in lines if is_untaxed)
    net = totals(
        sum(amount for amount, _ in lines),
        billed.amount_micro,
        billed.net_minor,
        PENNY,
        1_000_000,
        untaxed_micro,
        billed.untaxed_micro,
    )
    rounded = rounded_lines(lines, billed, PENNY)
    assert sum(one.amount_minor for one in rounded) == net.net_minor
    taxed = [one for one, (_, is_untaxed) in zip(rounded, lines, strict=True) if not is_untaxed]
    if taxed:  # at a rate of one, the tax is the base
        assert sum(one.amount_minor for one in taxed) == net.tax_minor
    for one, (amount, _) in zip(rounded, lines, strict=True):
        assert one.amount_minor - one.carried_minor == round_half_away(amount, PENNY)
        assert abs(one.carried_minor) <= 2


def test_the_worked_example_of_rounding():
    rounded = rounded_lines([(4_000, False)] * 3, Billed(), PENNY)
    assert [(one.amount_minor, one.carried_minor) for one in rounded] == [(0, 0), (1, 1), (0, 0)]


@given(any_document())
def test_a_document_sums_as_it_says(document):
    assert sum(line.amount_minor for line in document.lines) == document.net_minor
    assert sum(line.exact_micro for line in document.lines) == document.exact_micro
    assert document.exact_micro + document.rounding_micro == document.net_minor * PENNY
    assert sum(total.base_minor for total in document.taxes) == document.net_minor
    assert sum(total.tax_minor for total in document.taxes) in (document.tax_minor, 0)
    assert document.net_minor + document.tax_minor == document.due_minor
    assert [line.number for group in document.groups for line in group.lines] == [
        line.number for line in document.lines
    ]
    if document.is_credit:
        assert document.exact_micro > 0


def test_a_credit_note_turns_quantities_with_amounts_and_keeps_prices():
    note = make_document([energy_line(1, -17_523_001, -1_072_000_061)], billed=BILLED)
    first = make_document([energy_line(1, 17_523_001, 1_072_000_061)])
    assert note.kind == "credit note"
    assert note.lines[0].quantity == first.lines[0].quantity == 17_523_001
    assert note.lines[0].price == first.lines[0].price
    assert note.due_minor > 0
