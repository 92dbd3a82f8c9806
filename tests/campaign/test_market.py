"""An adversary's events through markets online: what is moved event by event is what all give.

Every thousand events the prices are made again of all that was said, by settlement's market maker,
and a machine is restored from its state; both go on alike. More demand or less supply lowers no
price, and less demand or more supply raises none. `make campaign` takes ten times as many events as
operations: a million.
"""

import json
import os
import random
import secrets
from dataclasses import replace

import numpy as np
import pytest

from market.core.events import Event, Kind
from market.core.ex_post import AVAILABLE, DEMAND
from market.core.grid_state import MOST_W, GridState
from market.core.machine import Machine, Taken
from market.core.state import restore, state_of
from tests.market.streams import DAY, MINUTE_US, START_US, day_of, online
from tests.market.test_machine import PRICES, same
from tests.market.test_monotone import hold_to_bounds, hold_to_steps
from tests.settlement.core.draws import Words
from tests.settlement.core.examples import read_market

EVENTS = 10 * int(os.environ.get("TALLYSTICK_OPERATIONS", "400"))
SEED = int(os.environ.get("TALLYSTICK_SEED") or secrets.randbits(64))
SHARDS = 4
OF_A_MARKET, BETWEEN_CHECKS = 20_000, 1_000
LIMITS = (0, 1, -1, MOST_W, MOST_W + 1, -MOST_W, 2**62, -(2**63))
COUNTS = {Kind.AVAILABILITY: 1, Kind.DEMAND: 1, Kind.LINE_RATING: 2, Kind.READING: 3,
          Kind.REQUEST: 5, Kind.CHANGE: 5, Kind.DELIVERY: 2, Kind.FORECAST: 4}  # fmt: skip
ABOUT_POINTS = {Kind.DEMAND, Kind.REQUEST, Kind.CHANGE, Kind.CANCEL, Kind.DELIVERY}
OFTEN = (Kind.DEMAND, Kind.AVAILABILITY, Kind.LINE_RATING, Kind.OUTAGE, Kind.RETURN) * 4


class Adversary:
    """Says of two laws of a market whatever an event can say, most of it near what is true."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.at_us, self.number = chance, START_US, 0
        self.asked = ["nobody's"]
        model, _ = read_market(Words(chance.randbytes(4_000)))
        model = replace(model, deliverability="boundary")
        deadband = chance.choice((0, 1, 50_000_000))
        other = replace(model, curves=model.curves[::-1])
        self.laws = {
            name: online(each, digest=name, deadband_micro_per_mwh=deadband, forward_hours=3)
            for name, each in (("one", model), ("other", other))
        }
        self.law = self.laws["one"]

    def first(self) -> list[Event]:
        """The law, from which on all else is judged."""
        return [Event(DAY, "law", Kind.RULES, "", START_US, (), ("one",))]

    def batch(self) -> list[Event]:
        """Some events, taken together."""
        return [self._event() for _ in range(self.chance.choice((1, 1, 2, 5, 40)))]

    def _event(self) -> Event:
        chance = self.chance
        kind = chance.choice((*OFTEN, *Kind))
        self.at_us += chance.choice((0, 0, 1, chance.randrange(2 * MINUTE_US)))
        at_us = self.at_us - chance.choice((0, 0, 0, 5, 20)) * MINUTE_US
        if not chance.randrange(2_000):
            at_us += chance.choice((40, 86_400 * 400)) * 1_000_000
        self.number += 1
        key = f"{self.number}"
        words = self._words(kind)
        if kind is Kind.REQUEST:
            self.asked.append(key)
        # Mostly of its day; readings are of the first, whose intervals they name.
        is_dated = kind is not Kind.READING and chance.randrange(200)
        day = day_of(at_us) if is_dated else DAY
        return Event(day, key, kind, self._entity(kind, words), at_us, self._numbers(kind), words)

    def _entity(self, kind: Kind, words: tuple[str, ...]) -> str:
        model = self.law.model
        if not self.chance.randrange(50):
            return self.chance.choice(("", "nobody"))
        if kind in (Kind.CLOCK, Kind.RULES):
            return ""
        if kind is Kind.LINE_RATING:
            return self.chance.choice(self.law.lines or ("none",))
        is_of_point = kind in ABOUT_POINTS or words[:1] == (DEMAND,)
        return self.chance.choice(model.supply_points if is_of_point else model.units)

    def _numbers(self, kind: Kind) -> tuple[int, ...]:
        chance = self.chance
        if not chance.randrange(100):
            return tuple(chance.choice(LIMITS) for _ in range(chance.randrange(7)))
        minute = self.at_us // MINUTE_US
        if kind is Kind.READING:
            return (chance.randrange(3), chance.randrange(3), chance.randrange(60_000))
        if kind in (Kind.REQUEST, Kind.CHANGE):
            earliest = minute + chance.randrange(-30, 180)
            limit = chance.choice((0, 60_000_000, 6_000_000_000))
            return (chance.randrange(9_000), 3_000, earliest, earliest + 90, limit)
        if kind in (Kind.FORECAST, Kind.DELIVERY):
            start = (minute // 30 + chance.randrange(4)) * 30
            return (start, *(chance.randrange(60_000) for _ in range(COUNTS[kind] - 1)))
        return tuple(chance.randrange(60_000) for _ in range(COUNTS.get(kind, 0)))

    def _words(self, kind: Kind) -> tuple[str, ...]:
        chance = self.chance
        if not chance.randrange(100):
            return tuple(chance.choice(("", "one", "buy")) for _ in range(chance.randrange(3)))
        if kind is Kind.RULES:
            return (chance.choice(tuple(self.laws)),)
        if kind is Kind.READING:
            return (chance.choice((AVAILABLE, DEMAND)), "measured")
        if kind is Kind.REQUEST:
            return ("flexible", chance.choice(("buy", "sell")))
        if kind in (Kind.CHANGE, Kind.CANCEL, Kind.DELIVERY):
            return (chance.choice(self.asked[-50:]),)
        return ()


def hold(machine: Machine) -> None:
    """Hold the prices to those of all that was said, and to what no curve passes."""
    grid, market = machine.grid, machine.market
    assert same(grid.prices(), grid.prices_in_full())
    anew = GridState(market)
    anew.said = grid.said
    anew.obey(market)
    assert same(grid.prices(), anew.prices())
    curves = [*market.model.curves, *(market.model.sell_curves or ())]
    ends = [curve.price_micro_per_mwh for curve in curves]
    for name in PRICES:
        made = getattr(grid.prices(), name)
        assert min(map(np.min, ends)) <= made.min() and made.max() <= max(map(np.max, ends))
    hold_to_bounds(grid.holons, machine.bookings.forward.prices())
    hold_to_steps(machine, len(grid.said))


def as_values(taken: Taken) -> tuple:
    """What became of a batch, so that equal values are equal to the byte."""
    return (
        taken.outcomes,
        [
            (each.at_us, each.cause, each.holons.tobytes(),
             *(vector.tobytes() for vector in vars(each.prices).values()))
            for each in taken.publications
        ],
        taken.booking_records,
    )  # fmt: skip


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_is_moved_event_by_event_is_what_all_that_was_said_gives(shard):
    print(f"seed {SEED}")
    chance, left, outcomes = random.Random(f"{SEED} {shard}"), EVENTS // SHARDS, {}
    while left > 0:
        adversary, since, restored = Adversary(chance), 0, None
        machine = Machine(adversary.laws)
        machine.take(adversary.first())
        end = left - min(left, OF_A_MARKET)
        while left > end:
            batch = adversary.batch()
            taken = machine.take(batch)
            if restored is not None:
                assert as_values(taken) == as_values(restored.take(batch)), batch
            for outcome in taken.outcomes:
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
            left, since = left - len(batch), since + len(batch)
            adversary.law = machine.market
            if since >= BETWEEN_CHECKS:
                hold(machine)
                state = json.loads(json.dumps(state_of(machine)))
                restored, since = restore(state, adversary.laws), 0
        hold(machine)
    print(outcomes)
    assert len(outcomes) > 3, "more became of events than that they were taken"
