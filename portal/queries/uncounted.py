"""Effects that no trial counts, as the changes say that its drafts are the texts of."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from rulebook.changes.steps import Kind
from rulebook.changes.tables import Change, ChangeEvent, Revision


@dataclass(frozen=True)
class Uncounted:
    """What the last assessment of a change says that no trial counts.

    Attributes:
        words: empty while the text is not assessed.
        names_it: whether that assessment rests on the trial.
    """

    change: int
    title: str
    words: str
    account: str
    at: dt.datetime | None
    names_it: bool


def uncounted_effects(
    session: Session, market: str, drafts: Iterable[str], trial_id: uuid.UUID
) -> tuple[Uncounted, ...]:
    """Return what is said of each change with a text among drafts, that the reader may see.

    Args:
        session: the reader's.
        market: of the trial.
        drafts: the digests of its drafts, in hexadecimal.
        trial_id: the trial.
    """
    digests = [bytes.fromhex(digest) for digest in drafts]
    texts = (
        select(Change.number, Change.title, Revision.digest)
        .join(Revision, Revision.change == Change.number)
        .where(Change.market == market, Revision.draft_digest.in_(digests))
        .order_by(Change.number, Revision.number)
    )
    named = session.execute(texts).all()
    assessments = (
        select(ChangeEvent)
        .where(
            tuple_(ChangeEvent.change, ChangeEvent.revision_digest).in_(
                [(number, digest) for number, _, digest in named]
            ),
            ChangeEvent.kind == Kind.ASSESS,
        )
        .order_by(ChangeEvent.sequence)
    )
    # In one question for all texts; of one text the last assessment stands.
    last = {(each.change, each.revision_digest): each for each in session.scalars(assessments)}
    found: dict[int, Uncounted] = {}
    for number, title, digest in named:
        assessment = last.get((number, digest))
        if assessment is None:
            found.setdefault(number, Uncounted(number, title, "", "", None, names_it=False))
            continue
        found[number] = Uncounted(
            number,
            title,
            assessment.body["uncounted"],
            assessment.account,
            assessment.at,
            str(trial_id) in assessment.body["trials"],
        )
    return tuple(found.values())
