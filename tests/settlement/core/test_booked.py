"""Bookings held to the meter: by hand, against a slow reference, and what nobody can gain."""

import doctest
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core import booked, booked_lots, booking_lines
from settlement.core.booked import (
    EX_POST,
    PUBLISHED,
    Booked,
    OnlineDay,
    charged_prices,
)
from settlement.core.booked_lots import Lot, LotServed
from settlement.core.booking_lines import Flexible, booking_tables
from settlement.core.engine import settle_day
from tests.settlement.core import examples

PPM = 1_000_000
PRICES = st.integers(-(10**9), 10**9)
ENERGY = st.integers(0, 10**7)
INTERVALS = 3
CAP = 6 * 10**9


def as_row(*values):
    return np.array(values, dtype=np.int64)


def line(booking, wished, taken, price, part=PPM, flexible=None):
    """Return the sum of the line of one booking of one point, in micro."""
    tables = booking_tables(
        [booking],
        ("home",),
        wished[np.newaxis],
        taken[np.newaxis],
        np.maximum(taken, 0)[np.newaxis] * part,
        as_row(part),
        (price[np.newaxis], price[np.newaxis]),
        flexible,
    )
    # Of a booking of which nothing is of the day there is no result.
    return sum(int(values.sum()) for measure, _, values in tables if measure == booked.CHARGE)


@pytest.mark.parametrize(
    ("is_sale", "wished", "served", "charged", "part", "micro"),
    [
        # As the module says: delivered, refused and not taken, at a dearer and a cheaper price.
        (False, 100, 80, 90, PPM, -3_000),
        (False, 70, 70, 90, PPM, -2_100),
        (False, 70, 70, 40, PPM, 2_000),
        (False, 100, 100, 40, PPM, 2_000),
        # Half of what is delivered pays the price; what is not taken counts whole.
        (False, 70, 70, 40, PPM // 2, 35 * 20 + 30 * 20),
        # By subscription no price is hedged: taken costs nothing more, and not taken its loss.
        (False, 100, 100, 40, 0, 0),
        (False, 100, 100, 90, 0, 0),
        (False, 0, 0, 40, 0, 2_000),
        # Served late, of what was owed: it is delivered.
        (False, 30, 100, 90, PPM, -3_000),
        (True, -100, -100, 40, PPM, -2_000),
        (True, -70, -70, 90, PPM, 3_000),
        (True, -70, -70, 40, PPM, -1_400),
        (True, 50, 50, 90, PPM, 3_000),
    ],
)
def test_a_line_by_hand(is_sale, wished, served, charged, part, micro):
    booking = Booked(1, 0, is_sale, as_row(100), as_row(60 * 10**6))
    found = line(booking, as_row(wished), as_row(served), as_row(charged * 10**6), part)
    assert found == micro


def flexible(*of_intervals):
    """What Fair Play says of one flexible point, in half-hours."""
    return Flexible(np.array([True]), of_intervals, 30)


def served(power_w, served_w, left_w, *, number=1, price=60, is_new=True):
    lot = Lot(0, 1, number, price * 10**6, power_w)
    return LotServed(lot, is_new, served_w, left_w)


def test_what_is_refused_and_served_later_is_given_nothing_and_what_was_given_back_is_owed():
    booking = Booked(1, 0, False, as_row(100), as_row(60 * 10**6), {0: 7 * PPM + 1})
    row = booking, as_row(100), as_row(80), as_row(90 * 10**6), PPM
    essential = Flexible(np.array([False]), ((),), 30)
    assert line(*row, essential) == -3_000 + 7
    assert line(*row, flexible([served(200, 160, 40)])) == -2_400 + 7


def test_what_is_served_later_costs_its_booked_price_then():
    # 20 Wh were refused, and 5 of them are served where the price is 90, the rest where it is 10.
    booking = Booked(1, 0, False, as_row(100, 0, 0), as_row(60 * 10**6, 0, 0))
    lots = [served(200, 160, 40)], [served(40, 10, 30, is_new=False)]
    lots = flexible(*lots, [served(30, 30, 0, is_new=False)])
    price = as_row(90, 90, 10) * 10**6
    found = line(booking, as_row(100, 0, 0), as_row(80, 5, 15), price, PPM, lots)
    assert found == 80 * (60 - 90) + 5 * (60 - 90) + 15 * (60 - 10)


def test_a_booking_of_the_interval_is_not_filled_by_what_is_late_of_another():
    bookings = [
        Booked(1, 0, False, as_row(0), as_row(0)),
        Booked(2, 0, False, as_row(50), as_row(60 * 10**6)),
    ]
    late = flexible([served(40, 40, 0, is_new=False), served(60, 60, 0, number=2)])
    first, second = booking_lines.hold_to_meter(bookings, as_row(30)[None], as_row(50)[None], late)
    assert (first.late_wh, first.late_price_micro_per_mwh) == (20, 60 * 10**6)
    assert (second.delivered_wh, second.refused_wh, second.not_taken_wh) == (30, 0, 20)


def test_what_is_owed_is_no_choice_who_declines_it_pays_the_fall_of_its_price():
    # 20 Wh were refused at 60. Of 8 that are offered 5 are taken, at 40; and none of the rest, at
    # 90, is worth anything to who does not take it.
    booking = Booked(1, 0, False, as_row(100, 0, 0), as_row(60 * 10**6, 0, 0))
    first, then = served(40, 10, 24, is_new=False), served(24, 0, 0, is_new=False)
    lots = flexible([served(200, 160, 40)], [first], [then])
    found = line(
        booking, as_row(100, 0, 0), as_row(80, 5, 0), as_row(60, 40, 90) * 10**6, PPM, lots
    )
    assert found == 5 * (60 - 40) + 3 * (60 - 40)
    (held,) = booking_lines.hold_to_meter([booking], as_row(100, 0, 0)[None],
                                          as_row(80, 5, 0)[None], lots)  # fmt: skip
    assert held.late_wh.tolist() == [0, 5, 0]
    assert held.declined_wh.tolist() == [0, 3, 12]


def test_what_is_late_where_a_point_feeds_in_costs_what_it_would_have_been_paid_and_no_sale():
    # 50 Wh would have been fed in, all of it sold; 20 are served late, so 30 are.
    bookings = [
        Booked(1, 0, False, as_row(0), as_row(0)),
        Booked(2, 0, True, as_row(50), as_row(60 * 10**6)),
    ]
    late = flexible([served(40, 40, 0, is_new=False)])
    at = bookings, ("home",), as_row(-50)[None], as_row(-30)[None], as_row(0)[None], as_row(PPM)
    prices = as_row(90 * 10**6)[None], as_row(70 * 10**6)[None]
    results = {measure: values.tolist() for measure, _, values in booking_tables(*at, prices, late)}
    assert results[booked.DELIVERED] == [[0], [-30]]
    assert results[booked.CHARGE] == [[20 * (60 - 70)], [30 * (70 - 60)]]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=4),
       st.integers(0, 10**6), st.sampled_from((5, 15, 30, 60)))  # fmt: skip
def test_what_is_refused_of_a_lot_is_late_or_left_to_the_wh(parts, refused_w, minutes):
    """However it is served by parts, and declined: late, declined and left sum to refused."""
    left, late = refused_w, 0
    for most_w, most_declined_w in parts:
        given_w = min(most_w, left)
        declined_w = min(most_declined_w, left - given_w)
        after = left - given_w - declined_w
        lot = served(left, given_w, after, is_new=False)
        late += lot.late_wh(minutes)
        late += lot.declined_wh(minutes)
        left = after
    refused = served(refused_w, 0, refused_w).refused_wh(minutes)
    assert late + -(-left * minutes // 60) == refused


def test_the_examples_hold():
    for module in (booked, booked_lots, booking_lines):
        assert doctest.testmod(module).failed == 0


@given(
    st.lists(st.tuples(ENERGY, PRICES, PRICES, ENERGY, ENERGY), min_size=3, max_size=3),
    st.integers(0, PPM),
    st.booleans(),
)
def test_a_line_is_its_exact_sum_rounded_down_once(rows, part, is_sale):
    energy, price, charged, wished, served = (as_row(*column) for column in zip(*rows, strict=True))
    sign = -1 if is_sale else 1
    exact = Fraction(0)
    for booked_wh, b, c, w, t in rows:
        delivered = min(booked_wh, t)
        refused = max(min(booked_wh, w) - delivered, 0)
        left = booked_wh - delivered - refused
        dearer = sign * (b - c)
        exact += delivered * part // PPM * dearer
        exact += -(refused * part // PPM) * max(-dearer, 0) + left * max(dearer, 0)
    booking = Booked(1, 0, is_sale, energy, price)
    assert line(booking, sign * wished, sign * served, charged, part) == exact // PPM


@given(ENERGY, PRICES, PRICES, ENERGY, st.integers(0, PPM), st.booleans())
def test_nobody_gains_by_what_it_does_not_take(energy, price, charged, taken, part, is_sale):
    """With nothing refused, a booking of just what is taken leaves nobody worse off."""
    sign = -1 if is_sale else 1
    row = sign * as_row(taken)

    def pays(energy_wh):
        booking = Booked(1, 0, is_sale, as_row(energy_wh), as_row(price))
        return line(booking, row, row, as_row(charged), part)

    assert pays(energy) >= pays(min(energy, taken))
    if not taken:
        assert pays(energy) >= 0


@given(ENERGY, PRICES, PRICES)
def test_what_is_delivered_costs_its_booked_price_in_all(energy, price, charged):
    booking = Booked(1, 0, False, as_row(energy), as_row(price))
    taken = as_row(energy)
    ordinary = Fraction(energy * charged, PPM)
    in_all = ordinary + line(booking, taken, taken, as_row(charged))
    assert Fraction(energy * price, PPM) - 1 < in_all <= Fraction(energy * price, PPM)


@given(ENERGY, ENERGY, ENERGY, ENERGY, PRICES, PRICES)
def test_bookings_of_a_point_share_what_it_takes_by_their_number(one, two, wished, taken, b, c):
    bookings = [Booked(n, 0, False, as_row(wh), as_row(b)) for n, wh in ((4, one), (9, two))]
    together = Booked(1, 0, False, as_row(one + two), as_row(b))
    first, second = booking_lines.hold_to_meter(bookings, as_row(wished)[None], as_row(taken)[None])
    (whole,) = booking_lines.hold_to_meter([together], as_row(wished)[None], as_row(taken)[None])
    assert first.delivered_wh + second.delivered_wh == whole.delivered_wh
    assert first.delivered_wh == min(one, taken)


def test_a_published_price_is_charged_where_it_is_known_from_end_to_end():
    ex_post, told = as_row(10, 20, 30)[np.newaxis], as_row(11, 0, 33)[np.newaxis]
    online = OnlineDay(told, told - 5, np.array([True, False, True]))
    found = charged_prices(PUBLISHED, ex_post, ex_post - 1, online)
    assert found.buying.tolist() == [[11, 20, 33]]
    assert found.selling.tolist() == [[6, 19, 28]]
    assert charged_prices(EX_POST, ex_post, ex_post, online).buying is ex_post
    assert charged_prices(PUBLISHED, ex_post, ex_post, None).buying is ex_post


def test_a_day_whose_bookings_pass_what_is_exact_together_is_refused_and_not_wrapped():
    """A sale of five terawatt hours is exact; four hundred that nobody feeds in are not."""
    model, readings = examples.tiny_booked()
    energy = np.zeros(readings.demand_wh.shape[1], dtype=np.int64)
    energy[0] = 5 * 10**12
    sold = [Booked(number, 0, True, energy, energy * 0 - CAP) for number in range(1, 401)]
    for count in (1, 400):
        online = replace(readings.online, bookings=tuple(sold[:count]))
        if count == 1:
            settle_day(model, replace(readings, online=online))
        else:
            with pytest.raises(OverflowError, match="of bookings"):
                settle_day(model, replace(readings, online=online))


def test_what_is_refused_in_a_day_is_late_or_declined_in_it_to_the_wh():
    sums = {table.measure: int(table.values.sum()) for table in
            settle_day(*examples.tiny_declined()).tables}  # fmt: skip
    assert sums[booked.LATE] and sums[booked.DECLINED]
    assert sums[booked.LATE] + sums[booked.DECLINED] == sums[booked.REFUSED]


@pytest.mark.parametrize("returned_to", ["nobody", "everyone"])
def test_what_bookings_come_to_goes_where_all_else_does(returned_to):
    model, readings = examples.tiny_booked()
    model = replace(model, charging=replace(model.charging, returned_to=returned_to))
    alone = settle_day(model, replace(readings, online=replace(readings.online, bookings=())))
    result = settle_day(model, readings)
    sums = {table.measure: table.values.sum(axis=0) for table in result.tables}
    charges = sum(total for measure, total in sums.items() if measure.startswith("charge."))
    payments = sum(total for measure, total in sums.items() if measure.startswith("payment."))
    assert (charges == payments + sums["equalisation_micro"]).all()
    assert sums[booked.CHARGE].any()
    if returned_to == "everyone":
        assert not sums["equalisation_micro"].any()
    for table in alone.tables:
        if table.measure not in ("charge.equalisation_micro", "equalisation_micro"):
            assert np.array_equal(table.values, result.values(table.measure))


def test_published_prices_move_the_dynamic_charge_and_no_price_of_the_grid():
    model, readings = examples.tiny_booked()
    ex_post = settle_day(replace(model, charged_price=EX_POST), readings)
    published = settle_day(model, readings)
    for measure in ("price_micro_per_mwh", "node_price_micro_per_mwh", "charge.fuel_micro"):
        assert np.array_equal(ex_post.values(measure), published.values(measure))
    charged = published.values("charged_price_micro_per_mwh")
    known = published.values("is_published_price")[0] == 1
    assert np.array_equal(charged[:, known], readings.online.published_micro_per_mwh[:, known])
    rest = ex_post.values("node_price_micro_per_mwh")[:, ~known]
    assert np.array_equal(charged[:, ~known], rest)
    measure = "charge.dynamic_micro"
    assert not np.array_equal(ex_post.values(measure), published.values(measure))
