"""Take the steps of a change in the name of whoever acts: stored, or refused with every reason.

A step is judged under the ledger's lock, by the rows that are there then: of two at once, one is
stored, and the other is told what came before it.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any, shown
from ledger import store as ledger_store
from ledger.people import store as people_store
from ledger.people.rights import SIGN_IN, Rights
from rulebook import store as rulebook_store
from rulebook.changes import store
from rulebook.changes.basing import base_findings
from rulebook.changes.breaches import breaches, opening_findings
from rulebook.changes.life import Actor, Life, Wanted, next_event
from rulebook.changes.records import ChangeRow, RevisionRow, draft_as_json
from rulebook.changes.steps import SHORTEST_CONSULTATION_DAYS, Kind
from rulebook.days import day_start
from rulebook.documents import Document
from rulebook.drafting import Draft, draft_findings, draft_of
from rulebook.law import rules_at
from rulebook.publication import Request, validity_of
from rulebook.versions import instant_text
from settlement.tables import TrialRow

ONE_DAY = dt.timedelta(days=1)
EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)


class Opening(NamedTuple):
    """What whoever opens a change says; `urgency` is empty where it can wait for a consultation."""

    market: str
    title: str
    problem: str
    objectives: str
    do_nothing: str
    options: tuple[str, ...]
    reason: str
    urgency: str = ""
    participant: str | None = None


class Validity(NamedTuple):
    """The days for which a text is wanted, or the instants at which they begin."""

    valid_from: dt.date | dt.datetime
    valid_to: dt.date | dt.datetime | None = None


def open_change(session: Session, opening: Opening, now: dt.datetime) -> Life:
    """Open a change in the name of whoever acts, without a text yet.

    Raises:
        Refused: with every finding; nothing is written.
    """
    ledger_store.lock(session)
    rights = acting(session)
    row = ChangeRow(
        store.next_number(session),
        opening.market,
        opening.title.strip(),
        opening.problem.strip(),
        opening.objectives.strip(),
        opening.do_nothing.strip(),
        tuple(option.strip() for option in opening.options),
        opening.urgency.strip(),
        rights.account,
        opening.participant,
        now,
    )
    wanted = Wanted(Kind.OPEN, opening.reason, opening.participant)
    life = Life(row, persons={rights.account: rights.person})
    findings = list(opening_findings(row))
    if opening.market not in rulebook_store.markets(session):
        findings.append(_unknown_market(session, opening.market))
    refuse_any([*findings, *breaches(life, wanted, actor_of(rights), now)])
    event = next_event(life, wanted, rights.account, now)
    store.append_change(session, row)
    store.append_event(session, event)
    return find(session, row.number)


def revise(
    session: Session,
    number: int,
    draft: Draft,
    parent: int | None,
    validity: Validity,
    *,
    reason: str,
    now: dt.datetime,
    participant: str | None = None,
) -> Life:
    """Save a revision of a change: its text, for good. What was found of the one before is void.

    Args:
        session: acts as whoever wrote it.
        number: of the change.
        draft: whole documents, with what they were drawn from (`drawn_draft`).
        parent: number of the revision that it was made from, the last; None where it is the first.
        validity: for which it is wanted.
        reason: what it changes of its parent, in words.
        now: when.
        participant: for which whoever acts does so.

    Raises:
        Refused: with every finding, such as that somebody saved another revision meanwhile.
    """
    ledger_store.lock(session)
    rights, life = acting(session), find(session, number)
    findings = list(_draft_findings(session, life, draft, parent, now))
    span, wrong = _instants(session, life.change.market, validity, now)
    findings += wrong
    wanted = Wanted(Kind.REVISE, reason, participant)
    if span is None:
        raise Refused([*findings, *_breaches_of(life, wanted, rights, now)])
    row = RevisionRow(
        number,
        len(life.revisions) + 1,
        parent,
        draft.drawn_from,
        *span,
        draft_as_json(draft),
        draft.digest,
        rights.account,
        now,
    )
    after = Life(life.change, (*life.revisions, row), life.events, life.persons)
    refuse_any([*findings, *_breaches_of(after, wanted, rights, now)])
    store.append_revision(session, row)
    store.append_event(session, next_event(after, wanted, rights.account, now))
    return find(session, number)


def take_step(session: Session, number: int, wanted: Wanted, now: dt.datetime) -> Life:
    """Take a step that states nothing but words, or a body that is complete, and return the change.

    Raises:
        Refused: with every finding; nothing is written.
    """
    ledger_store.lock(session)
    rights, life = acting(session), find(session, number)
    shortest = consultation_days_of(session, life.change.market, now)
    life = dataclasses.replace(life, consultation_days=shortest)
    findings = list(_breaches_of(life, wanted, rights, now))
    if wanted.kind is Kind.ASSESS:
        findings += _trial_findings(session, life, wanted.body.get("trials"))
    refuse_any(findings)
    store.append_event(session, next_event(life, wanted, rights.account, now))
    return find(session, number)


def drawn_draft(
    session: Session,
    market: str,
    documents: Sequence[tuple[str, Document]],
    validity: Validity,
    now: dt.datetime,
) -> Draft:
    """Return the draft of some documents, drawn from the law of the first day that is wanted.

    Raises:
        Refused: no law is known for that day.
    """
    rules = rules_at(session, market, validity.valid_from, now)
    drawn_from = validity.valid_from
    if not isinstance(drawn_from, dt.datetime):
        drawn_from = day_start(drawn_from, rules.market_rules.time_zone)
    return draft_of(market, documents, rules, drawn_from)


def consultation_body(
    session: Session, market: str, last_day: dt.date, now: dt.datetime
) -> dict[str, Any]:
    """Return what the opening of a consultation states: it ends as the day after the last begins.

    Raises:
        Refused: the market has no law, whose clocks say when a day begins.
    """
    ends_at = day_start(last_day + ONE_DAY, zone_of(session, market, now))
    return {"last_day": str(last_day), "ends_at": instant_text(ends_at)}


def determination_body(
    session: Session, market: str, review_on: dt.date, now: dt.datetime
) -> dict[str, Any]:
    """Return what an acceptance states: the day from which its outcome is held to the forecast.

    Raises:
        Refused: the market has no law, whose clocks say when a day begins.
    """
    review_from = day_start(review_on, zone_of(session, market, now))
    return {"review_on": str(review_on), "review_from": instant_text(review_from)}


def assessment_body(
    session: Session, trials: Iterable[uuid.UUID], uncounted: str
) -> dict[str, Any]:
    """Return what an assessment states: the trials, each with its digest, and what none counts.

    Raises:
        Refused: there is no such trial.
    """
    wanted = list(dict.fromkeys(trials))
    found = dict(
        session.execute(select(TrialRow.id, TrialRow.digest).where(TrialRow.id.in_(wanted))).all()
    )
    refuse_any(
        Finding(
            "trial-unknown",
            f"trial {trial}",
            "no such trial",
            "an assessment names trials",
            "name one of the list of trials",
        )
        for trial in wanted
        if trial not in found
    )
    return {
        "trials": {str(trial): found[trial].hex() for trial in wanted},
        "uncounted": uncounted.strip(),
    }


def find(session: Session, number: int) -> Life:
    """Return a change as it stands, with the persons of those who acted.

    Raises:
        Refused: there is none of the number.
    """
    life = store.life(session, number)
    if life is None:
        raise Refused(
            [
                Finding(
                    "change-unknown",
                    f"change {number}",
                    "no such change",
                    "a change that was opened",
                    "name one of the list of changes",
                )
            ]
        )
    return with_persons(session, [life])[0]


def with_persons(session: Session, lives: Sequence[Life]) -> list[Life]:
    """Return changes with the person of each account that acted."""
    accounts = {event.account for life in lives for event in life.events}
    persons = people_store.persons_of(session, accounts)
    return [Life(each.change, each.revisions, each.events, persons) for each in lives]


def acting(session: Session) -> Rights:
    """Return the rights of who acts.

    Raises:
        Refused: nobody is signed in.
    """
    rights = people_store.acting(session)
    if not rights.account:
        raise Refused(
            [
                Finding(
                    "nobody-acts",
                    "account",
                    "nobody is signed in",
                    "a step is taken by somebody",
                    SIGN_IN,
                )
            ]
        )
    return rights


def actor_of(rights: Rights) -> Actor:
    """Return who acts, as the steps of a change ask."""
    roles = frozenset(role.value for role in rights.roles)
    return Actor(rights.account, rights.person, roles, rights.participants)


def drawn_findings(session: Session, draft: Draft) -> Iterator[Finding]:
    """Find the documents of a draft that were not drawn from law that was published."""
    places = {document.instrument: at for at, document in draft}
    named = {*places, *draft.base}
    law = rulebook_store.records_of_day(session, draft.market, named, draft.drawn_from)
    yield from base_findings(places, draft.base, draft.drawn_from, law)


def zone_of(session: Session, market: str, now: dt.datetime) -> str:
    """Return the time zone of a market.

    Raises:
        Refused: it has no law.
    """
    zone = rulebook_store.time_zone(session, market, now)
    if zone is None:
        raise Refused([_unknown_market(session, market)])
    return zone


def currency_of(session: Session, market: str, now: dt.datetime) -> str:
    """Return the currency of a market, by the rules that begin last of those known now.

    Raises:
        Refused: it has no law.
    """
    known = rulebook_store.versions_known(session, market, now, EARLIEST, None, kind="market-rules")
    if not known:
        raise Refused([_unknown_market(session, market)])
    return str(max(known, key=lambda version: version.valid_from).body["currency"])


def consultation_days_of(session: Session, market: str, now: dt.datetime) -> int:
    """Return for how many days a consultation that opens now is open at least."""
    moment = dt.timedelta.resolution
    known = rulebook_store.versions_known(session, market, now, now, now + moment, "market-rules")
    stated = (version.body.get("consultation_days") for version in known)
    return next((days for days in stated if days), SHORTEST_CONSULTATION_DAYS)


def _breaches_of(life: Life, wanted: Wanted, rights: Rights, now: dt.datetime) -> Iterator[Finding]:
    known = dataclasses.replace(life, persons={**life.persons, rights.account: rights.person})
    return breaches(known, wanted, actor_of(rights), now)


def _draft_findings(
    session: Session, life: Life, draft: Draft, parent: int | None, now: dt.datetime
) -> Iterator[Finding]:
    place = f"change {life.change.number}"
    last = life.revision.number if life.revision else None
    if parent != last:
        yield Finding(
            "revision-of-an-older",
            place,
            f"made from {f'revision {parent}' if parent else 'no revision'}",
            f"the last is {f'revision {last}' if last else 'none yet'}: what it says would be lost",
            "read what changed, and make it from the last",
        )
    yield from draft_findings(life.change.market, [*draft], now)
    yield from drawn_findings(session, draft)
    if not draft.edits:
        yield Finding(
            "draft-changes-nothing", place, "the text of the law as it is",
            "a revision changes something of what it was drawn from",
            "change it, or withdraw the change",
        )  # fmt: skip


def _instants(
    session: Session, market: str, validity: Validity, now: dt.datetime
) -> tuple[tuple[dt.datetime, dt.datetime | None] | None, list[Finding]]:
    return validity_of(Request((), *validity, now, ""), zone_of(session, market, now))


def _trial_findings(
    session: Session, life: Life, trials: Mapping[str, str] | None
) -> Iterator[Finding]:
    """Find the trials that are not of the last revision: of another text, or another market."""
    digest = life.revision.draft_digest.hex() if life.revision else ""
    for trial in trials or {}:
        row = session.get(TrialRow, uuid.UUID(trial))
        tried = [each["digest"] for each in row.drafts] if row else []
        if row is None or row.market != life.change.market or digest not in tried:
            yield Finding(
                "trial-of-another-draft",
                f"trial {trial}",
                f"of {', '.join(each[:16] for each in tried) or 'nothing'}",
                f"trials are of the last revision, whose draft is {digest[:16]}",
                "try that, and name that trial",
            )


def _unknown_market(session: Session, market: str) -> Finding:
    known = ", ".join(rulebook_store.markets(session)) or "no market"
    return Finding(
        "market-unknown", "market", shown(market), f"a market that has law: {known}",
        "name one of them",
    )  # fmt: skip
