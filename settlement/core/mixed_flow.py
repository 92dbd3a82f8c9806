"""Maximum flow in mixed numbers, exactly: what supply can serve of demands that are fractions.

At a level of max-min fairness a demand is a fraction whose denominator is a product of watts and
weights. So an amount is a *mixed number*, ``whole + part / base`` with ``0 <= part < base``: none
of the three passes int64 where a product of two would. The flow is sent along shortest paths, all
of one length before any longer one (Dinic, 1970).

A network may be parted into groups between which nothing flows. Each has a base of its own.
"""

from settlement.core.arrays import Integers, kernel


@kernel
def send_all(
    first: Integers,
    head: Integers,
    back: Integers,
    group: Integers,
    base: Integers,
    room: Integers,
    left: Integers,
    wanted: Integers,
    depth: Integers,
    way: Integers,
) -> None:
    """Send supply to demand until no more can be served, in place.

    Args:
        first, head, back: as in `Arcs`.
        group: shape (N,), of each node; nothing flows from one group to another.
        base: shape (N,), above 0 and below 2**62, the same in a group.
        room: shape (2 L, 2), whole and part of what each arc can still carry.
        left: shape (N, 2), supply not yet sent.
        wanted: shape (N, 2), demand not yet served.
        depth: shape (N,), is left with -1 where no supply that is left can be brought: with
            these nodes on the side of demand, the smallest cut that has the most nodes there.
        way: shape (3, N), scratch.
    """
    for node in range(len(left)):
        whole, part = _less(left, node, wanted, node)
        _take(left, node, whole, part, base[node])
        _take(wanted, node, whole, part, base[node])
    while _reach(first, head, group, room, left, wanted, depth, way[0]):
        for node in range(len(left)):
            way[1, node] = first[node]
        for node in range(len(left)):
            if left[node, 0] > 0 or left[node, 1] > 0:
                _send_from(
                    node, first, head, back, group, base[node], room, left, wanted, depth, way
                )


@kernel
def _reach(
    first: Integers,
    head: Integers,
    group: Integers,
    room: Integers,
    left: Integers,
    wanted: Integers,
    depth: Integers,
    queue: Integers,
) -> bool:
    """Note how many arcs from supply that is left each node is; return whether one is in want."""
    reached, found = 0, False
    for node in range(len(left)):
        depth[node] = -1
        if left[node, 0] > 0 or left[node, 1] > 0:
            depth[node] = 0
            queue[reached] = node
            reached += 1
    looked_at = 0
    while looked_at < reached:
        here = queue[looked_at]
        looked_at += 1
        for arc in range(first[here], first[here + 1]):
            there = head[arc]
            if depth[there] >= 0 or group[there] != group[here]:
                continue
            if room[arc, 0] > 0 or room[arc, 1] > 0:
                depth[there] = depth[here] + 1
                queue[reached] = there
                reached += 1
                found = found or wanted[there, 0] > 0 or wanted[there, 1] > 0
    return found


@kernel
def _send_from(
    source: int,
    first: Integers,
    head: Integers,
    back: Integers,
    group: Integers,
    base: int,
    room: Integers,
    left: Integers,
    wanted: Integers,
    depth: Integers,
    way: Integers,
) -> None:
    """Send what is left at a node along shortest paths, until none leads from it to demand."""
    following, path = way[1], way[2]  # the arc to try next from each node; the arcs so far
    at, length = source, 0
    while left[source, 0] > 0 or left[source, 1] > 0:
        if wanted[at, 0] > 0 or wanted[at, 1] > 0:
            length = _send_along(path, length, source, at, back, base, room, left, wanted)
            at = head[back[path[length]]]
            continue
        arc = following[at]
        if arc < first[at + 1]:
            there = head[arc]
            if (
                depth[there] == depth[at] + 1
                and group[there] == group[at]
                and (room[arc, 0] > 0 or room[arc, 1] > 0)
            ):
                path[length] = arc
                length += 1
                at = there
            else:
                following[at] += 1
        elif length > 0:
            length -= 1
            at = head[back[path[length]]]
            following[at] += 1
        else:
            return


@kernel
def _send_along(
    path: Integers,
    length: int,
    source: int,
    end: int,
    back: Integers,
    base: int,
    room: Integers,
    left: Integers,
    wanted: Integers,
) -> int:
    """Send all that a path carries; return the place of its first arc that is full, or the last."""
    whole, part = _less(left, source, wanted, end)
    for place in range(length):
        arc = path[place]
        if room[arc, 0] < whole or (room[arc, 0] == whole and room[arc, 1] < part):
            whole, part = room[arc, 0], room[arc, 1]
    _take(left, source, whole, part, base)
    _take(wanted, end, whole, part, base)
    full = length - 1
    for place in range(length - 1, -1, -1):
        arc = path[place]
        _take(room, arc, whole, part, base)
        _take(room, back[arc], -whole, -part, base)
        if room[arc, 0] == 0 and room[arc, 1] == 0:
            full = place
    return full


@kernel
def bring_one(
    first: Integers,
    head: Integers,
    back: Integers,
    room: Integers,
    left: Integers,
    node: int,
    arc_out: Integers,
    queue: Integers,
) -> bool:
    """Bring one unit of supply that is left to a node, in place, where a way leads to it.

    All amounts are whole. Looks back from the node, as supply is left at few.

    Args:
        arc_out: shape (N,), scratch: the arc by which each node is left towards the node.
        queue: shape (N,), scratch.
    """
    arc_out[:] = -1
    queue[0] = node
    reached, looked_at, found = 1, 0, -1
    if left[node, 0] > 0:
        found = node
    while found < 0 and looked_at < reached:
        here = queue[looked_at]
        looked_at += 1
        for leading in range(first[here], first[here + 1]):
            before = head[leading]
            if before == node or arc_out[before] >= 0 or room[back[leading], 0] <= 0:
                continue
            arc_out[before] = back[leading]
            if left[before, 0] > 0:
                found = before
                break
            queue[reached] = before
            reached += 1
    if found < 0:
        return False
    left[found, 0] -= 1
    while found != node:
        arc = arc_out[found]
        room[arc, 0] -= 1
        room[back[arc], 0] += 1
        found = head[arc]
    return True


@kernel
def _less(one: Integers, here: int, other: Integers, there: int) -> tuple[int, int]:
    """Return whole and part of the lesser of two amounts."""
    if one[here, 0] < other[there, 0] or (
        one[here, 0] == other[there, 0] and one[here, 1] < other[there, 1]
    ):
        return one[here, 0], one[here, 1]
    return other[there, 0], other[there, 1]


@kernel
def _take(amounts: Integers, place: int, whole: int, part: int, base: int) -> None:
    """Take an amount from another, in place; a negative one adds to it."""
    amounts[place, 0] -= whole
    amounts[place, 1] -= part
    if amounts[place, 1] < 0:
        amounts[place, 1] += base
        amounts[place, 0] -= 1
    elif amounts[place, 1] >= base:
        amounts[place, 1] -= base
        amounts[place, 0] += 1
