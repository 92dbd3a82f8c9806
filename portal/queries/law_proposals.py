"""Proposals of law that were made without a change, as pages show them."""

import datetime as dt
import json
from dataclasses import dataclass

from sqlalchemy.orm import Session

from common.refusals import Finding
from ledger.people import store
from ledger.people.rights import check_approver, check_ending
from ledger.people.roles import Kind, Outcome
from ledger.people.store import StoredProposal
from portal.queries.rules import market_zone
from rulebook.changes.store import change_of_proposal
from settlement.enactment.end_checks import end_hindrances
from settlement.enactment.moved_law import check_moved
from settlement.enactment.payees import ProposedPayee, proposed_payees
from settlement.enactment.proposed import ending_after, handover_of
from settlement.enactment.reach import Reach
from settlement.enactment.reaching import reach_of


@dataclass(frozen=True)
class ShownProposal:
    """A proposal of law.

    Attributes:
        ends: the instrument that it ends; empty where it publishes documents.
        starts: from when it is law; of an end, the first moment without the document.
        stops: the first moment at which documents apply no longer; None for no end.
        documents: the instruments that it publishes.
        change: of whose text it is, which is decided on its own page; None of most.
        payees: the changes of payees in it, each of which waits for its participant's word.
        hindrances: why the reader may not approve it.
        before: the proposal that is approved before it, while that waits.
        after: the end that was proposed with it, and is approved after it.
        ender: the name of whoever gave it up; empty of one that waits or was approved.
        may_withdraw, may_reject: what the reader may do instead of approving it.
        reach: what it touches of what is settled; None once it waits no more.
    """

    stored: StoredProposal
    proposer: str
    zone: str
    ends: str
    starts: dt.datetime
    stops: dt.datetime | None
    documents: tuple[str, ...]
    reason: str
    change: int | None
    payees: tuple[ProposedPayee, ...]
    hindrances: tuple[Finding, ...]
    before: int | None
    after: int | None
    ender: str
    may_withdraw: bool
    may_reject: bool
    reach: Reach | None


def shown_proposal(
    session: Session, number: int, reader: str, now: dt.datetime
) -> ShownProposal | None:
    """Return a proposal of law, as it stands; None where there is none.

    Raises:
        Refused: a text of it is not the one that was proposed.
    """
    stored = store.proposal(session, number)
    if stored is None or stored.kind is Kind.GRANT or stored.market is None:
        return None
    content = json.loads(stored.content)
    is_end = stored.kind is Kind.ENDING
    starts = dt.datetime.fromisoformat(content["ends" if is_end else "valid_from"])
    stops = None if is_end else content["valid_to"]
    before = handover_of(session, stored) if is_end else None
    after = None if is_end else ending_after(session, stored)
    reads, proposed = (store.rights_of(session, each) for each in (reader, stored.proposed_by))
    names = store.names_of(session)
    change = change_of_proposal(session, number)
    may = {
        outcome: stored.is_open
        and change is None
        and not any(check_ending(reads, proposed, stored.kind, outcome))
        for outcome in Outcome
    }
    hindrances = tuple(check_approver(reads, proposed, stored.kind))
    if stored.is_open:
        hindrances += (*check_moved(session, stored), *end_hindrances(session, stored, now))
    return ShownProposal(
        stored,
        names.get(stored.proposed_by, ""),
        market_zone(session, stored.market),
        content["instrument"] if is_end else "",
        starts,
        dt.datetime.fromisoformat(stops) if stops else None,
        () if is_end else tuple(sorted(content["documents"])),
        content["reason"],
        change,
        tuple(proposed_payees(session, [number])),
        hindrances,
        before.number if before and before.is_open else None,
        after.number if after and after.outcome is None else None,
        names.get(stored.ended_by or "", ""),
        may[Outcome.WITHDRAWN],
        may[Outcome.REJECTED],
        reach_of(session, stored, now),
    )
