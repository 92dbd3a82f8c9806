"""The changes of the law whose text somebody may save: of which a copy becomes a revision."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy.orm import Session

from ledger.people.rights import Rights
from rulebook.changes import store
from rulebook.changes.breaches import standing_breaches
from rulebook.changes.steps import Kind
from settlement.enactment.changes import actor_of, with_persons


class Revisable(NamedTuple):
    """A change, and the number of its last revision: nothing where it has none yet.

    `participant` is the one for which whoever saves does so, where they may for no other reason.
    """

    number: int
    title: str
    parent: int
    participant: str | None

    @property
    def key(self) -> str:
        """What a form names it by: with the revision that was seen, which another may follow."""
        return f"{self.number}.{self.parent}"


NO_TEXT_YET = "change-without-revision"
"""No reason here: what is saved is the first."""


def revisable_changes(
    session: Session, rights: Rights, market: str, now: dt.datetime
) -> list[Revisable]:
    """Return the changes of a market whose text whoever acts may save, latest first."""
    lives = list(store.lives(session, with_texts=False).values())
    actor = actor_of(rights)
    # As nobody's first; of participants, each for which the account acts.
    acts_for = [None, *sorted(name for of, name in rights.participants if of == market)]
    found = []
    for life in with_persons(session, [each for each in lives if each.change.market == market]):
        for participant in acts_for:
            breaches = standing_breaches(life, Kind.REVISE, actor, participant, now)
            if all(finding.code == NO_TEXT_YET for finding in breaches):
                change = life.change
                row = Revisable(change.number, change.title, len(life.revisions), participant)
                found.append(row)
                break
    return found[::-1]
