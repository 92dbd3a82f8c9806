"""The lines of a participant's bookings, recomputed from what was booked and what came of it.

In each interval delivered energy x (booked price - charged price), less what was refused x the
rise of the price, and what was not taken x its fall; of a sale the other way round, and what was
not fed in by the price of what is taken. What is refused and served later, inside the window of
a contract, is given nothing, and is held to its booked price where it is served: late energy x
(that price - charged price), or that paid for net export, as far as the point feeds in less for
it. How much of it is late in which interval follows from the meters of all, so here it is held
to no more than was refused, where one run settled all of its days, and its price to those that
were booked. What lies above the block of a contract is not recomputed, as other results make its
price, nor is a booking of which something was given back, or was declined where it was offered
late, or that was booked by law of intervals of another length than those in which it settles.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from verifier.documents import INVOICE_LINES
from verifier.handed import BOOKED_ENERGY
from verifier.own_bookings import OwnBookings
from verifier.own_days import (
    CHARGED_PRICE,
    CHARGED_SELL_PRICE,
    NODE_PRICE,
    NODE_SELL_PRICE,
    PPM,
    WH_PER_MWH,
    OwnDay,
)
from verifier.report import Report
from verifier.results import TAKEN
from verifier.values import Row, to_integer

BOOKING_DELIVERED, BOOKING_REFUSED = "booking_delivered_wh", "booking_refused_wh"
BOOKING_LATE, BOOKING_LATE_PRICE = "booking_late_wh", "booking_late_price_micro_per_mwh"
BOOKING_DECLINED = "booking_declined_wh"
BOOKING_CHARGE = "charge.booking_micro"


def check_own_booked(days: Mapping[str, OwnDay], own: OwnBookings, report: Report) -> None:
    """Hold each booking that was settled to what it says, and its amounts to both prices."""
    settled: dict[str, list[str]] = {}
    for day, of_day in sorted(days.items()):
        for measure, entity in of_day.settled.totals:
            if measure == BOOKED_ENERGY:
                settled.setdefault(entity, []).append(day)
    for entity, of_booking in sorted(settled.items()):
        record = own.records.get(int(entity.partition("/")[0]))
        if record is None:
            report.count("bookings that no sealed stretch opens, whose prices are not here")
            continue
        with report.reading(INVOICE_LINES, f"booking {entity}"):
            check_booking(entity, [(day, days[day]) for day in of_booking], record, report)


def check_booking(
    entity: str, days: Sequence[tuple[str, OwnDay]], record: Row, report: Report
) -> None:
    """Hold a booking's energy to its record, interval by interval, and recompute its amounts."""
    if record.get("given_back") or record.get("let_go"):
        report.count("bookings of which something was given back, which are not recomputed")
        return
    sign = -1 if record["request"]["side"] == "sell" else 1
    point = record["request"]["point"]
    report.equal(INVOICE_LINES, f"booking {entity}", "the supply point of the booking", point,
                 entity.partition("/")[2])  # fmt: skip
    placed = sorted(record["placed"], key=lambda each: to_integer(each["start_minute"]))
    found = [
        value
        for day, own in days
        for value in own.settled.vectors[day, BOOKED_ENERGY, entity]
        if value
    ]
    energies = [sign * to_integer(each["energy_wh"]) for each in placed]
    if abs(sum(found)) < abs(sum(energies)):
        report.count("bookings of which a day lies beyond the file")
        return
    if any(to_integer(each["minutes"]) != own.rules["interval_minutes"]
           for each in placed for _, own in days):  # fmt: skip
        report.equal(INVOICE_LINES, f"booking {entity}", "Wh as booked,", sum(energies), sum(found))
        report.count("bookings by law of other intervals, which are not recomputed")
        return
    report.equal(INVOICE_LINES, f"booking {entity}", "Wh as booked, by interval,", energies, found)
    if energies != found:
        return
    prices = [to_integer(each["price_micro_per_mwh"]) for each in placed]
    hold_late(entity, days, prices, report)
    for day, own in days:
        count = sum(map(bool, own.settled.vectors[day, BOOKED_ENERGY, entity]))
        hold_charge(day, own, entity, prices[:count], report)
        del prices[:count]


def hold_late(
    entity: str, days: Sequence[tuple[str, OwnDay]], prices: Sequence[int], report: Report
) -> None:
    """Hold what is served late to what was refused, and its price to those that were booked."""
    late, refused, between = 0, 0, True
    # A run that settled one of them again may know of more that was served than the others.
    is_of_one = len({own.run_id for _, own in days}) == 1
    for day, own in days:
        vectors = own.settled.vectors
        refused += sum(map(abs, vectors[day, BOOKING_REFUSED, entity]))
        for energy, price in zip(
            vectors[day, BOOKING_LATE, entity],
            vectors[day, BOOKING_LATE_PRICE, entity],
            strict=True,
        ):
            late += energy
            is_booked = energy > 0 and min(prices) <= price <= max(prices)
            between &= is_booked or (energy, price) == (0, 0)
    if not between or (is_of_one and late > refused):
        report.add(INVOICE_LINES, f"booking {entity}",
                   f"late energy of at most {refused} Wh, at prices that were booked",
                   f"{late} Wh{'' if between else ', at another price'}")  # fmt: skip


def hold_charge(
    day: str, own: OwnDay, entity: str, booked_prices: Sequence[int], report: Report
) -> None:
    """Recompute what a booking is charged on a day; `booked_prices` are of its own intervals."""
    vectors, point = own.settled.vectors, entity.partition("/")[2]
    row = own.points[point]
    energy = vectors[day, BOOKED_ENERGY, entity]
    is_sale = any(value < 0 for value in energy)
    buying = vectors.get((day, CHARGED_PRICE, row["node"]), vectors[day, NODE_PRICE, row["node"]])
    selling = vectors.get((day, NODE_SELL_PRICE, row["node"]), buying)
    selling = vectors.get((day, CHARGED_SELL_PRICE, row["node"]), selling)
    price = selling if is_sale else buying
    if (day, BOOKING_DECLINED, entity) in vectors:
        report.count("bookings of which something was declined, which are not recomputed")
        return
    if (day, "excess_wh", point) in vectors:
        report.count("bookings beside the block of a contract, which are not recomputed")
        return
    part, left = own.dynamic_ppm(row["product"]), iter(booked_prices)
    refused_part = 0 if own.is_served_later(row["product"]) else part
    running, sums = 0, [0]
    late = zip(vectors[day, BOOKING_LATE, entity], vectors[day, BOOKING_LATE_PRICE, entity],
               strict=True)  # fmt: skip
    for number, (value, (late_energy, late_price)) in enumerate(zip(energy, late, strict=True)):
        if late_energy:
            taken = min(late_energy, max(vectors[day, TAKEN, point][number], 0))
            running += taken * part // PPM * (late_price - buying[number])
            running += (late_energy - taken) * part // PPM * (late_price - selling[number])
        if value:
            delivered = abs(vectors[day, BOOKING_DELIVERED, entity][number])
            refused = abs(vectors[day, BOOKING_REFUSED, entity][number])
            sign, booked = -1 if is_sale else 1, next(left)
            dearer = (booked - price[number]) * sign
            fall = max(0, (booked - buying[number]) * sign)
            running += delivered * part // PPM * dearer
            running -= refused * refused_part // PPM * max(0, -dearer)
            running += (abs(value) - delivered - refused) * fall
        sums.append(running // WH_PER_MWH)
    expected = [later - earlier for earlier, later in pairwise(sums)]
    what = f"charge.booking of {entity}, booked price beside that charged,"
    report.equal(f"results of {day}", "", what, expected, vectors[day, BOOKING_CHARGE, entity])
    report.count("amounts of bookings recomputed from both prices", len(expected))
