"""Documents made without a database: any lines, any tax, first documents and notes."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from ledger.billing import Billed, document_of, seal_invoice
from ledger.invoice import Family, InvoiceLine, round_half_away
from settlement.documents.issued_document import IssuedDocument, Reference, RunReference
from settlement.documents.sealed_rows import document_of_rows
from tests.ledger.drafts import CHARGE, OPERATOR, PARTY, invoice, line

ISSUED = dt.datetime(2024, 3, 1, 23, 30, 12, 345678, tzinfo=dt.timezone(dt.timedelta(hours=1)))
PENNY = 10_000
ORIGINAL = uuid.UUID(int=1)
BILLED = Billed(123_456_789, 12_346, ORIGINAL, 1_004_999)
LAWS = {bytes([1] * 32): "gb12/market-rules", bytes([2] * 32): "gb12/allocation-policy"}
CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O")


def make_document(
    lines: Sequence[InvoiceLine],
    *,
    family: Family = Family.INVOICE,
    billed: Billed | None = None,
    category: str = "AE",
    rate_ppm: int = 0,
    number: int = 7,
    currency: str = "GBP",
) -> IssuedDocument:
    """Return lines as a document, which is a note where something is billed already."""
    billed = billed or Billed()
    draft = replace(
        invoice(*lines, family=family),
        currency=currency,
        tax_category=category,
        tax_rate_ppm=rate_ppm,
    )
    if family is Family.SELF_BILLED:
        draft = replace(draft, seller=replace(PARTY, iban=OPERATOR.iban), buyer=OPERATOR)
    sealed = seal_invoice(
        document_of(draft, billed, number),
        uuid.UUID(int=number),
        last_journal_number=12,
        journal_number=13,
        issued_at=ISSUED,
        previous_digest=bytes(range(32)),
    )
    original = Reference("gb12-invoice-000001", dt.date(2024, 2, 1)) if billed.original else None
    run = RunReference(uuid.UUID(int=7), "II", bytes(range(32)))
    return document_of_rows(sealed, billed, original, run, LAWS)


def energy_line(number: int = 1, quantity: int = 17_523_001, amount: int = 1_072_000_061):
    """Return a line of energy: 17.523001 MWh for 1,072.000061 pounds."""
    return replace(
        line(CHARGE, amount),
        subject=f"N{number}-P1",
        description=f"Homes at node {number}: share of the fuel cost, as bid",
        quantity=quantity,
    )


def many_lines(count: int, seed: int = 0) -> list[InvoiceLine]:
    """Return lines of three kinds that differ by seed, in the order of documents."""
    kinds = ("charge.adequacy", "charge.dynamic", "charge.fuel")
    return [
        replace(
            energy_line(
                number, 1_000_003 * (number + 1) + 7_919 * seed, 61_234_567 * (number + 3) + seed
            ),
            kind=kinds[number * len(kinds) // count],
        )
        for number in range(count)
    ]


@st.composite
def any_line(draw) -> InvoiceLine:
    """A line of any size and sign, counted or not, taxed or not."""
    unit = draw(st.sampled_from(["Wh", "days", "pieces", None]))
    largest = 10**14 if unit == "Wh" else 10**7
    quantity = draw(st.integers(-largest, largest)) if unit else None
    return replace(
        line(CHARGE, draw(st.one_of(st.just(0), st.integers(-(10**13), 10**13)))),
        kind=draw(st.sampled_from(["charge.fuel", "charge.tariff", "charge.fee"])),
        quantity=quantity,
        quantity_unit=unit,
        quality="measured" if unit == "Wh" else "none",
        estimated_quantity=draw(st.sampled_from([None, 5, -7])) if unit == "Wh" else None,
        tax_category=draw(st.sampled_from([None, None, "E"])),
    )


@st.composite
def any_billed(draw) -> Billed:
    """What earlier documents come to: nothing, or any amounts, rounded as the ledger rounds."""
    if draw(st.booleans()):
        return Billed()
    amount = draw(st.integers(-(10**12), 10**12))
    return Billed(
        amount, round_half_away(amount, PENNY), ORIGINAL, draw(st.integers(-(10**12), 10**12))
    )


@st.composite
def any_document(draw) -> IssuedDocument:
    """A document of any kind, category of tax and lines."""
    category = draw(st.sampled_from(CATEGORIES))
    return make_document(
        draw(st.lists(any_line(), min_size=1, max_size=6)),
        family=draw(st.sampled_from(list(Family))),
        billed=draw(any_billed()),
        category=category,
        rate_ppm=draw(st.sampled_from([50_000, 200_000, 175_000])) if category == "S" else 0,
    )
