"""Notices as a message: to whom, under which subject, in which words."""

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from common.refusals import Refused
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


def message_text(shown: Sequence[ShownNotice], portal_url: str) -> str:
    """Return the words of a message; with links where the portal's address is known."""
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
    return "\n".join(lines)
