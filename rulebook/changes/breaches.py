"""Why a step may not be taken: every reason at once; pure."""

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from common.refusals import Finding, shown
from common.unseen import is_unseen
from rulebook.changes.life import Actor, Life, Wanted, instant_in, state_after
from rulebook.changes.records import ChangeRow
from rulebook.changes.steps import (
    ANSWERED_BY,
    STEPS,
    WITHOUT_REVISION,
    Kind,
    Party,
    State,
    Step,
)
from rulebook.clause_characters import spelled_out
from rulebook.printed_text import unneeded_unseen
from rulebook.versions import instant_shown

LONGEST_TEXT = 20_000
LONGEST_TITLE = 200
MOST_OPTIONS = 20

TWO_PEOPLE = "two-people"
"""The code of what is refused to the person who wrote or proposed, and to no other."""
READ_IT_AGAIN = "read the change again, and go on from there"


def place_of(life: Life) -> str:
    """Return how findings name a change."""
    return f"change {life.change.number}"


def breaches(life: Life, wanted: Wanted, actor: Actor, now: dt.datetime) -> Iterator[Finding]:
    """Yield every reason why somebody may not take a step now.

    Args:
        life: with the revision that the step names, where it saves one.
    """
    place = place_of(life)
    if wanted.saw is not None and wanted.step.moves and wanted.saw != life.sequence:
        yield Finding(
            "change-went-on",
            place,
            f"{wanted.kind} after event {wanted.saw}",
            f"the last event is {life.sequence}: whoever moves a change has seen all of it",
            READ_IT_AGAIN,
        )
    yield from standing_breaches(life, wanted.kind, actor, wanted.participant, now)
    yield from text_findings(f"{place}: reason", wanted.reason)
    yield from _content_breaches(life, wanted, now)


def standing_breaches(
    life: Life, kind: Kind, actor: Actor, participant: str | None, now: dt.datetime
) -> Iterator[Finding]:
    """Yield why a kind of step may not be taken now by somebody, whatever it would say."""
    step, place = STEPS[kind], place_of(life)
    if state_after(life.state, kind) is None:
        yield Finding(
            "change-step-out-of-order",
            place,
            f"{kind} of a change that is {life.state or 'not opened'}",
            f"{kind} follows {_listed(step)}",
            READ_IT_AGAIN,
        )
    if life.revision is None and kind not in WITHOUT_REVISION:
        yield Finding(
            "change-without-revision", place, "no text", f"{kind} is of a text",
            "save a revision first",
        )  # fmt: skip
    if life.events and now < life.events[-1].at:
        yield Finding(
            "change-event-earlier", place, instant_shown(now),
            f"it follows the last event, at {instant_shown(life.events[-1].at)}",
            "check the clock of this machine",
        )  # fmt: skip
    yield from _party_breaches(life, step, actor, participant)
    yield from _path_breaches(life, kind, now)


def _party_breaches(
    life: Life, step: Step, actor: Actor, participant: str | None
) -> Iterator[Finding]:
    place = f"{place_of(life)}: account {actor.account or 'of nobody'}"
    if participant is not None and (life.change.market, participant) not in actor.participants:
        yield Finding(
            "change-acts-for-another",
            place,
            f"for {shown(participant)} of {life.change.market}",
            "an account acts for the participants that it was granted",
            "name none, or sign in as an account of it",
        )
    if actor.account and actor.person is None:
        # Whoever holds the token of a service may be the person who takes the other steps.
        yield Finding(
            "service-takes-step", place, "a service", "each step of a change is a person's",
            "let a person sign in and take it",
        )  # fmt: skip
    if not life.parties_of(actor, participant) & step.by:
        asked = " or ".join(sorted(step.by))
        needs = ", and name the participant they act for" if Party.PARTICIPANT in step.by else ""
        yield Finding(
            "change-step-of-others",
            place,
            ", ".join(sorted(actor.roles)) or "no role",
            f"the {asked} may {step.kind}",
            f"let somebody take the step who may{needs}",
        )
    if step.by_another and life.wrote(actor):
        yield Finding(
            TWO_PEOPLE,
            place,
            f"{step.kind} of a text that the same person wrote",
            "nobody reviews, assesses, decides or approves their own text",
            "have somebody else do it",
        )
    elif step.kind is Kind.APPROVE and life.proposed_by(actor):
        yield Finding(
            TWO_PEOPLE,
            place,
            "approve of what the same person proposed",
            "what is proposed is approved by another, who did not write its text either",
            "have somebody else do it",
        )


def _path_breaches(life: Life, kind: Kind, now: dt.datetime) -> Iterator[Finding]:
    """Yield what must have happened before a step, beside the state."""
    place, change, ends_at = place_of(life), life.change, life.consultation_ends_at
    if kind is Kind.CONSULT and change.is_urgent:
        yield Finding(
            "change-is-urgent", place, shown(change.urgency),
            "an urgent change has no consultation",
            "assess it, or withdraw it and open one that is not urgent",
        )  # fmt: skip
    passes_review = kind is Kind.ASSESS and life.state is State.IN_REVIEW
    if passes_review and not (change.is_urgent or life.was_consulted):
        yield Finding(
            "change-not-consulted", place, "no consultation was closed",
            "a change that is not urgent is consulted on before it is assessed",
            "open the consultation",
        )  # fmt: skip
    if kind in (Kind.CONSULT, Kind.ASSESS) and (left := life.unanswered(Kind.COMMENT)):
        yield _unanswered(place, "comments-unanswered", left, Kind.ANSWER)
    if kind is Kind.CLOSE and (left := life.unanswered(Kind.RESPOND)):
        yield _unanswered(place, "responses-unanswered", left, Kind.REPLY)
    if life.state is State.IN_CONSULTATION and ends_at is not None:
        if kind is Kind.CLOSE and now < ends_at:
            yield Finding(
                "consultation-open", place, instant_shown(now),
                f"it is open until {instant_shown(ends_at)}", "close it after that",
            )  # fmt: skip
        if kind is Kind.RESPOND and now >= ends_at:
            yield Finding(
                "consultation-over", place, instant_shown(now),
                f"responses came until {instant_shown(ends_at)}",
                "write to the regulator, who may revise the change",
            )  # fmt: skip
    review_from = life.review_from
    if kind is Kind.NOTE and review_from is not None and now < review_from:
        yield Finding(
            "review-too-early", place, instant_shown(now),
            f"its outcome is looked at from {instant_shown(review_from)} on, as was determined",
            "note it then",
        )  # fmt: skip


def _content_breaches(life: Life, wanted: Wanted, now: dt.datetime) -> Iterator[Finding]:
    """Yield what is wrong with what a step says, beside its reason."""
    place, kind = place_of(life), wanted.kind
    if kind in ANSWERED_BY.values():
        yield from _answer_breaches(life, wanted)
    elif kind is Kind.COMMENT:
        yield from _comment_breaches(life, wanted.body)
    elif kind is Kind.CONSULT:
        ends_at = instant_in(wanted.body, "ends_at")
        shortest_days = life.consultation_days
        if ends_at is None or ends_at - now < dt.timedelta(days=shortest_days):
            yield Finding(
                "consultation-too-short",
                f"{place}: last day",
                f"it would end at {instant_shown(ends_at)}",
                f"a consultation is open for {shortest_days} days or more, from "
                f"{instant_shown(now)}",
                "name a later last day",
            )
    elif kind is Kind.ASSESS:
        uncounted = wanted.body.get("uncounted")
        text = uncounted if isinstance(uncounted, str) else ""
        yield from text_findings(f"{place}: effects that are not counted", text)
    elif kind is Kind.ACCEPT:
        yield from _review_breaches(place, instant_in(wanted.body, "review_from"), now)


def _review_breaches(
    place: str, review_from: dt.datetime | None, now: dt.datetime
) -> Iterator[Finding]:
    """Yield that what is accepted states no day of its review, or one that has begun already."""
    if review_from is None:
        yield Finding(
            "review-without-day", f"{place}: day of review", "none",
            "what is accepted states when its outcome is held to what was forecast",
            "name a day",
        )  # fmt: skip
    # What is accepted now has no outcome yet, and by a mistyped year it would be noted at once.
    elif review_from <= now:
        yield Finding(
            "review-before-outcome", f"{place}: day of review",
            f"it would begin at {instant_shown(review_from)}",
            f"a review looks back on what became law, so it begins after {instant_shown(now)}",
            "name a later day",
        )  # fmt: skip


def _answer_breaches(life: Life, wanted: Wanted) -> Iterator[Finding]:
    asked = next(kind for kind, answer in ANSWERED_BY.items() if answer is wanted.kind)
    found = life.at(wanted.answers or 0)
    named = f"event {wanted.answers}" if wanted.answers else "event that is answered"
    place = f"{place_of(life)}: {named}"
    if found is None or found.kind != asked:
        yield Finding(
            "answers-nothing", place, found.kind if found else "no such event",
            f"{wanted.kind} is of an event of the kind {asked}", READ_IT_AGAIN,
        )  # fmt: skip
    elif (answer := life.answer_to(found.sequence)) is not None:
        yield Finding(
            "answered-already", place, f"event {answer.sequence} answers it",
            "what somebody said is answered once", READ_IT_AGAIN,
        )  # fmt: skip


def _comment_breaches(life: Life, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield that a comment is on a document or a clause that the revision has not."""
    instrument, clause = body.get("instrument"), body.get("clause")
    documents = life.revision.draft["documents"] if life.revision else {}
    place = f"{place_of(life)}: clause"
    if instrument is not None and instrument not in documents:
        yield Finding(
            "document-not-in-draft", place, shown(instrument),
            f"the draft has {', '.join(sorted(documents)) or 'no document'}", "name one of them",
        )  # fmt: skip
    elif clause is not None:
        body_of = documents[instrument]["body"] if instrument is not None else {}
        anchors = [each["anchor"] for each in body_of.get("clauses", ())]
        if clause not in anchors:
            yield Finding(
                "clause-unknown", place, shown(clause),
                f"the document has {', '.join(anchors) or 'no clause'}", "name one of them",
            )  # fmt: skip


def opening_findings(change: ChangeRow) -> Iterator[Finding]:
    """Yield what is wrong with what a change says when it is opened."""
    yield from text_findings("change: title", change.title, LONGEST_TITLE)
    texts = {"problem": change.problem, "objectives": change.objectives}
    for name, text in (*texts.items(), ("what doing nothing leads to", change.do_nothing)):
        yield from text_findings(f"change: {name}", text)
    for number, option in enumerate(change.options, start=1):
        yield from text_findings(f"change: option {number}", option)
    if not 1 <= len(change.options) <= MOST_OPTIONS:
        yield Finding(
            "options-missing", "change: options", f"{len(change.options)} beside doing nothing",
            f"1 to {MOST_OPTIONS} options are weighed against doing nothing",
            "state what else could be done",
        )  # fmt: skip
    if change.urgency:
        yield from text_findings("change: urgency", change.urgency)


def text_findings(place: str, text: str, longest: int = LONGEST_TEXT) -> Iterator[Finding]:
    """Yield why a text is none that a record can hold: it says something, in bounded length."""
    value = ""
    if all(character.isspace() or is_unseen(character) for character in text):
        value = "nothing that is seen" if text.strip() else "nothing"
    elif len(text) > longest:
        value = f"{len(text):,} characters"
    elif any(_is_no_sign(character) for character in text):
        value = "a character that no text has"
    else:  # such as one that turns the rest of a line round, so that it reads otherwise
        value = next((spelled_out(character) for character, _ in unneeded_unseen(text)), "")
    if value:
        yield Finding(
            "text-malformed", place, value, f"words, {longest:,} characters at most, all seen",
            "write what others are to read",
        )  # fmt: skip


def _is_no_sign(character: str) -> bool:
    """Return whether a character is half of one, or a control that ends no line and is no tab."""
    return unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t"


def steps_open_to(
    life: Life, actor: Actor, participant: str | None, now: dt.datetime
) -> tuple[Step, ...]:
    """Return the steps that somebody may take now, in the order of the table."""
    idle = {answer for asked, answer in ANSWERED_BY.items() if not life.unanswered(asked)}
    return tuple(
        step
        for kind, step in STEPS.items()
        if kind not in idle and not any(standing_breaches(life, kind, actor, participant, now))
    )


def steps_of_another(
    life: Life, actor: Actor, participant: str | None, now: dt.datetime
) -> tuple[Step, ...]:
    """Return the steps that somebody might take now, had they not written or proposed it."""
    found = []
    for kind, step in STEPS.items():
        codes = {each.code for each in standing_breaches(life, kind, actor, participant, now)}
        if codes == {TWO_PEOPLE}:
            found.append(step)
    return tuple(found)


def _unanswered(place: str, code: str, left: tuple[Any, ...], kind: Kind) -> Finding:
    numbers = ", ".join(str(event.sequence) for event in left)
    return Finding(
        code, place, f"events {numbers} have none", "what somebody said has an answer",
        f"{kind} each first",
    )  # fmt: skip


def _listed(step: Step) -> str:
    return " or ".join(sorted(state.value for state in step.after)) or "nothing"
