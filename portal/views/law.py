"""The text of the law at permanent addresses: whole, a document, a clause; and its history."""

import datetime as dt

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import Viewer, viewer_in
from portal.audit import record_file
from portal.law_access import is_open, owner_of, withheld_from
from portal.queries import law_texts as queries
from portal.readings_kept import keep_reading
from portal.views.rules import Asked, asked_on, document_on, refused_page, status_of
from rulebook.store import markets


@require_safe
def whole(request: HttpRequest, market: str, day: dt.date) -> HttpResponse:
    """Show the law of a market on a day as one text, to be read and printed."""
    asked, viewer = asked_on(request, day, market), viewer_in(request)
    if asked.refused:
        return refused_page(request, asked)
    with transaction() as session:
        if market not in markets(session):
            raise Http404("no such market")
        found = queries.whole_law(session, market, day, asked.moment, viewer)
    context = _context(asked) | {"found": found, "market": market}
    return render(request, "law/whole.html", context, status=status_of(asked.complaint))


@require_safe
def document(request: HttpRequest, market: str, document: str, day: dt.date) -> HttpResponse:
    """Show a document as it applies on a day."""
    return document_on(request, f"{market}/{document}", asked_on(request, day, market))


@require_safe
def akoma_ntoso_file(
    request: HttpRequest, market: str, document: str, day: dt.date
) -> HttpResponse:
    """Send a document as it applies on a day as Akoma Ntoso, to who may read all of it."""
    asked, viewer = asked_on(request, day, market), viewer_in(request)
    instrument = f"{market}/{document}"
    if asked.refused:
        return refused_page(request, asked)
    _refuse_closed(request, instrument, viewer)
    if withheld_from(instrument, viewer):
        raise Http404("a file holds the whole document, of which this user may not see all")
    with transaction() as session:
        found = queries.act_on(session, instrument, day, asked.moment)
    if found is None:
        raise Http404("no such document on that day")
    answer = HttpResponse(found, content_type="application/akn+xml; charset=utf-8")
    name = f"{instrument.replace('/', '-')}-{day}.xml"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    if owner_of(instrument):  # law that is public leaves no entry
        record_file(request, answer)
    return answer


@require_safe
def clause(
    request: HttpRequest, market: str, document: str, anchor: str, day: dt.date
) -> HttpResponse:
    """Show a clause as it reads on a day, and its other readings."""
    asked, viewer = asked_on(request, day, market), viewer_in(request)
    instrument = f"{market}/{document}"
    if asked.refused:
        return refused_page(request, asked)
    _refuse_closed(request, instrument, viewer)
    with transaction() as session:
        found = queries.clause_on(session, instrument, anchor, day, asked.moment)
    if found is None:
        raise Http404("no such clause")
    context = _context(asked) | {
        "found": found,
        "market": market,
        "name": document,
        "instrument": instrument,
        "anchor": anchor,
    }
    status = status_of(asked.complaint) if found.reading else 404
    return render(request, "law/clause.html", context, status=status)


@require_safe
def timeline(request: HttpRequest, market: str, document: str) -> HttpResponse:
    """Show when each text of a document applied, as known when."""
    instrument = f"{market}/{document}"
    _refuse_closed(request, instrument, viewer_in(request))
    with transaction() as session:
        found = queries.history_of(session, instrument, timezone.now())
    if found is None:
        raise Http404("no such document")
    context = {"found": found, "instrument": instrument, "section": "rules"}
    return render(request, "law/timeline.html", context)


def _refuse_closed(request: HttpRequest, instrument: str, viewer: Viewer) -> None:
    """Refuse a registration to whom it does not concern, and keep that others read it.

    Raises:
        Http404: it is not open to the reader.
    """
    if not is_open(instrument, viewer):
        raise Http404("no such document for this user")
    owner, user = owner_of(instrument), request.user
    if owner and isinstance(user, User) and viewer.may_read_registration(*owner):
        keep_reading(user, viewer, *owner)


def _context(asked: Asked) -> dict[str, object]:
    return {"asked": asked, "on": asked.on, "complaint": asked.complaint, "section": "rules"}
