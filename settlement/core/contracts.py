"""What supply points are promised, and what is remembered of it: contracts and their state.

A contract has three dimensions (arXiv 2512.13871): power, timing and reliability. *Timing*: what is
essential is due in the interval in which it arises. What is flexible may wait; where it is refused
it is **owed** until its window closes, which opens when the interval that refused it ends, and is
due in the last interval of it. *Reliability* is a promise over a term: of the energy that
**matured** in it at least so many parts per million are delivered. Energy matures when it is
served, or when it was due and was not.

Memory is of a *group*, the holders of one product at one node: energy matured, promised of it and
delivered since its term began, all exact. What matures is promised by the law of its day, so a law
that promises another part from a day on changes nothing of the days before. A ratio of delivered to
matured is shown; what decides is the exact deficit, promised - delivered, which forgets nothing (a
ratio per interval, or one held within bounds, does; compare arXiv 2606.17217, whose shortage memory
is an integrator that saturates).

Power is in whole W. What is owed, matured or delivered is energy in W x intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from settlement.core.arrays import Flags, Integers, integers
from settlement.core.booked_lots import Lot
from settlement.core.tightness import PPM

MOST_WINDOW_INTERVALS = 7 * 24 * 60
"""A week of minutes: the longest window that rules may state."""

HIGHEST_TIER_PPM = 100 * PPM


@dataclass(frozen=True, eq=False)
class Contracts:
    """What the rules promise each group: K groups, G supply points, N nodes.

    Attributes:
        nodes: N ids, for the places of drawings.
        groups: K names of a node and a product, sorted.
        node: shape (K,), index of each group's node.
        promise_ppm: shape (K,), part of the energy that matures under these rules in a term that is
            delivered in it.
        tier_ppm: shape (K,), weight of the group's tier, above 0; one million is one.
        window: shape (K,), intervals in which what was refused may be served; 0: it is essential.
        indivisible: shape (K,), whether a request is met whole or not at all.
        point_group: shape (G,), index of each supply point's group.
        least_fulfilment_ppm: fulfilment counts as at least this, 1 to 10**6.
        least_taken_ppm: part of what was offered in an interval of which at least so much is taken,
            where a request known beside the meter counts; 0: every request does.
    """

    nodes: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]
    node: Integers
    promise_ppm: Integers
    tier_ppm: Integers
    window: Integers
    indivisible: Flags
    point_group: Integers
    least_fulfilment_ppm: int
    least_taken_ppm: int = 0

    def __post_init__(self) -> None:
        groups = (len(self.groups),)
        for name in ("node", "promise_ppm", "tier_ppm", "window"):
            object.__setattr__(self, name, integers(getattr(self, name), groups, name))
        if np.shape(self.indivisible) != groups:
            raise ValueError(f"indivisible: shape {np.shape(self.indivisible)}, {groups} needed")
        points = integers(self.point_group, np.shape(self.point_group), "point_group")
        object.__setattr__(self, "point_group", points)
        for name, values, least, most in (
            ("node", self.node, 0, len(self.nodes) - 1),
            ("point_group", points, 0, groups[0] - 1),
            ("promise_ppm", self.promise_ppm, 0, PPM),
            ("tier_ppm", self.tier_ppm, 1, HIGHEST_TIER_PPM),
            ("window", self.window, 0, MOST_WINDOW_INTERVALS),
            ("least_fulfilment_ppm", np.array([self.least_fulfilment_ppm]), 1, PPM),
            ("least_taken_ppm", np.array([self.least_taken_ppm]), 0, PPM),
        ):
            if values.size and not least <= values.min() <= values.max() <= most:
                raise ValueError(f"{name}: must be {least} to {most}")

    @cached_property
    def point_window(self) -> Integers:
        """Shape (G,): the window of each supply point."""
        return self.window[self.point_group]

    @cached_property
    def longest_window(self) -> int:
        """L, the most intervals that anything may be owed."""
        return int(self.window.max(initial=0))

    @cached_property
    def points_of(self) -> tuple[list[int], ...]:
        """The supply points of each group, ascending."""
        return tuple(
            np.flatnonzero(self.point_group == group).tolist() for group in range(len(self.groups))
        )

    def by_group(self, of_points: Integers) -> Integers:
        """Return shape (K,): sums over the supply points of each group, from shape (G,)."""
        sums = np.zeros(len(self.groups), dtype=np.int64)
        np.add.at(sums, self.point_group, of_points)
        return sums


@dataclass(frozen=True)
class Memory:
    """What matured, was delivered and was promised to each group since its term began, K each.

    Python's integers, as a month of a country's watts in parts per million passes int64.

    Attributes:
        matured, delivered: in W x intervals.
        promised: of what matured, by the promise of its day; in millionths of W x intervals.
    """

    matured: tuple[int, ...]
    delivered: tuple[int, ...]
    promised: tuple[int, ...]

    def after(self, promise_ppm: Integers, matured: Integers, delivered: Integers) -> "Memory":
        """Return what is remembered when more matured and was delivered, shape (K,) each."""
        more, served = matured.tolist(), delivered.tolist()
        promised = [
            promise * each for promise, each in zip(promise_ppm.tolist(), more, strict=True)
        ]
        return Memory(
            _sums(self.matured, more), _sums(self.delivered, served), _sums(self.promised, promised)
        )

    def deficits(self) -> tuple[int, ...]:
        """Return what each group lacks of what it was promised, in millionths; negative is slack.

        Example: 1,000 matured under a promise of 990,000 ppm and 200 under one of 500,000, and
        1,050 were delivered: 40 are lacking, 40,000,000 millionths.
        """
        return tuple(
            promised - PPM * delivered
            for promised, delivered in zip(self.promised, self.delivered, strict=True)
        )

    def fulfilment_ppm(self) -> tuple[int, ...]:
        """Return the part delivered of what matured, rounded down; whole where nothing matured."""
        return tuple(
            delivered * PPM // matured if matured else PPM
            for matured, delivered in zip(self.matured, self.delivered, strict=True)
        )


@dataclass(frozen=True, eq=False)
class ContractState:
    """What is known of contracts where an interval begins.

    Attributes:
        owed: shape (H, G); row j is due after j intervals more, row 0 in the interval that begins.
        memory: of the groups, in their terms.
        lots: what of it is booked, by deadline and number.
    """

    owed: Integers
    memory: Memory
    lots: tuple[Lot, ...] = ()

    @property
    def owes(self) -> bool:
        """Whether anything is owed to anybody."""
        return bool(self.owed.any())


def nothing_owed(contracts: Contracts) -> ContractState:
    """Return the state of contracts of which nothing is remembered."""
    groups = len(contracts.groups)
    return ContractState(
        np.zeros((contracts.longest_window, len(contracts.point_group)), dtype=np.int64),
        Memory((0,) * groups, (0,) * groups, (0,) * groups),
    )


def must_serve(contracts: Contracts, memory: Memory, due: Sequence[int]) -> list[int]:
    """Return how much of what is due each group must be served not to fall behind its promise.

    ``min(due, max(0, ceil(promised + promise x due - delivered)))``: what its slack does not cover;
    what is due now is promised by the law of today. An indivisible request is not cut in two: where
    a part must be served, the whole must.

    Example: 990,000 ppm are promised, 900 matured and 900 were delivered. Of 100 due,
    0.99 x 1,000 - 900 = 90 must be served, and 10 need not.
    """
    deficits = memory.deficits()
    must = []
    for group, wanted in enumerate(due):
        lacking = deficits[group] + int(contracts.promise_ppm[group]) * wanted
        needed = min(wanted, max(0, -(-lacking // PPM)))
        must.append(wanted if needed and contracts.indivisible[group] else needed)
    return must


def weights_ppm(contracts: Contracts, memory: Memory) -> Integers:
    """Return the weight of each group, shape (K,), at least 1, rounded down.

    ``tier x 10**6 / max(fulfilment, least fulfilment)``.

    Example: a tier of two; 30 of 40 that matured were delivered, a fulfilment of 750,000 ppm:
    2,000,000 x 10**6 // 750,000 = 2,666,666.
    """
    least = contracts.least_fulfilment_ppm
    return np.array(
        [
            tier * PPM // max(fulfilment, least)
            for tier, fulfilment in zip(
                contracts.tier_ppm.tolist(), memory.fulfilment_ppm(), strict=True
            )
        ],
        dtype=np.int64,
    )


def _sums(before: Sequence[int], more: Sequence[int]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(before, more, strict=True))
