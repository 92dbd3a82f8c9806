"""The figures of a fairness report, a row each: what it says, how, whence, and what is better.

The report, its page, its documentation and its findings read the rows, so that a figure has one
definition. Ratios are in parts per million, rounded down once; what does not apply is empty.

Sources: the thesis (arXiv 2512.13871), whose four dimensions F1 to F4 are fair reward, delivery,
access and cost sharing; L. S. Shapley, "A value for n-person games" (1953); R. Jain, D. Chiu,
W. Hawe, DEC-TR-301 (1984); C. Gini, "Variabilita e mutabilita" (1912); M. O. Lorenz (1905).
"""

from dataclasses import dataclass
from enum import StrEnum

THESIS = "arXiv 2512.13871"
LAW_AND_RESULTS = "the law of each day and its stored results"


class Better(StrEnum):
    """Which way a figure is better, where either is."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Dimension(StrEnum):
    """What a figure is about."""

    REWARD = "F1"
    DELIVERY = "F2"
    ACCESS = "F3"
    COST = "F4"
    CONDUCT = "conduct"


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        code: its name in a report; the unit stands last.
        unit: as `common` words know it: ppm, Wh, micro, g, or what is counted.
        is_compared: whether other designs have it too.
    """

    code: str
    dimension: Dimension
    title: str
    definition: str
    formula: str
    source: str
    unit: str
    better: Better
    is_compared: bool = False


FIGURES = (
    Figure(
        "reward_distance_ppm",
        Dimension.REWARD,
        "Pots away from contribution",
        "How much of the pots went elsewhere than Shapley values of the same games say, for the "
        "units that may share. What a pot pays follows its timing, so it is not 0",
        "1/2 sum over units abs(pot payments / all - Shapley value / all), "
        "each game weighed by what its pot paid",
        f"Shapley (1953); {THESIS}",
        "ppm",
        Better.LOWER,
    ),
    Figure(
        "contribution_distance_ppm",
        Dimension.REWARD,
        "Earnings away from contribution",
        "How much of what units earn beyond fuel as offered went elsewhere than Shapley values "
        "say, for the units that may share the pots",
        "1/2 sum over units abs(max(0, payments - fuel) / all - Shapley value / all)",
        f"Shapley (1953); {THESIS}",
        "ppm",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "units_paid_back",
        Dimension.REWARD,
        "Units that earn their capital in time",
        "Units with capital cost whose payback is not longer than the years they expect",
        "count(expected x capital / (payments - fuel - fixed cost) <= expected), "
        "all of the same days",
        LAW_AND_RESULTS,
        "units",
        Better.HIGHER,
        is_compared=True,
    ),
    Figure(
        "promises_kept_ppm",
        Dimension.DELIVERY,
        "Promises kept",
        "Of the promises of a product at a node in a whole calendar month, those that were kept",
        "count(delivered x 1,000,000 >= sum over days of promise x matured) / count",
        THESIS,
        "ppm",
        Better.HIGHER,
        is_compared=True,
    ),
    Figure(
        "lowest_margin_ppm",
        Dimension.DELIVERY,
        "Delivery less promise, at worst",
        "What is delivered of what was due, less what is promised, of the product at a node and in "
        "a whole month that has least; negative where a promise was broken",
        "min(floor((delivered - sum over days of promise x matured) / matured))",
        THESIS,
        "ppm",
        Better.HIGHER,
        is_compared=True,
    ),
    Figure(
        "refused_wh",
        Dimension.DELIVERY,
        "Refused for good",
        "Energy that was due and was not delivered: what was served later is not in it",
        "sum of missed_w x interval",
        LAW_AND_RESULTS,
        "Wh",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "deferred_wh",
        Dimension.DELIVERY,
        "Served late, within its window",
        "Energy that was refused when it was wanted, and served before its window closed",
        "sum of late_w x interval",
        THESIS,
        "Wh",
        Better.NEITHER,
    ),
    Figure(
        "jain_of_nodes_ppm",
        Dimension.ACCESS,
        "Evenness between nodes",
        "Jain index of what nodes are delivered over what they desire: 1 where all get the same "
        "part",
        "(sum x)^2 / (n x sum x^2), x = delivered / desired of a node",
        "Jain, Chiu, Hawe (1984)",
        "ppm",
        Better.HIGHER,
        is_compared=True,
    ),
    Figure(
        "gini_of_households_ppm",
        Dimension.ACCESS,
        "Unevenness between households",
        "Gini index of what households are delivered over what they desire: 0 where all get the "
        "same part. Those of a supply point count as alike",
        "mean difference of two households / twice the mean",
        "Gini (1912)",
        "ppm",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "lowest_access_ppm",
        Dimension.ACCESS,
        "Least access",
        "Delivered over desired of the supply point that has least",
        "min(delivered / desired)",
        THESIS,
        "ppm",
        Better.HIGHER,
        is_compared=True,
    ),
    Figure(
        "cost_burden_distance_ppm",
        Dimension.COST,
        "Charges away from burden",
        "How much of all charges is borne by other products than those whose energy was taken in "
        "the tightest tenth of intervals; a product that is credited on balance bears none",
        "1/2 sum over products abs(max(0, charges) / all - energy in tight intervals / all)",
        THESIS,
        "ppm",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "largest_spread_ppm",
        Dimension.COST,
        "Spread between places, at most",
        "How far charges per MWh of one product lie apart between nodes, of the product that has "
        "the largest spread",
        "max over products (highest - lowest) / mean",
        THESIS,
        "ppm",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "cost_micro_per_mwh",
        Dimension.COST,
        "Charges per MWh",
        "All that supply points are charged, for each MWh that they take; what is passed through "
        "for others is left out",
        "charges / energy taken",
        LAW_AND_RESULTS,
        "micro per MWh",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "waste_wh",
        Dimension.CONDUCT,
        "Wasted",
        "What the network could have served of what was wanted, and nobody was offered, but for "
        "what indivisible requests leave over",
        "sum of (v(all) - entitlements - left over) x interval",
        THESIS,
        "Wh",
        Better.LOWER,
    ),
    Figure(
        "intervals_at_bounds",
        Dimension.CONDUCT,
        "Intervals at a bound of prices",
        "Intervals in which some node's price is at the cap or at the floor of the rules",
        "count(price <= floor or price >= cap)",
        LAW_AND_RESULTS,
        "intervals",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "volatility_ppm",
        Dimension.CONDUCT,
        "Volatility of prices",
        "Standard deviation of the prices of all nodes and intervals over their mean",
        "sqrt(n Q - S^2) / S, with S the sum and Q the sum of squares of n prices",
        LAW_AND_RESULTS,
        "ppm",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "carbon_g",
        Dimension.CONDUCT,
        "Carbon",
        "Carbon dioxide equivalent of what units generated; of storage, of what it gave beyond "
        "what it took in a day",
        "sum of energy x intensity of the registration",
        "IPCC AR5 WG III annex III, as the registrations cite",
        "g",
        Better.LOWER,
        is_compared=True,
    ),
    Figure(
        "ungenerated_wh",
        Dimension.CONDUCT,
        "Used, and generated by nobody",
        "Energy that was taken or lost beyond what units generated, by their meters. Other designs "
        "serve no more than was available, so what they refuse and emit also differs by it. Below "
        "nothing where more was generated; empty where the law accounts for no areas",
        "sum of (area_demand_wh + area_losses_wh - area_generation_wh)",
        LAW_AND_RESULTS,
        "Wh",
        Better.NEITHER,
    ),
    Figure(
        "over_take_micro",
        Dimension.CONDUCT,
        "Charged for over-take",
        "What was charged for energy taken above entitlement",
        "sum of charge.over_take",
        LAW_AND_RESULTS,
        "micro",
        Better.NEITHER,
    ),
    Figure(
        "compensation_micro",
        Dimension.CONDUCT,
        "Compensated",
        "What was given for energy that was promised and not delivered",
        "- sum of charge.compensation",
        LAW_AND_RESULTS,
        "micro",
        Better.NEITHER,
    ),
    Figure(
        "excess_micro",
        Dimension.CONDUCT,
        "Charged above blocks",
        "What was charged for energy above what contracts cover in a month",
        "sum of charge.excess",
        LAW_AND_RESULTS,
        "micro",
        Better.NEITHER,
    ),
    Figure(
        "equalisation_micro",
        Dimension.CONDUCT,
        "Kept by the equalisation account",
        "What charges exceed payments by, less what rules return of it",
        "charges - payments",
        LAW_AND_RESULTS,
        "micro",
        Better.NEITHER,
    ),
)
"""Every figure, in the order of a report."""

WORDS = ("title", "definition", "formula")
"""Of a figure, what may be said better later. Its code, unit and source say which one it is."""

FIGURE_OF = {figure.code: figure for figure in FIGURES}
