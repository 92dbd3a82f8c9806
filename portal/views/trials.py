"""Trials of drafts: the list, and a report.

Regulators, operators and auditors read them whole, everybody else what `portal.views.seen_trials`
shows.
"""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.paging import page_of
from portal.readings_kept import keep_list
from portal.trials import reports
from portal.trials.requests import under_way
from portal.views import seen_trials
from portal.views.asked_trials import tries_drafts
from portal.views.law_changes import reads_law
from portal.views.studies import sees_studies

TRIALS_A_PAGE = 50


@require_safe
@open_to(reads_law)
def listing(request: SignedInRequest) -> HttpResponse:
    """List all trials that the reader may know of, latest first."""
    if not sees_studies(request.viewer):
        return seen_trials.listing(request)
    with transaction() as session:
        found = page_of(request, reports.list_trials(session), TRIALS_A_PAGE)
        if found.row_count:
            keep_list(request, is_everybodys=True)  # a headline names who gains and who loses
        context = {
            "trials": found,
            "asks": tries_drafts(request.viewer),
            "under_way": under_way(request.user, timezone.now()),
            "section": "trials",
        }
        return render(request, "trials/listing.html", context)


@require_safe
@open_to(reads_law)
def page(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Show a trial: what its drafts change, who gains and who loses."""
    if not sees_studies(request.viewer):
        return seen_trials.page(request, trial_id)
    with transaction() as session:
        found = reports.trial_page(session, trial_id)
    if found is None:
        raise Http404("no such trial")
    keep_list(request, is_everybodys=True)
    return render(request, "trials/page.html", {"trial": found, "section": "trials"})
