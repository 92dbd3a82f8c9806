"""Reserve that units of a made or recorded day hold, as far as their dispatch leaves them power.

No record says who held reserve, so a rule of the data set does: in every interval a tenth of the
demand served is held (arXiv 2512.13871), by those units that may hold reserve and store nothing, in
proportion to the power that they have available and do not generate. How full a store stands no
reading tells, so none is counted on. Where they have less than a tenth left, they hold all of it;
and where somebody goes short, nothing is held, for reserve is called before demand is refused.
"""

import numpy as np

from settlement.core.arrays import Flags
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.core.rounding import apportion
from settlement.core.tightness import PPM
from settlement.datasets.market import MarketShape
from settlement.datasets.profile import Integers, ProfileDay, demand_and_losses_wh

HELD_OF_DEMAND_PPM = 100_000


def reserve_of_day_w(shape: MarketShape, day: ProfileDay, generation_wh: Integers) -> Integers:
    """Return the reserve that each unit holds, int64[U, T], in W.

    Args:
        shape: the market; where it buys no reserve, nobody holds any.
        day: availability and demand.
        generation_wh: int64[U, T], as dispatched; negative where a store takes energy in.

    Rounding: a tenth of the demand down to whole W, shared by largest remainder.

    Example: of 50 MW of demand 5 are to be held; two units with 10 and 5 MW left hold 3,333,333
    and 1,666,667 W. With 2 and 1 MW left they hold all of it.
    """
    per_hour = MINUTES_PER_HOUR // shape.interval_minutes
    left_w = np.maximum(day.available_w - np.maximum(generation_wh, 0) * per_hour, 0)
    left_w[~shape.holds_reserve] = 0
    demand_w = np.maximum(day.demand_wh.sum(axis=0), 0) * per_hour
    wanted_w = np.where(_is_short(shape, day, generation_wh), 0, _tenth(demand_w))
    held_w = np.zeros_like(left_w)
    for interval, (wanted, left) in enumerate(
        zip(wanted_w.tolist(), left_w.T.tolist(), strict=True)
    ):
        held = min(wanted, sum(left))
        if held:
            held_w[:, interval] = apportion(held, left)
    return np.asarray(held_w)


def _tenth(demand_w: Integers) -> Integers:
    # Divided first: demand of a continent times a million passes int64.
    whole, rest = np.divmod(demand_w, PPM)
    tenth: Integers = whole * HELD_OF_DEMAND_PPM + rest * HELD_OF_DEMAND_PPM // PPM
    return tenth


def _is_short(shape: MarketShape, day: ProfileDay, generation_wh: Integers) -> Flags:
    """Return shape (T,), whether less is generated than demand and losses ask for.

    The dispatch rounds each unit and node to a Wh, so less than one for each of them is no lack.
    """
    asked_wh = demand_and_losses_wh(shape, day).sum(axis=0)
    rounding_wh = len(shape.units) + shape.dispatch.node_count
    lacking_wh: Integers = asked_wh - generation_wh.sum(axis=0)
    is_short: Flags = lacking_wh > rounding_wh
    return is_short
