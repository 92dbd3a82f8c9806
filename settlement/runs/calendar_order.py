"""Days are posted once a run kind, in the order of the settlement calendar."""

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

import ledger.queries
from common.refusals import Finding, refuse_any
from rulebook.days import range_words, ranges_alike
from rulebook.resolve import RulePeriod, RuleSet
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run

_Posted = tuple[str, tuple[str, ...]]
"""A kind that is posted, and the kinds of the calendar of its day."""


def refuse_posted_days(
    session: Session,
    market: str,
    kind: str,
    periods: Sequence[RulePeriod],
) -> None:
    """Refuse to settle days again under a kind that is posted, or before one that is."""
    _refuse(
        market,
        kind,
        (
            (day, (posted_kind, _kinds(rules)))
            for first_day, last_day, rules in periods
            for day, posted_kind in _posted_runs(session, market, first_day, last_day)
            if posted_kind in _kinds_from(rules, kind)
        ),
    )


def refuse_overtaken_days(session: Session, run: Run) -> None:
    """Refuse to post days that are posted under a later kind; what is posted stands."""
    overtaken: list[tuple[dt.date, _Posted]] = []
    for first_day, last_day, rules in pinned_periods(session, run):
        posted = _posted_runs(session, run.market, first_day, last_day)
        # Posted under this kind too, the ledger decides: the same run again gets its journals back,
        # another is refused for its digest.
        overtaken += (
            (day, (kind, _kinds(rules)))
            for day, kind in posted
            if kind in _kinds_from(rules, run.kind) and (day, run.kind) not in posted
        )
    _refuse(run.market, run.kind, overtaken)


def _posted_runs(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> list[tuple[dt.date, str]]:
    return ledger.queries.posted_runs(session, market, first_day, last_day)


def _kinds(rules: RuleSet) -> tuple[str, ...]:
    return tuple(entry.run for entry in rules.market_rules.settlement_calendar)


def _kinds_from(rules: RuleSet, kind: str) -> tuple[str, ...]:
    """Return the kinds of the calendar from `kind` on."""
    kinds = _kinds(rules)
    return kinds[kinds.index(kind) :]


def _refuse(market: str, kind: str, posted: Iterable[tuple[dt.date, _Posted]]) -> None:
    refuse_any(
        Finding(
            "day-already-posted",
            f"{market} {range_words(first, last)}",
            f"run kind {kind}, after {posted_kind} was posted",
            f"a day is posted once a kind, in the order {', '.join(kinds)}",
            "settle a later kind; it posts the difference",
        )
        for first, last, (posted_kind, kinds) in ranges_alike(posted)
    )
