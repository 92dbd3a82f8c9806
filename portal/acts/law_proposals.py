"""Acts about law that is proposed without a change: the end of a registration, and approvals."""

import datetime as dt

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from portal.acts.requests import Done, Entry
from portal.audit import Action
from portal.models import Act
from settlement.enactment.approve import approve
from settlement.enactment.leaving import ONE_DAY, leaving, left_findings
from settlement.enactment.propose import propose_ending


def end_registration(session: Session, act: Act, now: dt.datetime) -> Done:
    """Propose that a registration ends after a participant's last day."""
    said = act.arguments
    market, participant, reason = said["market"], said["participant"], said["reason"]
    last_day = dt.date.fromisoformat(said["last_day"])
    found = leaving(session, market, participant, last_day, now)
    findings: list[Finding] = list(left_findings(found)) if found and not said["is_off"] else []
    name = f"registration/{participant}"
    try:
        _, proposal = propose_ending(
            session, market, name, last_day + ONE_DAY, now=now, reason=reason
        )
    except Refused as refused:
        raise Refused([*findings, *refused.findings]) from None
    # What was proposed is undone with the rest of the act.
    refuse_any(findings)
    if proposal is None:
        told = f"{participant} leaves {market} after that day already; nothing was proposed."
        return Done(told, ["rule-document", f"{market}/{name}"], appended=False)
    told = f"Proposal {proposal.number} waits for a regulator, who is another person."
    entry = Entry(Action.LAW_PROPOSED, f"proposal {proposal.number}", reason)
    return Done(told, ["law-proposal", str(proposal.number)], entries=[entry])


def approve_law(session: Session, act: Act, now: dt.datetime) -> Done:
    """Approve law that another person proposed, by the digest of what was read."""
    number = act.arguments["number"]
    approve(session, number, act.arguments["digest"], now)
    told = f"Proposal {number} is approved: it is law."
    entry = Entry(Action.LAW_APPROVED, f"proposal {number}", "")
    return Done(told, ["law-proposal", str(number)], entries=[entry])
