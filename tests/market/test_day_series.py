"""Prices of a day, weighted by how long they held, beside those ex post: exact to the last one."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from market.core.events import Kind
from market.core.machine import Cause, Machine, Publication
from market.core.pricing import Holons, Prices
from market.day_series import AT_NODES, day_series
from tests.market.led import LAW
from tests.market.streams import DAY, MINUTE_US, START_US, event, in_force, streams

HOLONS = Holons(LAW.model)
EVERY = np.arange(len(HOLONS), dtype=np.int64)
HALF_HOUR_US = 30 * MINUTE_US
DAY_US = 48 * HALF_HOUR_US
MOST = 6_000_000_000


def published(at_us: int, *prices: int, holons=EVERY, cause=Cause.MOVED) -> Publication:
    vector = np.array(prices * (len(holons) // len(prices)), dtype=np.int64)
    return Publication(
        START_US + at_us, cause, np.array(holons), Prices(vector, vector, vector), "law"
    )


def series(*publications: Publication, before=None, reached_us: int | None = None):
    return day_series(DAY, LAW, before, publications, reached_us)


def test_a_mean_is_weighted_to_the_microsecond_and_rounded_down():
    found = series(
        published(0, MOST, cause=Cause.RULES),
        published(1, -MOST, holons=[0]),
        published(HALF_HOUR_US - 1, 7, holons=[0]),
    )
    exact = Fraction(MOST - MOST * (HALF_HOUR_US - 2) + 7, HALF_HOUR_US)
    assert found.published[0, 0] == exact.__floor__()
    assert found.published[1:5, 0].tolist() == [MOST] * 4
    assert found.published[0, 1:].tolist() == [7] * 47
    assert found.is_published.all() and not found.is_ex_post.any()


def test_an_interval_counts_where_its_price_is_known_from_end_to_end():
    found = series(published(1, 5, cause=Cause.RULES), reached_us=START_US + 3 * HALF_HOUR_US - 1)
    assert np.flatnonzero(found.is_published).tolist() == [1]
    found = series(before=np.full(len(HOLONS), 5, dtype=np.int64))
    assert found.is_published.all() and (found.published == 5).all()
    assert not series(published(0, 3, holons=[0])).is_published.any(), "of one holon alone"


def test_what_ends_at_midnight_by_the_law_before_says_nothing_of_the_day():
    other = published(0, 9, holons=[0], cause=Cause.INTERVAL_END)
    found = series(other, published(0, 4, cause=Cause.RULES))
    assert (found.published[:, 0] == 4).all() and found.is_published.all()


def test_the_last_price_ex_post_counts():
    revised = [published(HALF_HOUR_US, price, cause=Cause.EX_POST) for price in (8, 9)]
    found = series(published(0, 10, cause=Cause.RULES), *revised)
    assert np.flatnonzero(found.is_ex_post).tolist() == [1]
    for each in found.apart():
        assert (each.largest_micro_per_mwh, each.mean_micro_per_mwh) == (1, 1)
        assert each.interval == 1
    assert found.apart()[-1].layer == AT_NODES
    assert found.apart()[-1].pairs == len(LAW.model.grid.nodes)


def test_the_largest_is_of_either_sign_and_the_first_of_equals():
    found = series(
        published(0, 10, cause=Cause.RULES),
        *(published(at * HALF_HOUR_US, price, cause=Cause.EX_POST) for at, price in
          ((0, 12), (1, 15), (2, 5), (3, 15))),
    )  # fmt: skip
    outermost = found.apart()[0]
    assert (outermost.pairs, outermost.largest_micro_per_mwh, outermost.interval) == (4, -5, 1)
    assert outermost.mean_micro_per_mwh == (2 + 5 + 5 + 5) // 4


def test_a_day_of_which_nothing_is_known_is_compared_with_nothing():
    assert {(each.pairs, each.name) for each in series().apart()} == {(0, None)}


@given(streams(30))
def test_it_is_the_integral_of_what_was_published(stream):
    market, batches = stream
    machine, told, held = Machine({"law": market}), [], []
    for batch in batches:
        told += machine.take(batch).publications
    end_us = START_US + DAY_US
    told = [each for each in told if each.at_us < end_us]
    found = day_series(DAY, market, None, told, end_us)
    now = None
    for each, until_us in zip(told, [*(each.at_us for each in told[1:]), end_us], strict=True):
        prices = each.prices.price_micro_per_mwh
        now = prices.copy() if now is None else now.copy()
        now[each.holons] = prices
        held.append((now, each.at_us, until_us))
    for interval in range(3):
        from_us = START_US + interval * HALF_HOUR_US
        exact = sum(
            int(prices[0]) * max(0, min(until, from_us + HALF_HOUR_US) - max(since, from_us))
            for prices, since, until in held
        )
        assert found.published[0, interval] == exact // HALF_HOUR_US


@pytest.mark.parametrize("deadband", [0, 10**12])
def test_a_market_that_publishes_at_the_end_alone_is_apart_from_the_one_that_goes_with_it(deadband):
    market = replace(LAW, deadband_micro_per_mwh=deadband)
    machine = Machine({"law": market})
    told = machine.take([in_force()]).publications
    point, at_us = market.model.supply_points[0], START_US + HALF_HOUR_US // 2
    told += machine.take([event(Kind.DEMAND, point, 50_000, at_us=at_us)]).publications
    found = day_series(DAY, market, None, told, machine.clock_us)
    assert not found.is_published.any(), "the first interval is not over"
    told += machine.take([event(Kind.CLOCK, at_us=START_US + HALF_HOUR_US)]).publications
    found = day_series(DAY, market, None, told, machine.clock_us)
    assert found.is_published.tolist() == [True, *[False] * 47]
    before, after = (each.prices.price_micro_per_mwh[0] for each in (told[0], told[-1]))
    mean = before if deadband else (before + after) // 2
    assert before < after and found.published[0, 0] == mean
