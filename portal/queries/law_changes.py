"""Changes of the law as pages show them: the list, and the whole record of one."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.people import store as people_store
from ledger.people.rights import Rights
from portal.access import Viewer
from portal.change_words import (
    REBASE,
    another_words,
    event_words,
    next_words,
    revision_ends,
    stated,
)
from portal.queries.revisable import readable_revision
from portal.queries.rules import market_zone, zone_by_market
from rulebook.changes import store
from rulebook.changes.breaches import standing_breaches, steps_of_another, steps_open_to
from rulebook.changes.life import Life
from rulebook.changes.records import EventRow, RevisionRow, draft_of_revision
from rulebook.changes.steps import ANSWERED_BY, STEPS, Kind, State, Step
from rulebook.documents import MarketRules
from rulebook.edit_words import edit_lines
from rulebook.merging import Edit
from settlement.enactment.change_law import is_base_moved
from settlement.enactment.change_list import ListedChange, list_changes, state_of
from settlement.enactment.changes import (
    actor_of,
    consultation_days_of,
    currency_of,
    with_persons,
)
from settlement.enactment.reach import Reach
from settlement.enactment.reaching import reach_of
from settlement.tables import TrialRow
from settlement.trials.seen import ListedTrial, public_trials_of

GOOD, BAD, PLAIN = "good", "bad", "plain"
STATUS = {
    State.IN_FORCE: GOOD,
    State.SCHEDULED: GOOD,
    State.APPROVED: GOOD,
    State.REJECTED: BAD,
    State.WITHDRAWN: PLAIN,
    State.SUPERSEDED: PLAIN,
    State.ENDED: PLAIN,
}
"""The colour of a state; those that are open have none."""

SPOKEN = (Kind.COMMENT, Kind.RESPOND)
"""What is shown with its answer, and not in the timeline alone."""


@dataclass(frozen=True)
class ShownChange:
    """A row of the list; `zone` is the market's."""

    listed: ListedChange
    status: str
    zone: str


@dataclass(frozen=True)
class ShownEvent:
    """A step as the record shows it, with the name of whoever took it where it may be known."""

    event: EventRow
    words: str
    name: str
    stated: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Said:
    """A comment or a response, and its answer."""

    event: ShownEvent
    answer: ShownEvent | None


@dataclass(frozen=True)
class ShownStep:
    """A step that the reader may take: its kind, what its button says, and what is asked for."""

    action: str
    title: str
    words: str


@dataclass(frozen=True)
class LawChangePage:
    """Everything that a page shows of a change.

    Attributes:
        changes: what the last revision that the reader may read changes, in words; None of none.
        is_earlier: whether a later one was saved, which the reader may not read.
        withheld: whether parts of what it changes are not public.
        places: the documents and clauses that a comment may be on, by value and words.
        participants: for which the reader may act here.
        trials: of the last revision, that the reader may know of.
        tried: what everybody may know of one of them.
        of_another: who may take the steps that the reader may not, having written or proposed it.
        consultation_days: the least that a consultation is open that opens now.
        may_edit: whether the reader may save the next revision, made from the last.
        is_moved: whether the law that the last revision was drawn from is another by now.
        digest: of the proposal that waits; None where none does, or the reader may not see it.
    """

    life: Life
    state: State
    status: str
    zone: str
    next: str
    opener: str
    revisions: tuple[RevisionRow, ...]
    changes: tuple[str, ...] | None
    withheld: bool
    is_earlier: bool
    is_moved: bool
    comments: tuple[Said, ...]
    responses: tuple[Said, ...]
    timeline: tuple[ShownEvent, ...]
    steps: tuple[ShownStep, ...]
    of_another: tuple[str, ...]
    unanswered: dict[str, tuple[EventRow, ...]]
    places: tuple[tuple[str, str], ...]
    participants: tuple[str, ...]
    may_edit: bool
    consultation_days: int
    trials: tuple[Any, ...]
    public_trial: uuid.UUID | None
    digest: bytes | None
    reach: Reach | None

    @property
    def revision(self) -> RevisionRow | None:
        """The last revision that the reader may see."""
        return self.revisions[-1] if self.revisions else None

    @property
    def has_text(self) -> bool:
        """Whether a text was saved, be it open to the reader or not."""
        return self.life.last(Kind.REVISE) is not None

    @property
    def last_day(self) -> dt.date | None:
        """The last day of the last consultation."""
        opened = self.consulted
        return dt.date.fromisoformat(opened.body["last_day"]) if opened else None

    @property
    def assessed(self) -> EventRow | None:
        """The assessment of the last revision, while it stands."""
        return self._standing(Kind.ASSESS)

    @property
    def determined(self) -> EventRow | None:
        """The determination of the last revision, while it stands, or the rejection."""
        return self._standing(Kind.REJECT) or self._standing(Kind.ACCEPT)

    @property
    def consulted(self) -> EventRow | None:
        """The opening of the last consultation."""
        return self.life.last(Kind.CONSULT)

    @property
    def revision_ends(self) -> str:
        """What a new revision ends; empty of a draft."""
        return revision_ends(self.life)

    @property
    def consultation_end(self) -> EventRow | None:
        """The step that ended the last consultation; None while it is open."""
        opened = self.consulted
        after = self.life.events[opened.sequence :] if opened else ()
        return next((event for event in after if event.state != State.IN_CONSULTATION), None)

    def _standing(self, kind: Kind) -> EventRow | None:
        event, saved = self.life.last(kind), self.life.last(Kind.REVISE)
        is_newer = event and (saved is None or event.sequence > saved.sequence)
        return event if is_newer else None


def list_law_changes(session: Session, now: dt.datetime) -> list[ShownChange]:
    """Return changes, and proposals without one that the reader may see."""
    found = list_changes(session, now)
    zones = zone_by_market(session, (each.market for each in found))
    return [ShownChange(each, STATUS.get(each.state, ""), zones[each.market]) for each in found]


def law_change_page(
    session: Session, viewer: Viewer, rights: Rights, number: int, now: dt.datetime
) -> LawChangePage | None:
    """Return a change as its reader may see it, or None."""
    life = store.life(session, number)
    if life is None or not life.events:
        return None
    (life,) = with_persons(session, [life])
    names = people_store.names_of(session)
    shown = {event.sequence: _shown(event, names) for event in life.events}
    state = state_of(session, life, now)
    changes, withheld = _changes(session, viewer, life, now)
    participants = tuple(
        sorted(name for market, name in viewer.acts_for if market == life.change.market)
    )
    proposal = people_store.proposal(session, life.proposal) if life.proposal else None
    waits = proposal is not None and state is State.WAITING
    is_moved = life.is_open and is_base_moved(session, life, now)
    trials, public = _overseen_trials(session, life), _trials(session, life)
    return LawChangePage(
        life,
        state,
        STATUS.get(state, ""),
        market_zone(session, life.change.market),
        next_words(life, state),
        names.get(life.change.opened_by, ""),
        life.revisions,
        changes,
        withheld,
        _is_earlier(life),
        is_moved,
        _said(life, Kind.COMMENT, shown),
        _said(life, Kind.RESPOND, shown),
        tuple(shown.values()),
        _steps(life, rights, participants, is_moved, now),
        _steps_of_another(life, rights, now),
        {ANSWERED_BY[kind].value: life.unanswered(kind) for kind in SPOKEN},
        tuple(_places(life)),
        participants,
        _may_edit(viewer, life, rights, participants, now),
        consultation_days_of(session, life.change.market, now),
        trials or public,
        public[0].id if public else None,
        proposal.content_digest if waits and proposal else None,
        reach_of(session, proposal, now) if waits and proposal and viewer.sees_people else None,
    )


def _shown(event: EventRow, names: dict[str, str]) -> ShownEvent:
    name = names.get(event.account, "")
    return ShownEvent(event, event_words(event), name, tuple(stated(event)))


def _said(life: Life, kind: Kind, shown: dict[int, ShownEvent]) -> tuple[Said, ...]:
    said = []
    for event in life.events:
        if event.kind == kind:
            answer = life.answer_to(event.sequence)
            said.append(Said(shown[event.sequence], shown[answer.sequence] if answer else None))
    return tuple(said)


def _changes(
    session: Session, viewer: Viewer, life: Life, now: dt.datetime
) -> tuple[tuple[str, ...] | None, bool]:
    """Return what a revision changes in words, and whether parts of that are withheld.

    It is the last that the reader may read: what was open to all stays so when another follows.
    """
    revision = life.revision
    if revision is None:
        return None, False
    try:
        draft = draft_of_revision(life.change.market, revision)
    except Refused:
        return None, False
    edits, withheld = {}, False
    fields: dict[str, frozenset[str]] = {
        text.instrument: getattr(text, "withheld_fields", frozenset()) for _, text in draft
    }
    for instrument, of_document in draft.edits.items():
        hidden = frozenset() if viewer.sees_registrations else fields.get(instrument, frozenset())
        seen = [edit for edit in of_document if not _is_of(edit, hidden)]
        withheld |= len(seen) < len(of_document)
        edits[instrument] = seen
    own = [text.currency for _, text in draft if isinstance(text, MarketRules)]
    currency = own[0] if own else currency_of(session, life.change.market, now)
    return tuple(edit_lines(edits, currency)), withheld


def _is_earlier(life: Life) -> bool:
    last, revision = life.last(Kind.REVISE), life.revision
    return bool(last and revision and revision.digest != last.revision_digest)


def _is_of(edit: Edit, fields: Iterable[str]) -> bool:
    name = edit.path.split(".")[0].split("[")[0].removesuffix(" (order)")
    return name in set(fields)


def _steps(
    life: Life, rights: Rights, participants: Sequence[str], is_moved: bool, now: dt.datetime
) -> tuple[ShownStep, ...]:
    """Return the steps that the reader may take on this page; texts are written elsewhere."""
    if not rights.account:
        return ()
    actor, shown = actor_of(rights), []
    found: dict[Kind, Step] = {}
    for participant in (None, *participants):
        found |= {step.kind: step for step in steps_open_to(life, actor, participant, now)}
    for kind, step in STEPS.items():
        if kind not in found:
            continue
        if kind is Kind.APPROVE and is_moved:
            continue  # it would be refused: what waits was made for other law
        if kind is not Kind.REVISE:
            waits = kind is Kind.PROPOSE and life.state is State.WAITING
            title = "Propose it anew, in place of what waits" if waits else step.title
            shown.append(ShownStep(kind.value, title, step.words))
        elif is_moved:
            title = "Draw the text anew from the law as it is now"
            shown.append(ShownStep(REBASE, title, "what became law since"))
    return tuple(shown)


def _steps_of_another(life: Life, rights: Rights, now: dt.datetime) -> tuple[str, ...]:
    if not rights.account:
        return ()
    actor = actor_of(rights)
    return tuple(another_words(life, actor, steps_of_another(life, actor, None, now)))


def _may_edit(
    viewer: Viewer, life: Life, rights: Rights, participants: Sequence[str], now: dt.datetime
) -> bool:
    if not viewer.writes_law or readable_revision(life, viewer) is None:
        return False
    actor = actor_of(rights)
    return any(
        not any(standing_breaches(life, Kind.REVISE, actor, participant, now))
        for participant in (None, *participants)
    )


def _places(life: Life) -> Iterable[tuple[str, str]]:
    documents = life.revision.draft["documents"] if life.revision else {}
    for instrument, text in documents.items():
        yield instrument, instrument
        for clause in text["body"].get("clauses", ()):
            yield f"{instrument}#{clause['anchor']}", f"{instrument}, clause {clause['anchor']}"


def _trials(session: Session, life: Life) -> tuple[ListedTrial, ...]:
    """Return the trials of the last revision that everybody may know of, latest first.

    Those that an assessment names stand before others.
    """
    if life.revision is None:
        return ()
    found = public_trials_of(session, life.change.market, life.revision.draft_digest)
    assessed = life.last(Kind.ASSESS)
    named = assessed.body.get("trials", {}) if assessed else {}
    return tuple(sorted(found, key=lambda trial: str(trial.id) not in named))


def _overseen_trials(session: Session, life: Life) -> tuple[Any, ...]:
    """Return the trials of the last revision that the reader may read whole, latest first."""
    if life.revision is None:
        return ()
    named = [{"digest": life.revision.draft_digest.hex()}]
    columns = (TrialRow.id, TrialRow.first_day, TrialRow.last_day, TrialRow.created_at)
    statement = (
        select(*columns)
        .where(TrialRow.market == life.change.market, TrialRow.drafts.contains(named))
        .order_by(TrialRow.created_at.desc())
    )
    return tuple(session.execute(statement))
