"""A participant's invoices; operators and auditors see everyone's."""

from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from portal.access import SignedInRequest, Viewer, open_to
from portal.addresses import with_address
from portal.export_subjects import DocumentIntervals
from portal.paging import page_of
from portal.queries import invoices as queries
from portal.queries.disputes import marks_of_document, time_to_dispute
from portal.quotas import Kind, refused, spend
from portal.readings_kept import keep_list, keep_reading
from portal.views.files import offer
from settlement.documents.formats import CSV, FORMATS, Format
from settlement.documents.render import find_document, render_document
from settlement.documents.wording import duties, explanations

INVOICES_A_PAGE = 100
DOWNLOADS = (
    ("pdf", "PDF with Factur-X", True),
    ("xml", "Factur-X XML", True),
    ("ubl", "UBL", True),
    ("json", "JSON", True),
    (CSV, "CSV of intervals", False),
)
"""Formats, what people call them, and whether one is sent at once: others have a page first."""


def sees_invoices(viewer: Viewer) -> bool:
    """Return whether there is an invoice area for this user."""
    return viewer.sees_invoices


@require_safe
@open_to(sees_invoices)
def listing(request: SignedInRequest) -> HttpResponse:
    """List the documents that this user may see, latest first."""
    own = request.viewer.participants
    with transaction() as session:
        found = page_of(request, queries.invoices_of(session, own), INVOICES_A_PAGE)
    keep_list(request, is_everybodys=own is None)
    context = {
        "invoices": found,
        "several": own is None or len(own) > 1,
        "section": "invoices",
    }
    return render(request, "invoices/listing.html", context)


@require_safe
@open_to(sees_invoices)
def page(request: SignedInRequest, number: str) -> HttpResponse:
    """Show one document: parties, lines by charge, rounding, total, digests, corrections."""
    with transaction() as session:
        refuse_others(session, request, number)
        found = queries.invoice_page(session, number)
        summary, now = found.summary, timezone.now()
        corrected = queries.corrected_lines(session, found)
        disputed = marks_of_document(session, summary.id, now)
        may_dispute = (summary.market, summary.participant) in (
            request.viewer.participants or ()
        ) and (time_to_dispute(session, summary.market, summary.issued_at, now) is not None)
    context = {
        "invoice": found,
        "corrected": corrected,
        "disputes": disputed,
        "may_dispute": may_dispute,
        "section": "invoices",
        "files": DOWNLOADS,
        "headlines": list(duties(found.document)),
        "explanations": list(explanations(found.document)),
    }
    return render(request, "invoices/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(sees_invoices)
def download(request: SignedInRequest, number: str, format_name: str) -> HttpResponse:
    """Send one document as a file in a format; its intervals are asked for, and made beside.

    They tell what everybody together was charged or paid, which the web process cannot read.
    """
    of_format = FORMATS.get(format_name)
    if of_format is None:
        raise Http404("no such format")
    with transaction() as session:
        refuse_others(session, request, number)
    if format_name == CSV:
        return offer(request, DocumentIntervals(number))
    if request.method == "POST":  # a form asks for what is made beside, and this is sent at once
        return HttpResponseNotAllowed(["GET", "HEAD"])
    refusal = spend(request.user, Kind.EXPORT, timezone.now())
    return refused(refusal) if refusal else _send(number, of_format)


def _send(number: str, of_format: Format) -> HttpResponse:
    with transaction() as session:
        try:
            document = with_address(find_document(session, number))
            content = render_document(session, document, of_format)
        except Refused as refused:
            raise Http404(str(refused)) from refused
    answer = HttpResponse(content, content_type=of_format.media_type)
    file = f"{number}.{of_format.ending}"
    answer["Content-Disposition"] = f'attachment; filename="{file}"'
    return answer


def refuse_others(
    session: Session, request: SignedInRequest, number: str, *, is_open: bool = False
) -> None:
    """Raise Http404 for another participant's document, exactly as for one that is not there.

    Whoever sees it by a role leaves an entry in the trail.

    Args:
        session: to look it up.
        request: of whoever asks.
        number: of the document.
        is_open: whether it is open to them for another reason than whose it is.
    """
    owner = queries.invoice_owner(session, number)
    if owner is None or not (is_open or request.viewer.may_see(*owner)):
        raise Http404("no such document for this user")
    keep_reading(request.user, request.viewer, *owner)
