"""A participant's money: lines are sums of their results, and these are recomputed where they can.

    fuel            what a unit generated x its own offer
    dynamic price   what a supply point took x the price of its node, in the part that pays it;
                    the charged price, where published ones are
    bookings        what was booked, at both prices (`verifier.own_booked`)
    regulated       the day's part of a unit's own annual cost

Other amounts are shares of what many cost: their digests are held, and what they are a share of
is only committed to.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from verifier.documents import INVOICE_LINES, Invoice
from verifier.own_days import (
    CHARGED_PRICE,
    CHARGED_SELL_PRICE,
    NODE_PRICE,
    NODE_SELL_PRICE,
    PPM,
    WH_PER_MWH,
    OwnDay,
)
from verifier.posting import is_passed_through, list_used_wh
from verifier.readings import DEMAND, GENERATION, Energy
from verifier.report import Report
from verifier.scope import MONTH
from verifier.values import parse_day, to_text

INTEREST = ("charge.interest", "payment.interest")
COUNTED_APART = ("charge.over_take", "charge.compensation", "charge.excess")
"""Lines of supply points that count other energy than what was taken."""

Account = tuple[str, str, str]
"""A month, and the kind and subject of lines."""


def check_own_money(
    invoices: Sequence[Invoice],
    days: Mapping[str, OwnDay],
    metered: Mapping[str, Energy],
    report: Report,
) -> None:
    """Hold the lines of each month to the results of its days, and these to meters and law."""
    months = {day[:MONTH] for day in days}
    owed: Counter[Account] = Counter()
    energy_wh: Counter[Account] = Counter()
    for day, own in days.items():
        used = list_used_wh(day, own.settled, metered.get(own.run_id, {}))
        check_prices(day, own, used, report)
        for (measure, entity), total in own.settled.totals.items():
            kind, is_money = measure.removesuffix("_micro"), measure.endswith("_micro")
            if is_money and kind.startswith(("charge.", "payment.")):
                subject = subject_of(measure, entity, own.participant)
                owed[day[:MONTH], kind, subject] += total if kind.startswith("charge.") else -total
        for (measure, entity), values in used.items():
            if entity in own.points or entity in own.units:
                energy_wh[day[:MONTH], measure, entity] += sum(values)
    billed: Counter[Account] = Counter()
    counted: defaultdict[Account, int] = defaultdict(int)
    for invoice in invoices:
        month = to_text(invoice.row["billing_month"])[:MONTH]
        for line in invoice.lines:
            if line["kind"] in INTEREST:
                report.count("lines of interest, which rest on payments and no reading")
            elif month in months:
                account = (month, line["kind"], line["subject"])
                billed[account] += line["amount_micro"]
                if line["quantity"] is not None:
                    counted[account] += line["quantity"]
            else:
                report.count("lines of months that the file does not go into")
    for account in sorted(owed.keys() | billed.keys()):
        report.equal(INVOICE_LINES, " ".join(account), "the sum of its results,", owed[account],
                     billed[account])  # fmt: skip
        report.count("sums of lines that are what the results say")
    check_counted(counted, energy_wh, report)


def subject_of(measure: str, entity: str, participant: str) -> str:
    """Return what a line of a result is about: of a charge of others' price, the charge."""
    suffix = f"/{participant}"
    is_charged = is_passed_through(measure) and measure.startswith("charge.")
    return entity.removesuffix(suffix) if is_charged else entity


def check_counted(
    counted: Mapping[Account, int], energy_wh: Mapping[Account, int], report: Report
) -> None:
    """Hold the energy that lines state to the participant's own meters."""
    for (month, kind, subject), quantity in sorted(counted.items()):
        measure = GENERATION if kind.startswith("payment.") else DEMAND
        metered = energy_wh.get((month, measure, subject))
        if metered is None or kind in COUNTED_APART:
            continue
        report.equal(INVOICE_LINES, f"{month} {kind} {subject}", "energy by the meter, in Wh,",
                     abs(metered), abs(quantity))  # fmt: skip
        report.count("quantities of lines that are what the meters read")


def check_prices(
    day: str, own: OwnDay, used: Mapping[tuple[str, str], Sequence[int]], report: Report
) -> None:
    """Recompute the amounts of a day that are a participant's energy at a price, or own cost."""
    vectors = own.settled.vectors
    regulated = own.policy.get("regulated_technologies", ())
    for unit, row in own.units.items():
        paid = vectors.get((day, "payment.fuel_micro", unit))
        energy = used.get((GENERATION, unit))
        if paid is not None and energy is not None:
            price = [row["offer_micro_per_mwh"]] * len(energy)
            expected = price_energy([max(0, value) for value in energy], price)
            hold(day, f"payment.fuel of {unit}, energy x offer,", expected, paid, report)
        cost = vectors.get((day, "payment.regulated_micro", unit))
        if cost is not None and row["technology"] in regulated:
            annual = row["annual_capital_micro"] + row["annual_fixed_micro"]
            expected = [part_of_year(annual, parse_day(day))]
            hold(day, f"payment.regulated of {unit}, own cost,", expected, [sum(cost)], report)
    for point, row in own.points.items():
        charged = vectors.get((day, "charge.dynamic_micro", point))
        energy = used.get((DEMAND, point))
        ex_post = vectors.get((day, NODE_PRICE, row["node"]))
        buying = vectors.get((day, CHARGED_PRICE, row["node"]), ex_post)
        if charged is None or energy is None or buying is None:
            continue
        selling = vectors.get((day, NODE_SELL_PRICE, row["node"]), buying)
        selling = vectors.get((day, CHARGED_SELL_PRICE, row["node"]), selling)
        price = [
            sell if value < 0 else buy
            for value, buy, sell in zip(energy, buying, selling, strict=True)
        ]
        part = own.dynamic_ppm(row["product"])
        expected = [amount * part // PPM for amount in price_energy(energy, price)]
        hold(day, f"charge.dynamic of {point}, energy x price,", expected, charged, report)


def hold(
    day: str, what: str, expected: Sequence[int], found: Sequence[int], report: Report
) -> None:
    """Hold amounts to what they are recomputed to."""
    report.equal(f"results of {day}", "", what, list(expected), list(found))
    report.count("amounts recomputed from own meters, prices and costs", len(found))


def price_energy(energy_wh: Sequence[int], price_micro_per_mwh: Sequence[int]) -> list[int]:
    """Return energy x price by interval, in micro; the exact sum so far is rounded down each time.

    >>> price_energy([300, 300, 300], [2500, 2500, 2500])
    [0, 1, 1]
    """
    running, sums = 0, [0]
    for energy, price in zip(energy_wh, price_micro_per_mwh, strict=True):
        running += energy * price
        sums.append(running // WH_PER_MWH)
    return [later - earlier for earlier, later in pairwise(sums)]


def part_of_year(annual: int, day: dt.date) -> int:
    """Return a day's part of an annual amount; the running sum over the year is rounded down."""
    first = dt.date(day.year, 1, 1)
    days = (dt.date(day.year + 1, 1, 1) - first).days
    elapsed = (day - first).days
    return annual * (elapsed + 1) // days - annual * elapsed // days
