"""What the days of a period come to: the sums that every figure of a report is made of. Pure.

Power is summed as W x minutes, so that days of different intervals add up exactly; it becomes Wh
once, rounded down, where a figure is stated.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from settlement.baselines.carbon import Carbon
from settlement.baselines.day import PricedDay
from settlement.core.arrays import Integers
from settlement.core.energy_accounts import IMBALANCE
from settlement.core.rounding import annual_to_day
from settlement.fairness.facts import (
    CHARGES,
    FUEL,
    PAYMENTS,
    SERVICE,
    SHAPLEY_POTS,
    DayLaw,
    FairDay,
)
from settlement.fairness.inequality import PPM
from settlement.fairness.intervals import MINUTES_PER_HOUR, Columns, columns_of
from settlement.meters.register import DEMAND, GENERATION

GroupKey = tuple[str, str, str]
"""Month, node and product."""

PointKey = tuple[str, str, str, str]
"""Supply point, who supplies it, its node and its product: another from the day one of them is."""

UnitKey = tuple[str, str]
"""Unit, and who owns it."""


@dataclass
class Service:
    """What was wanted and served, in W x minutes; `shortfall_wh` as it was settled.

    `promised` is of what matured, by the promise of each day, in millionths of W x minutes.
    """

    desired: int = 0
    delivered: int = 0
    promised: int = 0
    late: int = 0
    missed: int = 0
    declined: int = 0
    shortfall_wh: int = 0

    @property
    def matured(self) -> int:
        """What was served, or was due and was not: what promises are about."""
        return self.delivered + self.missed

    @property
    def lacking(self) -> int:
        """What is lacking of all that was promised, in millionths; 0 and less: it is kept.

        >>> Service(delivered=6, missed=4, promised=7_500_000).lacking
        1500000
        """
        return self.promised - PPM * self.delivered

    def promised_ppm(self, stated: int | None) -> int | None:
        """Return the part promised of what matured, rounded up; where nothing did, as stated.

        Where all days promised one part it is that part, as it is stated.

        >>> Service(delivered=2, missed=1, promised=2_500_000).promised_ppm(500_000)
        833334
        """
        return -(-self.promised // self.matured) if self.matured else stated

    def add(self, other: "Service") -> None:
        """Add another's."""
        self.desired += other.desired
        self.delivered += other.delivered
        self.promised += other.promised
        self.late += other.late
        self.missed += other.missed
        self.declined += other.declined
        self.shortfall_wh += other.shortfall_wh


@dataclass
class PointSums:
    """What a supply point comes to while one participant supplies it with one product.

    Attributes:
        owed: where the last day ends, in W x minutes; 0 where another supplies it by then.
        charged_micro: by measure.
    """

    participant: str
    node: str
    product: str
    household_count: int
    service: Service = field(default_factory=Service)
    owed: int = 0
    taken_wh: int = 0
    over_take_wh: int = 0
    excess_wh: int = 0
    charged_micro: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def all_charged_micro(self) -> int:
        """All charges together."""
        return sum(self.charged_micro.values())


@dataclass
class UnitSums:
    """What a unit comes to; who owns it, and what it is, as the last day that has it says.

    Attributes:
        paid_micro: by measure.
        capital_micro, fixed_micro: of the days, as parts of the annual cost.
        is_eligible: whether it may share the pots on any day; on others they pay it nothing.
        generated_wh: net of what storage took in.
        carbon_milligrams: of the days on which the registration states an intensity.
    """

    participant: str
    technology: str
    expected_payback_years: int
    paid_micro: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    capital_micro: int = 0
    fixed_micro: int = 0
    is_eligible: bool = False
    generated_wh: int = 0
    carbon_milligrams: int = 0

    @property
    def beyond_fuel_micro(self) -> int:
        """What payments exceed fuel by, which is paid as offered."""
        return sum(self.paid_micro.values()) - self.paid_micro[FUEL]

    @property
    def pots_micro(self) -> int:
        """What it got of the pots that a game shares."""
        return sum(self.paid_micro[f"payment.{game}_micro"] for game in SHAPLEY_POTS)


@dataclass
class DayLine:
    """A day in the calendar: what matured, was missed and served late, by node.

    Each is of shape (N, T), in W x minutes.
    """

    day: dt.date
    run: str
    nodes: tuple[str, ...]
    matured: Integers
    missed: Integers
    late: Integers

    @property
    def is_short(self) -> bool:
        """Whether anybody missed anything, or was served late."""
        return bool(self.missed.any() or self.late.any())


@dataclass
class Waste:
    """What was left of what the network could serve, in W x minutes.

    Attributes:
        intervals: in which contracts were served.
        wasted_intervals: in which something was wasted.
        wasted: offered to nobody, and not left over by indivisible requests.
        left_over: by indivisible requests.
    """

    intervals: int = 0
    wasted_intervals: int = 0
    wasted: int = 0
    left_over: int = 0


class Sums:
    """The sums of a period, which grow day by day.

    Attributes:
        points: each supply point apart by who supplies it: nobody is told of another's days.
        latest: of each supply point, as what the last day that has it has it.
        units: each whole, whoever owned it when.
        owned_units: each apart by who owned it.
        groups: of the days whose law knows Fair Play.
        promises: of each month and product, as the last day of it states it.
        days_of_month: how many days of each month were added.
        behind: of each group, how far it was behind its promise in ppm where a day ended, counted
            from the first day of its month that was added; days on which it was not are left out.
        shapley: by game and denominator, numerators summed of each unit and owner.
        tightness, taken: of each day; `taken` is shape (T,) by product.
        imbalance_wh: of all areas; None where the law of a day accounts for none.
        intervals: day, run and columns of each day, where intervals are stated; else empty.
    """

    def __init__(self, *, with_intervals: bool = False) -> None:
        self.with_intervals = with_intervals
        self.intervals: list[tuple[dt.date, str, Columns]] = []
        self.imbalance_wh: int | None = 0
        self.points: dict[PointKey, PointSums] = {}
        self.latest: dict[str, PointKey] = {}
        self.units: dict[str, UnitSums] = {}
        self.owned_units: dict[UnitKey, UnitSums] = {}
        self.groups: dict[GroupKey, Service] = defaultdict(Service)
        self.promises: dict[tuple[str, str], int] = {}
        self.days_of_month: dict[str, int] = defaultdict(int)
        self.behind: dict[GroupKey, dict[dt.date, int]] = defaultdict(dict)
        self.shapley: dict[tuple[str, int], dict[UnitKey, int]] = defaultdict(
            lambda: defaultdict(int)
        )
        self.calendar: list[DayLine] = []
        self.tightness: list[Integers] = []
        self.taken: list[dict[str, Integers]] = []
        self.prices: list[PricedDay] = []
        self.carbon = Carbon()
        self.waste = Waste()
        self.equalisation_micro = 0
        self.law: DayLaw | None = None

    @property
    def last_law(self) -> DayLaw:
        """The law of the last day.

        Raises:
            LookupError: there is no day.
        """
        if self.law is None:
            raise LookupError("no day was added")
        return self.law

    @property
    def knows_service(self) -> bool:
        """Whether the law of any day knows Fair Play."""
        return bool(self.groups)

    def add(self, day: FairDay) -> None:
        """Add the day that follows."""
        self.law = day.law
        self.days_of_month[day.month] += 1
        for product, promise in day.law.promises.items():
            self.promises[day.month, product] = promise
        self._meet(day.law)
        self._add_units(day)
        self._add_points(day)
        self._add_service(day)
        self.tightness.append(day.tightness_ppm())
        bounds = day.law.bounds
        self.prices.append(
            PricedDay(
                day.law.nodes,
                day.rows("node_price_micro_per_mwh", day.law.nodes),
                bounds.floor_micro_per_mwh,
                bounds.cap_micro_per_mwh,
            )
        )
        self.equalisation_micro += int(day.rows("equalisation_micro", ("market",)).sum())
        of_areas = [int(row.sum()) for row in day.of(IMBALANCE).values()]
        known = self.imbalance_wh is not None and bool(of_areas)
        self.imbalance_wh = (self.imbalance_wh or 0) + sum(of_areas) if known else None
        if self.with_intervals:
            self.intervals.append((day.day, day.run, columns_of(day)))

    def _meet(self, law: DayLaw) -> None:
        for name, (owner, unit) in law.register.units.items():
            for sums in (
                self.units.setdefault(name, UnitSums(owner, unit.technology, 1)),
                self.owned_units.setdefault((name, owner), UnitSums(owner, unit.technology, 1)),
            ):
                sums.participant, sums.technology = owner, unit.technology
                sums.expected_payback_years = unit.expected_payback_years
                sums.is_eligible |= name in law.eligible
        for met in self.points.values():
            met.owed = 0  # whatever is still owed, the day says
        for name, (supplier, point) in law.register.supply_points.items():
            key = self.latest[name] = point_key(law, name)
            met = self.points.setdefault(key, PointSums(supplier, point.node, point.product, 0))
            met.household_count = point.household_count

    def _add_units(self, day: FairDay) -> None:
        units = day.law.register.units
        for name, (owner, unit) in units.items():
            fixed = annual_to_day(unit.annual_fixed_micro, day.day)
            whole = annual_to_day(unit.annual_capital_micro + unit.annual_fixed_micro, day.day)
            generated_wh = day.total_wh.get((GENERATION, name), 0)
            paid_micro = {measure: day.sum_of(measure, name) for measure in PAYMENTS}
            for sums in (self.units[name], self.owned_units[name, owner]):
                sums.fixed_micro += fixed
                # The rest of the day's cost, so that whoever is paid just that earns its capital.
                sums.capital_micro += whole - fixed
                sums.generated_wh += generated_wh
                sums.carbon_milligrams += max(generated_wh, 0) * (unit.carbon_g_per_kwh or 0)
                for measure, micro in paid_micro.items():
                    sums.paid_micro[measure] += micro
        for game in SHAPLEY_POTS:
            for name, numerators in day.of(f"shapley_{game}").items():
                if name in day.law.eligible:
                    # In Python's integers: numerators of a day may together pass int64.
                    total = sum(numerators.tolist())
                    self.shapley[game, day.law.denominator][name, units[name][0]] += total
        generated = [[day.total_wh.get((GENERATION, name), 0)] for name in day.law.register.units]
        self.carbon.add(day.law.register.units, np.array(generated, np.int64).reshape(-1, 1))

    def _add_points(self, day: FairDay) -> None:
        products: dict[str, Integers] = {}
        for name, (_, point) in day.law.register.supply_points.items():
            sums = self.points[point_key(day.law, name)]
            for measure in CHARGES:
                sums.charged_micro[measure] += day.sum_of(measure, name)
            sums.over_take_wh += day.sum_of("over_take_wh", name)
            sums.excess_wh += day.sum_of("excess_wh", name)
            if ("taken_wh", name) not in day.values:
                sums.taken_wh += max(day.total_wh.get((DEMAND, name), 0), 0)
                continue
            taken = np.maximum(day.values["taken_wh", name], 0)
            sums.taken_wh += int(taken.sum())
            products[point.product] = products.get(point.product, 0) + taken
        self.taken.append(products)

    def _add_service(self, day: FairDay) -> None:
        if not day.knows_service:
            return
        points = day.law.register.supply_points
        minutes = day.law.interval_minutes
        rows = {measure: day.rows(measure, points) * minutes for measure in SERVICE}
        sums = {measure: values.sum(axis=1).tolist() for measure, values in rows.items()}
        shortfall = day.rows("shortfall_wh", points).sum(axis=1).tolist()
        owed = (day.rows("owed_w", points)[:, -1] * minutes).tolist()
        place = {node: number for number, node in enumerate(day.law.nodes)}
        at = np.array([place[point.node] for _, point in points.values()], dtype=np.int64)
        shape = (len(place), day.intervals)
        delivered, missed, late = (np.zeros(shape, np.int64) for _ in range(3))
        np.add.at(delivered, at, rows["delivered_w"])
        np.add.at(missed, at, rows["missed_w"])
        np.add.at(late, at, rows["late_w"])
        for number, (name, (_, point)) in enumerate(points.items()):
            due = sums["delivered_w"][number] + sums["missed_w"][number]
            found = Service(
                desired=sums["desired_w"][number],
                delivered=sums["delivered_w"][number],
                promised=day.law.promises.get(point.product, 0) * due,
                late=sums["late_w"][number],
                missed=sums["missed_w"][number],
                declined=sums["declined_w"][number],
                shortfall_wh=shortfall[number],
            )
            self.groups[day.month, point.node, point.product].add(found)
            sums_of_point = self.points[point_key(day.law, name)]
            sums_of_point.service.add(found)
            sums_of_point.owed = owed[number]
        self._note_who_is_behind(day)
        line = DayLine(day.day, day.run, day.law.nodes, delivered + missed, missed, late)
        self.calendar.append(line)
        self._add_waste(day)

    def _note_who_is_behind(self, day: FairDay) -> None:
        """Note shortfall where the day ends: max(0, promised - delivered), as part of what matured.

        Rounded up, so that whoever is behind at all is not shown to keep the promise.
        """
        for key, service in self.groups.items():
            if key[0] == day.month and service.lacking > 0:
                self.behind[key][day.day] = -(-service.lacking // service.matured)

    def _add_waste(self, day: FairDay) -> None:
        offered = day.rows("entitlement_w", day.law.register.supply_points).sum(axis=0)
        unused = day.rows("fair_play_unused_w", ("market",))[0]
        wasted = day.rows("fair_play_maximum_w", ("market",))[0] - unused - offered
        minutes = day.law.interval_minutes
        self.waste.intervals += day.intervals
        self.waste.wasted_intervals += int((wasted != 0).sum())
        self.waste.wasted += int(wasted.sum()) * minutes
        self.waste.left_over += int(unused.sum()) * minutes


def point_key(law: DayLaw, name: str) -> PointKey:
    """Return as what a supply point is summed on a day of a law."""
    supplier, point = law.register.supply_points[name]
    return name, supplier, point.node, point.product


def whole_wh(w_minutes: int) -> int:
    """Return energy in Wh, rounded down.

    >>> whole_wh(90), whole_wh(59)
    (1, 0)
    """
    return w_minutes // MINUTES_PER_HOUR
