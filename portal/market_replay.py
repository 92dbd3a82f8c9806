"""A day of a market's log, taken again for a command: what differs, and how two series compare."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from common.quantities import plural
from common.refusals import Finding, Refused
from database.bulk import driver_connection
from database.session import snapshot
from market import stored_rows
from market.core.online import OnlineMarket
from market.core.pricing import Holons
from market.day_series import DaySeries, day_series
from market.law_of_days import law_in
from market.replay import Replay
from market.replaying import UNTAKEABLE, Progress, Stretch, replay, stretches
from market.store import Connection
from portal.study_figures import money
from rulebook.law import rules_at
from settlement.core.arrays import Flags, Integers


class ReplayedDay(NamedTuple):
    """What came of taking a day again.

    Attributes:
        day: by the market's clock.
        stretch: of the log.
        replayed: what differs.
        series: None where law of other holons came into force while it ran, or nothing could be
            taken.
        currency: of its prices.
    """

    day: dt.date
    stretch: Stretch
    replayed: Replay
    series: DaySeries | None
    currency: str


def replay_day(market: str, day: dt.date, progress: Progress, *, now: dt.datetime) -> ReplayedDay:
    """Take a day of a market's log again.

    Raises:
        Refused: the market's clock did not begin that day (`market-day-unknown`).
    """
    with snapshot() as session:
        connection = driver_connection(session)
        found = {
            each.opening.day: each
            for each in stretches(connection, market)
            if each.opening is not None
        }
        if day not in found:
            raise Refused([_unknown_day(market, day, sorted(found))])
        replayed = replay(connection, market, law_in(session, market), found[day], progress)
        series = None
        if not replayed.has_failed:
            series = _series_or_damage(connection, replayed, found[day])
        currency = rules_at(session, market, day, now).market_rules.currency
        return ReplayedDay(day, found[day], replayed, series, currency)


def _unknown_day(market: str, day: dt.date, days: list[dt.date]) -> Finding:
    return Finding(
        "market-day-unknown",
        f"{market} {day}",
        "no event of its log was on that day",
        f"a day from {days[0]} to {days[-1]} on which there was one" if days else "a day of a log",
        "choose another day" if days else "lead the market with `market run`, and feed it a day",
    )


def _series_or_damage(
    connection: Connection, replayed: Replay, stretch: Stretch
) -> DaySeries | None:
    """Return both series of a day; where what is stored makes none, that is a difference too.

    Of a day is published what the stretch of a later one priced ex post: no replay of this day's
    came by it.
    """
    try:
        return _series(connection, replayed, stretch)
    except UNTAKEABLE as unreadable:
        place = f"market.publication {replayed.market} of {stretch.opening and stretch.opening.day}"
        replayed.name_damage(place, f"no series comes of what is stored: {unreadable}")
        return None


def _series(connection: Connection, replayed: Replay, stretch: Stretch) -> DaySeries | None:
    law, opening = replayed.course.machine.market, stretch.opening
    if law is None or opening is None:
        return None
    names = Holons(law.model).names
    if any(Holons(each.model).names != names for each in replayed.laws):
        return None
    published = []
    of_day = stored_rows.publications_of_day(connection, replayed.market, opening.day)
    for (sequence, part), entry in of_day:
        if entry is None:
            place = f"market.publication {replayed.market} {sequence}/{part}"
            replayed.name_damage(place, "it says nothing that a market's log can say")
        else:
            published.append(entry)
    return day_series(
        opening.day,
        law,
        _prices_before(opening.state, replayed.before, names),
        [each.publication for each in published],
        # The event that ends a day begins the next: until then the last price held.
        replayed.course.machine.clock_us if stretch.following is None else None,
    )


def _prices_before(
    state: str, law: OnlineMarket | None, names: tuple[tuple[str, str], ...]
) -> Integers | None:
    said = json.loads(state)["published"]
    if said is None or law is None or Holons(law.model).names != names:
        return None
    return np.array(said["price_micro_per_mwh"], dtype=np.int64)


def as_json(outcome: ReplayedDay) -> Any:
    """Return what came of a day as plain values, both series of it among them."""
    replayed, series = outcome.replayed, outcome.series
    difference = replayed.difference
    bookings = replayed.course.machine.bookings
    return {
        "market": replayed.market,
        "day": outcome.day,
        "first_sequence": outcome.stretch.first,
        "last_sequence": outcome.stretch.last,
        "events": replayed.events,
        "publications": replayed.publications,
        "bookings": 0 if bookings is None else len(bookings.known),
        "is_closed": outcome.stretch.following is not None,
        "event_digest": replayed.course.head.event_digest,
        "publication_digest": replayed.course.head.publication_digest,
        "is_same": difference is None,
        "different_rows": replayed.count,
        "first_difference": difference and difference.as_dict(),
        "apart": None if series is None else [each._asdict() for each in series.apart()],
        "series": None if series is None else _series_json(series),
    }


def _series_json(series: DaySeries) -> Any:
    return [
        {
            "layer": layer,
            "name": name,
            "published_micro_per_mwh": _known(series.published[row], series.is_published),
            "ex_post_micro_per_mwh": _known(series.ex_post[row], series.is_ex_post),
        }
        for row, (layer, name) in enumerate(series.names)
    ]


def _known(prices: Integers, is_known: Flags) -> list[int | None]:
    return [
        price if known else None
        for price, known in zip(prices.tolist(), is_known.tolist(), strict=True)
    ]


def lines(outcome: ReplayedDay) -> Iterator[str]:
    """Return what came of a day for a terminal."""
    replayed, stretch = outcome.replayed, outcome.stretch
    yield (
        f"{replayed.market}, {outcome.day}: events {stretch.first:,} to {stretch.last:,} taken "
        f"again, {replayed.events:,} of them, and {plural(replayed.publications, 'publication')}."
    )
    if replayed.difference is None:
        closed = (
            f"what the market knew at the end is what {stretch.following.day} began with"
            if stretch.following
            else "the log goes no further"
        )
        yield f"Every outcome and every price is as it is stored; {closed}."
        head = replayed.course.head
        yield f"digest of the events up to there: {head.event_digest.hex()}"
        yield f"digest of what was published: {head.publication_digest.hex()}"
    yield from _apart(outcome.series, outcome.currency)


def _apart(series: DaySeries | None, currency: str) -> Iterator[str]:
    if series is None:
        yield "Published prices are not compared with those ex post: other holons while it ran."
        return
    both = int((series.is_published & series.is_ex_post).sum())
    yield f"Published beside ex post, in {both} of {len(series.is_published)} intervals:"
    for each in series.apart() if both else ():
        mean, most = (
            money(micro, currency)
            for micro in (each.mean_micro_per_mwh, each.largest_micro_per_mwh)
        )
        yield (
            f"  {each.layer}: on the mean {mean} per MWh apart, and most by {most}, at {each.name} "
            f"in interval {each.interval}"
        )


def failure(outcome: ReplayedDay) -> str | None:
    """Return the first difference, and how many rows differ; None where none does."""
    replayed = outcome.replayed
    if replayed.difference is None:
        return None
    differ = "1 row differs" if replayed.count == 1 else f"{replayed.count:,} rows differ"
    return f"{differ}; the first: {replayed.difference}"
