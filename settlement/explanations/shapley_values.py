"""Why a unit has its share in a game: the method, the value of all units, and what limits it."""

from collections.abc import Sequence
from dataclasses import dataclass

from settlement.core.cuts import W_PER_KW
from settlement.core.games import Game
from settlement.explanations.grounds import Grounds
from settlement.explanations.tree import Explanation
from settlement.meters.register import AVAILABLE

NAMES = {
    "exact": "Shapley value",
    "levels": "Shapley value by levels",
    "clusters": "Shapley value by clusters",
    "sampled": "Estimated Shapley value",
}


@dataclass(frozen=True)
class ShapleyValues(Grounds):
    """Explains the shares of units in one game of one interval."""

    name: str

    def numerator(self, unit: str) -> int:
        """Return the stored numerator of a unit, over the denominator of the rule."""
        return self.facts.result(f"shapley_{self.name}", unit, self.interval)

    def of_unit(self, unit: str) -> Explanation:
        """Return the share of a unit, how it came about and what it rests on."""
        rule, own = self.facts.model.shapley, self.numerator(unit)
        availability = self.reading(AVAILABLE, unit, "Declared availability")
        return Explanation(
            f"{NAMES[rule.method]} of {unit} in the {self.name} game",
            own // self._denominator,
            "kW",
            f"{self._ratio(own)}: {self._method_words()}",
            clauses=self.governing(self.facts.rules.allocation_policy, "shapley.method"),
            children=(availability, *self._particulars(unit)),
        )

    def of_units(self, units: Sequence[str]) -> Explanation:
        """Return the shares of the units that share in a pot, together."""
        everyone = sum(map(self.numerator, units))
        return Explanation(
            "Shapley values of all units that share in the pot",
            everyone // self._denominator,
            "kW",
            f"{self._ratio(everyone)}, over {len(units)} units",
        )

    def of_all(self) -> Explanation:
        """Return what all units together are worth, and what limits it."""
        value = self.facts.result(f"value_{self.name}_kw", "market", self.interval)
        label = f"What all units together can serve ({self.name} game)"
        if self.name == "flexibility":
            words = "what they can ramp within the response time, up to the requirement"
            return Explanation(label, value, "kW", words)
        if self.name != "location":
            demand = self.facts.result("demand_kw", "market", self.interval)
            return Explanation(
                label, value, "kW", f"the smaller of supply and demand, {demand:,} kW"
            )
        if ("gap_location_kw", "market") in self.facts.results:
            return self._relaxed(label, value)
        return Explanation(label, value, "kW", self._cut_words())

    def _relaxed(self, label: str, value: int) -> Explanation:
        """Return the value of a game that is worth no less than the network serves."""
        gap = self.facts.result("gap_location_kw", "market", self.interval)
        where = (
            "the boundaries of holons alone"
            if self.facts.model.shapley.method == "levels"
            else f"lines of {self.facts.model.shapley.rating_multiplier} times their rating"
        )
        served = Explanation(
            "What the network as rated can serve", value - gap, "kW", self._cut_words()
        )
        return Explanation(
            label,
            value,
            "kW",
            f"served over {where}, which is {gap:,} kW more than the network as rated can serve",
            children=(served,),
        )

    @property
    def _denominator(self) -> int:
        model = self.facts.model
        return model.shapley.denominator(len(model.units))

    def _ratio(self, numerator: int) -> str:
        exactly = " exactly" if self.facts.model.shapley.denominator_is_exact else ""
        return f"{numerator:,} ÷ {self._denominator:,} kW{exactly}"

    def _method_words(self) -> str:
        rule, facts = self.facts.model.shapley, self.facts
        if rule.method == "exact":
            return "what the unit adds, averaged over all orders in which units may join"
        if rule.method == "levels":
            return (
                "what the unit adds, averaged over the orders in which the units of each holon "
                "join one after another; rounded to a microwatt by largest remainder"
            )
        if rule.method == "clusters":
            return (
                "the share of its cluster in proportion to what the unit supplies to the game; "
                "rounded to a microwatt by largest remainder"
            )
        return (
            f"the mean over at most {rule.most_orders:,} orders drawn by seed "
            f"{rule.interval_seed(facts.day, self.interval)}; rounded to a microwatt by largest "
            "remainder"
        )

    def _particulars(self, unit: str) -> tuple[Explanation, ...]:
        """Return what only one method has to say of a share."""
        method = self.facts.model.shapley.method
        if method == "clusters":
            return (self._cluster(unit),)
        if method == "sampled":
            error = self.facts.result(f"standard_error_{self.name}_w", unit, self.interval)
            words = (
                "of the estimate, rounded up; the exact value is within twice this 19 in 20 times"
            )
            return (Explanation("Standard error", error, "W", words),)
        return ()

    def _cluster(self, unit: str) -> Explanation:
        number = self.facts.result("cluster_number", unit, self.interval)
        units = self.facts.model.units
        members = [
            name
            for name in units
            if self.facts.result("cluster_number", name, self.interval) == number
        ]
        count = 1 + max(self.facts.result("cluster_number", name, self.interval) for name in units)
        share = sum(map(self.numerator, members))
        return Explanation(
            f"Shapley value of its cluster, {number + 1} of {count}",
            share // self._denominator,
            "kW",
            f"{self._ratio(share)}, over its {len(members)} units: {', '.join(members)}",
        )

    def _cut_words(self) -> str:
        model = self.facts.model
        grid = model.grid
        game = Game(
            model.network,
            model.unit_node,
            self.stack(AVAILABLE, model.units) // W_PER_KW,
            self.node_demand_kw(),
        )
        inside = set(game.binding_cut(range(len(model.units))).supply_side)
        lines = [
            f"{grid.nodes[source]}–{grid.nodes[target]}"
            for source, target in zip(grid.line_from.tolist(), grid.line_to.tolist(), strict=True)
            if (source in inside) != (target in inside)
        ]
        if len(inside) == len(grid.nodes):
            return "all demand is served: no line and no shortage limits it"
        served = ", ".join(grid.nodes[node] for node in sorted(inside)) or "none"
        limits = ", ".join(lines) or "no line"
        return (
            f"the smallest cut: demand in full at {served}; elsewhere all supply there and what "
            f"{limits} can bring"
        )
