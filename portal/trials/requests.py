"""Trials asked for by the portal: tried by the worker, their state in a table.

A trial takes seconds for a month and a minute for a year. Whoever asked may let it rest, go on, or
end; the worker asks for their wish after each day, in no transaction, so that nobody waits for it.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from common.refusals import Refused
from database import session as database
from portal import jobs
from portal.audit import Action, record
from portal.bodies import Refusal
from portal.models import AskedTrial
from portal.quotas import Kind, lock_account, spend
from portal.signing import sign_after
from portal.trials.sources import Source, read_source
from rulebook.drafting import drawn_together
from settlement.trials.inputs import TrialRequest
from settlement.trials.trial import TrialOutcome, run_trial

log = logging.getLogger(__name__)

State, Wish = AskedTrial.State, AskedTrial.Wish
LOOK_SECONDS = 0.5
"""Between looks at what the asker wishes."""
LONGEST_REST_SECONDS = 600.0
"""In all; then it goes on by itself: trials are made one at a time, and others wait behind it."""


MOST_UNDER_WAY = 5
"""Trials of an account that wait or run at once: they are made one at a time, and others wait."""


class Cancelled(Exception):
    """Whoever asked for the trial wishes it to end."""


def ask_for_trial(
    user: User,
    sources: Sequence[Source],
    days: tuple[dt.date, dt.date],
    threshold_ppm: int,
    mode: str,
    now: dt.datetime,
) -> AskedTrial:
    """Ask the worker to try drafts of one market, one or two, on days of the past."""
    first_day, last_day = days
    with transaction.atomic():
        asked = AskedTrial.objects.create(
            user=user,
            market=sources[0].market,
            first_day=first_day,
            last_day=last_day,
            drafts=[source._asdict() for source in sources],
            threshold_ppm=threshold_ppm,
            mode=mode,
            asked_at=now,
            total=(last_day - first_day).days + 1,
        )
        # In one transaction: no request is without its job, nor a job without its request.
        asked.job_number = jobs.defer("trial", asked.pk)
        asked.save(update_fields=["job_number"])
        titles = "; ".join(source.title for source in sources)
        record(user, Action.TRIAL, f"{titles}, {first_day} to {last_day}"[:200], at=now)
    return asked


def no_room(user: User, now: dt.datetime) -> Refusal | None:
    """Return why an account may ask for no trial now; of two requests at once one is counted first.

    In the transaction in which it then asks.
    """
    lock_account(user)
    count = len(under_way(user, now))
    if count >= MOST_UNDER_WAY:
        return Refusal(
            429,
            "You have as many trials under way as an account may have",
            f"{count} of your trials wait or run, and {MOST_UNDER_WAY} is the most at once: drafts "
            "are tried one after the other, and others wait too. Nothing was started or stored.",
            "Cancel one on its page, or ask again when one has ended.",
            60,
        )
    return spend(user, Kind.TRIAL, now)


def under_way(user: User, now: dt.datetime) -> list[AskedTrial]:
    """Return the trials that an account waits for, latest first."""
    fail_lost(AskedTrial.objects.filter(user=user), now)
    return list(AskedTrial.objects.filter(user=user, state=State.RUNNING))


def fail_lost(trials: QuerySet[AskedTrial], now: dt.datetime) -> None:
    """Mark as failed what no process tries any more, as after the machine stopped."""
    for asked in trials.filter(state=State.RUNNING):
        if jobs.is_lost(asked.job_number, now):
            jobs.give_up(asked.job_number)
            _end(asked.pk, State.FAILED, error=jobs.GONE)


def wish(user: User, number: int, wanted: str) -> None:
    """Let the worker know what an asker wishes of a trial that is under way."""
    # A wish to end stands: the worker may be at the end already.
    waiting = AskedTrial.objects.filter(user=user, pk=number, state=State.RUNNING)
    waiting.exclude(wish=Wish.CANCEL).update(wish=wanted)


def compute(number: int, threads: int) -> None:
    """Try what was asked for, and write what came of it; the worker's part.

    Raises:
        LookupError: no such request waits for an outcome.
        Exception: a fault of ours, of which the request says that it failed.
    """
    asked = AskedTrial.objects.filter(pk=number, state=State.RUNNING).first()
    if asked is None:
        raise LookupError(f"no request {number} waits for its outcome")
    try:
        outcome = _run(asked, threads)
    except Cancelled:
        _end(number, State.CANCELLED)
    except Refused as refused:
        _end(number, State.REFUSED, found=[finding.as_dict() for finding in refused.findings])
    except Exception as error:
        # What an error says may be of others' data: it is for the log.
        _end(number, State.FAILED, error=f"a fault of ours ({type(error).__name__})")
        raise
    else:
        _end(number, State.DONE, trial_id=outcome.trial.id, done=asked.total)
        complaint = sign_after(timezone.now())  # a trial is a leaf of the log
        if complaint:
            log.error(complaint)


def _run(asked: AskedTrial, threads: int) -> TrialOutcome:
    now = timezone.now()
    with database.transaction() as session:
        drafts = [read_source(session, source) for source in asked.drafts]
    request = TrialRequest(
        asked.market,
        asked.first_day,
        asked.last_day,
        [draft.documents for draft in drafts],
        now,
        asked.threshold_ppm,
        drawn_together(draft.drawn_from for draft in drafts),
        asked.mode,
    )
    progress = _heeding(asked.pk)
    progress(0, asked.total)
    return run_trial(database.transaction, request, now=now, threads=threads, progress=progress)


def _heeding(number: int) -> Callable[[int, int], None]:
    """Return what stores how far a trial is, and rests or ends where its asker wishes that."""
    looked, rested = 0.0, 0.0

    def report(done: int, total: int) -> None:
        nonlocal looked, rested
        if time.monotonic() - looked < LOOK_SECONDS and done < total:
            return
        requests = AskedTrial.objects.filter(pk=number)
        requests.update(done=done, total=total)
        began = time.monotonic()
        while (wanted := requests.values_list("wish", flat=True).get()) == Wish.PAUSE:
            if rested + time.monotonic() - began >= LONGEST_REST_SECONDS:
                requests.filter(wish=Wish.PAUSE).update(wish=Wish.GO_ON)
                break
            time.sleep(LOOK_SECONDS)
        # All its rests together: who wished for one after the other held everybody's trials.
        rested += time.monotonic() - began
        if wanted == Wish.CANCEL:
            raise Cancelled
        looked = time.monotonic()

    return report


def _end(number: int, state: str, **outcome: object) -> None:
    # An outcome that was written before the process died stands.
    AskedTrial.objects.filter(pk=number, state=State.RUNNING).update(
        state=state, finished_at=timezone.now(), **outcome
    )
