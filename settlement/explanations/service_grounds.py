"""How an interval was served, and what held a turn of it back, as explanations cite them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from settlement.core.cuts import W_PER_KW
from settlement.core.fair_play_market import DayShares
from settlement.core.fair_play_rules import FairPlay
from settlement.core.order_of_service import BOOKED, DUE, LEFT_OVER, PROMISES, Service, Turn
from settlement.explanations.grounds import Grounds
from settlement.explanations.tree import Explanation
from settlement.meters.register import AVAILABLE


@dataclass(frozen=True)
class ServiceGrounds(Grounds):
    """The service of contracts in one interval of a day, and the cuts that held it back."""

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
    def service(self) -> Service | None:
        """How the interval was served; None where all that was wanted was."""
        return self.day.served.services[self.interval]

    def starts(self, after: int) -> datetime:
        """Return the start of an interval so many after this one."""
        step = timedelta(minutes=self.facts.rules.market_rules.interval_minutes)
        start: datetime = self.facts.starts[self.interval] + after * step
        return start

    def clock(self, after: int) -> str:
        """Return the local start of an interval so many after this one, with its day if another."""
        return self.in_words(self.starts(after))

    def in_words(self, moment: datetime) -> str:
        """Return a moment by the local clock, with its day if another than that of the tree."""
        local = moment.astimezone(ZoneInfo(self.facts.rules.market_rules.time_zone))
        same_day = local.date() == self.facts.day
        return f"{local:%H:%M %Z}" if same_day else f"{local.day} {local:%B %Y, %H:%M %Z}"

    def cut(self, turn: Turn, step: int) -> Explanation:
        """Return the cut that holds back a set of nodes: what can be brought to them."""
        side = sorted(node for frozen in turn.frozen[: step + 1] for node in frozen.nodes)
        supply = self.day.served.supply_w[:, self.interval]
        children = [*self._brought_to(side, int(supply[side].sum()))]
        earlier = self._served_before(turn, side)
        if earlier:
            children.append(Explanation("Served there in turns before", -earlier, "W"))
        value = sum(child.value for child in children)
        return Explanation(
            f"What the grid can serve at {self._names(side)}",
            value,
            "W",
            "the smallest cut",
            children=tuple(children),
        )

    def _served_before(self, turn: Turn, side: list[int]) -> int:
        """Return what was served at nodes before a turn began.

        What whole requests leave over of a turn is open to the next, so what counts is what points
        were given; but promises and what else is due are given out together, after both.
        """
        contracts, service = self.rules.contracts, self.service
        if service is None or turn.name == PROMISES:
            return 0
        if turn.name == DUE:
            inside = np.isin(contracts.node, side)
            promised = (each for each in service.turns if each.name == PROMISES)
            return sum(int(each.served[inside].sum()) for each in promised)
        at_points = np.isin(contracts.node[contracts.point_group], side)
        if turn.name == LEFT_OVER:
            inside = np.isin(contracts.node, side)
            later = service.turns[service.turns.index(turn) :]
            left = sum(int(each.served[inside].sum()) for each in later)
            return int(service.served_w[at_points].sum()) - left
        # All that is booked comes before what else may wait, whatever its deadline.
        booked_w, rest_w = service.booked_w, service.waiting_w - service.booked_w
        rows, before = rest_w[: turn.due_after], turn.due_after
        if turn.name == BOOKED:
            booked_w, rows, before = booked_w[: turn.due_after], rest_w[:0], 1
        given = service.due_w + booked_w.sum(axis=0) + rows.sum(axis=0)
        left_over = [
            each for each in service.turns if each.name == LEFT_OVER and each.due_after < before
        ]
        inside = np.isin(contracts.node, side)
        after = sum(int(each.served[inside].sum()) for each in left_over)
        return int(given[at_points].sum()) - after

    def _brought_to(self, side: list[int], supply_w: int) -> tuple[Explanation, ...]:
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

    def _names(self, nodes: list[int]) -> str:
        return ", ".join(self.facts.model.grid.nodes[node] for node in nodes) or "no node"

    def _lines_into(self, side: list[int]) -> tuple[list[str], int]:
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

    def _supplies(self, side: list[int], whole: int) -> tuple[Explanation, ...]:
        model, owner = self.facts.model, self.facts.register.unit_owner
        units = tuple(
            self.reading(AVAILABLE, unit, "Declared availability", owner(unit))
            for unit, node in zip(model.units, model.unit_node.tolist(), strict=True)
            if node in side
        )
        export = whole - sum(unit.value for unit in units)
        used = Explanation("Net export that serves demand at its own node", export, "W")
        return (*units, used) if export else units
