"""The list of documents, and a document page."""

import html
import re
from dataclasses import replace

import pytest
from django.template.loader import render_to_string
from django.utils.html import strip_tags

from database.session import transaction
from portal.queries.invoices import _corrected, corrected_lines, invoice_page
from settlement.billing.lines import LINE_KINDS, RETURNED
from settlement.documents.issued_document import IssuedLine, sign_of
from settlement.documents.render import find_document
from settlement.documents.wording import PROOF_ADDRESS, proof_words
from tests.portal.site import GENERATOR, SUPPLIER


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def page_of(summary):
    with transaction() as session:
        return invoice_page(session, summary.number)


@pytest.fixture
def invoice(documents):
    return documents[SUPPLIER][0]


def test_a_participant_sees_its_own_documents_and_no_others(sign_in, documents):
    page = text(sign_in("owner"), "/invoices/")
    numbers = set(re.findall(r"gb12-[a-z-]+-\d{6}", page))
    assert numbers == {one.number for one in documents[SUPPLIER]}
    assert len(numbers) == 2


def test_a_user_of_two_participants_sees_both(sign_in, documents):
    page = text(sign_in("colleague"), "/invoices/")
    numbers = set(re.findall(r"gb12-[a-z-]+-\d{6}", page))
    assert numbers == {one.number for who in (SUPPLIER, GENERATOR) for one in documents[who]}


def test_an_auditor_sees_all(sign_in, documents):
    page = text(sign_in("auditor"), "/invoices/")
    for ones in documents.values():
        for one in ones:
            assert one.number in page


def test_without_documents_the_list_says_what_will_come(sign_in):
    assert "No documents yet" in text(sign_in("unlinked participant"), "/invoices/")


def test_the_page_states_parties_lines_rounding_total_and_digest(sign_in, invoice):
    page = text(sign_in("owner"), f"/invoices/{invoice.number}/")
    found = page_of(invoice)
    assert "Hearth Energy Supply Limited" in page
    assert found.document.buyer.tax_identifier in page
    assert found.document.seller.legal_name in page
    for line in found.lines:
        assert line.description in page
        assert f"/invoices/{invoice.number}/{line.number}/" in page
        for clause in found.clauses[line.number]:
            assert f"/rules/version/{clause.digest.hex()}/#{clause.anchor}" in page
    assert "Rounding to pence" in page
    assert " ".join(re.findall(".{8}", found.document.digest.hex())) in page
    assert found.document.tax_notes
    assert all(note in page for note in found.document.tax_notes)
    assert found.document.code in page
    assert f"/proof/document/{invoice.number}/" in page


@pytest.mark.parametrize("participant", [SUPPLIER, GENERATOR])
def test_the_stated_sums_hold(participant, documents):
    for summary in documents[participant]:
        found = page_of(summary)
        stated = found.document
        assert sum(line.exact_micro for line in found.lines) == stated.exact_micro
        assert sum(group.amount_minor for group in stated.groups) == stated.net_minor
        assert stated.exact_micro + stated.rounding_micro == stated.net_minor * 10_000
        assert stated.net_minor + stated.tax_minor == stated.due_minor
        assert stated.due_minor == sign_of(summary.kind) * summary.due_minor


def test_a_self_billed_invoice_states_what_the_market_pays_as_positive(sign_in, documents):
    summary = documents[GENERATOR][0]
    assert summary.due_minor < 0 < page_of(summary).document.due_minor
    page = text(sign_in("generator"), f"/invoices/{summary.number}/")
    assert "To receive from the market" in page
    assert "Meridian Thermal Power Limited" in page


def test_an_invoice_and_its_note_name_each_other(sign_in, documents):
    original, note = documents[SUPPLIER]
    client = sign_in("owner")
    assert f"/invoices/{note.number}/" in text(client, f"/invoices/{original.number}/")
    assert f"/invoices/{original.number}/" in text(client, f"/invoices/{note.number}/")
    assert (note.corrects, original.corrected_by) == (original.number, (note.number,))


def test_a_participant_is_shown_the_run_without_a_link_that_is_not_its_own(sign_in, invoice):
    assert "/runs/" not in text(sign_in("owner"), f"/invoices/{invoice.number}/")
    assert f"/runs/{invoice.run_id}/" in text(sign_in("operator"), f"/invoices/{invoice.number}/")


@pytest.mark.parametrize(
    ("name", "media_type", "ending", "start"),
    [
        ("pdf", "application/pdf", "pdf", b"%PDF-1.7"),
        ("xml", "application/xml", "xml", b"<?xml"),
        ("ubl", "application/xml", "ubl.xml", b"<?xml"),
        ("json", "application/json", "json", b"{"),
    ],
)
def test_a_document_is_downloaded_in_each_format(sign_in, invoice, name, media_type, ending, start):
    client = sign_in("owner")
    address = f"/invoices/{invoice.number}/invoice.{name}"
    assert f'href="{address}"' in text(client, f"/invoices/{invoice.number}/")
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == media_type
    named = f'attachment; filename="{invoice.number}.{ending}"'
    assert answer["Content-Disposition"] == named
    assert answer.content.startswith(start)
    assert invoice.number.encode() in answer.content or name == "pdf"
    assert client.get(address).content == answer.content


def test_a_format_that_is_none_is_not_found(sign_in, invoice):
    client = sign_in("owner")
    assert client.get(f"/invoices/{invoice.number}/invoice.doc").status_code == 404
    assert client.get("/invoices/gb12-invoice-999999/invoice.pdf").status_code == 404


def test_a_credit_note_states_positive_amounts(sign_in, documents):
    notes = [one for ones in documents.values() for one in ones if one.kind.endswith("credit note")]
    assert notes
    client = sign_in("auditor")
    for note in notes:
        found = page_of(note).document
        assert found.due_minor > 0
        assert "Amounts are what is credited" in text(client, f"/invoices/{note.number}/")


def test_each_line_of_a_note_names_the_line_that_it_changes(sign_in, documents):
    client, said = sign_in("auditor"), set()
    assert RETURNED in LINE_KINDS
    for note in (one for ones in documents.values() for one in ones if one.corrects):
        page = text(client, f"/invoices/{note.number}/")
        before = {(line.kind, line.subject): line for line in find_document_of(note.corrects).lines}
        with transaction() as session:
            changed = corrected_lines(session, invoice_page(session, note.number))
        found = page_of(note).document
        assert changed.keys() == {line.number for line in found.lines}
        returned = [line for line in found.lines if line.kind == RETURNED]
        assert ("even where nothing of one" in page) == bool(returned), "why lines of it change"
        for line in found.lines:
            number, words = changed[line.number]
            original = before.get((line.kind, line.subject))
            assert number == (original.number if original else 0)
            if number:
                assert f"/why/{note.corrects}/{number}/" in page or f"Line {number} of" in page
            said.add(words)
        assert "nothing on balance" not in page or any(
            line.quantity == 0 and not line.exact_micro for line in found.lines
        )
    assert "the same quantity at another price" in said
    assert "the same energy; the account returned another sum" in said


def test_what_is_taken_back_whole_is_called_so(documents):
    note = next(one for ones in documents.values() for one in ones if one.corrects)
    line = find_document_of(note.corrects).lines[0]
    key = (line.kind, line.subject, line.tax_category, line.tax_rate_ppm)
    assert _corrected(line, {key: line}, -1) == (line.number, "takes all of it back")
    back = replace(line, quantity=-(line.quantity or 0), exact_micro=-line.exact_micro)
    assert _corrected(back, {key: line}, 1) == (line.number, "takes all of it back")
    assert _corrected(line, {}, 1).number == 0


def find_document_of(number):
    with transaction() as session:
        return find_document(session, number)


@pytest.mark.parametrize(
    "number",
    [
        "gb12-invoice-999999",
        "gb12-invoice-1",
        "gb12-invoice-0000001",
        "gb12-invoice",
        "x",
        "gb12-invoice-٣",
        f"gb12-invoice-{'9' * 30}",
    ],
)
def test_a_number_that_is_none_is_not_found(sign_in, number):
    assert sign_in("auditor").get(f"/invoices/{number}/").status_code == 404


@pytest.mark.parametrize(
    ("quality", "estimated", "shown"),
    [
        ("measured", 0, ""),
        ("none", None, ""),
        (None, None, ""),
        ("estimated", 30_000, "0.030000 MWh of it estimated"),
        ("estimated", 0, "partly estimated"),
        ("estimated", None, "partly estimated"),
        ("measured", -30_000, "0.030000 MWh less is estimated"),
        ("estimated", -30_000, "0.030000 MWh less is estimated"),
    ],
)
def test_a_line_shows_what_of_it_is_estimated(quality, estimated, shown):
    line = IssuedLine(
        number=1,
        kind="charge.fuel",
        subject="S1",
        description="Fuel",
        quantity=10,
        quantity_unit="Wh",
        quality=quality,
        estimated_quantity=estimated,
        price=None,
        exact_micro=1,
        amount_minor=0,
        carried_minor=0,
        tax_category="S",
        tax_rate_ppm=200_000,
        tax_words="",
        clauses=(),
        rule_digests=(),
    )
    page = render_to_string("invoices/_quality.html", {"line": line})
    assert " ".join(strip_tags(page).replace("\u00a0", " ").split()) == shown


@pytest.mark.django_db
def test_the_address_on_a_document_leads_anyone_to_its_proof(client, invoice):
    document = page_of(invoice).document
    assert PROOF_ADDRESS.format(code=document.code) in proof_words(document)
    answer = client.get(PROOF_ADDRESS.format(code=document.code))
    assert answer.status_code == 302
    assert answer["Location"] == f"/proof/document/{invoice.number}/"
