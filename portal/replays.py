"""Replays asked for by the portal: computed by the worker, their state in a table.

A replay takes seconds for a month and minutes for a year, so no request waits for it. The page
reads the state from the table, with or without JavaScript.
"""

import datetime as dt
import logging
import time
import uuid

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from database import session as database
from portal import jobs
from portal.audit import Action, record
from portal.models import ReplayRequest
from settlement.replays.replay import replay
from settlement.runs.store import find_run

log = logging.getLogger(__name__)

State = ReplayRequest.State


def request_replay(run_id: uuid.UUID, user: User, now: dt.datetime) -> ReplayRequest:
    """Return the replay of a run that is under way, or ask the worker for one."""
    # First, or a request whose process died would count as the one under way for ever.
    fail_lost_requests(run_id, now)
    try:
        with transaction.atomic():
            request = ReplayRequest.objects.create(
                run_id=run_id, requested_by=user, requested_at=now
            )
            # In one transaction: no request is without its job, nor a job without its request.
            request.job_number = jobs.defer("replay", request.pk)
            request.save(update_fields=["job_number"])
            record(user, Action.REPLAY, f"run {run_id}", at=now)
    except IntegrityError:  # one replay of a run at a time: somebody asked already
        return ReplayRequest.objects.get(run_id=run_id, state=State.RUNNING)
    return request


def _fail(requests: QuerySet[ReplayRequest], error: str, now: dt.datetime) -> None:
    # An outcome that was written before the process died stands.
    running = requests.filter(state=State.RUNNING)
    if running.update(state=State.FAILED, error=error[-jobs.ERROR_LETTERS :], finished_at=now):
        log.error("replay failed: %s", error)


def fail_lost_requests(run_id: uuid.UUID, now: dt.datetime) -> None:
    """Mark as failed what no process computes any more, as after the machine stopped."""
    for request in ReplayRequest.objects.filter(run_id=run_id, state=State.RUNNING):
        if jobs.is_lost(request.job_number, now):
            jobs.give_up(request.job_number)
            _fail(ReplayRequest.objects.filter(pk=request.pk), jobs.GONE, now)


def compute_request(number: int, threads: int) -> ReplayRequest:
    """Compute a request and write its outcome; the worker's part.

    Raises:
        LookupError: no such request waits for an outcome.
    """
    # An outcome stands: it is never computed anew over what a page has shown.
    request = ReplayRequest.objects.filter(pk=number, state=State.RUNNING).first()
    if request is None:
        raise LookupError(f"no request {number} waits for its outcome")
    try:
        return _compute(request, threads)
    except Exception as error:
        _fail(ReplayRequest.objects.filter(pk=number), str(error), timezone.now())
        raise


def _compute(request: ReplayRequest, threads: int) -> ReplayRequest:
    began = time.perf_counter()
    with database.transaction() as session:
        run = find_run(session, request.run_id)
        if run is None:
            raise LookupError(f"there is no run {request.run_id}")
        replayed = replay(session, run, threads=threads, progress=jobs.progress_of(request))
    # The outcome is written last and at once: a page never shows half of it as done.
    request.state = State.SAME if replayed.is_same else State.DIFFERENT
    request.stored_digest = run.result_digest
    request.recomputed_digest = replayed.result_digest
    request.first_difference = replayed.first_difference or ""
    request.seconds = time.perf_counter() - began
    request.finished_at = timezone.now()
    request.save()
    return request
