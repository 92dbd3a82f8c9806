"""What a fairness report reads of one settled day: its law, its stored results and day totals."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rulebook.resolve import RuleSet
from settlement.baselines.tariffs import PriceBounds, price_bounds
from settlement.core import energy_accounts
from settlement.core.arrays import Integers
from settlement.core.booked import CHARGE as BOOKING_CHARGE
from settlement.core.booked import booking_and_point
from settlement.core.model import MarketModel
from settlement.core.pots import COMPONENTS
from settlement.rules.places import Places, places_of
from settlement.rules.register import Register, register_of
from settlement.runs.results import ResultVector, VectorKey

SHAPLEY_POTS = ("adequacy", "location", "flexibility")
"""The pots that are shared by a game; that of reserve is shared by what is held."""

FUEL = "payment.fuel_micro"
PAYMENTS = tuple(f"payment.{component}_micro" for component in COMPONENTS)
CHARGES = (
    *(f"charge.{component}_micro" for component in COMPONENTS),
    "charge.dynamic_micro",
    "charge.excess_micro",
    BOOKING_CHARGE,
    "charge.over_take_micro",
    "charge.compensation_micro",
    "charge.equalisation_micro",
)
SERVICE = ("desired_w", "delivered_w", "late_w", "missed_w", "declined_w")
MEASURES = (
    *PAYMENTS,
    *CHARGES,
    *SERVICE,
    *(f"shapley_{game}" for game in SHAPLEY_POTS),
    "entitlement_w",
    "owed_w",
    "taken_wh",
    "shortfall_wh",
    "over_take_wh",
    "excess_wh",
    "fair_play_maximum_w",
    "fair_play_unused_w",
    "equalisation_micro",
    "node_price_micro_per_mwh",
    "binding_layer",
    "tightness_ppm",
    energy_accounts.DEMAND,
    energy_accounts.LOSSES,
    energy_accounts.IMBALANCE,
)
"""The results that a report is made of."""
_CHOSEN = frozenset(MEASURES)
"""Endings of names match more than the names: `node_price...` ends as `price...` does."""


@dataclass(frozen=True, eq=False)
class DayLaw:
    """The law of a day, as a report needs it.

    Attributes:
        places: the outermost layer first.
        promises: by product, in ppm.
        eligible: the units that may share the pots.
        denominator: what Shapley numerators are over, in kW.
    """

    register: Register
    nodes: tuple[str, ...]
    places: Places
    promises: Mapping[str, int]
    titles: Mapping[str, str]
    interval_minutes: int
    bounds: PriceBounds
    eligible: frozenset[str]
    denominator: int
    currency: str

    @property
    def outermost(self) -> str:
        """The name of the outermost layer."""
        return next(iter(self.places))


def law_of(rules: RuleSet, model: MarketModel) -> DayLaw:
    """Return what a report needs of the rules of a day."""
    market = rules.market_rules
    chosen = zip(model.units, model.unit_is_eligible.tolist(), strict=True)
    return DayLaw(
        register_of(rules.registrations),
        tuple(model.grid.nodes),
        places_of(rules.grid_model),
        {product.product: product.reliability_ppm for product in market.products},
        {product.product: product.title for product in market.products},
        market.interval_minutes,
        price_bounds(market),
        frozenset(unit for unit, is_eligible in chosen if is_eligible),
        model.shapley.denominator(len(model.units)),
        market.currency,
    )


def values_of_report(vectors: Iterable[ResultVector]) -> dict[VectorKey, Integers]:
    """Return the results of a day that a report is made of; bookings by their supply point."""
    found: dict[VectorKey, Integers] = {}
    for vector in vectors:
        if vector.measure == BOOKING_CHARGE:
            key = BOOKING_CHARGE, booking_and_point(vector.entity)[1]
            found[key] = found.get(key, 0) + vector.values
        elif vector.measure in _CHOSEN:
            found[vector.measure, vector.entity] = vector.values
    return found


@dataclass(frozen=True, eq=False)
class FairDay:
    """One settled day.

    Attributes:
        run: the run whose result of the day is posted.
        values: the stored results, of `MEASURES` alone.
        total_wh: metered or taken energy of the day, by measure and entity.
        generated_wh: of each unit by interval, shape (T,), negative where storage takes energy in;
            empty where it was not read.
    """

    day: dt.date
    run: str
    law: DayLaw
    values: Mapping[VectorKey, Integers]
    total_wh: Mapping[tuple[str, str], int]
    generated_wh: Mapping[str, Integers] = field(default_factory=dict)

    @property
    def month(self) -> str:
        """The term that the day is of, such as 2024-01."""
        return f"{self.day:%Y-%m}"

    @property
    def knows_service(self) -> bool:
        """Whether Fair Play served the day's contracts, so that service is known.

        Runs of earlier engines say what was desired, and not what was missed.
        """
        return any(("missed_w", point) in self.values for point in self.law.register.supply_points)

    @property
    def intervals(self) -> int:
        """T, of the day."""
        return len(self.values["node_price_micro_per_mwh", self.law.nodes[0]])

    def rows(self, measure: str, entities: Iterable[str]) -> Integers:
        """Return one measure of entities in their order, shape (E, T); zeros where it has none."""
        nothing = np.zeros(self.intervals, dtype=np.int64)
        rows = [self.values.get((measure, entity), nothing) for entity in entities]
        return np.array(rows, dtype=np.int64).reshape(-1, self.intervals)

    def sum_of(self, measure: str, entity: str) -> int:
        """Return the sum of one measure of an entity over the day; 0 where it has none."""
        row = self.values.get((measure, entity))
        return 0 if row is None else int(row.sum())

    def of(self, measure: str) -> dict[str, Integers]:
        """Return one measure of whatever has it."""
        return {entity: row for (name, entity), row in self.values.items() if name == measure}

    def tightness_ppm(self) -> Integers:
        """Return the highest tightness of the outermost layer, shape (T,)."""
        holons = set(self.law.places[self.law.outermost].values())
        names = sorted(f"{self.law.outermost}/{holon}" for holon in holons)
        highest: Integers = self.rows("tightness_ppm", names).max(axis=0)
        return highest
