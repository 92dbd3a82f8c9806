"""The notices of all participants, derived in the caller's transaction."""

import datetime as dt
from collections.abc import Iterator
from itertools import chain

from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.disputes.course import State
from ledger.disputes.queries import WORD_OF, disputes
from ledger.disputes.records import Record
from rulebook.days import day_of, day_start
from rulebook.store import time_zones
from settlement.accounts.credit_report import credit_report
from settlement.enactment.payee_rules import words_of
from settlement.enactment.payees import proposed_payees
from settlement.notices import store
from settlement.notices.change import notice_of_change
from settlement.notices.ending import notice_of_ending
from settlement.notices.notice import CreditLevel, DisputeStep, Notice, notices_of
from settlement.notices.payee import Payee, notice_of_payee

ONE_DAY = dt.timedelta(days=1)


def derive_notices(session: Session, now: dt.datetime) -> list[Notice]:
    """Return every notice of every participant of every market up to now, latest first."""
    steps = [step for record in disputes(session) for step in _steps(record, now)]
    return notices_of(
        store.movements(session),
        store.documents(session),
        store.sealed_days(session),
        steps,
        list(_levels(session)),
        store.payments(session),
        store.laws(session),
        chain(
            map(notice_of_payee, _payees(session, now)),
            map(notice_of_change, store.change_steps(session)),
            map(notice_of_ending, store.endings(session)),
        ),
    )


def _steps(record: Record, now: dt.datetime) -> Iterator[DisputeStep]:
    """Yield the steps of a dispute, and the days on which the clock took one."""
    course, terms = record.course, record.row.terms

    def step(place: str, what: str, at: dt.datetime) -> DisputeStep:
        return DisputeStep(
            record.row.market,
            record.row.participant,
            record.name,
            place,
            what,
            at,
            record.line.billing_month,
            record.line.document,
            record.row.line,
        )

    for number, taken in enumerate(course.steps, start=1):
        yield step(f"{number}-{taken.action}", WORD_OF[taken.action], taken.at)
    missed = course.missed(now)
    if missed is not None:
        at = day_start(missed + ONE_DAY, terms.time_zone)
        yield step(f"overdue-{missed}", "not answered or decided in time", at)
    if course.state(now) is State.LAPSED:
        at = day_start(course.escalate_by + ONE_DAY, terms.time_zone)
        yield step("lapsed", "left as it was answered", at)


def _payees(session: Session, now: dt.datetime) -> Iterator[Payee]:
    """Yield what became of each change of a payee that was proposed once somebody was paid."""
    bound = [found for found in proposed_payees(session) if found.delay.is_bound]
    zones = time_zones(session, (found.market for found in bound), now)
    for found in bound:
        first = Payee(
            found.market,
            found.change.participant,
            found.number,
            found.change.taker,
            "proposed",
            found.proposed_by,
            found.proposed_at,
            day_of(found.starts, zones[found.market]),
            tuple(f"{word.name}: {word.old} -> {word.new}" for word in words_of(found.change)),
            found.change.told,
        )
        yield first
        for each in found.answers:
            step = "confirmed" if each["agrees"] else "objected to"
            at = dt.datetime.fromisoformat(each["at"])
            yield first._replace(step=step, by=each["account"], at=at)
        if found.approved_by is not None and found.approved_at is not None:
            yield first._replace(step="approved", by=found.approved_by, at=found.approved_at)
        if found.outcome and found.ended_by is not None and found.ended_at is not None:
            yield first._replace(step=found.outcome, by=found.ended_by, at=found.ended_at)


def _levels(session: Session) -> Iterator[CreditLevel]:
    """Yield the credit levels that are reached as the ledger stands, at its last movement."""
    for market, at in store.last_movements(session):
        try:
            report = credit_report(session, market, at)
        except Refused:
            continue  # without settlement terms no level is set
        for credit in report.credits:
            if credit.level is not None:
                yield CreditLevel(
                    market,
                    credit.participant,
                    credit.level.level,
                    credit.level.title,
                    at,
                    day_of(at, "UTC").replace(day=1),
                    report.currency,
                    credit.exposure_micro,
                    credit.cover_micro,
                )
