"""A stretch of a market's log taken again by a fresh machine, held to what is stored of it.

Pure: rows come from whoever read them. Outcomes, prices and openings are compared value by value,
and digests only while every value is the same: after the first that is not, all of them are other.
What a market knew when a day ended is all that it knew when the next began, its opening says.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from common.damage import damage
from common.refusals import Finding
from market.core.machine import Publication
from market.core.online import OnlineMarket
from market.core.state import state_of
from market.course import Batch, Course
from market.log import BookingEntry, EventEntry, Opening, PublicationEntry, Submitted
from settlement.core.arrays import Integers

REPLAY = "market-replay"
LIMIT = "a market's log, taken again, gives what is stored of it"
VECTORS = ("holons", "tightness_ppm", "price_micro_per_mwh", "sell_price_micro_per_mwh")
NOTHING = "nothing"

Published = Mapping[int, Sequence[PublicationEntry]]
"""What is stored as published, by the sequence of its batch."""
Booked = Mapping[int, Sequence[BookingEntry]]
"""What is stored as left of bookings, by the sequence of its batch."""
NONE_BOOKED: Booked = MappingProxyType({})


@dataclass
class Replay:
    """A stretch of a log that is taken again, and what came of it.

    Attributes:
        course: of the fresh machine; where it is on the log when all is taken.
        opening: as stored, of the day that the stretch begins; None before there was law.
        events, publications, bookings: how many were compared.
        difference: the first that there is; None where all is as it is stored.
        count: of rows that are not as they are stored.
        has_failed: whether it could not be taken to its end.
        before: the law in force when it began; None where there was none.
        laws: that were in force after its batches, in turn.
    """

    course: Course
    opening: Opening | None
    events: int = 0
    publications: int = 0
    bookings: int = 0
    difference: Finding | None = None
    count: int = 0
    has_failed: bool = False
    before: OnlineMarket | None = field(init=False)
    laws: list[OnlineMarket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = self.course.machine.market

    @property
    def market(self) -> str:
        """Whose log it is."""
        return self.course.market

    def take(
        self, stored: Sequence[EventEntry], published: Published, booked: Booked = NONE_BOOKED
    ) -> None:
        """Take a batch of the log again, and compare what comes of it.

        Args:
            stored: the events of the batch, at least one.
            published: has what is stored as published by it, where anything is.
            booked: has what is stored as left by it of bookings, where anything is.
        """
        batch = self.course.take([Submitted(0, each.logged.event, *each[1:3]) for each in stored])
        self._note_law()
        self.events += len(stored)
        for made, each in zip(batch.entries, stored, strict=True):
            place = f"market.event {self.market} {each.logged.sequence}"
            self._differ(place, event_difference(made, each), made.digest != each.digest)
        self._compare_opening(batch, stored[0].logged.sequence)
        self._compare_published(batch, published.get(stored[0].logged.batch, ()))
        self._compare_bookings(batch, booked.get(stored[0].logged.batch, ()))

    def leave(self, rows: Sequence[PublicationEntry] | Sequence[BookingEntry]) -> None:
        """Name what is stored as left by a batch that there is not."""
        for each in rows:
            table = "booking" if isinstance(each, BookingEntry) else "publication"
            place = f"market.{table} {self.market} {each.sequence}/{each.part}"
            self._differ(place, "it is stored, and no batch begins there")

    def close(self, following: Opening | None) -> None:
        """Hold what the market knows now to the opening of the day that follows, if one does."""
        if following is None:
            return
        made = json.dumps(state_of(self.course.machine), separators=(",", ":"), sort_keys=True)
        place = f"market.opening {self.market} {following.day}"
        self._differ(place, state_difference(following.state, made))

    def fail(self, value: str) -> None:
        """Say why no more of the log can be taken."""
        self.has_failed = True
        last = self.course.head.sequence + 1
        self._differ(f"market.event {self.market} {last}", value)

    def name_damage(self, place: str, value: str) -> None:
        """Name what is stored beside the stretch and cannot be read with it."""
        self._differ(place, value)

    def _compare_opening(self, batch: Batch, sequence: int) -> None:
        stored = self.opening if self.opening and self.opening.sequence == sequence else None
        made = batch.opening
        if made is None or stored is None:
            for each in (made, stored):
                if each is not None:
                    value = f"{_is(stored)} is stored, and {_is(made)} comes of the events"
                    self._differ(f"market.opening {self.market} {each.day}", value)
            return
        differs = _unequal("day", stored.day, made.day)
        differs = differs or state_difference(stored.state, made.state)
        place = f"market.opening {self.market} {stored.day}"
        self._differ(place, differs, made.digest != stored.digest)

    def _compare_published(self, batch: Batch, stored: Sequence[PublicationEntry]) -> None:
        self.publications += len(batch.publications)
        first = batch.entries[0].logged.sequence
        for part, (made, each) in enumerate(zip_longest(batch.publications, stored), start=1):
            place = f"market.publication {self.market} {first}/{part}"
            if made is None or each is None:
                self._differ(place, _alone(is_stored=made is None))
                continue
            value = publication_difference(made, each, self._holon_name)
            self._differ(place, value, made.digest != each.digest)

    def _compare_bookings(self, batch: Batch, stored: Sequence[BookingEntry]) -> None:
        self.bookings += len(batch.bookings)
        first = batch.entries[0].logged.sequence
        for part, (made, each) in enumerate(zip_longest(batch.bookings, stored), start=1):
            place = f"market.booking {self.market} {first}/{part}"
            if made is None or each is None:
                self._differ(place, _alone(is_stored=made is None))
                continue
            value = _unequal("part", each.part, made.part)
            value = value or _unequal("participant", each.participant, made.participant)
            value = value or state_difference(each.record, made.record)
            self._differ(place, value, made.digest != each.digest)

    def _holon_name(self, holon: int) -> str:
        machine = self.course.machine
        # What is ex post of a day under other law may have other holons: there a number is enough.
        is_one_law = machine.grid is not None and len(machine.ex_post.law) == 1
        names = machine.grid.holons.names if machine.grid is not None and is_one_law else ()
        return " ".join(names[holon]) if 0 <= holon < len(names) else f"holon {holon}"

    def _note_law(self) -> None:
        law = self.course.machine.market
        if law is not None and (not self.laws or self.laws[-1] is not law):
            self.laws.append(law)

    def _differ(self, place: str, value: str | None, has_other_digest: bool = False) -> None:
        if value is None and has_other_digest and self.difference is None:
            value = "its columns, and the row before it, give another digest"
        if value is None:
            return
        self.count += 1
        self.difference = self.difference or damage(REPLAY, place, value, limit=LIMIT)


def event_difference(made: EventEntry, stored: EventEntry) -> str | None:
    """Return what of an event came out otherwise; None where nothing did."""
    for name in ("sequence", "batch", "outcome"):
        value = _unequal(name, getattr(stored.logged, name), getattr(made.logged, name))
        if value:
            return value
    return None


def publication_difference(
    made: PublicationEntry, stored: PublicationEntry, named: Callable[[int], str]
) -> str | None:
    """Return what of a publication came out otherwise; None where nothing did.

    Args:
        made: by the machine.
        stored: in its place.
        named: gives the name of a holon by its index.
    """
    now, then = made.publication, stored.publication
    pairs = {
        "part": (stored.part, made.part),
        "day": (stored.day, made.day),
        "law": (then.law, now.law),
        "cause": (then.cause.value, now.cause.value),
        "at": (then.at_us, now.at_us),
    }
    for name, pair in pairs.items():
        value = _unequal(name, *pair)
        if value:
            return value
    for name in VECTORS:
        was, is_now = (_vector(each, name) for each in (then, now))
        for place, (one, other) in enumerate(zip_longest(was, is_now)):
            if one != other:
                holon = then.holons[place] if place < len(then.holons) else now.holons[place]
                return _unequal(f"{name} of {named(int(holon))}", one, other)
    return None


def _vector(publication: Publication, name: str) -> list[int]:
    values: Integers = getattr(publication if name == "holons" else publication.prices, name)
    found: list[int] = values.tolist()
    return found


def state_difference(stored: str, made: str) -> str | None:
    """Return the first value of two states, as text, that is not the same; None where all are."""
    if stored == made:
        return None
    try:
        was = json.loads(stored)
    except ValueError:
        return "it cannot be read"
    for path, one, other in _differences(was, json.loads(made), ""):
        return _unequal(path, one, other)
    return "it says the same, written otherwise"


def _differences(stored: Any, made: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(stored, dict) and isinstance(made, dict):
        for name in sorted(stored.keys() | made.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _differences(stored.get(name), made.get(name), inner)
    elif isinstance(stored, list) and isinstance(made, list):
        for place, (one, other) in enumerate(zip_longest(stored, made)):
            yield from _differences(one, other, f"{path}[{_name_of(other or one, place)}]")
    # 1 and True, and 1 and 1.0, are equal, and not the same text.
    elif type(stored) is not type(made) or stored != made:
        yield path, stored, made


def _name_of(value: Any, place: int) -> str:
    """Return by what an element of a list is told: a booking by its key, another by its place."""
    return str(value["key"]) if isinstance(value, dict) and "key" in value else str(place)


def _unequal(name: str, stored: object, made: object) -> str | None:
    if stored == made and type(stored) is type(made):
        return None
    return f"{name}: {_shown(stored)} is stored, and {_shown(made)} comes of the events"


def _shown(value: object) -> str:
    text = NOTHING if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _alone(*, is_stored: bool) -> str:
    there, absent = ("stored", "made of the events")[:: 1 if is_stored else -1]
    return f"it is {there}, and not {absent}"


def _is(opening: Opening | None) -> str:
    return "no opening" if opening is None else "an opening"
