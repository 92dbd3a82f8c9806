"""The trail in PostgreSQL. The caller opens the transaction."""

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ledger.trail.link import HeadRow
from ledger.trail.tables import TrailHead, TrailLink


def name_head(session: Session) -> None:
    """Make the last link of the trail a leaf of the log, unless it is one.

    Under the ledger's lock, which keeps two checkpoints from naming it twice. The trail's own lock
    is not asked for: a link that is committed later is the next checkpoint's.
    """
    link = session.execute(
        select(TrailLink.number, TrailLink.digest).order_by(TrailLink.number.desc()).limit(1)
    ).first()
    if link is None or session.get(TrailHead, link.number) is not None:
        return
    row = HeadRow(link.number, link.digest)
    session.execute(insert(TrailHead), [{**row._asdict(), "digest": row.digest}])


def link_digests(session: Session, last: int) -> list[bytes]:
    """Return the digests of the trail's links, to the one numbered `last`."""
    links = select(TrailLink.digest).where(TrailLink.number <= last)
    return list(session.scalars(links.order_by(TrailLink.number)))
