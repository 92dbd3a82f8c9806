"""A market's machine on its way along the log: what the next batch makes, and whether it did.

Who leads a market and who follows, a replay and a proof all go this way; so what is appended, and
what it is compared with, are made by the same lines. Pure but for the law, which is asked for.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.damage import damage
from common.refusals import Finding
from market.core.booking_records import BookingRecord
from market.core.bookings_state import record_text
from market.core.events import Kind, Logged
from market.core.machine import MOST_AHEAD_US, MOST_EARLY_US, Machine, Publication
from market.core.state import restore, state_of
from market.law_book import LawBook, Resolve
from market.log import (
    BookingEntry,
    EventEntry,
    Head,
    Opening,
    PublicationEntry,
    Submitted,
    booking_digest,
    event_digest,
    opening_digest,
    publication_digest,
)
from market.moments import local_day, microseconds_of, midnight_us


class Batch(NamedTuple):
    """What comes of events that are taken together.

    `opening` is what the market knew before them, where a local day begins with them.
    """

    entries: list[EventEntry]
    publications: list[PublicationEntry]
    bookings: list[BookingEntry]
    opening: Opening | None


class Diverged(Exception):
    """A log does not come out as it is stored when its events are taken again."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


@dataclass
class Course:
    """A market between two batches.

    Attributes:
        market: its name.
        machine: as it is after the last event of the log up to `head`.
        head: where on the log it is.
        opened: the opening of the day that it is in; None before there was law.
    """

    market: str
    machine: Machine
    book: LawBook
    head: Head
    opened: Opening | None

    @classmethod
    def begin(cls, market: str, resolve: Resolve) -> "Course":
        """Return a market to which nothing happened."""
        book = LawBook(resolve)
        return cls(market, Machine(book), book, Head(), None)

    @classmethod
    def resume(
        cls,
        market: str,
        resolve: Resolve,
        opening: Opening,
        before: Head,
        rules: Sequence[Submitted],
    ) -> "Course":
        """Return a market as it was when a day began.

        Args:
            market: its name.
            resolve: gives law.
            opening: of the day.
            before: where the log was then.
            rules: the events by which the law came into force that was known then.
        """
        book = LawBook(resolve)
        for each in rules:
            book.learn(each)
        # The batch that began the day is to come: it makes the opening again, of what it was made.
        return cls(market, restore(json.loads(opening.state), book), book, before, None)

    def together(self, pending: Sequence[Submitted]) -> Sequence[Submitted]:
        """Return the events that are taken next: those before an interval, a tick or a day ends.

        So what is told of an interval moves prices within it, however much waits: taken with what
        is told after its end, it would move them then. And a day begins with a batch, so what was
        known before it is known for the whole day. Law is the end of its batch: before the first,
        nobody knows where either begins, and each event that names law is held to that of its day.
        """
        kinds = [each.event.kind for each in pending]
        if Kind.RULES in kinds:
            pending = pending[: kinds.index(Kind.RULES) + 1]
        law, clock_us = self.machine.market, self.machine.clock_us
        if law is None or clock_us is None:
            return pending
        end_us = min(law.step_end_us(clock_us), self._day_ends_us or clock_us + MOST_AHEAD_US)
        for place, each in enumerate(pending):
            if self._reaches(each, end_us):
                if place:
                    return pending[:place]
                at_us = each.event.at_us
                midnight = midnight_us(local_day(at_us, law.zone), law.zone, days=1)
                end_us = min(law.step_end_us(at_us), midnight)
        return pending

    def take(self, batch: Sequence[Submitted]) -> Batch:
        """Take events together, and return what is to be appended; at least one."""
        first, state = self.head.sequence + 1, self._state_before(batch)
        self.book.open_for(batch)
        taken = self.machine.take(
            [each.event for each in batch], [microseconds_of(each.submitted_at) for each in batch]
        )
        entries, event_end = [], self.head.event_digest
        for sequence, (each, outcome) in enumerate(zip(batch, taken.outcomes, strict=True), first):
            logged = Logged(sequence, first, each.event, outcome)
            event_end = event_digest(
                event_end, self.market, logged, each.submitted_at, each.submitted_by
            )
            entries.append(EventEntry(logged, each.submitted_at, each.submitted_by, event_end))
        before = self.head.publication_digest
        opening = self._opening(before, first, state)
        if opening is not None:
            self.opened, before = opening, opening.digest
        publications = self._published(before, first, taken.publications)
        before = publications[-1].digest if publications else before
        bookings = self._booked(before, first, taken.booking_records)
        end = bookings[-1].digest if bookings else before
        self.head = Head(entries[-1].logged.sequence, event_end, end)
        return Batch(entries, publications, bookings, opening)

    def follow(self, entries: Sequence[EventEntry]) -> Batch:
        """Take a batch of the log again.

        Raises:
            Diverged: something else comes of it than is stored.
        """
        batch = self.take([Submitted(0, each.logged.event, *each[1:3]) for each in entries])
        for made, stored in zip(batch.entries, entries, strict=True):
            if made != stored:
                place = f"market.event {self.market} {stored.logged.sequence}"
                raise Diverged(damage("market-event", place, _said(made, stored)))
        return batch

    def _published(
        self, before: bytes, sequence: int, publications: Sequence[Publication]
    ) -> list[PublicationEntry]:
        entries: list[PublicationEntry] = []
        law = self.machine.market
        for part, publication in enumerate(publications, start=1):
            assert law is not None, "prices are published by law"
            day = local_day(publication.at_us, law.zone)
            before = publication_digest(before, self.market, sequence, part, day, publication)
            entries.append(PublicationEntry(sequence, part, day, publication, before))
        return entries

    def _booked(
        self, before: bytes, sequence: int, records: Sequence[BookingRecord]
    ) -> list[BookingEntry]:
        entries: list[BookingEntry] = []
        for part, record in enumerate(records, start=1):
            said = (record.participant, record_text(record))
            before = booking_digest(before, self.market, sequence, part, *said)
            entries.append(BookingEntry(sequence, part, *said, before))
        return entries

    @property
    def _day_ends_us(self) -> int | None:
        law = self.machine.market
        if law is None or self.opened is None:
            return None
        return midnight_us(self.opened.day, law.zone, days=1)

    def _reaches(self, each: Submitted, end_us: int) -> bool:
        """Whether an event may move the clock to a moment, by what is known before its batch."""
        at_us, ahead_us = each.event.at_us, each.event.at_us - (self.machine.clock_us or 0)
        if each.event.kind is Kind.UNREADABLE or at_us < end_us:
            return False
        if at_us > microseconds_of(each.submitted_at) + MOST_EARLY_US:
            return False
        return each.event.kind is Kind.CLOCK or ahead_us <= MOST_AHEAD_US

    def _state_before(self, batch: Sequence[Submitted]) -> str | None:
        """Return what is known, as text, where another day may begin with a batch."""
        end_us = self._day_ends_us
        if end_us is None or any(each.event.at_us >= end_us for each in batch):
            return json.dumps(state_of(self.machine), separators=(",", ":"), sort_keys=True)
        return None

    def _opening(self, before: bytes, first: int, state: str | None) -> Opening | None:
        """Return the opening of the day that a batch began, where it did and there is law."""
        law, clock_us = self.machine.market, self.machine.clock_us
        if state is None or law is None or clock_us is None:
            return None
        day = local_day(clock_us, law.zone)
        if self.opened is not None and day <= self.opened.day:
            return None
        return Opening(day, first, state, opening_digest(before, self.market, day, first, state))


def _said(made: EventEntry, stored: EventEntry) -> str:
    now, then = made.logged.outcome.value, stored.logged.outcome.value
    return f"it is stored as {then}, and taken again it is {now}" if now != then else "its digest"
