"""Documents made without a database: any lines, any tax, first documents and notes."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from ledger.billing import Billed, EarlierCheckpoint, document_of, seal_invoice
from ledger.invoice import Family, InvoiceLine, Tax
from settlement.documents.issued_document import IssuedDocument, Reference, RunReference
from settlement.documents.sealed_rows import document_of_rows
from tests.ledger.drafts import CHARGE, OPERATOR, PARTY, REVERSE_CHARGE, invoice, line

ISSUED = dt.datetime(2024, 3, 1, 23, 30, 12, 345678, tzinfo=dt.timezone(dt.timedelta(hours=1)))
PENNY = 10_000
ORIGINAL = uuid.UUID(int=1)
BILLED = Billed({REVERSE_CHARGE: 123_456_789, Tax("E", 0): 1_004_999}, ORIGINAL)
LAWS = {bytes([1] * 32): "gb12/market-rules", bytes([2] * 32): "gb12/allocation-policy"}
RATES_PPM = (50_000, 200_000, 175_000)
EXEMPT = Tax("E", 0)
OUTSIDE_SCOPE = Tax("O", 0)
CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O")


def make_document(
    lines: Sequence[InvoiceLine],
    *,
    family: Family = Family.INVOICE,
    billed: Billed | None = None,
    tax: Tax = REVERSE_CHARGE,
    number: int = 7,
    currency: str = "GBP",
) -> IssuedDocument:
    """Return lines as a document, which is a note where something is billed already.

    `tax` takes the place of reverse charge, which lines bear unless they say otherwise.
    """
    billed = billed or Billed()
    taxed = [replace(one, tax=tax) if one.tax == REVERSE_CHARGE else one for one in lines]
    draft = replace(invoice(*taxed, family=family), currency=currency)
    if family is Family.SELF_BILLED:
        draft = replace(draft, seller=replace(PARTY, iban=OPERATOR.iban), buyer=OPERATOR)
    sealed = seal_invoice(
        document_of(draft, billed, number),
        uuid.UUID(int=number),
        participant_number=1,
        last_journal_number=12,
        journal_number=13,
        issued_at=ISSUED,
        previous_digest=bytes(range(32)),
        earlier=EarlierCheckpoint(20_852, bytes(range(1, 33))),
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
        tax=draw(st.sampled_from([REVERSE_CHARGE, REVERSE_CHARGE, EXEMPT])),
    )


@st.composite
def any_billed(draw) -> Billed:
    """What earlier documents come to: nothing, or any amounts, rounded as the ledger rounds."""
    if draw(st.booleans()):
        return Billed()
    taxes = st.sampled_from([REVERSE_CHARGE, EXEMPT, *(Tax("S", rate) for rate in RATES_PPM)])
    return Billed(draw(st.dictionaries(taxes, st.integers(-(10**12), 10**12))), ORIGINAL)


@st.composite
def any_document(draw) -> IssuedDocument:
    """A document of any kind, category of tax and lines."""
    category = draw(st.sampled_from(CATEGORIES))
    taxes = [Tax("S", rate) for rate in RATES_PPM] if category == "S" else [Tax(category, 0)]
    lines = [
        replace(
            one, tax=OUTSIDE_SCOPE if category == "O" else draw(st.sampled_from([*taxes, one.tax]))
        )
        for one in draw(st.lists(any_line(), min_size=1, max_size=6))
    ]
    return make_document(
        lines, family=draw(st.sampled_from(list(Family))), billed=draw(any_billed())
    )
