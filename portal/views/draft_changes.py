"""What is done to a working copy as a whole: documents added, begun and taken out, and its day."""

import datetime as dt
from collections.abc import Callable, Mapping

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from common.refusals import Finding, Refused, refuse_any
from database.session import transaction
from portal import copies
from portal.access import SignedInRequest, open_to
from portal.days import day_complaint, parse_day
from portal.dispute_words import day_in_words
from portal.editing.fields import NAMED_BY, blank_document, is_name
from portal.editing.keys import instrument_of, kind_of
from portal.editing.suppliers import day_findings, switched
from portal.form_alone import takes_form
from portal.models import WorkingCopy
from portal.queries import drafts as queries
from portal.queries.revisable import later_revision, own_revision
from portal.queries.rules import market_zone, rule_on
from portal.revision_copies import brought_after
from portal.views.drafts import copy_of, document_of_law, draft_page, save_or_tell, writes_law
from rulebook.days import day_of
from rulebook.digest import document_body


@takes_form
@open_to(writes_law)
def change(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Add a document to a working copy, begin one, take one out, or say from when it is wanted.

    What else is done to the whole of it stands in the same table.
    """
    copy, now = copy_of(request, copy_number), timezone.now()
    act = ACTIONS.get(request.POST.get("do", ""))
    if act is None:
        raise Http404("no such change")
    try:
        return act(request, copy, now)
    except Refused as refused:
        return _again(request, copy, *refused.findings)


def _again(request: SignedInRequest, copy: WorkingCopy, *complaints: str | Finding) -> HttpResponse:
    """Show the working copy with the form as it was filled in, and why nothing came of it."""
    return draft_page(request, copy, complaints, request.POST.dict())


def _add(request: SignedInRequest, copy: WorkingCopy, now: dt.datetime) -> HttpResponse:
    key = request.POST.get("document", "")
    with transaction() as session:
        added = document_of_law(request, session, copy.market, key, copy.law_day)
    # What was edited already stays as it is.
    if not added.keys() <= copy.bodies.keys():
        bodies, base = {**copy.bodies, **added}, {**copy.base, **added}
        save_or_tell(request, copy, now, bodies=bodies, base=base)
    return redirect("draft-document", copy.pk, key)


def _begin_document(request: SignedInRequest, copy: WorkingCopy, now: dt.datetime) -> HttpResponse:
    kind, name = request.POST.get("kind", ""), request.POST.get("name", "").strip()
    key = f"{kind}.{name}" if kind in NAMED_BY else kind
    instrument = instrument_of(copy.market, key)
    if kind in NAMED_BY and not is_name(kind, name):
        sentence = (
            f"Name the {NAMED_BY[kind]} whose document it is: lower-case words joined by dashes."
        )
        return _again(request, copy, sentence)
    if instrument is None:
        return _again(request, copy, "Choose a kind of document.")
    if instrument in copy.bodies:
        return _again(request, copy, f"The copy has {key} already: open it below.")
    if not queries.may_write(request.viewer, copy.market, instrument):
        return _again(request, copy, f"The {kind} of {name} is not yours to write.")
    with transaction() as session:
        if rule_on(session, instrument, copy.law_day) is not None:
            sentence = f"The law of {day_in_words(copy.law_day)} has {key}: add it below."
            return _again(request, copy, sentence)
    body = blank_document(kind, copy.market, name)
    like = request.POST.get("like", "")
    if like and kind == "registration":
        body |= _taken_from(request, copy, f"{kind}.{like}")
    save_or_tell(request, copy, now, bodies={**copy.bodies, instrument: body})
    return redirect("draft-document", copy.pk, key)


def _taken_from(request: SignedInRequest, copy: WorkingCopy, key: str) -> dict[str, object]:
    """Return what a new registration has as another: what it does, and the law that says so.

    Raises:
        Http404: there is no such registration for this user.
    """
    with transaction() as session:
        (other,) = document_of_law(request, session, copy.market, key, copy.law_day).values()
    return {name: other[name] for name in ("clauses", "roles")}


def _take_out(request: SignedInRequest, copy: WorkingCopy, now: dt.datetime) -> HttpResponse:
    instrument = instrument_of(copy.market, request.POST.get("document", ""))
    if instrument not in copy.bodies:
        raise Http404("no such document")
    bodies = {name: body for name, body in copy.bodies.items() if name != instrument}
    base = {name: body for name, body in copy.base.items() if name != instrument}
    save_or_tell(request, copy, now, bodies=bodies, base=base)
    return redirect("draft", copy.pk)


def _switch(request: SignedInRequest, copy: WorkingCopy, now: dt.datetime) -> HttpResponse:
    """Let another supplier answer for a supply point from a day on, in the middle of a month too.

    Raises:
        Refused: there is no such point, or no such supplier; or the copy changes something on
            another day.
    """
    point, written = (request.POST.get(name, "").strip() for name in ("point", "on"))
    day, taker = parse_day(written), f"{copy.market}/registration/{request.POST.get('to', '')}"
    if day is None:
        return _again(request, copy, day_complaint(written))
    has_edits = bool(copies.edits_of_copy(copy))
    refuse_any(day_findings(day, copy.wanted_from, has_edits=has_edits))
    with transaction() as session:
        offered = queries.documents_of_day(session, request.viewer, copy.market, copy.law_day)
    of_law = {
        each.instrument: document_body(each.document)
        for each in offered
        if each.kind == "registration"
    }
    edited = {name: body for name, body in copy.bodies.items() if kind_of(name) == "registration"}
    found = switched(of_law | edited, point, taker)
    drawn = {name: of_law[name] for name in found.bodies if name in of_law}
    bodies, base = {**copy.bodies, **found.bodies}, {**drawn, **copy.base}
    save_or_tell(request, copy, now, bodies=bodies, base=base, wanted_from=day)
    return redirect("draft", copy.pk)


def _bring_in(request: SignedInRequest, copy: WorkingCopy, now: dt.datetime) -> HttpResponse:
    """Lay the last revision of its change under a copy that was begun from an earlier one.

    Raises:
        Refused: both changed the same place to different values; nothing is saved.
    """
    with transaction() as session:
        own, later = own_revision(session, copy), later_revision(session, copy)
        zone = market_zone(session, copy.market)
    if own is not None and later is not None:
        save_or_tell(request, copy, now, **brought_after(copy, own, later, zone))
    return redirect("draft", copy.pk)


def _date(request: SignedInRequest, copy: WorkingCopy, now: dt.datetime) -> HttpResponse:
    written = request.POST.get("on", "").strip()
    day = parse_day(written)
    if day is None:
        return _again(request, copy, day_complaint(written))
    save_or_tell(request, copy, now, wanted_from=day)
    return redirect("draft", copy.pk)


def _state_publication(
    request: SignedInRequest, copy: WorkingCopy, now: dt.datetime
) -> HttpResponse:
    """State today as the day of publication of each changed text that has that of the law."""
    with transaction() as session:
        today = day_of(now, market_zone(session, copy.market))
    of_today = {
        name: {**copy.bodies[name], "publication_date": str(today)}
        for name in copies.dated_as_before(copy)
        if queries.may_write(request.viewer, copy.market, name)
    }
    save_or_tell(request, copy, now, bodies={**copy.bodies, **of_today})
    return redirect("draft", copy.pk)


ACTIONS: Mapping[str, Callable[[SignedInRequest, WorkingCopy, dt.datetime], HttpResponse]] = {
    "add": _add,
    "begin": _begin_document,
    "take-out": _take_out,
    "date": _date,
    "state-publication": _state_publication,
    "bring-in": _bring_in,
    "switch": _switch,
}
"""What a button of the page does, by the name that it sends."""
