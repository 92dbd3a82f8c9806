"""Days are posted once a run kind, in the order of the settlement calendar."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

import ledger.queries
from common.refusals import Finding, refuse_any
from rulebook.resolve import RulePeriod, RuleSet
from settlement.runs.pinned import pinned_periods
from settlement.runs.run import Run


def refuse_posted_days(
    session: Session,
    market: str,
    kind: str,
    periods: Sequence[RulePeriod],
) -> None:
    """Refuse to settle a day again under a kind that is posted, or before one that is."""
    refuse_any(
        _out_of_order(market, day, kind, posted_kind, rules)
        for first_day, last_day, rules in periods
        for day, posted_kind in _posted_runs(session, market, first_day, last_day)
        if posted_kind in _kinds_from(rules, kind)
    )


def refuse_overtaken_days(session: Session, run: Run) -> None:
    """Refuse to post a day that is posted under a later kind; what is posted stands."""
    for first_day, last_day, rules in pinned_periods(session, run):
        posted = _posted_runs(session, run.market, first_day, last_day)
        # Posted under this kind too, the ledger decides: the same run again gets its journals back,
        # another is refused for its digest.
        refuse_any(
            _out_of_order(run.market, day, run.kind, kind, rules)
            for day, kind in posted
            if kind in _kinds_from(rules, run.kind) and (day, run.kind) not in posted
        )


def _posted_runs(
    session: Session, market: str, first_day: dt.date, last_day: dt.date
) -> list[tuple[dt.date, str]]:
    return ledger.queries.posted_runs(session, market, first_day, last_day)


def _kinds_from(rules: RuleSet, kind: str) -> list[str]:
    """Return the kinds of the calendar from `kind` on."""
    kinds = [entry.run for entry in rules.market_rules.settlement_calendar]
    return kinds[kinds.index(kind) :]


def _out_of_order(
    market: str, day: dt.date, kind: str, posted_kind: str, rules: RuleSet
) -> Finding:
    kinds = [entry.run for entry in rules.market_rules.settlement_calendar]
    return Finding(
        "day-already-posted",
        f"{market} {day}",
        f"run kind {kind}, after {posted_kind} was posted",
        f"a day is posted once a kind, in the order {', '.join(kinds)}",
        "settle a later kind; it posts the difference",
    )
