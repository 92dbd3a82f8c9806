"""Why a supply point is entitled to what it is: what it wants, the turns of service, the cut.

Entitlement, the turns in which its group was served, what they left to it and the cut that held it
back are computed again from the inputs that the run is pinned to, as the engine does. What was owed
is followed from the interval that refused it to the one that serves it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from common.quantities import megawatt_hours, megawatts, ppm
from settlement.core.contracts import Memory
from settlement.core.order_of_service import (
    BOOKED,
    DUE,
    LEFT_OVER,
    PROMISES,
    WAITING,
    Service,
    Turn,
    Wanted,
    wanted_in,
)
from settlement.core.tightness import PPM
from settlement.explanations.service_grounds import ServiceGrounds
from settlement.explanations.tree import Explanation
from settlement.meters.register import DEMAND, DESIRED

TURN_WORDS = {
    PROMISES: "Served of what its promise needs",
    DUE: "Served of what else is due",
}
WAITING_WORDS = {
    BOOKED: "Served of what is booked",
    WAITING: "Served of what may wait",
    LEFT_OVER: "Served of what whole requests left over",
}


@dataclass(frozen=True)
class Entitlements(ServiceGrounds):
    """Explains what Fair Play entitles supply points to in one interval."""

    @property
    def wanted(self) -> Wanted:
        """What was wanted of the interval, new and owed."""
        served = self.day.served
        return wanted_in(
            self.rules.contracts,
            served.before[self.interval],
            served.desired_w[:, self.interval],
            [each.lot for each in served.lots[self.interval] if each.is_new],
        )

    def entitlement(self, point: str) -> Explanation:
        """Return the tree behind what a supply point may take."""
        index = self.facts.model.supply_points.index(point)
        entitled = int(self.day.served.entitlement_w[index, self.interval])
        owed = [*self._owed(index)]
        children = [self._desired(point), *self._contracted(index), *owed]
        formula = "all that it desired" + (" and was owed" if owed else "")
        if self.service is not None:
            children += self._served(index, self.service)
            if entitled < int(self.wanted.all[index]):
                formula = "what its group is served, and its part of that"
        children += self._not_counted(point, index, entitled)
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

    def _contracted(self, index: int) -> Iterator[Explanation]:
        """Yield the power that bounds what was desired, where it does."""
        limit_w = int(self.rules.limit_w[index])
        if limit_w == int(self.day.served.desired_w[index, self.interval]):
            yield Explanation(
                "Power that its contract allows",
                limit_w,
                "W",
                "what is asked for above it is no request",
                clauses=self.governing(self.facts.rules.market_rules, "products.magnitude_w"),
            )

    def _not_counted(self, point: str, index: int, entitled: int) -> Iterator[Explanation]:
        """Yield what was refused of a request that does not count, as too little was taken."""
        refused = int(self.wanted.all[index]) - entitled
        if self.day.served.counts[index, self.interval] or not refused:
            return
        taken = self.reading(DEMAND, point, "Energy taken")
        minutes = self.facts.model.interval_minutes
        yield Explanation(
            "Refused, and counted as declined",
            refused,
            "W",
            f"{megawatts(max(taken.value, 0) * 60 // minutes)} were taken of {megawatts(entitled)} "
            f"offered, less than {ppm(self.rules.contracts.least_taken_ppm)} of it: so what was "
            "refused of the request is neither missed nor owed",
            clauses=self.governing(self.facts.rules.allocation_policy, "fair_play.least_taken_ppm"),
            children=(taken,),
        )

    def _owed(self, index: int) -> Iterator[Explanation]:
        """Yield what was refused before and may be served in the interval, the earliest due first.

        What is due after j intervals was refused a window before that: it is told of its product.
        Where another version of the market rules or of the point's registration was in force then,
        its window may have been another: only the close is certain.
        """
        owed = self.day.served.before[self.interval].owed[:, index]
        window = int(self.rules.contracts.point_window[index])
        changed = self._contract_in_force_since(index)
        for after in np.flatnonzero(owed).tolist():
            closes = self.clock(after + 1)
            if self._may_be_of_other_law(index, after, changed):
                since = f"before {self.in_words(changed)}"
                how = f"refused under law of before; its window closes at {closes}"
            else:
                since = self.clock(after - window)
                how = f"refused then; its window of {window} intervals closes at {closes}"
            yield Explanation(
                f"Owed since {since}",
                int(owed[after]),
                "W",
                how,
                clauses=self.governing(self.facts.rules.market_rules, "products.window_minutes"),
            )

    def _may_be_of_other_law(self, index: int, after: int, changed: datetime) -> bool:
        """Return whether any of what is due after some intervals was refused before a change."""
        refused = after - int(self.rules.contracts.point_window[index])
        if refused >= 0 or self.starts(refused) < changed:
            return True
        # Where the change is of this day, something due at the same time may have been owed then.
        began = next((t for t, start in enumerate(self.facts.starts) if start == changed), None)
        if began is None or began > self.interval:
            return False
        rows = self.day.served.before[began].owed[:, index]
        row = self.interval - began + after
        return row < len(rows) and bool(rows[row])

    def _contract_in_force_since(self, index: int) -> datetime:
        """Return from when both its product and who holds it are of one version of the law."""
        rules, point = self.facts.rules, self.facts.model.supply_points[index]
        supplier = self.facts.register.supplier(point)
        instruments = {
            rules.market_rules.instrument,
            *(each.instrument for each in rules.registrations if each.participant == supplier),
        }
        return max(
            version.valid_from for version in rules.versions if version.instrument in instruments
        )

    def _group(self, index: int) -> int:
        return int(self.rules.contracts.point_group[index])

    def _group_name(self, group: int) -> str:
        node, product = self.rules.contracts.groups[group]
        return f"{product} at {node}"

    def _served(self, index: int, service: Service) -> Iterator[Explanation]:
        """Yield what the point is served, of what is due and of each deadline, with its turns."""
        wanted, group = self.wanted, self._group(index)
        turns = [turn for turn in service.turns if turn.wanted[group]]
        if wanted.due[index]:
            yield self._part(
                index,
                "Served of what is due",
                int(service.due_w[index]),
                int(wanted.due[index]),
                int(self.rules.contracts.by_group(wanted.due)[group]),
                [turn for turn in turns if turn.name in TURN_WORDS or _is_left(turn, 0)],
                DUE,
            )
        rest = wanted.waiting - service.booked_w
        parts = (
            (BOOKED, "is booked and ", wanted.booked, service.booked_w),
            (WAITING, "", rest, service.waiting_w - service.booked_w),
        )
        for name, words, of_points, given in parts:
            for after in np.flatnonzero(of_points[:, index]).tolist():
                yield self._part(
                    index,
                    f"Served of what {words}may wait until {self.clock(after + 1)}",
                    int(given[after, index]),
                    int(of_points[after, index]),
                    int(self.rules.contracts.by_group(of_points[after])[group]),
                    [each for each in turns if _is_of(each, name, after)],
                    f"{name} {after}",
                )

    def _part(
        self,
        index: int,
        label: str,
        given: int,
        own: int,
        whole: int,
        turns: list[Turn],
        turn: str,
    ) -> Explanation:
        """Return what a point is given of what its group is served, in whole or by its part."""
        group = self._group(index)
        served = sum(int(turn.served[group]) for turn in turns)
        formula = "all of it"
        if self.rules.contracts.indivisible[group] and served < whole:
            drawn = "and was drawn" if given else "and was not drawn"
            formula = (
                f"its request is met whole or not at all, {drawn} by lottery over the "
                f"{megawatts(served)} that {self._group_name(group)} is served; the seed is "
                f"SHA-256 of “tallystick lottery 1”, a line feed, the digest {self._seed()} of the "
                f"day's rules and readings, and the place “{self._place(group, turn)}”"
            )
        elif served < whole:
            formula = (
                f"{megawatts(own)} × {megawatts(served)} ÷ {megawatts(whole)}: the part that "
                f"{self._group_name(group)} is served, the same for all in it, to within a watt"
            )
        return Explanation(
            label, given, "W", formula, children=tuple(self._turn(turn, group) for turn in turns)
        )

    def _seed(self) -> str:
        seed = self.day.requests.seed
        return "" if seed is None else seed.hex()

    def _place(self, group: int, turn: str) -> str:
        """Return the place of a drawing in words, as `serve_day` states it."""
        node, product = self.rules.contracts.groups[group]
        return f"{self.facts.day.isoformat()} {self.interval} {node} {product} {turn}"

    def _turn(self, turn: Turn, group: int) -> Explanation:
        """Return what a group is served in a turn: all, or by its weight behind a cut."""
        served, wanted = int(turn.served[group]), int(turn.wanted[group])
        words = (TURN_WORDS | WAITING_WORDS)[turn.name]
        step = next(
            (number for number, each in enumerate(turn.frozen) if group in each.claims), None
        )
        formula = f"all of {megawatts(wanted)}"
        children = [self._needed(group)] if turn.name == PROMISES else []
        if step is not None:
            frozen, weight = turn.frozen[step], int(turn.weight[group])
            formula = (
                f"{weight:,} × {megawatts(wanted)} × {megawatts(frozen.total)} ÷ {frozen.pull:,}: "
                "weight × wanted, as a part of that of all who are held back by one cut, rounded "
                "down; what is left over goes a watt each to the largest remainders"
            )
            children += [self._weight(group, weight), self.cut(turn, step)]
        return Explanation(
            f"{words} ({self._group_name(group)})",
            served,
            "W",
            formula,
            children=tuple(children),
        )

    def _memory(self) -> Memory:
        return self.day.served.before[self.interval].memory

    def _needed(self, group: int) -> Explanation:
        """Return what a group must be served not to fall behind its promise."""
        promise = int(self.rules.contracts.promise_ppm[group])
        matured, delivered = self._energies(group)
        minutes, memory = self.facts.model.interval_minutes, self._memory()
        return Explanation(
            f"Promise of {self._group_name(group)}",
            promise,
            "ppm",
            f"of what is due now; of {megawatt_hours(matured)} that were due since the month began "
            f"{promised_words(memory, group, promise, minutes)}, and "
            f"{megawatt_hours(delivered)} were delivered",
            clauses=self.governing(self.facts.rules.market_rules, "products.reliability_ppm"),
        )

    def _energies(self, group: int) -> tuple[int, int]:
        minutes, memory = self.facts.model.interval_minutes, self._memory()
        return (
            memory.matured[group] * minutes // 60,
            memory.delivered[group] * minutes // 60,
        )

    def _weight(self, group: int, weight: int) -> Explanation:
        contracts, memory = self.rules.contracts, self._memory()
        tier = int(contracts.tier_ppm[group])
        matured, delivered = self._energies(group)
        fulfilment = memory.fulfilment_ppm()[group]
        least = contracts.least_fulfilment_ppm
        return Explanation(
            f"Weight ({self._group_name(group)})",
            weight,
            "ppm",
            f"{ppm(tier)} ÷ {ppm(max(fulfilment, least))}, rounded down to 0.0001\u00a0%: the "
            "weight of its tier over the part of what was due that was delivered",
            clauses=self.governing(
                self.facts.rules.allocation_policy, "fair_play.least_fulfilment_ppm"
            ),
            children=(
                Explanation(
                    f"Tier of {self._group_name(group)}",
                    tier,
                    "ppm",
                    clauses=self.governing(
                        self.facts.rules.market_rules, "products.tier_weight_ppm"
                    ),
                ),
                Explanation(
                    "Fulfilment",
                    fulfilment,
                    "ppm",
                    f"{megawatt_hours(delivered)} delivered ÷ {megawatt_hours(matured)} due since "
                    f"the month began; counts as at least {ppm(least)}"
                    if memory.matured[group]
                    else "nothing was due since the month began: counts as whole",
                    is_missing=not memory.matured[group],
                ),
            ),
        )

    def reliability(self, point: str) -> Explanation:
        """Return the reliability that a supply point's contract promises."""
        index = self.facts.model.supply_points.index(point)
        product = self.facts.register.supply_points[point][1].product
        return Explanation(
            f"Reliability of product {product}",
            int(self.rules.contracts.promise_ppm[self._group(index)]),
            "ppm",
            clauses=self.governing(self.facts.rules.market_rules, "products.reliability_ppm"),
        )

    def taken(self, point: str) -> Explanation:
        """Return the energy that a supply point takes: as metered, or as its contract serves it."""
        metered = self.reading(DEMAND, point, "Energy taken at this supply point")
        if self.facts.model.fair_play is None:
            return metered
        index = self.facts.model.supply_points.index(point)
        taken = int(self.day.taken_wh[index, self.interval])
        if taken == metered.value or self.day.requests.is_known[index]:
            return metered
        served = self.day.served
        late, refused = (
            int(values[index, self.interval])
            for values in (
                served.late_w,
                served.desired_w - (served.delivered_w - served.late_w),
            )
        )
        return Explanation(
            f"Energy taken at this supply point ({point})",
            taken,
            "Wh",
            f"what was metered as its wish, less {megawatts(refused)} refused in this interval, "
            f"and {megawatts(late)} that had been owed; what is below a millionth of a MWh is "
            "carried to the next interval of the day",
            clauses=self.governing(self.facts.rules.allocation_policy, "fair_play"),
            children=(
                self.reading(DEMAND, point, "Energy metered, as its wish"),
                self.entitlement(point),
            ),
        )


def promised_words(memory: Memory, group: int, promise_ppm: int, minutes: int) -> str:
    """Say what was promised of all that matured in the month, and whether days differ in it."""
    wh = -(-memory.promised[group] * minutes // (60 * PPM))
    is_alike = memory.promised[group] == promise_ppm * memory.matured[group]
    more = "" if is_alike else ", by the promise of each day, which became another"
    return f"{megawatt_hours(wh)} were promised{more}"


def _is_of(turn: Turn, name: str, after: int) -> bool:
    """Return whether a turn is of what is booked, or of what else may wait, with one deadline."""
    return turn.due_after == after and (
        turn.name == name or (turn.name == LEFT_OVER and name == WAITING)
    )


def _is_left(turn: Turn, after: int) -> bool:
    return turn.name == LEFT_OVER and turn.due_after == after
