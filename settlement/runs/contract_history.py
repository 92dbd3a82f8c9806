"""What the first day of a run begins with, found in the readings and the law of days before it."""

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy.orm import Session

from common.refusals import Refused
from rulebook.law import rules_for_period
from rulebook.resolve import RulePeriod
from settlement.core.contract_lookback import may_owe
from settlement.core.contract_state import NOTHING_CARRIED, Carried, first_day_of_term
from settlement.core.fair_play_market import asked_w, supply_of_day_w
from settlement.meters.completing import complete
from settlement.meters.quality import UsedReadings
from settlement.meters.readings import Readings
from settlement.meters.store import readings_known_at
from settlement.runs.contract_days import ContractDays
from settlement.runs.online_day_store import online_days_known_at

ONE_DAY = dt.timedelta(days=1)
MOST_DAYS_LOOKED_BACK = 7
"""Before a term, to see that nothing was owed where it began; the term before it is taken else."""


def carried_before(
    session: Session, market: str, periods: Sequence[RulePeriod], known_at: dt.datetime
) -> Carried:
    """Return what a day begins with, as readings and law were known at a moment.

    Args:
        session: the caller's session.
        market: of the day.
        periods: of which it is the first day; where Fair Play shares none of them, nothing is
            carried. The first may be without: a month goes on through days without Fair Play.
    """
    if not any(period.rules.allocation_policy.fair_play for period in periods):
        return NOTHING_CARRIED
    period = periods[0]
    history = _History(session, market, known_at)
    days = history.days(history.begins(period.first_day), period.first_day - ONE_DAY)
    if days is None:
        return NOTHING_CARRIED
    return days.carried_on(period.rules.market_rules.interval_minutes)


def history_begins(session: Session, market: str, day: dt.date, known_at: dt.datetime) -> dt.date:
    """Return the first of the days on which what a day begins with rests; itself if none does."""
    return _History(session, market, known_at).begins(day)


class _History:
    """The days before a run, as they would settle."""

    def __init__(self, session: Session, market: str, known_at: dt.datetime) -> None:
        self._session, self._market, self._known_at = session, market, known_at

    def begins(self, day: dt.date) -> dt.date:
        """Return the first day of a term where nothing was owed: that of a day, or one before."""
        begins = first_day_of_term(day)
        while self.has_law(begins - ONE_DAY) and self.may_owe_at(begins):
            begins = first_day_of_term(begins - ONE_DAY)
        return begins

    def has_law(self, day: dt.date) -> bool:
        """Return whether law is in force on a day."""
        return bool(self._law(day, day))

    def may_owe_at(self, day: dt.date) -> bool:
        """Return whether anything may be owed where a day begins, as far as days before it say."""
        for count in range(1, MOST_DAYS_LOOKED_BACK + 1):
            days = self.days(day - count * ONE_DAY, day - ONE_DAY)
            if days is None:
                return False  # there was no law by which anything could be owed
            if len(days.periods) > 1 or days.first_day != day - count * ONE_DAY:
                # Of other contracts nothing is told here; and where the law begins less than a week
                # before, all that it refused since may be owed.
                return True
            if not _may_owe(days):
                return False
        return True

    def days(self, first: dt.date, last: dt.date) -> ContractDays | None:
        """Return the days on which law is in force, up to a last one; None where there is none."""
        periods = self._law(first, last) if first <= last else []
        if not periods:
            return None
        first = periods[0].first_day
        completed = dict(self._complete(self._readings(first, last), periods))
        online = online_days_known_at(self._session, self._market, first, last, self._known_at)
        return ContractDays(periods, completed, {}, NOTHING_CARRIED, online)

    def _law(self, first: dt.date, last: dt.date) -> list[RulePeriod]:
        """Return the law of the days up to the last one, from where it is without a gap."""
        try:
            return rules_for_period(self._session, self._market, first, last, self._known_at)
        except Refused:
            pass
        found: list[RulePeriod] = []
        for count in range((last - first).days + 1):
            day = last - count * ONE_DAY
            try:
                found = rules_for_period(self._session, self._market, day, last, self._known_at)
            except Refused:
                break
        return found

    def _complete(
        self, readings: Readings, periods: list[RulePeriod]
    ) -> Iterator[tuple[dt.date, dict[str, UsedReadings]]]:
        """Yield each day that could be settled with its readings; what lacks one is left out."""
        completed = complete(readings, periods, self._readings)
        if not completed.findings:
            yield from completed.days.items()
            return
        for first, last, rules in periods:
            for number in range((last - first).days + 1):
                day = first + number * ONE_DAY
                alone = complete(readings, [RulePeriod(day, day, rules)], self._readings)
                if not alone.findings:
                    yield from alone.days.items()

    def _readings(
        self, first: dt.date, last: dt.date, entities: Sequence[str] | None = None
    ) -> Readings:
        return readings_known_at(self._session, self._market, first, last, self._known_at, entities)


def _may_owe(days: ContractDays) -> bool:
    """Return whether anything may be owed where days of one law end."""
    model = days.model_on(days.first_day)
    if model.fair_play is None:
        return False
    seen = [days.readings(day) for day in sorted(days.used)]
    if not seen:
        return False
    supply = [supply_of_day_w(model, readings) for readings in seen]
    asked = [asked_w(model, readings) for readings in seen]
    return may_owe(
        model.rooms,
        model.fair_play.contracts,
        np.concatenate(supply, axis=1),
        np.concatenate(asked, axis=1),
    )
