"""From charge lists to arrays: pass-through charges as the engine's `PassThrough`."""

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np

from rulebook.checks.charges import prices_of
from rulebook.documents.charge_list import (
    Charge,
    ChargeList,
    Fee,
    FeePrice,
    Subscription,
    SubscriptionPrice,
    Tariff,
    TariffPrice,
)
from settlement.core.pass_through import (
    FEE,
    NO_END,
    SUBSCRIPTION,
    TARIFF,
    Links,
    PassThrough,
    Prices,
)

KINDS: dict[type[Charge], str] = {Tariff: TARIFF, Subscription: SUBSCRIPTION, Fee: FEE}


def compile_charges(
    charge_lists: Sequence[ChargeList],
    time_zone: str,
    supplier_of: dict[str, str],
) -> PassThrough | None:
    """Return the charges as arrays, codes sorted; None where there are none.

    Args:
        charge_lists: of the market; publication checked that every code is unique.
        time_zone: whose days and hours prices and links follow.
        supplier_of: the supplier of each supply point, in the order of the engine's arrays.

    A link to a supply point that is not registered is left out: it is linked on other days.
    """
    charges = sorted(
        (charge for charges in charge_lists for charge in charges.charges),
        key=lambda charge: charge.code,
    )
    if not charges:
        return None
    index = {charge.code: number for number, charge in enumerate(charges)}
    place = {point: number for number, point in enumerate(supplier_of)}
    suppliers = tuple(sorted(set(supplier_of.values())))
    links = [
        (
            index[link.charge],
            place[link.supply_point],
            link.from_day.toordinal(),
            _end(link.to_day),
            link.quantity,
        )
        for charges_of_owner in charge_lists
        for link in charges_of_owner.links
        if link.supply_point in place
    ]
    prices = [row for number, charge in enumerate(charges) for row in _price_rows(number, charge)]
    return PassThrough(
        time_zone=time_zone,
        codes=tuple(index),
        kinds=tuple(KINDS[type(charge)] for charge in charges),
        is_hourly=np.array(
            [isinstance(charge, Tariff) and charge.resolution == "hour" for charge in charges]
        ),
        suppliers=suppliers,
        point_supplier=np.array(
            [suppliers.index(supplier) for supplier in supplier_of.values()], dtype=np.int64
        ),
        prices=Prices(*_columns(prices, 6)),
        links=Links(*_columns(sorted(links), 5)),
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
