"""A document in the terms of EN 16931, written as Factur-X (CII) and UBL.

The terms (BT-n, BG-n) are those of the standard. What it cannot say is said in notes: a line whose
price is negative, or that counts nothing, is one unit at its amount (BR-27 lets no price be
negative), and its quantity and price stand in the line's note.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import facturx

from common.refusals import Finding, Refused
from ledger.parties import Party
from rulebook.clause_characters import spelled_out
from settlement.documents.arithmetic import PRICED, Price, decimal_text, rate_text
from settlement.documents.issued_document import IssuedDocument, IssuedLine, TaxTotal
from settlement.documents.wording import document_notes, line_note, party_lines, payment_words

LEVEL = "en16931"
UNIT_CODES = {"MWh": "MWH", "day": "DAY", "piece": "C62"}
ONE = "C62"
CREDIT_TRANSFER = "30"
REGISTERED = ("S", "Z", "E", "AE", "K", "G")
"""The categories under which parties are named by their VAT identifiers."""

_XML_FORBIDS = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

TYPE_CODES = {
    "invoice": "380",
    "credit note": "381",
    "debit note": "383",
    "self-billed invoice": "389",
    "self-billed credit note": "261",
    "self-billed debit note": "527",
}
"""UNTDID 1001, by kind of document."""


def factur_x(document: IssuedDocument) -> bytes:
    """Return the document as Factur-X XML of the profile EN 16931."""
    return _written(document, facturx.generate_cii_xml)


def ubl(document: IssuedDocument) -> bytes:
    """Return the document as a UBL 2.1 Invoice or CreditNote of EN 16931."""
    return _written(document, facturx.generate_ubl_xml)


def _written(document: IssuedDocument, generate: Callable[..., bytes]) -> bytes:
    terms = business_terms(document)
    try:
        return generate(terms, level=LEVEL, check_xsd=False, check_schematron=False)
    except ValueError:
        # Publication refuses what XML forbids; a document may bear law from before it did.
        forbidden = dict.fromkeys(_XML_FORBIDS.findall("".join(_texts(terms))))
        if not forbidden:
            raise
    raise Refused(
        Finding(
            "forbidden-character",
            f"document {document.number}",
            spelled_out(character),
            "XML allows no such character (XML 1.0, production 2)",
            "write it in a format that is not XML and holds none, such as JSON",
        )
        for character in forbidden
    )


def _texts(value: object) -> Iterator[str]:
    """Yield every text of the terms."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)


def business_terms(document: IssuedDocument) -> dict[str, Any]:
    """Return the document by the business terms of EN 16931."""
    registered = all(line.tax_category in REGISTERED for line in document.lines)
    digits = document.minor_digits
    net, tax, due = (
        _money(minor, digits)
        for minor in (document.net_minor, document.tax_minor, document.due_minor)
    )
    found: dict[str, Any] = {
        "BT-1": document.number,
        "BT-2": document.issued_on,
        "BT-3": TYPE_CODES[document.kind],
        "BT-5": document.currency,
        "BT-9": document.due_on,
        "BT-20": payment_words(document),
        "BT-72": document.month_end,
        "BT-73": document.billing_month,
        "BT-74": document.month_end,
        "BG-1": [{"BT-22": note} for note in document_notes(document)],
        "BG-4": _party(document.seller, registered),
        "BG-7": _party(document.buyer, registered),
        "BG-23": [_tax(total, digits) for total in document.taxes],
        "BG-25": [_line(line, digits) for line in document.lines],
        "BT-106": net,
        "BT-109": net,
        "BT-110": tax,
        "BT-112": due,
        "BT-115": due,
    }
    if document.original:
        found["BG-3"] = [{"BT-25": document.original.number, "BT-26": document.original.issued_on}]
    if document.seller.iban and document.due_minor > 0 and not document.is_credit:
        found |= {"BT-81": CREDIT_TRANSFER, "BT-83": document.number}
        found |= {"BT-84": document.seller.iban, "BT-85": document.seller.legal_name}
    if any(line.tax_category == "K" for line in document.lines):
        found["BG-13"] = _address(document.buyer) | {"name": document.buyer.legal_name}
    return found


def vat_identifier(party: Party) -> str:
    """Return a tax identifier with the prefix of its country and without blanks (BR-CO-09)."""
    letters = "".join(
        character for character in party.tax_identifier.upper() if character.isalnum()
    )
    return letters if letters[:2].isalpha() else f"{party.country}{letters}"


def _party(party: Party, registered: bool) -> dict[str, Any]:
    identity = (
        {"vat_identifier": vat_identifier(party)}
        if registered
        else {"legal_identifier": party.tax_identifier}
    )
    return {
        "name": party.legal_name,
        "contacts": [{"name": party.contact_name, "email": party.contact_email}],
        "einvoicing_addr": party.contact_email,
        "einvoicing_addr_schemeid": "EM",
        **identity,
        **_address(party),
    }


def _address(party: Party) -> dict[str, str]:
    first, *others, city = ["", *party_lines(party)]
    lines = [line for line in (first, *others) if line]
    keys = ("addr_l1", "addr_l2", "addr_l3")
    kept = [*lines[:2], ", ".join(lines[2:])] if len(lines) > len(keys) else lines
    return {
        **dict(zip(keys, kept, strict=False)),
        "city": city,
        "postcode": party.postcode,
        "country_code": party.country,
    }


def _tax(total: TaxTotal, digits: int) -> dict[str, str]:
    found = {
        "BT-116": _money(total.base_minor, digits),
        "BT-117": _money(total.tax_minor, digits),
        "BT-118": total.category,
    }
    if total.category != "O":
        found["BT-119"] = rate_text(total.rate_ppm)
    if total.reason:
        found["BT-120"] = total.reason
    return found


def _line(line: IssuedLine, digits: int) -> dict[str, Any]:
    quantity, unit, price = _counted(line, digits)
    found = {
        "BT-126": str(line.number),
        "BT-127-00": [{"BT-127": line_note(line, digits)}],
        "BT-129": quantity,
        "BT-130": unit,
        "BT-131": _money(line.amount_minor, digits),
        "BT-146": price,
        "BT-151": line.tax_category,
        "BT-153": line.description,
        "BT-155": line.subject,
    }
    if line.tax_category != "O":
        found["BT-152"] = rate_text(line.tax_rate_ppm)
    return found


def _counted(line: IssuedLine, digits: int) -> tuple[str, str, str]:
    """Return quantity, unit and price: as stated, or one unit at the amount."""
    price: Price | None = line.price
    if price is None or price.value < 0 or line.quantity is None:
        quantity = "-1" if line.amount_minor < 0 else "1"
        return quantity, ONE, _money(abs(line.amount_minor), digits)
    unit, divisor = PRICED[str(line.quantity_unit)]
    quantity = decimal_text(line.quantity, len(str(divisor)) - 1)
    return quantity, UNIT_CODES[unit], decimal_text(price.value, price.decimals)


def _money(minor: int, digits: int) -> str:
    return decimal_text(minor, digits)
