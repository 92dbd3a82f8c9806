"""A plausible stretch of days from the rules alone, for a seed.

The constants are those of a plain model, not of any place: they give a northern winter-peaking
system its daily, weekly and yearly shape. Demand of a household product is a share of the power it
allows; non-residential demand is a multiple of that of the households at its node. A sub-meter
counts what a heat pump takes, without chance. Wind follows a
first-order autoregression with a part common to all, a part by region and a part by unit; nuclear
units run full but for outages and deratings that last days; all else stands at capacity.

Random numbers are integers of PCG64 and sums of them; the rest is addition, multiplication,
division and square root, then rounding to whole W and Wh. There is no exponential or sine, whose
last digit differs from one mathematical library to another.
"""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from settlement.core.periods import MINUTES_PER_HOUR, interval_starts
from settlement.datasets.market import MarketShape
from settlement.datasets.profile import ProfileDay

Floats = NDArray[np.float64]

HOUSEHOLD_SHARE_OF_MAGNITUDE = 0.104
DEFAULT_MAGNITUDE_W = 5_000
SUB_METER_MEAN_W = 400
NON_RESIDENTIAL_RATIO = 1.8
NON_RESIDENTIAL_SHARE_OF_CAPACITY = 0.5
SATURDAY = 5
WEEKEND_NON_RESIDENTIAL = 0.92
WEEKEND_HOUSEHOLD = 1.04

# By local hour from midnight, each about 1 on average.
ESSENTIAL_SHAPE = (
    0.54, 0.50, 0.49, 0.52, 0.58, 0.76, 1.02, 1.28, 1.34, 1.20, 1.06, 0.90,
    0.78, 0.72, 0.74, 0.88, 1.10, 1.38, 1.52, 1.48, 1.36, 1.16, 0.92, 0.72,
)  # fmt: skip
FLEXIBLE_SHAPE = (
    0.98, 0.94, 0.88, 0.80, 0.72, 0.66, 0.72, 0.86, 1.02, 1.14, 1.22, 1.20,
    1.14, 1.04, 0.94, 0.88, 0.90, 0.98, 1.10, 1.20, 1.26, 1.24, 1.16, 1.06,
)  # fmt: skip
NON_RESIDENTIAL_SHAPE = (
    0.80, 0.79, 0.79, 0.80, 0.83, 0.89, 0.97, 1.05, 1.12, 1.16, 1.17, 1.16,
    1.14, 1.14, 1.12, 1.10, 1.09, 1.08, 1.06, 1.03, 1.00, 0.95, 0.89, 0.84,
)  # fmt: skip

# By month from January.
HOUSEHOLD_SEASON = (1.30, 1.25, 1.12, 1.00, 0.86, 0.80, 0.76, 0.78, 0.88, 1.00, 1.12, 1.22)
NON_RESIDENTIAL_SEASON = (0.94, 0.95, 0.98, 1.00, 1.03, 1.04, 1.05, 1.05, 1.03, 1.00, 0.98, 0.95)
WIND_SEASON = (0.46, 0.45, 0.42, 0.38, 0.30, 0.27, 0.26, 0.29, 0.33, 0.37, 0.40, 0.45)

WEATHER_SPREAD, WEATHER_MEMORY = 0.04, 0.7
DEMAND_SPREAD, DEMAND_MEMORY = 0.02, 0.9
WIND_SPREAD, WIND_MEMORY_PER_HALF_HOUR = 0.2, 0.985
WIND_LEAST, WIND_MOST = 0.01, 0.82
WIND_COMMON, WIND_REGIONAL, WIND_OWN = 0.8, 0.5, 0.33
NUCLEAR_OUTAGE_STARTS_A_DAY, NUCLEAR_OUTAGE_ENDS_A_DAY = 1 / 60, 1 / 10
NUCLEAR_DERATED_LEVELS = (0.0, 0.0, 0.5, 0.8)


def synthetic_profile(shape: MarketShape, days: Sequence[dt.date], seed: int) -> list[ProfileDay]:
    """Return availability and demand of the days; the same seed gives the same numbers.

    Rounding: half to even, to whole W and Wh.

    Raises:
        ValueError: no days, or a negative seed.
    """
    if not days:
        raise ValueError("a data set needs at least one day")
    random = np.random.Generator(np.random.PCG64(seed))
    starts = [interval_starts(day, shape.time_zone, shape.interval_minutes) for day in days]
    counts = [len(of_day) for of_day in starts]
    clock = _Clock(shape.time_zone, days, starts)
    demand = _demand_wh(shape, clock, random)
    available = _available_w(shape, clock, random)
    edges = np.cumsum(counts)[:-1]
    return [
        ProfileDay(day, *of_day)
        for day, *of_day in zip(
            days,
            starts,
            *(
                np.split(values, edges, 1)
                for values in (available, demand, _sub_metered_wh(shape, clock))
            ),
            strict=True,
        )
    ]


class _Clock:
    """The K intervals of all days: local hour, month, weekend, and the number of their day."""

    def __init__(
        self,
        time_zone: str,
        days: Sequence[dt.date],
        starts: Sequence[Sequence[dt.datetime]],
    ) -> None:
        zone = ZoneInfo(time_zone)
        local = [start.astimezone(zone) for of_day in starts for start in of_day]
        self.hour = np.array([start.hour + start.minute / MINUTES_PER_HOUR for start in local])
        self.month = np.array([start.month - 1 for start in local])
        self.weekend = np.array([start.weekday() >= SATURDAY for start in local])
        self.day = np.repeat(np.arange(len(days)), [len(of_day) for of_day in starts])
        self.day_count = len(days)

    def shaped(self, by_hour: Sequence[float]) -> Floats:
        """Return a daily shape at every interval, straight between the hours."""
        low = self.hour.astype(np.int64)
        table = np.array((*by_hour, by_hour[0]))
        return np.asarray(table[low] + (table[low + 1] - table[low]) * (self.hour - low))


def _normals(random: np.random.Generator, rows: int, columns: int) -> Floats:
    """Return about-normal numbers of spread 1: the sum of twelve uniform ones, exactly."""
    total = random.integers(0, 1 << 16, (12, rows, columns)).sum(axis=0)
    return np.asarray(total / (1 << 16) - 6.0)


def _remembered(normals: Floats, memory: float) -> Floats:
    """Return rows of a first-order autoregression of spread 1, from independent normals."""
    fresh = np.sqrt(1 - memory * memory)
    series = normals.copy()
    for column in range(1, series.shape[1]):
        series[:, column] = memory * series[:, column - 1] + fresh * normals[:, column]
    return series


def _demand_wh(shape: MarketShape, clock: _Clock, random: np.random.Generator) -> NDArray[np.int64]:
    residential = shape.household_count > 0
    weekend = clock.weekend
    household = np.array(HOUSEHOLD_SEASON)[clock.month] * np.where(weekend, WEEKEND_HOUSEHOLD, 1)
    other = np.array(NON_RESIDENTIAL_SEASON)[clock.month]
    other = other * np.where(weekend, WEEKEND_NON_RESIDENTIAL, 1)
    curves = np.where(
        shape.flexible[:, None], clock.shaped(FLEXIBLE_SHAPE), clock.shaped(ESSENTIAL_SHAPE)
    )
    curves = np.where(
        residential[:, None], curves * household, clock.shaped(NON_RESIDENTIAL_SHAPE) * other
    )
    weather = _remembered(_normals(random, 1, clock.day_count), WEATHER_MEMORY)[0][clock.day]
    own = _remembered(_normals(random, len(residential), len(clock.hour)), DEMAND_MEMORY)
    noise = np.maximum(1 + WEATHER_SPREAD * weather + DEMAND_SPREAD * own, 0)
    hours = shape.interval_minutes / MINUTES_PER_HOUR
    energy_wh = _mean_w(shape)[:, None] * curves * noise * hours
    return np.asarray(np.rint(energy_wh), dtype=np.int64)


def _sub_metered_wh(shape: MarketShape, clock: _Clock) -> NDArray[np.int64]:
    hours = shape.interval_minutes / MINUTES_PER_HOUR
    season = np.array(HOUSEHOLD_SEASON)[clock.month]
    energy_wh = SUB_METER_MEAN_W * clock.shaped(FLEXIBLE_SHAPE) * season * hours
    return np.tile(np.rint(energy_wh).astype(np.int64), (len(shape.sub_meters), 1))


def _mean_w(shape: MarketShape) -> Floats:
    """Return the mean power of each supply point over a year."""
    magnitude = np.where(shape.magnitude_w > 0, shape.magnitude_w, DEFAULT_MAGNITUDE_W)
    mean = shape.household_count * magnitude * HOUSEHOLD_SHARE_OF_MAGNITUDE
    other = shape.household_count == 0
    at_node = np.bincount(
        shape.supply_point_node, weights=mean, minlength=shape.dispatch.node_count
    )[shape.supply_point_node]
    share = np.where(other, at_node, 0.0)
    if not share.any():
        share = other.astype(np.float64)
    total = NON_RESIDENTIAL_RATIO * mean.sum()
    if not total:
        generating = shape.dispatch.storage_wh == 0
        total = NON_RESIDENTIAL_SHARE_OF_CAPACITY * shape.capacity_w[generating].sum()
    return np.asarray(mean + total * share / max(share.sum(), 1.0))


def _available_w(
    shape: MarketShape, clock: _Clock, random: np.random.Generator
) -> NDArray[np.int64]:
    factor = np.ones((len(shape.units), len(clock.hour)))
    technology = np.array(shape.technology)
    wind, nuclear = technology == "wind", technology == "nuclear"
    factor[wind] = _wind(shape, clock, random)[wind]
    factor[nuclear] = _nuclear(random, len(shape.units), clock)[nuclear]
    return np.rint(shape.capacity_w[:, None] * factor).astype(np.int64)


def _wind(shape: MarketShape, clock: _Clock, random: np.random.Generator) -> Floats:
    memory = 1 - (1 - WIND_MEMORY_PER_HALF_HOUR) * shape.interval_minutes / 30
    intervals = len(clock.hour)
    common = _remembered(_normals(random, 1, intervals), memory)
    regions = int(shape.unit_region.max(initial=0)) + 1
    regional = _remembered(_normals(random, regions, intervals), memory)[shape.unit_region]
    own = _remembered(_normals(random, len(shape.units), intervals), memory)
    weather = WIND_COMMON * common + WIND_REGIONAL * regional + WIND_OWN * own
    season = np.array(WIND_SEASON)[clock.month]
    return np.asarray(np.clip(season + WIND_SPREAD * weather, WIND_LEAST, WIND_MOST))


def _nuclear(random: np.random.Generator, units: int, clock: _Clock) -> Floats:
    starts, ends = NUCLEAR_OUTAGE_STARTS_A_DAY, NUCLEAR_OUTAGE_ENDS_A_DAY
    draws = random.random((units, clock.day_count))
    levels = random.choice(np.array(NUCLEAR_DERATED_LEVELS), (units, clock.day_count))
    level = np.ones((units, clock.day_count))
    # Begin as a long past would have left it: out with the long-run chance of being out.
    out = draws[:, 0] < starts / (starts + ends)
    level[out, 0] = levels[out, 0]
    for day in range(1, clock.day_count):
        begins = ~out & (draws[:, day] < starts)
        out = np.where(out, draws[:, day] >= ends, begins)
        continued = np.where(begins, levels[:, day], level[:, day - 1])
        level[:, day] = np.where(out, continued, 1.0)
    return level[:, clock.day]
