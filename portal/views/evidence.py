"""Evidence as a download: of a run for operators and auditors, of a participant for its people."""

import tempfile
import uuid
from collections.abc import Callable
from typing import IO

from django.http import (
    FileResponse,
    Http404,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
)
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.days import parse_month
from portal.export_subjects import OwnEvidence, RunEvidence
from portal.exports import evidence_name, may_have
from portal.middleware import UnreadableRequest
from portal.quotas import Kind, refused, spend
from portal.views.accounts import sees_accounts
from portal.views.files import offer
from portal.views.page_remedies import first_reasons
from portal.views.runs import sees_runs
from settlement.evidence.export import write_evidence
from settlement.evidence.market_part import last_word
from settlement.runs.run import Run
from settlement.runs.settle import no_progress
from settlement.runs.store import find_run

CONFLICT = 409
DAYS_AT_ONCE = 7
"""Of a run whose evidence is written while one waits: a second or two."""


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(sees_runs)
def download(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the zip of a short run; of a longer one, or one online, it is made beside."""
    with transaction() as session:
        run = find_run(session, run_id)
        if run is None:
            raise Http404("no such run")
        # What a market online knew when a day began names bookings, which no web process reads.
        is_beside = len(run.days) > DAYS_AT_ONCE or last_word(session, run) is not None
    if is_beside:
        return offer(request, RunEvidence(run_id))
    if request.method == "POST":  # a form asks for what is made beside, and this is sent at once
        return HttpResponseNotAllowed(["GET", "HEAD"])
    refusal = spend(request.user, Kind.EXPORT, timezone.now())
    return refused(refusal) if refusal else _send(request, run)


def _send(request: SignedInRequest, run: Run) -> HttpResponseBase:
    # A transaction of its own follows: a refusal rolls it back, and its page still names the run.
    try:
        sink = _written(lambda session, sink: write_evidence(session, run, sink, no_progress))
    except Refused as refused:
        return _refusal_page(request, refused, run=run)
    return _sent(sink, evidence_name(run))


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(sees_accounts)
def of_participant(request: SignedInRequest, market: str, participant: str) -> HttpResponseBase:
    """Let the worker make a participant's own evidence, for its people and for nobody else.

    It holds roots over the rows of others, which the web process cannot read.
    """
    month = request.GET.get("month", "").strip()
    if month and parse_month(month) is None:
        raise UnreadableRequest("A month is written as 2024-01.")
    subject = OwnEvidence(market, participant, month or None)
    # Who sees everybody's documents has the evidence of runs; this one is for those it is about.
    if not may_have(request.viewer, subject):
        raise Http404("no such evidence for this user")
    return offer(request, subject)


def _written(write: Callable[[Session, IO[bytes]], None]) -> IO[bytes]:
    """Return the zip, written to disk.

    Raises:
        Refused: it cannot be exported; nothing is left of it.
    """
    sink = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
    try:
        with transaction() as session:
            write(session, sink)
    except Refused:
        sink.close()
        raise
    sink.seek(0)
    return sink


def _sent(sink: IO[bytes], name: str) -> FileResponse:
    return FileResponse(sink, as_attachment=True, filename=name, content_type="application/zip")


def _refusal_page(request: SignedInRequest, refused: Refused, **subject: object) -> HttpResponse:
    context = {**subject, **first_reasons(refused.findings), "section": "runs"}
    return render(request, "runs/no_evidence.html", context, status=CONFLICT)
