"""The energy of a market, line by line, until nothing is unexplained.

Meters say what units generate and supply points take. The imbalance that they leave, generation
less demand less losses (`settlement.core.energy_accounts`), has two causes with names and a rest:

    generated + from storage + fed in = served + into storage + losses + residual
    imbalance of the accounts         = residual - refused

*Refused* is demand that Fair Play did not allow and that its meter counts as taken all the same,
where no request stands beside the meter; it is in the demand of the accounts, and not served. What
is left is the *residual*: losses by the factor that nobody generated, demand that was taken and
not generated, or a meter in error. It is 0 where days were made again (`settlement.studies`).
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from settlement.core.arrays import Flags, Integers


@dataclass(frozen=True)
class EnergyBalance:
    """Energy of some days in Wh, none but `residual_wh` negative.

    Attributes:
        generated_wh: by units that do not store.
        from_storage_wh, into_storage_wh: what units that store gave and took in.
        fed_in_wh: net export of supply points.
        served_wh: demand taken and not refused.
        refused_wh: demand refused by Fair Play and metered as taken.
        losses_wh: by the factors of the grid model.
        residual_wh: what no line explains.
    """

    generated_wh: int = 0
    from_storage_wh: int = 0
    into_storage_wh: int = 0
    fed_in_wh: int = 0
    served_wh: int = 0
    refused_wh: int = 0
    losses_wh: int = 0
    residual_wh: int = 0

    @property
    def imbalance_wh(self) -> int:
        """What the energy accounts call imbalance."""
        return self.residual_wh - self.refused_wh

    def __add__(self, other: Self) -> "EnergyBalance":
        """Return the balance of the days of both."""
        return EnergyBalance(
            *(getattr(self, line.name) + getattr(other, line.name) for line in fields(self))
        )


def energy_balance(
    is_storage: Flags,
    generation_wh: Integers,
    demand_wh: Integers,
    delivered_w: Integers | None,
    losses_wh: int,
    interval_minutes: int,
) -> EnergyBalance:
    """Return the balance of a day.

    Args:
        is_storage: shape (U,).
        generation_wh: shape (U, T), negative where storage takes energy in.
        demand_wh: shape (G, T), as metered; negative is net export.
        delivered_w: shape (G, T), what counts as delivered by Fair Play; None where it is no rule.
        losses_wh: of the day.
        interval_minutes: length of an interval.

    Rounding: refused power over the day, as energy, down to a whole Wh.

    Example: of 100 Wh metered in an hour and 90 W delivered, 10 Wh were refused. With 92 Wh
    generated and 2 Wh of losses, the residual is 92 - 90 - 2 = 0, and the imbalance -10.
    """
    taken_wh, fed_in_wh = np.maximum(demand_wh, 0), int(np.maximum(-demand_wh, 0).sum())
    stored_wh, units_wh = generation_wh[is_storage], generation_wh[~is_storage]
    refused_wh = 0
    if delivered_w is not None:
        taken_w = taken_wh * (60 // interval_minutes)
        refused_wh = int(np.maximum(taken_w - delivered_w, 0).sum()) * interval_minutes // 60
    served_wh = int(taken_wh.sum()) - refused_wh
    generated_wh = int(units_wh.sum())
    from_storage_wh = int(np.maximum(stored_wh, 0).sum())
    into_storage_wh = int(np.maximum(-stored_wh, 0).sum())
    given_wh = generated_wh + from_storage_wh + fed_in_wh
    return EnergyBalance(
        generated_wh,
        from_storage_wh,
        into_storage_wh,
        fed_in_wh,
        served_wh,
        refused_wh,
        losses_wh,
        given_wh - served_wh - into_storage_wh - losses_wh,
    )
