"""Asking a market for flexible energy: what keeps a wish from being asked, and its event.

A wish is judged by a market's machine as it stands at the end of the log. What becomes of it the
leader decides, in its turn: between the two the market goes on.
"""

import datetime as dt
from collections.abc import Iterator, Set
from dataclasses import replace

from common.quantities import energy, power, scaled
from common.refusals import Finding, shown
from market.core.booking_records import BookingRecord, State
from market.core.events import Event, Kind
from market.core.forward import MINUTE_US
from market.core.grid_state import MOST_W
from market.core.online import OnlineMarket
from market.core.promises import product_of
from market.core.quotes import (
    MOST_PRICE_MICRO_PER_MWH,
    MOST_WINDOW_MINUTES,
    Quote,
    Request,
    quote,
)
from market.core.state import another
from market.course import Course
from market.moments import local_day, microseconds_of

GIVING_UP = "giving up"
"""The key of an event that nobody hands in."""


def check_course(course: Course) -> Iterator[Finding]:
    """Find that a market can be asked nothing, as it was told of no law."""
    if course.machine.bookings is None:
        yield Finding(
            "market-not-led",
            f"market {course.market}",
            "its log has no law in force",
            "a market is asked once it is led and was told the law of a day",
            "lead it with `market run`, and tell it of a day with `market tell` or `market feed`",
        )


def check_point(law: OnlineMarket, point: str) -> Iterator[Finding]:
    """Find that the law in force knows no such supply point."""
    if point not in law.model.supply_points:
        yield Finding(
            "supply-point-unknown",
            "supply point",
            shown(point),
            "one that is registered on the day of the market's clock",
            "correct the name",
        )


def check_supplier(
    law: OnlineMarket, market: str, point: str, acts_for: Set[tuple[str, str]], account: str
) -> Iterator[Finding]:
    """Find that somebody asks for a supply point of another supplier; the law knows the point."""
    supplier = law.suppliers[law.model.supply_points.index(point)]
    if (market, supplier) not in acts_for:
        held = ", ".join(name for of, name in sorted(acts_for) if of == market)
        yield Finding(
            "supply-point-of-another",
            f"supply point {point}",
            f"account {account} acts for {held or 'no participant of this market'}",
            f"its supplier asks for it, which is {supplier}",
            f"let who acts for {supplier} ask, or choose a supply point of your own",
        )


def check_request(request: Request) -> Iterator[Finding]:
    """Yield what of a request no market can read."""
    limit = "above nothing, and at most {}"
    if not 0 < request.energy_wh <= MOST_W:
        at_most = limit.format(energy(MOST_W))
        yield Finding(
            "request-energy", "energy", energy(request.energy_wh), at_most, "correct the energy"
        )
    if not 0 < request.power_w <= MOST_W:
        at_most = limit.format(power(MOST_W))
        yield Finding(
            "request-power", "power", power(request.power_w), at_most, "correct the power"
        )
    minutes = request.latest_minute - request.earliest_minute
    if not 0 < minutes <= MOST_WINDOW_MINUTES:
        days = MOST_WINDOW_MINUTES // (24 * 60)
        limit = f"a window that ends after it begins, and within {days} days"
        remedy = "correct the earliest or the latest moment"
        yield Finding("request-window", "window", f"{minutes:,} minutes", limit, remedy)
    if abs(request.limit_micro_per_mwh) > MOST_PRICE_MICRO_PER_MWH:
        limit = f"at most {scaled(MOST_PRICE_MICRO_PER_MWH, 6)} per MWh, either way"
        value = f"{scaled(request.limit_micro_per_mwh, 6)} per MWh"
        yield Finding("request-limit", "price limit", value, limit, "correct the price limit")


def check_open(course: Course, record: BookingRecord) -> Iterator[Finding]:
    """Find that a booking is over, and so not to be changed; the market can be asked."""
    bookings = course.machine.bookings
    known = None if bookings is None else bookings.known.get(record.key)
    if known is None or known.state is State.CANCELLED:
        yield Finding(
            "booking-over",
            f"booking {record.number}",
            record.state.value,
            "a booking that waits or is booked, and is not forgotten",
            "ask anew with `market request`",
        )


def contracted(law: OnlineMarket, request: Request) -> Request:
    """Return a request under the contract of its supply point, which the law knows."""
    row = law.model.supply_points.index(request.point)
    return replace(request, product=product_of(law, row))


def quote_now(course: Course, request: Request, now: dt.datetime) -> Quote:
    """Return what a request that passed every check would be given if it were handed in now."""
    machine = course.machine
    law, clock_us = machine.market, machine.clock_us
    assert law is not None and clock_us is not None, "checked by `check_course`"
    if law.begun_by_handing_in:
        # Not by the machine of the course, which is held to what the log says comes next.
        machine = another(machine)
    assert machine.bookings is not None, "checked by `check_course`"
    if law.begun_by_handing_in:
        came_us = max(machine.handed_in_us or 0, microseconds_of(now))
        machine.bookings.reach(clock_us, came_us)
    return quote(machine.bookings.forward, request)


def given_up_now(
    course: Course, record: BookingRecord, now: dt.datetime
) -> tuple[BookingRecord, BookingRecord]:
    """Return a booking that passed every check, and what giving it up now would leave of it.

    As the leader would take it, were nothing else handed in before: by a machine that is thrown
    away, as that of the course is held to what the log says comes next.
    """
    bookings = course.machine.bookings
    assert bookings is not None, "checked by `check_course`"
    event = cancel_event(course, GIVING_UP, record)
    taken = another(course.machine).take([event], [microseconds_of(now)])
    known = bookings.known[record.key]
    left = [each for each in taken.booking_records if each.key == record.key]
    return known, left[-1] if left else known


def request_event(course: Course, key: str, request: Request) -> Event:
    """Return the event that asks."""
    words = (request.product, request.side.value)
    return _event(course, Kind.REQUEST, key, request.point, _numbers(request), words)


def change_event(course: Course, key: str, record: BookingRecord, wanted: Request) -> Event:
    """Return the event that asks for something else than a booking holds."""
    return _event(course, Kind.CHANGE, key, wanted.point, _numbers(wanted), (record.key,))


def cancel_event(course: Course, key: str, record: BookingRecord) -> Event:
    """Return the event that gives a booking up."""
    return _event(course, Kind.CANCEL, key, record.request.point, (), (record.key,))


def day_now(course: Course) -> dt.date:
    """Return the local day of the market's clock; the market can be asked."""
    law, clock_us = course.machine.market, course.machine.clock_us
    assert law is not None and clock_us is not None, "checked by `check_course`"
    return local_day(clock_us, law.zone)


def minutes_of(moment: dt.datetime) -> int | None:
    """Return a moment in minutes since 1970; None where it is none of a whole minute."""
    minutes, rest_us = divmod(int(moment.timestamp()) * 10**6 + moment.microsecond, MINUTE_US)
    return None if rest_us else minutes


def _numbers(request: Request) -> tuple[int, ...]:
    return (
        request.energy_wh,
        request.power_w,
        request.earliest_minute,
        request.latest_minute,
        request.limit_micro_per_mwh,
    )


def _event(
    course: Course,
    kind: Kind,
    key: str,
    point: str,
    numbers: tuple[int, ...],
    words: tuple[str, ...],
) -> Event:
    clock_us = course.machine.clock_us
    assert clock_us is not None, "checked by `check_course`"
    # Said at the market's moment, which a feed may move faster than the day goes.
    return Event(day_now(course), key, kind, point, clock_us, numbers, words)
