"""Intervals to come as who leads a market keeps them: an outlook for pages, a standing for quotes.

Both are made when an interval ended, law came into force, or something was booked or forecast, as
soon as nothing waits to be taken: prices of now wait for neither. Prices by maximum flow of all
intervals to come take too long for who leads, so of such a market there is no outlook; a quote
makes what it needs.
"""

import json
from dataclasses import dataclass
from typing import Any

from database.bulk import vector_cursor
from market import store
from market.core.events import Kind
from market.core.forward import MINUTE_US, Horizon
from market.core.machine import Cause
from market.core.pricing import Prices
from market.core.state import days_of_law, restore, state_of
from market.course import Batch, Course
from market.law_book import LawBook, Resolve
from market.leading import find_course
from market.moments import moment_of
from market.store import Connection

DUE = (Cause.INTERVAL_END, Cause.RULES)
KEEP = (
    "SELECT market.keep_ahead(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::bigint[], %s::bigint[], "
    "%s::bigint[], %s::jsonb)"
)
STANDING = "SELECT sequence, state FROM market.standing WHERE market = %s"


@dataclass(frozen=True)
class Waiting:
    """Requests of one product that wait for room.

    Attributes:
        energy_wh: of all of them.
        due_minute: the earliest moment at which one must have been served.
    """

    product: str
    requests: int
    energy_wh: int
    due_minute: int

    @property
    def plain(self) -> list[object]:
        """As it is stored."""
        return [self.product, self.requests, self.energy_wh, self.due_minute]


@dataclass(frozen=True, eq=False)
class Outlook:
    """Prices of all holons in the intervals to come, shape (H, T) each, and who waits.

    Attributes:
        waiting: by product, in the order in which their first is tried.
    """

    law: str
    horizon: Horizon
    prices: Prices
    waiting: tuple[Waiting, ...]


def is_due(batch: Batch) -> bool:
    """Whether the intervals to come are others after a batch, or moved on."""
    return (
        bool(batch.bookings)
        or any(each.publication.cause in DUE for each in batch.publications)
        or any(each.logged.event.kind is Kind.FORECAST for each in batch.entries)
    )


def outlook_of(course: Course) -> Outlook | None:
    """Return the intervals to come; None before there is law, and of prices by maximum flow."""
    law, bookings = course.machine.market, course.machine.bookings
    if law is None or bookings is None or law.model.deliverability == "max-flow":
        return None
    forward = bookings.forward
    waiting: dict[str, list[Any]] = {}
    for record in bookings.queue():
        waiting.setdefault(record.request.product, []).append(record.request)
    return Outlook(
        law.digest,
        forward.horizon,
        forward.prices(),
        tuple(
            Waiting(
                product,
                len(requests),
                sum(each.energy_wh for each in requests),
                min(each.latest_minute for each in requests),
            )
            for product, requests in waiting.items()
        ),
    )


def keep(connection: Connection, course: Course, epoch: int) -> None:
    """Keep the intervals to come of a market that is led; nothing where another leads by now."""
    clock_us, state = course.machine.clock_us, _text(course)
    made = outlook_of(course)
    place = [course.market, epoch, course.head.sequence, state]
    if made is None or clock_us is None:
        connection.execute(KEEP, [*place, *[None] * 9])
        return
    horizon, prices = made.horizon, made.prices
    vector_cursor(connection).execute(
        KEEP,
        [
            *place,
            made.law,
            moment_of(clock_us),
            moment_of(horizon.first_minute * MINUTE_US),
            horizon.minutes,
            horizon.count,
            prices.tightness_ppm.ravel(),
            prices.price_micro_per_mwh.ravel(),
            prices.sell_price_micro_per_mwh.ravel(),
            json.dumps([each.plain for each in made.waiting]),
        ],
    )


def quick_course(connection: Connection, market: str, resolve: Resolve) -> Course:
    """Return a market as it was when an interval ended last: what came since is to be followed.

    For who asks, and never for who leads or proves: they go from the opening of the day. What is
    kept is no fact; but a course that goes on from it ends as the log does, or has diverged.
    """
    row = connection.execute(STANDING, [market]).fetchone()
    opening = store.last_opening(connection, market)
    if row is None or opening is None or row[0] < opening.sequence:
        return find_course(connection, market, resolve)
    sequence, state = int(row[0]), json.loads(row[1])
    book = LawBook(resolve)
    for each in store.rules_before(connection, market, sequence + 1, days_of_law(state)):
        book.learn(each)
    head = store.head_before(connection, market, sequence + 1)
    return Course(market, restore(state, book), book, head, opening)


def _text(course: Course) -> str:
    return json.dumps(state_of(course.machine), separators=(",", ":"), sort_keys=True)
