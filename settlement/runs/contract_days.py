"""In what state each day of a run begins: what is owed, remembered and taken before it.

The state before a day is a pure function of readings as known to the run and of the law of each
day: it is carried from day to day, by each day's own rules, from one before which nothing was owed
to anybody and no term had begun. A day therefore comes out the same whether it is settled alone or
in a month. What the first day of a run begins with is among its inputs, and in their digest.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from common.refusals import Refused
from ledger.chain import encode
from ledger.tree import leaf_hash
from rulebook.digest import canonical_bytes
from rulebook.resolve import RulePeriod, RuleSet
from settlement.core.booked import OnlineDay
from settlement.core.contract_state import Carried, OwedLot, begin_day, in_intervals_of, of_term
from settlement.core.fair_play_market import DayShares, carried_by, shares_of_day
from settlement.core.fair_play_rules import FairPlay, Requests
from settlement.core.model import DayReadings, MarketModel
from settlement.core.tightness import PPM
from settlement.meters.quality import UsedReadings
from settlement.meters.readings import VectorKey, rows_or_zero
from settlement.meters.register import AVAILABLE, DEMAND, DESIRED, GENERATION
from settlement.rules.compile import compile_rules
from settlement.runs.exact_sums import quantities_too_large
from settlement.runs.online_days import StoredOnlineDay
from settlement.runs.run import Pin, input_digest

DAYS_KEPT = 32
CONTRACTS_TAG = "tallystick.contracts.1"

Named = TypeVar("Named", bound=tuple[str, ...])

UsedDays = Mapping[dt.date, Mapping[str, UsedReadings]]


@dataclass(frozen=True, eq=False)
class ContractDays:
    """The contracts of consecutive days, computed in turn when they are asked for.

    Attributes:
        periods: the rules of the days.
        used: the readings of each day as they settle.
        own_digests: of the stored readings that the days settle.
        before: what the first day begins with.
        online: what a market online handed over of days: what is booked has a turn of its own.
    """

    periods: Sequence[RulePeriod]
    used: UsedDays
    own_digests: Mapping[VectorKey, bytes]
    before: Carried
    online: Mapping[dt.date, StoredOnlineDay] = field(default_factory=dict)
    _carried: dict[dt.date, Carried] = field(default_factory=dict)
    _models: dict[dt.date, MarketModel] = field(default_factory=dict)
    _shares: dict[dt.date, DayShares] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def first_day(self) -> dt.date:
        """The first of the days."""
        return self.periods[0].first_day

    def model_on(self, day: dt.date) -> MarketModel:
        """Return the compiled rules of a day; the same for all days of a period."""
        first, _, rules = self._period(day)
        if first not in self._models:
            self._models[first] = compile_rules(rules)
        return self._models[first]

    def requests(self, day: dt.date, model: MarketModel) -> Requests | None:
        """Return what Fair Play shares a day by; None where its rules know none."""
        if model.fair_play is None:
            return None
        return self._requests(day, model, model.fair_play, self.carried_into(day))

    def carried_into(self, day: dt.date) -> Carried:
        """Return what a day begins with.

        Raises:
            LookupError: the day lies before the first.
            Refused: naming the day before it of which some sum has no room in 64 bits.
        """
        # One after the other: days are asked for on threads, and each follows from that before it.
        with self._lock:
            known = day
            while known != self.first_day and known not in self._carried:
                known -= dt.timedelta(days=1)
                if known < self.first_day:
                    raise LookupError(f"{day} lies before {self.first_day}")
            carried = self.before if known == self.first_day else self._carried[known]
            while known < day:
                ended, minutes = self._after(known, carried), self.model_on(known).interval_minutes
                known += dt.timedelta(days=1)
                carried = in_intervals_of(ended, minutes, self.model_on(known).interval_minutes)
                self._carried[known] = carried
        return carried

    def carried_on(self, interval_minutes: int) -> Carried:
        """Return what the day after the last begins with, whose intervals have that length."""
        last = self.periods[-1].last_day
        ended = self._after(last, self.carried_into(last))
        return in_intervals_of(ended, self.model_on(last).interval_minutes, interval_minutes)

    def shares(self, day: dt.date) -> DayShares | None:
        """Return how the contracts of a day are served; None where its rules know none."""
        model = self.model_on(day)
        if model.fair_play is None:
            return None
        following = day + dt.timedelta(days=1)
        if following <= self.periods[-1].last_day:
            # What the next day begins with follows from the same: it is not computed twice.
            self.carried_into(following)
        found = self._shares.get(day)
        if found is not None:
            return found
        readings = self._readings(day, model, self.requests(day, model))
        shares = shares_of_day(model, model.fair_play, readings)
        with self._lock:
            self._keep(day, shares)
        return shares

    def readings(self, day: dt.date) -> DayReadings:
        """Return a day's readings, with its requests as if nothing had been before it."""
        model = self.model_on(day)
        if model.fair_play is None:
            return self._readings(day, model, None)
        requests = self._requests(day, model, model.fair_play, Carried())
        return self._readings(day, model, requests)

    def _after(self, day: dt.date, carried: Carried) -> Carried:
        model = self.model_on(day)
        if model.fair_play is None or day not in self.used:
            # Nobody is promised anything, or nobody knows what was desired: what was owed lapses.
            # The term goes on, or law without Fair Play for a day would clear what it had lacked.
            return replace(of_term(carried, day), owed_w={}, booked={})
        requests = self._requests(day, model, model.fair_play, carried)
        readings = self._readings(day, model, requests)
        try:
            shares = shares_of_day(model, model.fair_play, readings)
            self._keep(day, shares)
            return carried_by(model, model.fair_play, shares, carried)
        except OverflowError as too_large:  # it may be a day of before the run
            raise Refused([quantities_too_large(day, too_large)]) from too_large

    def _keep(self, day: dt.date, shares: DayShares) -> None:
        """Keep a day's shares while those days are settled that threads are at; more need room."""
        self._shares[day] = shares
        while len(self._shares) > DAYS_KEPT:
            self._shares.pop(min(self._shares), None)

    def _requests(
        self, day: dt.date, model: MarketModel, fair_play: FairPlay, carried: Carried
    ) -> Requests:
        points = model.supply_points
        desired, is_known = desired_of(self.used[day][DESIRED], points)
        contracts = fair_play.contracts
        seed = self._seed(day, carried) if contracts.indivisible.any() else None
        return Requests(desired, is_known, begin_day(contracts, points, carried, day), seed)

    def _readings(self, day: dt.date, model: MarketModel, requests: Requests | None) -> DayReadings:
        used = self.used[day]
        return DayReadings(
            day,
            used[GENERATION].values_of(model.units),
            used[AVAILABLE].values_of(model.units),
            used[DEMAND].values_of(model.supply_points),
            requests=requests,
            online=self._online(day, model),
        )

    def _online(self, day: dt.date, model: MarketModel) -> OnlineDay | None:
        """Return what was handed over of a day, where it counts.

        What was handed over by law of other intervals has no turn. A run of that day is refused;
        one of a later day is not, as it may be sealed.
        """
        handed = self.online.get(day)
        _, _, rules = self._period(day)
        intervals = self.used[day][DEMAND].values.shape[1]
        if handed is None or not handed.counts_in(rules) or not handed.is_of(model, intervals):
            return None
        return handed.of_model(model, intervals)

    def _seed(self, day: dt.date, carried: Carried) -> bytes:
        """Return the digest of the day's rules, its own readings, and what it begins with."""
        # Of this day and not of the run: a day draws the same alone, in a month and in a replay.
        _, _, rules = self._period(day)
        pins = [Pin(day, day, version.instrument, version.digest) for version in rules.versions]
        own = [digest for key, digest in sorted(self.own_digests.items()) if key[0] == day]
        return input_digest(pins, [*own, carried_digest(carried)])

    def _period(self, day: dt.date) -> tuple[dt.date, dt.date, RuleSet]:
        return next(period for period in self.periods if period[0] <= day <= period[1])


def desired_of(
    desired: UsedReadings, points: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the requests known beside the meter, and of which supply points they are known."""
    known = set(desired.entities)
    is_known = np.array([point in known for point in points], dtype=np.bool_)
    return rows_or_zero(desired.entities, desired.values, points), is_known


def carried_as_dict(carried: Carried) -> dict[str, object]:
    """Return what a day begins with as JSON writes it: sorted, whole numbers as text.

    Energy of a country's month is more than every reader of JSON holds exactly.
    """
    of_bookings = {
        point: [list(map(str, lot)) for lot in lots]
        for point, lots in sorted(carried.booked.items())
    }
    return {
        "owed_w": {
            point: [str(due) for due in rows] for point, rows in sorted(carried.owed_w.items())
        },
        "matured": _by_group(carried.matured),
        "delivered": _by_group(carried.delivered),
        "promised": _by_group(carried.promised),
        "missed_w": _by_group(carried.missed_w),
        "missed_worth": _by_group(carried.missed_worth),
        "taken_wh": _by_name(carried.taken_wh),
        "over_take_micro": str(carried.over_take_micro),
        # Named where there is any: of most days nothing is booked.
        **({"booked": of_bookings} if of_bookings else {}),
    }


def carried_from_dict(stated: Mapping[str, object]) -> Carried:
    """Return what `carried_as_dict` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is no such thing, or groups in it were promised,
            delivered or refused more than matured, or what was refused is worth less than nothing,
            or more is booked at supply points than owed; every one is named.
    """
    owed, matured, delivered, promised, missed, worth, taken = (
        _mapping(stated[name])
        for name in (
            "owed_w",
            "matured",
            "delivered",
            "promised",
            "missed_w",
            "missed_worth",
            "taken_wh",
        )
    )
    carried = Carried(
        {point: tuple(map(_whole, _list(rows))) for point, rows in owed.items()},
        {_group(name): _whole(value) for name, value in matured.items()},
        {_group(name): _whole(value) for name, value in delivered.items()},
        {_group(name): _whole(value) for name, value in promised.items()},
        {_member(name): _whole(value) for name, value in missed.items()},
        {_member(name): _whole(value) for name, value in worth.items()},
        {point: _whole(value) for point, value in taken.items()},
        _whole(stated["over_take_micro"]),
        {
            point: tuple(OwedLot(*map(_whole, _list(lot))) for lot in _list(lots))
            for point, lots in _mapping(stated.get("booked", {})).items()
        },
    )
    if beyond := [point for point in sorted(carried.booked) if not _is_owed(carried, point)]:
        raise ValueError(f"booked more than is owed: {', '.join(beyond)}")
    if wrong := [group for group in _groups(carried) if not _is_of_days(carried, group)]:
        names = ", ".join("/".join(group) for group in wrong)
        raise ValueError(f"promised, delivered or refused more than matured: {names}")
    return carried


def carried_digest(carried: Carried) -> bytes:
    """Return the RFC 6962 leaf hash of the tag and the canonical JSON of what a day begins with."""
    return leaf_hash(encode(CONTRACTS_TAG, [canonical_bytes(carried_as_dict(carried))]))


def _groups(carried: Carried) -> list[tuple[str, str]]:
    """Return the groups of which anything is told."""
    missed = {(node, product) for node, product, _ in (*carried.missed_w, *carried.missed_worth)}
    return sorted({*carried.matured, *carried.delivered, *carried.promised, *missed})


def _is_of_days(carried: Carried, group: tuple[str, str]) -> bool:
    """Return whether days can leave this: what matured was served or missed, and promised once."""
    matured, delivered = carried.matured.get(group, 0), carried.delivered.get(group, 0)
    missed, worth = (
        [value for member, value in values.items() if member[:2] == group]
        for values in (carried.missed_w, carried.missed_worth)
    )
    return (
        0 <= carried.promised.get(group, 0) <= PPM * matured
        and min(delivered, *missed, *worth, 0) == 0
        and delivered + sum(missed) <= matured
    )


def _is_owed(carried: Carried, point: str) -> bool:
    """Return whether lots of a supply point are no more than what it is owed, by deadline."""
    owed, booked = carried.owed_w.get(point, ()), Counter[int]()
    for lot in carried.booked[point]:
        if lot.power_w < 0:
            return False
        booked[lot.due] += lot.power_w
    return all(0 <= due < len(owed) and w <= owed[due] for due, w in booked.items())


def _by_group(values: Mapping[Named, int]) -> dict[str, str]:
    return {"/".join(group): str(value) for group, value in sorted(values.items())}


def _by_name(values: Mapping[str, int]) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(values.items())}


def _group(name: str) -> tuple[str, str]:
    node, _, product = name.partition("/")
    return node, product


def _member(name: str) -> tuple[str, str, str]:
    node, product, point = name.split("/")
    return node, product, point


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no mapping")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, str) or not value.removeprefix("-").isdecimal():
        raise TypeError(f"{value!r} is no whole number")
    return int(value)
