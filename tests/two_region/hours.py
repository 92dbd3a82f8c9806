"""What docs/two-region.md should say of an hour, table by table, as the product has it."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import numpy as np

from settlement.core.games import Game, ramp_deliverable_w
from settlement.core.model import node_available_w, node_demand_w
from settlement.core.pots import GAMES
from tests.two_region.world import Hours, Month

Cell = str | Decimal | Fraction
Cells = dict[str, dict[str, Cell]]
"""By row and column; an empty string for a cell that says nothing."""

UNITS = ("wind", "gas", "peak")
SUPPLIERS = ("ash-energy", "bay-supply")
POOLS = GAMES[:3]
COMPONENTS = {"fuel": "fuel", "reserve": "availability"} | {pool: pool for pool in POOLS}
"""What pays units, by the word of the page."""

LAYERS = ("national", "regional")
PARTS = {"nation": "national/nation", "north": "regional/north", "south": "regional/south"}
W_PER_KW = 1_000


def mega(value: int) -> Decimal:
    """Return micro in euros, W in MW, ppm in ones: millionths of what people count."""
    return Decimal(value).scaleb(-6)


def money(month: Month, hours: Hours, measure: str, entity: str) -> Cell:
    """Return an amount, or nothing where there is none."""
    found = month.in_each(hours, f"{measure}_micro", entity)
    return "" if found is None else mega(found)


def scarcity(month: Month, hours: Hours) -> Cells:
    """Return tightness and prices of each part of the grid."""
    (_, hour), model = hours[0], month.facts.model
    readings = month.facts.day_readings()
    available = node_available_w(model, readings.available_w)[:, hour]
    demand = node_demand_w(model, readings.demand_wh)[:, hour]
    cells: Cells = {}
    for part, entity in PARTS.items():
        inside = [part in ("nation", node) for node in model.grid.nodes]
        own = int(available[inside].sum())
        found = {
            column: month.in_each(hours, measure, entity) or 0
            for column, measure in (
                ("deliverable", "deliverable_w"),
                ("tightness", "tightness_ppm"),
                ("price", "price_micro_per_mwh"),
                ("sell price", "sell_price_micro_per_mwh"),
            )
        }
        cells[part] = {
            "available": mega(own),
            "demand": mega(int(demand[inside].sum())),
            "can be brought": mega(found["deliverable"] - own),
            **{column: mega(value) for column, value in found.items()},
        }
    return cells


def prices(month: Month, hours: Hours) -> Cells:
    """Return the prices of each node, and which layer sets them."""

    def at(node: str, measure: str) -> int:
        found = month.in_each(hours, measure, node)
        if found is None:
            raise ValueError(f"{measure} of {node}: no result")
        return found

    return {
        node: {
            "price": mega(at(node, "node_price_micro_per_mwh")),
            "set by": LAYERS[at(node, "binding_layer")],
            "sell price": mega(at(node, "node_sell_price_micro_per_mwh")),
            "sell price set by": LAYERS[at(node, "binding_layer_sell")],
        }
        for node in month.facts.model.grid.nodes
    }


def coalitions(month: Month, hours: Hours) -> Cells:
    """Return what each coalition is worth, each by a maximum flow of its own."""
    games = _games(month, hours[0][1])
    units = month.facts.model.units
    return {
        ", ".join(members): {
            pool: mega(game.value_kw([units.index(unit) for unit in members]) * W_PER_KW)
            for pool, game in games.items()
        }
        for size in range(1, len(UNITS) + 1)
        for members in combinations(UNITS, size)
    }


def _games(month: Month, hour: int) -> dict[str, Game]:
    model, readings = month.facts.model, month.facts.day_readings()
    available_w = readings.available_w[:, hour]
    demand_kw = node_demand_w(model, readings.demand_wh)[:, hour] // W_PER_KW
    flexibility = model.flexibility
    if flexibility is None:
        raise ValueError("the market shares no flexibility pot")
    ramp_w = ramp_deliverable_w(
        available_w, flexibility.unit_ramp_w_per_h, flexibility.response_minutes
    )
    required_kw = flexibility.requirement_kw(np.array([demand_kw.sum()]))
    supply_kw = available_w // W_PER_KW
    return {
        "adequacy": Game.adequacy(supply_kw, int(demand_kw.sum())),
        "location": Game(model.network, model.unit_node, supply_kw, demand_kw),
        "flexibility": Game.flexibility(ramp_w // W_PER_KW, int(required_kw[0])),
    }


def shapley(month: Month, hours: Hours) -> Cells:
    """Return each unit's value in each game, in MW over the six orders."""
    orders = month.facts.model.shapley.denominator(len(UNITS))
    return {
        unit: {
            pool: Fraction(month.in_each(hours, f"shapley_{pool}", unit) or 0, orders * W_PER_KW)
            for pool in POOLS
        }
        for unit in UNITS
    }


def payments(month: Month, hours: Hours) -> Cells:
    """Return what each unit is paid for, and all of them."""
    cells: Cells = {
        unit: {
            word: money(month, hours, f"payment.{component}", unit)
            for word, component in COMPONENTS.items()
        }
        for unit in UNITS
    }
    return cells | {"all": {word: _column(cells, word) for word in COMPONENTS}}


def charges(month: Month, hours: Hours) -> Cells:
    """Return what each supply point is charged for."""
    return {
        point: {
            word: money(month, hours, f"charge.{component}", point)
            for word, component in (COMPONENTS | {"dynamic": "dynamic"}).items()
        }
        for point in month.facts.model.supply_points
    }


def equalisation(month: Month, hours: Hours) -> Cells:
    """Return all charges, all payments, and what goes into the account."""
    return {
        "the market": {
            "charges": sum(_amounts(charges(month, hours)), Decimal()),
            "payments": sum(_amounts({"all": payments(month, hours)["all"]}), Decimal()),
            "equalisation": money(month, hours, "equalisation", "market"),
        }
    }


def use_of_the_grid(month: Month, hours: Hours) -> Cells:
    """Return the energy of each supplier that bears the tariff, and what it bears."""
    return {
        supplier: {
            "energy": mega(month.in_each(hours, "quantity.tariff_wh", f"USE/{supplier}") or 0),
            "charge": money(month, hours, "charge.tariff", f"USE/{supplier}"),
        }
        for supplier in SUPPLIERS
    }


def only(cells: Cells, *columns: str) -> Cells:
    """Return some columns of a table, without the rows that say nothing in them."""
    kept = {row: {name: of[name] for name in columns} for row, of in cells.items() if row != "all"}
    return {row: of for row, of in kept.items() if any(cell != "" for cell in of.values())}


def _column(cells: Cells, column: str) -> Decimal:
    return sum(_amounts({row: {column: of[column]} for row, of in cells.items()}), Decimal())


def _amounts(cells: Cells) -> Iterator[Decimal]:
    for of_row in cells.values():
        for cell in of_row.values():
            if isinstance(cell, Decimal):
                yield cell
