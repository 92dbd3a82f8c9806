"""The rows of the ledger that notices are derived from; every function receives the session."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session, aliased

from common.currencies import minor_unit_micro
from ledger.invoice import document_number
from ledger.payments.statements import statement_name
from ledger.store import journal_head
from ledger.tables import Invoice
from rulebook.days import day_of
from settlement.notices.change import OVERSEEN, ChangeStep
from settlement.notices.ending import Ending
from settlement.notices.given_up import GivenUp
from settlement.notices.notice import Document, Law, Movement, Paid, SealedDays

ONE_DAY = dt.timedelta(days=1)
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
# What a decision moved on accounts `paid`: a decision that reverses one takes its part back first.
# By its journal, as a decision that takes a payment from a document names that document no more,
# and is hidden from whose document it is.
PAYMENTS = """
SELECT account.market, account.participant, bank.statement_number, bank.line,
       split_part(journal.cause_key, ':', 2)::int8,
       array_agg(account.subject ORDER BY account.subject),
       -sum(posting.amount)::int8, account.commodity, bank.value_on, journal.posted_at,
       (sum(posting.amount) < 0) <> (bank.amount_minor > 0)
  FROM ledger.journal
  JOIN ledger.bank_transaction AS bank
    ON bank.market = journal.market
   AND split_part(journal.cause_key, ':', 1) = bank.market || '-bank-'
       || lpad(bank.statement_number::text, greatest(6, length(bank.statement_number::text)), '0')
       || '/' || bank.line
  JOIN ledger.posting ON posting.journal_number = journal.number
  JOIN ledger.account ON account.code = posting.account AND account.kind = 'paid'
 WHERE journal.cause_source = 'ledger.allocation' AND account.participant IS NOT NULL
 GROUP BY account.market, account.participant, account.commodity, bank.statement_number,
          bank.line, journal.number, bank.value_on, bank.amount_minor
HAVING sum(posting.amount) <> 0
 ORDER BY journal.posted_at, account.market, bank.statement_number, bank.line,
          account.participant
"""
LAWS = """
SELECT version.market, told.participant, version.instrument, version.body ->> 'title',
       version.id::text, lower(version.valid), version.reason, lower(version.recorded), zone.name,
       ARRAY(SELECT DISTINCT contact ->> 'email'
               FROM rulebook.version AS before,
                    jsonb_array_elements(before.body -> 'contacts') AS contact
              WHERE before.kind = 'registration' AND before.instrument = version.instrument
                AND lower(before.recorded) < lower(version.recorded) ORDER BY 1)
  FROM (SELECT *, row_number() OVER (PARTITION BY instrument, digest ORDER BY lower(recorded),
                                     lower(valid)) AS nth,
               min(lower(recorded)) OVER (PARTITION BY instrument) AS begun
          FROM rulebook.version) AS version
  JOIN (SELECT DISTINCT market, split_part(instrument, '/', 3) AS participant
          FROM rulebook.version WHERE kind = 'registration') AS told USING (market)
  JOIN (SELECT DISTINCT market, body ->> 'time_zone' AS name
          FROM rulebook.version WHERE kind = 'market-rules') AS zone USING (market)
 WHERE nth = 1 AND (lower(valid) > lower(recorded) OR lower(recorded) > begun)
   AND (version.kind <> 'registration'
        OR split_part(version.instrument, '/', 3) = told.participant)
 ORDER BY lower(version.recorded), version.instrument, told.participant
"""
# An end records the last version again, and nothing of the instrument is left beyond it. Law that
# changes leaves remainders too: after them either other law follows, or the end stands as it stood.
ENDINGS = """
SELECT market, split_part(instrument, '/', 3) AS participant, instrument, named.name, step, by, at,
       ends, zone.name AS zone, reason,
       ARRAY(SELECT DISTINCT contact ->> 'email'
               FROM rulebook.version AS own,
                    jsonb_array_elements(own.body -> 'contacts') AS contact
              WHERE own.instrument = named.instrument ORDER BY 1) AS told
  FROM (SELECT market, instrument, number::text AS name, 'proposed' AS step, proposed_by AS by,
               proposed_at AS at, ends, reason
          FROM people.proposed_endings()
        UNION ALL
        SELECT market, instrument, number::text, outcome, ended_by, ended_at, ends, end_reason
          FROM people.proposed_endings() WHERE outcome IS NOT NULL
        UNION ALL
        SELECT version.market, version.instrument, version.id::text, 'approved', version.approver,
               lower(version.recorded), upper(version.valid), version.reason
          FROM rulebook.version
         WHERE NOT upper_inf(version.valid)
           AND EXISTS (
               SELECT FROM rulebook.version AS before
                WHERE before.instrument = version.instrument AND before.digest = version.digest
                  AND upper(before.recorded) = lower(version.recorded)
                  AND lower(before.valid) = lower(version.valid))
           AND EXISTS (
               SELECT FROM rulebook.version AS before
                WHERE before.instrument = version.instrument
                  AND upper(before.recorded) = lower(version.recorded)
                  AND (upper_inf(before.valid) OR upper(before.valid) > upper(version.valid)))
           AND NOT EXISTS (
               SELECT FROM rulebook.version AS beyond
                WHERE beyond.instrument = version.instrument
                  AND beyond.recorded @> lower(version.recorded)
                  AND (upper_inf(beyond.valid) OR upper(beyond.valid) > upper(version.valid)))
       ) AS named
  JOIN LATERAL (SELECT body ->> 'time_zone' AS name FROM rulebook.version
                 WHERE version.market = named.market AND kind = 'market-rules' LIMIT 1) AS zone
    ON true
 WHERE split_part(instrument, '/', 2) = 'registration'
 ORDER BY at, instrument, step
"""
# The zone of a market is that of any of its rules: one is read, as every page counts these.
CHANGES = """
SELECT change.market, told.participant, change.number, event.sequence, change.title, event.kind,
       event.at, event.body ->> 'last_day' AS last_day, zone.name AS zone, revision.valid_from
  FROM rulebook.change_event AS event
  JOIN rulebook.change ON change.number = event.change
  LEFT JOIN rulebook.revision
    ON revision.change = event.change AND revision.digest = event.revision_digest
  JOIN ({told}) AS told USING (market)
  JOIN LATERAL (SELECT body ->> 'time_zone' AS name FROM rulebook.version
                 WHERE version.market = change.market AND kind = 'market-rules' LIMIT 1) AS zone
    ON true
  LEFT JOIN rulebook.change_event AS asked
    ON asked.change = event.change AND asked.sequence = event.answers
 WHERE event.kind = ANY(:kinds)
    OR event.kind = 'reply' AND asked.participant = told.participant
    OR event.kind = 'withdraw' AND EXISTS (
       SELECT FROM rulebook.change_event AS reviewed
        WHERE reviewed.change = event.change AND reviewed.kind = 'ask-review')
    OR event.kind = 'revise' AND EXISTS (
       SELECT FROM rulebook.change_event AS consulted
        WHERE consulted.change = event.change AND consulted.sequence = event.sequence - 1
          AND consulted.state = 'in consultation')
 ORDER BY change.number, event.sequence, told.participant
"""
GIVEN_UP = """
SELECT proposal.market, proposal.number, coalesce(
           'End of ' || (content::jsonb ->> 'instrument'),
           nullif(content::jsonb ->> 'reason', ''),
           (SELECT string_agg(named.key, ', ' ORDER BY named.key)
              FROM jsonb_each(content::jsonb -> 'documents') AS named)) AS title,
       outcome, ended_by, ended_at, ended.reason
  FROM people.proposal_end AS ended JOIN people.proposal ON proposal.number = ended.proposal
 WHERE proposal.market IS NOT NULL ORDER BY proposal.number
"""
PARTICIPANTS = """
SELECT DISTINCT market, split_part(instrument, '/', 3) AS participant
          FROM rulebook.version WHERE kind = 'registration'
"""
OVERSEERS = f"SELECT DISTINCT market, '{OVERSEEN}' AS participant FROM rulebook.change"
TOLD_TO_PARTICIPANTS = ("consult", "accept", "reject", "approve")
TOLD_TO_OVERSEERS = ("ask-review", "consult", "accept", "reject", "propose", "approve")
"""Beside what follows from who said what; overseers are told of what waits for one of them, too."""
DECIDED = """
SELECT count(*) FROM ledger.log_leaf
 WHERE source IN ('people.proposal', 'people.approval', 'people.answer', 'people.proposal_end',
                 'rulebook.change_event')
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
    # What people propose, approve and answer may be hidden from who asks; their leaves are not.
    decided = session.scalar(text(DECIDED))
    return (*journal_head(session), *heads, steps, law, decided)


def movements(session: Session) -> list[Movement]:
    """Return what later runs moved on participants' accounts, by run and kind of account."""
    found = [Movement(*row) for row in session.execute(text(MOVEMENTS))]
    return [movement._replace(days=tuple(sorted(movement.days))) for movement in found]


def sealed_days(session: Session) -> list[SealedDays]:
    """Return what was sealed, for each participant whose accounts the days moved."""
    found = [SealedDays(*row) for row in session.execute(text(SEALED_DAYS))]
    return [sealed._replace(days=tuple(sealed.days)) for sealed in found]


def payments(session: Session) -> list[Paid]:
    """Return what each decision about a payment gave to documents of a participant."""
    found = []
    for row in session.execute(text(PAYMENTS)):
        market, participant, number, line, decision, named, micro, currency, value_on, *rest = row
        payment = f"{statement_name(market, number)}/{line}"
        minor = micro // minor_unit_micro(currency)
        found.append(
            Paid(
                market,
                participant,
                payment,
                decision,
                tuple(named),
                minor,
                currency,
                value_on,
                *rest,
            )
        )
    return found


def laws(session: Session) -> list[Law]:
    """Return the versions that begin after they were recorded or replace another, by reader."""
    return [
        Law(
            market,
            participant,
            instrument,
            title,
            version,
            day_of(begins, zone),
            reason,
            at,
            tuple(told),
        )
        for market, participant, instrument, title, version, begins, reason, at, zone, told in (
            session.execute(text(LAWS))
        )
    ]


def change_steps(session: Session) -> list[ChangeStep]:
    """Return the steps of changes of the law that participants are told of, by reader."""
    return _change_steps(session, PARTICIPANTS, TOLD_TO_PARTICIPANTS)


def overseen_steps(session: Session) -> list[ChangeStep]:
    """Return the steps of changes of the law that those who oversee markets are told of, once."""
    return _change_steps(session, OVERSEERS, TOLD_TO_OVERSEERS)


def endings(session: Session) -> list[Ending]:
    """Return each end of a registration that was proposed, given up or approved.

    Of a participant's own, and to commands and those who oversee markets of everybody's.
    """
    return [
        Ending(
            row.market,
            row.participant,
            row.instrument,
            row.name,
            row.step,
            row.by,
            row.at,
            day_of(row.ends, row.zone) - ONE_DAY,
            row.reason,
            tuple(row.told),
        )
        for row in session.execute(text(ENDINGS))
    ]


def given_up(session: Session) -> list[GivenUp]:
    """Return the proposals of law that were given up and that no change made, as overseers see."""
    return [GivenUp(*row) for row in session.execute(text(GIVEN_UP))]


def _change_steps(session: Session, told: str, kinds: Sequence[str]) -> list[ChangeStep]:
    statement = text(CHANGES.format(told=told))
    return [
        ChangeStep(
            row.market,
            row.participant,
            row.number,
            row.sequence,
            row.title,
            row.kind,
            row.at,
            dt.date.fromisoformat(row.last_day)
            if row.last_day
            else day_of((row.kind == "approve" and row.valid_from) or row.at, row.zone),
        )
        for row in session.execute(statement, {"kinds": list(kinds)})
    ]


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
            row.due_on,
            None if series is None else document_number(series, number),
            row.run_id,
        )
        for row, series, number in session.execute(statement)
    ]
