"""Checks of market rules: time, layers, products, calendar, and the curves of the layers."""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise

from common.currencies import why_not_billable
from common.quantities import ppm
from common.refusals import Finding, shown
from common.time_zones import is_zone, zone_names
from rulebook.checks.curves import CURVE_CHECKS
from rulebook.checks.meter_data import METER_DATA_CHECKS
from rulebook.checks.parts import repeated
from rulebook.documents import MarketRules

KIND_OF_STUDIES = "study"

_RATE_RULES = {
    "S": ("BR-S-05", "tax at the standard rate has a rate above 0%"),
    "Z": ("BR-Z-05", "what is zero rated has a rate of 0%"),
    "E": ("BR-E-05", "what is exempt has a rate of 0%"),
    "AE": ("BR-AE-05", "under reverse charge the document has a rate of 0%"),
    "O": ("BR-O-05", "what is not subject to tax has no rate, which is written 0"),
}
"""What EN 16931 asks of the rate under each category, and the rule of it that does."""


def time_zone_known(rules: MarketRules, place: str) -> Iterator[Finding]:
    """The time zone has a name of the IANA list, which means the same on every machine."""
    if not is_zone(rules.time_zone):
        last_words = rules.time_zone.split("/", 1)[-1]  # right/ and posix/ stand before a name
        near = (
            [last_words]
            if is_zone(last_words)
            else get_close_matches(rules.time_zone, sorted(zone_names()), n=1)
        )
        yield Finding(
            "time-zone-unknown",
            f"{place}: time_zone",
            shown(rules.time_zone),
            "a time zone has a name of the IANA list, which says the same on every machine",
            f"write a name such as {near[0] if near else 'Europe/London'}",
        )


def currency_billable(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Documents can be written in the currency: what the law allows is billed."""
    reason = why_not_billable(rules.currency)
    if reason is not None:
        yield Finding(
            "currency-not-billable",
            f"{place}: currency",
            shown(rules.currency),
            f"a currency that invoices can be written in; {reason}",
            "write the code of another currency, such as GBP",
        )


def interval_divides_hour(rules: MarketRules, place: str) -> Iterator[Finding]:
    """A whole number of intervals makes an hour."""
    if 60 % rules.interval_minutes:
        yield Finding(
            "interval-does-not-divide-hour",
            f"{place}: interval_minutes",
            f"{rules.interval_minutes} minutes",
            "the interval divides 60 minutes",
            "choose 5, 10, 15, 20, 30 or 60",
        )


def price_bounds(rules: MarketRules, place: str) -> Iterator[Finding]:
    """The floor lies below the cap."""
    if rules.price_floor_micro_per_mwh >= rules.price_cap_micro_per_mwh:
        yield Finding(
            "floor-not-below-cap",
            f"{place}: price_floor_micro_per_mwh",
            f"{rules.price_floor_micro_per_mwh:_} micro per MWh",
            f"the floor lies below the cap of {rules.price_cap_micro_per_mwh:_}",
            "lower the floor or raise the cap",
        )


def layers_in_use(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Each layer stands once, and at least one prices."""
    yield from repeated(
        [layer.layer for layer in rules.layers], f"{place}: layers[{{}}].layer", "layer-repeated"
    )
    if not any(layer.in_use for layer in rules.layers):
        yield Finding(
            "no-layer-in-use",
            f"{place}: layers",
            "none in use",
            "at least one layer sets the price",
            "set `in_use: true` on a layer",
        )


def products_complete(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Each product stands once; flexible demand has a window and essential demand has none.

    A window is a whole number of intervals, and only what covers a block has a price above it.
    """
    yield from repeated(
        [product.product for product in rules.products],
        f"{place}: products[{{}}].product",
        "product-repeated",
    )
    for position, product in enumerate(rules.products):
        flexible = product.timing == "flexible"
        if flexible != (product.window_minutes is not None):
            yield Finding(
                "window-does-not-fit-timing",
                f"{place}: products[{position}].window_minutes",
                shown(product.window_minutes),
                f"{product.timing} demand has {'a' if flexible else 'no'} window",
                "state a window" if flexible else "remove the window",
            )
        elif not 60 % rules.interval_minutes and (
            (product.window_minutes or 0) % rules.interval_minutes
        ):
            yield Finding(
                "window-of-part-intervals",
                f"{place}: products[{position}].window_minutes",
                f"{product.window_minutes} minutes",
                f"a window is a whole number of intervals of {rules.interval_minutes} minutes",
                "state such a window",
            )
        if product.excess_price_micro_per_mwh is not None and product.energy_wh is None:
            yield Finding(
                "excess-price-without-block",
                f"{place}: products[{position}].excess_price_micro_per_mwh",
                shown(product.excess_price_micro_per_mwh),
                "a price of what is above the energy covered, which the product does not state",
                "state `energy_wh`, or remove the price",
            )


def tax_category_has_rate(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Tax at the standard rate has a rate above nothing, and every other category has none."""
    tax = rules.tax
    rule, asked = _RATE_RULES[tax.category]
    if (tax.category == "S") == (tax.rate_ppm > 0):
        return
    yield Finding(
        "tax-rate-does-not-fit-category",
        f"{place}: tax.rate_ppm",
        f"{ppm(tax.rate_ppm)} under category {tax.category}",
        f"{asked} (EN 16931, {rule})",
        f"state the rate, such as 200_000 for {ppm(200_000)}, or a category under which none is due"
        if tax.category == "S"
        else f"write 0, or category S for tax at {ppm(tax.rate_ppm)}",
    )


def calendar_in_order(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Each run of the calendar stands once, is no study, and later runs lag further."""
    calendar = rules.settlement_calendar
    yield from repeated(
        [run.run for run in calendar], f"{place}: settlement_calendar[{{}}].run", "run-repeated"
    )
    for position, run in enumerate(calendar):
        if run.run == KIND_OF_STUDIES:
            yield Finding(
                "run-is-a-study",
                f"{place}: settlement_calendar[{position}].run",
                run.run,
                "a run of this kind is made to look at and never posted",
                "give the run another short name",
            )
    for position, (before, after) in enumerate(pairwise(calendar), start=1):
        if after.lag_days <= before.lag_days:
            yield Finding(
                "calendar-not-in-order",
                f"{place}: settlement_calendar[{position}].lag_days",
                f"{after.lag_days} days",
                f"it lies after the {before.lag_days} days of run {before.run}",
                "order the runs by their lag",
            )


def tick_divides_interval(rules: MarketRules, place: str) -> Iterator[Finding]:
    """A whole number of ticks makes an interval, so that one falls on its end."""
    tick_seconds = rules.online.tick_seconds if rules.online else None
    if tick_seconds is not None and rules.interval_minutes * 60 % tick_seconds:
        yield Finding(
            "tick-does-not-divide-interval",
            f"{place}: online.tick_seconds",
            f"{tick_seconds} seconds",
            f"the tick divides the interval of {rules.interval_minutes} minutes",
            "choose 10, 30, 60 or 300, or leave it empty",
        )


def online_is_cited(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Who is priced while intervals run, and held to what it books, finds the clause on it."""
    if rules.online is not None and not rules.clauses_governing("online"):
        yield Finding(
            "online-without-clause",
            f"{place}: clauses",
            "no clause names online among its fields",
            "that the market is priced while its intervals run rests on a clause",
            "add online to the `fields` of the clause that says so, or remove the part",
        )


MARKET_CHECKS = (
    time_zone_known,
    currency_billable,
    interval_divides_hour,
    price_bounds,
    layers_in_use,
    *CURVE_CHECKS,
    products_complete,
    tax_category_has_rate,
    calendar_in_order,
    tick_divides_interval,
    online_is_cited,
    *METER_DATA_CHECKS,
)
