"""Why a supply point is entitled to what it is: desire, weight, the part of its node, the cut.

Entitlement, the part of its node, the cut that holds the node back and the readings behind them are
computed again from the inputs that the run is pinned to, as the engine does.
"""

from dataclasses import dataclass

import numpy as np

from common.quantities import megawatt_hours, megawatts, ppm
from settlement.core.cuts import W_PER_KW, subset_sums
from settlement.core.fair_play import PRIORITIES, Shares, weights_ppm
from settlement.core.fair_play_day import DayShares, History
from settlement.core.fair_play_market import supply_of_day_w
from settlement.core.fair_play_rules import FairPlay
from settlement.core.max_min import Frozen, binding_members, room_for
from settlement.core.tightness import PPM
from settlement.explanations.grounds import Grounds
from settlement.explanations.tree import Explanation
from settlement.meters.register import AVAILABLE, DEMAND, DESIRED


@dataclass(frozen=True)
class Entitlements(Grounds):
    """Explains what Fair Play entitles supply points to in one interval."""

    @property
    def rules(self) -> FairPlay:
        """The rules of Fair Play in force on the day."""
        rules = self.facts.model.fair_play
        if rules is None:
            raise LookupError(f"no rule applies Fair Play on {self.facts.day}")
        return rules

    @property
    def day(self) -> DayShares:
        """The shares of the day, as the engine computed them."""
        return self.facts.fair_play_shares

    @property
    def shares(self) -> Shares:
        """The shares of the interval."""
        return self.day.intervals[self.interval]

    def entitlement(self, point: str) -> Explanation:
        """Return the tree behind what a supply point may take."""
        index = self.facts.model.supply_points.index(point)
        entitled = int(self.day.entitlement_w[index, self.interval])
        desired = int(self.day.desired_w[index, self.interval])
        children: list[Explanation] = [self._desired(point)]
        formula = "all that it desired"
        is_drawn = bool(self.rules.terms.indivisible[index]) and self._is_short(index)
        if is_drawn or entitled < desired:
            formula = self._drawn(entitled) if is_drawn else self._shared_by_weight(index)
            children += [self._weight(point, index), self._node(index)]
            children += [self._lottery(index)] if is_drawn else []
        return Explanation(
            f"Entitlement ({point})",
            entitled,
            "W",
            formula,
            clauses=self.governing(self.facts.rules.allocation_policy, "fair_play"),
            children=tuple(children),
        )

    def _desired(self, point: str) -> Explanation:
        if (DESIRED, point) in self.facts.readings:
            return self.reading(DESIRED, point, "Energy desired")
        return self.reading(DEMAND, point, "Energy desired: what was metered")

    def _rank(self, index: int) -> int:
        return int(self.rules.is_flexible[index])

    def _weights(self) -> np.ndarray:
        before = self.day.before[self.interval]
        return weights_ppm(self.rules.terms, before.desired_w, before.delivered_w)

    def _shared_by_weight(self, index: int) -> str:
        """Say how what a node is served of a priority is shared inside it; see `fill_by_weight`."""
        terms, rank = self.rules.terms, self._rank(index)
        given, wanted = (
            values[rank].tolist()
            for values in (self.shares.entitlement_w, self._desired_by_priority())
        )
        others = terms.points_at[int(terms.node[index])]
        full = [
            other for other in others if given[other] == wanted[other] or terms.indivisible[other]
        ]
        rest = [other for other in others if other not in full]
        weights = self._weights().tolist()
        left = sum(given[other] for other in rest)
        own = weights[index] * wanted[index]
        pull = sum(weights[other] * wanted[other] for other in rest)
        return (
            f"{megawatts(left)} × {own:,} ÷ {pull:,}: what is left at {self._node_name(index)} "
            "beside requests met in full, by weight × power desired, rounded down; what is left "
            "over goes a watt each to the largest remainders"
        )

    def _drawn(self, entitled: int) -> str:
        met = "and was drawn" if entitled else "and was not drawn"
        return f"its request is met whole or not at all, {met}"

    def _is_short(self, index: int) -> bool:
        """Return whether demand of its priority at its node is held back."""
        node, rank = int(self.rules.terms.node[index]), self._rank(index)
        return any(
            node in frozen.nodes and frozen.total < frozen.weight
            for frozen in self.shares.frozen[rank]
        )

    def _desired_by_priority(self) -> np.ndarray:
        desired = self.day.desired_w[:, self.interval]
        flexible = self.rules.is_flexible
        return np.stack([np.where(flexible, 0, desired), np.where(flexible, desired, 0)])

    def _node_name(self, index: int) -> str:
        return self.facts.model.grid.nodes[int(self.rules.terms.node[index])]

    def _weight(self, point: str, index: int) -> Explanation:
        terms, before = self.rules.terms, self.day.before[self.interval]
        reliability = int(terms.reliability_ppm[index])
        weight = int(self._weights()[index])
        fulfilment = self._fulfilment(index, before)
        return Explanation(
            f"Weight ({point})",
            weight,
            "ppm",
            f"{ppm(reliability)} ÷ {ppm(max(fulfilment.value, terms.least_fulfilment_ppm))}, "
            "rounded down to 0.0001\u00a0%, at least that: the reliability that its contract "
            "promises over the part of what it desired that was delivered to it",
            clauses=self.governing(
                self.facts.rules.allocation_policy,
                "fair_play.history_days",
                "fair_play.least_fulfilment_ppm",
            ),
            children=(self.reliability(point), fulfilment),
        )

    def reliability(self, point: str) -> Explanation:
        """Return the reliability that a supply point's contract promises."""
        index = self.facts.model.supply_points.index(point)
        product = self.facts.register.supply_points[point][1].product
        return Explanation(
            f"Reliability of product {product}",
            int(self.rules.terms.reliability_ppm[index]),
            "ppm",
            clauses=self.governing(self.facts.rules.market_rules, "products.reliability_ppm"),
        )

    def _fulfilment(self, index: int, before: History) -> Explanation:
        minutes = self.facts.model.interval_minutes
        desired, delivered = (
            int(values[index]) * minutes // 60 for values in (before.desired_w, before.delivered_w)
        )
        least = self.rules.terms.least_fulfilment_ppm
        wanted = int(before.desired_w[index])
        value = int(before.delivered_w[index]) * PPM // wanted if wanted else PPM
        days = self.rules.history_days
        span = f"the {days} days before and " if days else ""
        return Explanation(
            "Fulfilment",
            value,
            "ppm",
            f"{megawatt_hours(delivered)} delivered ÷ {megawatt_hours(desired)} desired in {span}"
            f"the earlier intervals of the day; counts as at least {ppm(least)}"
            if wanted
            else f"nothing was desired in {span}the earlier intervals of the day: counts as whole",
            is_missing=not wanted,
        )

    def _node(self, index: int) -> Explanation:
        """Return what the node is served of the priority, and what holds it back."""
        rank, node = self._rank(index), int(self.rules.terms.node[index])
        steps = self.shares.frozen[rank]
        step = next(number for number, earlier in enumerate(steps) if node in earlier.nodes)
        frozen = steps[step]
        name = PRIORITIES[rank]
        served = int(self.shares.node_served_w[rank, node])
        wanted = int(self._node_desired(rank)[node])
        points = self.rules.terms.points_at[node]
        leaves_over = bool(self.rules.terms.indivisible[points].any())
        less = ", less what whole requests could not use" if leaves_over else ""
        return Explanation(
            f"Served of {name} demand at {self._node_name(index)}",
            served,
            "W",
            f"{megawatts(wanted)} desired × {megawatts(frozen.total)} ÷ "
            f"{megawatts(frozen.weight)}, to within a watt{less}: "
            "every node held back by one cut is served the same part of what it desires",
            children=(self._cut(rank, steps, step),),
        )

    def _node_desired(self, rank: int) -> np.ndarray:
        desired = np.zeros(len(self.facts.model.grid.nodes), dtype=np.int64)
        np.add.at(desired, self.rules.terms.node, self._desired_by_priority()[rank])
        return desired

    def _cut(self, rank: int, steps: tuple[Frozen, ...], step: int) -> Explanation:
        """Return the cut that holds back a set of nodes: what can be brought to its demand side."""
        model = self.facts.model
        held = sorted(node for frozen in steps[: step + 1] for node in frozen.nodes)
        desired = self._node_desired(rank)
        supply = supply_of_day_w(model, self.rules, self.facts.day_readings())[:, self.interval]
        earlier = self.shares.node_served_w[:rank].sum(axis=0)
        room = room_for(model.cuts.boundary_kw * W_PER_KW, supply) - subset_sums(earlier)
        side = binding_members(room, desired, held)
        outside = [node for node in held if node not in side]
        children = [*self._brought_to(side, int(supply[list(side)].sum()))]
        if rank:
            children.append(
                Explanation(
                    f"Served there before, to {PRIORITIES[rank - 1]} demand",
                    -int(earlier[list(side)].sum()),
                    "W",
                )
            )
        if outside:
            children.append(
                Explanation(
                    f"Desired at {self._names(outside)}, served in full",
                    int(desired[outside].sum()),
                    "W",
                )
            )
        frozen = steps[step]
        before = sum(earlier.total for earlier in steps[:step])
        return Explanation(
            f"What the grid can serve at {self._names(held)}",
            before + frozen.total,
            "W",
            f"the smallest cut; {megawatts(before)} of it is at nodes held back at a lower part"
            if before
            else "the smallest cut",
            children=tuple(children),
        )

    def _brought_to(self, side: tuple[int, ...], supply_w: int) -> tuple[Explanation, ...]:
        """Return what can be brought to the demand side of a cut: its own supply, and by lines."""
        lines, rating = self._lines_into(side)
        return (
            Explanation(
                f"Supply at {self._names(side)}",
                supply_w,
                "W",
                "what units have available, and net export that serves demand at its own node",
                children=self._supplies(side, supply_w),
            ),
            Explanation(
                f"Lines into {self._names(side)}",
                rating,
                "W",
                f"the ratings of {', '.join(lines) or 'no line'}, each rounded down to a kW",
                clauses=self.governing(self.facts.rules.grid_model, "lines.rating_w"),
            ),
        )

    def _names(self, nodes: list[int] | tuple[int, ...]) -> str:
        return ", ".join(self.facts.model.grid.nodes[node] for node in nodes) or "no node"

    def _lines_into(self, side: tuple[int, ...]) -> tuple[list[str], int]:
        grid = self.facts.model.grid
        names, total = [], 0
        ends = zip(grid.line_from.tolist(), grid.line_to.tolist(), strict=True)
        for line, (source, target) in enumerate(ends):
            if (source in side) == (target in side):
                continue
            rating = grid.rating_w if target in side else grid.reverse_rating_w
            names.append(f"{grid.nodes[source]}–{grid.nodes[target]}")
            total += int(rating[line]) // W_PER_KW * W_PER_KW
        return names, total

    def _supplies(self, side: tuple[int, ...], whole: int) -> tuple[Explanation, ...]:
        model, owner = self.facts.model, self.facts.register.unit_owner
        units = tuple(
            self.reading(AVAILABLE, unit, "Declared availability", owner(unit))
            for unit, node in zip(model.units, model.unit_node.tolist(), strict=True)
            if node in side
        )
        export = whole - sum(unit.value for unit in units)
        used = Explanation("Net export that serves demand at its own node", export, "W")
        return (*units, used) if export else units

    def _lottery(self, index: int) -> Explanation:
        rank = self._rank(index)
        requests = self.facts.day_readings().requests
        seed = b"" if requests is None or requests.seed is None else requests.seed
        place = (
            f"{self.facts.day.isoformat()} {self.interval} {self._node_name(index)} "
            f"{PRIORITIES[rank]}"
        )
        points = self.rules.terms.points_at[int(self.rules.terms.node[index])]
        drawn = (self.shares.entitlement_w[rank] > 0) & self.rules.terms.indivisible
        tickets = self._weights()[index]
        return Explanation(
            "Met by the lottery at its node",
            int(drawn[points].sum()),
            "",
            f"drawn with {tickets:,} tickets of its own, its weight; the seed is SHA-256 of "
            f"“tallystick lottery 1”, a line feed, the digest {seed.hex()} of the day's rules and "
            f"readings, and “{place}”",
            clauses=self.governing(
                self.facts.rules.allocation_policy, "fair_play.products.indivisible"
            ),
        )
