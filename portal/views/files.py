"""Files that the worker makes: those of the account that asked, how far each is, and the file."""

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from database.session import transaction
from portal import exports, jobs
from portal.access import SignedInRequest, Viewer, open_to
from portal.bodies import Refusal
from portal.export_subjects import Subject
from portal.models import Export
from portal.quotas import Kind, refused, spend
from portal.views.page_remedies import first_reasons

SHOWN_FILES = 50


def sees_files(viewer: Viewer) -> bool:
    """Return whether there are files that this user may ask for."""
    return viewer.sees_invoices or viewer.sees_runs


@require_safe
@open_to(sees_files)
def listing(request: SignedInRequest) -> HttpResponse:
    """List the account's own files, latest first."""
    exports.fail_lost(request.user, timezone.now())
    found = Export.objects.filter(user=request.user)[:SHOWN_FILES]
    with transaction() as session:
        files = [(file, exports.clock_of_file(session, file.of)) for file in found]
    return render(request, "files/listing.html", {"files": files, "section": "files"})


@require_safe
@open_to(sees_files)
def page(request: SignedInRequest, file_number: int) -> HttpResponse:
    """Show how far a file is; the page asks again until it is ready."""
    exports.fail_lost(request.user, timezone.now())
    file = _own(request, file_number)
    with transaction() as session:
        zone = exports.clock_of_file(session, file.of)
    context = {
        "file": file,
        "zone": zone,
        "has_worker": jobs.is_worker_there(),
        **first_reasons(file.findings),
        "section": "files",
    }
    template = "files/_state.html" if request.htmx else "files/page.html"
    return render(request, template, context)


@require_safe
@open_to(sees_files)
def download(request: SignedInRequest, file_number: int) -> HttpResponseBase:
    """Send a file that is ready, piece by piece."""
    export = _own(request, file_number)
    if not export.is_ready or not exports.may_have(request.viewer, export.of):
        raise Http404("no such file for this user")
    answer = StreamingHttpResponse(exports.content_of(export), content_type=export.media_type)
    answer["Content-Length"] = str(export.size_bytes)
    answer["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def offer(request: SignedInRequest, subject: Subject) -> HttpResponse:
    """Answer for a file that is made beside: a page that asks, or, asked by its form, the file's.

    A link must not start work: browsers and those who look ahead follow links by themselves.
    """
    if request.method != "POST":
        title = Export.Kind(subject.kind).label
        context = {"title": title, "subject": subject, "section": "files"}
        return render(request, "files/ask.html", context)
    now = timezone.now()
    found = spend(request.user, Kind.EXPORT, now) or exports.ask(request.user, subject, now)
    return refused(found) if isinstance(found, Refusal) else redirect("file", found.pk)


def _own(request: SignedInRequest, file_number: int) -> Export:
    # Another's looks like one that is not there.
    return get_object_or_404(Export, pk=file_number, user=request.user)
