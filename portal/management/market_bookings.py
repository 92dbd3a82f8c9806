"""What a market answered who asked it for energy, as lines and as JSON."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from common.quantities import energy, power
from market.core.booking_records import BookingRecord
from market.core.events import Outcome
from market.core.quotes import MOST_PRICE_MICRO_PER_MWH, Placed, Reason, Request
from portal import market_asking
from portal.amounts import local_time, money_exact
from portal.market_asking import Answer
from portal.market_bookings_view import missing_words


def lines(answer: Answer) -> Iterator[str]:
    """Yield what a market answered, for a terminal."""
    if answer.quote is not None and answer.request is not None:
        yield _asked(answer, answer.request)
        reason = answer.quote.reason
        placed = f"{energy(answer.quote.energy_wh)} would be placed"
        yield f"{placed}: {_why(reason)}." if reason else f"{placed}."
        yield from _placed(answer, answer.quote.placed)
    for record in answer.bookings:
        why = f": {_why(record.reason)}" if record.reason else ""
        yield f"Booking {record.number}, {record.participant}: {record.state.value}{why}."
        yield f"  {_asked(answer, record.request)}"
        told = {each.start_minute: each.energy_wh for each in record.told}
        yield from _placed(answer, record.placed, told)
        yield from _late(answer, record)
        yield from _given_back(answer, record)
        if record.let_go:
            yield "  Given back, and held to the price that is charged:"
            yield from _placed(answer, record.let_go)
    if answer.is_list and not answer.bookings:
        yield "No bookings."


def failure(answer: Answer) -> str | None:
    """Return why a market did not do what it was asked; None where it did, or was asked nothing."""
    if answer.outcome is Outcome.TAKEN:
        return None
    if answer.outcome is None:
        waited = f"it was handed in, and nobody took it in {market_asking.PATIENCE_S} seconds"
        remedy = "lead the market with `market run`; `market bookings` tells what came of it then"
        return f"{answer.market}: {waited}; {remedy}"
    reasons = [_why(each.reason) for each in answer.bookings if each.reason is not None]
    return f"{answer.market}: {', '.join([answer.outcome.value, *reasons])}"


def as_json(answer: Answer) -> dict[str, Any]:
    """Return what a market answered, in the units that it is stored in."""
    quote = answer.quote
    return {
        "market": answer.market,
        "currency": answer.currency,
        "outcome": answer.outcome,
        "quote": None
        if quote is None
        else {"reason": quote.reason, "placed": [_placed_json(each) for each in quote.placed]},
        "bookings": [_booking_json(each) for each in answer.bookings],
    }


def _asked(answer: Answer, request: Request) -> str:
    window = " to ".join(
        _moment(answer, each) for each in (request.earliest_minute, request.latest_minute)
    )
    limit = "any price"
    if abs(request.limit_micro_per_mwh) < MOST_PRICE_MICRO_PER_MWH:
        limit = f"a limit of {money_exact(request.limit_micro_per_mwh, answer.currency)} per MWh"
    return (
        f"{request.point}: {request.side.value} {energy(request.energy_wh)}, at most "
        f"{power(request.power_w)} at once, from {window}, at {limit}"
    )


def _placed(
    answer: Answer, placed: Sequence[Placed], told: dict[int, int] | None = None
) -> Iterator[str]:
    for each in placed:
        price = f"{money_exact(each.price_micro_per_mwh, answer.currency)} per MWh"
        had = (told or {}).get(each.start_minute)
        delivered = "" if had is None else f", delivered {energy(had)}"
        when = f"{_moment(answer, each.start_minute)}, {each.minutes} minutes"
        yield f"  {when}: {energy(each.energy_wh)} at {price}{delivered}"


def _late(answer: Answer, record: BookingRecord) -> Iterator[str]:
    for each in record.told:
        if each.late_wh:
            late = f"{energy(each.late_wh)} delivered late, of what was refused before"
            yield f"  {_moment(answer, each.start_minute)}: {late}"
    if missing := missing_words(record):
        yield f"  {missing}"


def _given_back(answer: Answer, record: BookingRecord) -> Iterator[str]:
    """Yield what is owed at once by each act, whose intervals have one line."""
    for minute, of in groupby(record.given_back, key=lambda each: each.minute):
        acts = list(of)
        owed = money_exact(sum(each.owed_micro for each in acts), answer.currency)
        given = energy(sum(each.energy_wh for each in acts))
        yield f"  {owed} is owed for {given} given back or moved, {_moment(answer, minute)}"


def _why(reason: Reason) -> str:
    """Return a reason in words: a window that is over is short of what is still to come."""
    is_window = reason is Reason.WINDOW
    return f"{reason.value} by what of it is still to come" if is_window else reason.value


def _moment(answer: Answer, minute: int) -> str:
    return local_time(_instant(minute), answer.zone)


def _instant(minute: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)


def _placed_json(placed: Placed) -> dict[str, Any]:
    return {
        "start": _instant(placed.start_minute),
        "minutes": placed.minutes,
        "power_w": placed.power_w,
        "energy_wh": placed.energy_wh,
        "price_micro_per_mwh": placed.price_micro_per_mwh,
    }


def _booking_json(record: BookingRecord) -> dict[str, Any]:
    request = record.request
    return {
        "number": record.number,
        "participant": record.participant,
        "state": record.state,
        "reason": record.reason,
        "supply_point": request.point,
        "product": request.product,
        "side": request.side,
        "energy_wh": request.energy_wh,
        "power_w": request.power_w,
        "earliest": _instant(request.earliest_minute),
        "latest": _instant(request.latest_minute),
        "limit_micro_per_mwh": request.limit_micro_per_mwh,
        "placed": [_placed_json(each) for each in record.placed],
        "delivered": [
            {
                "start": _instant(each.start_minute),
                "energy_wh": each.energy_wh,
                "late_wh": each.late_wh,
            }
            for each in record.told
        ],
        "given_back": [
            {
                "at": _instant(each.minute),
                "energy_wh": each.energy_wh,
                "fall_micro_per_mwh": each.fall_micro_per_mwh,
            }
            for each in record.given_back
        ],
        "let_go": [_placed_json(each) for each in record.let_go],
    }
