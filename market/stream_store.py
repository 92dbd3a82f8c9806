"""What was published, read for streams: as JSON that the database writes, for many readers once.

One connection is the stream's own, as everybody who listens waits for it; another is of those who
catch up or ask for the series, who may ask for much. Each is opened when it is first asked, and
again after it broke.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection

from database.market_log import PUBLISHED_CHANNEL
from market.places import Place

_OPTIONS = (
    "-c timezone=UTC -c statement_timeout=20000 -c default_transaction_read_only=on "
    # Read once, and planned for the days that are asked: other partitions are not even locked.
    "-c plan_cache_mode=force_custom_plan"
)
_WAIT_SECONDS = 10
_AFTER = """
SELECT sequence, part, row_to_json(told)::text FROM (
    SELECT market, sequence, part, day, law, at, published_at, cause, holons, tightness_ppm,
        price_micro_per_mwh, sell_price_micro_per_mwh
    FROM market.publication
    WHERE market = %s AND day = ANY(%s) AND sequence < %s AND (sequence, part) > (%s, %s)
    ORDER BY sequence, part LIMIT %s
) AS told
"""
_NEWEST = """
SELECT sequence, part FROM market.publication
 WHERE market = %s AND day = ANY(%s) ORDER BY sequence DESC, part DESC LIMIT 1
"""
_IS_KNOWN = """
SELECT EXISTS (SELECT FROM market.head WHERE market = %(market)s)
    OR EXISTS (SELECT FROM rulebook.version WHERE market = %(market)s)
"""
_WRITTEN = """
SELECT sequence, array_agg(day) FROM market.written
 WHERE market = %(market)s AND parent = 'publication' AND sequence >= (
       SELECT coalesce(max(sequence), 0) FROM market.written
        WHERE market = %(market)s AND parent = 'publication' AND sequence <= %(after)s)
 GROUP BY sequence ORDER BY sequence
"""
_STRETCHES = 8
"""Days by the market's clock that are asked at once: partitions of others are not even locked."""
_NO_END = 2**63 - 1


_LAST_PART = 2**31 - 1

Asked = Sequence[object] | Mapping[str, object]
Rows = list[tuple[Any, ...]]


class Told(NamedTuple):
    """A publication: its place, and its row as compact JSON on one line."""

    place: Place
    json: str


class Reader:
    """Reads what was published, by one connection, one question after another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AsyncConnection[Any] | None = None
        self._asking = asyncio.Lock()
        self._written: dict[str, Rows] = {}

    async def is_known(self, market: str) -> bool:
        """Return whether there is a market of this name: one that was led, or that has law."""
        ((found,),) = await self._rows(_IS_KNOWN, {"market": market})
        return bool(found)

    async def newest(self, market: str) -> Place:
        """Return the place of what was last published; before the first, that of nothing."""
        written = await self._rows(_WRITTEN, {"market": market, "after": _NO_END})
        days = [day for _, of in written for day in of]
        rows = await self._rows(_NEWEST, [market, days])
        return Place(*rows[0]) if rows else Place()

    async def after(
        self, market: str, place: Place, most: int, day: dt.date | None = None
    ) -> list[Told]:
        """Return what was published after a place, in its order, at most so many.

        Args:
            day: local, on which its moments lie; None for any. The days of a log go to and fro, as
                a price ex post is of the day that it prices.
        """
        if day is not None:
            return _told(await self._rows(_AFTER, [market, [day], _NO_END, *place, most]))
        found: list[Told] = []
        while True:
            asked = self._written.get(market, [])
            some, following = asked[:_STRETCHES], asked[_STRETCHES:]
            days = [day for _, of in some for day in of]
            end = following[0][0] if following else _NO_END
            rows, written = await self._rows_of(
                (_AFTER, [market, days, end, *place, most - len(found)]),
                # Asked behind them: no row that they saw is of a day that this does not name.
                (_WRITTEN, {"market": market, "after": place.sequence}),
            )
            self._written[market] = written
            if written[: _STRETCHES + 1] != asked[: _STRETCHES + 1]:
                continue
            found += _told(rows)
            if len(found) == most or not following:
                return found
            place = Place(end - 1, _LAST_PART)

    async def close(self) -> None:
        """Close the connection; the next question opens one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _rows(self, query: str, asked: Asked) -> Rows:
        (rows,) = await self._rows_of((query, asked))
        return rows

    async def _rows_of(self, *queries: tuple[str, Asked]) -> list[Rows]:
        """Return what queries find, which are asked at once and answered in their order."""
        async with self._asking:
            if self._connection is not None and self._connection.closed:
                await self.close()
            try:
                if self._connection is None:
                    self._connection = await _connect(self._url)
                async with self._connection.pipeline():
                    cursors = [
                        await self._connection.execute(query.encode(), asked, prepare=True)
                        for query, asked in queries
                    ]
                    return [await cursor.fetchall() for cursor in cursors]
            except (psycopg.Error, asyncio.CancelledError):
                # Cancelled in the middle of a question, its answer would be taken for the next's.
                await self.close()
                raise


def _told(rows: Rows) -> list[Told]:
    return [Told(Place(sequence, part), json) for sequence, part, json in rows]


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[AsyncIterator[str]]:
    """Give what the channel of publications says, from here on: the markets that published.

    Any role speaks on a channel, so what is said there is only a reason to look.
    """
    async with await _connect(url) as connection:
        await connection.execute(f"LISTEN {PUBLISHED_CHANNEL}".encode())
        yield (notice.payload.partition(" ")[0] async for notice in connection.notifies())


async def _connect(url: str) -> AsyncConnection[Any]:
    return await AsyncConnection.connect(
        url, autocommit=True, options=_OPTIONS, connect_timeout=_WAIT_SECONDS
    )
