"""Work that waits in PostgreSQL for a process of its own: `manage.py worker`, by procrastinate.

A request only stores what is asked for, with its job, in one transaction. The page reads from the
stored row how far it is, with or without JavaScript. What became of a job whose process died is
told by the heart of its worker, which writes the time every ten seconds.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Protocol, TypeVar

from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

log = logging.getLogger(__name__)

HEART = dt.timedelta(seconds=60)
"""A worker of which nothing was seen for so long is gone."""
LANES = {"replay": 1, "trial": 1, "report": 1, "open": 1, "export": 2, "explain": 2}
"""How many of a kind are under way at once: an act never waits behind them.

All days of a trial, settled again for a row of it, take minutes: they keep to a lane of their own.
"""
AT_ONCE = sum(LANES.values()) + 1
"""Jobs of a worker: every lane may be taken, and an act is done all the same."""
WAIT_SECONDS = 2.0
"""How long a page waits for the worker before it says that it is being done."""
LOOK_SECONDS = 0.05
_waiting = BoundedSemaphore(3)
"""Pages of a process that wait at once: others find threads to answer them."""
GONE = "the process that computed it is gone"
ERROR_LETTERS = 2_000


class Asked(Protocol):
    """A row of what somebody asked for."""

    @property
    def is_running(self) -> bool:
        """Whether the outcome is still to come."""


A = TypeVar("A", bound=Asked)


class Request(Protocol):
    """A row of what somebody asked for, with its job."""

    job_number: int | None
    done: int
    total: int

    def save(self, *, update_fields: list[str]) -> None:
        """Store these of its fields."""


def defer(task: str, number: int) -> int:
    """Queue a task of `portal.tasks` for the row of a number; return the number of its job."""
    lock = f"{task}-{number % LANES[task]}" if task in LANES else None
    return app.configure_task(task, lock=lock).defer(number=number)


def wait_for(read: Callable[[], A]) -> A:
    """Return what was asked for once it is done; as it is after a moment, or without a worker."""
    found = read()
    if not found.is_running or not _waiting.acquire(blocking=False):
        return found
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while found.is_running and time.monotonic() < deadline and is_worker_there():
            time.sleep(LOOK_SECONDS)
            found = read()
        return found
    finally:
        _waiting.release()


def is_lost(job_number: int | None, now: dt.datetime) -> bool:
    """Return whether nobody works on a job any more, and none will."""
    job = ProcrastinateJob.objects.filter(pk=job_number).select_related("worker").first()
    if job is None or job.status not in ("todo", "doing"):
        return True
    if job.status == "todo":
        return False
    return job.worker is None or job.worker.last_heartbeat < now - HEART


def give_up(job_number: int | None) -> None:
    """End a job whose process is gone: while it counts as under way, its lock keeps others out."""
    with connection.cursor() as cursor:
        # Where its heart beats again by now, the policy of the queue shows it to no web process.
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s AND status = 'doing'",
            [job_number],
        )


def last_seen() -> dt.datetime | None:
    """Return when a worker was last seen, or None."""
    latest = ProcrastinateWorker.objects.order_by("-last_heartbeat").first()
    return latest.last_heartbeat if latest else None


def is_worker_there() -> bool:
    """Return whether a worker was seen of late."""
    seen = last_seen()
    return seen is not None and timezone.now() - seen < HEART


def waiting() -> int:
    """Return how many jobs wait for a worker."""
    return ProcrastinateJob.objects.filter(status="todo", scheduled_at=None).count()


def progress_of(request: Request) -> Callable[[int, int], None]:
    """Return what stores how far a request is, once a second at most."""
    stored = timezone.now()

    def report(done: int, total: int) -> None:
        nonlocal stored
        now = timezone.now()
        if now - stored >= dt.timedelta(seconds=1):
            stored, request.done, request.total = now, done, total
            request.save(update_fields=["done", "total"])

    return report
