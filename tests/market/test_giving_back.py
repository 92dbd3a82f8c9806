"""What was booked and is given back is owed its fall in price: no promise is made for nothing."""

from market.core.bookings import BookingRecord
from market.core.events import Kind
from market.core.machine import Machine
from tests.market.asking import CAP, START_US, begun, changed, home, later
from tests.market.streams import MINUTE_US, event

WINDOW = (30, 60, CAP)


def demand(power_w: int, minute: int = 0):
    return event(Kind.DEMAND, "home", power_w, at_us=START_US + minute * MINUTE_US)


def record(machine: Machine, *told) -> BookingRecord:
    """What the last event of a batch leaves of its booking."""
    return machine.take(list(told)).booking_records[-1]


def owed(said: BookingRecord) -> int:
    return sum(each.owed_micro for each in said.given_back)


def price(said: BookingRecord) -> int:
    (placed,) = said.placed
    return placed.price_micro_per_mwh


def test_a_sale_that_nobody_means_costs_more_than_what_was_booked_beside_it_saved():
    honest, _ = begun(demand(4_000))
    fair = price(record(honest, home("buy", 3_000, 6_000, *WINDOW)))
    machine, _ = begun(demand(4_000))
    record(machine, home("sale", 4_000, 8_000, 30, 60, -CAP, side="sell"))
    cheap = price(record(machine, home("buy", 3_000, 6_000, *WINDOW)))
    said = record(machine, later(Kind.CANCEL, "sale", 5))
    saved = 3_000 * (fair - cheap) // 10**6
    assert saved > 0
    assert owed(said) >= saved
    # In the interval of the act, whenever it was to be had.
    assert [each.minute * MINUTE_US - START_US for each in said.given_back] == [5 * MINUTE_US]


def test_who_gives_back_or_moves_a_booking_as_prices_fall_pays_the_fall():
    fallen = event(Kind.AVAILABILITY, "wind", 60_000, at_us=START_US + 2 * MINUTE_US)
    machine, _ = begun(demand(4_000), home("a", 1_000, 2_000, *WINDOW))
    (before,) = machine.bookings.known.values()
    moved = record(machine, fallen, changed("a", 3, 1_001, 2_002, 30, 60))
    assert price(moved) < price(before)
    assert owed(moved) == 1_000 * (price(before) - price(moved)) // 10**6 > 0
    gone = record(machine, later(Kind.CANCEL, "a", 4))
    # What it was owed for once is not owed for again, beyond the fall since.
    assert owed(gone) >= owed(moved) and gone.given_back[:1] == moved.given_back


def test_a_change_of_nothing_is_owed_nothing_for_nor_a_booking_given_back_as_prices_rise():
    machine, _ = begun(demand(4_000), home("a", 3_000, 6_000, *WINDOW))
    assert record(machine, changed("a", 1, 3_000, 6_000, 30, 60)).given_back == ()
    record(machine, home("b", 100, 200, *WINDOW, at_us=START_US + MINUTE_US))
    assert record(machine, demand(4_300, 2), later(Kind.CANCEL, "b", 3)).given_back == ()
