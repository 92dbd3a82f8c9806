"""What an overlay makes of a day's rules and readings: exact, in integers, rounded down.

The arithmetic and the order of the shocks are those that `settlement.studies.overlay` states.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from rulebook.documents.base import MILLION
from rulebook.documents.registration import Registration, Unit
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.arrays import Flags, Integers
from settlement.core.model import DayReadings
from settlement.core.periods import interval_starts
from settlement.rules.register import register_of
from settlement.studies.overlay import Overlay, Shock, TimedShock


def holds_on(shock: Shock, day: dt.date) -> bool:
    """Return whether a shock holds on a settlement day."""
    return (shock.first_day is None or shock.first_day <= day) and (
        shock.last_day is None or day <= shock.last_day
    )


def meet(shock: Shock, other: Shock) -> bool:
    """Return whether two shocks hold on a day together."""
    begins = max(shock.first_day or dt.date.min, other.first_day or dt.date.min)
    ends = min(shock.last_day or dt.date.max, other.last_day or dt.date.max)
    return begins <= ends


def overlaid_periods(periods: Sequence[RulePeriod], overlay: Overlay | None) -> list[RulePeriod]:
    """Return the law as the overlay leaves it: a period for each stretch of equal rules.

    Fuel prices and line outages hold for whole days; where one begins or ends, so does a period.
    """
    if overlay is None or not (overlay.fuel_prices or overlay.line_outages):
        return list(periods)
    return [
        RulePeriod(first, last, overlaid_rules(rules, overlay, first))
        for first_day, last_day, rules in periods
        for first, last in _stretches(overlay, first_day, last_day)
    ]


def _stretches(
    overlay: Overlay, first_day: dt.date, last_day: dt.date
) -> Iterator[tuple[dt.date, dt.date]]:
    """Yield the first and last day of each stretch on which the same whole-day shocks hold."""
    shocks = (*overlay.fuel_prices, *overlay.line_outages)
    begins, before = first_day, [holds_on(shock, first_day) for shock in shocks]
    for offset in range(1, (last_day - first_day).days + 1):
        day = first_day + dt.timedelta(days=offset)
        holding = [holds_on(shock, day) for shock in shocks]
        if holding != before:
            yield begins, day - dt.timedelta(days=1)
            begins, before = day, holding
    yield begins, last_day


def overlaid_rules(rules: RuleSet, overlay: Overlay, day: dt.date) -> RuleSet:
    """Return the rules of a day with its fuel prices and line outages."""
    grid = rules.grid_model
    lines = grid.lines
    for outage in overlay.line_outages:
        if holds_on(outage, day):
            lines = tuple(
                line.model_copy(
                    update={
                        name: getattr(line, name) * outage.left_ppm // MILLION
                        for name in ("rating_w", "reverse_rating_w")
                    }
                )
                if line.line in outage.lines
                else line
                for line in lines
            )
    return dataclasses.replace(
        rules,
        grid_model=grid.model_copy(update={"lines": lines}),
        registrations=tuple(
            _repriced(registration, overlay, day) for registration in rules.registrations
        ),
    )


def _repriced(registration: Registration, overlay: Overlay, day: dt.date) -> Registration:
    units = tuple(
        unit.model_copy(update={"offer_micro_per_mwh": _offer(unit, overlay, day)})
        for unit in registration.units
    )
    return registration.model_copy(update={"units": units})


def _offer(unit: Unit, overlay: Overlay, day: dt.date) -> int:
    offer = unit.offer_micro_per_mwh
    for shock in overlay.fuel_prices:
        named = unit.unit in shock.units or unit.technology in shock.technologies
        if named and holds_on(shock, day):
            offer = offer * shock.factor_ppm // MILLION + shock.added_micro_per_mwh
    return offer


def overlaid_readings(
    rules: RuleSet, overlay: Overlay | None, readings: DayReadings
) -> DayReadings:
    """Return a day's availability, reserve and demand under an overlay.

    Demand is what is asked for: requests, where they are known beside the meter, else the metered.

    Reserve held is at most what is left available. Generation is still the metered one: it has to
    be made again, as in `settlement.studies.made_readings`.

    Args:
        rules: in force on the day; units and supply points in the order of its register.
        overlay: None leaves everything as it is.
        readings: of the day, as metered.

    Raises:
        OverflowError: demand x factor could pass int64; `checked_readings` bounds what is read.
    """
    readings = dataclasses.replace(readings, demand_wh=_asked_wh(readings))
    if overlay is None:
        return readings
    register = register_of(rules.registrations)
    units = list(register.units.items())
    points = [point for _, point in register.supply_points.values()]
    clock = _local_times(rules, readings.day)
    available_w, demand_wh = readings.available_w.copy(), readings.demand_wh.copy()
    left = [
        *(
            (outage, [name in outage.units for name, _ in units], MILLION - outage.lost_ppm)
            for outage in overlay.outages
        ),
        *(
            (
                drought,
                [unit.technology in drought.technologies for _, (_, unit) in units],
                drought.left_ppm,
            )
            for drought in overlay.wind_droughts
        ),
    ]
    for shock, chosen, left_ppm in left:
        if holds_on(shock, readings.day):
            where = np.ix_(np.array(chosen, dtype=np.bool_), _hours(shock, clock))
            available_w[where] = _scaled(available_w[where], left_ppm)
    for surge in overlay.demand_surges:
        if holds_on(surge, readings.day):
            meant = [
                (not surge.nodes or point.node in surge.nodes)
                and (not surge.products or point.product in surge.products)
                for point in points
            ]
            where = np.ix_(np.array(meant, dtype=np.bool_), _hours(surge, clock))
            taken = demand_wh[where]
            demand_wh[where] = np.where(taken > 0, _scaled(taken, surge.factor_ppm), taken)
    reserve_w = readings.reserve_w
    if reserve_w is not None:
        reserve_w = np.minimum(reserve_w, available_w)
    return dataclasses.replace(
        readings, available_w=available_w, demand_wh=demand_wh, reserve_w=reserve_w
    )


def _asked_wh(readings: DayReadings) -> Integers:
    """Return what was asked for, shape (G, T); net export stays as it was metered."""
    if readings.requests is None:
        return readings.demand_wh
    known = readings.requests.is_known[:, np.newaxis] & (readings.demand_wh >= 0)
    return np.where(known, readings.requests.desired_wh, readings.demand_wh)


def _scaled(values: Integers, factor_ppm: int) -> Integers:
    """Return values x factor // 1,000,000 without passing int64 on the way."""
    whole, rest = np.divmod(values, MILLION)
    scaled: Integers = whole * factor_ppm + rest * factor_ppm // MILLION
    return scaled


def _local_times(rules: RuleSet, day: dt.date) -> list[str]:
    """Return HH:MM of the local clock at the start of each interval."""
    zone = ZoneInfo(rules.market_rules.time_zone)
    starts = interval_starts(day, rules.market_rules.time_zone, rules.market_rules.interval_minutes)
    return [f"{start.astimezone(zone):%H:%M}" for start in starts]


def _hours(shock: TimedShock, clock: Sequence[str]) -> Flags:
    """Return shape (T,): in which intervals it holds; an hour told twice, twice."""
    return np.array([shock.from_time <= time < shock.to_time for time in clock], dtype=np.bool_)
