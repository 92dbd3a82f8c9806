"""Bookings: what was asked for, what is promised of it, and what came of it.

*Request*. What can be placed wholly is booked at once. What is short waits, unless as many of its
point wait as may. What is refused is refused with its reason: that, its price, its window, or a
window that begins beyond the horizon.

*Begun*. An interval has by the market's clock; where law says so, also by when anything was handed
in. Nothing of it is booked, moved or given back from then on.

*Queue*. When anything may have eased (a cancellation, a change, a sale, a forecast, telemetry, the
end of an interval, other law) those who wait are tried again: before the next request is taken,
and at the end of the batch. First comes whose group lacks most of what it was promised this month
(`market.core.promises`), then the higher tier, then the earlier deadline, then who asked first.
Whoever can be placed wholly within the price limit is. Whose window is too short by now has missed.

*Change*. Its energy is of the whole booking; what is in intervals that have begun is had already,
and the rest is placed anew. Where that cannot be had, what was there before stays. What is given
back by a change, or a cancellation, bears its fall in price (`market.core.giving_back`).

*Supplier*. Where law comes by which another supplies the point, or nobody, what is to come ends:
it is given back by who booked it, on the last day before, as nobody holds what another asked for.

*Delivery*. What an interval delivered of a booking, told after its end, and again where a later
word corrects it; what was not taken of it, which nobody lacks; and what it served of energy that
had been refused before it, inside the window that was asked for, or did not take. Once all is told,
a booking is delivered if all its energy is, and missed if not. A booking is forgotten where a month
begins before which a whole month passed since its last interval; what was not told by then is
missed.
"""

from collections.abc import Iterable
from dataclasses import replace

from market.core.booking_records import NUMBERS_OF_PLACED, BookingRecord, State, told_by
from market.core.days import last_minute_before
from market.core.events import Event, Kind, Outcome
from market.core.forward import MINUTE_US, Forward, Horizon
from market.core.giving_back import given_back, moved_and_let_go, parted
from market.core.grid_state import GridState
from market.core.online import OnlineMarket
from market.core.promises import Promises, Terms, month_of, product_of, terms_of
from market.core.quotes import MOST_WAITING, Placed, Quote, Reason, Request, Side, power_in, quote


def _begun_us(clock_us: int, handed_in_us: int | None) -> int:
    """Return up to when intervals have begun: the clock, or when anything was handed in last."""
    return max(clock_us, handed_in_us or clock_us)


class Bookings:
    """The bookings of a market, its queue, and its forward state.

    Attributes:
        clock_us: the market's.
        begun_us: up to when intervals have begun: the clock, or when anything was handed in last.
        forward: the intervals to come.
        promises: memory of the month.
        known: bookings by their key, of which anything may come yet; not those that are forgotten.
        waiting: keys of those that wait.
        asked: how many requests there were.
        records: what became of bookings since they were last taken away, in order.
    """

    def __init__(
        self, market: OnlineMarket, grid: GridState, clock_us: int, handed_in_us: int | None = None
    ) -> None:
        self.forward = Forward(market, grid, _begun_us(clock_us, handed_in_us))
        self.promises = Promises()
        self.known: dict[str, BookingRecord] = {}
        self.waiting: set[str] = set()
        self.asked = 0
        self.records: list[BookingRecord] = []
        self._has_eased = False
        self.obey(market, clock_us, handed_in_us)

    def obey(self, market: OnlineMarket, clock_us: int, handed_in_us: int | None = None) -> None:
        """Take the law of a market: who there is, where, and what is promised."""
        self.market, self.clock_us = market, clock_us
        self.begun_us = _begun_us(clock_us, handed_in_us)
        self._held_minute = Horizon.after(clock_us, market).first_minute
        self._terms = terms_of(market)
        self._row = {name: row for row, name in enumerate(market.model.supply_points)}
        self.promises.reach(month_of(self.begun_us // MINUTE_US, market.zone))
        self.forward.obey(market, self.begun_us)
        self._book_again()
        self._end_with_suppliers()

    def _end_with_suppliers(self) -> None:
        """End what is to come at points that another supplies, or nobody, by the law that came."""
        for record in list(self.known.values()):
            row = self._row.get(record.request.point)
            if row is not None and self.market.suppliers[row] == record.participant:
                continue
            # Not what begins with the law, however late that was handed in.
            begun, to_come = parted(record.placed, self.clock_us)
            let_go, still = parted(record.let_go, self.clock_us)
            if to_come or still or record.state is State.WAITING:
                self._move(record.request, to_come, -1)
                # However late it is told: law is of whole days, and no line of this one is theirs.
                minute = last_minute_before(self.clock_us, self.market.zone)
                at = self.forward, record.request, record.group[0], minute
                owed, _ = given_back(*at, (*to_come, *still))
                ended = replace(record, given_back=(*record.given_back, *owed), let_go=let_go)
                self._keep_begun(replace(ended, reason=Reason.SUPPLIER), begun)

    def reach(self, clock_us: int, handed_in_us: int | None = None) -> None:
        """Move the clock on."""
        self.clock_us, self.begun_us = clock_us, _begun_us(clock_us, handed_in_us)
        if clock_us // MINUTE_US >= self._held_minute:
            self._held_minute = Horizon.after(clock_us, self.market).first_minute
            self._drop_over()
        if self.begun_us // MINUTE_US < self.forward.horizon.first_minute:
            return
        self.forward.begin(Horizon.after(self.begun_us, self.market))
        if self.promises.reach(month_of(self.begun_us // MINUTE_US, self.market.zone)):
            self._forget()
        self._book_again()

    def ease(self, name: str) -> None:
        """Note that a unit, supply point or line moved: who waits is tried again."""
        self.forward.moved(name)
        self._has_eased = True

    def _book_again(self) -> None:
        first = self.forward.horizon.first_minute
        self._drop_over()
        for record in self.known.values():
            if record.placed and record.placed[-1].end_minute > first:
                self._move(record.request, record.placed, 1)
        self._has_eased = True

    def _drop_over(self) -> None:
        self.known = {key: each for key, each in self.known.items() if not self._is_over(each)}

    def _move(self, request: Request, placed: Iterable[Placed], sign: int) -> None:
        """Book what is placed in the forward state, or with -1 take it out."""
        is_sale = request.side is Side.SELL
        power_w = power_in(self.forward.horizon, placed, is_sale=is_sale)
        self.forward.book(request.point, {place: sign * w for place, w in power_w.items()})
        # Less taken, or more fed in, leaves room to others.
        if (sign < 0) is not is_sale and power_w:
            self._has_eased = True

    def judge(self, event: Event) -> Outcome:
        """Return what becomes of an event, as far as its words tell; nothing moves by this."""
        if event.kind is Kind.FORECAST:
            return self.forward.judge(event)
        if event.entity not in self._row:
            return Outcome.UNKNOWN
        return (
            self._judge_request(event) if event.kind is Kind.REQUEST else self._judge_later(event)
        )

    def _judge_later(self, event: Event) -> Outcome:
        """Return what becomes of an event about a booking that there is."""
        counts = {Kind.CHANGE: (5,), Kind.CANCEL: (0,), Kind.DELIVERY: (2, 3, 4)}
        if len(event.words) != 1 or len(event.numbers) not in counts[event.kind]:
            return Outcome.UNREADABLE
        record = self.known.get(event.words[0])
        if (
            record is None
            or record.request.point != event.entity
            or record.state is State.CANCELLED
        ):
            return Outcome.UNKNOWN
        if event.kind is Kind.DELIVERY:
            return self._judge_delivery(event, record)
        is_readable = event.kind is Kind.CANCEL or record.request.changed(event.numbers) is not None
        return Outcome.TAKEN if is_readable else Outcome.UNREADABLE

    def _judge_request(self, event: Event) -> Outcome:
        request = Request.of(event)
        if request is None:
            return Outcome.UNREADABLE
        if product_of(self.market, self._row[event.entity]) != request.product:
            return Outcome.UNKNOWN
        return Outcome.AGAIN if event.key in self.known else Outcome.TAKEN

    def _judge_delivery(self, event: Event, record: BookingRecord) -> Outcome:
        word, asked = told_by(event), record.request
        placed = record.placed_at(word.start_minute)
        end_minute = word.start_minute + self.market.model.interval_minutes
        if placed is not None:
            end_minute = placed.end_minute
        elif len(event.numbers) <= NUMBERS_OF_PLACED or not (
            # What is served after the window that was asked for comes too late.
            asked.earliest_minute <= word.start_minute and end_minute <= asked.latest_minute
        ):
            return Outcome.UNKNOWN
        if end_minute * MINUTE_US > max(self.clock_us, event.at_us):
            return Outcome.AHEAD
        placed_wh = 0 if placed is None else placed.energy_wh
        # Of what was refused before, more may be late or not taken than is placed in it.
        is_of_placed = len(event.numbers) <= NUMBERS_OF_PLACED
        most_wh = placed_wh if is_of_placed else record.booked_wh
        if (
            min(event.numbers[1:]) < 0
            or word.energy_wh > placed_wh
            or word.energy_wh + word.not_taken_wh + word.late_wh > most_wh
        ):
            return Outcome.UNREADABLE
        told = [each for each in record.told if each.start_minute == word.start_minute]
        return Outcome.OLDER if told and event.at_us < told[0].at_us else Outcome.TAKEN

    def take(self, event: Event) -> Outcome:
        """Take an event that was judged, once the clock has reached it."""
        if event.kind is Kind.FORECAST:
            outcome = self.forward.take(event)
            self._has_eased |= outcome is Outcome.TAKEN
            return outcome
        self.serve_queue()
        if event.kind is Kind.REQUEST:
            return self._request(event)
        record = self.known.get(event.words[0])
        if record is None:
            # It was forgotten, or has missed, as the clock moved on to this event.
            return Outcome.UNKNOWN
        act = {Kind.CHANGE: self._change, Kind.CANCEL: self._cancel, Kind.DELIVERY: self._deliver}
        return act[event.kind](event, record)

    def _keep(self, record: BookingRecord) -> None:
        """Keep a booking as it stands now, and say so."""
        record = replace(record, at_us=self.clock_us)
        self.records.append(record)
        self.waiting.discard(record.key)
        if self._is_over(record):
            self.known.pop(record.key, None)
            return
        self.known[record.key] = record
        if record.state is State.WAITING:
            self.waiting.add(record.key)

    def _is_over(self, record: BookingRecord) -> bool:
        """Whether nothing comes of a booking any more, nor of what was let go of it."""
        if record.placed or record.state is State.WAITING:
            return False
        # What begins with the law that ends it, too, however late that law is handed in.
        return not any(each.end_minute >= self._held_minute for each in record.let_go)

    def _request(self, event: Event) -> Outcome:
        request = Request.of(event)
        if request is None:
            raise AssertionError("an event is taken that was not judged")
        self.asked += 1
        node = self.market.model.grid.nodes[self.forward.node_of(event.entity)]
        group = (node, request.product)
        supplier = self.market.suppliers[self._row[event.entity]]
        record = BookingRecord(event.key, self.asked, 0, request, supplier, group, State.WAITING)
        found = quote(self.forward, request)
        if found.reason is None:
            self._book(record, found)
            return Outcome.TAKEN
        wait = sum(self.known[key].request.point == event.entity for key in self.waiting)
        if found.reason is Reason.SHORT and wait < MOST_WAITING:
            self._keep(replace(record, reason=found.reason))
            return Outcome.TAKEN
        reason = Reason.MANY if found.reason is Reason.SHORT else found.reason
        self._keep(replace(record, state=State.REFUSED, reason=reason))
        return Outcome.REFUSED

    def _book(self, record: BookingRecord, found: Quote, begun: tuple[Placed, ...] = ()) -> None:
        """Book what was found, beside what has begun; what was placed until now gives way to it."""
        self._move(record.request, found.placed, 1)
        moved, let_go = moved_and_let_go(record.placed[len(begun) :], found.placed)
        at = self.forward, record.request, record.group[0], self.begun_us // MINUTE_US
        stays, _ = given_back(*at, moved, is_moved=True)
        owed, held = given_back(*at, let_go)
        owed = (*record.given_back, *stays, *owed)
        record = replace(record, given_back=owed, let_go=(*record.let_go, *held))
        placed = (*begun, *found.placed)
        self._keep(self._judged(replace(record, state=State.BOOKED, reason=None, placed=placed)))

    def _judged(self, record: BookingRecord) -> BookingRecord:
        """Return a booking with its state by what was told of it."""
        state = State.BOOKED
        if record.is_told:
            is_whole = record.delivered_wh >= record.booked_wh
            state = State.DELIVERED if is_whole else State.MISSED
        return replace(record, state=state)

    def _change(self, event: Event, record: BookingRecord) -> Outcome:
        changed = record.request.changed(event.numbers)
        if changed is None:
            raise AssertionError("an event is taken that was not judged")
        begun = record.begun(self.begun_us)
        rest_wh = changed.energy_wh - sum(each.energy_wh for each in begun)
        to_come = record.placed[len(begun) :]
        if rest_wh < 0 or (begun and not to_come):
            self._keep(replace(record, reason=Reason.BEGUN))
            return Outcome.REFUSED
        self._move(record.request, to_come, -1)
        found = Quote(())
        if rest_wh:
            # No interval holds more than the power: those that run end first.
            after = max([changed.earliest_minute, *(each.end_minute for each in begun)])
            rest = replace(changed, energy_wh=rest_wh, earliest_minute=after)
            found = quote(self.forward, rest)
        if found.reason is None:
            self._book(replace(record, request=changed), found, begun)
            return Outcome.TAKEN
        self._move(record.request, to_come, 1)
        self._keep(replace(record, reason=found.reason))
        return Outcome.REFUSED

    def _cancel(self, event: Event, record: BookingRecord) -> Outcome:
        begun = record.begun(self.begun_us)
        to_come = record.placed[len(begun) :]
        if begun and not to_come:
            self._keep(replace(record, reason=Reason.BEGUN))
            return Outcome.REFUSED
        self._move(record.request, to_come, -1)
        at = self.forward, record.request, record.group[0], self.begun_us // MINUTE_US
        owed, held = given_back(*at, to_come)
        record = replace(record, given_back=(*record.given_back, *owed), reason=None)
        self._keep_begun(replace(record, let_go=(*record.let_go, *held)), begun)
        return Outcome.TAKEN

    def _keep_begun(self, record: BookingRecord, begun: tuple[Placed, ...]) -> None:
        """Keep a booking of which nothing is placed beyond what has begun."""
        record = replace(record, placed=begun)
        self._keep(self._judged(record) if begun else replace(record, state=State.CANCELLED))

    def _deliver(self, event: Event, record: BookingRecord) -> Outcome:
        word = told_by(event)
        placed = record.placed_at(word.start_minute)
        placed_wh = 0 if placed is None else placed.energy_wh
        before = [each for each in record.told if each.start_minute == word.start_minute]
        others = [each for each in record.told if each.start_minute != word.start_minute]
        told = sorted([*others, word], key=lambda each: each.start_minute)
        # What belongs to a month that is over is part of no memory.
        if month_of(word.start_minute, self.market.zone) == self.promises.month:
            # Who books and does not take comes no sooner for it.
            wished_wh = placed_wh - word.not_taken_wh
            self.promises.tell(
                record.group,
                self._terms.get(record.group, Terms()).promise_ppm,
                wished_wh - sum(placed_wh - each.not_taken_wh for each in before),
                word.delivered_wh - sum(each.delivered_wh for each in before),
            )
        self._keep(self._judged(replace(record, told=tuple(told))))
        return Outcome.TAKEN

    def queue(self) -> list[BookingRecord]:
        """Return those who wait, in the order in which they are tried."""
        return sorted((self.known[key] for key in self.waiting), key=self._turn)

    def _turn(self, record: BookingRecord) -> tuple[int, int, int, int]:
        deficit = self.promises.deficit(record.group)
        tier = self._terms.get(record.group, Terms()).tier_ppm
        return -deficit, -tier, record.request.latest_minute, record.number

    def serve_queue(self) -> None:
        """Try those who wait, if anything may have eased since they were last tried."""
        while self._has_eased and self.waiting:
            self._has_eased = False
            for record in self.queue():
                self._try_again(record)
        self._has_eased = False

    def _try_again(self, record: BookingRecord) -> None:
        found = Quote((), Reason.SHORT)
        if record.request.latest_minute * MINUTE_US <= self.begun_us:
            found = Quote((), Reason.WINDOW)
        elif self.forward.knows(record.request.point):
            found = quote(self.forward, record.request, whole=True)
        if found.reason is None:
            self._book(record, found)
        elif found.reason is Reason.WINDOW:
            self._keep(replace(record, state=State.MISSED, reason=found.reason))

    def _forget(self) -> None:
        """Forget, where a month begins, what ended before the month that is over began."""
        zone = self.market.zone
        for record in list(self.known.values()):
            if record.placed and self.promises.is_past(record.placed[-1].start_minute, zone):
                if record.state is State.BOOKED:
                    self._keep(replace(record, state=State.MISSED))
                del self.known[record.key]
