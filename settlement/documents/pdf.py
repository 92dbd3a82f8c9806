"""A document as a PDF/A-3b file with its Factur-X XML inside; the same document, the same bytes.

The page is set by `invoice.typ`, which also attaches the XML. What the file says of itself (XMP) is
then written anew with the terms of Factur-X; every date in it is the moment of issue, and its
identifier is the digest of the document.
"""

import datetime as dt
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import facturx
import typst
from lxml import etree
from pypdf import PdfReader, PdfWriter
from pypdf.generic import StreamObject

from common.bank_accounts import account_words
from common.refusals import Finding, Refused
from ledger.parties import Party
from rulebook.clause_characters import spelled_out
from rulebook.printed_text import font_families, unprinted
from settlement.documents.arithmetic import decimal_text, rate_text
from settlement.documents.en16931 import factur_x
from settlement.documents.issued_document import IssuedDocument, IssuedLine, LineGroup, TaxTotal
from settlement.documents.wording import (
    DEMONSTRATION,
    PARTLY_PRICED,
    buyer_pays,
    estimated_words,
    explanations,
    headlines,
    party_lines,
    proof_words,
    quantity_words,
)

TEMPLATE = Path(__file__).with_name("invoice.typ")
FONTS = Path(__file__).with_name("fonts")
MICRO_DECIMALS = 6
XML_NAME = "factur-x.xml"
PRODUCER = "Tallystick"
FACTUR_X_URN = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
PACKET = ('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>')
COMMA = ","
PARTY_LABELS = {False: ("Seller", "Buyer"), True: ("Seller", "Buyer and issuer")}


def pdf(document: IssuedDocument) -> bytes:
    """Return the document as PDF/A-3b with embedded Factur-X XML.

    Raises:
        Refused: no shipped font can show a character of it.
    """
    return pdf_with(document, factur_x(document))


def pdf_with(document: IssuedDocument, xml: bytes) -> bytes:
    """Return the document as a PDF that holds `xml`, its Factur-X XML."""
    words = page_of(document)
    inputs = {"document": json.dumps(words), "xml": xml.decode()}
    try:
        page = _compiler().compile(
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=["a-3b"],
            # The page in the portal is the accessible form; without tags the file is half as large
            # and rewriting it takes a tenth of the time.
            pdf_tags=False,
            timestamp=_issued_second(document),
        )
    except typst.TypstError as error:
        raise Refused(_why_not_set(document, words, error)) from error
    assert isinstance(page, bytes)
    return _with_metadata(page, document)


def _why_not_set(
    document: IssuedDocument, words: dict[str, Any], error: typst.TypstError
) -> Iterator[Finding]:
    """Yield each character that no font can show, or what the page setter says of another fault.

    Publication refuses such a character; a document may bear law from before it did.
    """
    place = f"document {document.number}"
    limit = "the page is set in the fonts that are shipped"
    other = "write it in another format, which states the same"
    said = json.dumps(words, ensure_ascii=False)
    letters = dict.fromkeys(letter for letter, _ in unprinted(said))
    for letter in letters:
        yield Finding(
            "unprintable-character", place, " with ".join(map(spelled_out, letter)), limit, other
        )
    if not letters:
        yield Finding("page-not-set", place, str(error).partition("\n")[0], limit, other)


@cache
def _compiler() -> typst.Compiler:
    """Return what sets pages, with the fonts it brings and ours; it keeps them between pages."""
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(FONTS)]
    )
    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=fonts)


def _with_metadata(page: bytes, document: IssuedDocument) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(page)))
    held = writer.root_object["/Metadata"]
    assert isinstance(held, StreamObject)
    held.set_data(xmp(document))
    writer.pdf_header = "%PDF-1.7"
    writer.add_metadata({"/Producer": PRODUCER, "/Creator": PRODUCER})
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _issued_second(document: IssuedDocument) -> dt.datetime:
    """Return the moment of issue as a PDF can state it: to the second, in UTC."""
    return document.issued_at.astimezone(dt.UTC).replace(microsecond=0)


def xmp(document: IssuedDocument) -> bytes:
    """Return the metadata of the file: PDF/A-3b, and the profile of the XML in it."""
    described = facturx.generate_xmp_object(
        {
            "pdfa3_flavor": "B",
            "title": _title(document),
            "author": _issuer(document),
            "subject": _subject(document),
            "producer": PRODUCER,
            "creator_tool": PRODUCER,
            "timestamp": _issued_second(document).isoformat(),
            "version": "1.0",
            "documenttype": "INVOICE",
            "xml_filename": XML_NAME,
            "xmp_level": "EN 16931",
            "urn": FACTUR_X_URN,
        }
    )
    first, last = PACKET
    return "\n".join([first, etree.tostring(described, encoding="unicode"), last]).encode()


def page_of(document: IssuedDocument) -> dict[str, Any]:
    """Return the words and numbers of the page, as `invoice.typ` reads them."""
    labels = PARTY_LABELS[document.is_self_billed]
    return {
        "title": _title(document),
        "issuer": _issuer(document),
        "subject": _subject(document),
        "fonts": font_families(),
        "mark": DEMONSTRATION if document.is_demonstration else "",
        "kind": document.kind.capitalize(),
        "number": document.number,
        "code": document.code,
        "currency": document.currency,
        "xml_name": XML_NAME,
        "statements": list(headlines(document)),
        "seller": {"label": labels[0], "lines": _party(document.seller)},
        "buyer": {"label": labels[1], "lines": _party(document.buyer)},
        "facts": _facts(document),
        "groups": [_group(group, document.minor_digits) for group in document.groups],
        "totals": list(_totals(document)),
        "total_label": "Total credited" if document.is_credit else "Total due",
        "total": f"{document.currency} {_money(document.due_minor, document.minor_digits)}",
        "payment": _payment(document),
        "notes": list(explanations(document)),
        "proof": proof_words(document),
        "digests": _digests(document),
    }


def _title(document: IssuedDocument) -> str:
    return f"{document.kind.capitalize()} {document.number}"


def _issuer(document: IssuedDocument) -> str:
    issuer = document.buyer if document.is_self_billed else document.seller
    return issuer.legal_name


def _subject(document: IssuedDocument) -> str:
    return f"Electricity of {document.billing_month:%B %Y}, issued on {document.issued_on}"


def _party(party: Party) -> list[str]:
    return [
        party.legal_name,
        *party_lines(party),
        f"{party.postcode}, {party.country}",
        f"Tax number {party.tax_identifier}",
        party.contact_name,
        party.contact_email,
    ]


def _facts(document: IssuedDocument) -> list[tuple[str, str]]:
    found = [
        ("Issued", str(document.issued_on)),
        ("Due", str(document.due_on)),
        ("For", f"{document.billing_month:%B %Y}"),
    ]
    if document.original:
        found.append(("Corrects", document.original.number))
    if document.run:
        found.append(("Settlement run", document.run.kind))
    return found


def _group(group: LineGroup, digits: int) -> dict[str, Any]:
    several = len(group.lines) > 1
    return {
        "title": group.title,
        "lines": [_line(line, digits) for line in group.lines],
        "subtotal": _money(group.amount_minor, digits) if several else "",
        "subtotal_label": f"{group.short_title}, {len(group.lines)} lines",
    }


def _line(line: IssuedLine, digits: int) -> dict[str, str]:
    price = line.stated_price
    return {
        "number": str(line.number),
        "description": f"{line.subject}: {line.description}",
        "note": _line_note(line, digits),
        "quantity": ""
        if line.quantity is None
        else quantity_words(line.quantity, str(line.quantity_unit)),
        "price": decimal_text(price.value, price.decimals, thousands=COMMA) if price else "",
        "price_unit": _price_unit(line),
        "amount": _money(line.amount_minor, digits),
    }


def _price_unit(line: IssuedLine) -> str:
    price = line.stated_price
    if price is not None:
        return f"per {price.unit}{line.price_kind and f', {line.price_kind}'}"
    return PARTLY_PRICED if line.awaited and line.exact_micro else ""


def _line_note(line: IssuedLine, digits: int) -> str:
    parts = [f"exact {decimal_text(line.exact_micro, MICRO_DECIMALS, thousands=COMMA)}"]
    if line.carried_minor:
        parts.append(f"carried {_money(line.carried_minor, digits)}")
    if line.quantity == 0:
        parts.append("nothing on balance, so no price")
    if line.tax_words:
        parts.append(line.tax_words)
    if line.estimated_quantity:
        parts.append(estimated_words(line))
    if line.clauses:
        parts.append(", ".join(line.clauses))
    return " · ".join(parts)


def _totals(document: IssuedDocument) -> Iterator[tuple[str, str]]:
    exact = decimal_text(document.exact_micro, MICRO_DECIMALS, thousands=COMMA)
    yield "Sum of the lines, exact", exact
    several = " for each tax" if len(document.taxes) > 1 else ""
    yield f"Net, rounded once{several}", _money(document.net_minor, document.minor_digits)
    digits = document.minor_digits
    for total in document.taxes:
        yield _tax_label(total, digits), _money(total.tax_minor, digits)


def _tax_label(total: TaxTotal, digits: int) -> str:
    rate, base = rate_text(total.rate_ppm), _money(total.base_minor, digits)
    return f"Tax, category {total.category} at {rate} % on {base}"


def _payment(document: IssuedDocument) -> dict[str, Any]:
    """Return who pays whom, when, how much and where to, as whoever pays types it."""
    if not document.due_minor:
        return {"title": "Nothing is due", "rows": []}
    payer, payee, party = (
        ("buyer", "seller", document.seller)
        if buyer_pays(document)
        else ("seller", "buyer", document.buyer)
    )
    days = document.payment_term_days
    term = f"{days} {'day' if days == 1 else 'days'} after the day of issue"
    amount = _money(abs(document.due_minor), document.minor_digits)
    account = account_words(party.iban) if party.iban else "– (none of the payee is registered)"
    return {
        "title": f"Payment, from the {payer} to the {payee}",
        "rows": [
            ("Amount", f"{document.currency} {amount}"),
            ("Due", f"{document.due_on}, {term}"),
            ("Payee", party.legal_name),
            ("Account", account),
            ("Reference", document.number),
        ],
    }


def _digests(document: IssuedDocument) -> list[tuple[str, str]]:
    found = [
        ("This document", document.digest.hex()),
        ("The document before it", document.previous_digest.hex()),
    ]
    if document.earlier:
        leaves = f"{document.earlier.size:,} leaves"
        found.append((f"Root of the earlier checkpoint, {leaves}", document.earlier.root.hex()))
    if document.run:
        found.append((f"Results of run {document.run.kind}", document.run.result_digest.hex()))
    cited = dict.fromkeys(digest for line in document.lines for digest in line.rule_digests)
    return found + [(document.laws.get(digest, "Rule"), digest.hex()) for digest in cited]


def _money(minor: int, digits: int) -> str:
    return decimal_text(minor, digits, thousands=COMMA)
