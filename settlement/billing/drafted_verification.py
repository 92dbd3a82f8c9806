"""Draft issued documents again, and hold what they state to that: who is paid, where, and for what.

Amounts follow from journals, and a document states more than amounts. Whoever issues one by the
product's own functions could name another account to pay to, or another term, of which no journal
tells. So what was billed at a moment is drafted again by the functions that issued it, from the
journals up to then and from the law as it was known then.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

import ledger.invoice_queries
from common.damage import damage
from common.refusals import Finding
from ledger.billing import SealedInvoice, line_rows
from ledger.chain import InvoiceLineRow
from ledger.invoice import OUTSIDE_SCOPE, InvoiceDraft, document_number, series_of
from ledger.parties import BUYER, SELLER, party_columns
from settlement.billing.day_law import PostedMonth
from settlement.billing.issuing import draft_month

# Words are another release's to choose. What they are about, every other column says.
WORDS = ("description", "tax_note")
PLACE_OF_LINE = ("invoice_id", "line")
HELD_OF_LINE = tuple(
    name for name in InvoiceLineRow._fields if name not in {*WORDS, *PLACE_OF_LINE}
)
STATED, STATED_LINE = "document-states", "document-line-states"


class Issue(NamedTuple):
    """What documents that were issued together share."""

    issued_at: dt.datetime
    last_journal_number: int


def verify_drafts(
    session: Session, market: str, billing_month: dt.date, month: PostedMonth
) -> Iterator[Finding]:
    """Yield what documents of a month state otherwise than they would be drafted.

    Raises:
        Refused: the law of their issue is not there as it was.
    """
    issued: defaultdict[Issue, list[SealedInvoice]] = defaultdict(list)
    for document in ledger.invoice_queries.documents_of_month(session, market, billing_month):
        row = document.row
        issued[Issue(row.issued_at, row.last_journal_number)].append(document)
    for (issued_at, up_to), documents in sorted(issued.items()):
        posted = month.until(up_to)
        drafts = (
            draft_month(session, market, posted, known=issued_at, up_to=up_to)
            if posted.posted
            else []
        )
        by_key = {_draft_key(draft): draft for draft in drafts}
        for document in documents:
            yield from _compare(document, by_key.get(_document_key(document)))


def _draft_key(draft: InvoiceDraft) -> tuple[str, str, str, bool]:
    series = series_of(draft.market, draft.family)
    return draft.participant, series, draft.currency, draft.is_outside_scope


def _document_key(document: SealedInvoice) -> tuple[str, str, str, bool]:
    row = document.row
    is_outside = any(line.tax_category == OUTSIDE_SCOPE for line in document.lines)
    return row.participant, row.series, row.currency, is_outside


def _compare(document: SealedInvoice, draft: InvoiceDraft | None) -> Iterator[Finding]:
    row = document.row
    place = f"ledger.invoice {document_number(row.series, row.number)}"
    if draft is None:
        yield damage(STATED, place, "nothing of its kind was to be billed when it was issued")
        return
    expected: Mapping[str, Any] = {
        **party_columns(SELLER, draft.seller),
        **party_columns(BUYER, draft.buyer),
        "payment_term_days": draft.payment_term_days,
        "run_id": draft.run_id,
    }
    for column, value in expected.items():
        if getattr(row, column) != value:
            words = f"its {column} is {getattr(row, column)}, and by the law of its issue {value}"
            yield damage(STATED, place, words)
    stated = {_line_key(line): line for line in document.lines}
    drafted = {_line_key(line): line for line in line_rows(draft, row.id)}
    for key in sorted(stated.keys() | drafted.keys()):
        yield from _compare_line(place, key, stated.get(key), drafted.get(key))


def _line_key(line: InvoiceLineRow) -> tuple[str, str, str, int]:
    return line.kind, line.subject, line.tax_category, line.tax_rate_ppm


def _compare_line(
    place: str,
    key: tuple[str, str, str, int],
    stated: InvoiceLineRow | None,
    drafted: InvoiceLineRow | None,
) -> Iterator[Finding]:
    kind, subject, _, _ = key
    if stated is None or drafted is None:
        word = "has no line" if stated is None else "has a line that was not to be billed"
        yield damage(STATED_LINE, place, f"it {word} of {kind} of {subject}")
        return
    for column in HELD_OF_LINE:
        found, value = getattr(stated, column), getattr(drafted, column)
        if found != value:
            words = f"the {column} of {kind} of {subject} is {found}, and as it was drafted {value}"
            yield damage(STATED_LINE, f"{place}/{stated.line}", words)
