"""Bookings for people: what each holds, when and at what price, and what became of it in words."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from common.quantities import MINUS, energy, power, ppm, scaled
from market.core.booking_records import BookingRecord, State
from market.core.events import Outcome
from market.core.forward import MINUTE_US
from market.core.quotes import MOST_PRICE_MICRO_PER_MWH, Placed, Reason, Request, Side
from portal.amounts import local_time, money_exact, money_parts
from portal.queries.market_bookings import Owed, OwnPoint
from rulebook.documents import MarketRules

MWH = 1_000_000
SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
CLASSES = {
    State.BOOKED: "plain",
    State.WAITING: "care",
    State.REFUSED: "bad",
    State.CANCELLED: "plain",
    State.DELIVERED: "good",
    State.MISSED: "bad",
}
REASONS = {
    Reason.SHORT: "there is not enough room over its node in the window",
    Reason.MANY: "there is not enough room over its node in the window, and as many wishes of its "
    "supply point wait as may",
    Reason.PRICE: "there is room, but not at that price",
    Reason.WINDOW: "the intervals of the window that are still to come, by the market’s clock, "
    "cannot carry that energy at that power",
    Reason.OWN: "its supply point is expected to take as much itself, and a sale is what it feeds "
    "in beyond that",
    Reason.HORIZON: "its window begins after the intervals that are quoted",
    Reason.BEGUN: "what it holds has begun, and stays booked",
    Reason.SUPPLIER: "another supplies its supply point from then on, or nobody",
}
"""Why something was not had, as the end of a sentence."""
OUTCOMES = {
    Outcome.AGAIN: "a booking of another day has the key of this form",
    Outcome.UNKNOWN: "the law of the market’s day knows no such point, or the market no such "
    "booking any more",
    Outcome.LATE: "it came too late to count",
    Outcome.AHEAD: "it is ahead of the market’s clock",
}


TYPED_MOMENT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class ShownInterval:
    """Energy in one interval; `delivered` is empty until it is told."""

    begins: str
    energy: str
    power: str
    price: str
    cost: str
    delivered: str


@dataclass(frozen=True)
class ShownBooking:
    """A booking as its page lists it."""

    record: BookingRecord
    rules: MarketRules
    begun_us: int

    @property
    def state(self) -> str:
        """Where it stands, in a word."""
        if self.record.state is State.BOOKED and self._begun:
            return "being served" if self._is_running else "served, not yet metered"
        return self.record.state.value

    @property
    def css(self) -> str:
        """The class of its state."""
        return CLASSES[self.record.state]

    @property
    def why(self) -> str:
        """Why it was not had, or the last change of it was not; empty where it was."""
        reason = self.record.reason
        if reason is None:
            return ""
        is_change = self.record.state is State.BOOKED and reason is not Reason.SUPPLIER
        of_change = "The last change was not had: " if is_change else ""
        words = why_words(reason, self.record.request, self.record.at_us)
        return f"{of_change}{words}." if of_change else f"{words[:1].upper()}{words[1:]}."

    @property
    def side(self) -> str:
        """Which way energy goes."""
        return SIDES[self.record.request.side]

    @property
    def energy(self) -> str:
        """All that was asked for."""
        return energy(self.record.request.energy_wh)

    @property
    def power(self) -> str:
        """The most at once."""
        return power(self.record.request.power_w)

    @property
    def window(self) -> tuple[str, str]:
        """From when to when."""
        asked = self.record.request
        return tuple(  # type: ignore[return-value]  # of two
            moment_words(minute, self.rules) for minute in (asked.earliest_minute,
                                                            asked.latest_minute)
        )  # fmt: skip

    @property
    def limit(self) -> str:
        """At what price."""
        return limit_words(self.record.request, self.rules)

    @property
    def intervals(self) -> list[ShownInterval]:
        """What is placed where, and what came of it."""
        told = {each.start_minute: energy(each.energy_wh) for each in self.record.told}
        return shown_intervals(self.record.placed, self.rules, told)

    @property
    def late(self) -> str:
        """What was refused in its interval and served later, and when; empty where nothing was."""
        return "; ".join(
            f"{energy(each.late_wh)} at {moment_words(each.start_minute, self.rules)}"
            for each in self.record.told
            if each.late_wh
        )

    @property
    def missing(self) -> str:
        """What was not delivered of what has missed; empty where nothing was told of it."""
        return missing_words(self.record)

    @property
    def cost(self) -> str:
        """Of all that is placed, at the prices at which it was booked."""
        return cost_words(self.record.placed, self.rules)

    @property
    def owed(self) -> str:
        """What is owed at once for what was given back or moved; empty where nothing is."""
        owed_micro = sum(each.owed_micro for each in self.record.given_back)
        return money_exact(owed_micro, self.rules.currency) if owed_micro else ""

    @property
    def let_go(self) -> str:
        """What was given back, and is held to the price that is charged; empty where nothing is."""
        energy_wh = sum(each.energy_wh for each in self.record.let_go)
        return energy(energy_wh) if energy_wh else ""

    @property
    def delivered(self) -> str:
        """What was told to be delivered; empty before anything was."""
        return energy(self.record.delivered_wh) if self.record.told else ""

    @property
    def is_open(self) -> bool:
        """Whether it can be changed or given up: something of it has not begun."""
        if self.record.state is State.WAITING:
            return True
        return self.record.state is State.BOOKED and len(self._begun) < len(self.record.placed)

    @property
    def _begun(self) -> tuple[Placed, ...]:
        return self.record.begun(self.begun_us)

    @property
    def _is_running(self) -> bool:
        return self.record.placed[-1].end_minute * MINUTE_US > self.begun_us


@dataclass(frozen=True)
class Entitlement:
    """What a supply point is promised, and what is owed to it.

    Attributes:
        owed: what the last settled day left owed; empty where nothing was settled of it.
        waiting: of requests that wait; empty where none does.
    """

    point: OwnPoint
    magnitude: str
    window: str
    promise: str
    owed: str
    waiting: str


def entitlements(
    points: Iterable[OwnPoint], owed: Iterable[Owed], records: Iterable[BookingRecord]
) -> list[Entitlement]:
    """Return what each point is promised, owed, and waits for."""
    of_point = {each.point: each.energy_wh for each in owed}
    waits: dict[str, int] = {}
    for record in records:
        if record.state is State.WAITING:
            waits[record.request.point] = (
                waits.get(record.request.point, 0) + record.request.energy_wh
            )
    return [
        Entitlement(
            each,
            _magnitude(each),
            _window(each),
            ppm(each.product.reliability_ppm) if each.product else "",
            energy(of_point[each.point]) if each.point in of_point else "",
            energy(waits[each.point]) if each.point in waits else "",
        )
        for each in points
    ]


def shown_intervals(
    placed: Sequence[Placed], rules: MarketRules, told: dict[int, str] | None = None
) -> list[ShownInterval]:
    """Return what is placed in intervals, for people."""
    return [
        ShownInterval(
            moment_words(each.start_minute, rules),
            energy(each.energy_wh),
            power(each.power_w),
            money_parts(each.price_micro_per_mwh, rules.currency)[0],
            cost_words([each], rules),
            (told or {}).get(each.start_minute, ""),
        )
        for each in placed
    ]


def missing_words(record: BookingRecord) -> str:
    """Return what was not delivered of a booking that has missed, and why; empty otherwise.

    The market is told nothing of what is served after the window that was asked for.
    """
    if record.state is not State.MISSED or not record.told:
        return ""
    placed = [record.placed_at(each.start_minute) for each in record.told]
    told_wh = sum(each.energy_wh for each in placed if each is not None)
    not_taken_wh = sum(each.not_taken_wh for each in record.told)
    refused_wh = told_wh - record.delivered_wh - not_taken_wh
    did = "taken" if record.request.side is Side.BUY else "fed in"
    words = [f"{energy(not_taken_wh)} was not {did}"] if not_taken_wh else []
    if refused_wh > 0:
        words.append(
            f"{energy(refused_wh)} was refused, and not served inside the window: its line says "
            "what of it is served later, at its booked price"
        )
    return ", ".join(words)


def cost_words(placed: Iterable[Placed], rules: MarketRules) -> str:
    """Return what energy comes to at its prices, cut off at the millionth and then the minor unit.

    Exact in between: the millionths of all intervals are added before they are divided.
    """
    of_all = sum(each.price_micro_per_mwh * each.energy_wh for each in placed)
    micro = of_all // MWH if of_all >= 0 else -(-of_all // MWH)
    shown, below = money_parts(micro, rules.currency)
    return f"{shown}{below}".rstrip("0") if below.strip("0") and abs(micro) < MWH else shown


def why_words(reason: Reason, request: Request, clock_us: int) -> str:
    """Return why something was not had when the market's clock was there, to end a sentence.

    Of a window that is over nothing is still to come, of which anything could be said.
    """
    if reason is Reason.WINDOW and request.latest_minute * MINUTE_US <= clock_us:
        return "its window is over, by the market’s clock"
    return REASONS[reason]


def limit_words(request: Request, rules: MarketRules) -> str:
    """Return the limit of a request, for people."""
    if abs(request.limit_micro_per_mwh) >= MOST_PRICE_MICRO_PER_MWH:
        return "any price"
    word = "at most" if request.side is Side.BUY else "at least"
    shown, below = money_parts(request.limit_micro_per_mwh, rules.currency)
    return f"{word} {shown}{below.rstrip('0')} per MWh"


def moment_words(minute: int, rules: MarketRules) -> str:
    """Return a moment in minutes since 1970 by the local clock."""
    return local_time(moment_of_minute(minute), rules.time_zone)


def moment_of_minute(minute: int) -> dt.datetime:
    """Return a moment in minutes since 1970."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)


def kilo(value: int) -> str:
    """Return Wh or W as people type them in kWh or kW."""
    return scaled(value, 3).replace(",", "")


def typed_wish(asked: Request, zone: ZoneInfo) -> dict[str, str]:
    """Return what a request asks for as its form holds it."""
    earliest, latest = (
        moment_of_minute(minute).astimezone(zone).strftime(TYPED_MOMENT)
        for minute in (asked.earliest_minute, asked.latest_minute)
    )
    limit = asked.limit_micro_per_mwh
    return {
        "point": asked.point,
        "side": asked.side.value,
        "energy": kilo(asked.energy_wh),
        "power": kilo(asked.power_w),
        "earliest": earliest,
        "latest": latest,
        "limit": "" if abs(limit) >= MOST_PRICE_MICRO_PER_MWH else typed_price(limit),
    }


def typed_price(micro: int) -> str:
    """Return a price as people type it."""
    return scaled(micro, 6, at_least=2).replace(",", "").replace(MINUS, "-")


def _magnitude(point: OwnPoint) -> str:
    if point.product is None or point.product.magnitude_w is None:
        return "no limit"
    of_all = power(point.product.magnitude_w * max(point.households, 1))
    if point.households <= 1:
        return of_all
    return f"{of_all}, {power(point.product.magnitude_w)} each"


def _window(point: OwnPoint) -> str:
    if point.product is None or point.product.window_minutes is None:
        return "at once"
    hours, minutes = divmod(point.product.window_minutes, 60)
    words = [f"{hours} h"] if hours else []
    return "within " + " ".join([*words, *([f"{minutes} min"] if minutes else [])])
