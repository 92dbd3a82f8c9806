"""The tree behind a number: amount, shares, Shapley values, readings, and the clauses they rest on.

Pure: from the stored results and readings of one day and the rules they obeyed, to a tree of
`Explanation`s that says of every number what it is, how it came about, and by which clause.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rulebook.documents.base import Clause, Document
from rulebook.documents.registration import Registration
from settlement.core.cuts import W_PER_KW
from settlement.core.games import binding_cut
from settlement.core.model import node_demand_w
from settlement.core.pots import Pot
from settlement.core.shapley import denominator
from settlement.core.tightness import PPM
from settlement.explanation import CitedClause, DayFacts, Explanation
from settlement.invoicing import COMPONENT_TITLES, POT_TITLES
from settlement.meters.register import AVAILABLE, DEMAND, GENERATION, RESERVE
from settlement.posting import CHARGE

QUALITY_WORDS = {"M": "measured", "E": "estimated"}


@dataclass(frozen=True)
class Explainer:
    """Explains the numbers of one interval of a day."""

    facts: DayFacts
    interval: int

    def line(self, kind: str, subject: str) -> Explanation:
        """Return the tree behind the amount of an invoice line's kind and subject.

        Charges are positive (the participant pays), payments negative.
        """
        component = kind.partition(".")[2]
        if kind.startswith(CHARGE):
            if component == "dynamic":
                return self._dynamic(subject)
            if component == "equalisation":
                return self._returned(subject)
            return self._cost_share(component, subject)
        return self._payment(component, subject, sign=-1)

    def _cost_share(self, component: str, point: str) -> Explanation:
        facts, interval = self.facts, self.interval
        amount = facts.result(f"charge.{component}_micro", point, interval)
        cost = facts.total(f"payment.{component}_micro", interval)
        subscribed = facts.total(f"charge.{component}_micro", interval)
        weights = self._weights(component)
        paid = [
            self._payment(component, unit, sign=1)
            for unit in facts.register.units
            if facts.result(f"payment.{component}_micro", unit, interval)
        ]
        title = COMPONENT_TITLES[component]
        return Explanation(
            f"Share of the {title}",
            amount,
            "micro",
            f"{subscribed:,} micro × {weights[point]:,} ÷ {sum(weights.values()):,}, "
            f"{self._basis(component)}, rounded down; what is left over goes a millionth each to "
            "the largest remainders",
            clauses=self._cite(f"charge.{component}"),
            children=(
                self._subscribed_part(title, cost, subscribed),
                Explanation(
                    f"The {title}, whole",
                    cost,
                    "micro",
                    "the sum of what the units below are paid for this interval",
                    children=tuple(paid),
                ),
                self._reading(DEMAND, point, "Energy taken at this supply point"),
            ),
        )

    def _subscribed_part(self, title: str, cost: int, subscribed: int) -> Explanation:
        taken = {point: max(value, 0) for point, value in self._demand_wh().items()}
        everyone = sum(taken.values())
        parts = self._subscribed_ppm()
        energy = sum(wh * parts[point] for point, wh in taken.items()) // PPM
        return Explanation(
            f"Subscribed part of the {title}",
            subscribed,
            "micro",
            f"{cost:,} micro × {energy:,} Wh taken under subscription ÷ {everyone:,} Wh taken by "
            "all; net export bears no cost",
        )

    def _weights(self, component: str) -> dict[str, int]:
        """Return by what each point's share of the subscribed part is measured; as in `charges`."""
        charging, points = self.facts.model.charging, self.facts.model.supply_points
        by_day = charging.non_fuel_basis == "day" and component != "fuel"
        weighted = component != "fuel" and not by_day
        capacity = charging.capacity_weight_ppm.tolist() if weighted else [1] * len(points)
        parts = self._subscribed_ppm()
        weights = {}
        for point, weight in zip(points, capacity, strict=True):
            values = np.maximum(self.facts.readings[DEMAND, point].values, 0)
            energy = int(values.sum() if by_day else values[self.interval])
            weights[point] = energy * parts[point] * weight
        common = PPM * PPM if weighted else PPM  # whole Wh where nobody is mixed or weighted
        if all(weight % common == 0 for weight in weights.values()):
            return {point: weight // common for point, weight in weights.items()}
        return weights

    def _subscribed_ppm(self) -> dict[str, int]:
        model = self.facts.model
        return dict(
            zip(model.supply_points, (PPM - model.charging.dynamic_ppm).tolist(), strict=True)
        )

    def _basis(self, component: str) -> str:
        charging = self.facts.model.charging
        if component == "fuel":
            return "by Wh taken under subscription"
        if charging.non_fuel_basis == "day":
            return "by Wh taken under subscription over the settlement day"
        if len(set(charging.capacity_weight_ppm.tolist())) == 1:
            return "by Wh taken under subscription"
        return "by Wh taken under subscription × the capacity weight of the product"

    def _dynamic(self, point: str) -> Explanation:
        facts = self.facts
        amount = facts.result("charge.dynamic_micro", point, self.interval)
        price = self.node_price(facts.register.supply_points[point][1].node)
        reading = self._reading(DEMAND, point, "Energy taken at this supply point")
        part = int(facts.model.charging.dynamic_ppm[facts.model.supply_points.index(point)])
        mixed = "" if part == PPM else f" × {part:,} ÷ 1,000,000, the dynamic part of its energy"
        return Explanation(
            "Energy at the price of its node",
            amount,
            "micro",
            f"{reading.value:,} Wh × {price.value:,} micro per MWh ÷ 1,000,000{mixed}; fractions "
            "of a millionth are carried to the next interval of the day",
            clauses=self._cite("charge.dynamic"),
            children=(reading, price),
        )

    def _returned(self, point: str) -> Explanation:
        facts, interval = self.facts, self.interval
        amount = facts.result("charge.equalisation_micro", point, interval)
        returned = facts.total("charge.equalisation_micro", interval)
        over_day = int(np.maximum(facts.readings[DEMAND, point].values, 0).sum())
        return Explanation(
            "Part of what the equalisation account returns",
            amount,
            "micro",
            f"{returned:,} micro returned in this interval, by energy taken over the day",
            clauses=self._cite("charge.equalisation"),
            children=(
                Explanation(f"Energy taken over the day ({point})", over_day, "Wh"),
                Explanation(
                    "Movement of the equalisation account before it",
                    facts.result("equalisation_micro", "market", interval) - returned,
                    "micro",
                    "what dynamic energy paid beyond its part of the costs",
                ),
            ),
        )

    def _payment(self, component: str, unit: str, sign: int) -> Explanation:
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
        reading = self._reading(GENERATION, unit, "Energy generated")
        return Explanation(
            title,
            amount,
            "micro",
            f"{max(reading.value, 0):,} Wh × {offer:,} micro per MWh ÷ 1,000,000; fractions of a "
            "millionth are carried to the next interval of the day",
            clauses=self._cite("payment.fuel"),
            children=(
                reading,
                Explanation(
                    "Offer in force",
                    offer,
                    "micro/MWh",
                    clauses=self._governing(self._registration(owner), "units.offer_micro_per_mwh"),
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
            clauses=self._cite("payment.regulated"),
            children=(
                Explanation(
                    "Capital and fixed cost of the year",
                    annual,
                    "micro",
                    "a day of the calendar year has its part; the fractions are carried from day "
                    "to day, so the year's parts sum to the whole",
                    clauses=self._governing(
                        self._registration(owner),
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
            clauses=self._cite("payment.availability"),
            children=(held,),
        )

    def _held(self, unit: str) -> Explanation:
        if (RESERVE, unit) in self.facts.readings:
            return self._reading(RESERVE, unit, "Reserve held")
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
            clauses=self._cite(f"payment.{pot}"),
            children=(
                self._pot(pot, held),
                Explanation(
                    f"Shapley value of {unit} in the {pot} game",
                    own // common,
                    "kW",
                    f"{own:,} ÷ {common:,} kW exactly",
                    children=(self._reading(AVAILABLE, unit, "Declared availability"),),
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
            clauses=self._cite("payment.reserve"),
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
            clauses=self._governing(self.facts.rules.allocation_policy, "target.rule"),
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
            self._stack(AVAILABLE, model.units) // W_PER_KW,
            self._node_demand_kw(),
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

    def node_price(self, node: str) -> Explanation:
        """Return the tree behind the price at a node: its binding layer, tightness and supply."""
        facts, interval, grid = self.facts, self.interval, self.facts.model.grid
        price = facts.result("node_price_micro_per_mwh", node, interval)
        layer = grid.layers[facts.result("binding_layer", node, interval)]
        holon = layer.holons[int(layer.node_holon[grid.nodes.index(node)])]
        entity = f"{layer.name}/{holon}"
        tightness = facts.result("tightness_ppm", entity, interval)
        return Explanation(
            f"Price at node {node}",
            price,
            "micro/MWh",
            f"the highest price over the layers in use: {layer.name} {holon} binds",
            clauses=self._governing(
                facts.rules.market_rules,
                "layers.in_use",
                "layers.curve",
                "price_cap_micro_per_mwh",
            ),
            children=(
                Explanation(
                    f"Tightness of {layer.name} {holon}",
                    tightness,
                    "ppm",
                    "demand ÷ deliverable supply × 1,000,000, rounded down",
                    clauses=self._governing(facts.rules.market_rules, "deliverability"),
                    children=(
                        Explanation(
                            "Deliverable supply",
                            facts.result("deliverable_w", entity, interval),
                            "W",
                            "supply inside, and from outside what lines can bring or the surplus "
                            "there, whichever is less",
                        ),
                    ),
                ),
            ),
        )

    def _reading(self, measure: str, entity: str, label: str) -> Explanation:
        fact = self.facts.readings[measure, entity]
        quality = QUALITY_WORDS.get(fact.quality[self.interval], "of unknown quality")
        return Explanation(
            f"{label} ({entity})",
            int(fact.values[self.interval]),
            "Wh" if measure in {DEMAND, GENERATION} else "W",
            source=f"revision {fact.revision}, {quality}, received "
            f"{fact.received_at:%Y-%m-%d %H:%M} UTC in {fact.file}",
            clauses=self._governing(self.facts.rules.market_rules, "meter_data.accepted_quality"),
        )

    def _demand_wh(self) -> dict[str, int]:
        return {
            entity: int(fact.values[self.interval])
            for (measure, entity), fact in self.facts.readings.items()
            if measure == DEMAND
        }

    def _stack(self, measure: str, entities: Sequence[str]) -> np.ndarray:
        return np.array(
            [self.facts.readings[measure, entity].values[self.interval] for entity in entities],
            dtype=np.int64,
        )

    def _node_demand_kw(self) -> np.ndarray:
        points = self._stack(DEMAND, self.facts.model.supply_points)
        return node_demand_w(self.facts.model, points[:, np.newaxis])[:, 0] // W_PER_KW

    def _cite(self, line: str) -> tuple[CitedClause, ...]:
        """Return the clauses that a kind of invoice line rests on."""
        rules = self.facts.rules
        return self._cited(
            (document, clause)
            for document in (rules.market_rules, rules.allocation_policy)
            for clause in document.clauses_of_line(line)
        )

    def _governing(self, document: Document, *paths: str) -> tuple[CitedClause, ...]:
        """Return the clauses that govern fields of a document."""
        return self._cited(
            (document, clause)
            for clause in document.clauses
            if not set(paths).isdisjoint(clause.fields)
        )

    def _cited(self, found: Iterable[tuple[Document, Clause]]) -> tuple[CitedClause, ...]:
        digests = {version.instrument: version.digest for version in self.facts.rules.versions}
        cited = {
            (document.instrument, clause.anchor): CitedClause(
                clause.anchor, clause.text, document.instrument, digests[document.instrument]
            )
            for document, clause in found
        }
        return tuple(cited.values())

    def _registration(self, participant: str) -> Registration:
        return next(one for one in self.facts.rules.registrations if one.participant == participant)


def _timing_words(pot: Pot) -> str:
    return {
        "flat": "equally over the intervals",
        "tightness": "over the intervals by the tightness of the whole system",
        "served": "over the intervals by the demand served through the network",
    }[pot.timing]
