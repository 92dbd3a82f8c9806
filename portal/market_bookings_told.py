"""What the page of bookings tells of an act: a quote, what giving up costs, what became of it."""

from dataclasses import dataclass, replace
from typing import Any

from common.quantities import energy
from market.core.booking_records import BookingRecord, State
from market.core.bookings_state import record_of
from market.core.events import Outcome
from market.core.forward import MINUTE_US
from market.core.quotes import Reason, Side
from portal import market_bookings_view as shown
from portal.acts.bookings import placed_from
from portal.market_wishes import kept_request
from portal.models import Act
from rulebook.documents import MarketRules

GIVING_UP = "giving-up"
"""As which a quote of what it costs to give a booking up is told."""


@dataclass(frozen=True)
class Became:
    """What became of what was asked, as far as it is known."""

    outcome: str | None
    record: BookingRecord | None

    @property
    def is_running(self) -> bool:
        """Whether nobody took it yet."""
        return self.outcome not in tuple(Outcome)


def quote_told(act: Act, rules: MarketRules) -> dict[str, Any]:
    """Return what a request would be given when it was quoted."""
    asked, found = kept_request(act.arguments), act.outcome["found"]
    placed, reason = placed_from(found), found["quote"]["reason"]
    return {
        "kind": "quote",
        "subject": act.subject,
        "quoted": shown.shown_intervals(placed, rules),
        "quoted_energy": energy(sum(each.energy_wh for each in placed)),
        "quoted_cost": shown.cost_words(placed, rules),
        "asked_energy": energy(asked.energy_wh),
        "is_sale": asked.side is Side.SELL,
        "is_short": reason == Reason.SHORT,
        "is_refused": reason not in (None, Reason.SHORT),
        "why": shown.why_words(Reason(reason), asked, found["clock_us"]) if reason else "",
        "at": shown.moment_words(found["clock_us"] // MINUTE_US, rules),
    }


def giving_up_told(act: Act, rules: MarketRules, begun_us: int) -> dict[str, Any]:
    """Return what giving a booking up would have come to when it was quoted."""
    found = act.outcome["found"]
    before, after = (record_of(found[name]) for name in ("before", "after"))
    back = replace(
        after,
        given_back=after.given_back[len(before.given_back) :],
        let_go=after.let_go[len(before.let_go) :],
    )
    booking = shown.ShownBooking(back, rules, begun_us)
    return {
        "kind": GIVING_UP,
        "number": before.number,
        "booking": booking,
        "is_sale": before.request.side is Side.SELL,
        "is_waiting_yet": before.state is State.WAITING,
        "is_too_late": after.reason is Reason.BEGUN,
        "keeps_some": bool(after.placed),
        "at": shown.moment_words(found["clock_us"] // MINUTE_US, rules),
    }


def became_told(act: Act, rules: MarketRules, begun_us: int, became: Became) -> dict[str, Any]:
    """Return what became of what was asked."""
    record, outcome = became.record, became.outcome
    known = Outcome(outcome) if outcome in tuple(Outcome) else None
    return {
        "kind": act.kind,
        "subject": act.subject,
        "is_waiting": became.is_running,
        "booking": shown.ShownBooking(record, rules, begun_us) if record else None,
        "is_taken": known is Outcome.TAKEN,
        "outcome": outcome,
        "why": shown.OUTCOMES.get(known, "") if known else "",
        "address": f"{act.pk}",
    }
