"""Working copies of the law: a list of one's own, each with what it changes and what is wrong.

They are written by the web process itself: a working copy is no law, moves nothing and is nobody
else's to read, so no act of the worker is needed for it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from database.session import transaction
from ledger.people.store import rights_of
from portal import copies
from portal.access import SignedInRequest, Viewer, open_to
from portal.bodies import LARGEST_DRAFT_BYTES
from portal.copy_reach import looks_back, reach_of_copy
from portal.days import day_complaint, parse_day
from portal.editing.fields import NAMED_BY
from portal.editing.keys import instrument_of, key_of, kind_of, name_of
from portal.form_alone import takes_form
from portal.models import WorkingCopy
from portal.paging import page_of
from portal.queries import drafts as queries
from portal.queries.revisable import later_revision, own_revision, revisable_changes
from portal.queries.rules import market_zone, rule_on, zone_by_market
from portal.quotas import Kind, sends_file, spends
from portal.readings_kept import keep_reading
from portal.views.draft_pages import (
    found_on_page,
    owner_of,
    refusal_sentences,
    shown_document,
)
from portal.views.page_remedies import page_sentences
from rulebook.days import day_of
from rulebook.digest import document_body
from rulebook.documents import KINDS, Document
from rulebook.edit_words import edit_lines
from rulebook.merging import Edit
from rulebook.reading import document_of, read_document
from rulebook.store import markets
from rulebook.yaml_text import write_yaml

COPIES_A_PAGE = 25
UNPROCESSABLE = 422
NOTHING_TYPED: Mapping[str, Any] = MappingProxyType({})


def writes_law(viewer: Viewer) -> bool:
    """Return whether this user keeps working copies."""
    return viewer.writes_law


def copy_of(request: SignedInRequest, copy_number: int) -> WorkingCopy:
    """Return a working copy of whoever asks; another's looks like one that is not there."""
    found = copies.copies_of(request.user).filter(pk=copy_number).first()
    if found is None:
        raise Http404("no such working copy")
    return found


@require_safe
@open_to(writes_law)
def listing(request: SignedInRequest) -> HttpResponse:
    """List the working copies of whoever asks, the last changed first."""
    return _listing(request, ())


def _listing(
    request: SignedInRequest,
    complaints: Sequence[str],
    typed: Mapping[str, Any] = NOTHING_TYPED,
) -> HttpResponse:
    # Few, and without their documents, each of which may be long.
    mine = list(copies.copies_of(request.user).defer("base", "bodies"))
    with transaction() as session:
        context = {
            "copies": page_of(request, mine, COPIES_A_PAGE),
            "markets": markets(session),
            "zones": zone_by_market(session, {copy.market for copy in mine}),
            "today": timezone.now().date(),
            "typed": typed,
            "complaints": complaints,
            "section": "drafts",
        }
    return render(request, "drafts/listing.html", context, status=_status(complaints))


@takes_form
@open_to(writes_law)
def begin(request: SignedInRequest) -> HttpResponse:
    """Begin a working copy from the law of a day, with the document that was being read."""
    market, written = request.POST.get("market", ""), request.POST.get("on", "").strip()
    day, key = parse_day(written), request.POST.get("document", "")
    with transaction() as session:
        if market not in markets(session):
            return _listing(request, ("Choose a market.",), request.POST.dict())
        if day is None:
            return _listing(request, (day_complaint(written),), request.POST.dict())
        bodies = document_of_law(request, session, market, key, day) if key else {}
        try:
            copy = copies.begin_copy(session, request.user, market, day, bodies, timezone.now())
        except Refused as refused:
            return _listing(request, page_sentences(refused.findings), request.POST.dict())
    return redirect("draft-document", copy.pk, key) if key else redirect("draft", copy.pk)


def document_of_law(
    request: SignedInRequest, session: Session, market: str, key: str, day: dt.date
) -> dict[str, Any]:
    """Return a document of the law of a day, by instrument; one that is closed looks like none.

    Raises:
        Http404: there is none for this user.
    """
    instrument = instrument_of(market, key)
    if instrument is None or not queries.may_write(request.viewer, market, instrument):
        raise Http404("no such document for this user")
    found = rule_on(session, instrument, day)
    if found is None:
        raise Http404("no such document on that day")
    return {instrument: document_body(found.document)}


@require_safe
@open_to(writes_law)
def page(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Show a working copy: its documents, what is wrong with them, and what they change."""
    return draft_page(request, copy_of(request, copy_number), ())


def _open_documents(request: SignedInRequest, copy: WorkingCopy) -> set[str]:
    """Return the documents of a copy that its writer may still read; that it did is kept."""
    names = {name for name in copy.bodies if queries.may_write(request.viewer, copy.market, name)}
    for name in sorted(names):
        keep_copy_reading(request, copy, name)
    return names


def draft_page(
    request: SignedInRequest,
    copy: WorkingCopy,
    complaints: Sequence[str | Finding],
    typed: Mapping[str, Any] = NOTHING_TYPED,
) -> HttpResponse:
    """Show a working copy, with what was wrong with a form of it and what was typed there.

    Args:
        complaints: sentences, and findings, which are told in the measures of its forms.
        typed: into which of its forms, as its button sends it under `do`, and what.
    """
    now = timezone.now()
    with transaction() as session:
        code = copies.currency_of_copy(session, copy)
        found = copies.judge_copy(session, copy, code, now)
        offered = queries.documents_of_day(session, request.viewer, copy.market, copy.law_day)
        rights = rights_of(session, request.user.get_username())
        revisable = revisable_changes(session, rights, copy.market, now)
        zone = market_zone(session, copy.market)
        own, later = own_revision(session, copy), later_revision(session, copy)
        is_past = request.viewer.sees_people and looks_back(session, copy, now)
        reach = reach_of_copy(session, copy, own, now) if is_past else None
        today = day_of(now, zone)
    edits = copies.edits_of_copy(copy)
    open_ones = _open_documents(request, copy)
    # A right that was taken away since takes what it showed along.
    keys = {"", *map(key_of, open_ones)}
    found = [each for each in found if each.document in keys]
    lines = {name: _words(copy.bodies[name], name, edits[name], code) for name in edits}
    context = {
        "copy": copy,
        "zone": zone,
        "documents": [
            shown_document(name, copy, found, lines.get(name, ()))
            for name in sorted(copy.bodies, key=_order)
            if name in open_ones
        ],
        "found": found_on_page(copy, found, code),
        "changes_nothing": not edits,
        "revisable": [each for each in revisable if not (later and each.number == copy.change)],
        "may_propose": request.viewer.manages_people
        and all(kind_of(name) in queries.OF_PARTICIPANTS for name in copy.bodies),
        "is_past": is_past,
        "reach": reach,
        "today": today,
        "old_dated": [key_of(name) for name in copies.dated_as_before(copy) if name in open_ones],
        "own": own,
        "later": later,
        "typed": typed,
        "is_any_past_draft": any(each.ends for each in revisable),
        "offered": [each for each in offered if each.instrument not in copy.bodies],
        "kinds": [(kind, kind in NAMED_BY) for kind in KINDS],
        "suppliers": [name_of(each.instrument) for each in offered if each.kind == "registration"],
        "complaints": _sentences(copy, complaints, code),
        "every_one_by": "manage.py plan FILE --valid-from DAY",
        "section": "drafts",
    }
    return render(request, "drafts/page.html", context, status=_status(complaints))


def _sentences(
    copy: WorkingCopy, complaints: Sequence[str | Finding], code: str
) -> tuple[str, ...]:
    told = (
        (each,) if isinstance(each, str) else refusal_sentences(copy, [each], code)
        for each in complaints
    )
    return tuple(chain.from_iterable(told))


def save_or_tell(request: HttpRequest, copy: WorkingCopy, now: dt.datetime, **changes: Any) -> None:
    """Save a change of a copy that is of no one field; of two at once, the second is told."""
    if not copies.save_copy(copy, now, **changes):
        messages.warning(
            request,
            "The working copy was saved in another window at the same moment, so this was not "
            "done. Look at it, and do it again.",
        )


def _words(
    body: Mapping[str, Any], instrument: str, edits: Sequence[Edit], code: str
) -> Sequence[str] | None:
    """Return what a document changes, in words; None where it cannot be read yet.

    Changes are named by the names of members, and those may be anything before they are read.
    """
    if document_of(body, instrument)[0] is None:
        return None
    return list(edit_lines({instrument: edits}, code))


def _order(instrument: str) -> tuple[int, str]:
    return list(KINDS).index(kind_of(instrument)), instrument


@takes_form
@open_to(writes_law)
@spends(Kind.UPLOAD, when=sends_file)
def upload(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Put a document of a file into a working copy, read as strictly as the command reads it."""
    copy = copy_of(request, copy_number)
    document, complaints = _sent_document(request)
    if document is not None:
        complaints = _misplaced(request, copy, document)
    if document is None or complaints:
        return draft_page(request, copy, complaints)
    with transaction() as session:
        of_law = rule_on(session, document.instrument, copy.law_day)
    base = dict(copy.base)
    if document.instrument not in base and of_law is not None:
        base[document.instrument] = document_body(of_law.document)
    bodies = {**copy.bodies, document.instrument: document_body(document)}
    try:
        save_or_tell(request, copy, timezone.now(), bodies=bodies, base=base)
    except Refused as refused:
        return draft_page(request, copy, refused.findings)
    return redirect("draft", copy.pk)


def _sent_document(request: SignedInRequest) -> tuple[Document | None, tuple[str, ...]]:
    """Return the document in the file that was sent, or every reason why there is none."""
    file = request.FILES.get("file")
    if file is None or file.size is None or file.size > LARGEST_DRAFT_BYTES:
        return None, (f"Choose a YAML file of at most {LARGEST_DRAFT_BYTES // 1000} kB.",)
    name = (file.name or "file")[:100]
    try:
        text = file.read().decode("utf-8")
    except UnicodeDecodeError as error:
        return None, (f"{name}: byte {error.start} is not UTF-8; save it so.",)
    document, findings = read_document(text, name)
    return document, page_sentences(findings)


def _misplaced(request: SignedInRequest, copy: WorkingCopy, document: Document) -> tuple[str, ...]:
    """Say why a document does not belong into a working copy, or not by this hand."""
    if document.market != copy.market:
        return (f"That is a document of {document.market}; this copy is of {copy.market}.",)
    if not queries.may_write(request.viewer, copy.market, document.instrument):
        return ("That document is of another participant, and not yours to write.",)
    return ()


@require_safe
@open_to(writes_law)
@spends(Kind.EXPORT)
def as_yaml(request: SignedInRequest, copy_number: int, document_key: str) -> HttpResponse:
    """Send a document of a working copy as the command exports it; reading it gives it again."""
    copy, instrument = open_document(request, copy_number, document_key)
    found, findings = document_of(copy.bodies[instrument], document_key)
    if found is None:
        sentence = "A file holds a document that can be read, and this one cannot be yet:"
        return draft_page(request, copy, (sentence, *findings))
    answer = HttpResponse(write_yaml(found), content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{document_key}.yaml"'
    return answer


@takes_form
@open_to(writes_law)
def discard(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Throw a working copy away, as it was when that was asked for."""
    copy = copy_of(request, copy_number)
    mine = copies.copies_of(request.user).filter(pk=copy.pk)
    if request.POST.get("version", "") != str(copy.version):
        return draft_page(
            request,
            copy,
            ("It was saved since this page was shown. Look at it, and throw it away again.",),
        )
    mine.delete()
    messages.success(request, f"Working copy {copy_number} is thrown away.")
    return redirect("drafts")


def open_document(request: SignedInRequest, copy_number: int, key: str) -> tuple[WorkingCopy, str]:
    """Return a working copy and the instrument of a document of it, which its reader may read."""
    copy = copy_of(request, copy_number)
    instrument = instrument_of(copy.market, key)
    if instrument is None or instrument not in copy.bodies:
        raise Http404("no such document in the copy")
    # A right that was taken away since takes what it showed along.
    if not queries.may_write(request.viewer, copy.market, instrument):
        raise Http404("no such document for this user")
    keep_copy_reading(request, copy, instrument)
    return copy, instrument


def keep_copy_reading(request: SignedInRequest, copy: WorkingCopy, instrument: str) -> None:
    """Keep that somebody reads what a document of another participant says."""
    owner = owner_of(copy.market, instrument)
    if owner and instrument in copy.base:
        keep_reading(request.user, request.viewer, *owner)


def _status(complaints: Sequence[object]) -> int:
    return UNPROCESSABLE if complaints else 200
