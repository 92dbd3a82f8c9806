"""Large files that people ask for: made by the worker, kept for a day, theirs alone.

A file is stored in pieces of a megabyte, so that neither the worker nor a page holds it whole.
"""

import datetime as dt
import logging
import tempfile
from collections.abc import Iterator
from typing import IO

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from sqlalchemy.orm import Session

from common.refusals import Refused
from database import session as database
from market.evidence_part import opened_part
from market.own_part import own_part
from portal import jobs
from portal.access import Viewer, viewer_of
from portal.addresses import with_address
from portal.bodies import Refusal
from portal.days import parse_month
from portal.export_subjects import DocumentIntervals, OwnEvidence, RunEvidence, Subject
from portal.models import Export, ExportPart
from portal.queries.invoices import invoice_owner
from portal.queries.rules import clock_of
from settlement.documents.formats import CSV, FORMATS
from settlement.documents.render import find_document, render_document
from settlement.evidence.export import write_evidence
from settlement.evidence.participant import write_participant_evidence
from settlement.runs.run import Run
from settlement.runs.store import find_run

log = logging.getLogger(__name__)

State = Export.State
KEPT = dt.timedelta(days=1)
PART_BYTES = 1_000_000
ZIP = "application/zip"
MOST_UNDER_WAY = 3
"""Of one account: the worker makes few at once, and others wait behind them."""
TOO_MANY_UNDER_WAY = Refusal(
    429,
    "Your files are still being made",
    f"An account has at most {MOST_UNDER_WAY} files under way, and yours has. "
    "Nothing more was started.",
    "Ask again when one of them is ready; they stand under Files.",
    retry_seconds=30,
)
NOT_ENTITLED = Refusal(
    403,
    "This file is not for your account",
    "It holds what your account has no right to read, and was not made.",
    "Ask the operator of the market for the right, or sign in with the account that has it.",
)


def ask(user: User, subject: Subject, now: dt.datetime) -> Export | Refusal:
    """Return the file of a subject that is being made for an account, or ask the worker for it.

    Who may not have it is refused: it is asked here, when the worker makes it, and when it is
    taken, as a role or a link can be taken away in between.
    """
    if not may_have(viewer_of(user), subject):
        return NOT_ENTITLED
    fail_lost(user, now)
    under_way = Export.objects.filter(user=user, state=State.RUNNING)
    row = {"kind": subject.kind, "subject": subject.as_dict()}
    same = under_way.filter(**row).first()
    if same is not None:
        return same
    if under_way.count() >= MOST_UNDER_WAY:
        return TOO_MANY_UNDER_WAY
    try:
        with transaction.atomic():
            export = Export.objects.create(user=user, asked_at=now, **row)
            export.job_number = jobs.defer("export", export.pk)
            export.save(update_fields=["job_number"])
    except IntegrityError:  # the same form, sent twice at once
        return under_way.get(**row)
    return export


def fail_lost(user: User, now: dt.datetime) -> None:
    """Mark as failed what no process makes any more."""
    for export in Export.objects.filter(user=user, state=State.RUNNING):
        if jobs.is_lost(export.job_number, now):
            jobs.give_up(export.job_number)
            Export.objects.filter(pk=export.pk, state=State.RUNNING).update(
                state=State.FAILED, error=jobs.GONE, finished_at=now
            )


def make(number: int) -> None:
    """Make a file and store it; the worker's part.

    Raises:
        LookupError: no such file waits to be made.
    """
    export = Export.objects.filter(pk=number, state=State.RUNNING).first()
    if export is None:
        raise LookupError(f"no file {number} waits to be made")
    if not may_have(viewer_of(export.user), export.of):
        _end(export, State.REFUSED, NOT_ENTITLED.sentence)
        return
    with tempfile.TemporaryFile() as sink:
        try:
            export.file_name, export.media_type = _write(export, sink)
        except Refused as refused:
            export.found = [finding.as_dict() for finding in refused.findings]
            _end(export, State.REFUSED, "")
            return
        except Exception as error:
            # What an error says may be of others' data: it is for the log.
            _end(export, State.FAILED, f"a fault of ours ({type(error).__name__})")
            raise
        export.size_bytes = sink.tell()
        sink.seek(0)
        # The state is written last, with the pieces: no page offers half a file.
        with transaction.atomic():
            for part, content in enumerate(iter(lambda: sink.read(PART_BYTES), b"")):
                ExportPart.objects.create(export=export, number=part, content=content)
            _end(export, State.READY, "")


def _end(export: Export, state: str, error: str) -> None:
    now = timezone.now()
    export.state, export.error = state, error[: jobs.ERROR_LETTERS]
    export.finished_at, export.expires_at = now, now + KEPT
    export.save()


def content_of(export: Export) -> Iterator[bytes]:
    """Yield a file piece by piece."""
    numbers = list(export.parts.values_list("number", flat=True))
    for number in numbers:
        yield bytes(export.parts.get(number=number).content)


def remove_expired(now: dt.datetime) -> int:
    """Remove what is kept no longer; return how many files."""
    expired = Export.objects.filter(expires_at__lt=now)
    count = expired.count()
    expired.delete()
    return count


def may_have(viewer: Viewer, subject: Subject) -> bool:
    """Return whether a user may read what is in a file of a subject."""
    match subject:
        case RunEvidence():
            return viewer.sees_runs
        case DocumentIntervals(number):
            with database.transaction() as session:
                owner = invoice_owner(session, number)
            return owner is not None and viewer.may_see(*owner)
        case OwnEvidence(market, participant):
            return viewer.participants is not None and (market, participant) in viewer.participants


def clock_of_file(session: Session, subject: Subject) -> str:
    """Return the zone by whose clock the moments of a file are written: that of its market."""
    match subject:
        case RunEvidence(run_id):
            run = find_run(session, run_id)
            market = run.market if run else ""
        case DocumentIntervals(number):
            owner = invoice_owner(session, number)
            market = owner[0] if owner else ""
        case OwnEvidence(market):
            pass
    return clock_of(session, market)


def evidence_name(run: Run) -> str:
    """Return the name of the file with the evidence of a run."""
    return f"evidence-{run.market}-{run.kind}-{run.first_day}-{run.last_day}-{run.id}.zip"


def _write(export: Export, sink: IO[bytes]) -> tuple[str, str]:
    """Write a file, and return its name and media type."""
    progress = jobs.progress_of(export)
    with database.transaction() as session:
        match export.of:
            case RunEvidence(run_id):
                run = find_run(session, run_id)
                if run is None:
                    raise LookupError(f"there is no run {run_id}")
                write_evidence(session, run, sink, progress, parts=[opened_part])
                return evidence_name(run), ZIP
            case DocumentIntervals(number):
                document = with_address(find_document(session, number))
                sink.write(render_document(session, document, FORMATS[CSV]))
                return f"{number}.{FORMATS[CSV].ending}", FORMATS[CSV].media_type
            case OwnEvidence(market, participant, month) as own:
                days = parse_month(month) if month else None
                write_participant_evidence(
                    session, market, participant, days, sink, progress, [own_part]
                )
                return f"evidence-{'-'.join(own.words)}.zip", ZIP
