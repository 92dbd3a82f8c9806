"""Fairness reports asked for by the portal: made by the worker, their state in a table.

A month takes seconds and a year a minute or two, so no request waits for one. The page reads the
state from the table, with or without JavaScript.
"""

import datetime as dt
import logging

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from common.refusals import Refused
from database import session as database
from portal import jobs
from portal.audit import Action, record
from portal.bodies import Refusal
from portal.models import AskedReport
from portal.quotas import Kind, lock_account, spend
from portal.signing import sign_after
from settlement.fairness.make import FairnessRequest, keep_report, make_report

log = logging.getLogger(__name__)

State = AskedReport.State
MOST_UNDER_WAY = 5
"""Reports of an account that wait or are made at once: they are made one after the other."""


def ask_for_report(
    user: User, market: str, days: tuple[dt.date, dt.date], now: dt.datetime
) -> AskedReport:
    """Ask the worker for the report of a period; return the request that is under way, if one is.

    In the transaction in which `no_room` was asked.
    """
    first_day, last_day = days
    of_period = {"market": market, "first_day": first_day, "last_day": last_day}
    found = AskedReport.objects.filter(user=user, state=State.RUNNING, **of_period).first()
    if found is not None:
        return found
    with transaction.atomic():
        total = (last_day - first_day).days + 1
        asked = AskedReport.objects.create(user=user, asked_at=now, total=total, **of_period)
        # In one transaction: no request is without its job, nor a job without its request.
        asked.job_number = jobs.defer("report", asked.pk)
        asked.save(update_fields=["job_number"])
        record(user, Action.REPORT, f"{market}, {first_day} to {last_day}", at=now)
    return asked


def no_room(user: User, now: dt.datetime) -> Refusal | None:
    """Return why an account may ask for no report now; of two requests at once one counts first.

    In the transaction in which it then asks.
    """
    lock_account(user)
    count = len(under_way(user, now))
    if count >= MOST_UNDER_WAY:
        return Refusal(
            429,
            "You have as many fairness reports under way as an account may have",
            f"{count} of your reports wait or are made, and {MOST_UNDER_WAY} is the most at once: "
            "they are made one after the other, and others wait too. Nothing was started or "
            "stored.",
            "Ask again when one is made.",
            60,
        )
    return spend(user, Kind.REPORT, now)


def under_way(user: User, now: dt.datetime) -> list[AskedReport]:
    """Return the reports that an account waits for, latest first."""
    fail_lost(AskedReport.objects.filter(user=user), now)
    return list(AskedReport.objects.filter(user=user, state=State.RUNNING))


def fail_lost(reports: QuerySet[AskedReport], now: dt.datetime) -> None:
    """Mark as failed what no process makes any more, as after the machine stopped."""
    for asked in reports.filter(state=State.RUNNING):
        if jobs.is_lost(asked.job_number, now):
            jobs.give_up(asked.job_number)
            _end(asked.pk, State.FAILED, now, error=jobs.GONE)


def compute(number: int, threads: int) -> None:
    """Make the report that was asked for, and write what came of it; the worker's part.

    Raises:
        LookupError: no such request waits for an outcome.
        Exception: a fault of ours, of which the request says that it failed.
    """
    asked = AskedReport.objects.filter(pk=number, state=State.RUNNING).first()
    if asked is None:
        raise LookupError(f"no request {number} waits for its outcome")
    try:
        _make(asked, threads)
    except Refused as refused:
        found = [finding.as_dict() for finding in refused.findings]
        _end(number, State.REFUSED, timezone.now(), found=found)
    except Exception as error:
        # What an error says may be of others' data: it is for the log.
        error_words = f"a fault of ours ({type(error).__name__})"
        _end(number, State.FAILED, timezone.now(), error=error_words)
        raise
    else:
        _end(number, State.DONE, timezone.now(), done=asked.total)
        complaint = sign_after(timezone.now())  # a report is a leaf of the log
        if complaint:
            log.error(complaint)


def _make(asked: AskedReport, threads: int) -> None:
    """Make a report beside other designs, and keep it unless the same results have one."""
    request = FairnessRequest(asked.market, asked.first_day, asked.last_day, with_baselines=True)
    progress = jobs.progress_of(asked)
    with database.transaction() as session:
        made = make_report(session, request, threads=threads, progress=progress)
    if made.stored is None:
        with database.transaction() as session:
            keep_report(session, made, now=timezone.now())


def _end(number: int, state: str, now: dt.datetime, **outcome: object) -> None:
    # An outcome that was written before the process died stands.
    AskedReport.objects.filter(pk=number, state=State.RUNNING).update(
        state=state, finished_at=now, **outcome
    )
