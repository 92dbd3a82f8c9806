"""The rows of the ledger that notices are derived from; every function receives the session."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session, aliased

from ledger.invoice import document_number
from ledger.store import journal_head
from ledger.tables import Invoice
from settlement.notices.notice import Document, Movement, SealedDays

# The first journal of a day posts it; only those after it, nth > 1, correct something.
MOVEMENTS = """
SELECT journal.market, account.participant, journal.run_id, journal.run_kind, account.commodity,
       account.kind, sum(posting.amount)::int8, array_agg(DISTINCT journal.settlement_day),
       max(journal.number), max(journal.posted_at)
  FROM (SELECT *, row_number() OVER (PARTITION BY market, settlement_day ORDER BY number) AS nth
          FROM ledger.journal WHERE run_id IS NOT NULL) AS journal
  JOIN ledger.posting ON posting.journal_number = journal.number
  JOIN ledger.account ON account.code = posting.account
 WHERE nth > 1 AND account.participant IS NOT NULL
 GROUP BY journal.market, account.participant, journal.run_id, journal.run_kind,
          account.commodity, account.kind
 ORDER BY max(journal.number), account.participant, account.commodity, account.kind
"""
SEALED_DAYS = """
SELECT sealed.market, touched.participant, sealed.journal_number, sealed.days, sealed.sealed_by,
       sealed.reason, sealed.sealed_at
  FROM (SELECT market, journal_number, array_agg(settlement_day ORDER BY settlement_day) AS days,
               min(sealed_by) AS sealed_by, min(reason) AS reason, min(sealed_at) AS sealed_at
          FROM ledger.seal GROUP BY market, journal_number) AS sealed
  JOIN (SELECT DISTINCT seal.journal_number, account.participant
          FROM ledger.seal
          JOIN ledger.journal USING (market, settlement_day)
          JOIN ledger.posting ON posting.journal_number = journal.number
          JOIN ledger.account ON account.code = posting.account
         WHERE account.participant IS NOT NULL) AS touched USING (journal_number)
 ORDER BY sealed.journal_number, touched.participant
"""
INVOICE_HEADS = "SELECT series, max(number) FROM ledger.invoice GROUP BY series ORDER BY series"


def last_movements(session: Session) -> list[tuple[str, dt.datetime]]:
    """Return when anything was last posted, by market."""
    query = "SELECT market, max(posted_at) FROM ledger.journal GROUP BY market ORDER BY market"
    return [tuple(row) for row in session.execute(text(query))]


def ledger_state(session: Session) -> tuple[object, ...]:
    """Return what identifies all that notices follow from, so that what is derived may be kept.

    The head of the journals is a digest over every journal, seals and payments among them;
    documents and steps of disputes are numbered without a gap.
    """
    heads = [tuple(row) for row in session.execute(text(INVOICE_HEADS))]
    steps = session.scalar(text("SELECT count(*) FROM ledger.dispute_event"))
    # The law too: credit levels follow from cover and terms, which change without a journal.
    law = session.scalar(text("SELECT max(lower(recorded)) FROM rulebook.version"))
    return (*journal_head(session), *heads, steps, law)


def movements(session: Session) -> list[Movement]:
    """Return what later runs moved on participants' accounts, by run and kind of account."""
    found = [Movement(*row) for row in session.execute(text(MOVEMENTS))]
    return [movement._replace(days=tuple(sorted(movement.days))) for movement in found]


def sealed_days(session: Session) -> list[SealedDays]:
    """Return what was sealed, for each participant whose accounts the days moved."""
    found = [SealedDays(*row) for row in session.execute(text(SEALED_DAYS))]
    return [sealed._replace(days=tuple(sealed.days)) for sealed in found]


def documents(session: Session) -> Sequence[Document]:
    """Return every document of every participant, in the order of issue."""
    corrected = aliased(Invoice)
    statement = (
        select(Invoice, corrected.series, corrected.number)
        .outerjoin(corrected, corrected.id == Invoice.original)
        .order_by(Invoice.issued_at, Invoice.series, Invoice.number)
    )
    return [
        Document(
            row.market,
            row.participant,
            document_number(row.series, row.number),
            row.kind,
            row.billing_month,
            row.issued_at,
            row.last_journal_number,
            row.currency,
            row.due_minor,
            None if series is None else document_number(series, number),
            row.run_id,
        )
        for row, series, number in session.execute(statement)
    ]
