"""Why a unit was paid what it was: fuel, regulated cost, reserve held, and shares in pots."""

from dataclasses import dataclass, replace

from common.quantities import megawatt_hours, megawatts
from settlement.billing.lines import name_of_cost
from settlement.core.pots import Pot
from settlement.explanations.grounds import Grounds
from settlement.explanations.shapley_values import ShapleyValues
from settlement.explanations.tree import Explanation
from settlement.meters.register import GENERATION, RESERVE


@dataclass(frozen=True)
class Payments(Grounds):
    """Explains what units are paid in one interval."""

    def payment(self, component: str, unit: str, sign: int) -> Explanation:
        """Return the tree behind what a unit is paid for a component, times `sign`."""
        tree = self._payment_tree(component, unit, sign)
        return replace(tree, owner=self.facts.register.unit_owner(unit))

    def _payment_tree(self, component: str, unit: str, sign: int) -> Explanation:
        paid = self.facts.result(f"payment.{component}_micro", unit, self.interval)
        title = f"{unit}: {name_of_cost(component)}"
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
            f"{megawatt_hours(max(reading.value, 0))} × {self.money(offer, 'MWh')}; fractions of a "
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
            f"the day's {self.money(day)}, spread equally over {len(self.facts.starts)} intervals",
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
            f"{megawatts(held.value)} × {minutes} minutes × {self.money(price, 'MW and hour')}; "
            "fractions of a millionth are carried to the next interval of the day",
            clauses=self.cite("payment.availability"),
            children=(held,),
        )

    def _held(self, unit: str) -> Explanation:
        if (RESERVE, unit) in self.facts.readings:
            return self.reading(RESERVE, unit, "Reserve held")
        label = f"Reserve held ({unit})"
        words = "no reading was received: it counts as holding none"
        return Explanation(label, 0, "W", words, is_missing=True)

    def _pot_share(self, pot: str, unit: str, title: str, amount: int) -> Explanation:
        if pot == "reserve":
            return self._reserve_share(unit, title, amount)
        eligible = self._eligible()
        values = ShapleyValues(self.facts, self.interval, pot)
        own, everyone = values.numerator(unit), sum(map(values.numerator, eligible))
        held = self.facts.total(f"payment.{pot}_micro", self.interval)
        return Explanation(
            title,
            amount,
            "micro",
            f"{self.money(held)} × {own:,} ÷ {everyone:,}, rounded down; what is left over goes a "
            "millionth each to the largest remainders",
            clauses=self.cite(f"payment.{pot}"),
            children=(
                self._pot(pot, held),
                values.of_unit(unit),
                values.of_units(eligible),
                values.of_all(),
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
            f"{self.money(held)} × {megawatts(own.value)} ÷ {megawatts(everyone)} of reserve held, "
            "rounded down; what is left over goes a millionth each to the largest remainders",
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
            f"The {name_of_cost(name)} in this interval",
            held,
            "micro",
            f"{self.money(day)} for the day, spread {_timing_words(pot)}",
            clauses=self.governing(self.facts.rules.allocation_policy, "target.rule"),
        )


def _timing_words(pot: Pot) -> str:
    return {
        "flat": "equally over the intervals",
        "tightness": "over the intervals by the tightness of the whole system",
        "served": "over the intervals by the demand served through the network",
    }[pot.timing]
