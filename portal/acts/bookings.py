"""Acts at a market online: a quote, and what is asked of its bookings, for a participant's points.

Who may is asked here of the account that acts, by the law in force, as the commands do
(`portal.market_asking`). What becomes of what was asked the leader of the market decides; the page
that a person is led to tells it.
"""

import datetime as dt
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from database.bulk import driver_connection
from ledger.people.rights import Rights, check_acting
from ledger.people.roles import Role
from ledger.people.store import acting
from market import requesting, store
from market.core.bookings_state import plain_record
from market.core.events import Event
from market.core.online import OnlineMarket
from market.core.quotes import Placed, Quote
from market.course import Course
from portal import market_asking
from portal.acts.requests import Done, Entry
from portal.audit import Action
from portal.market_wishes import event_key, kept_request
from portal.models import Act

ASKS = frozenset({Role.PARTICIPANT})
KEPT_ALREADY = "event-key-again"
HANDED_IN_BEFORE = text(
    "SELECT day, kind, entity, numbers, words FROM market.submission "
    "WHERE market = :market AND key = :key "
    "UNION ALL SELECT day, kind, entity, numbers, words FROM market.event "
    "WHERE day BETWEEN :first AND :last AND market = :market AND key = :key LIMIT 1"
)


def quote_energy(session: Session, act: Act, now: dt.datetime) -> Done:
    """Work out what a request would be given now; nothing moves by this."""
    course, law, rights = _begin(session, act)
    if "number" in act.arguments:
        return _quote_cancel(session, act, course, law, rights)
    market_asking.refuse_no_longer_online(session, course, now)
    market, request = course.market, kept_request(act.arguments)
    refuse_any(market_asking.checked(law, request, rights, market))
    _, found = market_asking.quote_in(session, course, law, request)
    clock_us = course.machine.clock_us or 0
    told = {"quote": _quote_as_dict(found), "clock_us": clock_us}
    return Done("", _where(act), appended=False, found=told)


def _quote_cancel(
    session: Session, act: Act, course: Course, law: OnlineMarket, rights: Rights
) -> Done:
    """Work out what giving a booking up would come to now; nothing moves by this."""
    record = market_asking.booking_of(course.market, act.arguments["number"])
    refuse_any(
        [
            *market_asking.of_point(law, record.request.point, rights, course.market),
            *requesting.check_open(course, record),
        ]
    )
    before, after = requesting.given_up_now(course, record, store.now(driver_connection(session)))
    told = {
        "before": plain_record(before),
        "after": plain_record(after),
        "clock_us": course.machine.clock_us or 0,
    }
    return Done("", _where(act), appended=False, found=told)


def book_energy(session: Session, act: Act, now: dt.datetime) -> Done:
    """Ask for energy at a supply point."""
    course, law, rights = _begin(session, act)
    market_asking.refuse_no_longer_online(session, course, now)
    request = kept_request(act.arguments)
    refuse_any(market_asking.checked(law, request, rights, course.market))
    key = _key(act, rights)
    event = requesting.request_event(course, key, requesting.contracted(law, request))
    return _hand_in(session, act, course, event, rights, key)


def change_booking(session: Session, act: Act, now: dt.datetime) -> Done:
    """Ask for something else than a booking holds; its point and its side stay."""
    course, law, rights = _begin(session, act)
    market_asking.refuse_no_longer_online(session, course, now)
    record = market_asking.booking_of(course.market, act.arguments["number"])
    asked = kept_request(act.arguments)
    wanted = replace(asked, point=record.request.point, side=record.request.side)
    key = _key(act, rights)
    refuse_any(
        [
            *market_asking.checked(law, wanted, rights, course.market),
            *_over(session, course, record, key),
        ]
    )
    event = requesting.change_event(course, key, record, wanted)
    return _hand_in(session, act, course, event, rights, record.key)


def cancel_booking(session: Session, act: Act, now: dt.datetime) -> Done:
    """Give up what has not begun of a booking."""
    course, law, rights = _begin(session, act)
    record = market_asking.booking_of(course.market, act.arguments["number"])
    key = _key(act, rights)
    refuse_any(
        [
            *market_asking.of_point(law, record.request.point, rights, course.market),
            *_over(session, course, record, key),
        ]
    )
    event = requesting.cancel_event(course, key, record)
    return _hand_in(session, act, course, event, rights, record.key)


def form_key_again(wish: str) -> Finding:
    """Find that a form asks for something else than it did when it was sent before."""
    return Finding(
        "form-key-again",
        "form",
        wish,
        "one wish of a form, and it asked for another before",
        "what became of that stands among the bookings; send the form once more to ask for this",
    )


def placed_from(found: dict[str, Any]) -> tuple[Placed, ...]:
    """Return what a quote places, of what `quote_energy` found."""
    return tuple(Placed(*each) for each in found["quote"]["placed"])


def _begin(session: Session, act: Act) -> tuple[Course, OnlineMarket, Rights]:
    rights = acting(session)
    refuse_any(check_acting(rights, ASKS, act.get_kind_display()))
    return *market_asking.course_in(session, act.arguments["market"]), rights


def _key(act: Act, rights: Rights) -> str:
    return event_key(rights.account, act.arguments["market"], act.arguments["key"])


def _where(act: Act) -> list[str]:
    return ["market-asked", act.arguments["market"], str(act.pk)]


def _over(session: Session, course: Course, record: Any, key: str) -> list[Finding]:
    # One that is sent twice finds the booking over that it gave up itself.
    if _before(session, course, key):
        return []
    return list(requesting.check_open(course, record))


def _before(session: Session, course: Course, key: str) -> Any:
    """Return the event that was handed in under a key before; None where none was."""
    today = requesting.day_now(course)
    asked = {
        "market": course.market,
        "key": key,
        "first": today - dt.timedelta(days=1),
        "last": today,
    }
    return session.execute(HANDED_IN_BEFORE, asked).first()


def _says_otherwise(before: Any, event: Event) -> bool:
    """Whether an event that was handed in asks for something else than one of now does."""
    said = (before.kind, before.entity, tuple(before.numbers), tuple(before.words))
    return said != (event.kind.value, event.entity, event.numbers, event.words)


def _hand_in(
    session: Session, act: Act, course: Course, event: Event, rights: Rights, booking: str
) -> Done:
    """Hand an event in, once for each form that was sent.

    Raises:
        Refused: the form asked for something else before.
    """
    head = course.head.sequence
    before = _before(session, course, event.key)
    if before is not None and _says_otherwise(before, event):
        raise Refused([form_key_again(act.subject)])
    is_new = before is None
    if is_new:
        try:
            event = market_asking.hand_in(session, course, event, rights)
        except Refused as refused:
            if {each.code for each in refused.findings} != {KEPT_ALREADY}:
                raise
            is_new = False  # the same form, sent twice at once
            before = _before(session, course, event.key)
            if before is not None and _says_otherwise(before, event):
                raise Refused([form_key_again(act.subject)]) from None
    told = {
        "event": event.key,
        "day": str(before.day if before is not None else event.day),
        "booking": booking,
        "after": head if is_new else 0,
    }
    entries = [Entry(Action.BOOKING, act.subject)] if is_new else []
    return Done("", _where(act), entries=entries, appended=is_new, found=told)


def _quote_as_dict(found: Quote) -> dict[str, Any]:
    return {
        "reason": found.reason and found.reason.value,
        "placed": [
            [each.start_minute, each.minutes, each.power_w, each.energy_wh,
             each.price_micro_per_mwh]
            for each in found.placed
        ],
    }  # fmt: skip
