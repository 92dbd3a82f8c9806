"""What the drafts of a trial are: the law changes and proposals whose texts they were.

A trial holds the texts that it tried and no name, so that equal texts are tried once; whose texts
they are is found by digest, of what the reader may see.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from sqlalchemy import cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from ledger.people.roles import Kind
from ledger.people.tables import Proposal
from portal.trials.words import draft_words
from rulebook.changes.tables import Change, ChangeEvent, Revision
from rulebook.days import day_of
from rulebook.digest import body_digest

UNNAMED = "A text that no law change and no proposal has, as a file tried by command is."


@dataclass(frozen=True)
class DraftName:
    """A law change or a proposal with the text of a draft, and the validity that it wants.

    `whose` names it alone; `words` say what it is about, too.
    """

    whose: str
    words: str
    address: str
    valid_from: dt.datetime
    valid_to: dt.datetime | None


def names_of_draft(
    session: Session, market: str, record: Mapping[str, Any]
) -> tuple[DraftName, ...]:
    """Return the law changes, then the proposals made without one, that have a draft's text.

    Args:
        session: the reader's.
        market: of the trial.
        record: of the draft, as a trial holds it; what everybody may know of one has no texts, and
            no proposal is found by it.
    """
    found = {name.address: name for name in _changes(session, market, record["digest"])}
    if "documents" in record:
        found |= {name.address: name for name in _proposals(session, market, record["documents"])}
    return tuple(found.values())


def _changes(session: Session, market: str, digest: str) -> Iterator[DraftName]:
    texts = (
        select(Change.number, Change.title, Revision.number, Revision.valid_from, Revision.valid_to)
        .join(Revision, Revision.change == Change.number)
        .where(Change.market == market, Revision.draft_digest == bytes.fromhex(digest))
        .order_by(Change.number, Revision.number)
    )
    for number, title, revision, valid_from, valid_to in session.execute(texts):
        whose = f"Law change {number}, revision {revision}"
        address = reverse("law-change", args=[number])
        yield DraftName(whose, f"{whose}: {title}", address, valid_from, valid_to)


def _proposals(
    session: Session, market: str, documents: Mapping[str, Mapping[str, Any]]
) -> Iterator[DraftName]:
    digests = {name: body_digest(text["body"]).hex() for name, text in documents.items()}
    of_changes = select(ChangeEvent.proposal).where(ChangeEvent.kind == "propose")
    texts = (
        select(Proposal.number, Proposal.content)
        .where(
            Proposal.kind == Kind.PUBLICATION,
            Proposal.market == market,
            Proposal.number.not_in(of_changes),
            cast(Proposal.content, JSONB)["documents"] == literal(digests, JSONB),
        )
        .order_by(Proposal.number)
    )
    for number, content in session.execute(texts):
        decided = json.loads(content)
        reason, end = decided["reason"], decided["valid_to"]
        yield DraftName(
            f"Proposal {number}",
            f"Proposal {number}" + (f": {reason}" if reason else ""),
            reverse("law-proposal", args=[number]),
            dt.datetime.fromisoformat(decided["valid_from"]),
            None if end is None else dt.datetime.fromisoformat(end),
        )


def tried_as_law(
    draft: str, names: Sequence[DraftName], days: tuple[dt.date, dt.date], zone: str
) -> str:
    """Return in sentences that a draft is tried on days for which it is not wanted; "" of none.

    Args:
        draft: the name of its side.
        names: whose text it is.
        days: the first and the last that are tried.
        zone: of the market.
    """
    first, last = days
    wanted = {
        name.whose: words
        for name in names
        if (words := _wanted_on_part(name, first, last, zone)) is not None
    }
    if not wanted:
        return ""
    tried = (
        f"on {_day(first)}" if first == last else f"on all days from {_day(first)} to {_day(last)}"
    )
    if len(wanted) == len(names):
        when = f"The {draft_words(draft)} is wanted {' or '.join(dict.fromkeys(wanted.values()))}"
    else:  # another, whose text it is as well, wants it on all of the days
        each = " and ".join(f"by {whose} {words}" for whose, words in wanted.items())
        when = f"The {draft_words(draft)} is wanted {each} only"
    return f"{when}; it is tried as if it were law {tried}."


def _wanted_on_part(name: DraftName, first: dt.date, last: dt.date, zone: str) -> str | None:
    """Return from and until when a text is wanted; None where all tried days are within."""
    begins = day_of(name.valid_from, zone)
    ends = None if name.valid_to is None else day_of(name.valid_to, zone) - dt.timedelta(days=1)
    if begins <= first and (ends is None or ends >= last):
        return None
    return f"from {_day(begins)}" + ("" if ends is None else f" to {_day(ends)}")


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"
