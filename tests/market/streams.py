"""Random markets, and streams of events about them: honest ones, and an adversary's."""

import datetime as dt
from dataclasses import replace

from market.core.events import Event, Kind
from market.core.online import OnlineMarket
from settlement.core.model import MarketModel
from tests.settlement.core.draws import Words, any_of, examples_of
from tests.settlement.core.examples import read_market

DAY = dt.date(2024, 2, 29)
START_US = int(dt.datetime(2024, 2, 29, tzinfo=dt.UTC).timestamp()) * 1_000_000
MINUTE_US = 60_000_000

KINDS = (
    Kind.DEMAND,
    Kind.AVAILABILITY,
    Kind.LINE_RATING,
    Kind.OUTAGE,
    Kind.RETURN,
    Kind.CLOCK,
)
POWER_W = any_of(range(-30_000, 60_001))
STEP_MINUTES = any_of((0, 0, 1), range(45))
BACK_MINUTES = any_of((0, 0, 0), range(20))
DEADBANDS = (0, 1, 1_000_000, 50_000_000)


def online(model: MarketModel, **changes) -> OnlineMarket:
    """The law of a market online: every price at once, ten minutes of delay."""
    market = OnlineMarket(
        digest="law",
        model=model,
        lines=tuple(f"L{row:03d}" for row in range(len(model.grid.rating_w))),
        suppliers=(("cedar", "doric") * len(model.supply_points))[: len(model.supply_points)],
        zone="UTC",
        deadband_micro_per_mwh=0,
        accepted_delay_us=10 * MINUTE_US,
    )
    return replace(market, **changes)


def day_of(at_us: int) -> dt.date:
    """The day of a moment where these markets are, which keep UTC."""
    return DAY + dt.timedelta(days=(at_us - START_US) // (24 * 60 * MINUTE_US))


def event(kind: Kind, entity: str = "", *numbers: int, at_us: int = START_US, **more) -> Event:
    """An event of a key of its own."""
    words = more.pop("words", ())
    key = more.pop("key", f"{kind}:{entity}:{at_us}:{numbers}")
    return Event(day_of(at_us), key, kind, entity, at_us, numbers, words)


def in_force(at_us: int = START_US) -> Event:
    """The law of `online` from a moment on."""
    return event(Kind.RULES, at_us=at_us, words=("law",))


def read_event(words: Words, market: OnlineMarket, number: int, at_us: int) -> Event:
    """An event about anybody of a market, sometimes about nobody that there is."""
    kind = words.one_of(KINDS)
    names = {
        Kind.DEMAND: market.model.supply_points,
        Kind.LINE_RATING: market.lines,
        Kind.CLOCK: ("",),
    }.get(kind, market.model.units)
    entity = words.one_of((*names, "nobody") if kind is not Kind.CLOCK else names)
    count = {Kind.DEMAND: 1, Kind.AVAILABILITY: 1, Kind.LINE_RATING: 2}.get(kind, 0)
    numbers = words.of(POWER_W, 2)[:count].tolist()
    if kind is not Kind.DEMAND:
        numbers = [abs(number) for number in numbers]
    return Event(day_of(at_us), str(number), kind, entity, at_us, tuple(numbers))


def read_stream(words: Words, count: int = 40) -> tuple[OnlineMarket, list[list[Event]]]:
    """A market, and batches of events whose moments mostly rise."""
    model, _ = read_market(words)
    market = online(model, deadband_micro_per_mwh=words.one_of(DEADBANDS))
    batches, at_us = [[in_force()]], START_US
    for number in range(count):
        at_us += int(words.of(STEP_MINUTES, 1)[0]) * MINUTE_US
        said_us = at_us - int(words.of(BACK_MINUTES, 1)[0]) * MINUTE_US
        if words.count(0, 2):
            batches.append([])
        batches[-1].append(read_event(words, market, number, said_us))
    return market, [batch for batch in batches if batch]


def streams(count: int = 40):
    """A market and batches of events; the first is of the law alone, or begins with it."""
    return examples_of(read_stream, count, words=180 + 16 * count)
