"""What one day hands to the next of its contracts, by name; and in which state a day begins.

The law of two days may differ: supply points come and go, and so do products. So what is carried is
named, and taken up by whoever still has the name. What is owed to a supply point that is gone has
nobody to be served to, and lapses. What was missed, matured, promised, delivered and taken stays
known to the end of the term: who leaves for a day and comes back finds no new block of energy, and
what days before promised is promised still, whatever law promises from a day on.

A *term* is a calendar month by the market's clock: the memory of promises, what is missed and what
is taken begin anew with its first day. What is owed does not: it was promised within its window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple, TypeVar

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.booked_lots import Lot
from settlement.core.contracts import Contracts, ContractState, Memory

Name = TypeVar("Name")


class OwedLot(NamedTuple):
    """What is booked of what a day leaves owed to a supply point; see `booked_lots.Lot`.

    Attributes:
        due: the interval of the next day in which it is due, from 0.
    """

    due: int
    number: int
    price_micro_per_mwh: int
    power_w: int


@dataclass(frozen=True)
class Carried:
    """What a day hands to the next; whoever is not named has nothing.

    Attributes:
        owed_w: by supply point: entry j is due in interval j of the next day, in W x intervals.
        matured, delivered: by node and product, since the term began, in W x intervals.
        promised: of what matured, by the promise of its day, in millionths of W x intervals.
        missed_w: by node, product and supply point, since the term began, in W x intervals. Who
            changes the product or the node takes no part of what others of the new group missed.
        missed_worth: of what was missed, by the price of compensation of its day, as `missed_w`;
            in W x intervals x micro per MWh.
        taken_wh: by supply point, since the term began; net export does not count.
        over_take_micro: charged to all since the term began.
        booked: by supply point, what is booked of what it is owed, by deadline and number.
    """

    owed_w: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    matured: Mapping[tuple[str, str], int] = field(default_factory=dict)
    delivered: Mapping[tuple[str, str], int] = field(default_factory=dict)
    promised: Mapping[tuple[str, str], int] = field(default_factory=dict)
    missed_w: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    missed_worth: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    taken_wh: Mapping[str, int] = field(default_factory=dict)
    over_take_micro: int = 0
    booked: Mapping[str, tuple[OwedLot, ...]] = field(default_factory=dict)


NOTHING_CARRIED = Carried()


@dataclass(frozen=True, eq=False)
class DayState:
    """The state in which a day begins, in the order of its supply points.

    Attributes:
        contracts: what is owed, and the memory of the groups.
        missed_w: shape (G,), in the present group of each, since the term began.
        missed_worth: G whole numbers, that by the price of compensation of its day, in W x
            intervals x micro per MWh. Python's integers, as they may pass int64.
        taken_wh: shape (G,), since the term began.
        over_take_micro: charged to all since the term began.
    """

    contracts: ContractState
    missed_w: Integers
    missed_worth: tuple[int, ...]
    taken_wh: Integers
    over_take_micro: int = 0


def begin_day(contracts: Contracts, points: Sequence[str], carried: Carried, day: date) -> DayState:
    """Return the state in which a day begins.

    Args:
        points: G ids, in the order of the contracts.
        carried: from the day before.
    """
    carried = of_term(carried, day)
    owed = [carried.owed_w.get(point, ()) for point in points]
    height = max([contracts.longest_window, *map(len, owed)])
    rows = np.zeros((height, len(points)), dtype=np.int64)
    for point, due in enumerate(owed):
        rows[: len(due), point] = due
    memory = Memory(
        *(
            tuple(values.get(group, 0) for group in contracts.groups)
            for values in (carried.matured, carried.delivered, carried.promised)
        )
    )
    return DayState(
        ContractState(rows, memory, _lots(carried, points)),
        _in_order(carried.missed_w, _members(contracts, points)),
        tuple(carried.missed_worth.get(member, 0) for member in _members(contracts, points)),
        _in_order(carried.taken_wh, points),
        carried.over_take_micro,
    )


def end_day(
    contracts: Contracts, points: Sequence[str], ended: DayState, carried: Carried, day: date
) -> Carried:
    """Return what a day hands to the next: the state in which it ended, by name.

    Args:
        carried: from the day before, which still tells of those who have no contract on this day.
    """
    rows, before = ended.contracts.owed, of_term(carried, day)
    memory = ended.contracts.memory
    return Carried(
        owed_w={
            points[point]: _without_end(rows[:, point].tolist())
            for point in np.flatnonzero(rows.any(axis=0)).tolist()
        },
        matured={**before.matured, **_named(contracts.groups, memory.matured)},
        delivered={**before.delivered, **_named(contracts.groups, memory.delivered)},
        promised={**before.promised, **_named(contracts.groups, memory.promised)},
        missed_w={
            **before.missed_w,
            **_named(_members(contracts, points), ended.missed_w.tolist()),
        },
        missed_worth={
            **before.missed_worth,
            **_named(_members(contracts, points), ended.missed_worth),
        },
        taken_wh={**before.taken_wh, **_named(points, ended.taken_wh.tolist())},
        over_take_micro=ended.over_take_micro,
        booked=_by_point(ended.contracts.lots, points),
    )


def of_term(carried: Carried, day: date) -> Carried:
    """Return what a day takes up of what the day before left: on the first of a term, the owed."""
    if day.day != 1:
        return carried
    return Carried(owed_w=carried.owed_w, booked=carried.booked)


def in_intervals_of(carried: Carried, own_minutes: int, minutes: int) -> Carried:
    """Return what is carried in W x intervals of another length, where the law changes it.

    What is owed stays due no later than it was, but in the first interval of all. Rounding: down,
    each entry; promised is the same part of what matured as before, so that where every day
    promised alike it stays exactly that promise of it, and so is what was missed at its price.
    What is owed is booked no more, as a booking is of the intervals that it was placed in.

    Example: 6 W owed in the second half-hour are 12 W in the fourth quarter of an hour.
    """
    if own_minutes == minutes:
        return carried

    def scaled(values: Mapping[Name, int]) -> dict[Name, int]:
        of_others = {name: value * own_minutes // minutes for name, value in values.items()}
        return {name: value for name, value in of_others.items() if value}

    def of_the_same_part(
        values: Mapping[Name, int], whole: Mapping[Name, int], other: Mapping[Name, int]
    ) -> dict[Name, int]:
        parts = {name: values.get(name, 0) * each // whole[name] for name, each in other.items()}
        return {name: value for name, value in parts.items() if value}

    matured, missed = scaled(carried.matured), scaled(carried.missed_w)
    owed = {}
    for point, rows in carried.owed_w.items():
        due = [0] * max(len(rows) * own_minutes // minutes, 1)
        for row, value in enumerate(rows):
            due[max((row + 1) * own_minutes // minutes - 1, 0)] += value * own_minutes
        owed[point] = _without_end([value // minutes for value in due])
    return replace(
        carried,
        owed_w={point: rows for point, rows in owed.items() if rows},
        matured=matured,
        delivered=scaled(carried.delivered),
        promised=of_the_same_part(carried.promised, carried.matured, matured),
        missed_w=missed,
        missed_worth=of_the_same_part(carried.missed_worth, carried.missed_w, missed),
        booked={},
    )


def ends_term(day: date) -> bool:
    """Return whether a local day is the last of its month."""
    return (day + timedelta(days=1)).day == 1


def first_day_of_term(day: date) -> date:
    """Return the first local day of the month of a day."""
    return day.replace(day=1)


def _members(contracts: Contracts, points: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return the node, product and id of each supply point."""
    groups = contracts.groups
    return [
        (*groups[group], point)
        for group, point in zip(contracts.point_group.tolist(), points, strict=True)
    ]


def _lots(carried: Carried, points: Sequence[str]) -> tuple[Lot, ...]:
    lots = (
        Lot(point, *lot)
        for point, name in enumerate(points)
        for lot in carried.booked.get(name, ())
    )
    return tuple(sorted(lots, key=lambda lot: (lot.due, lot.number, lot.point)))


def _by_point(lots: Sequence[Lot], points: Sequence[str]) -> dict[str, tuple[OwedLot, ...]]:
    """Return lots by the name of their supply point, each in their order."""
    found: dict[str, tuple[OwedLot, ...]] = {}
    for lot in lots:
        owed = OwedLot(lot.due, lot.number, lot.price_micro_per_mwh, lot.power_w)
        found[points[lot.point]] = (*found.get(points[lot.point], ()), owed)
    return found


def _in_order(values: Mapping[Name, int], names: Sequence[Name]) -> Integers:
    return np.array([values.get(name, 0) for name in names], dtype=np.int64)


def _named(names: Sequence[Name], values: Sequence[int]) -> dict[Name, int]:
    return {name: value for name, value in zip(names, values, strict=True) if value}


def _without_end(values: list[int]) -> tuple[int, ...]:
    """Return values up to the last that is not 0."""
    while values and not values[-1]:
        values.pop()
    return tuple(values)
