"""Changes in PostgreSQL: read whole, append; every function works in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import psycopg
from sqlalchemy import func, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook.changes.life import Life
from rulebook.changes.records import ChangeRow, EventRow, RevisionRow
from rulebook.changes.tables import Change, ChangeEvent, Revision

_LIMITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pk_change": ("change-went-on", "a number is given once"),
        "pk_revision": ("revision-of-an-older", "a revision is made from the last one"),
        "uq_revision_change_parent": (
            "revision-of-an-older",
            "a revision is made from the last one",
        ),
        "pk_change_event": ("change-went-on", "a step follows the last event"),
        "uq_change_event_change_answers": ("answered-already", "what was said is answered once"),
        "change_in_order": ("change-step-out-of-order", "a step follows a state that allows it"),
        "change_is_told": ("change-step-out-of-order", "what is stored has the step that says so"),
        "change_by_entitled": ("change-step-of-others", "whoever may takes a step"),
        "change_names_last_revision": ("change-went-on", "a step is of the last revision"),
        "change_waits_for_others": ("change-step-out-of-order", "a step waits for what it needs"),
        "assessment_of_revision": ("trial-of-another-draft", "trials are of the last revision"),
        "proposal_of_revision": ("proposal-of-another-text", "a proposal is of the last revision"),
        "two_people": ("two-people", "nobody decides on a text of their own"),
        "moment_is_present": ("change-moment", "a step is taken at the present moment"),
        "acts_as_itself": ("change-step-of-others", "a step is taken in one's own name"),
    }
)
"""The code and the limit of what each constraint or trigger of the database refuses."""


def life(session: Session, number: int) -> Life | None:
    """Return a change with its revisions and events, or None where there is none of the number."""
    return lives(session, number).get(number)


def lives(
    session: Session, number: int | None = None, *, with_texts: bool = True
) -> dict[int, Life]:
    """Return every change with its revisions and events, by number; or the one of a number.

    `with_texts`: whether revisions hold their drafts, which may be long; without them, what rests
    on a text, such as the digest of a revision, is not to be asked.
    """
    of_change = Change.number if number is None else number
    changes = [
        ChangeRow(*row)
        for row in session.execute(
            select(*_columns(Change, ChangeRow))
            .where(Change.number == of_change)
            .order_by(Change.number)
        )
    ]
    revisions: defaultdict[int, list[RevisionRow]] = defaultdict(list)
    columns = _columns(Revision, RevisionRow)
    draft = RevisionRow._fields.index("draft")
    if not with_texts:
        columns[draft] = literal({}, JSONB).label("draft")
    for row in session.execute(
        select(*columns)
        .where(Revision.change == (Revision.change if number is None else number))
        .order_by(Revision.change, Revision.number)
    ):
        revisions[row.change].append(RevisionRow(*row))
    events: defaultdict[int, list[EventRow]] = defaultdict(list)
    for row in session.execute(
        select(*_columns(ChangeEvent, EventRow))
        .where(ChangeEvent.change == (ChangeEvent.change if number is None else number))
        .order_by(ChangeEvent.change, ChangeEvent.sequence)
    ):
        events[row.change].append(EventRow(*row))
    return {
        row.number: Life(
            row._replace(options=tuple(row.options)),
            tuple(revisions[row.number]),
            tuple(events[row.number]),
        )
        for row in changes
    }


def stored_rows(
    session: Session,
) -> Iterator[tuple[str, ChangeRow | RevisionRow | EventRow, bytes]]:
    """Yield every row with its place and the digest stored with it."""
    for row in session.execute(select(*_columns(Change, ChangeRow), Change.digest)):
        change = ChangeRow(*row[:-1])
        change = change._replace(options=tuple(change.options))
        yield f"rulebook.change {change.number}", change, row[-1]
    for row in session.execute(select(*_columns(Revision, RevisionRow), Revision.digest)):
        text = RevisionRow(*row[:-1])
        yield f"rulebook.revision {text.change}/{text.number}", text, row[-1]
    for row in session.execute(select(*_columns(ChangeEvent, EventRow), ChangeEvent.digest)):
        event = EventRow(*row[:-1])
        yield f"rulebook.change_event {event.change}/{event.sequence}", event, row[-1]


def change_of_proposal(session: Session, proposal: int) -> int | None:
    """Return the number of the change that made a proposal; None of one that was made without."""
    return session.scalar(
        select(ChangeEvent.change).where(
            ChangeEvent.proposal == proposal, ChangeEvent.kind == "propose"
        )
    )


def changes_of_proposals(session: Session, proposals: Collection[int]) -> dict[int, int]:
    """Return the number of the change that made each proposal, of those that the reader may see."""
    made = select(ChangeEvent.proposal, ChangeEvent.change).where(
        ChangeEvent.proposal.in_(list(proposals)), ChangeEvent.kind == "propose"
    )
    return {proposal: change for proposal, change in session.execute(made) if proposal is not None}


def next_number(session: Session) -> int:
    """Return the number of the next change; under the ledger's lock, so that nobody takes it."""
    return int(session.scalar(select(func.max(Change.number))) or 0) + 1


def append_change(session: Session, row: ChangeRow) -> None:
    """Append a change, without its opening."""
    _append(session, Change, {**row._asdict(), "options": list(row.options)}, row.digest)


def append_revision(session: Session, row: RevisionRow) -> None:
    """Append a revision, without the step that says who saved it."""
    _append(session, Revision, {**row._asdict(), "draft": dict(row.draft)}, row.digest)


def append_event(session: Session, row: EventRow) -> None:
    """Append an event."""
    _append(session, ChangeEvent, {**row._asdict(), "body": dict(row.body)}, row.digest)


def _append(
    session: Session,
    table: type[Change | Revision | ChangeEvent],
    values: Mapping[str, Any],
    digest: bytes,
) -> None:
    with constraints_as_refusals(table.__tablename__):
        session.execute(insert(table), [{**values, "digest": digest}])


@contextmanager
def constraints_as_refusals(table: str) -> Iterator[None]:
    """Turn what the database refuses of a change into `Refused`; other errors pass.

    Raises:
        Refused: a constraint or a trigger of changes refused.
    """
    try:
        yield
    except IntegrityError as error:
        cause = error.orig
        if not isinstance(cause, psycopg.Error):
            raise
        name = cause.diag.constraint_name or ""
        if name not in _LIMITS:
            raise
        code, limit = _LIMITS[name]
        # Of a trigger of ours, its own sentence; what PostgreSQL says shows the row as stored.
        said = cause.diag.message_primary if cause.diag.source_function == _RAISED else None
        raise Refused(
            [
                Finding(
                    code,
                    f"rulebook.{table}",
                    said or "somebody else was there first",
                    limit,
                    "read the change again, and go on from there",
                )
            ]
        ) from error


_RAISED = "exec_stmt_raise"
"""The function of PostgreSQL's language of triggers that says what their RAISE says."""


def _columns(table: type[Any], row: type[Any]) -> list[Any]:
    return [table.__table__.columns[name] for name in row._fields]
