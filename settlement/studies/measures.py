"""The measures that a study stores beside those of a settlement, unit last."""

GENERATION = "study.generation_wh"
DELIVERED = "study.delivered_wh"
NODAL_PRICE = "study.nodal_price_micro_per_mwh"
UNIFORM_PRICE = "study.uniform_price_micro_per_mwh"
MADE = (DELIVERED, GENERATION, NODAL_PRICE, UNIFORM_PRICE)
"""Measures that float solvers made: part of the inputs, read from the store by a replay."""
DESIRED = "study.desired_wh"
AVAILABLE = "study.available_w"
CURTAILED = "study.curtailed_wh"
MAXIMUM = "study.maximum_wh"
REACHABLE = "study.reachable_wh"
MARKET = ("market",)
"""The entity of measures of the whole market."""
