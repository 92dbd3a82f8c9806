"""Notices as a message: to whom, under which subject, in which words."""

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.log.checkpoints import DOCUMENTS
from ledger.log.store import find_leaf, last_checkpoint
from ledger.log.witness_store import cosigned_note
from portal.amounts import local_time
from portal.queries.notices import ShownNotice
from rulebook.law import rules_at


def contact_addresses(
    session: Session, participants: Iterable[tuple[str, str]], now: dt.datetime
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the addresses in the registrations in force, by market and participant."""
    wanted = set(participants)
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for market in sorted({market for market, _ in wanted}):
        try:
            rules = rules_at(session, market, now, now)
        except Refused:
            continue  # nobody is registered now
        for registration in rules.registrations:
            key = (market, registration.participant)
            if key in wanted:
                found[key] = tuple(contact.email for contact in registration.contacts)
    return found


def message_subject(shown: Sequence[ShownNotice]) -> str:
    """Return the line under which a message is found."""
    first = shown[0]
    if len(shown) == 1:
        return f"{first.notice.market}: {first.title}"
    return f"{first.notice.market}: {len(shown)} notices for {first.notice.participant}"


KEEP = (
    "Below stands the newest signed checkpoint of the market's log. It covers every document named "
    "above, and all that was published before. Keep this message: by it you, or an auditor, can "
    "tell at any time whether any of that was changed since."
)


def covering_note(session: Session, shown: Iterable[ShownNotice]) -> str | None:
    """Return the note of the newest checkpoint, if it covers all documents of some notices."""
    last = last_checkpoint(session)
    if last is None:
        return None
    for number in {number for notice in shown for number in notice.notice.documents}:
        leaf = find_leaf(session, DOCUMENTS, number)
        if leaf is None or leaf.index >= last.size:
            return None
    return cosigned_note(session, last)


def message_text(shown: Sequence[ShownNotice], portal_url: str, note: str | None) -> str:
    """Return the words of a message.

    Args:
        shown: the notices.
        portal_url: the portal's address, for links; empty where it is not known.
        note: of the checkpoint that covers what is named; None where there is none yet.
    """
    first = shown[0].notice
    lines = [f"To {first.participant}, participant of {first.market}.", ""]
    for notice in shown:
        lines += [notice.title, local_time(notice.notice.at, notice.zone), *notice.sentences]
        if portal_url:
            base = portal_url.rstrip("/")
            lines += [f"{base}/invoices/{number}/" for number in notice.notice.documents]
        lines.append("")
    where = f"{portal_url.rstrip('/')}/notices/" if portal_url else "the portal, under Notices"
    lines += [f"All notices, with every amount: {where}.", ""]
    if note is not None:
        lines += [KEEP, "", note]
    return "\n".join(lines)
