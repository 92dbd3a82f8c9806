"""Checks of a charge list: codes, clauses, days and hours, prices, and links."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from common.refusals import Finding, shown
from rulebook.checks.parts import identifier_key, spelling_of
from rulebook.days import Span, first_uncovered, overlapping, shared_days
from rulebook.documents import ChargeList
from rulebook.documents.base import LARGEST_INTEGER
from rulebook.documents.charge_list import (
    WORD_OF_LINKED,
    Charge,
    ChargeLink,
    DayRange,
    Fee,
    FeePrice,
    Subscription,
    SubscriptionPrice,
    Tariff,
    TariffPrice,
)

Price = TariffPrice | SubscriptionPrice | FeePrice
HOURS = range(24)


def span_of(part: DayRange) -> Span:
    """Return the days of a price or link, half open."""
    return part.from_day, part.to_day


def placed_charges(charges: ChargeList) -> Iterator[tuple[str, Charge]]:
    """Yield every charge with its field path."""
    for field in ("tariffs", "subscriptions", "fees"):
        for position, charge in enumerate(getattr(charges, field)):
            yield f"{field}[{position}]", charge


def prices_of(charge: Charge) -> Sequence[Price]:
    """Return the prices of a charge of any kind."""
    if isinstance(charge, Tariff | Subscription | Fee):
        return charge.prices
    raise TypeError(f"{type(charge).__name__} has no prices")


def charges_stand_once(charges: ChargeList, place: str) -> Iterator[Finding]:
    """A code stands once a type, and its clause is one of the list."""
    anchors = [clause.anchor for clause in charges.clauses]
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for path, charge in placed_charges(charges):
        key = charge.type, identifier_key(charge.code)
        earlier, known = first.setdefault(key, (path, charge.code))
        if earlier != path:
            yield Finding(
                "charge-repeated",
                f"{place}: {path}.code",
                spelling_of(charge.code, known),
                f"a code stands once a type, and {earlier} has it",
                "remove or rename one of them",
            )
        if charge.clause not in anchors:
            yield Finding(
                "charge-unknown-clause",
                f"{place}: {path}.clause",
                shown(charge.clause),
                f"a charge rests on a clause of its list: {', '.join(anchors)}",
                "name the clause, or write it",
            )


def days_and_hours_are_ranges(charges: ChargeList, place: str) -> Iterator[Finding]:
    """A range of days or hours ends after it begins; a daily tariff has one price a day."""
    parts: list[tuple[str, DayRange]] = [
        (f"{path}.prices[{number}]", price)
        for path, charge in placed_charges(charges)
        for number, price in enumerate(prices_of(charge))
    ]
    parts += [(f"links[{number}]", link) for number, link in enumerate(charges.links)]
    for path, part in parts:
        if part.to_day is not None and part.to_day <= part.from_day:
            yield Finding(
                "days-empty",
                f"{place}: {path}.to_day",
                str(part.to_day),
                f"it lies after the first day, {part.from_day}",
                "name a later day; it is the first no longer included",
            )
        if isinstance(part, TariffPrice) and part.to_hour <= part.from_hour:
            yield Finding(
                "hours-empty",
                f"{place}: {path}.to_hour",
                str(part.to_hour),
                f"it lies after the first hour, {part.from_hour}",
                "name a later hour, or write two prices, one to 24 and one from 0",
            )
    for position, tariff in enumerate(charges.tariffs):
        for number, price in enumerate(tariff.prices):
            if tariff.resolution == "day" and (price.from_hour, price.to_hour) != (0, 24):
                yield Finding(
                    "daily-tariff-by-hour",
                    f"{place}: tariffs[{position}].prices[{number}]",
                    f"hours {price.from_hour} to {price.to_hour}",
                    f"the price of the daily tariff {tariff.code} holds all day",
                    "remove the hours, or make the resolution `hour`",
                )


def prices_do_not_overlap(charges: ChargeList, place: str) -> Iterator[Finding]:
    """At most one price of a charge holds in any hour."""
    for path, charge in placed_charges(charges):
        found: set[tuple[int, int]] = set()
        for numbered in _by_hour(charge).values():
            ordered = sorted(numbered, key=lambda each: each[1].from_day)
            for (number, price), (other, later) in pairwise(ordered):
                if overlapping(span_of(price), span_of(later)):
                    found.add((min(number, other), max(number, other)))
        for number, other in sorted(found):
            yield Finding(
                "prices-overlap",
                f"{place}: {path}.prices[{other}]",
                f"from {prices_of(charge)[other].from_day}",
                f"one price of {charge.code} holds at a time, and prices[{number}] does",
                "end one where the other begins",
            )


def links_fit_charges(charges: ChargeList, place: str) -> Iterator[Finding]:
    """A link names one meter and a charge of the list, and its quantity and days fit that."""
    linked = charges.linked_charges()
    types: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for each in charges.charges:
        types[each.code][each.type] = None
    for number, link in enumerate(charges.links):
        at = f"{place}: links[{number}]"
        yield from _one_thing_is_linked(link, at)
        charge = linked.get((link.charge, link.charge_type))
        if charge is None and link.charge in types and link.charge_type is None:
            yield Finding(
                "link-of-several-types",
                f"{at}.charge_type",
                "nothing",
                f"{link.charge} is a {' and a '.join(types[link.charge])}, so a link states which",
                "state the type",
            )
        elif charge is None:
            wanted = f"{link.charge_type} {link.charge}" if link.charge_type else link.charge
            yield Finding(
                "link-unknown-charge",
                f"{at}.charge",
                shown(wanted),
                f"a charge of this list: {', '.join(types) or 'it has none'}",
                "correct the code, or add the charge",
            )
        elif isinstance(charge, Tariff) and link.quantity != 1:
            yield Finding(
                "tariff-link-quantity",
                f"{at}.quantity",
                str(link.quantity),
                f"tariff {link.charge} is measured by energy, so its quantity is 1",
                "remove the quantity",
            )
        elif isinstance(charge, Fee) and link.to_day != link.from_day + dt.timedelta(days=1):
            yield Finding(
                "fee-link-not-one-day",
                f"{at}.to_day",
                shown(link.to_day and str(link.to_day)),
                f"fee {link.charge} falls on one day",
                f"write {link.from_day + dt.timedelta(days=1)}, or make it a subscription",
            )


def _one_thing_is_linked(link: ChargeLink, at: str) -> Iterator[Finding]:
    if len(link.named) != 1:
        fields = ", ".join(WORD_OF_LINKED)
        yield Finding(
            "link-of-one-thing",
            at,
            " and ".join(f"{kind} {shown(name)}" for kind, name in link.named) or "nothing",
            f"a link names one thing that the charge falls on: {fields}",
            "write a link for each" if link.named else "name it",
        )


def links_do_not_overlap(charges: ChargeList, place: str) -> Iterator[Finding]:
    """A charge falls on a supply point, unit or sub-meter at most once a day."""
    links: defaultdict[tuple[str, str, str], list[tuple[int, ChargeLink]]] = defaultdict(list)
    linked = charges.linked_charges()
    for number, link in enumerate(charges.links):
        of = linked.get((link.charge, link.charge_type))
        for _, name in link.named:
            links[of.type if of else "", link.charge, name].append((number, link))
    for (_, charge, point), numbered in links.items():
        ordered = sorted(numbered, key=lambda each: each[1].from_day)
        for (number, link), (other, later) in pairwise(ordered):
            if overlapping(span_of(link), span_of(later)):
                yield Finding(
                    "links-overlap",
                    f"{place}: links[{other}]",
                    f"from {later.from_day}",
                    f"{charge} falls on {point} once a day, and links[{number}] links them",
                    "end one where the other begins, or add up their quantities",
                )


def amounts_can_be_counted(charges: ChargeList, place: str) -> Iterator[Finding]:
    """What a subscription or fee comes to in a month can be counted exactly."""
    quantity: defaultdict[tuple[str, str], int] = defaultdict(int)
    linked = charges.linked_charges()
    for link in charges.links:
        of = linked.get((link.charge, link.charge_type))
        if of is not None:
            quantity[of.type, of.code] += link.quantity
    for path, charge in placed_charges(charges):
        for number, price in enumerate(prices_of(charge)):
            if isinstance(price, TariffPrice):
                continue  # the engine bounds energy, which no document states
            each = (
                price.price_micro_per_month
                if isinstance(price, SubscriptionPrice)
                else price.price_micro_per_piece
            )
            most = abs(each) * quantity[charge.type, charge.code]
            if most > LARGEST_INTEGER:
                yield Finding(
                    "charge-too-large",
                    f"{place}: {path}.prices[{number}]",
                    f"{most:_} micro",
                    f"price x quantity of all links is at most {LARGEST_INTEGER:_} micro",
                    "check price and quantities",
                )


def unpriced_days(charges: ChargeList, within: Span) -> Iterator[tuple[int, dt.date]]:
    """Yield the number of each link that has a day without a price, and the first such day.

    Only days between a charge's first price and the end of its last count: earlier and later prices
    may still be published, and until they are, settlement states what is linked and flags it.
    """
    linked = charges.linked_charges()
    # A charge is linked to all supply points of a market, nearly all on the same days.
    found: dict[tuple[str, str | None, Span], dt.date | None] = {}
    for number, link in enumerate(charges.links):
        charge = linked.get((link.charge, link.charge_type))
        days = shared_days(span_of(link), within)
        if charge is None or days is None:
            continue
        of = link.charge, link.charge_type, days
        if of not in found:
            found[of] = _first_unpriced(charge, days)
        day = found[of]
        if day is not None:
            yield number, day


def _first_unpriced(charge: Charge, days: Span) -> dt.date | None:
    """Return the first of the days between a charge's prices on which an hour has none, or None."""
    priced = _priced_days(charge, days)
    if priced is None:
        return None
    gaps = (
        first_uncovered(priced, [span_of(price) for _, price in numbered])
        for numbered in _by_hour(charge).values()
    )
    return min((gap for gap in gaps if gap is not None), default=None)


def _priced_days(charge: Charge, days: Span) -> Span | None:
    """Return those of the days that lie between a charge's first price and its last, or None."""
    prices = prices_of(charge)
    if not prices:
        return None
    ends = [price.to_day for price in prices if price.to_day is not None]
    end = max(ends) if len(ends) == len(prices) else None
    return shared_days(days, (min(price.from_day for price in prices), end))


def _by_hour(charge: Charge) -> dict[int, list[tuple[int, Price]]]:
    """Return the numbered prices of each hour; charges that know no hours have one entry."""
    numbered = list(enumerate(prices_of(charge)))
    if not isinstance(charge, Tariff):
        return {0: numbered}
    by_hour: dict[int, list[tuple[int, Price]]] = {hour: [] for hour in HOURS}
    for number, price in enumerate(charge.prices):
        for hour in range(price.from_hour, price.to_hour):
            by_hour[hour].append((number, price))
    return by_hour


CHARGE_CHECKS = (
    charges_stand_once,
    days_and_hours_are_ranges,
    prices_do_not_overlap,
    links_fit_charges,
    links_do_not_overlap,
    amounts_can_be_counted,
)
