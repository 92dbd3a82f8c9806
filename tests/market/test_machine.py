"""What the state machine publishes is settlement's own market maker, whatever happens."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from market.core.events import Event, Kind, Outcome
from market.core.grid_state import MOST_W, GridState
from market.core.machine import MOST_AHEAD_US, Cause, Machine, Publication
from market.core.pricing import MOST_DEMAND_W, Prices
from market.core.state import state_of
from settlement.core.scarcity import price_layers
from settlement.core.tightness import node_prices
from tests.market.streams import MINUTE_US, START_US, event, in_force, online, streams
from tests.settlement.core.examples import tiny_market, tiny_market_by_flow

PRICES = ("price_micro_per_mwh", "sell_price_micro_per_mwh")


def same(one: Prices, other: Prices) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def begun(market, *events: Event) -> Machine:
    """A machine under the law of a market, after some events, one batch each."""
    machine = Machine({"law": market})
    machine.take([in_force()])
    for each in events:
        machine.take([each])
    return machine


@given(streams())
def test_sums_moved_one_by_one_give_the_prices_that_settlement_makes_of_all(stream):
    market, batches = stream
    market = replace(market, model=replace(market.model, deliverability="boundary"))
    machine = Machine({"law": market})
    for batch in batches:
        machine.take(batch)
        assert same(machine.grid.prices(), machine.grid.prices_in_full())
        # From what was said alone, whatever the way here.
        anew = GridState(market)
        anew.said = machine.grid.said
        anew.obey(market)
        assert same(machine.grid.prices(), anew.prices())


@given(streams())
def test_node_prices_are_those_of_settlement(stream):
    market, batches = stream
    machine = Machine({"law": market})
    for batch in batches:
        machine.take(batch)
    state, model = machine.grid, replace(market.model, grid=machine.grid.grid)
    powers = [power[:, np.newaxis] for power in (state.sums.available_w, state.sums.demand_w)]
    layers = price_layers(model, *powers)
    expected = node_prices(model.grid, model.layers_in_use, layers)
    made = state.holons.node_prices(state.prices_in_full().price_micro_per_mwh)
    assert np.array_equal(made[0], expected.price_micro_per_mwh[:, 0])
    assert np.array_equal(made[1], expected.binding_layer[:, 0])


def test_a_rating_that_moves_counts_where_prices_are_made_by_maximum_flow():
    market = online(tiny_market_by_flow())
    machine = begun(
        market,
        event(Kind.AVAILABILITY, market.model.units[0], 30_000),
        event(Kind.DEMAND, market.model.supply_points[0], 20_000),
    )
    machine.grid.prices_in_full()
    for line in market.lines:
        machine.take([event(Kind.LINE_RATING, line, 0, 0)])
    anew = GridState(market)
    anew.said = machine.grid.said
    anew.obey(market)
    assert same(machine.grid.prices_in_full(), anew.prices_in_full())


def followed(publications: list[Publication], holons: int) -> dict[str, np.ndarray]:
    """What somebody knows who reads publications alone."""
    known = {name: np.zeros(holons, dtype=np.int64) for name in PRICES}
    for each in publications:
        for name in PRICES:
            known[name][each.holons] = getattr(each.prices, name)
    return known


@given(streams())
def test_who_reads_what_is_published_is_never_further_from_the_price_than_the_deadband(stream):
    market, batches = stream
    market = replace(market, model=replace(market.model, deliverability="boundary"))
    machine, told = Machine({"law": market}), []
    for batch in batches:
        told += machine.take(batch).publications
        exact = machine.grid.prices()
        known = followed(told, len(machine.grid.holons))
        for name in PRICES:
            apart = abs(known[name] - getattr(exact, name)).max()
            assert apart <= market.deadband_micro_per_mwh
            assert np.array_equal(known[name], getattr(machine.published, name))


@given(streams())
def test_every_price_lies_within_its_curve(stream):
    market, batches = stream
    machine = Machine({"law": market})
    told = [each for batch in batches for each in machine.take(batch).publications]
    holons = machine.grid.holons
    curves = {
        PRICES[0]: market.model.curves,
        PRICES[1]: market.model.sell_curves or market.model.curves,
    }
    for each in told:
        for name, of_layers in curves.items():
            for holon, price in zip(each.holons, getattr(each.prices, name), strict=True):
                curve = of_layers[holons.layer[holon]].price_micro_per_mwh
                assert curve[0] <= price <= curve[-1]


@given(streams())
def test_prices_remember_nothing_but_what_was_last_said(stream):
    market, batches = stream
    one, other = Machine({"law": market}), Machine({"law": market})
    for batch in batches:
        one.take(batch)
    everything = [each for batch in batches for each in batch]
    other.take(everything)
    assert one.clock_us == other.clock_us
    assert same(one.grid.prices(), other.grid.prices())
    # The last word of each, alone.
    last = Machine({"law": market})
    last.take([in_force()])
    for (kind, entity), known in one.grid.said.items():
        # Said at once, in any order of clocks: only what was said last of each counts.
        last.grid.said[kind, entity] = known
    last.grid.obey(market)
    assert same(last.grid.prices(), one.grid.prices())


@given(streams(20))
def test_more_demand_lowers_no_price_and_more_supply_raises_none(stream):
    market, batches = stream
    machine = Machine({"law": market})
    for batch in batches:
        machine.take(batch)
    before = machine.grid.prices_in_full()
    chance = random.Random(len(machine.grid.said))
    point = chance.choice(market.model.supply_points)
    taken = machine.grid._said_w(Kind.DEMAND, point)
    at_us = machine.clock_us
    machine.take([event(Kind.DEMAND, point, taken + chance.randrange(50_000), at_us=at_us)])
    dearer = machine.grid.prices_in_full()
    for name in PRICES:
        assert np.all(getattr(dearer, name) >= getattr(before, name))
    unit = chance.choice(market.model.units)
    offered = machine.grid._said_w(Kind.AVAILABILITY, unit)
    more = event(Kind.AVAILABILITY, unit, offered + chance.randrange(50_000), at_us=at_us)
    machine.take([more])
    cheaper = machine.grid.prices_in_full()
    for name in PRICES:
        assert np.all(getattr(cheaper, name) <= getattr(dearer, name))


def test_an_outage_takes_all_of_a_unit_until_it_returns():
    machine = begun(online(tiny_market()), event(Kind.AVAILABILITY, "wind", 9_000))
    assert machine.grid.effective_w("wind") == 9_000
    machine.take([event(Kind.OUTAGE, "wind", at_us=START_US + 1)])
    machine.take([event(Kind.AVAILABILITY, "wind", 8_000, at_us=START_US + 2)])
    assert machine.grid.effective_w("wind") == 0
    machine.take([event(Kind.RETURN, "wind", at_us=START_US + 3)])
    assert machine.grid.effective_w("wind") == 8_000


def test_what_is_older_than_the_last_word_moves_nothing():
    minute = START_US + MINUTE_US
    machine = begun(online(tiny_market()), event(Kind.DEMAND, "home", 500, at_us=minute))
    taken = machine.take([event(Kind.DEMAND, "home", 900, at_us=START_US)])
    assert taken.outcomes == [Outcome.OLDER]
    assert machine.grid.sums.demand_w.sum() == 500


def test_a_node_with_net_export_has_no_demand_and_lowers_none_elsewhere():
    machine = begun(
        online(tiny_market()),
        event(Kind.DEMAND, "plant", 700),
        event(Kind.DEMAND, "shop", -900),
        event(Kind.DEMAND, "home", 100),
    )
    assert machine.grid.sums.demand_w.tolist() == [100, 0]
    machine.take([event(Kind.DEMAND, "plant", 1_000)])
    assert machine.grid.sums.demand_w.tolist() == [100, 100]


OUTCOMES = {
    "of nobody": (event(Kind.DEMAND, "nobody", 1), Outcome.UNKNOWN),
    "without its number": (event(Kind.DEMAND, "home"), Outcome.UNREADABLE),
    "with one number too many": (event(Kind.AVAILABILITY, "gas", 1, 2), Outcome.UNREADABLE),
    "with words": (event(Kind.DEMAND, "home", 1, words=("x",)), Outcome.UNREADABLE),
    "below nothing": (event(Kind.AVAILABILITY, "gas", -1), Outcome.UNREADABLE),
    "of more than there is": (event(Kind.DEMAND, "home", MOST_W + 1), Outcome.UNREADABLE),
    "past what is exact": (event(Kind.DEMAND, "home", MOST_DEMAND_W + 1), Outcome.TOO_LARGE),
    "the most that is exact": (event(Kind.DEMAND, "home", MOST_DEMAND_W), Outcome.TAKEN),
    "a rating one way": (event(Kind.LINE_RATING, "L000", 5), Outcome.UNREADABLE),
    "a clock of somebody": (event(Kind.CLOCK, "home"), Outcome.UNREADABLE),
    "of law that is not": (event(Kind.RULES, words=("other",)), Outcome.UNKNOWN),
    "of law with a number": (event(Kind.RULES, "", 1, words=("law",)), Outcome.UNREADABLE),
    "a day ahead": (
        event(Kind.DEMAND, "home", 1, at_us=START_US + MOST_AHEAD_US),
        Outcome.TAKEN,
    ),
    "more than a day ahead": (
        event(Kind.DEMAND, "home", 1, at_us=START_US + MOST_AHEAD_US + 1),
        Outcome.AHEAD,
    ),
    "a clock far ahead": (
        event(Kind.CLOCK, at_us=START_US + 9 * MOST_AHEAD_US),
        Outcome.TAKEN,
    ),
    "as old as the rules accept": (
        event(Kind.DEMAND, "home", 1, at_us=START_US - 10 * MINUTE_US),
        Outcome.TAKEN,
    ),
    "older than the rules accept": (
        event(Kind.DEMAND, "home", 1, at_us=START_US - 10 * MINUTE_US - 1),
        Outcome.LATE,
    ),
}


@pytest.mark.parametrize("named", OUTCOMES)
def test_what_becomes_of_an_event(named):
    told, outcome = OUTCOMES[named]
    machine = begun(online(tiny_market()))
    clock_us = machine.clock_us
    assert machine.take([told]).outcomes == [outcome]
    if outcome is not Outcome.TAKEN:
        assert machine.clock_us == clock_us and not machine.grid.said


def test_before_there_is_law_nothing_is_known_and_nothing_published():
    machine = Machine({"law": online(tiny_market())})
    taken = machine.take([event(Kind.DEMAND, "home", 1), event(Kind.CLOCK)])
    assert taken.outcomes == [Outcome.UNKNOWN, Outcome.TAKEN]
    assert not taken.publications


def test_where_an_interval_ends_all_is_published_as_it_was_to_its_end():
    market = online(tiny_market(), deadband_micro_per_mwh=10**12)
    half_past = START_US + 30 * MINUTE_US
    machine = begun(
        market,
        event(Kind.AVAILABILITY, "wind", 4_000),
        event(Kind.DEMAND, "home", 3_000),
    )
    before = machine.grid.prices()
    taken = machine.take([event(Kind.DEMAND, "home", 3_900, at_us=half_past + MINUTE_US)])
    (told,) = taken.publications
    assert (told.at_us, told.cause) == (half_past, Cause.INTERVAL_END)
    assert same(told.prices, before) and len(told.holons) == len(machine.grid.holons)
    assert not same(machine.grid.prices(), before)


def test_several_ends_without_an_event_are_one_publication():
    machine = begun(online(tiny_market()))
    taken = machine.take([event(Kind.CLOCK, at_us=START_US + 500 * MINUTE_US)])
    assert [each.at_us for each in taken.publications] == [START_US + 30 * MINUTE_US]


def test_prices_by_maximum_flow_are_published_at_ticks_and_ends_alone():
    market = online(tiny_market_by_flow(), tick_us=10 * MINUTE_US)
    machine = begun(market, event(Kind.AVAILABILITY, "wind", 4_000))
    for minute in range(1, 31):
        moved = event(Kind.DEMAND, "home", 100 * minute, at_us=START_US + minute * MINUTE_US)
        told = machine.take([moved]).publications
        causes = [each.cause for each in told]
        assert causes == {10: [Cause.TICK], 20: [Cause.TICK], 30: [Cause.INTERVAL_END]}.get(
            minute, []
        )


def test_a_line_rated_otherwise_moves_prices_by_maximum_flow_too():
    machine = begun(
        online(tiny_market_by_flow()),
        event(Kind.AVAILABILITY, "wind", 9_000),
        event(Kind.DEMAND, "shop", 3_000),
    )
    before = machine.grid.prices_in_full()
    machine.take([event(Kind.LINE_RATING, "L000", 100, 100)])
    anew = begun(
        online(tiny_market_by_flow()),
        event(Kind.LINE_RATING, "L000", 100, 100),
        event(Kind.AVAILABILITY, "wind", 9_000),
        event(Kind.DEMAND, "shop", 3_000),
    )
    assert same(machine.grid.prices_in_full(), anew.grid.prices_in_full())
    assert not same(machine.grid.prices_in_full(), before)


def test_law_under_which_sums_would_not_be_exact_is_not_put_in_force():
    """Net export weighs up demand at its node alone: taken from it, demand may be too much."""
    market = online(tiny_market())
    moved = replace(market.model, supply_point_node=np.array([0, 0, 1]))
    machine = begun(
        market,
        event(Kind.DEMAND, "shop", -5),
        event(Kind.DEMAND, "plant", MOST_DEMAND_W),
        event(Kind.DEMAND, "home", 5),
    )
    machine.law = {"new": replace(market, digest="new", model=moved)}
    before, rules = state_of(machine), event(Kind.RULES, at_us=START_US + 1, words=("new",))
    assert machine.take([rules]).outcomes == [Outcome.TOO_LARGE]
    assert state_of(machine) == before
    machine.take([event(Kind.DEMAND, "home", 0)])
    assert machine.take([rules]).outcomes == [Outcome.TAKEN]


def test_law_of_another_day_takes_what_was_said_to_where_it_stands_then():
    market = online(tiny_market())
    moved = replace(market.model, supply_point_node=np.array([1, 0, 1]))
    machine = Machine({"law": market, "new": replace(market, digest="new", model=moved)})
    machine.take([in_force(), event(Kind.DEMAND, "home", 7), event(Kind.DEMAND, "plant", 9)])
    assert machine.grid.sums.demand_w.tolist() == [7, 9]
    told = machine.take([event(Kind.RULES, at_us=START_US + 1, words=("new",))]).publications
    assert machine.grid.sums.demand_w.tolist() == [9, 7]
    assert [each.cause for each in told] == [Cause.RULES]
