"""Acts about changes of the law: opened, and taken from step to step.

Who may take each step is asked by what takes it (`settlement.enactment`), of the account that acts.
"""

import datetime as dt
import json
import uuid
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.acts.requests import Done, Entry
from portal.audit import Action
from portal.change_words import REBASE, next_words
from portal.models import Act
from rulebook.changes.life import Life, Wanted
from rulebook.changes.records import draft_from_json
from rulebook.changes.steps import STEPS, Kind, State
from settlement.enactment.approve import approve
from settlement.enactment.change_law import propose_change, rebase
from settlement.enactment.change_list import state_of
from settlement.enactment.changes import (
    Opening,
    Validity,
    assessment_body,
    consultation_body,
    determination_body,
    find,
    open_change,
    revise,
    take_step,
)

SAVED_AS = """
UPDATE portal.portal_workingcopy SET change = :change, revision = :revision WHERE id = :copy
"""


def open_law_change(session: Session, act: Act, now: dt.datetime) -> Done:
    """Open a change of the law, without a text yet."""
    said = act.arguments
    opening = Opening(
        said["market"],
        said["title"],
        said["problem"],
        said["objectives"],
        said["do_nothing"],
        tuple(said["options"]),
        said["reason"],
        said["urgency"],
        said["participant"],
    )
    life = open_change(session, opening, now)
    told = f"Change {life.change.number} is open. {next_words(life, State.DRAFT)}"
    return _done(life, told, said["reason"], STEPS[Kind.OPEN].done)


def save_law_revision(session: Session, act: Act, now: dt.datetime) -> Done:
    """Save a text of a change, for good: the working copy that came with the request."""
    said = act.arguments
    number, reason = said["number"], said["reason"]
    draft = draft_from_json(
        find(session, number).change.market,
        json.loads(bytes(act.content or b"{}")),
        dt.datetime.fromisoformat(said["drawn_from"]),
    )
    ends = said.get("valid_to")
    validity = Validity(
        dt.date.fromisoformat(said["valid_from"]), dt.datetime.fromisoformat(ends) if ends else None
    )
    life = revise(
        session, number, draft, said["parent"], validity, reason=reason, now=now,
        participant=said["participant"],
    )  # fmt: skip
    # Whoever goes on with the copy goes on from here, and is told where somebody else did.
    saved = {"copy": said["copy"], "change": number, "revision": len(life.revisions)}
    session.execute(text(SAVED_AS), saved)
    told = (
        f"Revision {len(life.revisions)} is saved. {next_words(life, state_of(session, life, now))}"
    )
    return _done(life, told, reason, STEPS[Kind.REVISE].done)


def take_law_step(session: Session, act: Act, now: dt.datetime) -> Done:
    """Take a step of a change of the law."""
    said = act.arguments
    number, action, reason = said["number"], said["action"], said["reason"]
    if action == REBASE:
        life, done = rebase(session, number, reason=reason, now=now), "drew the text anew"
    elif action == Kind.PROPOSE:
        life, _ = propose_change(session, number, reason=reason, now=now, saw=said["saw"])
        done = STEPS[Kind.PROPOSE].done
    elif action == Kind.APPROVE:
        proposal = find(session, number).proposal or 0
        approve(session, proposal, said["digest"], now, reason)
        life, done = find(session, number), STEPS[Kind.APPROVE].done
    else:
        kind = Kind(action)
        wanted = Wanted(
            kind,
            reason,
            said["participant"],
            said["answers"],
            None,
            _body(session, kind, said, now),
            said["saw"],
        )
        life, done = take_step(session, number, wanted, now), STEPS[kind].done
    told = f"You {done}. {next_words(life, state_of(session, life, now))}"
    return _done(life, told, reason, done)


def _body(session: Session, kind: Kind, said: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Return what a step states beside its reason."""
    market = find(session, said["number"]).change.market
    match kind:
        case Kind.COMMENT:
            named = {"instrument": said["instrument"], "clause": said["clause"]}
            return {name: value for name, value in named.items() if value}
        case Kind.CONSULT:
            return consultation_body(session, market, dt.date.fromisoformat(said["day"]), now)
        case Kind.ACCEPT:
            return determination_body(session, market, dt.date.fromisoformat(said["day"]), now)
        case Kind.ASSESS:
            return assessment_body(session, map(uuid.UUID, said["trials"]), said["uncounted"])
    return {}


def _done(life: Life, told: str, reason: str, deed: str) -> Done:
    number = str(life.change.number)
    entry = Entry(Action.LAW_CHANGE, f"change {number}: {deed}", reason)
    return Done(told, ["law-change", number], entries=[entry])
