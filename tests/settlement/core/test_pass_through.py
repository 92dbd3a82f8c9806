"""Pass-through charges, held to worked figures and to a slow reference in exact fractions.

Figures marked as of the Danish settlement are those that its own published tests state
(Energinet, opengeh-wholesale), in millionths of the currency unit and watt-hours.
"""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.pass_through import (
    NO_END,
    QUANTITY_UNITS,
    Links,
    PassThrough,
    Prices,
    hour_steps,
    pass_through_tables,
    subscription_day_micro,
    tariff_micro,
)
from settlement.core.periods import interval_count
from tests.settlement.core.draws import Words, any_of, examples_of

COPENHAGEN, LONDON = "Europe/Copenhagen", "Europe/London"
JANUARY = dt.date(2022, 1, 1)
SPRING, AUTUMN = dt.date(2020, 3, 29), dt.date(2020, 10, 25)
ALWAYS = (dt.date(2000, 1, 1), None)


def ordinals(days) -> tuple[int, int]:
    first, end = days
    return first.toordinal(), NO_END if end is None else end.toordinal()


def charges(kind, prices, links, *, hourly=True, suppliers=(0, 1, 1), zone=COPENHAGEN):
    """Return one charge `C`: prices (days, hours, micro), links (point, days, quantity)."""
    price_rows = [(0, *ordinals(days), *hours, micro) for days, hours, micro in prices]
    link_rows = [(0, point, *ordinals(days), quantity) for point, days, quantity in links]
    return PassThrough(
        time_zone=zone,
        codes=("C",),
        kinds=(kind,),
        is_hourly=np.array([hourly]),
        suppliers=("ask", "birk"),
        point_supplier=np.array(suppliers),
        prices=Prices(*np.array(price_rows, dtype=np.int64).reshape(-1, 6).T),
        links=Links(*np.array(link_rows, dtype=np.int64).reshape(-1, 5).T),
    )


def flat(micro, days=ALWAYS):
    return [(days, (0, 24), micro)]


def settled(pass_through, day, demand_wh, minutes=60):
    tables = pass_through_tables(pass_through, day, minutes, np.asarray(demand_wh))
    return {
        (measure, entity): values
        for measure, entities, table in tables
        for entity, values in zip(entities, table, strict=True)
    }


def demand(day, wh, minutes=60, points=3, zone=COPENHAGEN):
    return np.full((points, interval_count(day, zone, minutes)), wh, dtype=np.int64)


@pytest.mark.parametrize(
    ("price_micro", "energy_wh", "amount_micro"),
    [(1, 499, 0), (1, 500, 1), (499, 1, 0), (500, 1, 1), (-1, 500, -1), (-1, 499, 0),
     (2_000_005, 3 * 1_005, 6_030_015), (0, 10**13, 0), (10**8, 10**13, 10**18)],
)  # fmt: skip
def test_a_tariff_is_rounded_once_halves_away_from_zero(price_micro, energy_wh, amount_micro):
    """Danish settlement: 0.000001 x 0.499 kWh is nothing, x 0.500 a millionth, and so on."""
    amount = tariff_micro(np.array([energy_wh]), np.array([price_micro]))
    assert amount.tolist() == [amount_micro]


def test_a_tariff_that_could_pass_int64_is_refused():
    with pytest.raises(OverflowError, match="energy x price of a tariff"):
        tariff_micro(np.array([10**16]), np.array([10**8]))


@pytest.mark.parametrize(
    ("monthly_micro", "day", "daily_micro"),
    [(10_000_000, dt.date(2020, 2, 7), 344_828),  # 10 over 29 days, Danish settlement
     (10_000_000, dt.date(2020, 5, 31), 322_581),  # 10 over 31 days, Danish settlement
     (310_000, SPRING, 10_000), (310_000, AUTUMN, 10_000),  # a short and a long day are days
     (-15, dt.date(2024, 4, 1), -1), (14, dt.date(2024, 4, 1), 0)],
)  # fmt: skip
def test_a_month_has_its_days(monthly_micro, day, daily_micro):
    assert subscription_day_micro(monthly_micro, day) == daily_micro


def test_a_supplier_pays_for_the_sum_of_its_points_and_the_owner_is_paid_the_same():
    """Danish settlement: 3 points of 1.005 kWh at 2.000005 are 6.030015, rounded in one."""
    links = [(point, ALWAYS, 1) for point in range(3)]
    made = charges("tariff", flat(2_000_005), links, suppliers=(1, 1, 1))
    found = settled(made, JANUARY, demand(JANUARY, 1_005))
    assert found["charge.tariff_micro", "C/birk"].tolist() == [6_030_015] * 24
    assert found["quantity.tariff_wh", "C/birk"].tolist() == [3 * 1_005] * 24
    assert found["payment.tariff_micro", "C"].tolist() == [6_030_015] * 24
    assert not any(measure.startswith("unpriced") for measure, _ in found)


def test_suppliers_are_rounded_apart():
    made = charges("tariff", flat(1), [(0, ALWAYS, 1), (1, ALWAYS, 1)])
    found = settled(made, JANUARY, demand(JANUARY, 500))
    assert found["charge.tariff_micro", "C/ask"][0] == 1
    assert found["charge.tariff_micro", "C/birk"][0] == 1
    assert found["payment.tariff_micro", "C"][0] == 2  # of 1,000 Wh, which alone would bear 1


def test_an_hour_is_rounded_once_and_counted_where_it_begins():
    made = charges("tariff", flat(1), [(0, ALWAYS, 1)])
    found = settled(made, JANUARY, demand(JANUARY, 250, minutes=30), minutes=30)
    assert found["charge.tariff_micro", "C/ask"].tolist() == [1, 0] * 24
    assert found["quantity.tariff_wh", "C/ask"].tolist() == [500, 0] * 24


def test_a_daily_tariff_sums_the_local_day():
    made = charges("tariff", flat(1_000), [(0, ALWAYS, 1)], hourly=False)
    for day, hours in ((SPRING, 23), (JANUARY, 24), (AUTUMN, 25)):
        found = settled(made, day, demand(day, 10, minutes=15), minutes=15)
        assert found["charge.tariff_micro", "C/ask"].tolist()[0] == hours * 40
        assert found["quantity.tariff_wh", "C/ask"].tolist()[1:] == [0] * (4 * hours - 1)


def test_net_export_bears_no_tariff_and_lowers_none():
    made = charges("tariff", flat(1_000), [(0, ALWAYS, 1), (1, ALWAYS, 1)], suppliers=(1, 1, 1))
    values = demand(JANUARY, 700)
    values[0] = -500
    assert settled(made, JANUARY, values)["quantity.tariff_wh", "C/birk"].tolist() == [700] * 24


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (SPRING, COPENHAGEN, [0, 1, *range(3, 24)]),
        (AUTUMN, COPENHAGEN, [0, 1, 2, 2, *range(3, 24)]),
        (dt.date(2024, 3, 31), LONDON, [0, *range(2, 24)]),
        (dt.date(2024, 10, 27), LONDON, [0, 1, 1, *range(2, 24)]),
        (dt.date(2024, 10, 6), "Australia/Lord_Howe", [0, 1, 2, *range(3, 24)]),
        (dt.date(2024, 4, 7), "Australia/Lord_Howe", [0, 1, 1, *range(2, 24)]),
    ],
)
def test_hours_of_days_on_which_clocks_change(day, zone, hours):
    starts, found = hour_steps(day, zone, 30)
    assert found.tolist() == hours
    assert starts.tolist() == sorted(set(starts.tolist()))


def test_prices_follow_the_local_clock_when_it_changes():
    hourly = [(ALWAYS, (hour, hour + 1), 1_000 * hour) for hour in range(24)]
    made = charges("tariff", hourly, [(0, ALWAYS, 1)])
    found = settled(made, SPRING, demand(SPRING, 1_000))
    assert found["charge.tariff_micro", "C/ask"].tolist() == [
        1_000 * hour for hour in (0, 1, *range(3, 24))
    ]
    found = settled(made, AUTUMN, demand(AUTUMN, 1_000))
    assert found["charge.tariff_micro", "C/ask"].tolist()[1:5] == [1_000, 2_000, 2_000, 3_000]


def test_quantities_of_a_subscription_and_a_fee():
    """Danish settlement: quantities 1 and 2 at 3.0 a month of 29 days, and at a fee of 3.0."""
    day = dt.date(2020, 2, 1)
    links = [(1, ALWAYS, 1), (2, ALWAYS, 2)]
    found = settled(charges("subscription", flat(3_000_000), links), day, demand(day, 0))
    assert found["charge.subscription_micro", "C/birk"].tolist() == [3 * 103_448] + [0] * 23
    assert found["quantity.subscription_days", "C/birk"].tolist() == [3] + [0] * 23
    fee = [(point, (day, day + dt.timedelta(days=1)), quantity) for point, _, quantity in links]
    found = settled(charges("fee", flat(3_000_000), fee), day, demand(day, 0))
    assert found["charge.fee_micro", "C/birk"][0] == 9_000_000
    assert found["quantity.fee_pieces", "C/birk"][0] == 3
    assert settled(charges("fee", flat(3_000_000), fee), JANUARY, demand(JANUARY, 0)) == {}


def test_a_price_holds_until_the_next():
    """Danish settlement: 1.0 from the 1st of January, 2.0 from the 3rd."""
    days = [JANUARY + dt.timedelta(days=number) for number in range(5)]
    prices = flat(1_000_000, (days[0], days[2])) + flat(2_000_000, (days[2], None))
    made = charges("fee", prices, [(0, ALWAYS, 1)])
    amounts = [settled(made, day, demand(day, 0))["charge.fee_micro", "C/ask"][0] for day in days]
    assert amounts == [1_000_000, 1_000_000, 2_000_000, 2_000_000, 2_000_000]


def test_a_link_stops_and_starts():
    """Danish settlement: it rests on the 3rd of January, or resumes on the day it stopped."""
    days = [JANUARY + dt.timedelta(days=number) for number in range(5)]
    rests = [(0, (days[0], days[2]), 1), (0, (days[3], days[4]), 1)]
    resumes = [(0, (days[0], days[2]), 1), (0, (days[2], days[4]), 1)]
    for links, expected in ((rests, [1, 1, 0, 1, 0]), (resumes, [1, 1, 1, 1, 0])):
        made = charges("subscription", flat(31), links)
        found = [settled(made, day, demand(day, 0)) for day in days]
        linked = [("charge.subscription_micro", "C/ask") in each for each in found]
        assert linked == [bool(each) for each in expected]


def test_a_missing_price_gives_no_amount_and_a_flag_and_keeps_its_quantity():
    """Danish settlement: the first hour has a price and the others none."""
    made = charges("tariff", [(ALWAYS, (0, 1), 500)], [(0, ALWAYS, 1)])
    found = settled(made, JANUARY, demand(JANUARY, 2_000, minutes=30), minutes=30)
    assert found["charge.tariff_micro", "C/ask"].tolist() == [2_000] + [0] * 47
    assert found["quantity.tariff_wh", "C/ask"].tolist() == [4_000, 0] * 24
    assert found["unpriced.tariff", "C/ask"].tolist() == [0, 0] + [1, 0] * 23
    for kind in ("subscription", "fee"):
        found = settled(charges(kind, [], [(0, ALWAYS, 1)]), JANUARY, demand(JANUARY, 1))
        assert found[f"unpriced.{kind}", "C/ask"].tolist() == [1] + [0] * 23
        assert not found[f"charge.{kind}_micro", "C/ask"].any()
        assert found[f"quantity.{kind}_{QUANTITY_UNITS[kind]}", "C/ask"].tolist() == [1] + [0] * 23


def test_a_price_of_zero_is_a_price():
    found = settled(charges("tariff", flat(0), [(0, ALWAYS, 1)]), JANUARY, demand(JANUARY, 9))
    assert found["quantity.tariff_wh", "C/ask"].tolist() == [9] * 24
    assert ("unpriced.tariff", "C/ask") not in found


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="kinds"):
        charges("rebate", flat(1), [])
    with pytest.raises(ValueError, match="end_day"):
        Prices(*[np.array([1])] * 2, np.array([1, 2]), *[np.array([1])] * 3)
    with pytest.raises(OverflowError, match="price x quantity of a fee"):
        made = charges("fee", flat(10**15), [(0, ALWAYS, 10**9)])
        settled(made, JANUARY, demand(JANUARY, 1))


DAYS = (JANUARY, SPRING, AUTUMN)
PRICES = any_of(range(-(10**6), 10**6 + 1))
WH = any_of(range(-(10**5), 10**7 + 1))


def read_case(words: Words):
    day = words.one_of(DAYS)
    values = words.of(WH, 3, interval_count(day, COPENHAGEN, 30))
    return day, values, words.of(PRICES, 24).tolist(), words.one_of((True, False))


def cases():
    return examples_of(read_case, words=180)


@given(cases())
def test_tariffs_are_those_of_the_slow_reference(case):
    day, values, prices, hourly = case
    by_hour = [(ALWAYS, (hour, hour + 1), price) for hour, price in enumerate(prices)]
    made = charges(
        "tariff",
        by_hour if hourly else flat(prices[0]),
        [(point, ALWAYS, 1) for point in range(3)],
        hourly=hourly,
    )
    found = settled(made, day, values, minutes=30)
    starts, hours = hour_steps(day, COPENHAGEN, 30)
    steps = list(zip(starts.tolist(), hours.tolist(), strict=True)) if hourly else [(0, 0)]
    ends = [start for start, _ in steps[1:]] + [values.shape[1]]
    total = 0
    for supplier, points in (("ask", [0]), ("birk", [1, 2])):
        for (start, hour), end in zip(steps, ends, strict=True):
            taken = sum(max(int(wh), 0) for point in points for wh in values[point, start:end])
            exact = Decimal(taken) * prices[hour] / 1_000
            amount = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
            assert found["charge.tariff_micro", f"C/{supplier}"][start] == amount
            assert found["quantity.tariff_wh", f"C/{supplier}"][start] == taken
            total += amount
    assert found["payment.tariff_micro", "C"].sum() == total


@given(cases(), st.sampled_from(list(QUANTITY_UNITS)), st.integers(1, 400))
def test_splitting_a_link_in_two_ranges_of_days_changes_nothing(case, kind, after):
    day, values, prices, hourly = case
    split = dt.date(2020, 1, 1) + dt.timedelta(days=2 * after)
    links = [(0, ALWAYS, 1), (1, ALWAYS, 1)]
    halves = [(point, days, 1) for point in (0, 1) for days in ((ALWAYS[0], split), (split, None))]
    whole, in_parts = (
        settled(charges(kind, flat(prices[0]), each, hourly=hourly), day, values, minutes=30)
        for each in (links, halves)
    )
    assert whole.keys() == in_parts.keys()
    assert all(np.array_equal(whole[key], in_parts[key]) for key in whole)


@given(cases(), st.sampled_from(list(QUANTITY_UNITS)), st.integers(0, 23))
def test_in_every_interval_suppliers_pay_what_owners_are_paid(case, kind, priced_until):
    day, values, prices, hourly = case
    known = [(ALWAYS, (0, priced_until + 1), prices[0])]
    links = [(point, ALWAYS, 1) for point in range(3)]
    found = settled(charges(kind, known, links, hourly=hourly), day, values, minutes=30)
    charged = sum(v for (measure, _), v in found.items() if measure.startswith("charge."))
    paid = sum(v for (measure, _), v in found.items() if measure.startswith("payment."))
    assert np.array_equal(charged, paid)
