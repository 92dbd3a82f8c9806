"""How much is attached to a dispute and by one party, and whether there is room for more.

A step has one attachment of at most `LARGEST_BYTES`, but a dispute can be withdrawn and opened
again, and a party has many: without a sum, one account could fill the disk.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ledger.disputes.attachments import Attachment
from ledger.disputes.rules import DisputeRule
from ledger.disputes.tables import Attachment as AttachmentTable
from ledger.disputes.tables import DisputeEvent

PERIOD = timedelta(days=30)


class Bounds(NamedTuple):
    """Of what is attached: how many files, and how many bytes in sum."""

    files: int
    size_bytes: int


OF_DISPUTE = Bounds(8, 40_000_000)
OF_ACCOUNT = Bounds(60, 200_000_000)
"""Of one person within `PERIOD`, in all disputes of a market."""


def room_breaches(
    session: Session,
    market: str,
    dispute_number: int | None,
    actor: str,
    attachment: Attachment | None,
    now: datetime,
) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rules that one attachment more breaks.

    Args:
        session: the caller's session.
        market: of the dispute.
        dispute_number: of the dispute; None of one that is being opened.
        actor: who attaches it.
        attachment: what is to be attached, or None.
        now: the moment of the step.
    """
    if attachment is None:
        return
    of_market = DisputeEvent.market == market
    if dispute_number is not None:
        held = _attached(session, of_market, DisputeEvent.dispute_number == dispute_number)
        if _is_beyond(held, attachment, OF_DISPUTE):
            yield DisputeRule.DISPUTE_HOLDS_TOO_MUCH, _words(held, attachment)
    held = _attached(
        session,
        of_market,
        DisputeEvent.actor == actor,
        DisputeEvent.taken_at > now - PERIOD,
    )
    if _is_beyond(held, attachment, OF_ACCOUNT):
        yield DisputeRule.ACCOUNT_ATTACHED_TOO_MUCH, _words(held, attachment)


def _attached(session: Session, *conditions: ColumnElement[bool]) -> Bounds:
    size = func.coalesce(func.sum(func.octet_length(AttachmentTable.content)), 0)
    statement = (
        select(func.count(), size)
        .join(DisputeEvent, DisputeEvent.attachment_sha256 == AttachmentTable.sha256)
        .where(*conditions)
    )
    return Bounds(*map(int, session.execute(statement).one()))


def _is_beyond(held: Bounds, attachment: Attachment, most: Bounds) -> bool:
    return (
        held.files + 1 > most.files or held.size_bytes + len(attachment.content) > most.size_bytes
    )


def _words(held: Bounds, attachment: Attachment) -> str:
    return (
        f"{held.files} files of {held.size_bytes:,} bytes are attached, and this one has "
        f"{len(attachment.content):,}"
    )
