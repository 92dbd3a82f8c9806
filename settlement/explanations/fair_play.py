"""Why over-take was charged, and missed reliability compensated, as they were."""

from dataclasses import dataclass

import numpy as np

from common.quantities import megawatt_hours, megawatts
from settlement.explanations.entitlements import Entitlements
from settlement.explanations.tree import Explanation
from settlement.meters.register import DEMAND


@dataclass(frozen=True)
class FairPlayCharges(Entitlements):
    """Explains what over-take is charged and what missed reliability is compensated with."""

    def charge(self, component: str, point: str) -> Explanation:
        """Return the tree behind a charge of Fair Play."""
        return self._over_take(point) if component == "over_take" else self._compensation(point)

    def _over_take(self, point: str) -> Explanation:
        facts = self.facts
        amount = facts.result("charge.over_take_micro", point, self.interval)
        over_take = facts.result("over_take_wh", point, self.interval)
        cap = self.rules.over_take_micro_per_mwh
        entitlement = self.entitlement(point)
        delivered = facts.result("delivered_w", point, self.interval)
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
                    f"the excess, if any, of {megawatts(delivered)} over "
                    f"{megawatts(entitlement.value)}, for {facts.model.interval_minutes} minutes; "
                    "what is below a millionth of a MWh is carried to the next interval of the day",
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

    def _compensation(self, point: str) -> Explanation:
        facts = self.facts
        amount = facts.result("charge.compensation_micro", point, self.interval)
        missed = facts.result("missed_wh", point, self.interval)
        index = facts.model.supply_points.index(point)
        price = int(self.rules.compensation_micro_per_mwh[index])
        limited = ""
        if self.rules.paid_by == "over-take":
            most = facts.day_total("charge.over_take_micro")
            limited = f"; over all points and the day at most {self.money(most)}, in proportion"
        return Explanation(
            "Compensation for reliability that was missed",
            amount,
            "micro",
            f"{megawatt_hours(-missed)} × {self.money(price, 'MWh')}; fractions of a millionth are "
            f"carried to the next interval of the day{limited}",
            clauses=self.cite("charge.compensation"),
            children=(
                self._missed(point, index, missed),
                Explanation(
                    "Price of compensation",
                    price,
                    "micro/MWh",
                    clauses=self.governing(
                        facts.rules.allocation_policy,
                        "fair_play.compensation_micro_per_mwh",
                        "fair_play.products.compensation_micro_per_mwh",
                    ),
                ),
            ),
        )

    def _missed(self, point: str, index: int, missed: int) -> Explanation:
        minutes = self.facts.model.interval_minutes
        desired, delivered = self.day.desired_w[index], self.day.delivered_w[index]
        counted = np.minimum(desired, delivered)
        day_desired, day_counted = (
            int(values.sum()) * minutes // 60 for values in (desired, counted)
        )
        short, day_short = (
            int(values) * minutes // 60
            for values in ((desired - counted)[self.interval], (desired - counted).sum())
        )
        of_day = int(self.facts.results["missed_wh", point].sum())
        return Explanation(
            f"Energy promised and not delivered ({point})",
            missed,
            "Wh",
            f"{megawatt_hours(of_day)} over the day, set out over its intervals by what was not "
            f"delivered in each: {megawatt_hours(short)} of {megawatt_hours(day_short)} in "
            "this one",
            children=(
                Explanation("Energy desired over the day", day_desired, "Wh"),
                Explanation(
                    "Energy delivered over the day, each interval up to what was desired in it",
                    day_counted,
                    "Wh",
                    "as metered where requests are known beside the meter, else the entitlement",
                ),
                self.reliability(point),
                self.entitlement(point),
            ),
        )
