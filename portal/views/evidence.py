"""The evidence of a run as a download, for operators and auditors."""

import tempfile
import uuid

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common.refusals import Refused
from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.audit import Action, record
from portal.quotas import Kind, spends
from portal.views.runs import sees_runs
from settlement.evidence.export import write_evidence
from settlement.runs.run import Run
from settlement.runs.settle import no_progress
from settlement.runs.store import find_run

CONFLICT = 409
SHOWN_REASONS = 10


@require_safe
@open_to(sees_runs)
@spends(Kind.EXPORT)
def download(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the zip; it is written to disk first, so a refusal sends no half of it."""
    with transaction() as session:
        run = find_run(session, run_id)
    if run is None:
        raise Http404("no such run")
    # A transaction of its own follows: a refusal rolls it back, and its page still names the run.
    sink = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
    try:
        with transaction() as session:
            write_evidence(session, run, sink, no_progress)
    except Refused as refused:
        sink.close()
        return _refusal_page(request, run, refused)
    sink.seek(0)
    record(
        request.user, Action.EVIDENCE, f"{run.market} {run.kind} {run.first_day} to {run.last_day}"
    )
    name = f"evidence-{run.market}-{run.kind}-{run.first_day}-{run.last_day}-{run.id}.zip"
    return FileResponse(sink, as_attachment=True, filename=name, content_type="application/zip")


def _refusal_page(request: SignedInRequest, run: Run, refused: Refused) -> HttpResponse:
    found = refused.findings
    context = {
        "run": run,
        "reasons": [str(finding) for finding in found[:SHOWN_REASONS]],
        "more": max(0, len(found) - SHOWN_REASONS),
        "section": "runs",
    }
    return render(request, "runs/no_evidence.html", context, status=CONFLICT)
