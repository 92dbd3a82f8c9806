"""Trials as those read them who do not oversee the market: sums of many, and rows of their own.

Row security hides trials from them. What everybody may know of those whose drafts were put to
consultation comes by functions of the database that return no other part of a report
(`database.trial_access`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Date, DateTime, Text, Uuid, cast, column, func, select, text
from sqlalchemy.orm import Session

from database.paged import PagedRows

PUBLIC_TRIAL = text(
    "SELECT id, market, first_day, last_day, known_at, mode, drafts, engine_version, created_at, "
    "digest, currency, readings, public FROM settlement.public_trial(:trial_id)"
)
OWN_ROWS = text(
    "SELECT participant, total, cells FROM settlement.own_trial_rows(:trial_id) "
    'ORDER BY participant COLLATE "C"'
)


class ListedTrial(NamedTuple):
    """A trial that everybody may know of."""

    id: uuid.UUID
    market: str
    first_day: dt.date
    last_day: dt.date
    created_at: dt.datetime


@dataclass(frozen=True, eq=False)
class PublicTrial:
    """What everybody may know of a trial.

    Attributes:
        drafts: of each its name, its digest, and when the law was in force that it was drawn from.
        digest: of the whole trial, as it is a leaf of the log.
        readings: how many intervals of metered energy it rests on, and how many were estimated.
        public: see `settlement.trials.public`; None of one that an earlier release made.
    """

    id: uuid.UUID
    market: str
    first_day: dt.date
    last_day: dt.date
    known_at: dt.datetime
    mode: str
    drafts: list[dict[str, str]]
    engine_version: str
    created_at: dt.datetime
    digest: bytes
    currency: str
    readings: dict[str, Any]
    public: dict[str, Any] | None

    @property
    def report(self) -> dict[str, Any]:
        """The figures that may be known, as a report names them; none of an earlier release."""
        return {"currency": self.currency, "readings": self.readings, **(self.public or {})}


class OwnRows(NamedTuple):
    """What a trial says of one participant that the reader acts for.

    `total` is its row of the report, `cells` what that is made of: + is received, in micro.
    """

    participant: str
    total: dict[str, Any]
    cells: list[dict[str, Any]]


def list_public_trials(
    session: Session, draft_digest: bytes | None = None
) -> PagedRows[ListedTrial]:
    """Return trials that everybody may know of, latest first; of one draft where it is named."""
    of_draft = None if draft_digest is None else draft_digest.hex()
    seen = func.settlement.consulted_trials(cast(of_draft, Text)).table_valued(
        column("id", Uuid),
        column("market", Text),
        column("first_day", Date),
        column("last_day", Date),
        column("created_at", DateTime(timezone=True)),
        name="seen",
    )
    query = select(*(seen.c[name] for name in ListedTrial._fields))
    query = query.order_by(seen.c.created_at.desc(), seen.c.id)
    return PagedRows(session, query, lambda rows: [ListedTrial(*row) for row in rows])


def public_trials_of(session: Session, market: str, draft_digest: bytes) -> list[ListedTrial]:
    """Return the trials of a draft of a market that everybody may know of, latest first."""
    found = list_public_trials(session, draft_digest)
    return [listed for listed in found if listed.market == market]


def find_public_trial(session: Session, trial_id: uuid.UUID) -> PublicTrial | None:
    """Return what everybody may know of a trial; None where that is nothing."""
    row = session.execute(PUBLIC_TRIAL, {"trial_id": trial_id}).one_or_none()
    return None if row is None else PublicTrial(*row)


def own_rows(session: Session, trial_id: uuid.UUID) -> Sequence[OwnRows]:
    """Return what a trial that everybody may know of says of those whom the reader acts for."""
    return [OwnRows(*row) for row in session.execute(OWN_ROWS, {"trial_id": trial_id})]
