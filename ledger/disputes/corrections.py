"""What was posted and billed after a disputed document: the runs and notes that may settle it."""

from dataclasses import dataclass
from typing import Any
from typing import cast as typed
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session, aliased

from ledger.disputes.records import Record
from ledger.disputes.settling import Billed, Correction, NoteLine, settling_breaches
from ledger.invoice import document_number
from ledger.invoice_queries import next_month
from ledger.journal import Account
from ledger.tables import Invoice, InvoiceLine, Journal, Posting


@dataclass(frozen=True)
class Suggestion:
    """A run that settles an upheld dispute, with the note that bills it where money moved."""

    correction: Correction
    note: Billed | None
    line: NoteLine | None


def suggestions(session: Session, record: Record) -> list[Suggestion]:
    """Return what would settle a dispute, latest run first; each keeps every rule of settling."""
    disputed = billed(session, record.row.invoice_id)
    if disputed is None:
        return []
    notes = [(note, note_line(session, record, note)) for note in _later(session, disputed)]
    is_of_money = record.row.claim.amount_micro is not None
    found = []
    for correction in corrections(session, record, disputed):
        for note, line in [*notes, (None, None)]:
            breaches = settling_breaches(disputed, correction, note, line, is_of_money=is_of_money)
            if not any(breaches):
                found.append(Suggestion(correction, note, line))
                break
    return found


def billed(session: Session, invoice_id: UUID) -> Billed | None:
    """Return a document with the journals that it bills, or None when there is none."""
    row = session.scalars(select(Invoice).where(Invoice.id == invoice_id)).one_or_none()
    if row is None:
        return None
    before = session.scalar(
        select(func.max(Invoice.last_journal_number)).where(
            Invoice.market == row.market,
            Invoice.participant == row.participant,
            Invoice.billing_month == row.billing_month,
            Invoice.last_journal_number < row.last_journal_number,
        )
    )
    return Billed(
        id=row.id,
        number=document_number(row.series, row.number),
        series=row.series,
        participant=row.participant,
        billing_month=row.billing_month,
        first_journal=(before or 0) + 1,
        last_journal=row.last_journal_number,
    )


def corrections(session: Session, record: Record, disputed: Billed) -> list[Correction]:
    """Return what later runs posted for the days that the disputed document bills, latest first."""
    row, line = record.row, record.line
    account = Account(row.market, line.currency, row.participant, line.kind, line.subject).code
    of_account = case((Posting.account == account, Posting.amount), else_=0)
    days = select(Journal.settlement_day).where(
        Journal.market == row.market,
        Journal.settlement_day >= disputed.billing_month,
        Journal.settlement_day < next_month(disputed.billing_month),
        Journal.number.between(disputed.first_journal, disputed.last_journal),
    )
    statement = (
        select(
            Journal.run_id,
            Journal.run_kind,
            Journal.number,
            Journal.settlement_day,
            sql_cast(func.coalesce(func.sum(of_account), 0), BigInteger),
        )
        .outerjoin(Posting, Posting.journal_number == Journal.number)
        .where(
            Journal.market == row.market,
            Journal.run_id.is_not(None),
            Journal.settlement_day.in_(days),
            Journal.number > disputed.last_journal,
        )
        .group_by(Journal.number)
        .order_by(Journal.number.desc())
    )
    found: dict[UUID, Correction] = {}
    for row_of_run in session.execute(statement):
        run_id, run_kind, number, day, moved = typed(tuple[Any, ...], row_of_run)
        so_far = found.get(run_id, Correction(run_id, run_kind, (), (), 0))
        found[run_id] = Correction(
            run_id,
            run_kind,
            (number, *so_far.journal_numbers),
            (day, *so_far.days),
            so_far.moved_micro + moved,
        )
    return list(found.values())


def correction_by(session: Session, record: Record, disputed: Billed, run_id: UUID) -> Correction:
    """Return what one run posted for the days of the disputed document, perhaps nothing."""
    found = {correction.run_id: correction for correction in corrections(session, record, disputed)}
    return found.get(run_id, Correction(run_id, "", (), (), 0))


def note_line(session: Session, record: Record, note: Billed) -> NoteLine | None:
    """Return the line of a note that bills the disputed charge and subject, if it has one.

    Where it has one for each tax, that of the disputed line's tax, which takes it back.
    """
    disputed = aliased(InvoiceLine)
    row = session.execute(
        select(InvoiceLine.line, InvoiceLine.amount_micro)
        .join(
            disputed,
            and_(disputed.kind == InvoiceLine.kind, disputed.subject == InvoiceLine.subject),
        )
        .where(
            InvoiceLine.invoice_id == note.id,
            disputed.invoice_id == record.row.invoice_id,
            disputed.line == record.row.line,
        )
        .order_by(
            (InvoiceLine.tax_category == disputed.tax_category).desc(),
            (InvoiceLine.tax_rate_ppm == disputed.tax_rate_ppm).desc(),
            InvoiceLine.line,
        )
    ).first()
    return None if row is None else NoteLine(row.line, row.amount_micro)


def _later(session: Session, disputed: Billed) -> list[Billed]:
    identities = session.scalars(
        select(Invoice.id)
        .where(
            Invoice.series == disputed.series,
            Invoice.participant == disputed.participant,
            Invoice.billing_month == disputed.billing_month,
            Invoice.last_journal_number > disputed.last_journal,
        )
        .order_by(Invoice.number.desc())
    )
    return [note for note in (billed(session, each) for each in identities) if note]
