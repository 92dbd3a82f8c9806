"""What a working copy of law needs of the law: documents of a day, and the law it is held to."""

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from common.refusals import Refused
from portal.access import Viewer
from portal.editing.judging import WantedLaw
from portal.editing.keys import kind_of, name_of
from portal.queries.rules import RuleVersion, rules_in_force
from rulebook.days import day_of
from rulebook.law import rules_for_period
from rulebook.resolve import RulePeriod
from rulebook.store import time_zone
from rulebook.tables import VersionRow

OF_PARTICIPANTS = frozenset({"registration", "charge-list"})
"""Kinds of which a document tells of a participant what not everybody may read."""


def may_write(viewer: Viewer, market: str, instrument: str) -> bool:
    """Return whether a user may write a document: whoever may read the whole of it.

    A registration is open to some alone, and so are the links of a charge list; a form or a file of
    the rest would take them away unseen.
    """
    if kind_of(instrument) not in OF_PARTICIPANTS:
        return True
    return viewer.may_read_registration(market, name_of(instrument))


def documents_of_day(
    session: Session, viewer: Viewer, market: str, day: dt.date
) -> list[RuleVersion]:
    """Return the documents of a market on a day that a user may write, in the order of kinds."""
    return [
        version
        for law in rules_in_force(session, day)
        if law.market == market
        for _, versions in law.kinds
        for version in versions
        if may_write(viewer, market, version.instrument)
    ]


def wanted_law(session: Session, market: str, from_day: dt.date, now: dt.datetime) -> WantedLaw:
    """Return the law of a market from a day on, as far as any is scheduled."""
    zone = time_zone(session, market, now) or ""
    try:
        last_day = max(from_day, _last_change(session, market, zone, from_day))
        periods = rules_for_period(session, market, from_day, last_day, now)
    except Refused as refused:
        return WantedLaw((), from_day, zone, refused.findings)
    before = _law_of_month_before(session, market, from_day, now)
    return WantedLaw(tuple(periods), from_day, zone, before=before)


def _law_of_month_before(
    session: Session, market: str, from_day: dt.date, now: dt.datetime
) -> tuple[RulePeriod, ...]:
    """Return the law of the days of a month before one of it; none where they have none."""
    if from_day.day == 1:
        return ()
    try:
        last_day = from_day - dt.timedelta(days=1)
        return tuple(rules_for_period(session, market, from_day.replace(day=1), last_day, now))
    except Refused:
        return ()


def _last_change(session: Session, market: str, zone: str, from_day: dt.date) -> dt.date:
    """Return the day of the last beginning that is scheduled: no law changes after it."""
    last = session.scalar(
        select(func.max(func.lower(VersionRow.valid))).where(
            VersionRow.market == market, func.upper_inf(VersionRow.recorded)
        )
    )
    return from_day if last is None or not zone else day_of(last, zone)
