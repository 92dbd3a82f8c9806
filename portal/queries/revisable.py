"""The changes whose text somebody may save, and the revisions that a copy goes on from."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from ledger.people.rights import Rights
from portal.access import Viewer
from portal.change_words import revision_ends
from portal.models import WorkingCopy
from portal.queries.drafts import may_write
from rulebook.changes import store
from rulebook.changes.breaches import standing_breaches
from rulebook.changes.life import Life
from rulebook.changes.records import RevisionRow
from rulebook.changes.steps import Kind, State
from settlement.enactment.changes import actor_of, with_persons


class Revisable(NamedTuple):
    """A change, and the number of its last revision: nothing where it has none yet.

    `participant` is the one for which whoever saves does so, where they may for no other reason.
    `ends` says what the next revision ends; empty of a draft, and where changes were asked for.
    """

    number: int
    title: str
    parent: int
    participant: str | None
    state: State
    ends: str

    @property
    def key(self) -> str:
        """What a form names it by: with the revision that was seen, which another may follow."""
        return f"{self.number}.{self.parent}"

    @property
    def consent(self) -> str:
        """What a form sends of who read what ends: of this revision, in this state."""
        return f"{self.key} {self.state.value}"


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
                found.append(
                    Revisable(
                        change.number,
                        change.title,
                        len(life.revisions),
                        participant,
                        life.state or State.DRAFT,
                        revision_ends(life),
                    )
                )
                break
    return found[::-1]


def bodies_of(revision: RevisionRow) -> Mapping[str, Mapping[str, Any]]:
    """Return the documents of a revision, by instrument."""
    return {name: text["body"] for name, text in revision.draft["documents"].items()}


def readable_revision(life: Life, viewer: Viewer) -> RevisionRow | None:
    """Return the last revision of a change where a user may write each document of it.

    None where another is the last, or a document of it is not theirs to write: saved without what
    they may not read, it would lose that.
    """
    last, revision = life.last(Kind.REVISE), life.revision
    if last is None or revision is None or revision.digest != last.revision_digest:
        return None
    names = bodies_of(revision)
    is_whole = all(may_write(viewer, life.change.market, name) for name in names)
    return revision if is_whole else None


def later_revision(session: Session, copy: WorkingCopy) -> RevisionRow | None:
    """Return the last revision of the change of a copy, where it came after the copy's own."""
    life = store.life(session, copy.change) if copy.change else None
    last = life.revision if life else None
    return last if last and last.number > (copy.revision or 0) else None


def own_revision(session: Session, copy: WorkingCopy) -> RevisionRow | None:
    """Return the revision that a copy was begun from, or saved as; None where it has none."""
    life = store.life(session, copy.change) if copy.change else None
    revisions = life.revisions if life else ()
    return next((each for each in revisions if each.number == copy.revision), None)
