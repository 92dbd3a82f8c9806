"""Settlement runs and their replays, for operators and auditors."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from database.session import transaction
from portal import jobs, replays
from portal.access import SignedInRequest, Viewer, open_to
from portal.form_alone import takes_form
from portal.models import ReplayRequest
from portal.paging import page_of
from portal.queries import runs as queries
from portal.queries.disputes import disputes_of_run
from portal.queries.energy import energy_csv, energy_table
from portal.queries.rules import clock_of
from portal.queries.trail import Trail
from portal.quotas import Kind, spends
from portal.readings_kept import keep_list
from settlement.runs.store import find_run

SHOWN_REPLAYS = 10
RUNS_A_PAGE = 50
ENTRIES_A_PAGE = 100


def sees_runs(viewer: Viewer) -> bool:
    """Return whether runs are open to this user."""
    return viewer.sees_runs


def sees_audit(viewer: Viewer) -> bool:
    """Return whether the audit trail is open to this user."""
    return viewer.sees_audit


@require_safe
@open_to(sees_runs)
def listing(request: SignedInRequest) -> HttpResponse:
    """List all runs, latest first."""
    with transaction() as session:
        found = page_of(request, queries.list_runs(session), RUNS_A_PAGE)
    return render(request, "runs/listing.html", {"runs": found, "section": "runs"})


@require_safe
@open_to(sees_runs)
def page(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a run: pins, digests, totals, journals, and its replays."""
    with transaction() as session:
        found = queries.run_page(session, run_id)
        if found is None:
            raise Http404("no such run")
        market = found.summary.run.market
        disputed = disputes_of_run(session, market, run_id, timezone.now())
    keep_list(request, is_everybodys=True)  # its findings name participants and their meters
    replays.fail_lost_requests(run_id, timezone.now())
    asked = list(ReplayRequest.objects.filter(run_id=run_id)[:SHOWN_REPLAYS])
    context = {
        "run": found,
        "disputes": disputed,
        "latest": asked[0] if asked else None,
        "earlier": asked[1:],
        "has_worker": jobs.is_worker_there(),
        "section": "runs",
    }
    return render(request, "runs/page.html", context)


@require_safe
@open_to(sees_runs)
@spends(Kind.EXPORT)
def energy(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Send the energy of each area in each interval of a run as CSV."""
    with transaction() as session:
        if energy_table(session, run_id) is None:
            raise Http404("no energy by area")
        content = energy_csv(session, run_id)
    answer = HttpResponse(content, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="energy-{run_id}.csv"'
    return answer


@takes_form
@open_to(sees_runs)
@spends(Kind.REPLAY)
def ask_for_replay(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """Start a replay, or join the one under way; then show the run."""
    with transaction() as session:
        if find_run(session, run_id) is None:
            raise Http404("no such run")
    asked = replays.request_replay(run_id, request.user, timezone.now())
    if request.htmx:
        return _replay_fragment(request, asked)
    return redirect(f"{request.path.removesuffix('replay/')}#replay")


@require_safe
@open_to(sees_runs)
def replay_state(request: SignedInRequest, run_id: uuid.UUID, request_number: int) -> HttpResponse:
    """Show how far a replay is; the page asks again until it is done."""
    replays.fail_lost_requests(run_id, timezone.now())
    asked = get_object_or_404(ReplayRequest, pk=request_number, run_id=run_id)
    if request.htmx:
        return _replay_fragment(request, asked)
    return redirect("run", run_id=run_id)


@require_safe
@open_to(sees_audit)
def audit_trail(request: SignedInRequest) -> HttpResponse:
    """List what was done, in the portal and by commands, latest first."""
    with transaction() as session:
        found = page_of(request, Trail(session), ENTRIES_A_PAGE)
    context = {"entries": found, "section": "audit"}
    return render(request, "runs/audit.html", context)


def _replay_fragment(request: SignedInRequest, asked: ReplayRequest) -> HttpResponse:
    with transaction() as session:
        run = find_run(session, asked.run_id)
        zone = clock_of(session, run.market if run else "")
    context = {
        "latest": asked,
        "run_id": asked.run_id,
        "zone": zone,
        "has_worker": jobs.is_worker_there(),
    }
    return render(request, "runs/_replay.html", context)
