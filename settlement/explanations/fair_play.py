"""Why over-take was charged, and missed reliability compensated, as they were."""

from dataclasses import dataclass

from common.quantities import megawatt_hours, megawatts
from settlement.core.contract_state import ends_term
from settlement.core.fair_play_rules import UNLIMITED_W
from settlement.core.rounding import WH_PER_MWH
from settlement.explanations.entitlements import Entitlements, promised_words
from settlement.explanations.tree import Explanation
from settlement.meters.register import DEMAND


@dataclass(frozen=True)
class FairPlayCharges(Entitlements):
    """Explains what over-take is charged and what missed reliability is compensated with."""

    def charge_of(self, component: str, point: str) -> Explanation:
        """Return the tree behind a charge of Fair Play."""
        return self._over_take(point) if component == "over_take" else self._compensation(point)

    def _over_take(self, point: str) -> Explanation:
        facts = self.facts
        amount = facts.result("charge.over_take_micro", point, self.interval)
        over_take = facts.result("over_take_wh", point, self.interval)
        cap = self.rules.over_take_micro_per_mwh
        entitlement = self.entitlement(point)
        return Explanation(
            "Energy taken above entitlement",
            amount,
            "micro",
            f"{megawatt_hours(over_take)} × {self.money(cap, 'MWh')}; fractions of a millionth are "
            "carried to the next interval of the day",
            clauses=self.cite("charge.over_take"),
            children=(
                Explanation(
                    f"Over-take ({point})",
                    over_take,
                    "Wh",
                    self._excess_over(point, entitlement.value),
                    children=(self.reading(DEMAND, point, "Energy taken"), entitlement),
                ),
                Explanation(
                    "Price cap",
                    cap,
                    "micro/MWh",
                    clauses=self.governing(facts.rules.market_rules, "price_cap_micro_per_mwh"),
                ),
            ),
        )

    def _excess_over(self, point: str, entitled_w: int) -> str:
        """Say what was taken above what; where the meter alone is known, nothing refused was."""
        index, minutes = (
            self.facts.model.supply_points.index(point),
            self.facts.model.interval_minutes,
        )
        metered_wh = max(int(self.facts.readings[DEMAND, point].values[self.interval]), 0)
        most_w, what = entitled_w, "to which it is entitled"
        if not self.day.requests.is_known[index]:
            most_w, what = int(self.rules.limit_w[index]), "that its contract allows"
            if most_w == UNLIMITED_W:
                return "none: its contract sets no limit, and what was refused is not taken"
        return (
            f"the excess, if any, of {megawatts(metered_wh * 60 // minutes)} metered over the "
            f"{megawatts(most_w)} {what}, for {minutes} minutes; what is below a millionth of a "
            "MWh is carried to the next interval of the day"
        )

    def _compensation(self, point: str) -> Explanation:
        facts = self.facts
        amount = facts.result("charge.compensation_micro", point, self.interval)
        shortfall = facts.result("shortfall_wh", point, self.interval)
        index = facts.model.supply_points.index(point)
        limited = ""
        if self.rules.paid_by == "over-take":
            most = self.day.requests.state.over_take_micro
            most += facts.day_total("charge.over_take_micro")
            limited = f"; over all points and the month at most {self.money(most)}, in proportion"
        return Explanation(
            "Compensation for a promise that was not kept",
            amount,
            "micro",
            f"{megawatt_hours(-shortfall)} × {self._price_words(index)}; fractions of a millionth "
            f"are carried to the next interval of the day{limited}",
            clauses=self.cite("charge.compensation"),
            children=(
                self._shortfall(point, index, shortfall),
                self._price(index),
            ),
        )

    def _price_words(self, index: int) -> str:
        """Say at which price what lacks is compensated: the day's, or of all that was missed."""
        price, ended = int(self.rules.compensation_micro_per_mwh[index]), self.day.ended
        missed, worth = int(ended.missed_w[index]), ended.missed_worth[index]
        if worth == price * missed:
            return self.money(price, "MWh")
        minutes = self.facts.model.interval_minutes
        micro = worth * minutes // (60 * WH_PER_MWH)
        return f"{self.money(micro)} ÷ {megawatt_hours(_wh(missed, minutes))}"

    def _price(self, index: int) -> Explanation:
        """Return the price of the day's law, and where it became another the mean of the month."""
        price, ended = int(self.rules.compensation_micro_per_mwh[index]), self.day.ended
        missed, worth = int(ended.missed_w[index]), ended.missed_worth[index]
        stated = Explanation(
            "Price of compensation",
            price,
            "micro/MWh",
            clauses=self.governing(
                self.facts.rules.allocation_policy,
                "fair_play.compensation_micro_per_mwh",
                "fair_play.products.compensation_micro_per_mwh",
            ),
        )
        if worth == price * missed:
            return stated
        return Explanation(
            "Mean price of compensation",
            worth // missed,
            "micro/MWh",
            "of all that was refused for good in the month, by the price of the day that refused "
            f"it, which became another: {self._price_words(index)}",
            children=(stated,),
        )

    def _shortfall(self, point: str, index: int, shortfall: int) -> Explanation:
        """Return what a point lacks of its group's promise; it is known where the month ends."""
        group = self._group(index)
        name = self._group_name(group)
        label = f"Energy promised and not delivered ({point})"
        if not ends_term(self.facts.day) or self.interval != len(self.facts.starts) - 1:
            return Explanation(label, shortfall, "Wh", "a promise is held to its month, at its end")
        ended, minutes = self.day.ended, self.facts.model.interval_minutes
        missed = int(ended.missed_w[index]) * minutes // 60
        memory = ended.contracts.memory
        promise = int(self.rules.contracts.promise_ppm[group])
        # That of all, and of those who left in the month: nobody else gets their part.
        of_group = memory.matured[group] - memory.delivered[group]
        return Explanation(
            label,
            shortfall,
            "Wh",
            f"what {name} lacks of its promise, set out over those who hold it by what each was "
            f"refused for good: {megawatt_hours(missed)} of "
            f"{megawatt_hours(_wh(of_group, minutes))}; of what was due in the month "
            f"{promised_words(memory, group, promise, minutes)}",
            children=(
                Explanation(
                    f"Due to {name} in the month",
                    _wh(memory.matured[group], minutes),
                    "Wh",
                    "what was refused of requests that do not count is not among it"
                    if self.rules.contracts.least_taken_ppm
                    else "",
                    clauses=self.governing(
                        self.facts.rules.allocation_policy, "fair_play.least_taken_ppm"
                    ),
                ),
                Explanation(
                    f"Delivered to {name} in the month",
                    _wh(memory.delivered[group], minutes),
                    "Wh",
                    "as metered where requests are known beside the meter, else the entitlement",
                ),
                self.reliability(point),
            ),
        )


def _wh(power_intervals: int, minutes: int) -> int:
    return power_intervals * minutes // 60
