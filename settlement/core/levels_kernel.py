"""The work of the levels method on one interval; `levels` says what is computed and why."""

import numpy as np

from settlement.core.arrays import Integers, kernel

EXACT_MODULUS = 1 << 62
"""Stands for the pass in which every sum fits int64 and nothing is reduced."""


@kernel
def interval_gains(
    parent: Integers,
    out_kw: Integers,
    in_kw: Integers,
    inside: Integers,
    first_inside: Integers,
    first_unit: Integers,
    has_units: Integers,
    visits: Integers,
    depth: Integers,
    players: Integers,
    supply_kw: Integers,
    demand_kw: Integers,
    weights: Integers,
    modulus: int,
    uses: Integers,
    gains: Integers,
) -> None:
    """Write to gains, shape (U, n), one interval's sums, units in the plan's order."""
    empty_need, taken, change = _needs(parent, out_kw, in_kw, first_unit, supply_kw, demand_kw)
    counts = np.zeros(uses.shape[1], dtype=np.int64)
    counts[0] = 1
    uses[0, 0, 0], uses[1, 0, 0] = 0, 1
    for holon in visits:
        level = depth[holon]
        if holon:
            around = parent[holon]
            beside = _changes(
                around, holon, inside, first_inside, first_unit, has_units, change, supply_kw
            )
            counts[level] = _extend(
                uses[:, level - 1, : counts[level - 1]],
                uses[:, level],
                empty_need[around] - taken[holon],
                beside,
                weights[players[around]],
                -in_kw[holon],
                out_kw[holon],
                modulus,
            )
        if first_unit[holon + 1] > first_unit[holon]:
            changes = _changes(
                holon, holon, inside, first_inside, first_unit, has_units, change, supply_kw
            )
            left = _use_by_choice(
                uses[:, level, : counts[level]], empty_need[holon], changes, modulus
            )
            own = first_unit[holon + 1] - first_unit[holon]
            _add_gains(left, own, modulus, gains[first_unit[holon] : first_unit[holon + 1]])


@kernel
def _needs(
    parent: Integers,
    out_kw: Integers,
    in_kw: Integers,
    first_unit: Integers,
    supply_kw: Integers,
    demand_kw: Integers,
) -> tuple[Integers, Integers, Integers]:
    """Return, by holon, its need and what crosses its boundary with no unit, and the change by all.

    What crosses is positive where the holon takes in.
    """
    empty_need, full_need = demand_kw.copy(), demand_kw.copy()
    taken, change = np.zeros(len(parent), dtype=np.int64), np.zeros(len(parent), dtype=np.int64)
    for holon in range(len(parent) - 1, -1, -1):
        for unit in range(first_unit[holon], first_unit[holon + 1]):
            full_need[holon] -= supply_kw[unit]
        if holon:
            taken[holon] = _clamp(empty_need[holon], -out_kw[holon], in_kw[holon])
            change[holon] = _clamp(full_need[holon], -out_kw[holon], in_kw[holon]) - taken[holon]
            empty_need[parent[holon]] += taken[holon]
            full_need[parent[holon]] += taken[holon] + change[holon]
    return empty_need, taken, change


@kernel
def _reduced(value: int, modulus: int) -> int:
    """Return a sum as the pass keeps it: as it is in the exact one, else its remainder."""
    return value if modulus == EXACT_MODULUS else value % modulus


@kernel
def _clamp(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


@kernel
def _changes(
    around: int,
    but: int,
    inside: Integers,
    first_inside: Integers,
    first_unit: Integers,
    has_units: Integers,
    change: Integers,
    supply_kw: Integers,
) -> Integers:
    """Return how the need of a holon changes as each of its units, then holons, but one, joins."""
    units = first_unit[around + 1] - first_unit[around]
    changes = np.empty(units + first_inside[around + 1] - first_inside[around], dtype=np.int64)
    for place in range(units):
        changes[place] = -supply_kw[first_unit[around] + place]
    count = units
    for place in range(first_inside[around], first_inside[around + 1]):
        if has_units[inside[place]] and inside[place] != but:
            changes[count] = change[inside[place]]
            count += 1
    return changes[:count]


@kernel
def _extend(
    around: Integers,
    here: Integers,
    need_kw: int,
    changes: Integers,
    weights: Integers,
    low: int,
    high: int,
    modulus: int,
) -> int:
    """Write to here, shape (2, most), a holon's uses by size and their weights; return how many."""
    count = 0
    for choice in range(1 << len(changes)):
        need, size = need_kw, 0
        for place in range(len(changes)):
            if choice >> place & 1:
                need += changes[place]
                size += 1
        for place in range(around.shape[1]):
            clamped = _clamp(around[0, place] + need, low, high)
            weight = _reduced(around[1, place] * weights[size], modulus)
            # The limits of a holon's boundary make many uses equal, one after another.
            if count and here[0, count - 1] == clamped:
                here[1, count - 1] = _reduced(here[1, count - 1] + weight, modulus)
            else:
                here[0, count], here[1, count] = clamped, weight
                count += 1
    _sort(here, count)
    merged = 0
    for place in range(count):
        use, weight = here[0, place], here[1, place]
        if merged and here[0, merged - 1] == use:
            here[1, merged - 1] = _reduced(here[1, merged - 1] + weight, modulus)
        else:
            here[0, merged], here[1, merged] = use, weight
            merged += 1
    return merged


@kernel
def _sort(here: Integers, count: int) -> None:
    """Sort the first uses of `here` to rise, each with its weight."""
    # Any sort gives the same bytes, as weights of equal uses are summed exactly. It is written out
    # as with numba's own, `np.argsort` of either kind, the first settlement on a machine compiles
    # for 7.7 s of CPU and not 3.0. After that a day of gb12 takes the same by both, and three
    # holons inside each other, with seven beside each other, a fifth longer by numba's.
    other = np.empty((2, count), dtype=np.int64)
    width = 1
    while width < count:
        for start in range(0, count - width, 2 * width):
            left, middle, end = start, start + width, min(start + 2 * width, count)
            if here[0, middle - 1] <= here[0, middle]:
                continue  # as nearly all are: the uses of each choice come in order
            right = middle
            for place in range(start, end):
                if right >= end or (left < middle and here[0, left] <= here[0, right]):
                    other[0, place], other[1, place] = here[0, left], here[1, left]
                    left += 1
                else:
                    other[0, place], other[1, place] = here[0, right], here[1, right]
                    right += 1
            for place in range(start, end):
                here[0, place], here[1, place] = other[0, place], other[1, place]
        width *= 2


@kernel
def _use_by_choice(uses: Integers, need_kw: int, changes: Integers, modulus: int) -> Integers:
    """Return shape (2**n,): for each choice, the weighted sum of ``max(0, use + need)``."""
    count = uses.shape[1]
    above = np.zeros((2, count + 1), dtype=np.int64)  # weights, and weighted uses, from a place on
    for place in range(count - 1, -1, -1):
        above[0, place] = _reduced(above[0, place + 1] + uses[1, place], modulus)
        weighted = _reduced(uses[0, place], modulus) * uses[1, place]
        above[1, place] = _reduced(above[1, place + 1] + weighted, modulus)
    need = np.empty(1 << len(changes), dtype=np.int64)
    need[0] = need_kw
    for place in range(len(changes)):
        bit = 1 << place
        for choice in range(bit):
            need[choice + bit] = need[choice] + changes[place]
    for choice in range(len(need)):
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if uses[0, middle] + need[choice] > 0:
                high = middle
            else:
                low = middle + 1
        total = above[0, low] * _reduced(need[choice], modulus) + above[1, low]
        need[choice] = _reduced(total, modulus)
    return need


@kernel
def _add_gains(use: Integers, units: int, modulus: int, gains: Integers) -> None:
    """Write to gains, shape (units, n), how much less use is left once each unit has joined."""
    for choice in range(len(use)):
        size = 0
        rest = choice
        while rest:
            rest &= rest - 1
            size += 1
        for unit in range(units):
            if not choice >> unit & 1:
                gains[unit, size] += _reduced(use[choice] - use[choice | 1 << unit], modulus)
