"""What a working copy that looks back would touch of what is settled, before it is proposed."""

import datetime as dt

from sqlalchemy.orm import Session

from portal.copies import edits_of_copy
from portal.models import WorkingCopy
from portal.queries.rules import market_zone, start_of_day
from rulebook.changes.records import RevisionRow
from rulebook.days import day_of
from rulebook.digest import document_digest
from rulebook.reading import document_of
from settlement.enactment.reach import ProposedLaw, Reach
from settlement.enactment.reaching import UNTOUCHED, reach_of_law


def looks_back(session: Session, copy: WorkingCopy, now: dt.datetime) -> bool:
    """Return whether a copy is wanted from a day that has begun before today, in its market."""
    return copy.wanted_from < day_of(now, market_zone(session, copy.market))


def reach_of_copy(
    session: Session, copy: WorkingCopy, own: RevisionRow | None, now: dt.datetime
) -> Reach | None:
    """Return what the changed documents of a copy would touch, were they law from its day.

    Args:
        own: the revision that it goes on from, whose end is that of the copy too.

    Returns:
        None where a changed document cannot be read yet.
    """
    found = [document_of(copy.bodies[name], name)[0] for name in edits_of_copy(copy)]
    documents = [each for each in found if each is not None]
    if len(documents) < len(found):
        return None
    if not documents:
        return UNTOUCHED
    zone = market_zone(session, copy.market)
    texts = {each.instrument: document_digest(each) for each in documents}
    start = start_of_day(copy.wanted_from, zone)
    proposed = ProposedLaw(start, own.valid_to if own else None, texts)
    return reach_of_law(session, copy.market, zone, proposed, documents, now)
