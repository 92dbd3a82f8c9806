"""Markets for dispatch, small enough to write in a line."""

import numpy as np
from hypothesis import strategies as st

from settlement.dispatch.model import DispatchModel

MW = 1_000_000
MWH = 1_000_000
PENALTY = 6_000_000_000
FAST_MW_PER_H = 1_000_000


def integers(*values):
    return np.array(values, dtype=np.int64)


def model(nodes=1, lines=(), units=(), minutes=60) -> DispatchModel:
    """Lines: from, to, rating in MW, reactance.

    Units: node, offer, storage in MWh, efficiency, and where they have them minimum in MW and
    ramp in MW per hour.
    """
    minimums = [unit[4] if len(unit) > 4 else 0 for unit in units]
    ramps = [unit[5] if len(unit) > 5 else FAST_MW_PER_H for unit in units]
    return DispatchModel(
        node_count=nodes,
        line_from=integers(*(line[0] for line in lines)),
        line_to=integers(*(line[1] for line in lines)),
        rating_w=integers(*(line[2] * MW for line in lines)),
        reverse_rating_w=integers(*(line[2] * MW for line in lines)),
        reactance_ppm=integers(*(line[3] for line in lines)),
        unit_node=integers(*(unit[0] for unit in units)),
        offer_micro_per_mwh=integers(*(unit[1] * MW for unit in units)),
        minimum_w=integers(*(minimum * MW for minimum in minimums)),
        ramp_w_per_h=integers(*(ramp * MW for ramp in ramps)),
        loss_ppm=integers(*(0 for _ in units)),
        storage_wh=integers(*(unit[2] * MWH for unit in units)),
        round_trip_efficiency_ppm=integers(*(unit[3] for unit in units)),
        unserved_micro_per_mwh=PENALTY,
        interval_minutes=minutes,
    )


@st.composite
def markets(draw, minutes=30):
    """Draw a meshed market with storage, and availability and demand of a short day in odd Wh."""
    nodes = draw(st.integers(1, 4))
    node = st.integers(0, nodes - 1)
    lines = draw(
        st.lists(
            st.tuples(node, node, st.integers(0, 90), st.sampled_from([0, 300_000, 700_000])),
            max_size=6,
        )
    )
    unit = st.tuples(
        node,
        st.integers(0, 300),
        st.sampled_from([0, 0, 0, 40]),
        st.sampled_from([800_000, 950_000]),
    )
    units = draw(st.lists(unit, min_size=1, max_size=6))
    intervals = draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    made = model(nodes, [line for line in lines if line[0] != line[1]], units, minutes)
    available_w = random.integers(0, 120 * MW, (len(units), intervals))
    demand_wh = random.integers(-10 * MWH, 60 * MWH, (nodes, intervals))
    return made, available_w, demand_wh
