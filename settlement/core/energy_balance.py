"""The energy of a market, line by line.

    generated + from storage + fed in = served + into storage + losses + residual
    served                            = metered - refused + late

Where a supply point is known by its meter alone, its meter counts what it wished for: what Fair
Play *refused* of it in its interval was not taken, and what it took *late*, inside its window, the
meter counts earlier. Neither is in the energy accounts, whose imbalance (generation less demand
less losses, `settlement.core.energy_accounts`) is therefore the *residual*, which
`settlement.core.imbalance` splits into what makes it up. It is 0 where days were made again
(`settlement.studies`).
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
        served_wh: demand taken, as it settles.
        metered_wh: demand as meters count it.
        refused_wh: of that, what was not taken in its interval.
        late_wh: what was taken after the interval whose meter counts it.
        losses_wh: by the factors of the grid model.
        residual_wh: what is given and neither served, stored nor lost; below 0 where it lacks.
    """

    generated_wh: int = 0
    from_storage_wh: int = 0
    into_storage_wh: int = 0
    fed_in_wh: int = 0
    served_wh: int = 0
    metered_wh: int = 0
    refused_wh: int = 0
    late_wh: int = 0
    losses_wh: int = 0
    residual_wh: int = 0

    def __add__(self, other: Self) -> "EnergyBalance":
        """Return the balance of the days of both."""
        return EnergyBalance(
            *(getattr(self, line.name) + getattr(other, line.name) for line in fields(self))
        )


def energy_balance(
    is_storage: Flags,
    generation_wh: Integers,
    metered_wh: Integers,
    taken_wh: Integers,
    losses_wh: int,
) -> EnergyBalance:
    """Return the balance of a day.

    Args:
        is_storage: shape (U,).
        generation_wh: shape (U, T), negative where storage takes energy in.
        metered_wh: shape (G, T), demand as metered; negative is net export.
        taken_wh: shape (G, T), demand as it settles; where no rule of Fair Play is in force, the
            same.
        losses_wh: of the day.

    Example: of 100 Wh metered in an hour 10 were refused. With 92 Wh generated and 2 Wh of losses,
    the residual is 92 - 90 - 2 = 0.
    """
    metered, served = np.maximum(metered_wh, 0), np.maximum(taken_wh, 0)
    stored_wh, units_wh = generation_wh[is_storage], generation_wh[~is_storage]
    served_wh, fed_in_wh = int(served.sum()), int(np.maximum(-taken_wh, 0).sum())
    generated_wh = int(units_wh.sum())
    from_storage_wh = int(np.maximum(stored_wh, 0).sum())
    into_storage_wh = int(np.maximum(-stored_wh, 0).sum())
    given_wh = generated_wh + from_storage_wh + fed_in_wh
    return EnergyBalance(
        generated_wh=generated_wh,
        from_storage_wh=from_storage_wh,
        into_storage_wh=into_storage_wh,
        fed_in_wh=fed_in_wh,
        served_wh=served_wh,
        metered_wh=int(metered.sum()),
        refused_wh=int(np.maximum(metered - served, 0).sum()),
        late_wh=int(np.maximum(served - metered, 0).sum()),
        losses_wh=losses_wh,
        residual_wh=given_wh - served_wh - into_storage_wh - losses_wh,
    )
