"""Shares and served demand of a game recomputed, as the plain values that are printed as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.refusals import Finding
from settlement.core.arrays import Integers
from settlement.core.clusters import ClusterShares, clusters, clusters_of, neighbourhood
from settlement.core.cuts import W_PER_KW
from settlement.core.games import Game, ramp_deliverable_w
from settlement.core.holarchy import HolarchyTree, holarchy_tree, without_limits
from settlement.core.methods import LevelsShares, exact, levels
from settlement.core.network import Network
from settlement.core.sampled import SampledShares, sampled
from settlement.core.shapley_rule import METHODS
from settlement.core.shares import Shares
from settlement.games.files import GameFile

__all__ = [
    "GAMES",
    "METHODS",
    "Sampling",
    "compute_answers",
    "compute_shares",
    "find_lacking_fields",
    "serve_most",
]

GAMES = ("location", "adequacy", "flexibility")


@dataclass(frozen=True)
class Sampling:
    """How the sampled method draws: its seed, and when it stops."""

    seed: int = 1
    most_orders: int = 10_000
    target_error_w: int = 0


def serve_most(file: GameFile) -> dict[str, Any]:
    """Return the most demand that a game's coalition, or all of its units, can serve."""
    members = range(len(file.units)) if file.coalition is None else file.coalition
    return {"served_kw": _location(file).value_kw(members)}


def compute_shares(file: GameFile, method: str, game: str, sampling: Sampling) -> dict[str, Any]:
    """Return the shares of the units by a method; see `find_lacking_fields` for what it needs."""
    played = _played(file, game)
    answer: dict[str, Any] = {"method": method, "game": game}
    found: Shares
    if method == "levels":
        found = levels(_on_all_nodes(file, game), _tree(file, game))
    elif method == "clusters":
        near = neighbourhood(_network(file, 1), file.trunk_nodes or (), file.hop_limit or 0)
        number = clusters_of(near, _unit_node(file), _available_kw(file))
        found = clusters(played, number)
    elif method == "sampled":
        found = sampled(played, sampling.seed, sampling.most_orders, sampling.target_error_w)
        answer["seed"] = sampling.seed
    else:
        found = exact(played)
    answer["value_all_kw"] = found.value_all_kw
    answer["shapley_kw"] = dict(
        zip((unit.unit for unit in file.units), _ratios(found), strict=True)
    )
    return answer | _particulars(file, found)


def find_lacking_fields(file: GameFile, method: str | None, game: str) -> list[Finding]:
    """Return what a method or game needs and the file does not have."""
    needed: dict[str, object] = {}
    if method == "clusters":
        needed |= {"trunk_nodes": file.trunk_nodes, "hop_limit": file.hop_limit}
    if game == "flexibility":
        needed |= {
            "response_minutes": file.response_minutes,
            "requirement_kw": file.requirement_kw,
        }
        needed |= {
            f"units[{number}].ramp_kw_per_h": unit.ramp_kw_per_h
            for number, unit in enumerate(file.units)
        }
    found = [
        Finding(
            "missing-field",
            f"{file.place}: {path}",
            "None",
            f"needed by the {method} method on the {game} game",
            "add it",
        )
        for path, value in needed.items()
        if value is None
    ]
    if method is not None and not file.units:
        found.append(
            Finding("no-unit", f"{file.place}: units", "[]", "at least one unit", "list the units")
        )
    return found


def compute_answers(
    files: list[GameFile], answer: Callable[[GameFile], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return an answer for each game, and what is beyond a method for those that have none."""
    answers, beyond = [], []
    for file in files:
        try:
            answers.append(answer(file))
        except (ValueError, OverflowError) as refusal:
            beyond.append(
                Finding(
                    "beyond-method",
                    file.place,
                    f"{len(file.units)} units, {len(file.nodes)} nodes, "
                    f"{sum(file.demand_kw)} kW of demand",
                    str(refusal),
                    "choose another method or a smaller game",
                )
            )
    return answers, beyond


def _network(file: GameFile, rating_multiplier: int) -> Network:
    lines = file.lines
    return Network(
        len(file.nodes),
        _numbers([line.from_node for line in lines]),
        _numbers([line.to_node for line in lines]),
        _numbers([line.rating_kw * rating_multiplier for line in lines]),
        _numbers([line.reverse_rating_kw * rating_multiplier for line in lines]),
    )


def _location(file: GameFile) -> Game:
    network = _network(file, file.rating_multiplier)
    return Game(network, _unit_node(file), _available_kw(file), _numbers(file.demand_kw))


def _played(file: GameFile, game: str) -> Game:
    """Return the game that is shared: on the network, or on one node."""
    if game == "location":
        return _location(file)
    if game == "adequacy":
        return Game.adequacy(_available_kw(file), sum(file.demand_kw))
    return Game.flexibility(_deliverable_kw(file), file.requirement_kw or 0)


def _on_all_nodes(file: GameFile, game: str) -> Game:
    """Return the game to play on the holarchy: supply and demand by node, whatever limits them."""
    location = _location(file)
    if game != "flexibility":
        return location
    requirement = [file.requirement_kw or 0, *[0] * (len(file.nodes) - 1)]
    return Game(location.network, location.unit_node, _deliverable_kw(file), _numbers(requirement))


def _tree(file: GameFile, game: str) -> HolarchyTree:
    network = _network(file, file.rating_multiplier)
    tree = holarchy_tree(network, file.holarchy.parents, file.holarchy.node_holon)
    return tree if game == "location" else without_limits(tree)


def _ratios(found: Shares) -> list[dict[str, int]]:
    """Return shares over their denominator; those of clusters in lowest terms, as it is large."""
    if isinstance(found, ClusterShares):
        return [
            {"numerator": share.numerator, "denominator": share.denominator}
            for share in found.fractions_kw()
        ]
    return [
        {"numerator": numerator, "denominator": found.denominator} for numerator in found.numerators
    ]


def _particulars(file: GameFile, found: Shares) -> dict[str, Any]:
    """Return what one method alone has to say."""
    units = [unit.unit for unit in file.units]
    if isinstance(found, LevelsShares):
        return {"gap_kw": found.gap_kw}
    if isinstance(found, SampledShares):
        errors = (error / W_PER_KW for error in found.standard_error_w)
        return {
            "standard_error_kw": dict(zip(units, errors, strict=True)),
            "reached_target": found.reached_target,
        }
    if isinstance(found, ClusterShares):
        return {
            "clusters": [[units[unit] for unit in cluster] for cluster in found.clusters],
            "cluster_shapley_kw": [
                {"numerator": numerator, "denominator": found.cluster_denominator}
                for numerator in found.cluster_numerators
            ],
            "coalition_values_kw": [
                {
                    "clusters": [
                        cluster for cluster in range(len(found.clusters)) if chosen >> cluster & 1
                    ],
                    "served_kw": value,
                }
                for chosen, value in enumerate(found.coalition_values_kw)
            ],
        }
    return {}


def _unit_node(file: GameFile) -> Integers:
    return _numbers([unit.node for unit in file.units])


def _available_kw(file: GameFile) -> Integers:
    return _numbers([unit.available_kw for unit in file.units])


def _deliverable_kw(file: GameFile) -> Integers:
    ramps_kw_per_h = _numbers([unit.ramp_kw_per_h or 0 for unit in file.units])
    deliverable_w = ramp_deliverable_w(
        _available_kw(file) * W_PER_KW, ramps_kw_per_h * W_PER_KW, file.response_minutes or 0
    )
    return deliverable_w // W_PER_KW


def _numbers(values: Sequence[int]) -> Integers:
    return np.array(values, dtype=np.int64)
