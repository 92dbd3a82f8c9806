"""The games that the benchmarks play: 12 nodes and 21 units of Great Britain, and 73 buses."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from settlement.core.arrays import Integers
from settlement.core.games import Game
from settlement.core.holarchy import HolarchyTree, holarchy_tree
from settlement.core.network import Network

RTS_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "rts_gmlc"
RTS_HOUR = 4000
"""An hour in which demand 1.6 times as high is nearly all of what can be supplied."""

NODES = ("N0", "N1", "N16", "N17", "N20", "N21", "N22", "N30", "N31", "N32", "N33", "N34")
TRUNK_NODES = ("N1", "N16", "N17")
LINES_MW = (
    ("N0", "N1", 3000),
    ("N1", "N16", 5000),
    ("N16", "N17", 8000),
    ("N1", "N17", 4000),
    ("N16", "N20", 6500),
    ("N20", "N21", 3000),
    ("N16", "N22", 4000),
    ("N17", "N30", 4000),
    ("N30", "N31", 3000),
    ("N17", "N32", 6000),
    ("N17", "N33", 4000),
    ("N33", "N34", 3000),
)
# Half an hour of the published case, 12 April 2024 at 23:30.
AVAILABLE_KW = {
    "N0": (1010244, 2267301, 2272024, 12000000),
    "N17": (1133650, 500000, 1105309),
    "N20": (1133650, 1000000, 1000000),
    "N21": (4040976, 4040976),
    "N22": (2020488, 4040976),
    "N30": (2020488,),
    "N31": (8000000, 1000000),
    "N32": (15000000, 500000, 1133650),
    "N34": (3030732,),
}
DEMAND_KW = {
    "N0": 4540549,
    "N21": 4953326,
    "N22": 4127772,
    "N30": 3714995,
    "N31": 3714995,
    "N32": 9493875,
    "N33": 6191658,
    "N34": 4540549,
}


def great_britain_network(rating_multiplier: int) -> Network:
    """Return the network with published ratings times a multiplier."""
    start, end, rating_mw = zip(*LINES_MW, strict=True)
    rating_kw = _numbers(rating_mw) * 1000 * rating_multiplier
    ends = [_numbers([NODES.index(node) for node in side]) for side in (start, end)]
    return Network(len(NODES), *ends, rating_kw, rating_kw)


def great_britain(rating_multiplier: int) -> Game:
    """Return one interval of the 12-node case."""
    places = [(NODES.index(node), kw) for node, units in AVAILABLE_KW.items() for kw in units]
    unit_node, available_kw = zip(*places, strict=True)
    return Game(
        great_britain_network(rating_multiplier),
        _numbers(unit_node),
        _numbers(available_kw),
        _numbers([DEMAND_KW.get(node, 0) for node in NODES]),
    )


def reliability_test_system() -> tuple[Game, HolarchyTree]:
    """Return an hour of the 73-bus system with 1.6 times its demand, and its holarchy.

    Raises:
        FileNotFoundError: its data are not beside the checkout.
    """
    buses, branches, units = (_rows(name) for name in ("buses", "branches", "generators"))
    number = {bus["bus_id"]: place for place, bus in enumerate(buses)}
    rating_kw = _numbers([int(branch["rating_mw"] * 1000) for branch in branches])
    ends = [
        _numbers([number[branch[end]] for branch in branches]) for end in ("from_bus", "to_bus")
    ]
    network = Network(len(buses), *ends, rating_kw, rating_kw)
    parents, holons = [-1], {}
    for depth in (1, 2, 3):
        for bus in buses:
            name = (bus["area"], bus["zone"], bus["bus_id"])[:depth]
            if name not in holons:
                holons[name] = len(parents)
                parents.append(holons.get(name[:-1], 0))
    node_holon = [holons[bus["area"], bus["zone"], bus["bus_id"]] for bus in buses]
    demand_mw = _rows("demand_bus_hourly_da", RTS_HOUR)[0]
    offered_mw = _rows("availability_hourly_da", RTS_HOUR)[0]
    available_kw = [
        int(1000 * min(unit["pmax_mw"], offered_mw.get(unit["gen_id"], unit["pmax_mw"])))
        for unit in units
    ]
    game = Game(
        network,
        _numbers([number[unit["bus_id"]] for unit in units]),
        _numbers(available_kw),
        _numbers([round(1600 * demand_mw.get(str(bus["bus_id"]), 0)) for bus in buses]),
    )
    return game, holarchy_tree(network, parents, node_holon)


def _rows(name: str, only: int | None = None) -> list[dict]:
    table = pq.read_table(RTS_FOLDER / f"{name}.parquet")
    return (table if only is None else table.slice(only, 1)).to_pylist()


def _numbers(values) -> Integers:
    return np.array(values, dtype=np.int64)
