"""PDF/A-3b with Factur-X inside: what the standard asks for, and the same bytes every time.

veraPDF comes with no package registry, so its checks are made here piece by piece, on qpdf's
reading of the file (pikepdf) and by the check of factur-x itself.
"""

import hashlib
import io
import subprocess
import sys
from dataclasses import replace

import facturx
import pikepdf
import pytest
from lxml import etree
from pypdf import PdfReader

from ledger.invoice import Family
from settlement.documents.en16931 import factur_x
from settlement.documents.pdf import page_of, pdf
from tests.documents.made import BILLED, energy_line, make_document, many_lines

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFA = "{http://www.aiim.org/pdfa/ns/id/}"
FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"


@pytest.fixture(scope="module")
def document():
    return make_document(many_lines(40))


@pytest.fixture(scope="module")
def written(document):
    return pdf(document)


@pytest.fixture
def opened(written):
    with pikepdf.open(io.BytesIO(written)) as file:
        yield file


def test_qpdf_finds_nothing_wrong(opened):
    assert opened.check_pdf_syntax() == []
    assert not opened.is_encrypted
    assert opened.pdf_version == "1.7"
    assert len(opened.trailer.ID) == 2


def test_colours_have_an_output_intent_with_a_profile(opened):
    (intent,) = opened.Root.OutputIntents
    assert intent.S == "/GTS_PDFA1"
    assert len(intent.DestOutputProfile.read_bytes()) > 400


def test_metadata_claims_pdf_a_3b_and_the_profile_of_the_xml(opened, document):
    packet = opened.Root.Metadata.read_bytes()
    assert "/Filter" not in opened.Root.Metadata
    found = {each.tag: each.text for each in etree.fromstring(packet.strip()).iter()}
    assert (found[f"{PDFA}part"], found[f"{PDFA}conformance"]) == ("3", "B")
    assert found[f"{FX}ConformanceLevel"] == "EN 16931"
    assert (found[f"{FX}DocumentType"], found[f"{FX}DocumentFileName"]) == (
        "INVOICE",
        "factur-x.xml",
    )
    assert b"pdfaExtension:schemas" in packet
    info = opened.docinfo
    assert str(info.Title) in packet.decode() and document.number in str(info.Title)
    assert str(info.Producer) == found["{http://ns.adobe.com/pdf/1.3/}Producer"]
    assert str(info.CreationDate) == "D:20240301223012Z"
    assert found["{http://ns.adobe.com/xap/1.0/}CreateDate"] == "2024-03-01T22:30:12+00:00"


def test_the_xml_is_associated_with_the_document(opened, written, document):
    (associated,) = opened.Root.AF
    assert associated.AFRelationship == "/Alternative"
    assert (str(associated.F), str(associated.UF)) == ("factur-x.xml", "factur-x.xml")
    assert associated.EF.F.Subtype == "/text/xml"
    assert associated.EF.F.read_bytes() == factur_x(document)
    assert opened.Root.Names.EmbeddedFiles
    assert facturx.get_facturx_xml_from_pdf(written) == ("factur-x.xml", factur_x(document))


def test_every_font_is_embedded_and_nothing_runs(opened):
    fonts = 0
    for each in opened.objects:
        if not isinstance(each, pikepdf.Dictionary):
            continue
        if each.get("/Type") == "/FontDescriptor":
            fonts += 1
            assert any(key in each for key in ("/FontFile", "/FontFile2", "/FontFile3"))
        assert each.get("/S") not in ("/JavaScript", "/Launch", "/Movie", "/Sound")
        assert "/AA" not in each
    assert fonts >= 2


def test_the_page_says_what_the_document_states(written, document):
    reader = PdfReader(io.BytesIO(written))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert len(reader.pages) >= 2
    words = " ".join(text.split())
    for expected in (
        document.number,
        f"Code {document.code}",
        document.seller.legal_name,
        document.buyer.tax_identifier,
        *document.tax_notes,
        f"Page 1 of {len(reader.pages)}",
        "AP-2.1, MR-4.2",
        document.digest.hex(),
        str(document.run.id),
        document.seller.iban,
        "rounded to pence",
    ):
        assert expected in words, expected
    for line in page_of(document)["groups"][0]["lines"]:
        assert line["amount"] in words
        assert line["price"] in words


def test_a_note_names_its_original_and_a_self_billed_document_says_so():
    credit = make_document([energy_line(1, -1_000_000, -5_000_000)], billed=BILLED)
    self_billed = make_document(
        [replace(energy_line(1, 1_000_000, -5_000_000), kind="payment.fuel")],
        family=Family.SELF_BILLED,
    )
    text = PdfReader(io.BytesIO(pdf(credit))).pages[0].extract_text()
    assert "corrects gb12-invoice-000001 of 2024-02-01" in " ".join(text.split())
    assert "Total credited" in text
    text = PdfReader(io.BytesIO(pdf(self_billed))).pages[0].extract_text()
    assert "Self-billing: the buyer issues this document" in " ".join(text.split())


RENDERING = """
import hashlib
from settlement.documents.pdf import pdf
from tests.documents.made import many_lines, make_document
pdf(make_document(many_lines(3), number=1))
print(hashlib.sha256(pdf(make_document(many_lines(40)))).hexdigest())
"""


def test_another_process_writes_the_same_bytes(written):
    """The other process has rendered another document before, and runs by another hash seed."""
    done = subprocess.run(
        [sys.executable, "-c", RENDERING],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PATH": "", "TZ": "Asia/Tokyo"},
    )
    assert done.stdout.strip() == hashlib.sha256(written).hexdigest()
