"""What `manage.py market tell` prints."""

from collections.abc import Iterator, Mapping
from typing import Any

from market.core.events import Outcome
from portal.market_telling import WHY, ToldFiles

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
    }


def lines(told: ToldFiles) -> Iterator[str]:
    """Yield what came of files, in words."""
    again = f"; {told.before:,} had been told before" if told.before else ""
    yield f"{told.market}: {told.now:,} events told{again}."
    yield from outcome_lines(told.outcomes)
    for each in told.apart[:SHOWN]:
        yield f"  {each.place}: {each.outcome}, as {WHY.get(each.outcome, 'it cannot be had')}"
    if len(told.apart) > SHOWN:
        yield f"  and {len(told.apart) - SHOWN:,} more"
    yield from waiting_lines(told.market, told.waiting, has_leader=told.has_leader)


def outcome_lines(outcomes: Mapping[Outcome, int]) -> Iterator[str]:
    """Yield what became of events, the most first."""
    if outcomes:
        counts = sorted(outcomes.items(), key=lambda each: -each[1])
        yield "What became of them: " + ", ".join(f"{n:,} {each}" for each, n in counts) + "."


def waiting_lines(market: str, waiting: int, *, has_leader: bool) -> Iterator[str]:
    """Yield that events wait, why, and what takes them."""
    if waiting:
        who = "its leader took no more" if has_leader else "nobody leads the market"
        yield f"{waiting:,} events wait, as {who}: `manage.py market run {market}` takes them."


def failure(told: ToldFiles) -> str | None:
    """Return that some events moved nothing."""
    if not told.apart:
        return None
    return (
        f"{len(told.apart):,} of the events told moved nothing; "
        "docs/market.md, *Events*, says what became of them and why"
    )
