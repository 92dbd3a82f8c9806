"""What the page of a document leads with: that it is a demonstration, what to pay, what changed."""

import io
import json
from dataclasses import replace

import pytest
from pypdf import PdfReader

from ledger.invoice import Family
from settlement.documents.as_json import as_json
from settlement.documents.issued_document import NOTHING_ON_BALANCE
from settlement.documents.pdf import page_of, pdf
from settlement.documents.wording import DEMONSTRATION, proof_words
from tests.documents.made import BILLED, energy_line, make_document, many_lines


def pages(document) -> list[str]:
    read = PdfReader(io.BytesIO(pdf(document)))
    return [" ".join(page.extract_text().split()) for page in read.pages]


def reached_at(document, seller: str, buyer: str):
    return replace(
        document,
        seller=replace(document.seller, contact_email=seller),
        buyer=replace(document.buyer, contact_email=buyer),
    )


@pytest.mark.parametrize(
    "email", ["desk@operator.example", "A@B.TEST", "x@mail.invalid", "x@example.com", "x@localhost"]
)
def test_every_page_of_a_demonstration_says_so(email):
    document = reached_at(make_document(many_lines(60)), email, "desk@lumen.co.uk")
    said = pages(document)
    assert len(said) > 1
    assert all(DEMONSTRATION in page for page in said)
    assert DEMONSTRATION in json.loads(as_json(document))["notes"]


@pytest.mark.parametrize("email", ["desk@example.co.uk", "example@grid.org", "x@test.io"])
def test_no_page_of_others_says_so(email):
    document = reached_at(make_document(many_lines(3)), email, "desk@lumen.co.uk")
    assert all("emonstration" not in page for page in pages(document))
    assert DEMONSTRATION not in json.loads(as_json(document))["notes"]


def test_what_to_pay_and_where_stands_on_the_first_page():
    document = make_document(many_lines(60))
    first = pages(document)[0]
    seller = document.seller
    for words in (
        "Payment, from the buyer to the seller",
        f"Amount GBP {page_of(document)['total'].removeprefix('GBP ')}",
        f"Due {document.due_on}, 14 days after the day of issue",
        f"Payee {seller.legal_name}",
        f"Account IBAN {seller.iban}",
        f"Reference {document.number}",
    ):
        assert words in first, words


def test_an_account_that_is_not_known_is_a_dash_with_its_reason():
    credit = make_document([energy_line(1, -1_000_000, -5_000_000)], billed=BILLED)
    first = pages(credit)[0]
    assert "Payment, from the seller to the buyer" in first
    assert "Account – (none of the payee is registered)" in first


def test_a_document_of_nothing_asks_for_no_payment():
    document = make_document([energy_line(1, 0, 0)])
    assert document.due_minor == 0
    assert page_of(document)["payment"] == {"title": "Nothing is due", "rows": []}
    assert "Nothing is due" in pages(document)[0]


NOTE = [
    replace(energy_line(0, 0, 120_000), kind="charge.adequacy"),
    replace(energy_line(1, 1_000_000, 5_000_000), kind="charge.adequacy"),
    replace(energy_line(2, 0, -3_000_000), kind="charge.dynamic"),
    replace(energy_line(3, 2_000_000, 9_000_000_000), kind="charge.fuel"),
]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_note_leads_with_what_changed_and_groups_what_did_not(sign):
    lines = [replace(each, amount_micro=sign * each.amount_micro) for each in NOTE]
    document = make_document(lines, billed=BILLED)
    assert [(group.kind, [line.number for line in group.lines]) for group in document.groups] == [
        ("charge.fuel", [4]),
        ("charge.adequacy", [2]),
        (NOTHING_ON_BALANCE, [1, 3]),
    ]
    assert sum(group.amount_minor for group in document.groups) == document.net_minor
    first = pages(document)[0]
    assert first.index("Fuel") < first.index("Adequacy pot") < first.index("Other amounts:")


def test_the_first_document_of_a_month_keeps_the_order_of_its_lines():
    document = make_document(NOTE)
    numbers = [line.number for group in document.groups for line in group.lines]
    assert numbers == [1, 2, 3, 4]


def test_a_self_billed_note_is_grouped_too():
    lines = [replace(each, kind=each.kind.replace("charge", "payment")) for each in NOTE[2:]]
    lines = [replace(each, kind="payment.fuel") for each in lines]
    document = make_document(lines, billed=BILLED, family=Family.SELF_BILLED)
    assert [group.kind for group in document.groups] == ["payment.fuel", NOTHING_ON_BALANCE]


def test_the_proof_is_at_the_portal_of_today():
    document = make_document(many_lines(3))
    assert f"/proof/?document={document.code} of the market's portal." in proof_words(document)
    known = replace(document, portal_address="https://portal.example")
    address = f"https://portal.example/proof/?document={document.code}."
    assert address in proof_words(known)
    assert address in pages(known)[-1].replace("?document= ", "?document=")


@pytest.mark.parametrize("above", range(17, 25))
def test_no_title_ends_a_page_and_no_sum_begins_one(above):
    """Of one of these lengths the page ends at any row of the second charge."""
    kinds = ["charge.fuel"] * above + ["charge.adequacy"] * 2
    subjects = [f"S{kind[7].upper()}{number}:" for number, kind in enumerate(kinds)]
    lines = [
        replace(energy_line(number), kind=kind, subject=subject[:-1])
        for number, (kind, subject) in enumerate(zip(kinds, subjects, strict=True))
    ]
    said = pages(make_document(lines))
    for words in ("Fuel", "Adequacy pot"):
        of_charge = [each for each in subjects if each[1] == words[0]]
        assert any(words in page for page in said)
        for page in said:
            assert (words in page) == any(subject in page for subject in of_charge), page


def test_a_negative_price_has_the_sign_that_pages_write():
    document = make_document([energy_line(1, 1_000_000, -5_000_000)])
    (line,) = document.lines
    assert line.price_text == "−5.00"
