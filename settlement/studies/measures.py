"""The measures that a study stores beside those of a settlement, unit last."""

GENERATION = "study.generation_wh"
DELIVERED = "study.delivered_wh"
NODAL_PRICE = "study.nodal_price_micro_per_mwh"
UNIFORM_PRICE = "study.uniform_price_micro_per_mwh"
DESIGNS = {
    "nodal": ("study.nodal_delivered_wh", "study.nodal_generation_wh"),
    "uniform": ("study.uniform_delivered_wh", "study.uniform_generation_wh"),
    "flat": ("study.flat_delivered_wh", "study.flat_generation_wh"),
}
"""What each of the other designs delivers, and generates for it. Earlier releases stored none."""
UNIFORM_SCHEDULED = "study.uniform_scheduled_wh"
OF_DESIGNS = (*(measure for pair in DESIGNS.values() for measure in pair), UNIFORM_SCHEDULED)
MADE = (DELIVERED, GENERATION, NODAL_PRICE, UNIFORM_PRICE, *OF_DESIGNS)
"""Measures that float solvers made: part of the inputs, read from the store by a replay."""
DESIRED = "study.desired_wh"
AVAILABLE = "study.available_w"
CURTAILED = "study.curtailed_wh"
MAXIMUM = "study.maximum_wh"
REACHABLE = "study.reachable_wh"
MOVED = "study.moved_wh"
"""New demand that waits for a lower price; of a study whose overlay states a response."""
MARKET = ("market",)
"""The entity of measures of the whole market."""
