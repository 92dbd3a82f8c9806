"""Checks of law that settles by the month, over the days of it: pure."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from common.refusals import Finding
from rulebook.days import Span, overlapping
from rulebook.documents import AllocationPolicy

_ONE_DAY = dt.timedelta(days=1)


class PolicyDays(NamedTuple):
    """A policy, and the days on which it would apply."""

    policy: AllocationPolicy
    days: Span


def fair_play_holds_to_month_end(
    policies: Iterable[PolicyDays], places: Mapping[str, str], published: Span
) -> Iterator[Finding]:
    """What a month missed is compensated by the law of its last day, if that moves money.

    Args:
        policies: of a market, one after the other.
        places: how findings name each instrument.
        published: the days of the publication: months that it leaves alone are passed over.
    """
    every = sorted(policies, key=lambda each: each.days[0])
    for number, (policy, (first, end)) in enumerate(every):
        month = first.replace(day=1)
        following = _next_month(month)
        # Of later months the policy has all days, up to one that it does not end.
        if _moves_money(policy) or (end is not None and end < following):
            continue
        before = _last_moving_day(every[:number], month)
        if before is None or not overlapping((month, following), published):
            continue
        day, moving = before
        clauses = moving.clauses_of_line("charge.compensation")
        by = ", ".join(clause.anchor for clause in clauses) or moving.instrument
        yield Finding(
            "fair-play-before-month-end",
            f"{places.get(policy.instrument, policy.instrument)}: fair_play",
            f"moves no money on {following - _ONE_DAY}, and does on {day} by {by}",
            "Fair Play that moves money on a day of a month does on the month's last day, "
            "which compensates what the month missed",
            f"let the law of {day} hold to the month's end, and begin the change on {following}",
        )


def _last_moving_day(
    before: Sequence[PolicyDays], month: dt.date
) -> tuple[dt.date, AllocationPolicy] | None:
    """Return the last day from the first of a month on that moved money, and by which policy."""
    for policy, (_, end) in reversed(before):
        if end is not None and end > month and _moves_money(policy):
            return end - _ONE_DAY, policy
    return None


def _moves_money(policy: AllocationPolicy) -> bool:
    return policy.fair_play is not None and policy.fair_play.moves_money


def _next_month(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1)
