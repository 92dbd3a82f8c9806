"""From documents to meter terms: what may be metered under the rules of each period."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from rulebook.documents import MarketRules
from rulebook.documents.base import MILLION
from rulebook.documents.registration import SubMeter, SupplyPoint, Unit
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.meters.register import (
    MeteredEntity,
    MeterRegister,
    MeterTerms,
    metered_sub_meter,
    metered_supply_point,
    metered_unit,
)


def ruled_days(periods: Sequence[RulePeriod]) -> Iterator[tuple[dt.date, RuleSet]]:
    """Yield each day of the periods with its rules."""
    for period in periods:
        for day in period.days:
            yield day, period.rules


def meter_register(periods: Sequence[RulePeriod]) -> MeterRegister:
    """Return what may be metered under the rule sets of consecutive or scattered periods."""
    rules = periods[0].rules
    terms = tuple(_terms(first, last, rule_set) for first, last, rule_set in periods)
    return MeterRegister(rules.market, rules.market_rules.time_zone, terms)


def _terms(first_day: dt.date, last_day: dt.date, rules: RuleSet) -> MeterTerms:
    minutes = rules.market_rules.interval_minutes
    entities = [
        *(
            _metered(partial(_unit, unit), minutes, unit.resolution_minutes)
            for registration in rules.registrations
            for unit in registration.units
        ),
        *(
            _metered(
                partial(_supply_point, rules.market_rules, point), minutes, point.resolution_minutes
            )
            for registration in rules.registrations
            for point in registration.supply_points
        ),
        *(
            _metered(partial(_sub_meter, meter), minutes, meter.resolution_minutes)
            for registration in rules.registrations
            for meter in registration.sub_meters
        ),
    ]
    meter_data = rules.market_rules.meter_data
    return MeterTerms(
        first_day=first_day,
        last_day=last_day,
        interval_minutes=minutes,
        accepted_quality=frozenset(meter_data.accepted_quality),
        late_after_days=meter_data.late_after_days,
        entities={entity.entity: entity for entity in entities},
        accepts_gaps=meter_data.incomplete_day == "accept",
        refuses_implausible=meter_data.implausible == "refuse",
    )


def _metered(
    over: Callable[[int], MeteredEntity], interval_minutes: int, resolution_minutes: int | None
) -> MeteredEntity:
    """Return an entity with its limits over an interval, and over a reading where that differs."""
    entity = over(interval_minutes)
    if resolution_minutes in (None, interval_minutes):
        return entity
    # Not so many times those of an interval: each rounds down what the entity can do in its time.
    return replace(entity, resolution_minutes=resolution_minutes, as_read=over(resolution_minutes))


def _unit(unit: Unit, minutes: int) -> MeteredEntity:
    return metered_unit(
        unit.unit,
        capacity_w=unit.capacity_w,
        stores=unit.storage_wh is not None,
        can_reserve=unit.can_reserve,
        interval_minutes=minutes,
    )


def _supply_point(rules: MarketRules, point: SupplyPoint, minutes: int) -> MeteredEntity:
    return metered_supply_point(
        point.supply_point,
        household_count=point.household_count,
        plausible_wh=_plausible_wh(rules, point, minutes),
    )


def _sub_meter(meter: SubMeter, minutes: int) -> MeteredEntity:
    # What it can count does not depend on how long it counts.
    del minutes
    return metered_sub_meter(meter.sub_meter)


def _plausible_wh(rules: MarketRules, point: SupplyPoint, minutes: int) -> int | None:
    """Return the most energy in so many minutes that a point's households are believed, down.

    3 households x 3,000 W x 2,000,000 ppm over 30 minutes: 9,000 Wh.
    """
    share_ppm = rules.meter_data.plausible_demand_ppm
    magnitude_w = {product.product: product.magnitude_w for product in rules.products}[
        point.product
    ]
    if share_ppm is None or magnitude_w is None:
        return None
    power_w = point.household_count * magnitude_w * share_ppm // MILLION
    return power_w * minutes // MINUTES_PER_HOUR
