"""What Kirchhoff's laws cost: demand that line ratings alone could serve, and a power flow cannot.

Settlement measures what units can serve with the *transport* model: any flow within the ratings.
Around a loop, reactances decide how a flow splits, so a line may fill before the others do.
"""

import dataclasses

import numpy as np

from settlement.dispatch.model import DispatchModel, Integers
from settlement.dispatch.prices import day_optimum

KW_PER_MW = 1000
UNLIMITED_W_PER_H = 10**15


def unserved_by_power_flow_kw(
    model: DispatchModel, available_w: Integers, demand_wh: Integers
) -> Integers:
    """Return int64[T]: the most demand served by the transport model less that by power flow.

    Every unit may run at its availability, whatever its minimum and ramp, and storage is not
    counted, as in the value of all units in settlement; net export of a node is no supply.

    Args:
        model: grid and fleet.
        available_w: int64[U, T].
        demand_wh: int64[N, T].

    Rounding: each of the two to the nearest kW. Never negative: power flow adds constraints.
    """
    everything_runs = dataclasses.replace(
        model,
        offer_micro_per_mwh=np.zeros_like(model.offer_micro_per_mwh),
        minimum_w=np.zeros_like(model.minimum_w),
        ramp_w_per_h=np.full_like(model.ramp_w_per_h, UNLIMITED_W_PER_H),
        storage_wh=np.zeros_like(model.storage_wh),
    )
    demand_wh = np.maximum(demand_wh, 0)
    unserved_kw = _unserved_kw(everything_runs, available_w, demand_wh)
    if not unserved_kw.any():
        return unserved_kw
    transport = dataclasses.replace(
        everything_runs, reactance_ppm=np.zeros_like(model.reactance_ppm)
    )
    by_transport_kw = _unserved_kw(transport, available_w, demand_wh)
    less_kw: Integers = np.maximum(unserved_kw - by_transport_kw, 0)
    return less_kw


def _unserved_kw(model: DispatchModel, available_w: Integers, demand_wh: Integers) -> Integers:
    unserved_mw = day_optimum(model, available_w, demand_wh).unserved_mw.sum(axis=0)
    unserved_kw: Integers = np.rint(unserved_mw * KW_PER_MW).astype(np.int64)
    return unserved_kw
