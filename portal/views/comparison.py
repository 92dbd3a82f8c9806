"""Law beside law: of two days, of a proposal and what it would change, or of two versions."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from portal.access import Viewer, viewer_in
from portal.days import day_complaint, known_complaints, parse_day, parse_known
from portal.law_access import owner_of
from portal.paging import page_of
from portal.queries import comparison as queries
from portal.queries.rules import clock_of
from portal.readings_kept import keep_reading
from portal.views.rules import BAD_REQUEST, digest_of, status_of
from rulebook.comparison import Comparison
from rulebook.comparison_words import counts_words
from rulebook.store import markets
from rulebook.versions import instant_shown

DOCUMENTS_A_PAGE, VALUES_A_PAGE = 25, 100


class Side(NamedTuple):
    """One of two laws that are asked for: a day, and when it was known; None for now."""

    day: dt.date
    known: dt.datetime | None
    refused: str = ""

    @property
    def known_text(self) -> str:
        """The moment of knowledge as addresses write it; empty for now."""
        return instant_shown(self.known) if self.known else self.refused

    def at(self, now: dt.datetime) -> tuple[dt.date, dt.datetime]:
        """Return the day, and the moment by whose record its law is read."""
        return self.day, self.known or now


@dataclass(frozen=True)
class Asked:
    """What is compared, as addresses say it."""

    market: str
    before: Side
    after: Side
    proposal: int | None
    document: str
    zone: str
    complaints: tuple[str, ...]

    @property
    def list_address(self) -> str:
        """Where the documents that differ are listed."""
        return self.address("")

    def address(self, document: str) -> str:
        """Return where a document of the comparison is shown whole."""
        said: dict[str, Any] = {"market": self.market}
        said |= {"document": document} if document else {}
        if self.proposal is not None:
            said["proposal"] = self.proposal
        else:
            for name, side in (("before", self.before), ("after", self.after)):
                said[name] = side.day.isoformat()
                said |= {f"{name}_known": side.known_text} if side.known else {}
        return f"{reverse('compare')}?{urlencode(said)}"


@require_safe
def laws(request: HttpRequest) -> HttpResponse:
    """List the documents that differ between two laws, or show one of them."""
    viewer, now = viewer_in(request), timezone.now()
    with transaction() as session:
        named = markets(session)
        zone = clock_of(session, request.GET.get("market", "").strip())
        asked = _asked(request.GET, named, zone, now)
        context: dict[str, Any] = {"asked": asked, "markets": named, "section": "rules"}
        if not named:
            return render(request, "compare/laws.html", context)
        if asked.before.refused or asked.after.refused:
            context["complaint"] = " ".join(asked.complaints)
            return render(request, "compare/laws.html", context, status=BAD_REQUEST)
        found = _laws(session, asked, viewer, now).visible_to(viewer)
        context |= {"laws": found, "complaint": " ".join(asked.complaints)}
        if asked.document:
            one = queries.comparison_of(session, found, asked.document, viewer)
            if one is None:
                raise Http404("no such document of either law for this user")
            return document_page(request, viewer, one, context)
        page = page_of(request, queries.Differences(session, found, viewer), DOCUMENTS_A_PAGE)
        rows = [(each, asked.address(each.document.instrument)) for each in page]
    context |= {"page": page, "rows": rows}
    status = status_of(context["complaint"])
    return render(request, "compare/laws.html", context, status=status)


@require_safe
def versions(request: HttpRequest, before: str, after: str) -> HttpResponse:
    """Show two versions of a kind of document beside each other."""
    viewer = viewer_in(request)
    digests = digest_of(before), digest_of(after)
    try:
        with transaction() as session:
            found = queries.versions_compared(session, *digests, viewer)
    except (Refused, LookupError):
        raise Http404("no two such versions for this user") from None
    context = {"section": "rules", "digests": digests, "complaint": ""}
    return document_page(request, viewer, found, context)


def document_page(
    request: HttpRequest, viewer: Viewer, found: Comparison, context: dict[str, Any]
) -> HttpResponse:
    """Show one document as two texts have it; the context says which those are."""
    texts = [text for text in (found.before, found.after) if text]
    for instrument in {text.document.instrument for text in texts}:
        owner, user = owner_of(instrument), request.user
        if owner and isinstance(user, User) and viewer.may_read_registration(*owner):
            keep_reading(user, viewer, *owner)
    context |= {
        "comparison": found,
        "document": found.document,
        "in_words": counts_words(found.counts),
        "is_changed": len(texts) == 2,  # else each clause and value is on the document's own page
        "values": page_of(request, queries.Values(found), VALUES_A_PAGE),
        "charts": queries.charts_of(found),
        "withheld": sorted(found.withheld),
    }
    status = status_of(context["complaint"])
    return render(request, "compare/document.html", context, status=status)


def _laws(session: Session, asked: Asked, viewer: Viewer, now: dt.datetime) -> queries.Laws:
    if asked.proposal is None:
        return queries.laws_of(session, asked.market, asked.before.at(now), asked.after.at(now))
    # What waits for an approval is shown to those who oversee markets, as the page of changes is.
    if not viewer.sees_people:
        raise Http404("no proposal for this user")
    try:
        return queries.laws_of_proposal(session, asked.proposal, now)
    except (Refused, LookupError):
        raise Http404("no proposal of law that waits") from None


def _asked(query: Mapping[str, str], named: list[str], zone: str, now: dt.datetime) -> Asked:
    """Return what an address asks for; of days and moments that are none, what is wrong."""
    complaints: list[str] = []
    sides = [_side(query, name, zone, now, complaints) for name in ("before", "after")]
    market = query.get("market", "").strip()
    if market not in named:
        if market:
            complaints.append(f"There is no market “{market[:48]}”.")
        market = named[0] if named else ""
    number = query.get("proposal", "").strip()
    is_number = number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS
    if number and not is_number:
        complaints.append(f"“{number[:40]}” is not the number of a proposal.")
    document = query.get("document", "").strip()
    return Asked(
        market,
        sides[0],
        sides[1],
        int(number) if is_number else None,
        document,
        zone,
        tuple(complaints),
    )


MOST_DIGITS = 9
"""Of the number of a proposal, as in other addresses."""


def _side(
    query: Mapping[str, str], name: str, zone: str, now: dt.datetime, complaints: list[str]
) -> Side:
    day, written = now.date(), query.get(name, "").strip()
    if written:
        found = parse_day(written)
        complaints += [] if found else [f"{day_complaint(written)} Shown for today."]
        day = found or day
    said = query.get(f"{name}_known", "").strip()
    if not said:
        return Side(day, None)
    known = parse_known(said, zone, now)
    wrong = known_complaints(said, known, zone, now)
    complaints += wrong
    return Side(day, None, said) if wrong else Side(day, known)
