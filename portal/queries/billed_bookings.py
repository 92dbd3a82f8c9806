"""Which lines of documents settled bookings, for who reads both."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from ledger.invoice import document_number
from ledger.tables import Invoice, InvoiceLine
from market.core.booking_records import BookingRecord
from settlement.billing.lines import BOOKING


@dataclass(frozen=True)
class BilledLine:
    """A line of a document that holds a booking to what came of it."""

    document: str
    line: int


def billed_lines(
    session: Session,
    market: str,
    records: Iterable[BookingRecord],
    participants: Collection[tuple[str, str]] | None,
) -> Mapping[int, list[BilledLine]]:
    """Return the lines of bookings by their number, in the order in which they were issued.

    Args:
        participants: (market, participant) whose documents are seen; None for all.
    """
    subjects = {
        (each.participant, f"{each.number}/{each.request.point}"): each.number
        for each in records
        if participants is None or (market, each.participant) in participants
    }
    if not subjects:
        return {}
    query = (
        select(Invoice, InvoiceLine.subject, InvoiceLine.line)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(Invoice.market == market, InvoiceLine.kind == BOOKING)
        .where(tuple_(Invoice.participant, InvoiceLine.subject).in_(list(subjects)))
        .order_by(Invoice.issued_at, Invoice.series, Invoice.number, InvoiceLine.line)
    )
    found = defaultdict(list)
    for invoice, subject, line in session.execute(query):
        number = document_number(invoice.series, invoice.number)
        found[subjects[invoice.participant, subject]].append(BilledLine(number, line))
    return found
