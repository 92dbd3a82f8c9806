"""Names of any script: what publication accepts, every format of a document can show.

The fonts that are shipped are held to the table that publication reads, and the table to the page
setter, so that neither promises what the other cannot keep.
"""

import doctest
import io
import json
from dataclasses import replace

import pikepdf
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfReader

from common.refusals import Refused
from rulebook import printed_text
from rulebook.printed_text import font_families, unneeded_unseen, unprinted
from settlement.documents.as_json import as_json
from settlement.documents.bulk import NotRendered, render_all
from settlement.documents.en16931 import factur_x, ubl
from settlement.documents.pdf import pdf
from tests.documents import font_tables
from tests.documents.made import BILLED, make_document, many_lines
from tests.documents.validators import breaches
from tests.examples import tried

NAMES = {
    "han, hebrew, arabic and a picture": "天地電力株式会社 שלום مرحبا 💡 İşık",
    "marks of markup": 'Müller & Söhne <AG> "Licht" #1 *fett* $x$ @heim \\ [a](b) `c`',
    "a formula": '=HYPERLINK("http://x","y")',
    "250 letters": "Birch Gas and Very Long Names of the North " * 5 + "and then some moe, Ltd",
    "250 letters without a blank": "Energieversorgungsgesellschaft" * 8 + "mbH & Co. KG",
    "devanagari": "विद्युत वितरण निगम लिमिटेड",
    "thai": "การไฟฟ้านครหลวง",
    "tamil and malayalam": "மின்சாரம் തിരുവനന്തപുരം",
    "a joiner that sinhala needs": "ශ්\u200dරී ලංකා විදුලිබල මණ්ඩලය",
    "a non-joiner that persian needs": "شرکت برق می\u200cخواهم (سهامی خاص) ۱۲۳",
    "arabic with latin and figures": "شركة الكهرباء السعودية (ش.م.ع.) SEC 2024",
    "khmer, lao, burmese, tibetan": "អគ្គិសនី ໄຟຟ້າ လျှပ်စစ် གློག",
    "korean": "한국전력공사",
    "japanese, with a letter of the second plane": "株式会社𠮷野家 髙島 ﾃﾞﾝｷ ①㈱",
    "ethiopic, georgian, armenian": "የኢትዮጵያ ელექტრო ՀԱՅ",
    "greek and cyrillic": "ΔΕΗ Ανώνυμη Εταιρεία, Россети Ѳ Ї",
    "marks in their own": "E\u0301lectricite\u0301 Z\u0323\u0302\u0308 A\u0363",
    "pictures made of several": "👨\u200d👩\u200d👧 🇬🇧 1\ufe0f\u20e3 ❤\ufe0f 👍🏽 ☀ ™",
    "signs": "Ω µ ½ № ₿ ₹ € ‰ – “x” … ← ∞ ☎",
    "blanks of other widths": "North\u00a0Wind\u2009AG\u3000X",
}


def named(name: str, number: int = 7):
    document = make_document(many_lines(3), billed=BILLED, number=number)
    description = f"Homes of {name}"
    lines = [replace(line, description=description) for line in document.lines]
    return replace(
        document,
        seller=replace(document.seller, legal_name=name),
        buyer=replace(document.buyer, legal_name=name, address_lines=f"1 {name}\n{name}"),
        lines=tuple(lines),
    )


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_every_format_states_a_name_exactly(name):
    assert not [*unneeded_unseen(name), *unprinted(name)]
    document = named(name)
    assert json.loads(as_json(document))["seller"]["legal_name"] == name
    for xml in (factur_x(document), ubl(document)):
        assert name in [each.text for each in etree.fromstring(xml).iter()]
    written = pdf(document)
    with pikepdf.open(io.BytesIO(written)) as opened:
        assert str(opened.docinfo["/Author"]) == name
        assert opened.check_pdf_syntax() == []


def test_the_standard_holds_whatever_the_names():
    document = named('天地 & <AG> שלום مرحبا 💡 "x" \'')
    assert breaches(factur_x(document), "factur-x") == []


SEARCHED = ("marks of markup", "korean", "greek and cyrillic", "a formula", "250 letters")


@pytest.mark.parametrize("name", [NAMES[key] for key in SEARCHED], ids=SEARCHED)
def test_the_page_can_be_searched_for_a_name(name):
    page = PdfReader(io.BytesIO(pdf(named(name)))).pages[0].extract_text()
    said = "".join(page.split())
    assert said.count("".join(name.split())) >= 3


def test_a_name_without_a_blank_stays_within_its_column():
    page = PdfReader(io.BytesIO(pdf(named(NAMES["250 letters without a blank"])))).pages[0]
    rights = []
    page.extract_text(visitor_text=lambda text, _, matrix, *rest: rights.append((matrix[4], text)))
    lines = [text for _, text in rights if "gesellschaft" in text]
    assert max(map(len, lines), default=0) < 120


def test_the_table_is_what_the_fonts_can_show():
    assert font_tables.TABLE.read_text(encoding="utf-8") == font_tables.table(), (
        "python -m tests.documents.font_tables > rulebook/printed_characters.txt"
    )


def test_the_page_setter_shows_both_ends_of_every_range_of_the_table():
    ends = {end for ranges in font_tables.ranges_by_family().values() for end in ranges}
    assert len(ends) > 4_000
    assert len(font_families()) > 60
    ordered = [chr(each) for each in sorted(ends)]
    # A blank between two: side by side a mark would be set on the letter before it.
    names = [" ".join(ordered[at : at + 250]) for at in range(0, len(ordered), 250)]
    for name in names:
        assert pdf(replace(named("Alder"), buyer=replace(named("Alder").buyer, legal_name=name)))


NAME = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Co", "Zl", "Zp"]), min_size=1, max_size=30
)
MIXED = st.text(
    st.sampled_from(
        "aé天ก\u0e33क\u094d\u0937\u0301\u0323\u0363שم\u064b\u0651한👍🏽\u200d\ufe0f❤१1 "
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=tried(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(NAME, MIXED))
@example("天\u0301")
@example("︙\ufe20")
@example("\u0301")
def test_what_publication_accepts_is_set_whatever_it_is(name):
    if [*unneeded_unseen(name), *unprinted(name)] or name != name.strip():
        return
    assert pdf(named(name))


UNPRINTED = {
    "not assigned": "Alder \u0378",
    "for private use": "Alder \U000f0000",
    "in no shipped font": "Alder \U0002b000",
}
UNSEEN = {
    "zero width space": "North\u200bwind",
    "a joiner that nothing needs": "North\u200dwind",
    "a non-joiner between latin letters": "North\u200cwind",
    "right-to-left override": "North\u202ewind",
    "an isolate": "North\u2067wind\u2069",
    "a direction mark": "Alder\u200f",
    "soft hyphen": "North\u00adwind",
    "byte order mark": "\ufeffAlder",
    "hangul filler": "North\u3164wind",
    "selector of a picture on a letter": "North\ufe0fwind",
    "a tag": "Alder\U000e0041",
}


@pytest.mark.parametrize("name", UNPRINTED.values(), ids=UNPRINTED.keys())
def test_what_no_font_shows_is_named_and_the_page_is_not_set_without_it(name):
    assert [letter for letter, _ in unprinted(name)] == [name.removeprefix("Alder ")]
    with pytest.raises(Refused) as refused:
        pdf(named(name))
    (finding,) = refused.value.findings
    assert finding.place == "document gb12-invoice-000007"
    assert f"U+{ord(name[-1]):04X}" in finding.value
    assert finding.remedy


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\x07", "\ud800"])
@pytest.mark.parametrize("written", [factur_x, ubl, pdf])
def test_what_xml_forbids_is_named(character, written):
    with pytest.raises(Refused) as refused:
        written(named(f"Alder {character}"))
    (finding,) = refused.value.findings
    assert finding.place == "document gb12-invoice-000007"
    assert finding.value.startswith(f"U+{ord(character):04X}")


@pytest.mark.parametrize("name", ["Alder \ue000", "Alder \ufffe", "天\u0fb7"])
def test_what_means_nothing_to_others_or_fits_no_font_as_one_is_not_published(name):
    assert [letter for letter, _ in unprinted(name)] == [name.removeprefix("Alder ")]


@pytest.mark.parametrize("name", UNSEEN.values(), ids=UNSEEN.keys())
def test_what_people_do_not_see_is_named_unless_its_script_needs_it(name):
    found = {character for character, _ in unneeded_unseen(name)}
    assert found
    assert name.translate(dict.fromkeys(map(ord, found))).strip("\ufeff").isascii()


@pytest.mark.parametrize(("format_name", "processes"), [("pdf", 1), ("xml", 2)])
def test_a_document_that_cannot_be_written_keeps_no_other(format_name, processes):
    odd = {"pdf": "Alder \U0002b000", "xml": "Alder \ufffe"}[format_name]
    documents = [named(odd if number == 3 else "Alder", number) for number in range(8)]
    found = [each for _, each in render_all(documents, format_name, processes)]
    assert [number for number, each in enumerate(found) if not isinstance(each, bytes)] == [3]
    assert [each.place for each in found[3].findings] == ["document gb12-invoice-000003"]


def test_a_fault_of_ours_in_one_document_is_told_and_keeps_no_other():
    broken = replace(named("Alder", 3), currency="XXX-none")
    found = [each for _, each in render_all([named("A", 2), broken, named("B", 4)], "pdf", 1)]
    assert [type(each) for each in found] == [bytes, NotRendered, bytes]
    assert [each.code for each in found[1].findings] == ["not-rendered"]


def test_examples_in_docstrings_hold():
    results = doctest.testmod(printed_text)
    assert results.attempted
    assert not results.failed
