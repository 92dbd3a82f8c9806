"""What the end of a registration, and what is handed over before it, rest on when approved.

One page made both of the law as it was known then, and nobody typed them. So the handover is
approved while its end still waits, and the end after it, while the participant holds nothing more
that would be left without anybody. That the law of both stands as it did, `moved_law` asks of every
proposal.
"""

import datetime as dt
import json
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.refusals import Finding
from ledger.people.proposals import state_words
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal
from rulebook import store
from rulebook.versions import instant_shown
from settlement.enactment.handing_over import METERS
from settlement.enactment.leaving import MOST_NAMED
from settlement.enactment.proposed import ending_after, handover_of

HELD = {**METERS, "units": "unit"}
"""Lists of a registration that somebody answers for, and by which field members are named."""
INSTANT = dt.timedelta(microseconds=1)
AGAIN = "withdraw or reject what waits of both, and propose the end again"


def end_hindrances(session: Session, stored: StoredProposal, now: dt.datetime) -> Iterator[Finding]:
    """Find why an end, or what is handed over before one, cannot be approved as it stands."""
    if stored.kind is Kind.ENDING:
        yield from check_handed_over(session, stored)
        yield from check_left(session, stored, now)
    elif stored.kind is Kind.PUBLICATION:
        yield from check_handover(session, stored, now)


def check_handed_over(session: Session, ending: StoredProposal) -> Iterator[Finding]:
    """Find that what a participant leaves behind is not handed over: its end comes after.

    As law, the handover states the registration anew, without an end.
    """
    handover = handover_of(session, ending)
    if handover is not None and handover.approved_at is None:
        yield Finding(
            "handover-waits",
            f"proposal {ending.number}",
            f"proposal {handover.number}: {state_words(handover)}",
            "what a participant holds is handed over before its registration ends",
            f"approve proposal {handover.number} first" if handover.is_open else AGAIN,
        )


def check_handover(
    session: Session, handover: StoredProposal, now: dt.datetime
) -> Iterator[Finding]:
    """Find why what was to be handed over before an end is so no more; of any other law nothing."""
    ending = ending_after(session, handover)
    if ending is None:
        return
    place = f"proposal {handover.number}"
    if not ending.is_open:
        yield Finding(
            "end-given-up",
            place,
            f"proposal {ending.number}: {state_words(ending)}",
            "what a participant holds is handed over because its registration ends",
            AGAIN,
        )
    content = json.loads(handover.content)
    starts = dt.datetime.fromisoformat(content["valid_from"])
    by_now = store.records_from(session, handover.market or "", starts, now)
    leaver = json.loads(ending.content)["instrument"]
    if leaver not in by_now:  # as law, the handover would register it anew, without an end
        yield Finding(
            "leaver-has-left",
            place,
            f"{leaver} has ended by {instant_shown(starts)}",
            "who hands over is registered on the first day on which another takes over",
            AGAIN,
        )


def check_left(session: Session, ending: StoredProposal, now: dt.datetime) -> Iterator[Finding]:
    """Find what a participant holds by now that nobody was asked of as its end was proposed."""
    content = json.loads(ending.content)
    market, instrument = ending.market or "", content["instrument"]
    if not instrument.startswith(f"{market}/registration/"):
        return
    ends = dt.datetime.fromisoformat(content["ends"])
    handover = handover_of(session, ending)
    handed = ending.proposed_at if handover is None else handover.approved_at or now
    last_moment, after = (ends - INSTANT, ends), (ends, None)
    gained = {
        name
        for (start, end), known in ((last_moment, ending.proposed_at), (after, handed))
        for name in _held(session, market, instrument, (start, end), now)
        - _held(session, market, instrument, (start, end), known)
    }
    gained -= _held(session, market, "", (ends, ends + INSTANT), now, but_for=instrument)
    if gained:
        names = sorted(gained)
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield Finding(
            "holds-more-since",
            f"proposal {ending.number}: {instrument}",
            ", ".join(names[:MOST_NAMED]) + more,
            "when its end was proposed it held none of that, so nobody was chosen to take it over",
            "withdraw or reject it, and propose the end again",
        )


def _held(
    session: Session,
    market: str,
    instrument: str,
    span: tuple[dt.datetime, dt.datetime | None],
    known: dt.datetime,
    but_for: str = "",
) -> set[str]:
    """Return the meters and units of a registration, or of all but one, at some time of a span."""
    versions = store.versions_known(session, market, known, *span, "registration")
    return {
        row[name]
        for version in versions
        if version.instrument == instrument or (but_for and version.instrument != but_for)
        for rows, name in HELD.items()
        for row in version.body.get(rows, ())
    }
