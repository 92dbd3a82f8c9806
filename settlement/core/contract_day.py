"""Service of contracts over a day: each interval begins where the one before it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np

from settlement.core.arrays import Flags, Integers, integers, largest_magnitude, require_int64
from settlement.core.booked_lots import BookedPower, Lot, LotServed, new_lots, owed_on, serve_lots
from settlement.core.contracts import Contracts, ContractState
from settlement.core.order_of_service import (
    Service,
    Wanted,
    serve_in_turns,
    wanted_in,
)
from settlement.core.room import Room, Rooms, sums_at
from settlement.core.tightness import PPM


@dataclass(frozen=True, eq=False)
class Served:
    """What contracts come to in each of T intervals, in W.

    Attributes:
        desired_w: shape (G, T), new in each interval.
        entitlement_w: shape (G, T), what may be taken: of what is new, and of what was owed.
        delivered_w: shape (G, T), what was delivered of it; the entitlement where the meter alone
            is known, and else what was metered, as far as it was desired or owed.
        late_w: shape (G, T), the part of what was delivered that had been owed.
        missed_w: shape (G, T), what was due and refused.
        declined_w: shape (G, T), what was offered of what was asked for, and not taken, and what
            was refused of a request that does not count; none where the meter alone is known.
        owed_w: shape (G, T), what is owed where each interval ends.
        supply_w: shape (N, T), with what is used of net export at its own node.
        maximum_w: shape (T,), v(all) of what is new and what is owed.
        unused_w: shape (T,), what indivisible requests left over of it.
        counts: shape (G, T), whether the request counts: where it is known beside the meter, and
            too little of what was offered is taken, what was refused of it is declined.
        before: T entries, the state in which each interval began.
        services: T entries, how each was served; None where all that is wanted was.
        lots: T entries, what came of what is booked; empty where all that is new was served, and
            nothing was owed.
        after: the state in which the day ends.
    """

    desired_w: Integers
    entitlement_w: Integers
    delivered_w: Integers
    late_w: Integers
    missed_w: Integers
    declined_w: Integers
    owed_w: Integers
    supply_w: Integers
    maximum_w: Integers
    unused_w: Integers
    counts: Flags
    before: tuple[ContractState, ...]
    services: tuple[Service | None, ...]
    lots: tuple[tuple[LotServed, ...], ...]
    after: ContractState


def serve_day(
    rooms: Rooms,
    contracts: Contracts,
    state: ContractState,
    supply_w: Integers,
    desired_w: Integers,
    metered_w: Integers,
    is_known: Flags,
    lottery: tuple[bytes, date] | None = None,
    export_w: Integers | None = None,
    booked: Sequence[BookedPower] = (),
) -> Served:
    """Return how the contracts of every interval of a local day are served.

    In each interval ``desired + owed before = delivered + declined + missed + owed after``: what is
    desired is delivered, declined or missed once, and nothing is lost. Who asks for energy, is
    offered it and does not take it has declined it: nothing of it is owed, and no promise broken.
    Who takes less of what it is offered than `Contracts.least_taken_ppm` has declined what it was
    refused, too: a wish is worth no more than what is done about it.

    Args:
        rooms: of the grid, in W; see `network_rooms`.
        state: in which the day begins.
        supply_w: shape (N, T), available supply at each node.
        export_w: shape (N, T), net export of supply points: it serves what is wanted at its own
            node, and is not sent on.
        desired_w: shape (G, T), new in each interval, not negative.
        metered_w: shape (G, T), not negative; counts where `is_known`.
        is_known: shape (G,), whether requests are known beside the meter. Elsewhere the metered
            demand is the request, and the entitlement counts as delivered.
        lottery: digest of the day's inputs and the day, where some requests are indivisible. The
            place of a drawing reads ``2024-01-17 35 N0 P2 waiting 3``: day, interval from 0, node,
            product and turn.
        booked: what is booked of what is desired, by number; what is essential is due anyway.

    Raises:
        ValueError: a shape differs, a quantity is negative, or a lottery without a place.
        OverflowError: quantities too large for exact arithmetic.
    """
    points, intervals = np.shape(desired_w)
    desired = integers(desired_w, (points, intervals), "desired_w")
    supply = integers(supply_w, (rooms.node_count, intervals), "supply_w")
    metered = integers(metered_w, (points, intervals), "metered_w")
    export = np.zeros_like(supply) if export_w is None else export_w
    export = integers(export, supply.shape, "export_w")
    if min(each.min(initial=0) for each in (desired, supply, export, metered, state.owed)) < 0:
        raise ValueError("supply, what is desired and what is owed must not be negative")
    _require_fit(rooms, supply + export, desired, state)
    plenty = _Plenty.of_day(rooms, contracts, supply, export, desired)
    steps: list[_Step] = []
    supplies: list[Integers] = []
    before = state
    while len(steps) < intervals:
        first = len(steps)
        # Of nearly every interval all is served, and nothing is owed: many at once are a tenth of
        # the time. Who is known to ask may decline, which the meter of each interval says.
        served = [] if is_known.any() or before.owes else plenty.serve(before, first)
        if served:
            supplies += list(plenty.brought_w[:, first : first + len(served)].T)
        else:
            place = lottery and (lottery[0], f"{lottery[1].isoformat()} {first}")
            of_interval = (supply[:, first], export[:, first], desired[:, first], metered[:, first])
            new = new_lots(booked, first, desired[:, first], contracts.point_window)
            brought, step = _serve_interval(
                rooms, contracts, before, of_interval, new, is_known, place
            )
            supplies.append(brought)
            served = [step]
        steps += served
        before = steps[-1].after
    stacked = {
        name: np.stack([getattr(step, name) for step in steps], axis=1)
        for name in ("entitlement_w", "delivered_w", "late_w", "missed_w", "declined_w", "counts")
    }
    return Served(
        desired_w=desired,
        **stacked,
        owed_w=np.stack([step.after.owed.sum(axis=0) for step in steps], axis=1),
        supply_w=np.stack(supplies, axis=1),
        maximum_w=np.array([step.maximum_w for step in steps], dtype=np.int64),
        unused_w=np.array(
            [step.service.unused_w if step.service else 0 for step in steps], dtype=np.int64
        ),
        before=tuple(step.before for step in steps),
        services=tuple(step.service for step in steps),
        lots=tuple(step.lots for step in steps),
        after=before,
    )


@dataclass(frozen=True, eq=False)
class _Plenty:
    """The intervals of a day in which all that is new can be served, in W.

    Attributes:
        desired_w: shape (G, T).
        at_nodes_w, brought_w: shape (N, T), that and supply, at nodes.
        is_plenty: shape (T,).
    """

    contracts: Contracts
    desired_w: Integers
    at_nodes_w: Integers
    brought_w: Integers
    is_plenty: Flags

    @classmethod
    def of_day(
        cls,
        rooms: Rooms,
        contracts: Contracts,
        supply: Integers,
        export: Integers,
        desired: Integers,
    ) -> Self:
        """Return them of a day; arguments as in `serve_day`."""
        at_nodes = np.zeros_like(supply)
        np.add.at(at_nodes, contracts.node[contracts.point_group], desired)
        brought = supply + np.minimum(export, at_nodes)
        is_plenty = rooms.serve_all(brought, at_nodes)
        return cls(contracts, desired, at_nodes, brought, is_plenty)

    def serve(self, before: ContractState, first: int) -> list["_Step"]:
        """Return the intervals from one on in which all is served; none where it is not plenty.

        Args:
            before: the state in which the first begins, of which nothing is owed.
        """
        until = first
        while until < len(self.is_plenty) and self.is_plenty[until]:
            until += 1
        served = self.desired_w[:, first:until]
        nothing = np.zeros(len(served), dtype=np.int64)
        everybody = np.ones(len(served), dtype=np.bool_)
        owed = np.zeros(
            (max(len(before.owed), self.contracts.longest_window), len(served)), dtype=np.int64
        )
        most = self.at_nodes_w[:, first:until].sum(axis=0).tolist()
        steps = []
        for column, maximum in zip(served.T, most, strict=True):
            matured = self.contracts.by_group(column)
            memory = before.memory.after(self.contracts.promise_ppm, matured, matured)
            after = ContractState(owed, memory)
            steps.append(
                _Step(
                    before=before,
                    service=None,
                    entitlement_w=column,
                    delivered_w=column,
                    late_w=nothing,
                    missed_w=nothing,
                    declined_w=nothing,
                    counts=everybody,
                    maximum_w=maximum,
                    after=after,
                )
            )
            before = after
        return steps


def _require_fit(rooms: Rooms, supply: Integers, desired: Integers, state: ContractState) -> None:
    wanted = largest_magnitude(desired) * desired.shape[0]
    owed = sum(state.owed.sum(axis=0).tolist()) + wanted * max(len(state.owed), 1)
    largest = rooms.most_brought + largest_magnitude(supply) * len(supply)
    require_int64(4 * (largest + wanted + owed), "supply and demand of an interval")


@dataclass(frozen=True, eq=False)
class _Step:
    """One interval, in W; arrays of shape (G,)."""

    before: ContractState
    service: Service | None
    entitlement_w: Integers
    delivered_w: Integers
    late_w: Integers
    missed_w: Integers
    declined_w: Integers
    counts: Flags
    maximum_w: int
    after: ContractState
    lots: tuple[LotServed, ...] = ()


def _serve_interval(
    rooms: Rooms,
    contracts: Contracts,
    before: ContractState,
    of_interval: tuple[Integers, Integers, Integers, Integers],
    new: tuple[Lot, ...],
    is_known: Flags,
    place: tuple[bytes, str] | None,
) -> tuple[Integers, _Step]:
    """Return what is brought to each node in an interval, and how it is served.

    Args:
        of_interval: supply and export at nodes, what is desired and what is metered.
        new: what is booked of what is desired.
    """
    supply, export, desired, metered = of_interval
    wanted = wanted_in(contracts, before, desired, new)
    node = contracts.node[contracts.point_group]
    at_nodes = sums_at(len(contracts.nodes), node, wanted.all)
    # Counting what is used of export as supply, and the whole of what is wanted, raises v(all)
    # by exactly that.
    brought: Integers = supply + np.minimum(export, at_nodes)
    room = rooms.given(brought)
    asked = wanted, desired, metered, new
    return brought, _serve(contracts, before, room, asked, is_known, place)


def _serve(
    contracts: Contracts,
    before: ContractState,
    room: Room,
    asked: tuple[Wanted, Integers, Integers, tuple[Lot, ...]],
    is_known: Flags,
    place: tuple[bytes, str] | None,
) -> _Step:
    wanted, desired, metered, new = asked
    node = contracts.node[contracts.point_group]
    at_nodes = sums_at(len(contracts.nodes), node, wanted.all)
    maximum = room.most(at_nodes)
    service = None
    due, waiting = wanted.due, wanted.waiting
    if maximum < at_nodes.sum():
        service = serve_in_turns(contracts, before, wanted, room, place)
        due, waiting = service.due_w, service.waiting_w
    entitlement = due + waiting.sum(axis=0)
    offered_due, offered = due, waiting
    counts = ~is_known | (metered >= least_taken_w(entitlement, contracts.least_taken_ppm))
    if is_known.any():
        due, waiting = _as_metered(wanted, due, waiting, metered, is_known)
        # What is refused of a request that does not count is as if offered, and not taken.
        offered_due = np.where(counts, np.maximum(offered_due, due), wanted.due)
        offered = np.where(counts, np.maximum(offered, waiting), wanted.waiting)
    delivered = due + waiting.sum(axis=0)
    missed = wanted.due - offered_due
    memory = before.memory.after(
        contracts.promise_ppm,
        contracts.by_group(delivered + missed),
        contracts.by_group(delivered),
    )
    lots: tuple[LotServed, ...] = ()
    if before.lots or new:
        lots = serve_lots(
            before.lots, new, np.vstack([due, waiting[1:]]), np.vstack([offered_due, offered[1:]])
        )
    return _Step(
        before=before,
        service=service,
        entitlement_w=entitlement,
        delivered_w=delivered,
        late_w=delivered - _newly_delivered(contracts, wanted, desired, due, waiting),
        missed_w=missed,
        declined_w=offered_due + offered.sum(axis=0) - delivered,
        counts=counts,
        maximum_w=maximum,
        after=ContractState((wanted.waiting - offered)[1:], memory, owed_on(lots)),
        lots=lots,
    )


def _newly_delivered(
    contracts: Contracts, wanted: Wanted, desired: Integers, due: Integers, waiting: Integers
) -> Integers:
    """Return what was delivered of what is new, shape (G,), of what was of all that was wanted."""
    # What is new stands in the row of its window, or is due at once. Where the day before had other
    # law, something that it refused may be due with it: that counts first.
    window, everyone = contracts.point_window, np.arange(len(desired))
    with_new = np.where(window > 0, waiting[window, everyone], due)
    wanted_with_new = np.where(window > 0, wanted.waiting[window, everyone], wanted.due)
    new: Integers = np.maximum(with_new - (wanted_with_new - desired), 0)
    return new


def least_taken_w(offered_w: Integers, least_taken_ppm: int) -> Integers:
    """Return what must be taken of an offer, so that a request counts, rounded up, of its shape.

    So ``taken >= least`` where ``taken x 10**6 >= least_taken_ppm x offered``, and only there.

    Example: of 10,001 W offered, 950,000 ppm are 9,500.95 W: 9,501 W must be taken.
    """
    # In two parts, as an offer times a million may pass int64.
    whole, rest = np.divmod(offered_w, PPM)
    least: Integers = whole * least_taken_ppm - (-rest * least_taken_ppm // PPM)
    return least


def _as_metered(
    wanted: Wanted, due: Integers, waiting: Integers, metered: Integers, is_known: Flags
) -> tuple[Integers, Integers]:
    """Return what was delivered: where requests are known, of the meter, the earliest due first."""
    rows = np.concatenate([wanted.due[np.newaxis], wanted.waiting[1:]])
    filled = np.clip(metered - (np.cumsum(rows, axis=0) - rows), 0, rows)
    by_meter = np.concatenate([np.zeros_like(filled[:1]), filled[1:]])
    return np.where(is_known, filled[0], due), np.where(is_known, by_meter, waiting)
