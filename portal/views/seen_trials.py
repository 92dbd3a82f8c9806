"""Trials for whoever is signed in and oversees no market: sums of many, and rows of their own."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render

from database.session import transaction
from portal.access import SignedInRequest
from portal.paging import page_of
from portal.trials import seen

TRIALS_A_PAGE = 50


def listing(request: SignedInRequest) -> HttpResponse:
    """List the trials of drafts that were put to consultation, latest first."""
    with transaction() as session:
        found = page_of(request, seen.list_seen_trials(session), TRIALS_A_PAGE)
        context = {"trials": found, "is_seen": True, "section": "trials"}
        return render(request, "trials/listing.html", context)


def page(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Show what everybody may know of a trial, and what it says of whom the reader acts for."""
    with transaction() as session:
        found = seen.seen_trial(session, trial_id)
    if found is None:
        raise Http404("no such trial for this user")
    return render(request, "trials/seen.html", {"trial": found, "section": "trials"})
