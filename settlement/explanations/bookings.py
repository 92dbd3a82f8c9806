"""Why the line of a booking is what it is: what was booked, what came of it, and two prices."""

from collections.abc import Iterator
from dataclasses import dataclass

from common.quantities import megawatt_hours, ppm
from settlement.core import booked
from settlement.core.booked import Booked, booking_and_point
from settlement.core.booking_lines import hedged_wh, late_parts
from settlement.core.charges import priced_wh
from settlement.core.rounding import WH_PER_MWH
from settlement.core.tightness import PPM
from settlement.explanations.charged_prices import ChargedPrices
from settlement.explanations.tree import Explanation
from settlement.meters.register import DEMAND


@dataclass(frozen=True)
class BookingCharges(ChargedPrices):
    """Explains what bookings are charged in one interval."""

    def booking(self, entity: str) -> Explanation:
        """Return the tree behind what a booking is charged; `entity` is its number and point."""
        number, point = booking_and_point(entity)
        facts, interval = self.facts, self.interval
        online = facts.settled.online
        found = [each for each in online.bookings if each.number == number] if online else []
        amount = facts.result(booked.CHARGE, entity, interval)
        if not found:
            return Explanation(f"Booking {number}", amount, "micro", "nothing of it is in this day")
        booking = found[0]
        energy, delivered, refused = (
            abs(facts.result(measure, entity, interval))
            for measure in (booked.BOOKED, booked.DELIVERED, booked.REFUSED)
        )
        node = facts.register.supply_points[point][1].node
        buying, *_ = self.charged(node)
        late = self._late(booking, point, entity)
        if not energy:
            return self._beside(booking, amount, buying, late)
        price, *beside = self.charged(node, selling=booking.is_sale)
        if booking.is_sale and facts.model.sell_curves:
            beside.append(buying)
        return Explanation(
            f"Booking {number}: what was booked, beside what came of it",
            amount,
            "micro",
            self._formula(booking, point, (price.value, buying.value), (energy, delivered, refused))
            + "".join(f"; and {each.formula}" for each in late),
            clauses=self.cite("charge.booking"),
            children=(
                self._booked(booking, energy),
                *self._came_of_it(booking, point, energy, delivered, refused),
                *late,
                self.reading(DEMAND, point, "Energy by the meter"),
                price,
                *beside,
            ),
        )

    def _beside(
        self,
        booking: Booked,
        amount: int,
        buying: Explanation,
        late: tuple[Explanation, ...],
    ) -> Explanation:
        """Return the tree of an interval in which nothing of a booking is placed."""
        words = [*(each.formula for each in late), *self._given_back(booking, buying.value)]
        served = f": {late[0].label.lower()}, as it had been refused" if late else ""
        return Explanation(
            f"Booking {booking.number}{served}",
            amount,
            "micro",
            "; ".join(words) or "nothing was booked here",
            clauses=self.cite("charge.booking") if words else (),
            children=(*late, buying) if late or self.interval in booking.let_go else (),
        )

    def _late(self, booking: Booked, point: str, entity: str) -> tuple[Explanation, ...]:
        """Return what came of what had been refused before: what is served late, and declined."""
        late_wh, price = (
            self.facts.result(measure, entity, self.interval)
            for measure in (booked.LATE, booked.LATE_PRICE)
        )
        node = self.facts.register.supply_points[point][1].node
        buying, selling = (self.charged(node, selling=is_sale)[0] for is_sale in (False, True))
        taken = int(self.facts.settled.demand_wh[self._row(point), self.interval])
        words: list[str] = []
        under: tuple[Explanation, ...] = ()
        for energy, charged, is_fed_in in late_parts(late_wh, taken, buying.value, selling.value):
            hedged = self._hedged(is_fed_in, point, energy)
            both = f"{self.money(price, 'MWh')} booked less {self.money(charged, 'MWh')} "
            both += "that it would have been paid for net export" if is_fed_in else "charged"
            words.append(f"{megawatt_hours(hedged)} refused before × ({both})")
            if hedged != energy:
                words[-1] = f"{megawatt_hours(hedged)} × ({both}), as of {megawatt_hours(energy)} "
                words[-1] += "refused before so much pays the price of the node"
            under = (selling,) if is_fed_in and self.facts.model.sell_curves else ()
        late = Explanation("Served late of it", late_wh, "Wh", "; and ".join(words), children=under)
        return (*((late,) if late_wh else ()), *self._declined(booking, buying.value))

    def _declined(self, booking: Booked, buying: int) -> Iterator[Explanation]:
        """Yield what had been refused before and is now offered and not taken, by its price."""
        model = self.facts.model
        if model.fair_play is None:
            return
        for served in self.facts.fair_play_shares.served.lots[self.interval]:
            declined_wh = served.declined_wh(model.interval_minutes)
            if served.lot.number == booking.number and declined_wh:
                fall = self.money(max(0, served.lot.price_micro_per_mwh - buying), "MWh")
                yield Explanation(
                    "Offered late of it, and not taken",
                    declined_wh,
                    "Wh",
                    f"{megawatt_hours(declined_wh)} refused before and not taken × {fall}, the "
                    f"fall of {self.money(served.lot.price_micro_per_mwh, 'MWh')} booked",
                )

    def _row(self, point: str) -> int:
        return self.facts.model.supply_points.index(point)

    def _hedged(self, is_sale: bool, point: str, energy_wh: int) -> int:
        """Return how much of some energy pays the price that a booking is held to."""
        model, settled = self.facts.model, self.facts.settled
        row, at = self._row(point), self.interval
        above = settled.demand_wh - self.facts.covered_wh
        priced = int(priced_wh(model.charging, above, settled.demand_wh)[row, at])
        taken, part = int(settled.demand_wh[row, at]), int(model.charging.dynamic_ppm[row])
        return hedged_wh(is_sale, energy_wh, priced, taken, part)

    def _booked(self, booking: Booked, energy_wh: int) -> Explanation:
        price = int(booking.price_micro_per_mwh[self.interval])
        return Explanation(
            f"Energy booked {'to feed in' if booking.is_sale else 'to take'}",
            energy_wh,
            "Wh",
            f"booked at {self.money(price, 'MWh')}, as the market’s log handed it over",
        )

    def _came_of_it(
        self, booking: Booked, point: str, energy_wh: int, delivered_wh: int, refused_wh: int
    ) -> tuple[Explanation, ...]:
        did, model = "Fed in" if booking.is_sale else "Taken", self.facts.model
        refused = "by the meter, and not served"
        if refused_wh and model.is_owed[model.supply_points.index(point)]:
            refused += "; it is owed, and costs its booked price where it is served later"
        return (
            Explanation(
                f"{did} of it", delivered_wh, "Wh", "bookings of a point are filled by number"
            ),
            Explanation("Wished for and refused", refused_wh, "Wh", refused),
            Explanation(
                f"Not {did.lower()}", energy_wh - delivered_wh - refused_wh, "Wh", "the rest of it"
            ),
        )

    def _given_back(self, booking: Booked, buying: int) -> list[str]:
        """Say what is owed for what was given back; nothing where nothing was.

        Args:
            buying: charged for what is taken at its node.
        """
        words, sign = [], -1 if booking.is_sale else 1
        if owed := booking.given_back.get(self.interval, 0):
            fallen = self.money(owed // WH_PER_MWH)
            words.append(f"{fallen} for what was given back, or moved, before it began: energy ×")
            words[-1] += " fall of its price since"
        for energy_wh, price in booking.let_go.get(self.interval, ()):
            fall = self.money(max(0, sign * (price - buying)), "MWh")
            words.append(f"{megawatt_hours(energy_wh)} given back before it began × {fall}")
            words[-1] += f", which was held at {self.money(price, 'MWh')}"
        return words

    def _formula(
        self,
        booking: Booked,
        point: str,
        prices: tuple[int, int],
        energies_wh: tuple[int, int, int],
    ) -> str:
        (charged, buying), (energy, delivered, refused) = prices, energies_wh
        model = self.facts.model
        row, at = self._row(point), self.interval
        part = int(model.charging.dynamic_ppm[row])
        hedged = self._hedged(booking.is_sale, point, delivered)
        given = 0 if model.is_owed[row] else refused * part // PPM
        price = int(booking.price_micro_per_mwh[at])
        dearer = charged - price if booking.is_sale else price - charged
        less = f"({self.money(dearer, 'MWh')})" if dearer < 0 else self.money(dearer, "MWh")
        words = [f"{megawatt_hours(hedged)} × {less}"]
        if hedged != delivered:
            words[0] += f", as of {megawatt_hours(delivered)} so much pays the price of the node"
        if given and dearer < 0:
            words.append(f"less {megawatt_hours(given)} refused × {self.money(-dearer, 'MWh')}")
            words[-1] += "" if part == PPM else f", in the dynamic part, {ppm(part)}"
        fall = buying - price if booking.is_sale else price - buying
        if energy - delivered - refused and fall > 0:
            missing = megawatt_hours(energy - delivered - refused)
            words.append(f"and {missing} not delivered × {self.money(fall, 'MWh')}")
            if buying != charged:
                words[-1] += ", by the price of what is taken"
        words.extend(f"and {each}" for each in self._given_back(booking, buying))
        both = [f"{self.money(price, 'MWh')} booked", f"{self.money(charged, 'MWh')} charged"]
        what = " less ".join(reversed(both) if booking.is_sale else both)
        return (
            "; ".join(words)
            + f" ({what}); fractions of a millionth are carried to the next interval of the day"
        )
