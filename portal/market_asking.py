"""Asking a market online by commands, in people's units: quotes, requests, changes, bookings."""

import datetime as dt
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy.orm import Session

from common.quantities import MINUS
from common.refusals import Finding, Refused, refuse_any, shown
from database.bulk import driver_connection
from database.session import transaction
from ledger.people.rights import Rights
from ledger.people.store import acting
from market import requesting, store
from market.ahead import quick_course
from market.core.booking_records import BookingRecord
from market.core.bookings_state import record_of
from market.core.events import Event, Outcome
from market.core.online import OnlineMarket
from market.core.quotes import MOST_PRICE_MICRO_PER_MWH, Quote, Request, Side
from market.course import Course, Diverged
from market.inbox import submit
from market.law_of_days import law_in
from market.leading import catch_up, find_course
from market.moments import local_day
from market.rules import required_online_market
from portal.amounts import parse_milli, parse_quantity, parse_signed_micro, quantity_form
from portal.days import is_left_out, parse_day, parse_known
from portal.queries.people import participants
from rulebook.law import rules_at, rules_for_period

PATIENCE_S = 5
"""How long a leader is waited for."""
LOOK_AGAIN_S = 0.05
AMOUNT_FORM = "write it as 12.34 or 1,234.00, with a point before decimals"
ANY_MOMENT = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""Of today, which is asked of days alone, and no day is taken for a moment here."""


class Words(NamedTuple):
    """What somebody typed of a request; None is what was left out."""

    energy: str | None = None
    power: str | None = None
    earliest: str | None = None
    latest: str | None = None
    limit: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a market answered.

    Attributes:
        market, zone, currency: of what is told.
        request: as it was read; None where none was.
        quote: what it would be given, where that was asked.
        outcome: of the event that was handed in; None where no leader took it in time.
        is_list: whether bookings were asked for, and no more.
        bookings: as they stand from then on, or all that were asked for, by number.
    """

    market: str
    zone: str
    currency: str
    request: Request | None = None
    quote: Quote | None = None
    outcome: Outcome | None = None
    is_list: bool = False
    bookings: tuple[BookingRecord, ...] = ()


def quoted(market: str, point: str, side: Side, words: Words, now: dt.datetime) -> Answer:
    """Return what a request would be given now; nothing moves by this.

    Raises:
        Refused: the market cannot be asked that, with every reason.
    """
    with transaction() as session:
        course, law = course_in(session, market)
        refuse_no_longer_online(session, course, now)
        request = _read(_nothing(point, side), words, law.zone)
        refuse_any(checked(law, request))
        request, quote = quote_in(session, course, law, request)
        return replace(_answer(session, course, law, now), request=request, quote=quote)


def requested(market: str, point: str, side: Side, words: Words, now: dt.datetime) -> Answer:
    """Ask for energy at a supply point, and return what became of it."""

    def ask(course: Course, law: OnlineMarket, rights: Rights, key: str) -> Event:
        request = _read(_nothing(point, side), words, law.zone)
        refuse_any(checked(law, request, rights, market))
        return requesting.request_event(course, key, requesting.contracted(law, request))

    return _hand_in(market, ask, now)


def changed(market: str, number: int, words: Words, now: dt.datetime) -> Answer:
    """Ask for something else than a booking holds, and return what became of it."""

    def ask(course: Course, law: OnlineMarket, rights: Rights, key: str) -> Event:
        record = booking_of(market, number)
        wanted = _read(record.request, words, law.zone)
        findings = [*checked(law, wanted, rights, market), *requesting.check_open(course, record)]
        refuse_any(findings)
        return requesting.change_event(course, key, record, wanted)

    return _hand_in(market, ask, now)


def cancelled(market: str, number: int, now: dt.datetime) -> Answer:
    """Give up what has not begun of a booking, and return what became of it."""

    def ask(course: Course, law: OnlineMarket, rights: Rights, key: str) -> Event:
        record = booking_of(market, number)
        findings = [
            *of_point(law, record.request.point, rights, market),
            *requesting.check_open(course, record),
        ]
        refuse_any(findings)
        return requesting.cancel_event(course, key, record)

    return _hand_in(market, ask, now, is_given_up=True)


def listed(market: str, participant: str | None, now: dt.datetime) -> Answer:
    """Return the bookings of a market, or of one participant, as each stands.

    Raises:
        Refused: no such participant was ever registered there.
    """
    with transaction() as session:
        if participant is not None:
            refuse_any(_check_registered(session, market, participant))
        rules = rules_at(session, market, now.date(), now).market_rules
        entries = store.latest_bookings(driver_connection(session), market, participant)
        records = tuple(record_of(json.loads(each.record)) for each in entries)
        return Answer(market, rules.time_zone, rules.currency, is_list=True, bookings=records)


def _check_registered(session: Session, market: str, participant: str) -> Iterator[Finding]:
    if (market, participant) not in participants(session):
        yield Finding(
            "participant-unknown",
            "participant",
            shown(participant),
            f"a participant that was registered in {market}",
            "correct the name; without one, bookings of all are listed",
        )


def course_in(session: Session, market: str) -> tuple[Course, OnlineMarket]:
    """Return a market as its log has it by now, and the law in force.

    Raises:
        Refused: its log does not come out as it is stored, or it was told of no law.
    """
    connection, resolve = driver_connection(session), law_in(session, market)
    try:
        course = quick_course(connection, market, resolve)
        catch_up(connection, course)
    except Diverged:
        # What was kept of it is no fact: the log itself may be whole.
        course = find_course(connection, market, resolve)
        try:
            catch_up(connection, course)
        except Diverged as diverged:
            raise Refused([diverged.finding]) from None
    refuse_any(requesting.check_course(course))
    law = course.machine.market
    assert law is not None, "checked above"
    return course, law


def quote_in(
    session: Session, course: Course, law: OnlineMarket, request: Request
) -> tuple[Request, Quote]:
    """Return a request under its contract, and what it would be given if it were handed in now."""
    asked = requesting.contracted(law, request)
    return asked, requesting.quote_now(course, asked, store.now(driver_connection(session)))


def refuse_no_longer_online(session: Session, course: Course, now: dt.datetime) -> None:
    """Refuse what asks for energy of a market that is settled alone on the day of its clock.

    Nobody can tell it that law, as a market is told law that is online alone, and it goes on by the
    last; but what it books then no settlement holds to anything.

    Raises:
        Refused: the law of that day, as it is known by now, has no part `online`, or a gap.
    """
    day = requesting.day_now(course)
    (period,) = rules_for_period(session, course.market, day, day, now)
    required_online_market(period.rules)


def _answer(session: Session, course: Course, law: OnlineMarket, now: dt.datetime) -> Answer:
    rules = rules_at(session, course.market, requesting.day_now(course), now).market_rules
    return Answer(course.market, law.zone, rules.currency)


Ask = Callable[[Course, OnlineMarket, Rights, str], Event]


def _hand_in(market: str, ask: Ask, now: dt.datetime, *, is_given_up: bool = False) -> Answer:
    with transaction() as session:
        course, law = course_in(session, market)
        if not is_given_up:
            refuse_no_longer_online(session, course, now)
        rights = acting(session)
        event = hand_in(session, course, ask(course, law, rights, uuid.uuid4().hex), rights)
        answer = _answer(session, course, law, now)
    outcome = _outcome(market, event)
    booking = event.words[0] if len(event.words) == 1 else event.key
    with transaction() as session:
        entries = store.latest_bookings(driver_connection(session), market, None)
        records = [record_of(json.loads(each.record)) for each in entries]
    found = tuple(each for each in records if each.key == booking and outcome is not None)
    return replace(answer, outcome=outcome, bookings=found)


def hand_in(session: Session, course: Course, event: Event, rights: Rights) -> Event:
    """Hand an event in at the moment that its market has reached, and return it.

    Raises:
        Refused: its key stands for something else.
    """
    # The market went on while its log was read.
    catch_up(driver_connection(session), course)
    law = course.machine.market
    at_us = max(event.at_us, course.machine.clock_us or 0)
    day = event.day if law is None else local_day(at_us, law.zone)
    event = replace(event, at_us=at_us, day=day)
    refuse_any(submit(session, course.market, [event], by=rights.account))
    return event


def _outcome(market: str, event: Event) -> Outcome | None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with transaction() as session:
            found = store.outcome_of(driver_connection(session), market, event.day, event.key)
        if found is not None:
            return found
        time.sleep(LOOK_AGAIN_S)
    return None


def booking_of(market: str, number: int) -> BookingRecord:
    """Return a booking as it stands.

    Raises:
        Refused: the market has none of that number.
    """
    with transaction() as session:
        entries = store.latest_bookings(driver_connection(session), market, None)
    for each in entries:
        record = record_of(json.loads(each.record))
        if record.number == number:
            return record
    unknown = Finding(
        "booking-unknown",
        "booking",
        str(number),
        "the number of a booking of this market",
        "correct the number: `market bookings` lists them",
    )
    raise Refused([unknown])


def _nothing(point: str, side: Side) -> Request:
    limit = MOST_PRICE_MICRO_PER_MWH if side is Side.BUY else -MOST_PRICE_MICRO_PER_MWH
    return Request(point, "", side, 0, 0, 0, 0, limit)


def checked(
    law: OnlineMarket, request: Request, rights: Rights | None = None, market: str = ""
) -> list[Finding]:
    """Return all that is wrong with a request; of whoever asks, where rights are given."""
    found = (
        requesting.check_point(law, request.point)
        if rights is None
        else of_point(law, request.point, rights, market)
    )
    return [*found, *requesting.check_request(request)]


def of_point(law: OnlineMarket, point: str, rights: Rights, market: str) -> list[Finding]:
    """Return what keeps an account from asking for a supply point."""
    acts = (market, point, rights.participants, rights.account)
    unknown = list(requesting.check_point(law, point))
    return unknown or list(requesting.check_supplier(law, *acts))


def _read(request: Request, words: Words, zone: str) -> Request:
    """Return a request with what was typed of it.

    Raises:
        Refused: some of it cannot be read, with every such word.
    """
    moment = f"write a moment as 2024-03-01 09:00, by the clock of {zone}, or as 2024-03-01T09:00Z"
    fields = (
        ("energy_wh", "energy", lambda text: parse_quantity(text, "Wh"), quantity_form("Wh")),
        ("power_w", "power", parse_milli, f"{AMOUNT_FORM}, in kW to the W"),
        ("earliest_minute", "earliest", lambda text: _minute(text, zone), moment),
        ("latest_minute", "latest", lambda text: _minute(text, zone), moment),
        ("limit_micro_per_mwh", "limit", _price, f"{AMOUNT_FORM}, per MWh, without a currency"),
    )
    read: dict[str, int] = {}
    findings: list[Finding] = []
    for field, name, parse, how in fields:
        text = getattr(words, name)
        if text is None:
            continue
        value = parse(text)
        if name in ("earliest", "latest") and is_left_out(text, zone):
            limit = f"a moment that the clock of {zone} shows, and it goes forward over this one"
            remedy = "choose one before or after it"
            findings.append(Finding("moment-left-out", name, shown(text), limit, remedy))
        elif value is None:
            limit = "what can be read to the last digit"
            findings.append(Finding("unreadable-word", name, shown(text), limit, how))
        else:
            read[field] = value
    refuse_any(findings)
    return replace(
        request,
        energy_wh=read.get("energy_wh", request.energy_wh),
        power_w=read.get("power_w", request.power_w),
        earliest_minute=read.get("earliest_minute", request.earliest_minute),
        latest_minute=read.get("latest_minute", request.latest_minute),
        limit_micro_per_mwh=read.get("limit_micro_per_mwh", request.limit_micro_per_mwh),
    )


def _price(text: str) -> int | None:
    """Return a price in micro, of either sign; None for anything else, and with a currency's sign.

    What is told here of the market has not said yet which currency is its own.
    """
    is_number = text.strip().lstrip(f"-{MINUS}")[:1].isdecimal()
    return parse_signed_micro(text) if is_number else None


def _minute(text: str, zone: str) -> int | None:
    """Return a moment by the local clock in minutes since 1970; None where it is none."""
    if parse_day(text) is not None:
        return None
    moment = parse_known(text, zone, ANY_MOMENT)
    return None if moment is None else requesting.minutes_of(moment)
