"""Replays asked for by the portal: computed by a process of their own, their state in a table.

A replay takes seconds for a month and minutes for a year, so neither a request nor the server's
threads wait for it. The page reads the state from the table, with or without JavaScript.
"""

import datetime as dt
import logging
import os
import subprocess
import sys
import threading
import time
import uuid

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from database import session as database
from database.embedded import ROOT
from portal.audit import Action, record
from portal.models import ReplayRequest
from settlement.replays.replay import replay
from settlement.runs.store import find_run

log = logging.getLogger(__name__)

State = ReplayRequest.State
STARTING = dt.timedelta(minutes=1)
"""A process that has not taken its lock for so long will not start any more."""
LOCK_SPACE = 0x7A11
"""First half of the key of the advisory lock that a process holds while it computes a request."""
ERROR_LETTERS = 2_000


def request_replay(run_id: uuid.UUID, user: User, now: dt.datetime) -> ReplayRequest:
    """Return the replay of a run that is under way, or start one."""
    # First, or a request whose process died would count as the one under way for ever.
    fail_lost_requests(run_id, now)
    try:
        with transaction.atomic():
            request = ReplayRequest.objects.create(
                run_id=run_id, requested_by=user, requested_at=now
            )
            record(user, Action.REPLAY, f"run {run_id}", at=now)
    except IntegrityError:  # one replay of a run at a time: somebody asked already
        return ReplayRequest.objects.get(run_id=run_id, state=State.RUNNING)
    # Not before the commit: the process could not see its request yet.
    transaction.on_commit(lambda: start_process(request))
    return request


def start_process(request: ReplayRequest) -> None:
    """Start the process that computes a request, and a thread that notices if it dies."""
    # The process is told the URL instead of starting the embedded server itself: this process
    # holds that server open, and outlives the replay.
    command = [sys.executable, str(ROOT / "manage.py"), "answer_replay", str(request.pk)]
    environment = {**os.environ, "DATABASE_URL": database.database_url()}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    threading.Thread(target=_watch, args=(request.pk, process), daemon=True).start()


def _watch(number: int, process: "subprocess.Popen[str]") -> None:
    """Wait for a process; a request that it left without an outcome has failed."""
    _, complaint = process.communicate()
    try:
        _fail(
            ReplayRequest.objects.filter(pk=number),
            complaint.strip()[-ERROR_LETTERS:] or f"the process ended with {process.returncode}",
            timezone.now(),
        )
    finally:
        # Django closes connections at the end of a request; this thread is none.
        connection.close()


def _fail(requests: QuerySet[ReplayRequest], error: str, now: dt.datetime) -> None:
    # An outcome that was written before the process died stands.
    running = requests.filter(state=State.RUNNING)
    if running.update(state=State.FAILED, error=error, finished_at=now):
        log.error("replay failed: %s", error)


def fail_lost_requests(run_id: uuid.UUID, now: dt.datetime) -> None:
    """Mark as failed what no process computes any more, as after the machine stopped."""
    old = ReplayRequest.objects.filter(
        run_id=run_id, state=State.RUNNING, requested_at__lt=now - STARTING
    )
    for request in old:
        with transaction.atomic(), connection.cursor() as cursor:
            key = [LOCK_SPACE, request.pk]
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", key)
            if cursor.fetchone()[0]:  # its process would hold the lock
                lost = ReplayRequest.objects.filter(pk=request.pk)
                _fail(lost, "the process that computed it is gone", now)


def compute_request(number: int, threads: int) -> ReplayRequest:
    """Compute a request and write its outcome; the work of the process of its own.

    Raises:
        LookupError: no such request waits for an outcome, or there is no such run.
    """
    # An outcome stands: it is never computed anew over what a page has shown.
    request = ReplayRequest.objects.filter(pk=number, state=State.RUNNING).first()
    if request is None:
        raise LookupError(f"no request {number} waits for its outcome")
    with connection.cursor() as cursor:
        # Held until the connection ends, however the process ends: by that `fail_lost_requests`
        # tells slow from dead. A lock of the transaction would go before the outcome is written.
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_SPACE, number])
    began = time.perf_counter()
    with database.transaction() as session:
        run = find_run(session, request.run_id)
        if run is None:
            raise LookupError(f"there is no run {request.run_id}")
        replayed = replay(session, run, threads=threads)
    # The outcome is written last and at once: a page never shows half of it as done.
    request.state = State.SAME if replayed.is_same else State.DIFFERENT
    request.stored_digest = run.result_digest
    request.recomputed_digest = replayed.result_digest
    request.first_difference = replayed.first_difference or ""
    request.seconds = time.perf_counter() - began
    request.finished_at = timezone.now()
    request.save()
    return request
