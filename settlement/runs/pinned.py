"""The law that a stored run obeyed, found again by its pins."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping

from sqlalchemy.orm import Session

from common.refusals import Refused
from rulebook.law import rule_set_by_digests, rules_for_period
from rulebook.resolve import RulePeriod, RuleSet
from settlement.runs.inputs import pins_of
from settlement.runs.run import Pin, Run

UNREADABLE = (Refused, ValueError, TypeError, LookupError, AttributeError)
"""What reading a run, and the law that it names, may end in where rows were changed."""

LawOf = Callable[[str, Mapping[str, bytes]], RuleSet]
"""Finds the law of a market by the digests of its instruments."""


def law_read_once(session: Session) -> LawOf:
    """Return what reads the law of the same digests once, for many runs in one transaction."""
    read: dict[tuple[str, frozenset[tuple[str, bytes]]], RuleSet] = {}

    def law_of(market: str, digests: Mapping[str, bytes]) -> RuleSet:
        key = (market, frozenset(digests.items()))
        if key not in read:
            read[key] = rule_set_by_digests(session, market, digests)
        return read[key]

    return law_of


def pinned_periods(session: Session, run: Run, law_of: LawOf | None = None) -> list[RulePeriod]:
    """Return the published rules that a run obeyed, period by period.

    Args:
        session: the caller's session.
        run: the run.
        law_of: `law_read_once`, where the law of many runs is asked for.
    """
    return periods_of_pins(run.market, run.law_pins, law_of or law_read_once(session))


def periods_of_pins(market: str, pins: Iterable[Pin], law_of: LawOf) -> list[RulePeriod]:
    """Return the published rules that pins name, period by period."""
    periods: dict[tuple[dt.date, dt.date], dict[str, bytes]] = {}
    for pin in pins:
        periods.setdefault((pin.first_day, pin.last_day), {})[pin.instrument] = pin.digest
    return [
        RulePeriod(first_day, last_day, law_of(market, digests))
        for (first_day, last_day), digests in sorted(periods.items())
    ]


def pins_in_force(session: Session, run: Run) -> set[Pin]:
    """Return pins to the law in force on a run's days, as it was known to the run.

    Raises:
        Refused: no law was in force on some of the days.
    """
    days = (run.first_day, run.last_day)
    return set(pins_of(rules_for_period(session, run.market, *days, run.known_at)))
