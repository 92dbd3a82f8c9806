"""Invoices and their notes as pages show them.

Amounts keep the ledger's sign: + the participant pays the market. A page of a self-billed document
turns them round with `shown_sign`, because it states what the market pays.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, aliased

from ledger.invoice import document_number, round_half_away
from ledger.invoice_queries import next_month
from ledger.tables import Invoice, InvoiceLine
from portal.queries.rules import RuleVersion, market_zone, rule_by_digest, rule_on
from settlement.runs.tables import RunRow

WH_PER_MWH = 1_000_000
TITLE_OF_COMPONENT = {
    "fuel": "Fuel",
    "regulated": "Regulated recovery",
    "adequacy": "Adequacy pot",
    "location": "Location pot",
    "flexibility": "Flexibility pot",
    "reserve": "Reserve pot",
    "availability": "Reserve held",
    "dynamic": "Dynamic price",
    "equalisation": "Returned from the equalisation account",
    "tariff": "Tariffs",
    "subscription": "Subscriptions",
    "fee": "Fees",
}


@dataclass(frozen=True)
class InvoiceSummary:
    """One row of the list of invoices."""

    id: uuid.UUID
    number: str
    kind: str
    market: str
    participant: str
    billing_month: dt.date
    currency: str
    due_minor: int
    issued_at: dt.datetime
    due_on: dt.date
    run_kind: str | None
    run_id: uuid.UUID | None
    corrects: str | None
    corrected_by: tuple[str, ...]
    zone: str

    @property
    def is_self_billed(self) -> bool:
        """Whether the market writes this in the participant's name."""
        return self.kind.startswith("self-billed")

    @property
    def shown_sign(self) -> int:
        """-1 where the document states what the market pays, +1 where what it is owed."""
        return -1 if self.is_self_billed else 1

    @property
    def issued_day(self) -> dt.date:
        """Local day of issue."""
        return self.issued_at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def received_minor(self) -> int:
        """What the market pays, where it is the one that pays."""
        return -self.due_minor


@dataclass(frozen=True)
class Cited:
    """A clause that a line cites, in the version it obeyed."""

    anchor: str
    text: str
    instrument: str
    digest: bytes


@dataclass(frozen=True)
class Line:
    """One line of a document; `amount_micro` has the sign that the document shows."""

    line: int
    kind: str
    subject: str
    description: str
    quantity: int | None
    quantity_unit: str | None
    amount_micro: int
    quality: str | None
    estimated_quantity: int | None
    clauses: tuple[Cited, ...]
    tax_category: str | None = None

    @property
    def replaced_estimate(self) -> int:
        """How much that was estimated before has been replaced, in `quantity_unit`."""
        return max(-(self.estimated_quantity or 0), 0)

    @property
    def price_minor_per_mwh(self) -> int | None:
        """Average price in pence a MWh, rounded half away from zero; None without energy."""
        if not self.quantity or self.quantity_unit != "Wh":
            return None
        return round_half_away(self.amount_micro * WH_PER_MWH, 10_000 * self.quantity)

    @property
    def price_micro_each(self) -> int | None:
        """Price of a day or piece; None for energy, and where several prices make the amount."""
        if not self.quantity or self.quantity_unit == "Wh" or self.amount_micro % self.quantity:
            return None
        return self.amount_micro // self.quantity


@dataclass(frozen=True)
class LineGroup:
    """The lines of one charge or payment, and their sum."""

    kind: str
    title: str
    lines: tuple[Line, ...]

    @property
    def amount_micro(self) -> int:
        """Exact sum of the lines."""
        return sum(line.amount_micro for line in self.lines)


@dataclass(frozen=True)
class InvoicePage:
    """Everything that an invoice states; amounts with the sign that the document shows."""

    summary: InvoiceSummary
    registration: RuleVersion | None
    market_rules: RuleVersion | None
    groups: tuple[LineGroup, ...]
    amount_micro: int
    rounding_micro: int
    net_minor: int
    tax_category: str
    tax_rate_ppm: int
    tax_minor: int
    due_minor: int
    digest: bytes
    previous_digest: bytes
    journal_number: int | None
    last_journal_number: int
    result_digest: bytes | None

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, in the order of the document's groups."""
        return tuple(line for group in self.groups for line in group.lines)

    @property
    def untaxed_micro(self) -> int:
        """Exact sum of the lines that no tax is due on."""
        return sum(line.amount_micro for line in self.lines if line.tax_category is not None)


def invoices_of(
    session: Session, participants: Collection[tuple[str, str]] | None
) -> list[InvoiceSummary]:
    """Return the documents of participants (market, participant), or of all, latest first."""
    query = _summaries()
    if participants is not None:
        pair = tuple_(Invoice.market, Invoice.participant)
        query = query.where(pair.in_(list(participants)))
    rows = session.execute(
        query.order_by(
            Invoice.billing_month.desc(),
            Invoice.issued_at.desc(),
            Invoice.participant,
            Invoice.number.desc(),
        )
    ).all()
    return _summarised(session, rows)


def invoice_owner(session: Session, number: str) -> tuple[str, str] | None:
    """Return (market, participant) of a document, or None when there is none of that number."""
    found = _parsed(number)
    if found is None:
        return None
    row = session.get(Invoice, found)
    return None if row is None else (row.market, row.participant)


def invoice_page(session: Session, number: str) -> InvoicePage:
    """Return a document with its lines and parties.

    Raises:
        LookupError: there is no document of that number.
    """
    found = _parsed(number)
    row = session.get(Invoice, found) if found else None
    if row is None:
        raise LookupError(number)
    query = _summaries().where(Invoice.id == row.id)
    summary = _summarised(session, session.execute(query).all())[0]
    sign = summary.shown_sign
    run = session.get(RunRow, row.run_id) if row.run_id else None
    last_day = next_month(row.billing_month) - dt.timedelta(days=1)
    law = (last_day, row.issued_at)  # a later correction of the law changes no document
    return InvoicePage(
        summary=summary,
        registration=rule_on(session, f"{row.market}/registration/{row.participant}", *law),
        market_rules=rule_on(session, f"{row.market}/market-rules", *law),
        groups=_groups(_lines(session, row.id, sign)),
        amount_micro=sign * row.amount_micro,
        rounding_micro=sign * row.rounding_micro,
        net_minor=sign * row.net_minor,
        tax_category=row.tax_category,
        tax_rate_ppm=row.tax_rate_ppm,
        tax_minor=sign * row.tax_minor,
        due_minor=sign * row.due_minor,
        digest=row.digest,
        previous_digest=row.previous_digest,
        journal_number=row.journal_number,
        last_journal_number=row.last_journal_number,
        result_digest=run.result_digest if run else None,
    )


def title_of(kind: str) -> str:
    """Return the name of a charge or payment for people.

    >>> title_of("charge.adequacy"), title_of("payment.fuel"), title_of("fee.metering")
    ('Adequacy pot', 'Fuel', 'Metering')
    """
    component = kind.partition(".")[2] or kind
    return TITLE_OF_COMPONENT.get(component, component.replace("-", " ").capitalize())


def _summaries():
    original = aliased(Invoice)
    return (
        select(Invoice, RunRow.kind, original)
        .outerjoin(RunRow, RunRow.id == Invoice.run_id)
        .outerjoin(original, original.id == Invoice.original)
    )


def _summarised(session: Session, rows: Iterable) -> list[InvoiceSummary]:
    rows = list(rows)
    identifiers = [row.id for row, _, _ in rows]
    notes: dict[uuid.UUID, list[str]] = {}
    corrections = select(Invoice).where(Invoice.original.in_(identifiers))
    for note in session.scalars(corrections.order_by(Invoice.number)):
        notes.setdefault(note.original, []).append(_number(note))
    zones = {market: market_zone(session, market) for market in {row.market for row, _, _ in rows}}
    return [
        InvoiceSummary(
            id=row.id,
            number=_number(row),
            kind=row.kind,
            market=row.market,
            participant=row.participant,
            billing_month=row.billing_month,
            currency=row.currency,
            due_minor=row.due_minor,
            issued_at=row.issued_at,
            due_on=row.due_on,
            run_kind=run_kind,
            run_id=row.run_id,
            corrects=_number(original) if original else None,
            corrected_by=tuple(notes.get(row.id, ())),
            zone=zones[row.market],
        )
        for row, run_kind, original in rows
    ]


def _lines(session: Session, invoice_id: uuid.UUID, sign: int) -> list[Line]:
    rows = list(
        session.scalars(
            select(InvoiceLine)
            .where(InvoiceLine.invoice_id == invoice_id)
            .order_by(InvoiceLine.line)
        )
    )
    digests = {digest for row in rows for digest in row.rule_digests}
    versions = {digest: rule_by_digest(session, digest) for digest in digests}
    return [
        Line(
            line=row.line,
            kind=row.kind,
            subject=row.subject,
            description=row.description,
            quantity=row.quantity,
            quantity_unit=row.quantity_unit,
            amount_micro=sign * row.amount_micro,
            quality=row.quality,
            estimated_quantity=row.estimated_quantity,
            clauses=tuple(
                Cited(clause.anchor, clause.text, version.instrument, digest)
                for anchor in row.clauses
                for digest in row.rule_digests
                if (version := versions[digest]) is not None
                for clause in version.document.clauses
                if clause.anchor == anchor
            ),
            tax_category=row.tax_category,
        )
        for row in rows
    ]


def _groups(lines: list[Line]) -> tuple[LineGroup, ...]:
    return tuple(
        LineGroup(kind, title_of(kind), tuple(members))
        for kind, members in groupby(lines, key=lambda line: line.kind)
    )


def _number(row: Invoice) -> str:
    return document_number(row.series, row.number)


def _parsed(number: str) -> tuple[str, int] | None:
    """Return series and number, or None when `number` is not written as documents print it."""
    series, dash, digits = number.rpartition("-")
    if not dash or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    key = (series, int(digits))
    return key if document_number(*key) == number else None
