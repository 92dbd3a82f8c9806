"""The IEEE test systems of 14, 57 and 118 buses, and a stated experiment on them.

The data are the cases of PYPOWER (BSD). They rate every line at 9,900 MW, which never binds, so
the experiment states ratings of its own: a factor times the flow of a DC power flow of the base
case. What is available is the base case's dispatch with a reserve. In each of 32 *states* every
load varies by itself, and all together; in a quarter of them half of what is available at one bus
is out, in another quarter one line. All states come once in every 32 intervals, each time in a new
order. All is drawn from one seed.

At each bus that has load there are two products of essential energy, premium and basic, 2 : 1.
"""

from importlib import import_module
from typing import NamedTuple

import numpy as np

from settlement.core.contract_day import serve_day
from settlement.core.contracts import Contracts, ContractState, nothing_owed
from settlement.core.grid import Grid
from settlement.core.network_rooms import rooms_of
from settlement.core.room import Rooms
from settlement.core.tightness import PPM

W_PER_MW = 10**6
BUS_NUMBER, BUS_LOAD = 0, 2
UNIT_BUS, UNIT_OUTPUT = 0, 1
LINE_FROM, LINE_TO, LINE_REACTANCE, LINE_RATIO = 0, 1, 3, 8


class Case(NamedTuple):
    """A test system at its base: N buses, L lines, in MW."""

    load: np.ndarray
    output: np.ndarray
    line_from: np.ndarray
    line_to: np.ndarray
    flow: np.ndarray


def case_of(buses: int) -> Case:
    """Return a test system with the DC power flow of its base case.

    Units share what is lost in the base case's flow of alternating current in proportion.
    """
    name = f"case{buses}"
    data = getattr(import_module(f"pypower.{name}"), name)()
    place = {int(number): index for index, number in enumerate(data["bus"][:, BUS_NUMBER])}
    load = data["bus"][:, BUS_LOAD]
    output = np.zeros(len(load))
    at = [place[int(bus)] for bus in data["gen"][:, UNIT_BUS]]
    np.add.at(output, at, data["gen"][:, UNIT_OUTPUT])
    output *= load.sum() / output.sum()
    lines = data["branch"]
    start, end = (
        np.array([place[int(bus)] for bus in lines[:, column]]) for column in (LINE_FROM, LINE_TO)
    )
    ratio = np.where(lines[:, LINE_RATIO] == 0, 1, lines[:, LINE_RATIO])
    susceptance = 1 / (lines[:, LINE_REACTANCE] * ratio)
    balance = np.zeros((len(load), len(load)))
    for one, other, sign in ((start, start, 1), (end, end, 1), (start, end, -1), (end, start, -1)):
        np.add.at(balance, (one, other), sign * susceptance)
    angle = np.zeros(len(load))
    angle[1:] = np.linalg.solve(balance[1:, 1:], (output - load)[1:])
    return Case(load, output, start, end, susceptance * (angle[start] - angle[end]))


# What the experiment assumes, as parts of one.
RATING_FACTOR = 1.2
RESERVE = 0.05
LOAD_SPREAD = 0.3
LEAST_LOAD, MOST_LOAD = 0.8, 1.1
PREMIUM_PART = 0.4
STATES = 32
UNIT_OUT, LINE_OUT = 1, 2
"""Which of every four states."""
PROMISES_PPM = (940_000, 970_000)
"""Of basic and of premium; a test moves both until the programme says what it needs."""


class Experiment(NamedTuple):
    """S states of a network, and the state of each interval."""

    contracts: Contracts
    rooms: list[Rooms]
    grids: list[Grid]
    supply_w: np.ndarray
    desired_w: np.ndarray
    state: np.ndarray


def experiment_of(buses: int, seed: int, intervals: int) -> Experiment:
    """Return an experiment, drawn from a seed."""
    case, chance = case_of(buses), np.random.default_rng(seed)
    count = len(case.load)
    rating_w = np.ceil(RATING_FACTOR * np.abs(case.flow) * 1000).astype(int) * 1000
    loaded, running = np.flatnonzero(case.load > 0), np.flatnonzero(case.output > 0)
    spread = 1 + LOAD_SPREAD * chance.uniform(-1, 1, (STATES, count))
    together = chance.uniform(LEAST_LOAD, MOST_LOAD, (STATES, 1))
    load_w = np.round(case.load * spread * together * W_PER_MW).astype(np.int64)[:, loaded]
    supply_w = np.tile(case.output * (1 + RESERVE) * W_PER_MW, (STATES, 1)).astype(int)
    names = tuple(f"B{number:03}" for number in range(1, count + 1))
    grids = []
    for state in range(STATES):
        rating = rating_w.copy()
        if state % 4 == UNIT_OUT:
            supply_w[state, chance.choice(running)] //= 2
        if state % 4 == LINE_OUT:
            rating[chance.integers(len(rating))] = 0
        grids.append(Grid(names, case.line_from, case.line_to, rating, rating, ()))
    premium_w = (load_w * PREMIUM_PART).astype(np.int64)
    groups = 2 * len(loaded)
    contracts = Contracts(
        nodes=names,
        groups=tuple((names[bus], product) for bus in loaded for product in ("basic", "premium")),
        node=np.repeat(loaded, 2),
        promise_ppm=np.tile(PROMISES_PPM, len(loaded)),
        tier_ppm=np.tile([PPM, 2 * PPM], len(loaded)),
        window=np.zeros(groups, dtype=np.int64),
        indivisible=np.zeros(groups, dtype=np.bool_),
        point_group=np.arange(groups),
        least_fulfilment_ppm=100_000,
    )
    return Experiment(
        contracts,
        [rooms_of(grid) for grid in grids],
        grids,
        supply_w.T,
        np.stack([load_w - premium_w, premium_w], axis=2).reshape(STATES, -1).T,
        np.concatenate([chance.permutation(STATES) for _ in range(-(-intervals // STATES))])[
            :intervals
        ],
    )


def shortfalls_ppm(experiment: Experiment, contracts: Contracts, at: range) -> np.ndarray:
    """Return max(0, promise - delivered / matured) of each group, after some of the intervals.

    Args:
        contracts: by which the intervals are served; promises are those of the experiment.
    """
    state, found = nothing_owed(contracts), []
    promise = experiment.contracts.promise_ppm
    for interval, now in enumerate(experiment.state.tolist(), start=1):
        asked = experiment.desired_w[:, now : now + 1]
        day = serve_day(
            experiment.rooms[now],
            contracts,
            state,
            experiment.supply_w[:, now : now + 1],
            asked,
            asked,
            np.zeros(len(asked), dtype=np.bool_),
        )
        state = ContractState(state.owed, day.after.memory)
        if interval in at:
            delivered, matured = (
                np.array(values, dtype=float)
                for values in (state.memory.delivered, state.memory.matured)
            )
            found.append(np.maximum(promise - PPM * delivered / matured, 0))
    return np.array(found)
