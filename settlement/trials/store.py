"""Trials in PostgreSQL; every function receives the caller's session."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Text, case, cast, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from database.bulk import read_rows, write_rows
from database.paged import PagedRows
from settlement.runs.results import ResultVector
from settlement.runs.run import Pin
from settlement.tables import TrialMadeRow, TrialRow
from settlement.trials.beside import Told
from settlement.trials.made import MadeVector
from settlement.trials.records import SideDigests, Trial

MADE_TYPES = {
    "trial_id": "uuid",
    "side": "text",
    "settlement_day": "date",
    "measure": "text",
    "entity": "text",
    "values": "int8[]",
    "digest": "bytea",
}
_NOT_IN_HEADLINES = [
    "cells", "groups", "months", "evenness", "fairness", "edits", "baselines", "public", "beside",
]  # fmt: skip
MADE_QUERY = """
SELECT side, settlement_day, measure, entity, values, digest FROM settlement.trial_made
 WHERE trial_id = %(trial_id)s AND settlement_day = coalesce(%(day)s, settlement_day)
 ORDER BY side, settlement_day, measure COLLATE "C", entity COLLATE "C"
"""


def append_trial(session: Session, trial: Trial) -> None:
    """Append a trial, complete."""
    session.execute(
        insert(TrialRow).values(
            id=trial.id,
            market=trial.market,
            first_day=trial.first_day,
            last_day=trial.last_day,
            known_at=trial.known_at,
            threshold_ppm=trial.threshold_ppm,
            pins=[pin.as_json() for pin in trial.pins],
            drafts=trial.drafts,
            sides=trial.sides_as_json,
            input_digest=trial.input_digest,
            engine_version=trial.engine_version,
            report=trial.report,
            created_at=trial.created_at,
            digest=trial.digest,
        )
    )


def append_made(session: Session, trial_id: uuid.UUID, made: Iterable[MadeVector]) -> None:
    """Append what was made of the days of a trial, after its row."""
    rows = (
        (trial_id, side, each.day, each.measure, each.entity, each.values, each.digest)
        for side, each in made
    )
    write_rows(session, "settlement.trial_made", MADE_TYPES, rows)


def made_of(session: Session, trial_id: uuid.UUID, day: dt.date | None = None) -> list[MadeVector]:
    """Return what was made of the days of a trial, or of one, by side, day, measure and entity."""
    rows = read_rows(session, MADE_QUERY, {"trial_id": trial_id, "day": day})
    return [MadeVector(side, ResultVector(*values)) for side, *values in rows]


def orphan_made_trials(session: Session) -> list[uuid.UUID]:
    """Return the trials that something was made for but that are not there."""
    known = select(TrialRow.id).where(TrialRow.id == TrialMadeRow.trial_id).exists()
    return list(session.scalars(select(TrialMadeRow.trial_id).where(~known).distinct()))


def find_trial(session: Session, trial_id: uuid.UUID) -> Trial | None:
    """Return a trial, or None."""
    row = session.get(TrialRow, trial_id)
    return None if row is None else trial_of(row)


def find_equal_trial(session: Session, market: str, input_digest: bytes) -> Trial | None:
    """Return the earliest trial of a market with the same inputs, or None."""
    row = session.scalars(
        select(TrialRow)
        .where(TrialRow.market == market, TrialRow.input_digest == input_digest)
        .order_by(TrialRow.created_at, TrialRow.id)
        .limit(1)
    ).first()
    return None if row is None else trial_of(row)


def trials_sharing_days(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    known: Collection[uuid.UUID] = (),
) -> dict[uuid.UUID, Told]:
    """Return every trial of a market that shares a day with a period, but for those known."""
    query = select(TrialRow.id, TrialRow.drafts, TrialRow.report).where(
        TrialRow.market == market,
        TrialRow.first_day <= last_day,
        TrialRow.last_day >= first_day,
        TrialRow.id.not_in(known),
    )
    return {row.id: Told(*row) for row in session.execute(query)}


def list_trials(session: Session, market: str | None = None) -> PagedRows[Trial]:
    """Return trials, latest first; of one market where it is named.

    Their reports lack what no headline is made of, which is nearly all of one: read whole, by
    `find_trial`, they have another digest.
    """
    # One row that somebody forged hides no other: of what is no object nothing can be left out.
    report = case(
        (
            func.jsonb_typeof(TrialRow.report) == "object",
            TrialRow.report.op("-", return_type=JSONB())(cast(_NOT_IN_HEADLINES, ARRAY(Text))),
        ),
        else_=TrialRow.report,
    ).label("report")
    columns = [column for column in TrialRow.__table__.columns if column.name != "report"]
    query = select(*columns, report).order_by(TrialRow.created_at.desc(), TrialRow.id)
    if market is not None:
        query = query.where(TrialRow.market == market)
    return PagedRows(session, query, lambda rows: [trial_of(row) for row in rows])


def trial_rows(session: Session) -> Iterator[tuple[uuid.UUID, Trial | None, bytes]]:
    """Yield every trial with the digest stored beside it; None for one that cannot be read."""
    for row in session.scalars(select(TrialRow).order_by(TrialRow.id)):
        try:
            trial = trial_of(row)
        except (ValueError, TypeError, KeyError, AttributeError):
            trial = None
        yield row.id, trial, row.digest


def trial_of(row: Any) -> Trial:
    """Return a stored row as a trial."""
    return Trial(
        id=row.id,
        market=row.market,
        first_day=row.first_day,
        last_day=row.last_day,
        known_at=row.known_at,
        threshold_ppm=row.threshold_ppm,
        pins=tuple(Pin.from_json(pin) for pin in row.pins),
        drafts=row.drafts,
        sides=tuple(
            SideDigests(
                side["side"],
                bytes.fromhex(side["input_digest"]),
                bytes.fromhex(side["result_digest"]),
                bytes.fromhex(side["made_digest"]) if "made_digest" in side else None,
            )
            for side in row.sides
        ),
        input_digest=row.input_digest,
        engine_version=row.engine_version,
        report=row.report,
        created_at=row.created_at,
    )
