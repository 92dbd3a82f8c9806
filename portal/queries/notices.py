"""Notices as pages, commands and messages say them, and which of them somebody has read."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from common import quantities
from portal import amounts
from portal.access import Viewer
from portal.queries.rules import market_zone
from settlement.notices.derivation import derive_notices
from settlement.notices.notice import Notice, Sort
from settlement.notices.store import ledger_state

_cached: dict[tuple[object, ...], tuple[Notice, ...]] = {}
"""The notices of one state and hour; they follow from them alone, so they may be kept."""


@dataclass(frozen=True)
class ShownNotice:
    """A notice in words."""

    notice: Notice
    zone: str
    title: str
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the notice as plain values for `--json`."""
        notice = self.notice
        return {
            "key": notice.key,
            "sort": notice.sort.value,
            "market": notice.market,
            "participant": notice.participant,
            "at": notice.at,
            "title": self.title,
            "sentences": self.sentences,
            "first_day": notice.days[0],
            "last_day": notice.days[-1],
            "day_count": len(notice.days),
            "changes": [
                {
                    "commodity": change.commodity,
                    "account_kind": change.account_kind,
                    "amount": change.amount,
                }
                for change in notice.changes
            ],
            "documents": notice.documents,
            "original": notice.original,
            "run": notice.run_id,
        }


def notices(session: Session, now: dt.datetime) -> tuple[Notice, ...]:
    """Return every notice of every participant, latest first.

    What the clock does to a dispute, it does at the beginning of a local day: within an hour of it
    the notice is there.
    """
    state = (*ledger_state(session), now.replace(minute=0, second=0, microsecond=0))
    found = _cached.get(state)
    if found is None:
        found = tuple(derive_notices(session, now))
        # The ledger only grows and the clock only advances: no earlier state is asked for again.
        _cached.clear()
        _cached[state] = found
    return found


def notices_for(session: Session, viewer: Viewer, now: dt.datetime) -> list[Notice]:
    """Return the notices that are open to a user, latest first."""
    if not viewer.sees_invoices:
        return []
    return [
        notice
        for notice in notices(session, now)
        if viewer.may_see(notice.market, notice.participant)
    ]


def shown_notices(session: Session, found: Sequence[Notice]) -> list[ShownNotice]:
    """Return notices in words."""
    zones = {market: market_zone(session, market) for market in {notice.market for notice in found}}
    return [
        ShownNotice(notice, zones[notice.market], title(notice), sentences(notice))
        for notice in found
    ]


def title(notice: Notice) -> str:
    """Return what happened, in one line."""
    if notice.sort is Sort.NOTE:
        return f"{notice.subject.capitalize()} {notice.documents[0]} was issued"
    if notice.sort is Sort.SEAL:
        return f"{_days(notice.days)} {'was' if len(notice.days) == 1 else 'were'} sealed"
    if notice.sort is Sort.DISPUTE:
        return f"{notice.subject}: {notice.reason}"
    if notice.sort is Sort.CREDIT:
        return f"Credit cover: {notice.reason}"
    return f"Run {notice.subject} corrected {_days(notice.days)}"


def sentences(notice: Notice) -> tuple[str, ...]:
    """Return what changed and by how much, a sentence each."""
    if notice.sort is Sort.NOTE:
        amount = amounts.money_minor(abs(notice.due_minor), notice.currency or "")
        owes = "You pay" if notice.due_minor > 0 else "You receive"
        return (
            f"{owes} {amount} for {notice.days[0]:%B %Y}.",
            f"It corrects {notice.original}.",
        )
    if notice.sort is Sort.SEAL:
        return (
            f"Sealed by {notice.subject}: {notice.reason}.",
            "Nothing more is posted to these days, and no reading or rule is accepted for them.",
        )
    if notice.sort is Sort.DISPUTE:
        return (f"It is of the document for {notice.days[0]:%B %Y}.",)
    if notice.sort is Sort.CREDIT:
        currency = notice.currency or ""
        return (
            f"Your exposure is {_money(notice.exposure_micro, currency)}, your cover "
            f"{_money(notice.cover_micro, currency)}.",
            "Pay what is due, or lodge more cover.",
        )
    money = [
        f"You owe {_money(abs(micro), currency)} {'more' if micro > 0 else 'less'} than was posted "
        "before."
        for currency, micro in notice.money
        if micro
    ]
    energy = [
        f"Metered {kind} is {quantities.energy(abs(wh))} {'more' if wh > 0 else 'less'}."
        for kind, wh in notice.energy
        if kind in ("generation", "demand")
    ]
    billed = (
        f"It is billed by {' and '.join(notice.documents)}."
        if notice.documents
        else "It is not billed yet."
    )
    return (*(money or ["What you owe in all is as before."]), *energy, billed)


def _money(micro: int, currency: str) -> str:
    return quantities.with_unit(micro, "micro", currency)


def _days(days: Sequence[dt.date]) -> str:
    first, last = days[0], days[-1]
    if first == last:
        return f"{first.day} {first:%B %Y}"
    between = f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    return between if len(days) == (last - first).days + 1 else f"{len(days)} days of {between}"
