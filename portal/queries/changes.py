"""Changes of who is paid, as pages show them."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ledger.people import store
from portal.access import Viewer
from portal.queries.rules import zone_by_market
from settlement.enactment.payee_rules import Word, words_of
from settlement.enactment.payees import ProposedPayee, proposed_payees
from settlement.enactment.reach import Reach
from settlement.enactment.reaching import reach_of


@dataclass(frozen=True)
class ShownChange:
    """What a proposal changes for a participant; `may_answer`: it waits for the reader's word.

    `proposer` is empty where the reader may not know whose the account is; `zone` is the market's.
    """

    found: ProposedPayee
    words: tuple[Word, ...]
    proposer: str
    zone: str
    may_answer: bool

    @property
    def state(self) -> str:
        """How far it is."""
        if self.found.outcome:
            return f"{self.found.outcome} by {self.found.ended_by}"
        if self.found.is_objected:
            return "objected to"
        if self.found.approved_by:
            return f"approved by {self.found.approved_by}"
        return "confirmed, and waits for approval" if self.found.answers else "not confirmed"

    @property
    def applies(self) -> str:
        """What is said before the moment from which it is law, or would be."""
        return "Applies from" if self.found.approved_by else "Would apply from"


def shown_changes(session: Session, viewer: Viewer, number: int | None = None) -> list[ShownChange]:
    """Return what was proposed once somebody was paid, in order; of a participant its own.

    All of it, or what the proposal of a number changes.
    """
    names = store.names_of(session)
    proposed = proposed_payees(session, None if number is None else [number])
    zones = zone_by_market(session, (each.market for each in proposed))
    return [
        ShownChange(
            found,
            tuple(words_of(found.change, whole=True)),
            names.get(found.proposed_by, ""),
            zones[found.market],
            found.waits and (found.market, found.change.participant) in viewer.acts_for,
        )
        for found in proposed
        if found.delay.is_bound
        and (viewer.sees_people or (found.market, found.change.participant) in viewer.acts_for)
    ]


def shown_reach(session: Session, viewer: Viewer, number: int, now: dt.datetime) -> Reach | None:
    """Return what a proposal that waits touches of what is settled, for those who oversee markets.

    To a participant, what others' registrations would say is not shown, nor what follows from it.
    """
    found = store.proposal(session, number) if viewer.sees_people else None
    return None if found is None else reach_of(session, found, now)
