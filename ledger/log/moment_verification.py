"""Verification of when something was done, by the checkpoints before and after its leaf.

A row that says that it was done before the log was signed without it was written later than it
says; one that says that it was done after the log was signed with it, earlier. Checkpoints leave
the database, to witnesses and keepers, so who rewrites their moments too is found elsewhere.
"""

import datetime as dt
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.damage import damage
from database.moments import MOMENTS, TOLERANCE_MINUTES
from ledger.verification import Findings

UNTRUE = "moment-untrue"
TOLERANCE = dt.timedelta(minutes=TOLERANCE_MINUTES)

# A checkpoint's own leaf has its size as index, so that of a checkpoint is held to the one before.
STATED = """
SELECT stated.{column} AS moment, leaf.key,
    (SELECT signed_at FROM ledger.checkpoint WHERE size < leaf.index
     ORDER BY size DESC LIMIT 1) AS signed_before,
    (SELECT signed_at FROM ledger.checkpoint WHERE size > leaf.index
     ORDER BY size LIMIT 1) AS signed_after
FROM {table} AS stated JOIN ledger.log_leaf AS leaf
    ON leaf.source = '{table}' AND leaf.key = ({key})::text
ORDER BY leaf.index
"""


def verify_moments(session: Session) -> Findings:
    """Yield every decision, step and checkpoint that states a moment that the log denies."""
    for table, moment in MOMENTS.items():
        statement = STATED.format(table=table, column=moment.column, key=moment.key)
        for row in session.execute(text(statement)):
            yield from _held(f"{table} {row.key} {moment.column}", row)


def _held(place: str, row: Any) -> Findings:
    if row.signed_before is not None and row.moment < row.signed_before - TOLERANCE:
        signed = f"the log was signed without it at {_shown(row.signed_before)}"
        yield damage(UNTRUE, place, f"it states {_shown(row.moment)}, and {signed}")
    if row.signed_after is not None and row.moment > row.signed_after + TOLERANCE:
        signed = f"the log was signed with it at {_shown(row.signed_after)}"
        yield damage(UNTRUE, place, f"it states {_shown(row.moment)}, and {signed}")


def _shown(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}Z"
