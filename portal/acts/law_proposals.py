"""Acts about law that is proposed without a change: the end of a registration, and approvals."""

import datetime as dt
import json
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from ledger.people.roles import Outcome
from ledger.people.store import proposal
from portal.acts.requests import Done, Entry
from portal.audit import Action
from portal.models import Act
from portal.queries.drafts import OF_PARTICIPANTS
from rulebook.changes.basing import moved_findings
from rulebook.changes.records import draft_from_json
from rulebook.days import day_start
from rulebook.drafting import Draft
from rulebook.store import versions_known
from settlement.enactment.approve import approve
from settlement.enactment.changes import drawn_findings, zone_of
from settlement.enactment.giving_up import give_up
from settlement.enactment.leaving import Choice
from settlement.enactment.propose import propose_leaving, propose_publication
from settlement.enactment.proposed import ending_after


def end_registration(session: Session, act: Act, now: dt.datetime) -> Done:
    """Propose that a registration ends after a participant's last day."""
    said = act.arguments
    market, participant, reason = said["market"], said["participant"], said["reason"]
    last_day = dt.date.fromisoformat(said["last_day"])
    name = f"registration/{participant}"
    choice = Choice(said["to"], said["takers"], said["is_off"])
    proposed = propose_leaving(
        session, market, participant, last_day, choice, now=now, reason=reason
    )
    if not proposed:
        told = f"{participant} leaves {market} after that day already; nothing was proposed."
        return Done(told, ["rule-document", f"{market}/{name}"], appended=False)
    first, *later = proposed
    told = f"Proposal {first.number} waits for a regulator, who is another person."
    if later:
        told = (
            f"Proposal {first.number} hands over what {participant} holds; proposal "
            f"{later[0].number} is its end, and is approved after that one. Both wait for a "
            "regulator, who is another person."
        )
    entries = [Entry(Action.LAW_PROPOSED, f"proposal {one.number}", reason) for one in proposed]
    return Done(told, ["law-proposal", str(first.number)], entries=entries)


def propose_copy(session: Session, act: Act, now: dt.datetime) -> Done:
    """Propose the registrations and charge lists of a working copy, as it came with the request."""
    said = act.arguments
    market, day = said["market"], dt.date.fromisoformat(said["valid_from"])
    drawn_from = dt.datetime.fromisoformat(said["drawn_from"])
    draft = draft_from_json(market, json.loads(bytes(act.content or b"{}")), drawn_from)
    findings = [*_common_findings(draft), *drawn_findings(session, draft)]
    starts = day_start(day, zone_of(session, market, now))
    law = versions_known(session, market, now, starts, None)
    findings += moved_findings(draft, law, starts)
    try:
        _, proposal = propose_publication(
            session, draft.documents, valid_from=day, now=now, reason=said["reason"]
        )
    except Refused as refused:
        raise Refused([*findings, *refused.findings]) from None
    refuse_any(findings)
    if proposal is None:
        return Done("It stands so already.", ["draft", str(said["copy"])], appended=False)
    told = f"Proposal {proposal.number} waits for a regulator, who is another person."
    entry = Entry(Action.LAW_PROPOSED, f"proposal {proposal.number}", said["reason"])
    return Done(told, ["law-proposal", str(proposal.number)], entries=[entry])


def _common_findings(draft: Draft) -> Iterator[Finding]:
    """Find documents that concern everybody: those are decided in public."""
    for place, document in draft:
        if document.kind not in OF_PARTICIPANTS:
            yield Finding(
                "law-of-everybody", place, document.kind,
                "registrations and charge lists are proposed without a change",
                "save it as a revision of a law change",
            )  # fmt: skip


def give_up_law(session: Session, act: Act, now: dt.datetime) -> Done:
    """Withdraw law that one proposed, or reject what another did."""
    number, reason = act.arguments["number"], act.arguments["reason"]
    outcome = Outcome(act.arguments["outcome"])
    give_up(session, number, outcome, reason=reason, now=now)
    told = f"Proposal {number} is {outcome}: nobody can approve it any more."
    entry = Entry(Action.PROPOSAL_ENDED, f"proposal {number}: {outcome}", reason)
    return Done(told, ["law-proposal", str(number)], entries=[entry])


def approve_law(session: Session, act: Act, now: dt.datetime) -> Done:
    """Approve law that another person proposed, by the digest of what was read."""
    number = act.arguments["number"]
    approve(session, number, act.arguments["digest"], now)
    told = f"Proposal {number} is approved: it is law."
    entry = Entry(Action.LAW_APPROVED, f"proposal {number}", "")
    stored = proposal(session, number)
    end = ending_after(session, stored) if stored else None
    if end is not None and end.is_open:
        told += f" The end that was proposed with it, proposal {end.number}, waits for you next."
        return Done(told, ["law-proposal", str(end.number)], entries=[entry])
    return Done(told, ["law-proposal", str(number)], entries=[entry])
