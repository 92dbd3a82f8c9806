"""The same operation written for PyPSA: its own components, its own equations."""

import logging
import warnings
from dataclasses import dataclass

import numpy as np
import pandas

from settlement.dispatch.model import DispatchModel

MILLION = 1_000_000

Source = tuple[str, str, np.ndarray, float]
"""Name, bus, most power of each interval in MW, and cost per MWh."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What PyPSA finds: cost of each interval, and prices float[N, T] per MWh."""

    cost: np.ndarray
    price_per_mwh: np.ndarray
    objective: float


def judge(pypsa, model: DispatchModel, available_w, demand_wh, *, storage: bool) -> Judged:
    """Return PyPSA's least cost; without storage, units that store do not run at all.

    Units with a minimum are committable, and those whose ramp is below their power have its limits.
    """
    for name in ("pypsa", "linopy"):
        logging.getLogger(name).setLevel(logging.ERROR)
    intervals = available_w.shape[1]
    hours = model.interval_minutes / 60
    network = pypsa.Network()
    network.set_snapshots(range(intervals))
    network.snapshot_weightings = network.snapshot_weightings.astype(float) * hours
    buses = [f"N{node}" for node in range(model.node_count)]
    network.add("Bus", buses, v_nom=1.0)
    _add_lines(network, model)
    sources = _add_units(network, model, available_w / MILLION, storage)
    demand_mw = demand_wh / MILLION / hours
    taken_mw, exported_mw = np.maximum(demand_mw, 0), np.maximum(-demand_mw, 0)
    loads = [f"load {bus}" for bus in buses]
    network.add("Load", loads, bus=buses, p_set=table(network, loads, taken_mw))
    penalty = model.unserved_micro_per_mwh / MILLION
    for node, bus in enumerate(buses):
        sources.append((f"shed {bus}", bus, taken_mw[node], penalty))
        sources.append((f"export {bus}", bus, exported_mw[node], 0.0))
    _add_sources(network, model, available_w / MILLION, sources)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status, condition = network.optimize(
            solver_name="highs",
            solver_options={"output_flag": False, "threads": 1, "mip_rel_gap": 1e-5},
            progress=False,
        )
    assert (status, condition) == ("ok", "optimal")
    cost = (network.generators_t.p * network.generators.marginal_cost).sum(axis=1) * hours
    if storage and len(network.storage_units):
        given = network.storage_units_t.p_dispatch * network.storage_units.marginal_cost
        cost = cost + given.sum(axis=1) * hours
    prices = network.buses_t.marginal_price[buses].to_numpy().T
    return Judged(cost.to_numpy(), prices, float(network.objective))


def _add_lines(network, model: DispatchModel) -> None:
    assert (model.rating_w == model.reverse_rating_w).all()
    for line, reactance in enumerate(model.reactance_ppm.tolist()):
        ends = {"bus0": f"N{model.line_from[line]}", "bus1": f"N{model.line_to[line]}"}
        rating_mw = model.rating_w[line] / MILLION
        if reactance:
            network.add("Line", f"L{line}", **ends, x=reactance / MILLION, s_nom=rating_mw)
        else:
            network.add("Link", f"L{line}", **ends, p_nom=rating_mw, p_min_pu=-1.0)


def _add_units(network, model: DispatchModel, available_mw, storage: bool) -> list[Source]:
    """Add the units that store; return the others."""
    sources: list[Source] = []
    last = len(network.snapshots) - 1
    for unit, node in enumerate(model.unit_node.tolist()):
        name, bus = f"U{unit}", f"N{node}"
        offer = model.offer_micro_per_mwh[unit] / MILLION
        if not model.storage_wh[unit]:
            sources.append((name, bus, available_mw[unit], offer))
            continue
        if not storage:
            continue
        assert (available_mw[unit] == available_mw[unit][0]).all()
        power_mw, energy_mwh = available_mw[unit][0], model.storage_wh[unit] / MILLION
        network.add(
            "StorageUnit",
            name,
            bus=bus,
            p_nom=power_mw,
            max_hours=energy_mwh / power_mw,
            efficiency_store=model.round_trip_efficiency_ppm[unit] / MILLION,
            marginal_cost=offer,
            state_of_charge_initial=energy_mwh / 2,
            # Half full again at the end, and free before.
            state_of_charge_set=np.where(network.snapshots == last, energy_mwh / 2, np.nan),
        )
    return sources


def _add_sources(network, model: DispatchModel, available_mw, sources: list[Source]) -> None:
    names = [name for name, _, _, _ in sources]
    most_mw = np.array([most for _, _, most, _ in sources])
    largest_mw = np.maximum(most_mw.max(axis=1), 1.0)
    network.add(
        "Generator",
        names,
        bus=[bus for _, bus, _, _ in sources],
        p_nom=largest_mw,
        p_max_pu=table(network, names, most_mw / largest_mw[:, None]),
        marginal_cost=[cost for _, _, _, cost in sources],
    )
    _add_limits(network, model, available_mw)


def _add_limits(network, model: DispatchModel, available_mw) -> None:
    """Set minimums and ramps of generators; in PyPSA a ramp is a part of power in a snapshot."""
    generators = network.generators
    for unit in np.flatnonzero(model.storage_wh == 0):
        name, most_mw = f"U{unit}", available_mw[unit].max()
        minimum_mw = model.minimum_w[unit] / MILLION
        ramp_mw = model.ramp_w_per_h[unit] / MILLION * model.interval_minutes / 60
        if minimum_mw and most_mw:
            generators.loc[name, "committable"] = True
            generators.loc[name, "p_min_pu"] = minimum_mw / most_mw
            generators.loc[name, "up_time_before"] = 1
            for limit in ("ramp_limit_start_up", "ramp_limit_shut_down"):
                generators.loc[name, limit] = min(max(minimum_mw, ramp_mw) / most_mw, 1)
        if ramp_mw < most_mw:
            generators.loc[name, ["ramp_limit_up", "ramp_limit_down"]] = ramp_mw / most_mw


def table(network, names: list[str], values: np.ndarray):
    """Return values of shape (len(names), T) as a frame of PyPSA's."""
    return pandas.DataFrame(values.T, index=network.snapshots, columns=names)
