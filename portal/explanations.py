"""Why a number is what it is: worked out by the worker, for the account that asks.

An explanation rests on what others metered and on what runs found for them, which the web process
cannot read. The worker stores what the page shows, in which the figures of others are one sum. It
stands for an hour, for whoever asks the same again with the same rights.
"""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from pydantic import ConfigDict, TypeAdapter
from sqlalchemy.orm import Session

from database import session as database
from portal import jobs
from portal.access import Viewer, viewer_of
from portal.bodies import Refusal
from portal.models import ExplanationRequest
from portal.queries.disputes import is_disputed
from portal.queries.explanations import DayPage, IntervalPage, LinePage, find_line_explanation
from portal.queries.invoices import invoice_owner, invoice_page
from portal.quotas import Kind, spend
from portal.trials import opening
from portal.trials.opening import may_open_part, opened_of

State = ExplanationRequest.State
KEPT = dt.timedelta(hours=1)
MOST_UNDER_WAY = 10
"""Of one account: the worker makes few at once, and others wait behind them."""
TOO_MANY_UNDER_WAY = Refusal(
    429,
    "Your explanations are still being worked out",
    f"An account has at most {MOST_UNDER_WAY} under way, and yours has. Nothing more was started.",
    "Load the page again when one of them is there.",
    retry_seconds=5,
)

Page = LinePage | DayPage | IntervalPage
PAGES: TypeAdapter[Page] = TypeAdapter(
    Page, config=ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")
)


class Subject(NamedTuple):
    """What is to be explained: a line, one of its days, or one interval of it, from 1.

    `document` is the number of a document, or names a row of a trial, as `Opened` does.
    """

    document: str
    line: int
    day: dt.date | None = None
    interval: int | None = None


def may_explain(session: Session, viewer: Viewer, subject: Subject) -> bool:
    """Return whether it is open to a user: to who sees the document, and to who decides of it."""
    opened = opened_of(*subject)
    if opened is not None:
        return may_open_part(session, viewer, opened)
    owner = invoice_owner(session, subject.document)
    if owner is None:
        return False
    decides = viewer.decides_disputes and is_disputed(session, subject.document, subject.line)
    return decides or viewer.may_see(*owner)


def ask(user: User, viewer: Viewer, subject: Subject) -> ExplanationRequest | Refusal:
    """Return the explanation of a subject, or as far as it is; one that is new is waited for.

    Whoever calls it has asked `may_explain`; the worker asks again.
    """
    now = timezone.now()
    rights = _rights(viewer)
    asked = ExplanationRequest.objects.filter(user=user, asked_at__gt=now - KEPT)
    same = asked.filter(rights=rights, **subject._asdict()).exclude(state=State.FAILED)
    found = same.first()
    if found is not None and not _is_lost(found, now):
        return found
    if asked.filter(state=State.RUNNING).count() >= MOST_UNDER_WAY:
        return TOO_MANY_UNDER_WAY
    refusal = spend(user, Kind.EXPLANATION, now)
    if refusal is not None:
        return refusal
    with transaction.atomic():
        made = ExplanationRequest.objects.create(
            user=user, rights=rights, asked_at=now, **subject._asdict()
        )
        made.job_number = jobs.defer("explain", made.pk)
        made.save(update_fields=["job_number"])
    return jobs.wait_for(lambda: ExplanationRequest.objects.get(pk=made.pk))


def _is_lost(found: ExplanationRequest, now: dt.datetime) -> bool:
    """Return whether nobody works on an explanation any more, and mark it as failed then."""
    if not found.is_running or not jobs.is_lost(found.job_number, now):
        return False
    jobs.give_up(found.job_number)
    _end(found.pk, State.FAILED)
    return True


def page_of(found: ExplanationRequest) -> Page:
    """Return what the page of an explanation that is ready shows."""
    return PAGES.validate_json(found.content)


def hand_on(number: int) -> bool:
    """Queue what takes long in a lane of its own, and return whether it does; the worker's part.

    A page may queue an explanation alone; what it opens is looked at here, before days are settled.
    """
    asked = ExplanationRequest.objects.filter(pk=number, state=State.RUNNING).first()
    opened = opened_of(asked.document, asked.line, asked.day, asked.interval) if asked else None
    if asked is None or opened is None or not opened.is_long:
        return False
    with transaction.atomic():
        asked.job_number = jobs.defer("open", number)
        asked.save(update_fields=["job_number"])
    return True


def make(number: int, threads: int = 1) -> None:
    """Work out an explanation and store it; the worker's part.

    Args:
        number: of the request.
        threads: days computed at once, where many are.

    Raises:
        LookupError: no such explanation waits to be made.
    """
    asked = ExplanationRequest.objects.filter(pk=number, state=State.RUNNING).first()
    if asked is None:
        raise LookupError(f"no explanation {number} waits to be made")
    subject = Subject(asked.document, asked.line, asked.day, asked.interval)
    viewer, content = viewer_of(asked.user), b""
    opened = opened_of(*subject)
    try:
        with database.transaction() as session:
            is_open = _rights(viewer) == asked.rights and may_explain(session, viewer, subject)
            if is_open and opened is None:
                page = _explain(session, viewer, subject)
                content = b"" if page is None else PAGES.dump_json(page)
        if is_open and opened is not None:
            # In transactions of its own: nobody waits while days are settled.
            found = opening.make(
                database.transaction,
                viewer,
                opened,
                threads=threads,
                progress=_progress_of(number),
            )
            content = b"" if found is None else opened.pages.dump_json(found)
        # A right that is gone may come back, and another request then finds what there is.
        without = State.NOTHING if is_open else State.FAILED
    except Exception:
        # What an error says may be of others' data: it is for the log.
        _end(number, State.FAILED, content="")
        raise
    if content:
        _end(number, State.READY, content=content.decode())
    else:
        _end(number, without, content="")


def remove_old(now: dt.datetime) -> None:
    """Remove what stands no longer."""
    ExplanationRequest.objects.filter(asked_at__lt=now - KEPT).delete()


def _explain(session: Session, viewer: Viewer, subject: Subject) -> Page | None:
    """Return what a page shows; None where the document has nothing of the kind."""
    document = invoice_page(session, subject.document)
    why = find_line_explanation(session, document, subject.line)
    if why is None:
        return None
    if subject.day is None:
        return why.by_day(session)
    read = why.read_day(session, subject.day)
    if read is None:
        return None
    if subject.interval is None:
        return why.day(read)
    return why.interval(read, subject.interval, viewer)


def _progress_of(number: int) -> Callable[[int, int], None]:
    """Return what stores how far a request is, once a second at most."""
    stored = 0.0

    def report(done: int, total: int) -> None:
        nonlocal stored
        if time.monotonic() - stored >= 1.0:
            stored = time.monotonic()
            running = ExplanationRequest.objects.filter(pk=number, state=State.RUNNING)
            running.update(content=f"{done} {total}")

    return report


def _rights(viewer: Viewer) -> dict[str, Any]:
    """Return the rights by which a page is made: with others, it would show something else."""
    sees = viewer.participants
    return {
        "roles": sorted(viewer.roles),
        "participants": None if sees is None else sorted(map(list, sees)),
    }


def _end(number: int, state: str, **more: str) -> None:
    # The web process may end one that is lost, and writes no content.
    ExplanationRequest.objects.filter(pk=number, state=State.RUNNING).update(state=state, **more)
