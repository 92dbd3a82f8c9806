"""What a market online hands over of a local day: a fact of its own, which runs are pinned to.

Its content is one canonical JSON text: who booked what, and the mean published price of every node
in every interval. A run knows the last revision that was recorded up to its look. The digest of its
content is among the inputs of the run where the law of the day is online and something in it
counts: a booking, or published prices that are charged. So every other run keeps its digest.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from common.refusals import Finding, Refused
from ledger.chain import encode
from ledger.tree import leaf_hash
from rulebook.digest import canonical_bytes
from rulebook.resolve import RuleSet
from settlement.core.arrays import Flags, Integers
from settlement.core.booked import PUBLISHED, Booked, OnlineDay
from settlement.core.model import MarketModel

CONTENT_TAG = "tallystick.online-day.1"
ROW_TAG = "tallystick.online-day-row.1"
BUY, SELL = "buy", "sell"
MAY_BE_NONE = ("given_back", "let_go")
"""What a booking says only where there is any."""


class HandedPlace(NamedTuple):
    """What is booked in an interval of the day, by its index from 0."""

    interval: int
    energy_wh: int
    price_micro_per_mwh: int


class HandedBack(NamedTuple):
    """What was given back in an interval of the day, by its index from 0, of what was to come.

    Attributes:
        fall_micro_per_mwh: of its price since it was booked, above 0; of a sale its rise.
    """

    interval: int
    energy_wh: int
    fall_micro_per_mwh: int


class HandedBooking(NamedTuple):
    """A booking of which anything is placed on the day, or was, or is owed at once.

    Attributes:
        number, key: of its request; `key` is what the market calls it.
        participant: whose request it was.
        side: `BUY` or `SELL`.
        placed: in the order of the intervals, each once.
        given_back: in the order in which it was.
        let_go: what was placed and is not any more, in the order in which it was let go.
    """

    number: int
    key: str
    participant: str
    point: str
    side: str
    placed: tuple[HandedPlace, ...]
    given_back: tuple[HandedBack, ...] = ()
    let_go: tuple[HandedPlace, ...] = ()


@dataclass(frozen=True, eq=False)
class HandedDay:
    """What is said of a day of T intervals.

    Attributes:
        nodes: N names, sorted.
        is_published: shape (T,), whether the price is known from end to end.
        published, published_sell: shape (N, T), micro per MWh; 0 where it is not known.
        bookings: by their number.
    """

    market: str
    day: dt.date
    interval_minutes: int
    nodes: tuple[str, ...]
    is_published: Flags
    published: Integers
    published_sell: Integers
    bookings: tuple[HandedBooking, ...]

    @property
    def says_anything(self) -> bool:
        """Whether any price is known, or anything booked."""
        return bool(self.bookings) or bool(self.is_published.any())

    @property
    def content(self) -> str:
        """The canonical text of it."""
        return canonical_bytes(
            {
                "market": self.market,
                "day": self.day.isoformat(),
                "interval_minutes": str(self.interval_minutes),
                "published": "".join("01"[flag] for flag in self.is_published.tolist()),
                "price_micro_per_mwh": self._by_node(self.published),
                "sell_price_micro_per_mwh": self._by_node(self.published_sell),
                "bookings": [_booking_json(each) for each in self.bookings],
            }
        ).decode()

    def _by_node(self, prices: Integers) -> dict[str, str]:
        return {
            node: " ".join(map(str, row))
            for node, row in zip(self.nodes, prices.tolist(), strict=True)
        }


def _booking_json(booking: HandedBooking) -> dict[str, Any]:
    said = {
        **booking._asdict(),
        "number": str(booking.number),
        "placed": _texts(booking.placed),
        "given_back": _texts(booking.given_back),
        "let_go": _texts(booking.let_go),
    }
    return {name: value for name, value in said.items() if value or name not in MAY_BE_NONE}


def _texts(rows: Iterable[tuple[int, int, int]]) -> list[list[str]]:
    return [list(map(str, row)) for row in rows]


def handed_day(content: str) -> HandedDay:
    """Return what the content of a hand-over says.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    said = json.loads(content)
    flags = np.array([letter == "1" for letter in said["published"]], dtype=np.bool_)
    nodes = tuple(sorted(said["price_micro_per_mwh"]))
    return HandedDay(
        said["market"],
        dt.date.fromisoformat(said["day"]),
        int(said["interval_minutes"]),
        nodes,
        flags,
        _rows(said["price_micro_per_mwh"], nodes, len(flags)),
        _rows(said["sell_price_micro_per_mwh"], nodes, len(flags)),
        tuple(
            HandedBooking(
                int(each["number"]),
                each["key"],
                each["participant"],
                each["point"],
                each["side"],
                tuple(HandedPlace(*map(int, place)) for place in each["placed"]),
                tuple(HandedBack(*map(int, back)) for back in each.get("given_back", ())),
                tuple(HandedPlace(*map(int, place)) for place in each.get("let_go", ())),
            )
            for each in said["bookings"]
        ),
    )


def _rows(by_node: Mapping[str, str], nodes: Sequence[str], intervals: int) -> Integers:
    rows = [[int(price) for price in by_node[node].split()] for node in nodes]
    return np.array(rows, dtype=np.int64).reshape(len(nodes), intervals)


@dataclass(frozen=True)
class StoredOnlineDay:
    """A revision of what a market handed over of a day.

    Attributes:
        revision: from 1.
        sequence: the last event of the market's log that it rests on.
        recorded_at: when it was handed over: runs that look from then on know it.
    """

    market: str
    day: dt.date
    revision: int
    sequence: int
    content: str
    recorded_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """Digest over every column of the row."""
        fields = (self.market, self.day, self.revision, self.sequence, self.content)
        return leaf_hash(encode(ROW_TAG, (*fields, self.recorded_at)))

    @property
    def input_digest(self) -> bytes:
        """The leaf of a run's inputs: of what is said, whichever revision says it."""
        return leaf_hash(encode(CONTENT_TAG, [self.content.encode()]))

    @cached_property
    def said(self) -> HandedDay:
        """What its content says."""
        return handed_day(self.content)

    def counts_in(self, rules: RuleSet) -> bool:
        """Whether anything that it says moves money by the law of the day."""
        online = rules.market_rules.online
        return online is not None and (
            online.charged_price == PUBLISHED or bool(self.said.bookings)
        )

    def is_of(self, model: MarketModel, intervals: int) -> bool:
        """Whether it says of intervals as long and as many as the day has by its law."""
        said = self.said
        return said.interval_minutes == model.interval_minutes and (
            len(said.is_published) == intervals
        )

    def of_model(self, model: MarketModel, intervals: int) -> OnlineDay:
        """Return what it says in the order of a market's nodes and supply points.

        A node of which nothing was published, as other law was in force when it was, has no price
        known; a booking of a supply point that the law of the day does not know settles nothing.

        Raises:
            Refused: the day has intervals of another length by the law that it settles by.
        """
        if not self.is_of(model, intervals):
            raise Refused([self._of_other_intervals(model.interval_minutes)])
        said = self.said
        row = {node: place for place, node in enumerate(said.nodes)}
        is_known = set(model.grid.nodes) <= row.keys()
        places = [row[node] for node in model.grid.nodes] if is_known else []
        nothing = np.zeros((len(model.grid.nodes), intervals), dtype=np.int64)
        points = {point: place for place, point in enumerate(model.supply_points)}
        return OnlineDay(
            said.published[places] if is_known else nothing,
            said.published_sell[places] if is_known else nothing,
            said.is_published & is_known,
            tuple(
                _booked(each, points[each.point], intervals)
                for each in said.bookings
                if each.point in points
            ),
        )

    def _of_other_intervals(self, minutes: int) -> Finding:
        return Finding(
            "online-day-of-other-intervals",
            f"settlement.online_day {self.market} {self.day} revision {self.revision}",
            f"intervals of {self.said.interval_minutes} minutes",
            f"by the law that the day settles by they are of {minutes} minutes",
            "settle the day with `manage.py settle`, which hands it over again by the law in force",
        )


def _booked(booking: HandedBooking, point: int, intervals: int) -> Booked:
    energy, price = np.zeros((2, intervals), dtype=np.int64)
    for place in booking.placed:
        energy[place.interval], price[place.interval] = place[1:]
    owed: dict[int, int] = {}
    for interval, wh, fall in booking.given_back:
        owed[interval] = owed.get(interval, 0) + wh * fall
    let_go: dict[int, tuple[tuple[int, int], ...]] = {}
    for interval, wh, price_of_it in booking.let_go:
        let_go[interval] = (*let_go.get(interval, ()), (wh, price_of_it))
    return Booked(booking.number, point, booking.side == SELL, energy, price, owed, let_go)
