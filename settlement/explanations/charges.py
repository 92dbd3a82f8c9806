"""Why a supply point was charged what it was: shares of cost, the price of energy, what returns."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from common.quantities import megawatt_hours, ppm, scaled
from settlement.billing.lines import LINE_KINDS, MONEY_SUFFIX, Side, line_kind, name_of_cost
from settlement.core.charges import NODE_PRICE
from settlement.core.tightness import PPM
from settlement.explanations.bookings import BookingCharges
from settlement.explanations.charged_prices import ChargedPrices
from settlement.explanations.entitlements import Entitlements
from settlement.explanations.fair_play import FairPlayCharges
from settlement.explanations.payments import Payments
from settlement.explanations.tree import Explanation


@dataclass(frozen=True)
class Charges(Entitlements):
    """Explains what supply points are charged in one interval, down to the payments behind it."""

    def charge(self, component: str, point: str) -> Explanation:
        """Return the tree behind what a supply point, or a booking of one, is charged for it."""
        trees = {
            "dynamic": self._dynamic,
            "equalisation": self._returned,
            "excess": self._excess,
            "booking": BookingCharges(self.facts, self.interval).booking,
        }
        if component in trees:
            return trees[component](point)
        if component in ("over_take", "compensation"):
            return FairPlayCharges(self.facts, self.interval).charge_of(component, point)
        if f"{Side.PAYMENT}.{component}" not in LINE_KINDS:
            return self._by_clause(component, point)
        return self._cost_share(component, point)

    def _by_clause(self, component: str, point: str) -> Explanation:
        """Return what a charge is that no unit is paid for and that needs no tree of its own."""
        kind = line_kind(f"{Side.CHARGE}.{component}")
        amount = self.facts.result(f"{kind.code}{MONEY_SUFFIX}", point, self.interval)
        reading = self.taken(point)
        clauses = self.cite(kind.code)
        return Explanation(
            kind.title, amount, "micro", "as its clause says", clauses=clauses, children=(reading,)
        )

    def _cost_share(self, component: str, point: str) -> Explanation:
        facts, interval = self.facts, self.interval
        amount = facts.result(f"charge.{component}_micro", point, interval)
        cost = facts.total(f"payment.{component}_micro", interval)
        subscribed = facts.total(f"charge.{component}_micro", interval)
        weights, is_energy = self._weights(component)
        write = megawatt_hours if is_energy else partial(scaled, digits=0)
        payments = Payments(facts, interval)
        paid = [
            payments.payment(component, unit, sign=1)
            for unit in facts.register.units
            if facts.result(f"payment.{component}_micro", unit, interval)
        ]
        title = name_of_cost(component)
        return Explanation(
            f"Share of the {title}",
            amount,
            "micro",
            f"{self.money(subscribed)} × {write(weights[point])} ÷ {write(sum(weights.values()))}, "
            f"{self._basis(component)}, rounded down; what is left over goes a millionth each to "
            "the largest remainders",
            clauses=self.cite(f"charge.{component}"),
            children=(
                self._subscribed_part(title, cost, subscribed),
                Explanation(
                    f"The {title}, whole",
                    cost,
                    "micro",
                    "the sum of what the units below are paid for this interval",
                    children=tuple(paid),
                ),
                self.taken(point),
            ),
        )

    def _subscribed_part(self, title: str, cost: int, subscribed: int) -> Explanation:
        taken = {point: max(value, 0) for point, value in self.covered_wh().items()}
        everyone = sum(taken.values())
        parts = self._subscribed_ppm()
        energy = sum(wh * parts[point] for point, wh in taken.items()) // PPM
        return Explanation(
            f"Subscribed part of the {title}",
            subscribed,
            "micro",
            f"{self.money(cost)} × {megawatt_hours(energy)} taken under subscription ÷ "
            f"{megawatt_hours(everyone)} taken by all; net export bears no cost",
        )

    def _weights(self, component: str) -> tuple[dict[str, int], bool]:
        """Return by what each point's share of the subscribed part is measured; as in `charges`.

        And whether that is energy in Wh: where products are weighted or mixed it is a product of
        energy and weights, of which only the ratio means something.
        """
        charging, points = self.facts.model.charging, self.facts.model.supply_points
        by_day = charging.non_fuel_basis == "day" and component != "fuel"
        weighted = component != "fuel" and not by_day
        capacity = charging.capacity_weight_ppm.tolist() if weighted else [1] * len(points)
        parts = self._subscribed_ppm()
        weights = {}
        taken = np.maximum(self.facts.covered_wh, 0)
        for point, weight, values in zip(points, capacity, taken, strict=True):
            energy = int(values.sum() if by_day else values[self.interval])
            weights[point] = energy * parts[point] * weight
        common = PPM * PPM if weighted else PPM  # whole Wh where nobody is mixed or weighted
        if all(weight % common == 0 for weight in weights.values()):
            return {point: weight // common for point, weight in weights.items()}, True
        return weights, False

    def _subscribed_ppm(self) -> dict[str, int]:
        model = self.facts.model
        return dict(
            zip(model.supply_points, (PPM - model.charging.dynamic_ppm).tolist(), strict=True)
        )

    def _basis(self, component: str) -> str:
        charging = self.facts.model.charging
        if component == "fuel":
            return "by energy taken under subscription"
        if charging.non_fuel_basis == "day":
            return "by energy taken under subscription over the settlement day"
        if len(set(charging.capacity_weight_ppm.tolist())) == 1:
            return "by energy taken under subscription"
        return "by energy taken under subscription × the capacity weight of the product"

    def _dynamic(self, point: str) -> Explanation:
        facts = self.facts
        amount = facts.result("charge.dynamic_micro", point, self.interval)
        reading, covered = self.taken(point), self.covered_wh()[point]
        price, *beside = ChargedPrices(facts, self.interval).charged(
            facts.register.supply_points[point][1].node, selling=reading.value < 0
        )
        part = int(facts.model.charging.dynamic_ppm[facts.model.supply_points.index(point)])
        mixed = "" if part == PPM else f" × {ppm(part)}, the dynamic part of its energy"
        return Explanation(
            "Energy at the price of its node",
            amount,
            "micro",
            f"{megawatt_hours(covered)} × {self.money(price.value, 'MWh')}{mixed}; fractions "
            "of a millionth are carried to the next interval of the day",
            clauses=self.cite("charge.dynamic"),
            children=(reading, *self._block(point), price, *beside),
        )

    def _excess(self, point: str) -> Explanation:
        facts, index = self.facts, self.facts.model.supply_points.index(point)
        blocks = facts.model.charging.blocks
        stated = NODE_PRICE if blocks is None else int(blocks.price_micro_per_mwh[index])
        price, *beside = (
            ChargedPrices(facts, self.interval).charged(facts.register.supply_points[point][1].node)
            if stated == NODE_PRICE
            else (
                Explanation(
                    "Excess price of its product",
                    stated,
                    "micro/MWh",
                    clauses=self.governing(
                        facts.rules.market_rules, "products.excess_price_micro_per_mwh"
                    ),
                ),
            )
        )
        reading = self.taken(point)
        above = max(reading.value, 0) - max(self.covered_wh()[point], 0)
        return Explanation(
            "Energy above what its contract covers",
            facts.result("charge.excess_micro", point, self.interval),
            "micro",
            f"{megawatt_hours(above)} × {self.money(price.value, 'MWh')}; fractions of a millionth "
            "are carried to the next interval of the day",
            clauses=self.cite("charge.excess"),
            children=(reading, *self._block(point), price, *beside),
        )

    def _block(self, point: str) -> tuple[Explanation, ...]:
        """Return what the contract covers in the month, and what was taken before; if it does."""
        facts, index = self.facts, self.facts.model.supply_points.index(point)
        blocks, requests = facts.model.charging.blocks, facts.settled.requests
        if blocks is None or requests is None or not blocks.has_block[index]:
            return ()
        taken = np.maximum(facts.settled.demand_wh[index], 0)
        before = int(requests.state.taken_wh[index]) + int(taken[: self.interval].sum())
        return (
            Explanation(
                "Energy of a month that its contract covers",
                int(blocks.covered_wh[index]),
                "Wh",
                f"{megawatt_hours(before)} of the month were taken before this interval",
                clauses=self.governing(facts.rules.market_rules, "products.energy_wh"),
            ),
        )

    def _returned(self, point: str) -> Explanation:
        facts, interval = self.facts, self.interval
        amount = facts.result("charge.equalisation_micro", point, interval)
        returned = facts.total("charge.equalisation_micro", interval)
        row = facts.settled.demand_wh[facts.model.supply_points.index(point)]
        over_day = int(np.maximum(row, 0).sum())
        return Explanation(
            "Part of what the equalisation account returns",
            amount,
            "micro",
            f"{self.money(returned)} returned in this interval, by energy taken over the day",
            clauses=self.cite("charge.equalisation"),
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
