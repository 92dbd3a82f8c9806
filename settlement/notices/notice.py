"""Notices of what changed for a participant: pure, derived from the rows of the ledger.

Nothing writes a notice. Whatever posts a later run, issues a note or seals a day makes one by that,
and a notice has the same key whenever it is derived.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ledger.journal import ENERGY, is_money


class Sort(StrEnum):
    """What a notice tells of."""

    INVOICE = "invoice"
    PAYMENT = "payment"
    LAW = "law"
    CORRECTION = "correction"
    NOTE = "note"
    SEAL = "seal"
    DISPUTE = "dispute"
    CREDIT = "credit"
    PAYEE = "payee"
    CHANGE = "change"
    ENDING = "ending"
    PROPOSAL = "proposal"


TAKEN_BACK = "taken back"
"""The reason of a notice of a payment that pays less of a participant's documents than before."""


class Movement(NamedTuple):
    """What a later run moved on a participant's accounts of one kind; + the participant owes."""

    market: str
    participant: str
    run_id: uuid.UUID
    run_kind: str
    commodity: str
    account_kind: str
    amount: int
    days: tuple[dt.date, ...]
    last_journal_number: int
    posted_at: dt.datetime


class Document(NamedTuple):
    """A document of a participant; + it pays."""

    market: str
    participant: str
    number: str
    kind: str
    billing_month: dt.date
    issued_at: dt.datetime
    last_journal_number: int
    currency: str
    due_minor: int
    due_on: dt.date
    original: str | None
    run_id: uuid.UUID | None


class Paid(NamedTuple):
    """What of a payment was given to documents of a participant by one decision; + it paid.

    `is_taken_back`: what an earlier decision gave was taken from them again.
    """

    market: str
    participant: str
    payment: str
    decision: int
    documents: tuple[str, ...]
    amount_minor: int
    currency: str
    value_on: dt.date
    at: dt.datetime
    is_taken_back: bool = False


class Law(NamedTuple):
    """A version of an instrument that changes or begins after it was recorded, or replaced another.

    `participant` is who is told: of a registration its participant alone, of rules everybody.
    `told` are the contacts that versions before named: else to replace them would tell nobody.
    """

    market: str
    participant: str
    instrument: str
    title: str
    version: str
    first_day: dt.date
    reason: str
    at: dt.datetime
    told: tuple[str, ...] = ()


class SealedDays(NamedTuple):
    """Days that were sealed together, on some of which a participant's accounts were moved."""

    market: str
    participant: str
    journal_number: int
    days: tuple[dt.date, ...]
    sealed_by: str
    reason: str
    sealed_at: dt.datetime


class DisputeStep(NamedTuple):
    """A step of a dispute, or what the clock made of it; `place` tells it from the others."""

    market: str
    participant: str
    name: str
    place: str
    what: str
    at: dt.datetime
    billing_month: dt.date
    document: str
    line: int


class CreditLevel(NamedTuple):
    """The level of its cover that a participant's exposure has reached, as the ledger stands."""

    market: str
    participant: str
    level: str
    title: str
    at: dt.datetime
    month: dt.date
    currency: str
    exposure_micro: int
    cover_micro: int


@dataclass(frozen=True)
class Change:
    """By how much what is posted on one kind of account changed; + the participant owes more."""

    commodity: str
    account_kind: str
    amount: int


@dataclass(frozen=True)
class Notice:
    """One thing that a participant is told.

    Attributes:
        key: the same for the same notice, always.
        subject: the run kind, the kind of document, who sealed, the dispute, the credit level, the
            payment, the title of the law, how far a change of a payee or the end of a registration
            is, the step of a change of the law, or how a proposal of law was given up.
        days: the settlement days it is about, in order; of a document the first day of its month,
            of a payment the day of its value, of law the first on which it applies, of the end of
            a registration the last on which it does.
        changes: of a correction, by commodity and kind of account.
        documents: numbers of the documents where it is found, the note itself among them.
        original: number of the document that a note corrects.
        due_minor: of a document or a payment, what it comes to; + the participant pays.
        due_on: of a document, when it is to be paid.
        instrument: of law, which; of the end of a registration, that.
        exposure_micro, cover_micro: of a credit level.
        reason: why, as it was stated.
        words: of a change of a payee, what was and what is to be; of one of the law, its title;
            of the end of a registration, who proposed or approved it; of a proposal of law, what
            it is and who gave it up.
        proposal: of a change of a payee, the proposal that makes it.
        law_proposal: of a proposal of law that was given up, its number.
        change: of a change of the law, its number.
        told: addresses beside those in force to which it is sent: those that a change may replace.
    """

    key: str
    sort: Sort
    market: str
    participant: str
    at: dt.datetime
    subject: str
    days: tuple[dt.date, ...]
    changes: tuple[Change, ...] = ()
    documents: tuple[str, ...] = ()
    original: str | None = None
    currency: str | None = None
    due_minor: int = 0
    due_on: dt.date | None = None
    instrument: str = ""
    run_id: uuid.UUID | None = None
    reason: str = ""
    exposure_micro: int = 0
    cover_micro: int = 0
    words: tuple[str, ...] = ()
    proposal: int | None = None
    law_proposal: int | None = None
    change: int | None = None
    told: tuple[str, ...] = ()

    @property
    def money(self) -> tuple[tuple[str, int], ...]:
        """By how much more the participant owes, in micro by currency; less is negative."""
        totals: defaultdict[str, int] = defaultdict(int)
        for change in self.changes:
            if is_money(change.commodity):
                totals[change.commodity] += change.amount
        return tuple(sorted(totals.items()))

    @property
    def energy(self) -> tuple[tuple[str, int], ...]:
        """By how much metered energy changed, in Wh by kind; generation counted as +."""
        return tuple(
            (change.account_kind, -change.amount)
            if change.account_kind == "generation"
            else (change.account_kind, change.amount)
            for change in self.changes
            if change.commodity == ENERGY
        )


def notices_of(
    movements: Iterable[Movement],
    documents: Sequence[Document],
    seals: Iterable[SealedDays],
    steps: Iterable[DisputeStep] = (),
    levels: Iterable[CreditLevel] = (),
    payments: Iterable[Paid] = (),
    laws: Iterable[Law] = (),
    others: Iterable[Notice] = (),
) -> list[Notice]:
    """Return every notice of every participant, latest first."""
    found = [
        *_corrections(movements, documents),
        *map(_issued, documents),
        *map(_paid, payments),
        *map(_enacted, laws),
        *others,
        *map(_sealed, seals),
        *map(_disputed, steps),
        *map(_levelled, levels),
    ]
    return sorted(found, key=lambda notice: (notice.at, notice.key), reverse=True)


def _corrections(movements: Iterable[Movement], documents: Sequence[Document]) -> Iterable[Notice]:
    by_month: defaultdict[tuple[str, str, dt.date], list[Document]] = defaultdict(list)
    for document in documents:
        key = (document.market, document.participant, document.billing_month)
        by_month[key].append(document)
    of_run: defaultdict[tuple[str, str, uuid.UUID], list[Movement]] = defaultdict(list)
    for movement in movements:
        of_run[movement.market, movement.participant, movement.run_id].append(movement)
    for (market, participant, run_id), moved in of_run.items():
        days = tuple(sorted({day for movement in moved for day in movement.days}))
        yield Notice(
            key=f"{Sort.CORRECTION}:{run_id}:{participant}",
            sort=Sort.CORRECTION,
            market=market,
            participant=participant,
            at=max(movement.posted_at for movement in moved),
            subject=moved[0].run_kind,
            days=days,
            changes=tuple(
                Change(movement.commodity, movement.account_kind, movement.amount)
                for movement in sorted(
                    moved, key=lambda movement: (movement.commodity, movement.account_kind)
                )
                if movement.amount
            ),
            documents=_billed_by(moved, days, by_month),
            run_id=run_id,
        )


def _billed_by(
    moved: Sequence[Movement],
    days: Sequence[dt.date],
    by_month: Mapping[tuple[str, str, dt.date], Sequence[Document]],
) -> tuple[str, ...]:
    """Return the first document of each month and family that covers what was moved."""
    reached = max(movement.last_journal_number for movement in moved)
    numbers: list[str] = []
    for month in sorted({day.replace(day=1) for day in days}):
        families: set[bool] = set()
        issued = by_month.get((moved[0].market, moved[0].participant, month), ())
        for document in sorted(issued, key=lambda candidate: candidate.last_journal_number):
            is_self_billed = document.kind.startswith("self-billed")
            if document.last_journal_number >= reached and is_self_billed not in families:
                families.add(is_self_billed)
                numbers.append(document.number)
    return tuple(numbers)


def _issued(document: Document) -> Notice:
    sort = Sort.INVOICE if document.original is None else Sort.NOTE
    return Notice(
        key=f"{sort}:{document.number}",
        sort=sort,
        market=document.market,
        participant=document.participant,
        at=document.issued_at,
        subject=document.kind,
        days=(document.billing_month,),
        documents=(document.number,),
        original=document.original,
        currency=document.currency,
        due_minor=document.due_minor,
        due_on=document.due_on,
        run_id=document.run_id,
    )


def _paid(paid: Paid) -> Notice:
    """Return the notice of a decision about a payment; a later decision makes another."""
    return Notice(
        key=f"{Sort.PAYMENT}:{paid.payment}:{paid.decision}:{paid.participant}",
        sort=Sort.PAYMENT,
        market=paid.market,
        participant=paid.participant,
        at=paid.at,
        subject=paid.payment,
        days=(paid.value_on,),
        documents=paid.documents,
        currency=paid.currency,
        due_minor=paid.amount_minor,
        reason=TAKEN_BACK if paid.is_taken_back else "",
    )


def _enacted(law: Law) -> Notice:
    return Notice(
        key=f"{Sort.LAW}:{law.version}:{law.participant}",
        sort=Sort.LAW,
        market=law.market,
        participant=law.participant,
        at=law.at,
        subject=law.title,
        days=(law.first_day,),
        instrument=law.instrument,
        reason=law.reason,
        told=law.told,
    )


def _sealed(seal: SealedDays) -> Notice:
    return Notice(
        key=f"{Sort.SEAL}:{seal.market}:{seal.journal_number}:{seal.participant}",
        sort=Sort.SEAL,
        market=seal.market,
        participant=seal.participant,
        at=seal.sealed_at,
        subject=seal.sealed_by,
        days=seal.days,
        reason=seal.reason,
    )


def _disputed(step: DisputeStep) -> Notice:
    return Notice(
        key=f"{Sort.DISPUTE}:{step.name.replace(' ', '-')}:{step.place}",
        sort=Sort.DISPUTE,
        market=step.market,
        participant=step.participant,
        at=step.at,
        subject=step.name,
        days=(step.billing_month,),
        documents=(step.document,),
        reason=f"line {step.line} of {step.document} was {step.what}",
    )


def _levelled(level: CreditLevel) -> Notice:
    """Return the notice of a level; while it lasts it is told once a month."""
    where = f"{level.market}:{level.participant}"
    return Notice(
        key=f"{Sort.CREDIT}:{where}:{level.level}:{level.month:%Y-%m}",
        sort=Sort.CREDIT,
        market=level.market,
        participant=level.participant,
        at=level.at,
        subject=level.level,
        days=(level.month,),
        currency=level.currency,
        reason=level.title,
        exposure_micro=level.exposure_micro,
        cover_micro=level.cover_micro,
    )
