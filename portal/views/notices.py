"""Notices of what changed, for the participant it changed for, operators and auditors."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from database.session import transaction
from portal import reading_marks
from portal.access import SignedInRequest, Viewer, open_to
from portal.form_alone import takes_form
from portal.paging import page_of
from portal.queries.notices import notices_for, shown_notices
from portal.readings_kept import keep_list
from settlement.notices.change import OVERSEEN

NOTICES_A_PAGE = 50


def sees_notices(viewer: Viewer) -> bool:
    """Return whether notices are open to this user."""
    return viewer.sees_notices


@require_safe
@open_to(sees_notices)
def listing(request: SignedInRequest) -> HttpResponse:
    """List what changed, latest first; of one participant where it is asked for."""
    with transaction() as session:
        found = notices_for(session, request.viewer, timezone.now())
        names = sorted({notice.participant for notice in found} - {OVERSEEN})
        chosen = request.GET.get("participant", "")
        listed = [notice for notice in found if not chosen or notice.participant == chosen]
        page = page_of(request, listed, NOTICES_A_PAGE)
        shown = shown_notices(session, list(page))
    keep_list(request, is_everybodys=request.viewer.participants is None)
    read = reading_marks.read_keys(request.user)
    context: dict[str, Any] = {
        "page": page,
        "notices": [(notice, notice.notice.key not in read) for notice in shown],
        "unread": sum(notice.key not in read for notice in found),
        "latest": found[0].at if found else None,
        "participants": names,
        "chosen": chosen,
        "section": "notices",
    }
    return render(request, "notices/listing.html", context)


@takes_form
@open_to(sees_notices)
def mark_read(request: SignedInRequest) -> HttpResponse:
    """Mark what the page had shown or counted as read; what came since stays unread."""
    try:
        until = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        until = None
    if until is not None and until.tzinfo is not None:
        with transaction() as session:
            found = notices_for(session, request.viewer, timezone.now())
        reading_marks.mark_read(
            request.user, [notice.key for notice in found if notice.at <= until]
        )
    return redirect("notices")
