"""A change of the tiny market's law, taken step by step: Ada writes, Grace decides."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from ledger.people import store as people_store
from rulebook.changes import store
from rulebook.changes.life import Life, Wanted
from rulebook.changes.steps import Kind
from rulebook.documents import Document
from settlement.enactment.approve import approve
from settlement.enactment.change_law import propose_change
from settlement.enactment.changes import (
    Opening,
    Validity,
    assessment_body,
    consultation_body,
    determination_body,
    drawn_draft,
    find,
    open_change,
    revise,
    take_step,
)
from tests.settlement.trial_cases import capped, placed, try_tiny
from tests.worlds import tiny_market
from tests.worlds.people import acting_as

OPENED = dt.datetime(2024, 3, 2, 9, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
LAST_DAY = dt.date(2024, 3, 31)
CLOSED = dt.datetime(2024, 4, 1, 9, tzinfo=dt.UTC)
AFTER_CHANGES = CLOSED + dt.timedelta(hours=1)
REVIEW_ON = dt.date(2025, 6, 1)
WANTED = Validity(dt.date(2024, 6, 1))
LATER = Validity(dt.date(2024, 5, 1), dt.date(2024, 6, 1))

OPENING = Opening(
    "tiny",
    "Lower the price cap",
    "The cap is far above what any unit costs.",
    "Households pay less in scarce hours.",
    "The cap stays, and scarce hours cost what they cost.",
    ("Lower the cap to 150 a MWh", "Charge scarce hours by subscription"),
    "The winter showed it",
)


def opened(session: Session, account: str = "ada", at: dt.datetime = OPENED, **changes: Any) -> int:
    """Open a change in somebody's name; return its number."""
    with acting_as(session, account):
        return open_change(session, OPENING._replace(**changes), at).change.number


def revised(
    session: Session,
    number: int,
    documents: Sequence[Document] = (),
    account: str = "ada",
    at: dt.datetime | None = None,
    validity: Validity = WANTED,
    **changes: Any,
) -> Life:
    """Save a revision, of a lower cap unless documents are given, made from the last."""
    life = find(session, number)
    texts = placed(*(documents or [capped(tiny_market.market_rules())]))
    when = at or life.events[-1].at + MINUTE
    settings = {
        "parent": life.revision.number if life.revision else None,
        "reason": "It caps the price",
        **changes,
    }
    with acting_as(session, account):
        draft = drawn_draft(session, life.change.market, texts, validity, when)
        return revise(session, number, draft, validity=validity, now=when, **settings)


def step(
    session: Session,
    number: int,
    kind: Kind,
    account: str,
    at: dt.datetime | None = None,
    reason: str = "For good reasons",
    **changes: Any,
) -> Life:
    """Take a step in somebody's name, a minute after the last unless a moment is given."""
    when = at or find(session, number).events[-1].at + MINUTE
    with acting_as(session, account):
        return take_step(session, number, Wanted(kind, reason, **changes), when)


def reviewed(session: Session, **changes: Any) -> int:
    """Open a change with a text, and ask for review."""
    number = opened(session, **changes)
    revised(session, number)
    step(session, number, Kind.ASK_REVIEW, "ada")
    return number


def consulted(session: Session) -> int:
    """Take a change through its consultation, without a response."""
    number = reviewed(session)
    consult(session, number)
    step(session, number, Kind.CLOSE, "grace", CLOSED)
    return number


def consult(session: Session, number: int, last_day: dt.date = LAST_DAY) -> Life:
    """Open the consultation of a change."""
    life = find(session, number)
    body = consultation_body(session, life.change.market, last_day, life.events[-1].at)
    return step(session, number, Kind.CONSULT, "grace", body=body)


def assess(session: Session, number: int, trials: Sequence[Any] = (), **changes: Any) -> Life:
    """Freeze the assessment of a change."""
    body = assessment_body(session, trials, "What households do about it")
    return step(session, number, Kind.ASSESS, "grace", body=body, **changes)


def determined(session: Session, **changes: Any) -> int:
    """Take an urgent change to its determination."""
    number = reviewed(session, urgency="Prices hurt now", **changes)
    assess(session, number)
    accept(session, number)
    return number


def accept(session: Session, number: int) -> Life:
    """Accept a change that is assessed."""
    body = determination_body(session, "tiny", REVIEW_ON, OPENED)
    return step(session, number, Kind.ACCEPT, "grace", body=body)


def waiting(session: Session, account: str = "ada", **changes: Any) -> tuple[int, int, str]:
    """Take an urgent change to where it waits; return its number, and proposal and digest."""
    number = determined(session, **changes)
    proposed = propose(session, number, account)
    return number, *proposed


def propose(
    session: Session, number: int, account: str = "ada", at: dt.datetime | None = None
) -> tuple[int, str]:
    """Propose a change as law; return number and digest of the proposal."""
    when = at or find(session, number).events[-1].at + MINUTE
    with acting_as(session, account):
        _, proposal = propose_change(session, number, reason="A lower cap", now=when)
    return proposal.number, proposal.content_digest.hex()


def fill_changes(session: Session, **tried: Any) -> None:
    """Take one change from a problem to law, with a comment, a response and a trial; open another.

    The tiny market is published and metered, an account acts for Doric, and `tried` says on which
    days the trial is.
    """
    number = reviewed(session)
    said = step(session, number, Kind.COMMENT, "rufus", body={"instrument": "tiny/market-rules"})
    step(session, number, Kind.ANSWER, "ada", answers=said.sequence)
    consult(session, number)
    doric = {"account": "desk-of-doric", "participant": "doric"}
    said = step(session, number, Kind.RESPOND, **doric)
    step(session, number, Kind.REPLY, "grace", answers=said.sequence)
    step(session, number, Kind.CLOSE, "grace", CLOSED)
    assess(session, number, [try_tiny(session, known_at=CLOSED, **tried).trial.id])
    accept(session, number)
    proposal, digest = propose(session, number)
    with acting_as(session, "grace"):
        approve(session, proposal, digest, CLOSED + 10 * MINUTE)
    second = opened(session, "desk-of-doric", CLOSED + 11 * MINUTE, participant="doric")
    for cap_micro in (120_000_000, 110_000_000):
        lower = [capped(tiny_market.market_rules(), cap_micro)]
        revised(session, second, lower, "desk-of-doric", validity=LATER)


def numbers_of(session: Session) -> list[int]:
    """Return the numbers of all changes."""
    return list(store.lives(session))


def digest_of(session: Session, number: int) -> str:
    """Return the digest of the proposal that waits of a change."""
    proposal = people_store.proposal(session, find(session, number).proposal or 0)
    assert proposal is not None
    return proposal.content_digest.hex()
