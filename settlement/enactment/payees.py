"""Who is paid, as proposals change it: asked of the database, and answered by participants."""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any
from ledger import store as ledger_store
from ledger.people import proposals, store
from ledger.people.rows import AnswerRow
from ledger.people.store import StoredProposal
from ledger.people.tables import Answer
from rulebook.digest import document_body
from rulebook.documents import Document, Registration
from rulebook.publishing import Plan
from settlement.enactment.payee_rules import (
    Delay,
    PayeeChange,
    check_answerer,
    check_answers,
    check_delay,
    words_of,
)

CHANGES = text(
    "SELECT participant, before, after, units, taker, told FROM rulebook.payee_changes("
    ":market, CAST(:documents AS jsonb), :starts, :ends, 'infinity', NULL, false)"
)
DELAY = text(
    "SELECT is_bound, delay_days FROM rulebook.payee_delay("
    ":market, :proposed_at, :starts, 'infinity', NULL)"
)
PROPOSED = text("SELECT * FROM people.proposed_payees(CAST(:numbers AS bigint[]))")


class ProposedPayee(NamedTuple):
    """A change that a proposal makes, or made, for a participant; `answers` are its words on it."""

    number: int
    market: str
    content_digest: bytes
    reason: str
    proposed_by: str
    proposed_at: dt.datetime
    approved_by: str | None
    approved_at: dt.datetime | None
    starts: dt.datetime
    change: PayeeChange
    delay: Delay
    answers: tuple[Mapping[str, Any], ...]
    outcome: str | None
    ended_by: str | None
    ended_at: dt.datetime | None

    @property
    def is_objected(self) -> bool:
        """Whether its participant said no."""
        return any(not each["agrees"] for each in self.answers)

    @property
    def waits(self) -> bool:
        """Whether its participant has said nothing yet, and it may still be approved."""
        return self.is_open and self.delay.is_bound and not self.answers

    @property
    def is_open(self) -> bool:
        """Whether its proposal may still be approved, as far as it is a proposal."""
        return self.approved_at is None and self.outcome is None


def check_proposed(session: Session, planned: Plan, proposed_at: dt.datetime) -> list[Finding]:
    """Return what forbids proposing a publication, of all that it changes for participants."""
    changes = _changes(session, planned)
    if not changes:
        return []
    delay = _delay(session, planned, proposed_at)
    return list(check_delay(planned.market, changes, delay, proposed_at, planned.start))


def check_approved(session: Session, planned: Plan, stored: StoredProposal) -> list[Finding]:
    """Return what forbids approving a publication: its day, or a word that is missing or says no.

    What it changes is asked again: the law may have moved since it was proposed.
    """
    changes = _changes(session, planned)
    answers = store.answers(session, stored.number)
    if not changes and not answers:
        return []
    delay = _delay(session, planned, stored.proposed_at)
    proposer = store.rights_of(session, stored.proposed_by)
    return [
        *check_delay(planned.market, changes, delay, stored.proposed_at, planned.start),
        *check_answers(
            stored.number, changes, delay, answers, proposer, store.acting(session)
        ),
    ]  # fmt: skip


def answer(
    session: Session, number: int, digest: str, now: dt.datetime, *, agrees: bool
) -> list[str]:
    """Confirm a proposal, or object to it, for each participant that it concerns and who acts for.

    Args:
        session: acts as whoever answers.
        number: of the proposal.
        digest: of its content, in hexadecimal, or how it begins: what was read.
        now: when.
        agrees: whether it is confirmed.

    Returns:
        The participants for which it was answered.

    Raises:
        Refused: with every finding; nothing is written.
    """
    ledger_store.lock(session)
    stored = proposals.find_open(session, number)
    rights = store.acting(session)
    concerned = {
        each.change.participant
        for each in proposed_payees(session, [number])
        if (each.market, each.change.participant) in rights.participants
    }
    said = {(each.participant, each.agrees) for each in store.answers(session, number)}
    owners = sorted(name for name in concerned if (name, agrees) not in said)
    proposer = store.rights_of(session, stored.proposed_by)
    findings = [
        *proposals.check_digest(stored, digest),
        *check_answerer(number, rights, proposer, sorted(concerned), agrees=agrees),
    ]
    if concerned and not owners:
        findings.append(_answered(number, concerned, agrees=agrees))
    refuse_any(findings)
    first = store.next_number(session, Answer)
    rows = [
        AnswerRow(
            each, number, stored.content_digest, stored.market or "", name, agrees,
            rights.account, now,
        )
        for each, name in enumerate(owners, start=first)
    ]  # fmt: skip
    store.append(session, Answer, rows)
    return owners


def proposed_payees(
    session: Session, numbers: Collection[int] | None = None
) -> list[ProposedPayee]:
    """Return what proposals change, in order, for those whom the session may read of.

    Args:
        session: acts as whoever asks.
        numbers: of the proposals; None for all that were ever made, each of which is held to the
            registrations that were there.
    """
    asked = None if numbers is None else sorted(numbers)
    return [_proposed(row) for row in session.execute(PROPOSED, {"numbers": asked})]


def payee_line(payee: ProposedPayee) -> str:
    """Return a change in a line: of whom, from what to what, and whether its participant agrees."""
    words = "; ".join(
        f"{word.name} {word.old} -> {word.new}" for word in words_of(payee.change, whole=True)
    )
    if payee.answers:
        state = ", ".join(
            f"{'confirmed' if each['agrees'] else 'objected to'} by {each['account']}"
            for each in payee.answers
        )
    else:
        state = "not confirmed" if payee.delay.is_bound else "free, as nobody was paid yet"
    return f"   {payee.change.participant}: {words}; {state}"


def _answered(number: int, participants: Iterable[str], *, agrees: bool) -> Finding:
    return Finding(
        "answered-before",
        f"proposal {number}",
        f"{', '.join(sorted(participants))} {'confirmed' if agrees else 'objected to'} it",
        "it is answered once",
        "leave it as it stands",
    )


def _changes(session: Session, planned: Plan) -> Sequence[PayeeChange]:
    documents: dict[str, Document] = {
        change.document.instrument: change.document
        for change in planned.changes
        if change.unchanged is None and isinstance(change.document, Registration)
    }
    if not documents:
        return ()
    bodies = {instrument: document_body(each) for instrument, each in documents.items()}
    values = {
        "market": planned.market,
        "documents": json.dumps(bodies),
        "starts": planned.start,
        "ends": planned.end,
    }
    return [_change(row) for row in session.execute(CHANGES, values)]


def _delay(session: Session, planned: Plan, proposed_at: dt.datetime) -> Delay:
    values = {"market": planned.market, "proposed_at": proposed_at, "starts": planned.start}
    row = session.execute(DELAY, values).one()
    return Delay(row.is_bound, row.delay_days)


def _change(row: Any) -> PayeeChange:
    return PayeeChange(
        row.participant,
        tuple(row.before or ()),
        row.after,
        tuple(row.units),
        row.taker,
        tuple(row.told),
    )


def _proposed(row: Any) -> ProposedPayee:
    return ProposedPayee(
        row.number, row.market, row.content_digest, row.reason, row.proposed_by, row.proposed_at,
        row.approved_by, row.approved_at, row.starts, _change(row),
        Delay(row.is_bound, row.delay_days), tuple(row.answers or ()), row.outcome, row.ended_by,
        row.ended_at,
    )  # fmt: skip
