"""Files of a trial: whole for those who oversee the market, what they may know for all others."""

import datetime as dt
import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.printed.pdf import report_pdf
from portal.printed.sections import Printed
from portal.quotas import Kind, spends
from portal.trials.files import as_csv, as_json, as_parquet, columns_of, seen_rows, whole_rows
from portal.trials.printing import printed_seen_trial, printed_trial
from portal.trials.reports import trial_page
from portal.trials.seen import seen_trial
from portal.views.law_changes import reads_law
from portal.views.studies import sees_studies
from settlement.trials import seen
from settlement.trials.store import find_trial

TrialFile = tuple[Any, Any, Any]


@require_safe
@open_to(reads_law)
@spends(Kind.EXPORT)
def as_table(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Send what each receives as CSV, exactly."""
    columns, rows, _ = _content(request, trial_id)
    return _file(as_csv(columns, rows), "text/csv; charset=utf-8", f"trial-{trial_id}.csv")


@require_safe
@open_to(reads_law)
@spends(Kind.EXPORT)
def as_text(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Send the report as JSON, exactly."""
    _, _, content = _content(request, trial_id)
    return _file(as_json(content), "application/json", f"trial-{trial_id}.json")


@require_safe
@open_to(reads_law)
@spends(Kind.EXPORT)
def as_columns(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Send what each receives as Parquet, exactly."""
    columns, rows, _ = _content(request, trial_id)
    kind = "application/vnd.apache.parquet"
    return _file(as_parquet(columns, rows), kind, f"trial-{trial_id}.parquet")


@require_safe
@open_to(reads_law)
@spends(Kind.EXPORT)
def as_print(request: SignedInRequest, trial_id: uuid.UUID) -> HttpResponse:
    """Send the report as a PDF, rounded for reading, with its pictures."""
    printed, made_at = _printed(request, trial_id)
    return _file(report_pdf(printed, made_at), "application/pdf", f"trial-{trial_id}.pdf")


def _printed(request: SignedInRequest, trial_id: uuid.UUID) -> tuple[Printed, dt.datetime]:
    """Return a trial as it is printed for the reader, and when it was made."""
    with transaction() as session:
        if sees_studies(request.viewer):
            whole = trial_page(session, trial_id)
            if whole is not None:
                return printed_trial(whole), whole.summary.trial.created_at
        else:
            found = seen_trial(session, trial_id)
            if found is not None and found.is_told:
                return printed_seen_trial(found), found.summary.trial.created_at
    raise Http404("no such trial for this user, or none with figures")


def _content(request: SignedInRequest, trial_id: uuid.UUID) -> TrialFile:
    """Return the columns and the rows of a trial, and its report, as the reader may know them."""
    with transaction() as session:
        if sees_studies(request.viewer):
            trial = find_trial(session, trial_id)
            if trial is None:
                raise Http404("no such trial")
            return columns_of(trial.report), whole_rows(trial.report), trial.report
        public = seen.find_public_trial(session, trial_id)
        own = seen.own_rows(session, trial_id)
    if public is None or public.public is None:
        raise Http404("no such trial for this user, or none with figures")
    report = public.report
    content = {"public": report, "own": [rows._asdict() for rows in own]}
    return columns_of(report), seen_rows(report, own), content


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
