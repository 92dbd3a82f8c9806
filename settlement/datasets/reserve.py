"""Reserve that units of a made or recorded day hold, as far as their dispatch leaves them power.

No record says who held reserve, so a rule of the data set does: in every interval a tenth of the
demand is held (arXiv 2512.13871), by those units that may hold reserve and store nothing, in
proportion to the power that they have available and do not generate; where they have less than a
tenth left, they hold all of it. How full a store stands no reading tells, so none is counted on.

Least-cost dispatch serves all that it can before anything is held, so what is left where somebody
goes short is what no line could bring there: reserve takes nothing from service.
"""

import numpy as np

from settlement.core.periods import MINUTES_PER_HOUR
from settlement.core.rounding import apportion
from settlement.core.tightness import PPM
from settlement.datasets.market import MarketShape
from settlement.datasets.profile import Integers, ProfileDay

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
    wanted_w = _tenth(demand_w)
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
