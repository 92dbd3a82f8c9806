"""Transition reports: whole for who oversees the market, and in part for everybody."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.fairness.transitions import list_transitions, transition_page
from portal.readings_kept import keep_list
from portal.views.law_changes import reads_law
from portal.views.studies import sees_studies

SECTION = "fairness"


@require_safe
@open_to(reads_law)
def listing(request: SignedInRequest) -> HttpResponse:
    """List all reports, latest first."""
    with transaction() as session:
        found = list_transitions(session)
    return render(request, "transitions/listing.html", {"reports": found, "section": SECTION})


@require_safe
@open_to(reads_law)
def page(request: SignedInRequest, report_id: uuid.UUID) -> HttpResponse:
    """Show a report, as its reader may read it."""
    is_whole = sees_studies(request.viewer)
    with transaction() as session:
        found = transition_page(session, report_id, is_whole=is_whole)
    if found is None:
        raise Http404("no such report")
    # A whole report names what each participant was paid and charged.
    keep_list(request, is_everybodys=is_whole)
    return render(request, "transitions/page.html", {"page": found, "section": SECTION})
