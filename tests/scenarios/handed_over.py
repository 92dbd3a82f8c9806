"""What a market online hands over in a scenario, written out from short rows."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from settlement.core.periods import interval_count
from settlement.runs.online_days import HandedBooking, HandedDay, HandedPlace
from tests.scenarios.tables import Row

ONLINE_COLUMNS = (
    "booking",
    "point",
    "side",
    "node",
    "intervals",
    "energy_wh",
    "price_micro_per_mwh",
    "sell_price_micro_per_mwh",
)


def handed_over(
    rows: Sequence[Row], market: str, day: dt.date, rules: Mapping[str, Any], nodes: Sequence[str]
) -> HandedDay:
    """Return what rows of `ONLINE_COLUMNS` say of a day."""
    minutes = rules["interval_minutes"]
    count = interval_count(day, rules["time_zone"], minutes)
    buying, selling, known = np.zeros((3, len(nodes), count), dtype=np.int64)
    placed: defaultdict[tuple[int, str, str], list[HandedPlace]] = defaultdict(list)
    for row in rows:
        price = row.number("price_micro_per_mwh")
        for interval in row.span(count):
            if row.text("node"):
                place = nodes.index(row.text("node")), interval
                sell = row.text("sell_price_micro_per_mwh")
                buying[place], known[place] = price, 1
                selling[place] = row.number("sell_price_micro_per_mwh") if sell else price
            else:
                key = row.number("booking"), row.text("point"), row.text("side")
                placed[key].append(HandedPlace(interval, row.number("energy_wh"), price))
    bookings = tuple(
        HandedBooking(number, f"booking {number}", "doric", point, side, tuple(sorted(places)))
        for (number, point, side), places in sorted(placed.items())
    )
    is_known = known.all(axis=0)
    shown = (np.where(is_known, prices, 0) for prices in (buying, selling))
    return HandedDay(market, day, minutes, tuple(nodes), is_known, *shown, bookings)
