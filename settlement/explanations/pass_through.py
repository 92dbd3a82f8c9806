"""Why a supplier was charged what others set a price for: price, linked energy, quantity."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from common.currencies import NO_BREAK_SPACE
from common.quantities import quantity as quantity_words
from common.quantities import scaled
from rulebook.checks.charges import span_of
from rulebook.days import overlapping
from rulebook.documents.charge_list import (
    Charge,
    ChargeKey,
    ChargeLink,
    DayRange,
    Fee,
    LinkedKind,
    Subscription,
    Tariff,
)
from settlement.billing.lines import ENERGY_OF_LINKED, Quantity, Side, line_kind
from settlement.core.pass_through import (
    charge_and_supplier,
    charged_entity,
    hour_steps,
    subscription_day_micro,
)
from settlement.explanations.entitlements import Entitlements
from settlement.explanations.tree import Explanation
from settlement.meters.register import DEMAND

WORDS_OF_LINKED: dict[LinkedKind, tuple[str, str]] = {
    "supply_point": ("Energy taken", "the sum of its intervals; net export counts as none"),
    "unit": (
        "Energy generated",
        "the sum of its intervals; what storage takes in counts as none",
    ),
    "sub_meter": (
        "Energy of a sub-meter, which is settled with the meter before it",
        "the sum of its intervals",
    ),
}


@dataclass(frozen=True)
class PassThroughCharges(Entitlements):
    """Explains pass-through charges in one interval; their amounts stand where a step begins."""

    def line(self, kind: str, code: str, supplier: str) -> Explanation:
        """Return the tree behind a charge of a supplier, or of the payment for all of them.

        Args:
            kind: tariff, subscription or fee.
            code: what results call the charge.
            supplier: whose charge; empty for what the owner is paid.
        """
        if supplier:
            return self._charge(kind, code, supplier)
        charged = (
            charge_and_supplier(entity)
            for measure, entity in self.facts.results
            if measure == f"charge.{kind}_micro"
        )
        suppliers = [supplier for of, supplier in charged if of == code]
        return Explanation(
            self._title((kind, code)),
            self.facts.result(f"payment.{kind}_micro", code, self.interval),
            "micro",
            "the sum of what suppliers are charged",
            clauses=self.cite_charge((kind, code)),
            children=tuple(
                replace(self._charge(kind, code, name), label=name, owner=name)
                for name in suppliers
            ),
        )

    def paid_on(self, kind: str, code: str) -> Explanation:
        """Return the tree behind what a collector pays on: all that suppliers are charged."""
        collected = self.line(kind, code, "")
        return replace(
            collected,
            formula="all that is collected for whose charge it is",
            children=(replace(collected, label=f"{collected.label}: collected"),),
        )

    def _charge(self, kind: str, code: str, supplier: str) -> Explanation:
        facts, interval, entity = self.facts, self.interval, charged_entity(code, supplier)
        key = kind, code
        amount = facts.result(f"charge.{kind}_micro", entity, interval)
        title, cited = self._title(key), self.cite_charge(key)
        links = list(self._links(key, supplier))
        if not links:
            words = "the charge falls on nothing that this supplier answers for on this day"
            return Explanation(title, amount, "micro", words, clauses=cited)
        steps = self._steps(key)
        if interval not in steps:
            words = f"counted in the interval that begins the {self._step_name(key)}"
            return Explanation(title, amount, "micro", words, clauses=cited)
        counted = tuple(self._counted(key, link, steps[interval]) for link in links)
        if facts.result(f"unpriced.{kind}", entity, interval):
            awaiting = facts.result(_quantity_of(kind).measure, entity, interval)
            words = (
                f"{_counted_words(awaiting, kind)} await a price: none is published for this "
                "time step, so it has no amount; once there is one, the next run settles it"
            )
            return Explanation(
                title, amount, "micro", words, clauses=cited, children=counted, is_missing=True
            )
        quantity = facts.result(_quantity_of(kind).measure, entity, interval)
        price = self._price(key)
        unit = price.unit.removeprefix("micro/")
        formula = f"{_counted_words(quantity, kind)} × {self.money(price.value, unit)}"
        if kind == "tariff":
            formula += ", rounded once to the nearest millionth, halves away from zero"
        return Explanation(
            title, amount, "micro", formula, clauses=cited, children=(price, *counted)
        )

    def _counted(self, key: ChargeKey, link: ChargeLink, step: Sequence[int]) -> Explanation:
        """Return what a linked supply point, unit or sub-meter counts in a time step."""
        kind, name = link.linked
        if not isinstance(self._charge_of(key), Tariff):
            unit = "pieces"
            return Explanation(f"Quantity linked ({name})", link.quantity, unit)
        measure, (label, words) = ENERGY_OF_LINKED[kind], WORDS_OF_LINKED[kind]
        counted = np.maximum(self._energy(measure, name)[list(step)], 0)
        readings: tuple[Explanation, ...] = ()
        if self._step_name(key) == "hour":
            readings = tuple(
                replace(
                    replace(self, interval=number)._counted_in(measure, name, label),
                    label=f"{label}, {clock} ({name})",
                )
                for number, clock in zip(step, self._step_times(step), strict=True)
            )
        return Explanation(f"{label} ({name})", int(counted.sum()), "Wh", words, children=readings)

    def _energy(self, measure: str, name: str) -> np.ndarray:
        """Return energy that a tariff counts, shape (T,): of a supply point what it takes."""
        if measure != DEMAND:
            return self.facts.readings[measure, name].values
        taken: np.ndarray = self.facts.settled.demand_wh[self.facts.model.supply_points.index(name)]
        return taken

    def _counted_in(self, measure: str, name: str, label: str) -> Explanation:
        return self.taken(name) if measure == DEMAND else self.reading(measure, name, label)

    def _price(self, key: ChargeKey) -> Explanation:
        """Return the price in force, per kWh, day or piece."""
        owner, charge = self.facts.register.charges[key]
        charges = next(each for each in self.facts.rules.charge_lists if each.owner == owner)
        title = f"Price of {key[1]}"
        match charge:
            case Tariff():
                hour = self._step_times([self.interval])[0][:2]
                entry = next(
                    price
                    for price in charge.prices
                    if self._holds(price) and price.from_hour <= int(hour) < price.to_hour
                )
                path = "tariffs.prices.price_micro_per_kwh"
                clauses = self.governing(charges, path)
                price = entry.price_micro_per_kwh
                return Explanation(title, price, "micro/kWh", _since(entry), clauses=clauses)
            case Subscription():
                monthly = next(price for price in charge.prices if self._holds(price))
                per_day = subscription_day_micro(monthly.price_micro_per_month, self.facts.day)
                words = (
                    f"{self.money(monthly.price_micro_per_month, 'month')} ÷ the days of the "
                    f"month, rounded to the nearest millionth; {_since(monthly)}"
                )
                path = "subscriptions.prices.price_micro_per_month"
                clauses = self.governing(charges, path)
                return Explanation(title, per_day, "micro/day", words, clauses=clauses)
            case Fee():
                piece = next(price for price in charge.prices if self._holds(price))
                clauses = self.governing(charges, "fees.prices.price_micro_per_piece")
                price = piece.price_micro_per_piece
                return Explanation(title, price, "micro/piece", _since(piece), clauses=clauses)
        raise TypeError(f"{key[1]}: a {type(charge).__name__} has no price")

    def _steps(self, key: ChargeKey) -> dict[int, Sequence[int]]:
        """Return the intervals of each time step of a charge, by its first."""
        whole = range(len(self.facts.starts))
        if self._step_name(key) == "day":
            return {0: whole}
        rules = self.facts.rules.market_rules
        first, _ = hour_steps(self.facts.day, rules.time_zone, rules.interval_minutes)
        ends = [*first.tolist()[1:], len(whole)]
        return {start: whole[start:end] for start, end in zip(first.tolist(), ends, strict=True)}

    def _step_name(self, key: ChargeKey) -> str:
        charge = self._charge_of(key)
        return charge.resolution if isinstance(charge, Tariff) else "day"

    def _links(self, key: ChargeKey, supplier: str) -> Iterator[ChargeLink]:
        register = self.facts.register
        for link in register.links_on(key, self.facts.day):
            if register.charged_by(link) == supplier:
                yield link

    def _charge_of(self, key: ChargeKey) -> Charge:
        return self.facts.register.charges[key][1]

    def _title(self, key: ChargeKey) -> str:
        return self._charge_of(key).title

    def _holds(self, part: DayRange) -> bool:
        day = self.facts.day
        return overlapping(span_of(part), (day, day + dt.timedelta(days=1)))

    def _step_times(self, intervals: Sequence[int]) -> list[str]:
        zone = ZoneInfo(self.facts.rules.market_rules.time_zone)
        starts = [self.facts.starts[number].astimezone(zone) for number in intervals]
        return [f"{start:%H:%M}" for start in starts]


def _quantity_of(kind: str) -> Quantity:
    """Return what a kind of charge counts; each pass-through line counts something."""
    quantity = line_kind(f"{Side.CHARGE}.{kind}").quantity
    assert quantity is not None
    return quantity


def _counted_words(value: int, kind: str) -> str:
    """Return what a kind of charge counts; energy in kWh, of which its price is."""
    unit = _quantity_of(kind).unit
    return f"{scaled(value, 3)}{NO_BREAK_SPACE}kWh" if unit == "Wh" else quantity_words(value, unit)


def _since(part: DayRange) -> str:
    until = "further notice" if part.to_day is None else f"the day before {part.to_day}"
    return f"in force from {part.from_day} to {until}"
