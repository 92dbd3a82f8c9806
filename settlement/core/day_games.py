"""The games of a day, played in every interval by the method of the market's rule.

Each game shares what all units together are worth:

- *location*: demand served through the network;
- *adequacy*: demand served as if there were no network;
- *flexibility*: what can be added within the response time, up to the requirement.

What a method means for the last two, whose value knows no place:

- ``exact``, ``sampled``: orders of all units, as for location;
- ``levels``: the same values, in the orders that keep each holon together, so that a unit shares
  first with its neighbours: the holarchy without limits at its boundaries;
- ``clusters``: shares between the clusters that formed on the network, split inside by what each
  unit supplies to the game.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from settlement.core.arrays import Integers, require_int64
from settlement.core.clusters import clusters, clusters_of
from settlement.core.cuts import W_PER_KW
from settlement.core.games import Game, ramp_deliverable_w
from settlement.core.levels import shapley_levels
from settlement.core.model import MarketModel
from settlement.core.network import Network
from settlement.core.pots import Flexibility
from settlement.core.rounding import apportion
from settlement.core.sampled import sampled
from settlement.core.shapley import shapley_adequacy, shapley_location
from settlement.core.shapley_rule import MICROWATTS_PER_KW
from settlement.core.shares import Shares

GAMES = ("adequacy", "location", "flexibility")
"""The games that a pot can be shared by."""


@dataclass(frozen=True, eq=False)
class DayGames:
    """What a day's games come to, by game where there are several.

    Attributes:
        shapley: shape (U, T), numerators in kW over the denominator of the market's rule.
        value_kw: shape (T,), what all units together are worth, which the shares sum to.
        served_kw: shape (T,), demand that all units serve through the network.
        demand_kw: shape (T,), demand of all nodes.
        standard_error_w: shape (U, T), in W, rounded up; of sampled shares alone.
        cluster_number: shape (U, T), from 0 by the first unit; None but for clusters.
        gap_location_kw: shape (T,), the value of the location game less what the network serves;
            None where the method plays it on the network as it is.
    """

    shapley: dict[str, Integers]
    value_kw: dict[str, Integers]
    served_kw: Integers
    demand_kw: Integers
    standard_error_w: dict[str, Integers] = field(default_factory=dict)
    cluster_number: Integers | None = None
    gap_location_kw: Integers | None = None


@dataclass(frozen=True, eq=False)
class _Played:
    """One game of a day: supply (U, T) and demand by node (N, T), in kW, on the network or not."""

    supply_kw: Integers
    demand_kw: Integers
    on_network: bool

    def game(self, network: Network, unit_node: Integers, interval: int) -> Game:
        supply, demand = self.supply_kw[:, interval], self.demand_kw[:, interval]
        if self.on_network:
            return Game(network, unit_node, supply, demand)
        return Game.adequacy(supply, int(demand.sum()))

    def games(self, network: Network, unit_node: Integers) -> list[Game]:
        return [self.game(network, unit_node, t) for t in range(self.supply_kw.shape[1])]


def play_games(
    model: MarketModel, day: date, available_w: Integers, demand_w: Integers
) -> DayGames:
    """Return the games of a day.

    Args:
        model: the market; its cuts are enumerated under ``exact`` alone.
        day: the local day, which seeds the orders of the sampled method.
        available_w: shape (U, T), what each unit could have fed in, as checked.
        demand_w: shape (N, T), demand at each node.

    Raises:
        ValueError, OverflowError: beyond the method; see the modules of the methods.
    """
    demand_kw = demand_w // W_PER_KW
    supply_kw = available_w // W_PER_KW
    games = {
        "adequacy": _Played(supply_kw, demand_kw, on_network=False),
        "location": _Played(supply_kw, demand_kw, on_network=True),
    }
    if model.flexibility is not None:
        games["flexibility"] = _flexibility(model.flexibility, available_w, demand_kw)
    play = _PLAYS[model.shapley.method]
    return play(model, day, games)


def _flexibility(flexibility: Flexibility, available_w: Integers, demand_kw: Integers) -> _Played:
    ramp_w_per_h = flexibility.unit_ramp_w_per_h[:, np.newaxis]
    deliverable_w = ramp_deliverable_w(available_w, ramp_w_per_h, flexibility.response_minutes)
    # Where the requirement stands does not matter, as no limit stands between the units and it.
    requirement_kw = np.zeros_like(demand_kw)
    requirement_kw[0] = flexibility.requirement_kw(demand_kw.sum(axis=0))
    return _Played(deliverable_w // W_PER_KW, requirement_kw, on_network=False)


def _exact(model: MarketModel, _day: date, games: dict[str, _Played]) -> DayGames:
    shapley, value_kw = {}, {}
    for name, played in games.items():
        if played.on_network:
            found = shapley_location(
                model.cuts, model.unit_node, played.supply_kw, played.demand_kw
            )
        else:
            found = shapley_adequacy(played.supply_kw, played.demand_kw.sum(axis=0))
        shapley[name], value_kw[name] = found
    return DayGames(shapley, value_kw, value_kw["location"], _market_demand_kw(games))


def _levels(model: MarketModel, _day: date, games: dict[str, _Played]) -> DayGames:
    shapley, value_kw = {}, {}
    for name, played in games.items():
        plan = model.levels_plan if played.on_network else model.levels_plan_without_limits
        numerators, value_kw[name] = shapley_levels(plan, played.supply_kw, played.demand_kw)
        columns = zip(value_kw[name].tolist(), numerators.T.tolist(), strict=True)
        shapley[name] = _columns([in_microwatts(value, column) for value, column in columns])
    served_kw = _served_kw(model, games["location"])
    return DayGames(
        shapley,
        value_kw,
        served_kw,
        _market_demand_kw(games),
        gap_location_kw=value_kw["location"] - served_kw,
    )


def _clusters(model: MarketModel, _day: date, games: dict[str, _Played]) -> DayGames:
    location = games["location"]
    numbers = [
        clusters_of(model.neighbourhood, model.unit_node, np.ascontiguousarray(supply_kw))
        for supply_kw in location.supply_kw.T
    ]
    shapley, value_kw = {}, {}
    for name, played in games.items():
        in_order = played.games(model.multiplied_network, model.unit_node)
        found = [clusters(*interval) for interval in zip(in_order, numbers, strict=True)]
        shapley[name], value_kw[name] = _shares_and_values(found)
    as_rated = model.shapley.rating_multiplier == 1
    served_kw = value_kw["location"] if as_rated else _served_kw(model, location)
    return DayGames(
        shapley,
        value_kw,
        served_kw,
        _market_demand_kw(games),
        cluster_number=np.stack(numbers, axis=1),
        gap_location_kw=None if as_rated else value_kw["location"] - served_kw,
    )


def _sampled(model: MarketModel, day: date, games: dict[str, _Played]) -> DayGames:
    rule = model.shapley
    shapley, value_kw, standard_error_w = {}, {}, {}
    for name, played in games.items():
        found = [
            sampled(game, rule.interval_seed(day, t), rule.most_orders, rule.target_error_w)
            for t, game in enumerate(played.games(model.network, model.unit_node))
        ]
        shapley[name], value_kw[name] = _shares_and_values(found)
        standard_error_w[name] = _columns([shares.standard_error_w for shares in found])
    return DayGames(
        shapley, value_kw, value_kw["location"], _market_demand_kw(games), standard_error_w
    )


_PLAYS: dict[str, Callable[[MarketModel, date, dict[str, _Played]], DayGames]] = {
    "exact": _exact,
    "levels": _levels,
    "clusters": _clusters,
    "sampled": _sampled,
}


def in_microwatts(value_kw: int, numerators: Sequence[int]) -> list[int]:
    """Return the shares of an interval in whole microwatts, which sum to the value exactly.

    Args:
        value_kw: of all units together.
        numerators: by unit, over any denominator; they sum to the value.

    Rounding: largest remainder, ties to the lowest index.

    Example: a kW shared 1 : 1 : 1 is 333,333,334, 333,333,333 and 333,333,333 microwatts.

    Raises:
        OverflowError: a value of more than nine billion kW, which int64 cannot hold.
    """
    require_int64(value_kw * MICROWATTS_PER_KW, "shares in microwatts")
    if not value_kw:
        return [0] * len(numerators)
    return apportion(value_kw * MICROWATTS_PER_KW, numerators)


def _shares_and_values(found: Sequence[Shares]) -> tuple[Integers, Integers]:
    """Return the shares of each interval in microwatts, shape (U, T), and its value, shape (T,)."""
    return (
        _columns([in_microwatts(shares.value_all_kw, shares.numerators) for shares in found]),
        np.array([shares.value_all_kw for shares in found], dtype=np.int64),
    )


def _served_kw(model: MarketModel, location: _Played) -> Integers:
    """Return what all units serve through the network as it is rated, by maximum flow."""
    everyone = range(len(model.units))
    games = location.games(model.network, model.unit_node)
    return np.array([game.value_kw(everyone) for game in games], dtype=np.int64)


def _market_demand_kw(games: dict[str, _Played]) -> Integers:
    demand_kw: Integers = games["location"].demand_kw.sum(axis=0)
    return demand_kw


def _columns(columns: Sequence[Sequence[int]]) -> Integers:
    return np.ascontiguousarray(np.array(columns, dtype=np.int64).T)
