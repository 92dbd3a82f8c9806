"""What `manage.py market tell` prints."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from common.quantities import plural
from market.core.events import Outcome
from portal.market_feed import AS_MEANT
from portal.market_telling import WHY, ToldFiles

MOMENT = "%Y-%m-%dT%H:%MZ"
"""As files of events write it."""
SHOWN = 20
"""Events that moved nothing, on a terminal; `--json` has them all."""


def as_json(told: ToldFiles) -> dict[str, Any]:
    """Return what came of files, exact and whole."""
    return {
        "market": told.market,
        "told_before": told.before,
        "told_now": told.now,
        "outcomes": {each.value: told.outcomes[each] for each in sorted(told.outcomes)},
        "apart": [{"place": each.place, "outcome": each.outcome.value} for each in told.apart],
        "waiting": told.waiting,
        "is_led": told.has_leader,
        "clock": None if told.clock is None else dict(zip(("from", "to"), told.clock, strict=True)),
    }


def lines(told: ToldFiles) -> Iterator[str]:
    """Yield what came of files, in words."""
    yield told_line(told.market, told.now, told.before)
    if told.clock is not None:
        yield clock_line(*told.clock)
    yield from outcome_lines(told.outcomes)
    for each in told.apart[:SHOWN]:
        yield f"  {each.place}: {each.outcome}, as {WHY.get(each.outcome, 'it cannot be had')}"
    if len(told.apart) > SHOWN:
        yield f"  and {len(told.apart) - SHOWN:,} more"
    yield from waiting_lines(told.market, told.waiting, has_leader=told.has_leader)


def told_line(name: str, now: int, before: int) -> str:
    """Return how many events were told, and how many had been."""
    again = f"; {before:,} had been told before" if before else ""
    return f"{name}: {plural(now, 'event')} told{again}."


def clock_line(begins: dt.datetime | None, ends: dt.datetime) -> str:
    """Return whereto a clock goes, and by how much."""
    if begins is None:
        return f"The market's clock begins at {ends:{MOMENT}}."
    minutes = (ends - begins) // dt.timedelta(minutes=1)
    days, hours = minutes // (24 * 60), minutes // 60 % 24
    parts = {plural(days, "day"): days, f"{hours} h": hours, f"{minutes % 60} min": minutes % 60}
    words = " ".join(word for word, count in parts.items() if count) or "less than a minute"
    return f"The market's clock goes from {begins:{MOMENT}} to {ends:{MOMENT}}, {words} on."


def outcome_lines(outcomes: Mapping[Outcome, int]) -> Iterator[str]:
    """Yield what became of events, the most first."""
    if outcomes:
        counts = sorted(outcomes.items(), key=lambda each: -each[1])
        yield "What became of them: " + ", ".join(f"{n:,} {each}" for each, n in counts) + "."


def waiting_lines(market: str, waiting: int, *, has_leader: bool) -> Iterator[str]:
    """Yield that events wait, why, and what takes them."""
    if waiting:
        who = "its leader took no more" if has_leader else "nobody leads the market"
        wait, them = ("waits", "it") if waiting == 1 else ("wait", "them")
        takes = f"`manage.py market run {market}` takes {them}"
        yield f"{plural(waiting, 'event')} {wait}, as {who}: {takes}."


def failure(outcomes: Mapping[Outcome, int]) -> str | None:
    """Return that some events moved nothing, though nothing later was known; None where none."""
    moved_nothing = sum(count for each, count in outcomes.items() if each not in AS_MEANT)
    if not moved_nothing:
        return None
    of_all = plural(sum(outcomes.values()), "event")
    return (
        f"{moved_nothing:,} of {of_all} told moved nothing; "
        "docs/market.md, *Events*, says what became of them and why"
    )
