"""Pass-through charges: what others set a price for and the market collects, to the micro.

=============  ==============================================  =====================
kind           amount                                          time step
=============  ==============================================  =====================
tariff         energy x price per kWh                          local hour or day
subscription   monthly price / days of the month, x quantity   local day
fee            price x quantity                                local day
=============  ==============================================  =====================

Amounts are reckoned for each charge, supplier and time step: the energy or quantity of all that
links join the supplier to is summed first, multiplied by the price, and rounded once, to the
nearest micro, halves away from zero. The price of a subscription's day is rounded before it is
multiplied. Amount and quantity stand in the first interval of their time step and the other
intervals of the step hold 0.

A charge falls on supply points, generating units and sub-meters, and the supplier is whoever
answers for them. Energy is what a supply point takes, a unit generates, or a sub-meter counts; net
export, and what storage takes in, count as none in their interval, so they neither bear a tariff
nor lower that of another interval. A time step without a price has no amount: it states
its quantity and is flagged. The owner of a charge is paid what suppliers are charged; where the
owner only collects it, as grid owners collect taxes, it is charged the same, and that is paid to
whose charge it is.

An hour of the local clock that comes twice in a day is two time steps at the same price; an hour
that is left out is none.

Source: the conventions of Denmark's national settlement, Energinet's opengeh-wholesale, with one
difference. It rounds in finer groups: beside charge, supplier and time step, apart by grid area, by
type of metering point (consumption, production, each kind of sub-meter) and by settlement method.
Here they are one group, so an amount of a step can differ from the sum of theirs by half a micro
for each of them and for itself:

    499 Wh in each of two grid areas at 1 micro per kWh    there 0 + 0 micro    here 998 Wh: 1 micro

Amounts of subscriptions and fees are products of whole numbers, and the same in any groups. A
market that wants the finer groups lists a charge for each.
"""

import datetime as dt
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from zoneinfo import ZoneInfo

import numpy as np

from settlement.core.arrays import Flags, Integers, integers, largest_magnitude, require_int64
from settlement.core.periods import interval_starts
from settlement.core.rounding import round_half_away

TARIFF, SUBSCRIPTION, FEE = "tariff", "subscription", "fee"
QUANTITY_UNITS = {TARIFF: "wh", SUBSCRIPTION: "days", FEE: "pieces"}
"""What each kind of charge counts, in the order of the result tables."""

PAID_ON = "_paid_on"
"""Ends the name of a kind where it stands for what a collector pays on."""

WH_PER_KWH = 1_000
NO_END = dt.date.max.toordinal() + 1
"""The end of a price or link that has none."""


@dataclass(frozen=True, eq=False)
class Prices:
    """N prices, each for [first_day, end_day) and the local hours [from_hour, to_hour).

    Attributes:
        charge: shape (N,), index of the charge.
        first_day, end_day: shape (N,), ordinals of days.
        from_hour, to_hour: shape (N,), 0 to 24.
        micro: shape (N,), per kWh, per month or per piece.
    """

    charge: Integers
    first_day: Integers
    end_day: Integers
    from_hour: Integers
    to_hour: Integers
    micro: Integers

    def __post_init__(self) -> None:
        _check_columns(self)


@dataclass(frozen=True, eq=False)
class Links:
    """L links of a charge to a supply point, unit or sub-meter for [first_day, end_day).

    Attributes:
        charge, point: shape (L,), indices.
        first_day, end_day: shape (L,), ordinals of days.
        quantity: shape (L,), pieces; energy is not multiplied by it.
    """

    charge: Integers
    point: Integers
    first_day: Integers
    end_day: Integers
    quantity: Integers

    def __post_init__(self) -> None:
        _check_columns(self)


@dataclass(frozen=True, eq=False)
class PassThrough:
    """The pass-through charges of a market, their prices and links.

    Attributes:
        time_zone: whose days and hours prices and links follow.
        codes: C names of charges, sorted; charges of several kinds may share one.
        kinds: of each charge, one of `QUANTITY_UNITS`.
        is_hourly: shape (C,), whether a tariff's time step is the hour; the day otherwise.
        collectors: of each charge that is paid on, by its number, who collects it.
        suppliers: P names, sorted, of all who answer for something that a charge may fall on.
        point_supplier: shape (M,), index of the supplier of each of the M supply points, units and
            sub-meters, one after the other; `Links.point` counts them so.
    """

    time_zone: str
    codes: tuple[str, ...]
    kinds: tuple[str, ...]
    is_hourly: Flags
    suppliers: tuple[str, ...]
    point_supplier: Integers
    prices: Prices
    links: Links
    collectors: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.codes) == len(self.kinds) == len(self.is_hourly):
            raise ValueError("kinds and is_hourly need one entry for each code")
        if unknown := set(self.kinds) - QUANTITY_UNITS.keys():
            raise ValueError(f"kinds: {sorted(unknown)}; they are {list(QUANTITY_UNITS)}")


@dataclass(frozen=True, eq=False)
class ChargedDay:
    """One charge of one supplier on one day of T intervals.

    Attributes:
        charge, supplier: indices.
        amount_micro: shape (T,), + is owed by the supplier and paid to the charge's owner.
        quantity: shape (T,), in the unit of the charge's kind, with a price or without.
        is_unpriced: shape (T,), 1 where a time step begins that is linked and has no price.
    """

    charge: int
    supplier: int
    amount_micro: Integers
    quantity: Integers
    is_unpriced: Integers


def charged_entity(code: str, supplier: str) -> str:
    """Return what results call a charge of a supplier.

    >>> charged_entity("levy", "cedar"), charge_and_supplier("elder/40000/cedar")
    ('levy/cedar', ('elder/40000', 'cedar'))
    """
    return f"{code}/{supplier}"


def charge_and_supplier(entity: str) -> tuple[str, str]:
    """Return the charge and the supplier whose results have this entity."""
    # From the end: where several owners have one code, the name of a charge holds a slash itself.
    code, _, supplier = entity.rpartition("/")
    return code, supplier


Table = tuple[str, tuple[str, ...], Integers]
"""Measure, entities, and values of shape (E, T)."""


def pass_through_tables(
    pass_through: PassThrough, day: dt.date, interval_minutes: int, metered_wh: Integers
) -> list[Table]:
    """Return the day's results by kind of charge: amounts, quantities, flags, and payments.

    The entity of what a supplier is charged is `code/supplier`, of what a collector is charged
    `code/collector`; that of what an owner is paid is the code. Kinds without a link on the day
    have no table, nor have flags where none is set.
    """
    charged = charge_day(pass_through, day, interval_minutes, metered_wh)
    tables: list[Table] = []
    for kind, unit in QUANTITY_UNITS.items():
        of_kind = [row for row in charged if pass_through.kinds[row.charge] == kind]
        if not of_kind:
            continue
        names = tuple(
            charged_entity(pass_through.codes[row.charge], pass_through.suppliers[row.supplier])
            for row in of_kind
        )
        amounts = np.array([row.amount_micro for row in of_kind])
        tables.append((f"charge.{kind}_micro", names, amounts))
        tables.append(
            (f"quantity.{kind}_{unit}", names, np.array([row.quantity for row in of_kind]))
        )
        codes = sorted({row.charge for row in of_kind})
        owner = np.zeros((len(codes), amounts.shape[1]), dtype=np.int64)
        np.add.at(owner, [codes.index(row.charge) for row in of_kind], amounts)
        paid_for = tuple(pass_through.codes[charge] for charge in codes)
        tables.append((f"payment.{kind}_micro", paid_for, owner))
        tables += _paid_on(pass_through, kind, codes, owner)
        flagged = [number for number, row in enumerate(of_kind) if row.is_unpriced.any()]
        if flagged:
            flags = np.array([of_kind[number].is_unpriced for number in flagged])
            tables.append((f"unpriced.{kind}", tuple(names[number] for number in flagged), flags))
    return tables


def _paid_on(
    pass_through: PassThrough, kind: str, charges: Sequence[int], amounts: Integers
) -> Iterator[Table]:
    """Yield what collectors are charged of what they are paid, and what is paid on of it."""
    rows = [row for row, charge in enumerate(charges) if charge in pass_through.collectors]
    if rows:
        codes = tuple(pass_through.codes[charges[row]] for row in rows)
        collectors = (pass_through.collectors[charges[row]] for row in rows)
        entities = tuple(map(charged_entity, codes, collectors))
        yield f"charge.{kind}{PAID_ON}_micro", entities, amounts[rows]
        yield f"payment.{kind}{PAID_ON}_micro", codes, amounts[rows]


def charge_day(
    pass_through: PassThrough, day: dt.date, interval_minutes: int, metered_wh: Integers
) -> list[ChargedDay]:
    """Return what each supplier is charged on a day, by charge and supplier.

    Args:
        pass_through: the charges.
        day: the local day.
        interval_minutes: length of an interval.
        metered_wh: shape (M, T), of what charges may fall on; negative is net export.

    Raises:
        OverflowError: an amount could pass int64.
    """
    taken_wh = np.maximum(metered_wh, 0)
    starts, hours = hour_steps(day, pass_through.time_zone, interval_minutes)
    charged = []
    for charge, supplier, own in _linked(pass_through, day):
        kind, points = pass_through.kinds[charge], pass_through.links.point[own]
        price, has_price = _price_by_hour(pass_through.prices, charge, day)
        by_hour = kind == TARIFF and bool(pass_through.is_hourly[charge])
        first, step_hours = (starts, hours) if by_hour else (starts[:1], hours[:1])
        if kind == TARIFF:
            quantity = np.add.reduceat(taken_wh[points].sum(axis=0), first)
            amount = tariff_micro(quantity, price[step_hours])
        else:
            quantity = pass_through.links.quantity[own].sum(keepdims=True)
            amount = _piece_amount_micro(kind, price[:1], quantity, day)
        known = has_price[step_hours]
        columns = np.zeros((3, metered_wh.shape[1]), dtype=np.int64)
        columns[:, first] = amount * known, quantity, ~known
        charged.append(ChargedDay(charge, supplier, *columns))
    return charged


def tariff_micro(energy_wh: Integers, price_micro_per_kwh: Integers) -> Integers:
    """Return energy x price for each time step, to the nearest micro, halves away from zero.

    Args:
        energy_wh: shape (S,), not negative.
        price_micro_per_kwh: shape (S,), any sign.

    Example: 499 Wh at 1 micro per kWh is 0.499 micro, so 0; 500 Wh is 0.5, so 1, and at -1 micro
    per kWh, -1. 3 x 1,001 Wh at 2,008,000 micro per kWh is 6,030,024 micro, exactly.
    """
    kwh, rest_wh = np.divmod(energy_wh, WH_PER_KWH)
    largest = largest_magnitude(price_micro_per_kwh)
    require_int64((largest_magnitude(kwh) + 2) * max(largest, 1), "energy x price of a tariff")
    # Whole kWh are exact, so only the rest is rounded; Wh times a price could pass int64.
    return kwh * price_micro_per_kwh + round_half_away(rest_wh * price_micro_per_kwh, WH_PER_KWH)


def subscription_day_micro(price_micro_per_month: int, day: dt.date) -> int:
    """Return the price of one day of a monthly price, to the nearest micro, halves away from zero.

    Example: 10,000,000 micro a month is 344,828 a day in February 2020 (29 days) and 322,581 in
    May (31 days); 31 such days come to 10,000,011. The surplus is part of the convention.
    """
    days = monthrange(day.year, day.month)[1]
    return int(round_half_away(np.int64(price_micro_per_month), days))


def hour_steps(day: dt.date, zone: str, minutes: int) -> tuple[Integers, Integers]:
    """Return the first interval of each hour of a local day, and the hour by the local clock.

    Both have shape (S,), S being 23, 24 or 25 where clocks change by an hour.
    """
    where = ZoneInfo(zone)
    local = [start.astimezone(where) for start in interval_starts(day, zone, minutes)]
    # With the offset, as on the day of 25 hours two of them bear one number.
    labels = [(start.hour, start.utcoffset()) for start in local]
    first = [n for n, label in enumerate(labels) if n == 0 or label != labels[n - 1]]
    return np.array(first), np.array([labels[number][0] for number in first])


def _linked(pass_through: PassThrough, day: dt.date) -> Iterator[tuple[int, int, Integers]]:
    """Yield each charge and supplier that links join on a day, and the numbers of these links."""
    links = pass_through.links
    numbers = np.flatnonzero(_holds(links.first_day, links.end_day, day))
    supplier = pass_through.point_supplier[links.point]
    key = links.charge[numbers] * len(pass_through.suppliers) + supplier[numbers]
    order = np.argsort(key, kind="stable")
    for own in np.split(numbers[order], np.flatnonzero(np.diff(key[order])) + 1):
        if len(own):
            yield int(links.charge[own[0]]), int(supplier[own[0]]), own


def _piece_amount_micro(kind: str, price: Integers, quantity: Integers, day: dt.date) -> Integers:
    price_micro = int(price[0])
    if kind == SUBSCRIPTION:
        price_micro = subscription_day_micro(price_micro, day)
    require_int64(abs(price_micro) * largest_magnitude(quantity), f"price x quantity of a {kind}")
    amount: Integers = quantity * price_micro
    return amount


def _price_by_hour(prices: Prices, charge: int, day: dt.date) -> tuple[Integers, Flags]:
    """Return the price of each local hour, shape (24,), 0 where there is none, and where one is."""
    price, has_price = np.zeros(24, dtype=np.int64), np.zeros(24, dtype=np.bool_)
    holds = (prices.charge == charge) & _holds(prices.first_day, prices.end_day, day)
    for number in np.flatnonzero(holds):
        hours = slice(prices.from_hour[number], prices.to_hour[number])
        price[hours], has_price[hours] = prices.micro[number], True
    return price, has_price


def _holds(first_day: Integers, end_day: Integers, day: dt.date) -> Flags:
    ordinal = day.toordinal()
    return (first_day <= ordinal) & (ordinal < end_day)


def _check_columns(table: Prices | Links) -> None:
    """Make every column of a table an int64 array of the length of the first."""
    columns: Sequence[str] = [column.name for column in fields(table)]
    length = (len(getattr(table, columns[0])),)
    for name in columns:
        object.__setattr__(table, name, integers(getattr(table, name), length, name))
