"""The designs that stand beside each other."""

from enum import StrEnum


class Design(StrEnum):
    """What was settled, and the designs it is held against."""

    SETTLED = "settled"
    NODAL = "nodal"
    UNIFORM = "uniform"
    FLAT = "flat"


MARGINAL = (Design.NODAL, Design.UNIFORM)
"""The designs that have a marginal price in every interval."""
BASELINES = (*MARGINAL, Design.FLAT)
