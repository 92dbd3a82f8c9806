"""What supply points are charged, and what the equalisation account takes up.

Each component of cost is shared in each interval over **all** supply points by the energy they
take; a point with net export bears none. Subscription points are charged their share. Dynamic
points pay the price at their node for what they take, and are paid it for net export, instead;
what they pay beyond their share goes to the equalisation account.
"""

import numpy as np

from settlement.core.arrays import Integers
from settlement.core.rounding import apportion, energy_amounts_micro


def cost_shares_micro(cost_micro: Integers, demand_wh: Integers) -> Integers:
    """Return each supply point's share of a cost, shape (G, T).

    Args:
        cost_micro: shape (T,), one component's cost in each interval.
        demand_wh: shape (G, T), metered; negative is net export.

    In an interval in which nobody takes energy nobody has a share: the column is 0 and the
    equalisation account bears the cost.
    """
    shares = np.zeros_like(demand_wh)
    weights = np.maximum(demand_wh, 0).T.tolist()
    for interval, (cost, taken) in enumerate(zip(cost_micro.tolist(), weights, strict=True)):
        if cost and any(taken):
            shares[:, interval] = apportion(cost, taken)
    return shares


def dynamic_charges_micro(price_micro_per_mwh: Integers, demand_wh: Integers) -> Integers:
    """Return price x metered energy, shape (G, T); net export is paid the same price."""
    return energy_amounts_micro(demand_wh, price_micro_per_mwh)
