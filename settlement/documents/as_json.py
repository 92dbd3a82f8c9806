"""A document as JSON. `schema` is its description, kept at `docs/invoice.schema.json`.

Amounts are decimal numbers written as texts, in the sign of the document; digests are hexadecimal.
"""

import datetime as dt
import json
import uuid
from typing import Annotated, Any

from pydantic import BaseModel, Field

from ledger.parties import Party
from settlement.documents.arithmetic import decimal_text
from settlement.documents.en16931 import TYPE_CODES
from settlement.documents.issued_document import IssuedDocument, IssuedLine
from settlement.documents.wording import arithmetic_words, document_notes, party_lines

LAYOUT = "tallystick.invoice-json.1"
MICRO_DECIMALS = 6
Money = Annotated[
    str,
    Field(
        pattern=r"^-?\d+(\.\d{2})?$",
        description="Decimal number, with the decimals of the currency's minor unit",
    ),
]
Exact = Annotated[
    str, Field(pattern=r"^-?\d+\.\d{6}$", description="Millionths as a decimal number")
]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256")]


class PartyJson(BaseModel):
    """A seller or a buyer, as it was at issue."""

    legal_name: str
    tax_identifier: str
    address_lines: list[str]
    postcode: str
    country: str
    contact_name: str
    contact_email: str
    iban: str | None


class PriceJson(BaseModel):
    """A price for which quantity × price rounds to the line's own amount."""

    amount: str = Field(description="For one unit, with the decimals that the product needs")
    unit: str = Field(description="MWh, day or piece")
    is_exact: bool = Field(description="Whether the product is the exact amount; else an average")


class LineJson(BaseModel):
    """A line: quantity × price, rounded, plus what is carried, is its amount."""

    line: int
    kind: str
    subject: str
    description: str
    quantity: int | None = Field(description="In the unit; none where nothing is counted")
    quantity_unit: str | None = Field(description="Wh, days or pieces")
    quality: str = Field(description="measured, estimated or none")
    estimated_quantity: int | None = Field(description="Change of what is estimated, in the unit")
    price: PriceJson | None
    arithmetic: str = Field(description="Quantity × price in words")
    exact_amount: Exact
    amount: Money
    carried: Money = Field(description="Rounding of earlier lines that this one carries")
    tax_category: str
    tax_rate_ppm: int
    clauses: list[str]
    rule_digests: list[Digest]


class TaxJson(BaseModel):
    """The tax of one category of EN 16931."""

    category: str
    rate_ppm: int
    base: Money
    tax: Money
    reason: str


class ReferenceJson(BaseModel):
    """The document that a note corrects."""

    number: str
    issued_on: dt.date


class RunJson(BaseModel):
    """The settlement run that the document rests on."""

    id: uuid.UUID
    kind: str
    result_digest: Digest


class CheckpointJson(BaseModel):
    """The newest checkpoint of the log before the document."""

    size: int = Field(description="Leaves of the log")
    root: Digest


class InvoiceJson(BaseModel):
    """A document of the settlement: invoice, credit or debit note, self-billed or not."""

    layout: str
    number: str
    kind: str
    type_code: str = Field(description="UNTDID 1001")
    market: str
    participant: str
    seller: PartyJson
    buyer: PartyJson
    billing_month: dt.date
    issued_at: dt.datetime
    due_on: dt.date
    payment_term_days: int
    currency: str
    corrects: ReferenceJson | None
    lines: list[LineJson]
    exact_amount: Exact
    rounding: Exact
    net: Money = Field(description="The sum of the lines")
    taxes: list[TaxJson]
    tax: Money
    due: Money
    notes: list[str]
    run: RunJson | None
    journal_number: int | None = Field(description="Journal of its rounding and tax")
    last_journal_number: int = Field(description="The last journal that it takes into account")
    rules: dict[str, str] = Field(description="Instrument by digest, of the rules that lines cite")
    code: str = Field(description="What its proof is looked up by")
    digest: Digest
    previous_digest: Digest
    earlier_checkpoint: CheckpointJson | None = Field(
        description="The newest checkpoint before the document; a later one covers it"
    )


def schema() -> str:
    """Return the JSON Schema of the format."""
    return json.dumps(InvoiceJson.model_json_schema(), indent=2) + "\n"


def as_json(document: IssuedDocument) -> bytes:
    """Return the document as JSON; the same document, the same bytes."""
    original, run, digits = document.original, document.run, document.minor_digits
    content = InvoiceJson(
        layout=LAYOUT,
        number=document.number,
        kind=document.kind,
        type_code=TYPE_CODES[document.kind],
        market=document.market,
        participant=document.participant,
        seller=_party(document.seller),
        buyer=_party(document.buyer),
        billing_month=document.billing_month,
        issued_at=document.issued_at.astimezone(dt.UTC),
        due_on=document.due_on,
        payment_term_days=document.payment_term_days,
        currency=document.currency,
        corrects=ReferenceJson(number=original.number, issued_on=original.issued_on)
        if original
        else None,
        lines=[_line(line, digits) for line in document.lines],
        exact_amount=_exact(document.exact_micro),
        rounding=_exact(document.rounding_micro),
        net=_money(document.net_minor, digits),
        taxes=[
            TaxJson(
                category=total.category,
                rate_ppm=total.rate_ppm,
                base=_money(total.base_minor, digits),
                tax=_money(total.tax_minor, digits),
                reason=total.reason,
            )
            for total in document.taxes
        ],
        tax=_money(document.tax_minor, digits),
        due=_money(document.due_minor, digits),
        notes=list(document_notes(document)),
        run=RunJson(id=run.id, kind=run.kind, result_digest=run.result_digest.hex())
        if run
        else None,
        journal_number=document.journal_number,
        last_journal_number=document.last_journal_number,
        rules={digest.hex(): name for digest, name in sorted(document.laws.items())},
        code=document.code,
        digest=document.digest.hex(),
        previous_digest=document.previous_digest.hex(),
        earlier_checkpoint=_earlier_checkpoint(document),
    )
    return (content.model_dump_json(indent=2) + "\n").encode()


def _earlier_checkpoint(document: IssuedDocument) -> CheckpointJson | None:
    earlier = document.earlier
    return CheckpointJson(size=earlier.size, root=earlier.root.hex()) if earlier else None


def _party(party: Party) -> PartyJson:
    values: dict[str, Any] = party.__dict__ | {"address_lines": party_lines(party)}
    return PartyJson.model_validate(values)


def _line(line: IssuedLine, digits: int) -> LineJson:
    price = line.price
    return LineJson(
        line=line.number,
        kind=line.kind,
        subject=line.subject,
        description=line.description,
        quantity=line.quantity,
        quantity_unit=line.quantity_unit,
        quality=line.quality,
        estimated_quantity=line.estimated_quantity,
        price=PriceJson(
            amount=decimal_text(price.value, price.decimals),
            unit=price.unit,
            is_exact=price.is_exact,
        )
        if price
        else None,
        arithmetic=arithmetic_words(line),
        exact_amount=_exact(line.exact_micro),
        amount=_money(line.amount_minor, digits),
        carried=_money(line.carried_minor, digits),
        tax_category=line.tax_category,
        tax_rate_ppm=line.tax_rate_ppm,
        clauses=list(line.clauses),
        rule_digests=[digest.hex() for digest in line.rule_digests],
    )


def _money(minor: int, digits: int) -> str:
    return decimal_text(minor, digits)


def _exact(micro: int) -> str:
    return decimal_text(micro, MICRO_DECIMALS)
