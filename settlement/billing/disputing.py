"""Open disputes under the law: the terms in force when the disputed document was issued.

The ledger keeps the days of a dispute without knowing why; here they are taken from the settlement
terms, and verification holds them to the terms again.
"""

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

import ledger.invoice_queries
from common.refusals import Finding, Refused
from ledger.disputes.attachments import Attachment
from ledger.disputes.claims import Claim
from ledger.disputes.course import Action
from ledger.disputes.records import Actor, Record
from ledger.disputes.rules import DisputeRule
from ledger.disputes.steps import StepRequest, open_dispute
from ledger.disputes.tables import Dispute
from ledger.disputes.terms import DisputeTerms
from rulebook.documents import Document, SettlementTerms
from rulebook.law import rules_at
from rulebook.resolve import document_in
from rulebook.store import versions_with_digests
from rulebook.versions import instant_shown


def dispute_line(
    session: Session,
    document: str,
    line: int,
    claim: Claim,
    actor: Actor,
    reason: str,
    now: dt.datetime,
    attachment: Attachment | None = None,
) -> Record:
    """Open a dispute on a line of the document with a printed number.

    Raises:
        Refused: there is no such document or line, no settlement terms were in force when the
            document was issued, or a rule is broken; nothing is written.
    """
    identity = ledger.invoice_queries.document_id(session, document)
    found = ledger.invoice_queries.invoice(session, identity) if identity else None
    if found is None:
        unknown = DisputeRule.DOCUMENT_IS_UNKNOWN.finding("a dispute", f"document {document!r}")
        raise Refused([unknown])
    row = found.row
    return open_dispute(
        session,
        row.market,
        row.participant,
        (row.id, line),
        claim,
        terms_at_issue(session, row.market, row.issued_at),
        StepRequest(Action.OPEN, actor, reason, attachment=attachment),
        now,
    )


def terms_at_issue(session: Session, market: str, issued_at: dt.datetime) -> DisputeTerms:
    """Return the deadlines of disputes that were in force, and known, when a document was issued.

    Raises:
        Refused: the market had no settlement terms then.
    """
    rules = rules_at(session, market, issued_at, issued_at)
    if rules.settlement_terms is None:
        raise Refused(
            [
                Finding(
                    "no-settlement-terms",
                    f"{market}/settlement-terms",
                    f"nothing in force at {instant_shown(issued_at)}",
                    "the settlement terms say how and by when a line is disputed",
                    "publish settlement terms for a validity that holds that instant",
                )
            ]
        )
    digest = rules.digests[rules.settlement_terms.instrument]
    return _kept(rules.settlement_terms, digest, rules.market_rules.time_zone)


def verify_dispute_terms(session: Session) -> Iterator[Finding]:
    """Hold the days that each dispute keeps to the settlement terms of the digest it names."""
    read: dict[tuple[str, bytes], Document | None] = {}
    statement = select(Dispute).order_by(Dispute.market, Dispute.number)
    for row in session.scalars(statement):
        named = (row.market, row.terms_digest)
        if named not in read:
            read[named] = _terms_named(session, *named)
        terms = read[named]
        kept = DisputeTerms(
            row.terms_digest,
            row.time_zone,
            row.raise_within_days,
            row.answer_within_days,
            row.escalate_within_days,
            row.decide_within_days,
        )
        of_law = (
            _kept(terms, row.terms_digest, row.time_zone)
            if isinstance(terms, SettlementTerms)
            else None
        )
        if kept != of_law:
            yield Finding(
                "dispute-terms",
                f"ledger.dispute {row.market}/{row.number}",
                f"days {kept.raise_within_days}, {kept.answer_within_days}, "
                f"{kept.escalate_within_days}, {kept.decide_within_days}",
                "a dispute keeps the days of the settlement terms that it names",
                "restore the row, or the terms, from a backup or evidence file",
            )


def _terms_named(session: Session, market: str, digest: bytes) -> Document | None:
    found = versions_with_digests(session, {f"{market}/settlement-terms": digest})
    return document_in(found[0])[0] if found else None


def _kept(terms: SettlementTerms, digest: bytes, time_zone: str) -> DisputeTerms:
    days = terms.disputes
    return DisputeTerms(
        digest,
        time_zone,
        days.raise_within_days,
        days.answer_within_days,
        days.escalate_within_days,
        days.decide_within_days,
    )
