"""Rows that whoever runs a market writes of what happened, as the events that it is told.

They are what instruments, meters and forecasters say, and the course of time and law. What is asked
for at a supply point is the act of its supplier, and what a booking delivered says its settlement:
rows of these are refused.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from common.refusals import Finding, shown
from market.core.events import Event, Kind
from market.core.ex_post import LEAST, MOST_REVISION
from market.core.grid_state import MOST_W
from market.core.online import OnlineMarket
from market.moments import (
    EARLIEST_US,
    LATEST_US,
    local_day,
    microseconds_of,
    midnight_us,
    moment_of,
)
from market.told_rows import FIELDS, Row
from settlement.meters.register import AVAILABLE, DEMAND

LawOf = Callable[[dt.date], OnlineMarket | None]
"""The law of a day, as it is known now; None where there is none, or none with a market online."""

SAYS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.CLOCK: (),
        Kind.RULES: (),
        Kind.AVAILABILITY: ("entity", "power_w"),
        Kind.OUTAGE: ("entity",),
        Kind.RETURN: ("entity",),
        Kind.LINE_RATING: ("entity", "rating_w", "reverse_rating_w"),
        Kind.DEMAND: ("entity", "power_w"),
        Kind.READING: ("entity", "interval_start", "measure", "value"),
        Kind.FORECAST: ("entity", "interval_start", "power_w"),
    }
)
"""The fields of each kind beside `at` and `kind`, each of which it needs."""
MAY_SAY: Mapping[Kind, tuple[str, ...]] = MappingProxyType({Kind.READING: ("quality", "revision")})
NUMBERS = frozenset({"power_w", "rating_w", "reverse_rating_w", "value", "revision"})
MOMENTS = frozenset({"at", "interval_start"})
INSTANT_FORM = "write it as 2024-03-01T09:00Z, with its offset from UTC"
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_US_PER_MINUTE = 60_000_000


@dataclass(frozen=True)
class ToldEvent:
    """An event, and the row that says it."""

    place: str
    event: Event


def told_events(rows: list[Row], law_of: LawOf) -> tuple[list[ToldEvent], list[Finding]]:
    """Return the events that rows say, in their order, and what is wrong with the others.

    Args:
        law_of: tells whose local days the events are of, and which law a `rules` event names.
    """
    told, findings = [], []
    reader = _Reader(cache(law_of))
    for row in rows:
        event, wrong = reader.read(row)
        if event is not None:
            told.append(ToldEvent(row.place, event))
        findings += wrong
    return told, findings


@dataclass
class _Reader:
    law_of: LawOf

    def read(self, row: Row) -> tuple[Event | None, list[Finding]]:
        """Return the event of a row; none where there is something wrong with its fields."""
        kind, wrong = _kind_of(row)
        if kind is None:
            return None, wrong
        wrong += _misplaced(row, kind)
        read: dict[str, object] = {}
        for name, value in row.fields.items():
            if name in FIELDS and name != "kind":
                read[name], found = _read(row.place, name, value)
                wrong += found
        if not wrong:
            wrong += _listed(row.place, kind, read)
        return (None, wrong) if wrong else self._event(row, kind, read)

    def _event(
        self, row: Row, kind: Kind, read: Mapping[str, object]
    ) -> tuple[Event | None, list[Finding]]:
        """Return the event of a row, unless its numbers are such that no market reads it.

        Its key would be of an event that moves nothing, and what corrects it would need another.
        """
        event, wrong = self._written(row, kind, read)
        if event is not None and (law := self.law_of(event.day)) is not None:
            wrong = [*_beyond(row, kind, read, law), *_early(row, event, law)]
        return (None, wrong) if wrong else (event, [])

    def _written(
        self, row: Row, kind: Kind, read: Mapping[str, object]
    ) -> tuple[Event | None, list[Finding]]:
        at_us, entity = _int(read["at"]), str(read.get("entity", ""))
        start_us = _int(read.get("interval_start", at_us))
        key = str(read.get("key", "")) or _key(kind, read)
        of_us = start_us if kind is Kind.READING else at_us
        day = self._day_of(of_us)
        if day is None:
            return None, [_offline(row.place, of_us)]
        law = self.law_of(day)
        assert law is not None
        event = Event(day, key, kind, entity, at_us)
        if kind is Kind.RULES:
            return replace(event, words=(law.digest,)), []
        if kind is Kind.READING:
            return self._reading(row, event, read, law)
        if kind is Kind.FORECAST:
            minute, rest_us = divmod(start_us, _US_PER_MINUTE)
            if rest_us or not law.is_interval_end(start_us):
                return None, [_no_interval(row, law)]
            return replace(event, numbers=(minute, *_ints(read["power_w"]))), []
        numbers = [_ints(read[name])[0] for name in SAYS[kind] if name in NUMBERS]
        return replace(event, numbers=tuple(numbers)), []

    def _reading(
        self, row: Row, event: Event, read: Mapping[str, object], law: OnlineMarket
    ) -> tuple[Event | None, list[Finding]]:
        since_us = _int(read["interval_start"]) - midnight_us(event.day, law.zone)
        interval, rest_us = divmod(since_us, law.interval_us)
        if rest_us:
            return None, [_no_interval(row, law)]
        if read["measure"] not in (AVAILABLE, DEMAND):
            value, limit = shown(read["measure"]), f"{AVAILABLE} or {DEMAND}: prices rest on these"
            return None, [Finding("event-measure", row.place, value, limit, "leave the row out")]
        revision = _ints(read.get("revision", (0,)))[0]
        numbers = (interval, revision, _ints(read["value"])[0])
        words = (str(read["measure"]), str(read.get("quality", "measured")))
        return replace(event, numbers=numbers, words=words), []

    def _day_of(self, at_us: int) -> dt.date | None:
        """Return the local day of a moment; None where no law of a market online is of it."""
        if not EARLIEST_US <= at_us < LATEST_US:
            return None
        utc_day = local_day(at_us, "UTC")
        for days in (0, 1, -1):
            day = utc_day + dt.timedelta(days=days)
            law = self.law_of(day)
            if law is not None and local_day(at_us, law.zone) == day:
                return day
        return None


def _kind_of(row: Row) -> tuple[Kind | None, list[Finding]]:
    said = row.fields.get("kind")
    kinds = [kind.value for kind in SAYS]
    if isinstance(said, str) and said in kinds:
        return Kind(said), []
    remedy = "correct the kind"
    if said in (Kind.REQUEST, Kind.CHANGE, Kind.CANCEL):
        remedy = f"let the supplier of the point ask, by `market {said}`"
    elif said == Kind.DELIVERY:
        remedy = "leave it out: settlement tells the market what was delivered"
    limit = f"one of {', '.join(kinds)}"
    return None, [Finding("event-kind", row.place, shown(said), limit, remedy)]


def _misplaced(row: Row, kind: Kind) -> list[Finding]:
    """Find fields that an event of its kind lacks, or does not have."""
    needed = ("at", *SAYS[kind])
    allowed = {*needed, *MAY_SAY.get(kind, ()), "kind", "key"}
    limit = f"an event of the kind {kind} says {', '.join(needed)}"
    found = [
        Finding("event-field", row.place, f"no {name}", limit, f"write {name}")
        for name in needed
        if name not in row.fields
    ]
    return found + [
        Finding("event-field", row.place, f"{name} {shown(value)}", limit, f"leave {name} out")
        for name, value in row.fields.items()
        if name in FIELDS and name not in allowed
    ]


def _read(place: str, name: str, value: object) -> tuple[object, list[Finding]]:
    """Return what a field says: a moment in microseconds, whole numbers, or a text."""
    if name in MOMENTS:
        at_us = _moment(value)
        limit = "an instant with its offset from UTC"
        wrong = [Finding("event-moment", place, shown(value), f"{name} is {limit}", INSTANT_FORM)]
        return (at_us, []) if at_us is not None else (None, wrong)
    if name in NUMBERS:
        listed = value if isinstance(value, list) else [value]
        if isinstance(value, str):
            listed = value.split()
        numbers = [_whole(each) for each in listed]
        if numbers and None not in numbers:
            return numbers, []
        limit, remedy = f"{name} is a whole number", "write digits alone"
        return None, [Finding("event-number", place, shown(value), limit, remedy)]
    if isinstance(value, str):
        return value, []
    limit, remedy = f"{name} is a text", "write it in quotes"
    return None, [Finding("event-text", place, shown(value), limit, remedy)]


def _listed(place: str, kind: Kind, read: Mapping[str, object]) -> Iterator[Finding]:
    """Find several numbers where one is asked for; a forecast may be of several intervals."""
    for name in NUMBERS & read.keys():
        numbers = _ints(read[name])
        if len(numbers) > 1 and kind is not Kind.FORECAST:
            limit, remedy = f"{name} is one whole number", "write one"
            yield Finding("event-number", place, f"{len(numbers):,} numbers", limit, remedy)


def _beyond(
    row: Row, kind: Kind, read: Mapping[str, object], law: OnlineMarket
) -> Iterator[Finding]:
    """Find numbers below the least or above the most that a market reads of their kind."""
    is_of_unit = kind is Kind.FORECAST and read["entity"] in law.model.units
    least = 0 if kind in (Kind.AVAILABILITY, Kind.LINE_RATING) or is_of_unit else -MOST_W
    if kind is Kind.READING:
        least = LEAST[str(read["measure"])]
    for name in sorted(NUMBERS & read.keys()):
        low, high = (0, MOST_REVISION) if name == "revision" else (least, MOST_W)
        for number in _ints(read[name]):
            if not low <= number <= high:
                limit = f"{name} of this kind is from {low:,} to {high:,}"
                yield Finding("event-range", row.place, f"{number}", limit, "correct the number")


def _early(row: Row, event: Event, law: OnlineMarket) -> Iterator[Finding]:
    """Find a reading of an interval that had not ended at the moment at which it was told."""
    if event.kind is not Kind.READING:
        return
    begins_us = midnight_us(event.day, law.zone) + event.numbers[0] * law.interval_us
    if event.at_us < begins_us + law.interval_us:
        yield Finding(
            "event-early",
            row.place,
            shown(row.fields["at"]),
            f"a reading is told once its interval, of {law.model.interval_minutes} minutes, ended",
            "tell it at the end of its interval, or later",
        )


def _moment(value: object) -> int | None:
    try:
        moment = dt.datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else microseconds_of(moment)


def _whole(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _ints(value: object) -> tuple[int, ...]:
    assert isinstance(value, list | tuple)
    return tuple(value)


def _key(kind: Kind, read: Mapping[str, object]) -> str:
    """Return a key by what an event is about and when: a file that is told again is told once."""
    parts: list[str] = [kind, str(read.get("entity", ""))]
    for name in ("at", "interval_start"):
        if name in read:
            at_us = _int(read[name])
            is_counted = EARLIEST_US <= at_us < LATEST_US
            parts.append(moment_of(at_us).isoformat() if is_counted else str(at_us))
    parts += [str(read[name]) for name in ("measure",) if name in read]
    parts += [str(_ints(read[name])[0]) for name in ("revision",) if name in read]
    return ":".join(parts)


def _offline(place: str, at_us: int) -> Finding:
    is_counted = EARLIEST_US <= at_us < LATEST_US
    return Finding(
        "market-not-online",
        place,
        f"{moment_of(at_us):%Y-%m-%dT%H:%MZ}" if is_counted else "a moment beyond every law",
        "a moment of a day whose market rules have the part `online`",
        "correct the moment, or publish such rules for its day",
    )


def _no_interval(row: Row, law: OnlineMarket) -> Finding:
    return Finding(
        "interval-start",
        row.place,
        shown(row.fields["interval_start"]),
        f"an interval begins there, of {law.model.interval_minutes} minutes from local midnight",
        "write the first moment of an interval",
    )
