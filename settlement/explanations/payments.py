"""Why a unit was paid what it was: fuel, regulated cost, reserve held, and shares in pots."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from settlement.core.cuts import W_PER_KW
from settlement.core.games import binding_cut
from settlement.core.pots import Pot
from settlement.core.shapley import denominator
from settlement.explanations.grounds import Grounds
from settlement.explanations.tree import Explanation
from settlement.invoicing import COMPONENT_TITLES, POT_TITLES
from settlement.meters.register import AVAILABLE, GENERATION, RESERVE


@dataclass(frozen=True)
class Payments(Grounds):
    """Explains what units are paid in one interval."""

    def payment(self, component: str, unit: str, sign: int) -> Explanation:
        """Return the tree behind what a unit is paid for a component, times `sign`."""
        tree = self._payment_tree(component, unit, sign)
        return replace(tree, owner=self.facts.register.unit_owner(unit))

    def _payment_tree(self, component: str, unit: str, sign: int) -> Explanation:
        paid = self.facts.result(f"payment.{component}_micro", unit, self.interval)
        title = f"{unit}: {COMPONENT_TITLES[component]}"
        if component == "fuel":
            return self._fuel(unit, title, sign * paid)
        if component == "regulated":
            return self._regulated(unit, title, sign * paid)
        if component == "availability":
            return self._availability(unit, title, sign * paid)
        return self._pot_share(component, unit, title, sign * paid)

    def _fuel(self, unit: str, title: str, amount: int) -> Explanation:
        owner, registered = self.facts.register.units[unit]
        offer = registered.offer_micro_per_mwh
        reading = self.reading(GENERATION, unit, "Energy generated")
        return Explanation(
            title,
            amount,
            "micro",
            f"{max(reading.value, 0):,} Wh × {offer:,} micro per MWh ÷ 1,000,000; fractions of a "
            "millionth are carried to the next interval of the day",
            clauses=self.cite("payment.fuel"),
            children=(
                reading,
                Explanation(
                    "Offer in force",
                    offer,
                    "micro/MWh",
                    clauses=self.governing(self.registration(owner), "units.offer_micro_per_mwh"),
                ),
            ),
        )

    def _regulated(self, unit: str, title: str, amount: int) -> Explanation:
        owner, registered = self.facts.register.units[unit]
        annual = registered.annual_capital_micro + registered.annual_fixed_micro
        day = int(self.facts.results["payment.regulated_micro", unit].sum())
        return Explanation(
            title,
            amount,
            "micro",
            f"the day's {day:,} micro, spread equally over {len(self.facts.starts)} intervals",
            clauses=self.cite("payment.regulated"),
            children=(
                Explanation(
                    "Capital and fixed cost of the year",
                    annual,
                    "micro",
                    "a day of the calendar year has its part; the fractions are carried from day "
                    "to day, so the year's parts sum to the whole",
                    clauses=self.governing(
                        self.registration(owner),
                        "units.annual_capital_micro",
                        "units.annual_fixed_micro",
                    ),
                ),
            ),
        )

    def _availability(self, unit: str, title: str, amount: int) -> Explanation:
        minutes = self.facts.model.interval_minutes
        price = self.facts.model.availability_price_micro_per_mw_h
        held = self._held(unit)
        return Explanation(
            title,
            amount,
            "micro",
            f"{held.value:,} W × {minutes} minutes × {price:,} micro per MW and hour; fractions "
            "of a millionth are carried to the next interval of the day",
            clauses=self.cite("payment.availability"),
            children=(held,),
        )

    def _held(self, unit: str) -> Explanation:
        if (RESERVE, unit) in self.facts.readings:
            return self.reading(RESERVE, unit, "Reserve held")
        return Explanation(f"Reserve held ({unit})", 0, "W", "no reading: it held none")

    def _pot_share(self, pot: str, unit: str, title: str, amount: int) -> Explanation:
        if pot == "reserve":
            return self._reserve_share(unit, title, amount)
        facts, interval, model = self.facts, self.interval, self.facts.model
        eligible = self._eligible()
        own = facts.result(f"shapley_{pot}", unit, interval)
        everyone = sum(facts.result(f"shapley_{pot}", name, interval) for name in eligible)
        held = facts.total(f"payment.{pot}_micro", interval)
        common = denominator(len(model.units))
        return Explanation(
            title,
            amount,
            "micro",
            f"{held:,} micro × {own:,} ÷ {everyone:,}, rounded down; what is left over goes a "
            "millionth each to the largest remainders",
            clauses=self.cite(f"payment.{pot}"),
            children=(
                self._pot(pot, held),
                Explanation(
                    f"Shapley value of {unit} in the {pot} game",
                    own // common,
                    "kW",
                    f"{own:,} ÷ {common:,} kW exactly",
                    children=(self.reading(AVAILABLE, unit, "Declared availability"),),
                ),
                Explanation(
                    "Shapley values of all units that share in the pot",
                    everyone // common,
                    "kW",
                    f"{everyone:,} ÷ {common:,} kW exactly, over {len(eligible)} units",
                ),
                self._value_of_all(pot),
            ),
        )

    def _reserve_share(self, unit: str, title: str, amount: int) -> Explanation:
        held = self.facts.total("payment.reserve_micro", self.interval)
        own = self._held(unit)
        everyone = sum(self._held(name).value for name in self._eligible())
        return Explanation(
            title,
            amount,
            "micro",
            f"{held:,} micro × {own.value:,} ÷ {everyone:,} W of reserve held, rounded down; what "
            "is left over goes a millionth each to the largest remainders",
            clauses=self.cite("payment.reserve"),
            children=(self._pot("reserve", held), own),
        )

    def _eligible(self) -> list[str]:
        model = self.facts.model
        return [name for name, can in zip(model.units, model.unit_is_eligible, strict=True) if can]

    def _pot(self, name: str, held: int) -> Explanation:
        pot = next(pot for pot in self.facts.model.pots if pot.game == name)
        day = sum(
            int(values.sum())
            for (measure, _), values in self.facts.results.items()
            if measure == f"payment.{name}_micro"
        )
        return Explanation(
            f"The {POT_TITLES[name]} in this interval",
            held,
            "micro",
            f"{day:,} micro for the day, spread {_timing_words(pot)}",
            clauses=self.governing(self.facts.rules.allocation_policy, "target.rule"),
        )

    def _value_of_all(self, game: str) -> Explanation:
        facts, interval, model = self.facts, self.interval, self.facts.model
        value = facts.result(f"value_{game}_kw", "market", interval)
        label = f"What all units together can serve ({game} game)"
        if game == "flexibility":
            words = "what they can ramp within the response time, up to the requirement"
            return Explanation(label, value, "kW", words)
        if game != "location":
            demand = facts.result("demand_kw", "market", interval)
            return Explanation(label, value, "kW", f"the smaller of supply and demand {demand:,}")
        cut = binding_cut(
            model.cuts,
            model.unit_node,
            self.stack(AVAILABLE, model.units) // W_PER_KW,
            self.node_demand_kw(),
            range(len(model.units)),
        )
        return Explanation(label, value, "kW", self._cut_words(cut.supply_side))

    def _cut_words(self, supply_side: Sequence[int]) -> str:
        grid = self.facts.model.grid
        inside = set(supply_side)
        lines = [
            f"{grid.nodes[source]}–{grid.nodes[target]}"
            for source, target in zip(grid.line_from.tolist(), grid.line_to.tolist(), strict=True)
            if (source in inside) != (target in inside)
        ]
        if len(inside) == len(grid.nodes):
            return "all demand is served: no line and no shortage limits it"
        served = ", ".join(grid.nodes[node] for node in supply_side) or "none"
        limits = ", ".join(lines) or "no line"
        return (
            f"the smallest cut: demand in full at {served}; elsewhere all supply there and what "
            f"{limits} can bring"
        )


def _timing_words(pot: Pot) -> str:
    return {
        "flat": "equally over the intervals",
        "tightness": "over the intervals by the tightness of the whole system",
        "served": "over the intervals by the demand served through the network",
    }[pot.timing]
