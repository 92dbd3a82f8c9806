"""Whether an overlay fits a market and the days of a study: every finding at once."""

from collections.abc import Iterable, Iterator, Sequence

from common.names import in_natural_order
from common.refusals import Finding, shown
from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH
from rulebook.resolve import RulePeriod, RuleSet
from settlement.rules.register import register_of
from settlement.studies.overlay import FuelPrice, Overlay, PriceResponse, Shock, TimedShock
from settlement.studies.shocks import meet, overlaid_periods


def overlay_findings(overlay: Overlay, periods: Sequence[RulePeriod], source: str) -> list[Finding]:
    """Return what of an overlay the rules of some period do not know, or its days never meet.

    Args:
        overlay: a document that reads without a finding.
        periods: the law of the study, period by period, in calendar order.
        source: names the overlay in findings, as a file path does.
    """
    findings: list[Finding] = []
    for place, shock in overlay.shocks:
        at = f"{source}: {place}"
        findings += _days(shock, periods, at)
        findings += _hours(shock, at)
        findings += _choice(shock, at)
        for first_day, last_day, rules in periods:
            begins, ends = shock.first_day or first_day, shock.last_day or last_day
            if begins <= last_day and first_day <= ends:
                fitting = (*_names(shock, rules, at), *_timing(shock, rules, at))
                findings += [found for found in fitting if found not in findings]
    findings += _answers(overlay, source)
    return findings or list(_offers(overlay, periods, source))


def _days(shock: Shock, periods: Sequence[RulePeriod], place: str) -> Iterator[Finding]:
    first_day, last_day = periods[0].first_day, periods[-1].last_day
    begins, ends = shock.first_day or first_day, shock.last_day or last_day
    stated = f"{shock.first_day or 'the first day'} to {shock.last_day or 'the last day'}"
    if shock.first_day and shock.last_day and begins > ends:
        yield Finding(
            "days-in-order",
            place,
            stated,
            "a shock ends on or after the day on which it begins",
            "exchange first_day and last_day, or leave one out",
        )
    elif ends < first_day or begins > last_day:
        yield Finding(
            "shock-outside-study",
            place,
            stated,
            f"a shock meets a day of the study, {first_day} to {last_day}",
            "study other days, or leave first_day and last_day out",
        )


def _hours(shock: Shock, place: str) -> Iterator[Finding]:
    if isinstance(shock, TimedShock) and shock.from_time >= shock.to_time:
        yield Finding(
            "times-in-order",
            place,
            f"{shock.from_time} to {shock.to_time}",
            "a shock ends later on the day than it begins",
            "exchange from_time and to_time; write two shocks for a night",
        )


def _choice(shock: Shock, place: str) -> Iterator[Finding]:
    """Find a fuel price that names nobody whose offer changes."""
    if isinstance(shock, FuelPrice) and not (shock.technologies or shock.units):
        yield Finding(
            "nothing-named",
            place,
            "neither technologies nor units",
            "a fuel price names technologies or units",
            "name at least one",
        )


def _names(shock: Shock, rules: RuleSet, place: str) -> Iterator[Finding]:
    register = register_of(rules.registrations)
    known: dict[str, Iterable[str]] = {
        "units": register.units,
        "technologies": {unit.technology for _, unit in register.units.values()},
        "nodes": [node.node for node in rules.grid_model.nodes],
        "products": [product.product for product in rules.market_rules.products],
        "lines": [line.line for line in rules.grid_model.lines],
    }
    for field, names in known.items():
        for number, name in enumerate(getattr(shock, field, ())):
            if name not in names:
                yield Finding(
                    f"unknown-{field}",
                    f"{place}.{field}[{number}]",
                    shown(name),
                    f"{rules.market} has the {field} {', '.join(in_natural_order(names))}",
                    "name one of these",
                )


def _timing(shock: Shock, rules: RuleSet, place: str) -> Iterator[Finding]:
    """Find essential demand that is said to wait: its contract has no window to wait in."""
    if isinstance(shock, PriceResponse):
        for number, name in enumerate(shock.products):
            for product in rules.market_rules.products:
                if product.product == name and product.timing == "essential":
                    yield Finding(
                        "response-of-essential-demand",
                        f"{place}.products[{number}]",
                        shown(name),
                        "flexible demand alone answers a price, within the window of its contract",
                        "name flexible products",
                    )


def _answers(overlay: Overlay, source: str) -> Iterator[Finding]:
    """Find two responses of one product on one day, of which only one can hold."""
    responses = overlay.price_responses
    for later, response in enumerate(responses):
        for earlier, other in enumerate(responses[:later]):
            both = sorted(set(response.products) & set(other.products))
            if both and meet(response, other):
                yield Finding(
                    "two-responses",
                    f"{source}: price_responses[{later}]",
                    f"{', '.join(both)}, as in price_responses[{earlier}]",
                    "a product has one response on a day",
                    "let one end on the day before the other begins",
                )


def _offers(overlay: Overlay, periods: Sequence[RulePeriod], source: str) -> Iterator[Finding]:
    for first_day, _, rules in overlaid_periods(periods, overlay):
        for registration in rules.registrations:
            for unit in registration.units:
                if unit.offer_micro_per_mwh > HIGHEST_PRICE_MICRO_PER_MWH:
                    yield Finding(
                        "offer-too-high",
                        f"{source}: fuel_prices",
                        f"{unit.offer_micro_per_mwh:_} for {unit.unit} from {first_day} on",
                        f"an offer is at most {HIGHEST_PRICE_MICRO_PER_MWH:_} micro per MWh",
                        "lower factor_ppm or added_micro_per_mwh",
                    )
