"""Trials of drafts, for regulators, operators and auditors: the list, a report, and its files."""

import json
import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.asked_trials import under_way
from portal.paging import page_of
from portal.queries import trials as queries
from portal.quotas import Kind, spends
from portal.readings_kept import keep_list
from portal.trial_tables import as_csv
from portal.views.asked_trials import tries_drafts
from portal.views.studies import sees_studies
from settlement.studies.records import canonical
from settlement.trials.records import Trial
from settlement.trials.store import find_trial

TRIALS_A_PAGE = 50


@require_safe
@open_to(sees_studies)
def listing(request: SignedInRequest) -> HttpResponse:
    """List all trials, latest first."""
    with transaction() as session:
        found = page_of(request, queries.list_trials(session), TRIALS_A_PAGE)
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
@open_to(sees_studies)
def page(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Show a trial: what its drafts change, who gains and who loses."""
    with transaction() as session:
        found = queries.trial_page(session, trial_id)
    if found is None:
        raise Http404("no such trial")
    keep_list(request, is_everybodys=True)
    return render(request, "trials/page.html", {"trial": found, "section": "trials"})


@require_safe
@open_to(sees_studies)
@spends(Kind.EXPORT)
def as_table(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Send who gains and who loses as CSV, exactly."""
    trial = _found(trial_id)
    return _file(as_csv(trial.report), "text/csv; charset=utf-8", f"trial-{trial.id}.csv")


@require_safe
@open_to(sees_studies)
@spends(Kind.EXPORT)
def as_json(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Send the whole report as JSON, exactly."""
    trial = _found(trial_id)
    written = json.dumps(json.loads(canonical(trial.report)), indent=2, ensure_ascii=False)
    return _file(f"{written}\n", "application/json", f"trial-{trial.id}.json")


def _found(trial_id: uuid.UUID) -> Trial:
    with transaction() as session:
        trial = find_trial(session, trial_id)
    if trial is None:
        raise Http404("no such trial")
    return trial


def _file(content: str, content_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
