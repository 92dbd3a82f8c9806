"""The settled days under other designs: what they would have come to, day by day. Pure.

Who is served, and at what prices, comes from a solver in floats, so these sums inform: they are
stored as whole numbers, and a verification does not solve again.
"""

from dataclasses import dataclass, field

import numpy as np

from settlement.baselines.day import PricedDay
from settlement.baselines.designs import BASELINES, Design
from settlement.baselines.serving import Served
from settlement.baselines.tariffs import (
    SolvedDay,
    flat_charges_micro,
    flat_fuel_micro,
    marginal_money,
    placed,
)
from settlement.core.arrays import Integers
from settlement.core.model import MarketModel
from settlement.core.pots import fuel_payments_micro
from settlement.fairness.designs import DesignSums
from settlement.fairness.facts import FUEL, PAYMENTS, FairDay
from settlement.fairness.sums import PointKey, point_key

ONE_PLACE = ("market",)


def _designs() -> dict[Design, DesignSums]:
    return {design: DesignSums(refused_wh=0) for design in BASELINES}


@dataclass(eq=False)
class BaselineSums:
    """What the baselines come to; they grow in the order of the days.

    Attributes:
        of_served_days: whether service is counted of days under Fair Play alone, as that of the
            settled market is; without any such day it is counted of all.
        flat_paid_micro: all that is paid under the flat tariff.
        flat_delivered: of each day, its supply points and what they get under the flat tariff.
    """

    of_served_days: bool = False
    designs: dict[Design, DesignSums] = field(default_factory=_designs)
    flat_paid_micro: int = 0
    flat_delivered: list[tuple[tuple[PointKey, ...], Integers]] = field(default_factory=list)

    def add(self, day: FairDay, model: MarketModel, solved: SolvedDay) -> None:
        """Add a day."""
        market = placed(model)
        served = solved.designs.served
        for design, each in served.items():
            self._serve(design, day, solved.asked_wh, each)
        for design, money in marginal_money(market, solved).items():
            sums = self.designs[design]
            for name, micro in zip(model.supply_points, money.charges_micro, strict=True):
                sums.charged_micro[point_key(day.law, name)] += int(micro.sum())
            fuel = fuel_payments_micro(money.served.generation_wh, model.offer_micro_per_mwh)
            beyond = (money.payments_micro - fuel).sum(axis=1).tolist()
            for name, micro in zip(model.units, beyond, strict=True):
                sums.beyond_fuel_micro[name] += micro
            bounds = day.law.bounds
            sums.prices.append(
                PricedDay(
                    ONE_PLACE if design is Design.UNIFORM else day.law.nodes,
                    money.price_micro_per_mwh,
                    bounds.floor_micro_per_mwh,
                    bounds.cap_micro_per_mwh,
                )
            )
        self._add_flat(day, model, solved)

    def close(self) -> dict[Design, DesignSums]:
        """Return the designs, with what the flat tariff charges: it recovers all that it pays."""
        delivered = [wh for _, wh in self.flat_delivered]
        charges = flat_charges_micro(self.flat_paid_micro, delivered)
        flat = self.designs[Design.FLAT]
        for (points, _), micro in zip(self.flat_delivered, charges, strict=True):
            for at, each in zip(points, micro.sum(axis=1).tolist(), strict=True):
                flat.charged_micro[at] += each
        return self.designs

    def _add_flat(self, day: FairDay, model: MarketModel, solved: SolvedDay) -> None:
        """Add the flat tariff: units are paid as settled, but fuel for what they then generate."""
        fuel = int(flat_fuel_micro(placed(model), solved).sum())
        settled = 0
        for name in model.units:
            beyond = sum(day.sum_of(measure, name) for measure in PAYMENTS if measure != FUEL)
            self.designs[Design.FLAT].beyond_fuel_micro[name] += beyond
            settled += beyond
        self.flat_paid_micro += fuel + settled
        points = tuple(point_key(day.law, name) for name in model.supply_points)
        self.flat_delivered.append((points, solved.designs.flat.delivered_wh))

    def _serve(self, design: Design, day: FairDay, asked_wh: Integers, served: Served) -> None:
        sums, points = self.designs[design], day.law.register.supply_points
        asked = np.maximum(asked_wh, 0)
        delivered = np.maximum(served.delivered_wh, 0)
        whole, got = asked.sum(axis=1).tolist(), delivered.sum(axis=1).tolist()
        is_compared = day.knows_service or not self.of_served_days
        products: dict[str, Integers] = {}
        for (name, (_, point)), wanted, wh, row in zip(
            points.items(), whole, got, delivered, strict=True
        ):
            at = point_key(day.law, name)
            if is_compared:
                sums.points[at].add(wanted, wh)
                promise = day.law.promises.get(point.product, 0)
                sums.groups[day.month, point.node, point.product].add(wanted, wh, promise)
            sums.taken_wh[at] += wh
            products[point.product] = products.get(point.product, 0) + row
        if is_compared:
            sums.refused_wh = (sums.refused_wh or 0) + sum(whole) - sum(got)
        sums.taken.append(products)
        sums.carbon.add(day.law.register.units, served.generation_wh)
