"""What is known of bookings and of intervals to come, as plain values and back.

For the state of the machine from which a day of the log is replayed. Sums over the grid are not
kept: they are made of what is known.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from market.core.booking_records import BookingRecord, State, Told
from market.core.bookings import Bookings
from market.core.forward import Forecast
from market.core.giving_back import GivenBack
from market.core.grid_state import GridState
from market.core.online import OnlineMarket
from market.core.promises import Promises
from market.core.quotes import Placed, Reason, Request, Side


def bookings_state(bookings: Bookings) -> Mapping[str, Any]:
    """Return all that is known between two batches as texts, whole numbers, lists and mappings."""
    promises, forecasts = bookings.promises, bookings.forward.forecasts
    groups = sorted(promises.promised.keys() | promises.delivered.keys())
    return {
        "asked": bookings.asked,
        "month": promises.month and list(promises.month),
        "promises": [
            [*group, promises.promised.get(group, 0), promises.delivered.get(group, 0)]
            for group in groups
        ],
        "known": [plain_record(record) for record in bookings.known.values()],
        "forecasts": {
            name: [known.said_us.tolist(), known.power_w.tolist()]
            for name, known in sorted(forecasts.items())
        },
    }


def restore_bookings(
    state: Mapping[str, Any],
    market: OnlineMarket,
    grid: GridState,
    clock_us: int,
    handed_in_us: int | None,
) -> Bookings:
    """Return bookings that know what `bookings_state` said.

    Args:
        market: the law that was in force.
        grid: what the grid did then.
        clock_us: the market's clock then.
        handed_in_us: when anything was handed in last, where law says that intervals begin by it.
    """
    bookings = Bookings(market, grid, clock_us, handed_in_us)
    bookings.forward.forecasts = {
        name: Forecast(np.array(said_us, dtype=np.int64), np.array(power_w, dtype=np.int64))
        for name, (said_us, power_w) in state["forecasts"].items()
    }
    records = [record_of(each) for each in state["known"]]
    bookings.known = {record.key: record for record in records}
    bookings.waiting = {record.key for record in records if record.state is State.WAITING}
    bookings.asked = state["asked"]
    bookings.promises = Promises(
        state["month"] and tuple(state["month"]),
        {(node, product): promised for node, product, promised, _ in state["promises"]},
        {(node, product): delivered for node, product, _, delivered in state["promises"]},
    )
    bookings.obey(market, clock_us, handed_in_us)
    return bookings


def plain_record(record: BookingRecord) -> dict[str, Any]:
    """Return a booking as plain values; what it may have and has not is left out."""
    said = asdict(record)
    for may_be_none in ("given_back", "let_go"):
        if not said[may_be_none]:
            del said[may_be_none]
    for told in said["told"]:
        for may_be_none in ("not_taken_wh", "late_wh"):
            if not told[may_be_none]:
                del told[may_be_none]
    return said


def record_text(record: BookingRecord) -> str:
    """Return a booking as the one text that says it."""
    return json.dumps(plain_record(record), separators=(",", ":"), sort_keys=True)


def record_of(state: Mapping[str, Any]) -> BookingRecord:
    """Return the booking that a state, or a text of one once it is read, says.

    Raises:
        LookupError, TypeError, ValueError: it says none.
    """
    request = state["request"]
    return BookingRecord(
        **{
            **state,
            "request": Request(**{**request, "side": Side(request["side"])}),
            "group": tuple(state["group"]),
            "state": State(state["state"]),
            "reason": state["reason"] and Reason(state["reason"]),
            "placed": tuple(Placed(**each) for each in state["placed"]),
            "told": tuple(Told(**each) for each in state["told"]),
            "given_back": tuple(GivenBack(**each) for each in state.get("given_back", ())),
            "let_go": tuple(Placed(**each) for each in state.get("let_go", ())),
        }
    )
