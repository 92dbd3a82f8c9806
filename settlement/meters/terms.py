"""From documents to meter terms: what may be metered under the rules of each period."""

import datetime as dt
from collections.abc import Sequence

from rulebook.resolve import RuleSet
from settlement.meters.register import (
    MeterRegister,
    MeterTerms,
    metered_supply_point,
    metered_unit,
)

Periods = Sequence[tuple[dt.date, dt.date, RuleSet]]
"""First day, last day and rules of each period."""


def meter_register(periods: Periods) -> MeterRegister:
    """Return what may be metered under the rule sets of consecutive or scattered periods."""
    rules = periods[0][2]
    terms = tuple(_terms(first, last, rule_set) for first, last, rule_set in periods)
    return MeterRegister(rules.market, rules.market_rules.time_zone, terms)


def _terms(first_day: dt.date, last_day: dt.date, rules: RuleSet) -> MeterTerms:
    minutes = rules.market_rules.interval_minutes
    units = (unit for registration in rules.registrations for unit in registration.units)
    points = (point for registration in rules.registrations for point in registration.supply_points)
    entities = [
        *(
            metered_unit(
                unit.unit,
                capacity_w=unit.capacity_w,
                stores=unit.storage_wh is not None,
                can_reserve=unit.can_reserve,
                interval_minutes=minutes,
            )
            for unit in units
        ),
        *(
            metered_supply_point(point.supply_point, household_count=point.household_count)
            for point in points
        ),
    ]
    return MeterTerms(
        first_day=first_day,
        last_day=last_day,
        interval_minutes=minutes,
        accepted_quality=frozenset(rules.market_rules.meter_data.accepted_quality),
        late_after_days=rules.market_rules.meter_data.late_after_days,
        entities={entity.entity: entity for entity in entities},
    )
