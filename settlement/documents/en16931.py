"""A statement in the terms of EN 16931, written as Factur-X (CII) and UBL.

The terms (BT-n, BG-n) are those of the standard. What it cannot say is said in notes: a line whose
price is negative, or that counts nothing, is one unit at its amount (BR-27 lets no price be
negative), and its quantity and price stand in the line's note.
"""

from typing import Any

import facturx

from ledger.parties import Party
from settlement.documents.arithmetic import PRICED, Price, decimal_text
from settlement.documents.statement import StatedLine, Statement, TaxTotal
from settlement.documents.wording import document_notes, line_note, party_lines, payment_words

LEVEL = "en16931"
MINOR_DECIMALS = 2
UNIT_CODES = {"MWh": "MWH", "day": "DAY", "piece": "C62"}
ONE = "C62"
CREDIT_TRANSFER = "30"
RATE_DECIMALS = 4
REGISTERED = ("S", "Z", "E", "AE", "K", "G")
"""The categories under which parties are named by their VAT identifiers."""

TYPE_CODES = {
    "invoice": "380",
    "credit note": "381",
    "debit note": "383",
    "self-billed invoice": "389",
    "self-billed credit note": "261",
    "self-billed debit note": "527",
}
"""UNTDID 1001, by kind of document."""


def factur_x(statement: Statement) -> bytes:
    """Return the document as Factur-X XML of the profile EN 16931."""
    xml: bytes = facturx.generate_cii_xml(
        terms(statement), level=LEVEL, check_xsd=False, check_schematron=False
    )
    return xml


def ubl(statement: Statement) -> bytes:
    """Return the document as a UBL 2.1 Invoice or CreditNote of EN 16931."""
    xml: bytes = facturx.generate_ubl_xml(
        terms(statement), level=LEVEL, check_xsd=False, check_schematron=False
    )
    return xml


def terms(statement: Statement) -> dict[str, Any]:
    """Return the document by the business terms of EN 16931.

    Raises:
        ValueError: the document was issued before parties were sealed.
    """
    if statement.seller is None or statement.buyer is None:
        raise ValueError(f"{statement.number} states no parties")
    registered = all(line.tax_category in REGISTERED for line in statement.lines)
    net, tax, due = map(_money, (statement.net_minor, statement.tax_minor, statement.due_minor))
    found: dict[str, Any] = {
        "BT-1": statement.number,
        "BT-2": statement.issued_on,
        "BT-3": TYPE_CODES[statement.kind],
        "BT-5": statement.currency,
        "BT-9": statement.due_on,
        "BT-20": payment_words(statement),
        "BT-72": statement.month_end,
        "BT-73": statement.billing_month,
        "BT-74": statement.month_end,
        "BG-1": [{"BT-22": note} for note in document_notes(statement)],
        "BG-4": _party(statement.seller, registered),
        "BG-7": _party(statement.buyer, registered),
        "BG-23": [_tax(total) for total in statement.taxes],
        "BG-25": [_line(line) for line in statement.lines],
        "BT-106": net,
        "BT-109": net,
        "BT-110": tax,
        "BT-112": due,
        "BT-115": due,
    }
    if statement.original:
        found["BG-3"] = [
            {"BT-25": statement.original.number, "BT-26": statement.original.issued_on}
        ]
    if statement.seller.iban and statement.due_minor > 0 and not statement.is_credit:
        found |= {"BT-81": CREDIT_TRANSFER, "BT-83": statement.number}
        found |= {"BT-84": statement.seller.iban, "BT-85": statement.seller.legal_name}
    if any(line.tax_category == "K" for line in statement.lines):
        found["BG-13"] = _address(statement.buyer) | {"name": statement.buyer.legal_name}
    return found


def vat_identifier(party: Party) -> str:
    """Return a tax identifier with the prefix of its country and without blanks (BR-CO-09)."""
    letters = "".join(each for each in party.tax_identifier.upper() if each.isalnum())
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


def _tax(total: TaxTotal) -> dict[str, str]:
    found = {
        "BT-116": _money(total.base_minor),
        "BT-117": _money(total.tax_minor),
        "BT-118": total.category,
    }
    if total.category != "O":
        found["BT-119"] = _rate(total.rate_ppm)
    if total.reason:
        found["BT-120"] = total.reason
    return found


def _line(line: StatedLine) -> dict[str, Any]:
    quantity, unit, price = _counted(line)
    found = {
        "BT-126": str(line.number),
        "BT-127-00": [{"BT-127": line_note(line)}],
        "BT-129": quantity,
        "BT-130": unit,
        "BT-131": _money(line.amount_minor),
        "BT-146": price,
        "BT-151": line.tax_category,
        "BT-153": line.description,
        "BT-155": line.subject,
    }
    if line.tax_category != "O":
        found["BT-152"] = _rate(line.tax_rate_ppm)
    return found


def _counted(line: StatedLine) -> tuple[str, str, str]:
    """Return quantity, unit and price: as stated, or one unit at the amount."""
    price: Price | None = line.price
    if price is None or price.value < 0 or line.quantity is None:
        quantity = "-1" if line.amount_minor < 0 else "1"
        return quantity, ONE, _money(abs(line.amount_minor))
    unit, divisor = PRICED[str(line.quantity_unit)]
    quantity = decimal_text(line.quantity, len(str(divisor)) - 1)
    return quantity, UNIT_CODES[unit], decimal_text(price.value, price.decimals)


def _money(minor: int) -> str:
    return decimal_text(minor, MINOR_DECIMALS)


def _rate(ppm: int) -> str:
    """Write a rate in percent: 200,000 ppm is 20."""
    whole = decimal_text(ppm, RATE_DECIMALS)
    return whole.rstrip("0").rstrip(".")
