"""From charge lists to arrays: pass-through charges as the engine's `PassThrough`."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rulebook.checks.charges import prices_of
from rulebook.documents.charge_list import (
    Charge,
    ChargeList,
    FeePrice,
    LinkedKind,
    SubscriptionPrice,
    Tariff,
    TariffPrice,
    charge_names,
)
from settlement.core.pass_through import NO_END, Links, PassThrough, Prices


def compile_charges(
    charge_lists: Sequence[ChargeList],
    time_zone: str,
    charged_for: Mapping[tuple[LinkedKind, str], str],
) -> PassThrough | None:
    """Return the charges as arrays, names sorted; None where there are none.

    Args:
        charge_lists: of the market; publication checked that a code is unique a list and type.
        time_zone: whose days and hours prices and links follow.
        charged_for: who is charged for each supply point, unit and sub-meter, in this order and
            that of the engine's arrays.

    A link to what is not registered is left out: it is linked on other days.
    """
    names = charge_names(charge_lists)
    by_key = {
        (names[listed.owner, charge.type, charge.code], charge.type): charge
        for listed in charge_lists
        for charge in listed.charges
    }
    if not by_key:
        return None
    keys = sorted(by_key)
    charges = [by_key[key] for key in keys]
    index = {key: number for number, key in enumerate(keys)}
    place = {linked: number for number, linked in enumerate(charged_for)}
    suppliers = tuple(sorted(set(charged_for.values())))
    links = [
        (
            index[names[listed.owner, charge.type, charge.code], charge.type],
            place[link.linked],
            link.from_day.toordinal(),
            _end(link.to_day),
            link.quantity,
        )
        for listed in charge_lists
        for linked in (listed.linked_charges(),)
        for link in listed.links
        for charge in (linked[link.charge, link.charge_type],)
        if link.linked in place
    ]
    prices = [row for number, charge in enumerate(charges) for row in _price_rows(number, charge)]
    return PassThrough(
        time_zone=time_zone,
        codes=tuple(name for name, _ in keys),
        kinds=tuple(charge.type for charge in charges),
        is_hourly=np.array(
            [isinstance(charge, Tariff) and charge.resolution == "hour" for charge in charges]
        ),
        suppliers=suppliers,
        point_supplier=np.array(
            [suppliers.index(supplier) for supplier in charged_for.values()], dtype=np.int64
        ),
        prices=Prices(*_columns(prices, 6)),
        links=Links(*_columns(sorted(links), 5)),
        collectors={
            index[names[listed.owner, charge.type, charge.code], charge.type]: listed.owner
            for listed in charge_lists
            for charge in listed.charges
            if charge.paid_on_to is not None
        },
    )


def _price_rows(number: int, charge: Charge) -> Iterator[tuple[int, ...]]:
    for price in prices_of(charge):
        days = (price.from_day.toordinal(), _end(price.to_day))
        match price:
            case TariffPrice():
                yield number, *days, price.from_hour, price.to_hour, price.price_micro_per_kwh
            case SubscriptionPrice():
                yield number, *days, 0, 24, price.price_micro_per_month
            case FeePrice():
                yield number, *days, 0, 24, price.price_micro_per_piece


def _end(day: dt.date | None) -> int:
    return NO_END if day is None else day.toordinal()


def _columns(rows: Sequence[tuple[int, ...]], count: int) -> list[np.ndarray]:
    return list(np.array(rows, dtype=np.int64).reshape(len(rows), count).T)
