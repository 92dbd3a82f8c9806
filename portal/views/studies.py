"""Stress studies, for regulators, operators and auditors: the list, and a study's report."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import SignedInRequest, Viewer, open_to
from portal.queries import studies as queries
from portal.readings_kept import keep_list


def sees_studies(viewer: Viewer) -> bool:
    """Return whether studies are open to this user."""
    return viewer.sees_studies


@require_safe
@open_to(sees_studies)
def listing(request: SignedInRequest) -> HttpResponse:
    """List all studies, latest first."""
    with transaction() as session:
        found = queries.list_studies(session)
    return render(request, "studies/listing.html", {"studies": found, "section": "studies"})


@require_safe
@open_to(sees_studies)
def page(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a study: its shocks, and its report by design."""
    with transaction() as session:
        found = queries.study_page(session, run_id)
    if found is None:
        raise Http404("no such study")
    keep_list(request, is_everybodys=True)  # it states what each participant would be paid
    return render(request, "studies/page.html", {"study": found, "section": "studies"})
