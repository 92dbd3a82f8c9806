"""One settlement day: readings and a compiled market in, every result as a table out.

A pure function of its arguments: the same arrays give the same tables on any machine, with any
number of threads, compiled or not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from settlement.core.arrays import Flags, Integers
from settlement.core.booked import CHARGE as BOOKING_CHARGE
from settlement.core.booked import MEASURES as ONLINE_MEASURES
from settlement.core.booked import (
    PUBLISHED,
    ChargedPrices,
    charged_price_tables,
    charged_prices,
)
from settlement.core.booking_lines import Flexible, booking_tables
from settlement.core.charges import MEASURES as CHARGE_MEASURES
from settlement.core.charges import charge_points, excess_wh, priced_wh
from settlement.core.day_games import GAMES, DayGames, play_games
from settlement.core.energy_accounts import MEASURES as AREA_MEASURES
from settlement.core.energy_accounts import energy_of_areas
from settlement.core.fair_play_market import (
    FairPlayOutcome,
    Share,
    fair_play_outcome,
    shares_of_day,
)
from settlement.core.measure import Measure
from settlement.core.model import (
    DayReadings,
    MarketModel,
    checked_readings,
    node_available_w,
    node_demand_w,
)
from settlement.core.pass_through import PAID_ON, QUANTITY_UNITS, pass_through_tables
from settlement.core.pots import (
    COMPONENTS,
    availability_payments_micro,
    day_costs_micro,
    fuel_payments_micro,
    pot_payments_micro,
    pot_targets_micro,
    regulated_payments_micro,
    target_micro,
)
from settlement.core.scarcity import price_layers
from settlement.core.tightness import LayerTightness, NodePrices, node_prices

__all__ = [
    "MEASURES",
    "DayReadings",
    "DayResult",
    "MarketModel",
    "Measure",
    "Play",
    "ResultTable",
    "settle_day",
]

MARKET = ("market",)

MEASURES = {
    "tightness_ppm": Measure("layer/holon", "demand over deliverable supply"),
    "price_micro_per_mwh": Measure("layer/holon", "the layer's curve at that tightness"),
    "deliverable_w": Measure("layer/holon", "supply inside and what lines can bring"),
    "node_price_micro_per_mwh": Measure("node", "highest price over the layers in use"),
    "binding_layer": Measure("node", "index of the layer that sets it"),
    "sell_price_micro_per_mwh": Measure("layer/holon", "price of net export, if priced apart"),
    "node_sell_price_micro_per_mwh": Measure("node", "highest sell price over the layers in use"),
    "binding_layer_sell": Measure("node", "index of the layer that sets it"),
    **{
        f"shapley_{game}": Measure("unit", "numerator in kW; where a pot is shared by it")
        for game in GAMES
    },
    **{f"value_{game}_kw": Measure("market", "what all units are worth in it") for game in GAMES},
    # Levels, and clusters with multiplied ratings, play a location game worth more than the rated.
    "gap_location_kw": Measure("market", "location game less what the network as rated serves"),
    **{
        f"standard_error_{game}_w": Measure("unit", "of a sampled share, rounded up")
        for game in GAMES
    },
    "cluster_number": Measure("unit", "from 0: clusters"),
    "demand_kw": Measure("market", "demand of all nodes, as it was asked for"),
    # To fair_play_unused_w: where the policy applies Fair Play.
    "desired_w": Measure("supply point", "requested anew, up to the power that is contracted"),
    "entitlement_w": Measure("supply point", "what it may take of what is new and what is owed"),
    # The entitlement where the metered demand is all that is known of the request.
    "delivered_w": Measure("supply point", "taken of it, as metered, or the entitlement"),
    "late_w": Measure("supply point", "the part of it that had been owed"),
    "missed_w": Measure("supply point", "due and refused"),
    "declined_w": Measure("supply point", "offered and not taken, or refused and not counted"),
    "owed_w": Measure("supply point", "refused, and its window open where the interval ends"),
    "taken_wh": Measure("supply point", "what settles; negative is net export"),
    "over_take_wh": Measure("supply point", "taken above entitlement"),
    "shortfall_wh": Measure("supply point", "lacking of the promise where its term ends"),
    "fair_play_maximum_w": Measure("market", "most that the network can serve"),
    "fair_play_unused_w": Measure("market", "of it, what indivisible requests left over"),
    **{f"payment.{name}_micro": Measure("unit", "+ is paid to the owner") for name in COMPONENTS},
    "excess_wh": Measure("point with a block", "taken above what contracts cover in a month"),
    **CHARGE_MEASURES,
    "equalisation_micro": Measure("market", "+ goes into the equalisation account"),
    **{
        measure: Measure(entity, meaning)
        for kind, unit in QUANTITY_UNITS.items()
        for measure, entity, meaning in (
            (f"charge.{kind}_micro", "code/supplier", "+ is owed"),
            (f"quantity.{kind}_{unit}", "code/supplier", "what is charged: Wh, days or pieces"),
            (f"payment.{kind}_micro", "code", "+ is paid to the charge's owner"),
            (f"unpriced.{kind}", "code/supplier", "1 where a time step has no price"),
            (f"charge.{kind}{PAID_ON}_micro", "code/collector", "+ is owed of what it collected"),
            (f"payment.{kind}{PAID_ON}_micro", "code", "+ is paid to whose charge it is"),
        )
    },
    # Where the market is online: where published prices are charged, and where anybody booked.
    **ONLINE_MEASURES,
    # Where the grid model asks for the energy of areas.
    **{name: Measure("layer/holon", "metered or balanced in the area") for name in AREA_MEASURES},
}
"""Every measure that `settle_day` can return."""


@dataclass(frozen=True, eq=False)
class ResultTable:
    """One measure of a day: values of shape (E, T), a row for each entity."""

    measure: str
    entities: tuple[str, ...]
    values: Integers


@dataclass(frozen=True, eq=False)
class DayResult:
    """All results of a day, in a fixed order: some of `MEASURES`, each once.

    In every interval, charges = payments + equalisation. Shapley numerators are over
    ``MarketModel.shapley.denominator(U)``: ``lcm(1..U)`` by the exact method, a billion by the
    others. They sum to the value of the game times the denominator.
    """

    day: date
    tables: tuple[ResultTable, ...]

    def values(self, measure: str) -> Integers:
        """Return the values of one measure, shape (E, T); KeyError if there is none."""
        return {table.measure: table.values for table in self.tables}[measure]


Play = Callable[[MarketModel, date, Integers, Integers], DayGames]
"""`play_games`, or what returns the same of games that were played before."""


def settle_day(
    model: MarketModel,
    readings: DayReadings,
    play: Play = play_games,
    share: Share = shares_of_day,
) -> DayResult:
    """Settle one local day.

    Args:
        model: the compiled market.
        readings: of the day.
        play: plays the day's games.
        share: shares the day by Fair Play.

    Raises:
        TypeError, ValueError: readings do not fit the model; see `checked_readings`.
        OverflowError: a quantity so large that exact int64 results are not certain.
        LookupError: a result that is not among `MEASURES`, which nobody could read.
    """
    readings = checked_readings(model, readings)
    fair_play = fair_play_outcome(model, readings, share)
    readings = fair_play.readings
    demand_w = node_demand_w(model, readings.scarcity_wh)
    available_w = node_available_w(model, readings.available_w)
    layers = price_layers(model, available_w, demand_w)
    prices = node_prices(model.grid, model.layers_in_use, layers)
    games = play(model, readings.day, readings.available_w, demand_w)
    payments = _payments(model, readings, layers[0].tightness_ppm.max(axis=0), games)
    charged = charged_prices(
        model.charged_price,
        prices.price_micro_per_mwh,
        prices.sell_price_micro_per_mwh,
        readings.online,
    )
    bookings = _booking_tables(model, readings, fair_play, charged)
    tables = (
        *_scarcity_tables(model, layers, prices),
        *_game_tables(model, games),
        *(
            ResultTable(measure, model.supply_points, values)
            for measure, values in fair_play.of_points.items()
        ),
        *(
            ResultTable(measure, MARKET, values[np.newaxis])
            for measure, values in fair_play.of_market.items()
        ),
        *(
            ResultTable(f"payment.{component}_micro", model.units, values)
            for component, values in payments.items()
        ),
        *_charged_price_tables(model, charged),
        *bookings,
        *_charge_tables(model, readings, charged, payments, fair_play, bookings),
        *_pass_through_tables(model, readings),
        *_energy_tables(model, readings),
    )
    for table in tables:
        if table.measure not in MEASURES:
            raise LookupError(f"{table.measure} is not among the measures of a settlement day")
    return DayResult(readings.day, tables)


def _payments(
    model: MarketModel, readings: DayReadings, tightness_ppm: Integers, games: DayGames
) -> dict[str, Integers]:
    """Return payments by component, each of shape (U, T), in the order of their tables."""
    intervals = readings.demand_wh.shape[1]
    day_cost = day_costs_micro(model.annual_cost_micro, readings.day)
    payments = {
        "fuel": fuel_payments_micro(readings.generation_wh, model.offer_micro_per_mwh),
        "regulated": regulated_payments_micro(day_cost, model.unit_is_regulated, intervals),
    }
    reserve_w = np.zeros_like(readings.available_w)
    if readings.reserve_w is not None:
        reserve_w = readings.reserve_w
    if model.availability_price_micro_per_mw_h:
        payments["availability"] = availability_payments_micro(
            reserve_w, model.availability_price_micro_per_mw_h, model.interval_minutes
        )
    # Rows as Python ints: each fits int64, all of a market together need not.
    paid = sum(int(row) for values in payments.values() for row in values.sum(axis=1))
    target = target_micro(model.target, readings.day, day_cost, model.unit_is_regulated, paid)
    timings = {
        "flat": np.ones(intervals, dtype=np.int64),
        "tightness": tightness_ppm,
        "served": games.served_kw,
    }
    shares = {**games.shapley, "reserve": reserve_w}
    for pot, held in zip(model.pots, pot_targets_micro(target, model.pots), strict=True):
        if pot.weight_ppm:
            payments[pot.game] = pot_payments_micro(
                held, timings[pot.timing], shares[pot.game], model.unit_is_eligible
            )
    return payments


def _charge_tables(
    model: MarketModel,
    readings: DayReadings,
    prices: ChargedPrices,
    payments: dict[str, Integers],
    fair_play: FairPlayOutcome,
    bookings: list[ResultTable],
) -> list[ResultTable]:
    """Return charges, and the equalisation movement: what they exceed payments by."""
    node = model.supply_point_node
    charges, movement_micro = charge_points(
        model.charging,
        readings.demand_wh,
        {component: values.sum(axis=0) for component, values in payments.items()},
        *prices.at(node),
        fair_play.charges_micro,
        None if readings.requests is None else readings.requests.state.taken_wh,
        sum(table.values.sum(axis=0) for table in bookings if table.measure == BOOKING_CHARGE),
    )
    return [
        *_excess_tables(model, readings),
        *(
            ResultTable(
                f"charge.{charge.component}_micro",
                _chosen(model.supply_points, charge.is_charged),
                charge.amounts_micro,
            )
            for charge in charges
        ),
        ResultTable("equalisation_micro", MARKET, movement_micro[np.newaxis]),
    ]


def _booking_tables(
    model: MarketModel, readings: DayReadings, fair_play: FairPlayOutcome, charged: ChargedPrices
) -> list[ResultTable]:
    """Return what was booked, and what came of it; nothing where nobody did."""
    if readings.online is None:
        return []
    node, taken_wh = model.supply_point_node, readings.demand_wh
    tables = booking_tables(
        readings.online.bookings,
        model.supply_points,
        fair_play.wished_wh,
        taken_wh,
        priced_wh(model.charging, _above_wh(model, readings), taken_wh),
        model.charging.dynamic_ppm,
        charged.at(node),
        Flexible(model.is_owed, fair_play.lots, model.interval_minutes),
    )
    return [ResultTable(*table) for table in tables]


def _charged_price_tables(model: MarketModel, charged: ChargedPrices) -> Iterator[ResultTable]:
    if model.charged_price == PUBLISHED:
        for table in charged_price_tables(charged, model.grid.nodes, bool(model.sell_curves)):
            yield ResultTable(*table)


def _above_wh(model: MarketModel, readings: DayReadings) -> Integers | None:
    """Return what is taken above blocks, shape (G, T); None where no contract covers one."""
    blocks, requests = model.charging.blocks, readings.requests
    if blocks is None or requests is None:
        return None
    return excess_wh(blocks, requests.state.taken_wh, readings.demand_wh)


def _excess_tables(model: MarketModel, readings: DayReadings) -> Iterator[ResultTable]:
    blocks, above_wh = model.charging.blocks, _above_wh(model, readings)
    if blocks is not None and above_wh is not None:
        chosen = _chosen(model.supply_points, blocks.has_block)
        yield ResultTable("excess_wh", chosen, above_wh[blocks.has_block])


def _pass_through_tables(model: MarketModel, readings: DayReadings) -> Iterator[ResultTable]:
    if model.pass_through is not None:
        for table in pass_through_tables(
            model.pass_through, readings.day, model.interval_minutes, readings.charged_wh
        ):
            yield ResultTable(*table)


def _energy_tables(model: MarketModel, readings: DayReadings) -> Iterator[ResultTable]:
    if model.energy_areas is not None:
        energy = energy_of_areas(
            model.energy_areas,
            model.unit_node,
            model.supply_point_node,
            readings.generation_wh,
            readings.demand_wh,
        )
        for measure, values in energy.items():
            yield ResultTable(measure, model.energy_areas.names, values)


def _scarcity_tables(
    model: MarketModel, layers: tuple[LayerTightness, ...], prices: NodePrices
) -> list[ResultTable]:
    holons = tuple(f"{layer.name}/{holon}" for layer in model.grid.layers for holon in layer.holons)

    def of_holons(measure: str) -> ResultTable:
        return ResultTable(
            measure, holons, np.concatenate([getattr(layer, measure) for layer in layers])
        )

    nodes = model.grid.nodes
    tables = [
        *map(of_holons, ("tightness_ppm", "price_micro_per_mwh", "deliverable_w")),
        ResultTable("node_price_micro_per_mwh", nodes, prices.price_micro_per_mwh),
        ResultTable("binding_layer", nodes, prices.binding_layer),
    ]
    if model.sell_curves:  # without one, selling is buying, and is not said twice
        tables += [
            of_holons("sell_price_micro_per_mwh"),
            ResultTable("node_sell_price_micro_per_mwh", nodes, prices.sell_price_micro_per_mwh),
            ResultTable("binding_layer_sell", nodes, prices.binding_layer_sell),
        ]
    return tables


def _game_tables(model: MarketModel, games: DayGames) -> list[ResultTable]:
    tables = [
        *(
            ResultTable(f"shapley_{game}", model.units, numerators)
            for game, numerators in games.shapley.items()
        ),
        *(
            ResultTable(f"value_{game}_kw", MARKET, value[np.newaxis])
            for game, value in games.value_kw.items()
        ),
    ]
    if games.gap_location_kw is not None:
        tables.append(ResultTable("gap_location_kw", MARKET, games.gap_location_kw[np.newaxis]))
    tables += [
        ResultTable(f"standard_error_{game}_w", model.units, errors)
        for game, errors in games.standard_error_w.items()
    ]
    if games.cluster_number is not None:
        tables.append(ResultTable("cluster_number", model.units, games.cluster_number))
    tables.append(ResultTable("demand_kw", MARKET, games.demand_kw[np.newaxis]))
    return tables


def _chosen(names: tuple[str, ...], chosen: Flags) -> tuple[str, ...]:
    return tuple(name for name, keep in zip(names, chosen.tolist(), strict=True) if keep)
