"""Give up a proposal that no change made: withdrawn by who made it, or rejected by another."""

import datetime as dt
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.refusals import Finding
from ledger import store as ledger_store
from ledger.people import proposals
from ledger.people.roles import Outcome
from ledger.people.store import StoredProposal
from rulebook.changes.breaches import text_findings
from rulebook.changes.store import change_of_proposal


def give_up(
    session: Session, number: int, outcome: Outcome, *, reason: str, now: dt.datetime
) -> StoredProposal:
    """Give up a proposal in the name of whoever acts; what it says does not become law.

    Args:
        session: acts as whoever proposed it, or to reject it as another person.
        number: of the proposal.
        outcome: whether it is withdrawn or rejected.
        reason: why, in words that the record keeps.
        now: when.

    Raises:
        Refused: with every finding; nothing is written.
    """
    ledger_store.lock(session)
    place = f"proposal {number}"
    found = [*_of_a_change(session, number), *text_findings(f"{place}: reason", reason)]
    return proposals.give_up(session, number, outcome, reason, now, found)


def _of_a_change(session: Session, number: int) -> Iterator[Finding]:
    change = change_of_proposal(session, number)
    if change is not None:
        yield Finding(
            "proposal-of-change",
            f"proposal {number}",
            f"it is the text of change {change}",
            "what a change proposes is withdrawn or rejected with the change",
            f"`manage.py change withdraw {change}`, or reject",
        )
