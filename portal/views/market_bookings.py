"""A participant's part in a market online: quotes, bookings, what is owed and promised.

Operators and auditors read every booking and ask for none. What is asked for is an act
(`portal.acts.bookings`): the page asks who may, so does the worker, and the database shows nobody
another's booking.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from common.quantities import energy
from database.session import transaction
from ledger.people.roles import Role
from market.core.booking_records import BookingRecord
from market.core.quotes import Side
from portal import jobs
from portal import market_bookings_view as shown
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.confirmation import confirms
from portal.form_alone import takes_form
from portal.market_bookings_told import Became, became_told, giving_up_told, quote_told
from portal.market_wishes import (
    WishForm,
    kept_form,
    read_key,
    read_wish,
    refused_form,
)
from portal.models import Act
from portal.paging import page_of
from portal.queries import market_bookings as queries
from portal.queries.billed_bookings import billed_lines
from portal.queries.market_now import last_of_now
from portal.readings_kept import keep_list
from portal.views.page_remedies import page_remedy
from rulebook.documents import MarketRules
from rulebook.store import markets

SECTION = "market"
BOOKINGS_A_PAGE = 25
UNPROCESSABLE = 422
WINDOW = dt.timedelta(hours=12)
"""Of a form that nobody filled in yet."""
ASKING = (Act.Kind.QUOTE, Act.Kind.BOOK, Act.Kind.REBOOK, Act.Kind.CANCEL)


@dataclass(frozen=True)
class Part:
    """What somebody sees of the bookings of a market.

    Attributes:
        rules: of the market's day; None where it has none.
        clock: of the market; None before it has one.
        begun_us: up to when intervals have begun.
        points: for which they may ask.
    """

    market: str
    rules: MarketRules | None
    clock: dt.datetime | None
    begun_us: int
    ahead: queries.Ahead | None
    points: list[queries.OwnPoint]

    @property
    def names(self) -> list[str]:
        """The supply points for which they may ask."""
        return [each.point for each in self.points]


def sees_bookings(viewer: Viewer) -> bool:
    """Return whether there are any bookings for this user to see."""
    return viewer.sees_invoices


def asks(viewer: Viewer) -> bool:
    """Return whether this user acts for any participant, and so may ask."""
    return Role.PARTICIPANT in viewer.roles


@require_safe
@open_to(sees_bookings)
def page(request: SignedInRequest, market: str) -> HttpResponse:
    """Show the bookings of a market, or one by its number, and the form that asks for more."""
    with transaction() as session:
        part = _part(session, request, market)
        return _page(request, session, part, _empty_form(part), alone=request.GET.get("number"))


@takes_form
@open_to(asks)
def quote(request: SignedInRequest, market: str) -> HttpResponse:
    """Work out what a request would be given now; nothing moves by this."""
    return _wish(request, market, Act.Kind.QUOTE)


@takes_form
@open_to(asks)
@confirms("market-bookings", "market")
def book(request: SignedInRequest, market: str) -> HttpResponse:
    """Ask for energy at a supply point."""
    return _wish(request, market, Act.Kind.BOOK)


@require_safe
@open_to(asks)
def booking(request: SignedInRequest, market: str, number: int) -> HttpResponse:
    """Show a booking of one's own, and the form that changes it; one that is over stands alone."""
    with transaction() as session:
        part = _part(session, request, market)
        record = _own(session, part, number)
        if not shown.ShownBooking(record, _online(part), part.begun_us).is_open:
            return redirect(f"{reverse('market-bookings', args=[market])}?number={number}")
        return _page(request, session, part, _form_of(record, part), changing=record)


@takes_form
@open_to(asks)
@confirms("market-booking", "market", "number")
def change(request: SignedInRequest, market: str, number: int) -> HttpResponse:
    """Ask for something else than a booking holds."""
    with transaction() as session:
        part = _part(session, request, market)
        record, rules = _own(session, part, number), _online(part)
        sent = request.POST.copy()
        sent["point"], sent["side"] = record.request.point, record.request.side.value
        form = read_wish(sent, part.names, rules.time_zone, rules.currency)
        if form.request is None:
            return _page(request, session, part, form, changing=record)
    subject = f"{market}, booking {number}: {energy(form.request.energy_wh)}"
    arguments = {**form.arguments, "market": market, "number": number}
    return _ask(request, Act.Kind.REBOOK, subject, arguments, show_refused_change)


@takes_form
@open_to(asks)
@confirms("market-bookings", "market")
def cancel(request: SignedInRequest, market: str, number: int) -> HttpResponse:
    """Give up what has not begun of a booking."""
    with transaction() as session:
        # What stands may be given up, be the market online by the law of its day or no longer.
        _stands(session, _part(session, request, market), number)
    arguments = {"market": market, "number": number, "key": read_key(request.POST)}
    subject = f"{market}, booking {number}"
    return _ask(request, Act.Kind.CANCEL, subject, arguments, show_refused_cancel)


@takes_form
@open_to(asks)
def quote_cancel(request: SignedInRequest, market: str, number: int) -> HttpResponse:
    """Work out what giving a booking up would come to now; nothing moves by this."""
    with transaction() as session:
        _stands(session, _part(session, request, market), number)
    arguments = {"market": market, "number": number}
    subject = f"{market}, booking {number}: give up"
    return _ask(request, Act.Kind.QUOTE, subject, arguments, show_refused_cancel)


@require_safe
@open_to(asks)
def asked(request: SignedInRequest, market: str, act_number: int) -> HttpResponse:
    """Show what came of a quote, or what became of what was asked."""
    # Another's looks like one that is not there.
    acts = Act.objects.defer("content").filter(kind__in=ASKING, arguments__market=market)
    act = get_object_or_404(acts, pk=act_number, user=request.user)
    if act.state != Act.State.DONE:
        return redirect("act", act.pk)
    found = act.outcome["found"]
    if act.kind == Act.Kind.QUOTE and "number" not in act.arguments:
        with transaction() as session:
            part = _part(session, request, market)
            told = quote_told(act, _online(part))
            return _page(request, session, part, kept_form(act.arguments), told=told)
    became = None if act.kind == Act.Kind.QUOTE else jobs.wait_for(lambda: _became(market, found))
    with transaction() as session:
        part = _part(session, request, market)
        if part.rules is None:
            raise Http404("no law of the market's day")
        about = act, part.rules, part.begun_us
        told = became_told(*about, became) if became else giving_up_told(*about)
        return _page(request, session, part, _empty_form(part), told=told)


def show_refused_wish(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of what was refused, as it was filled in, with every reason."""
    if "number" in act.arguments:
        return show_refused_cancel(request, act)
    form = refused_form(act.arguments)
    form.refuse(act.findings, page_remedy)
    with transaction() as session:
        return _page(request, session, _part(session, request, act.arguments["market"]), form)


def show_refused_change(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of a change that was refused, as it was filled in, with every reason."""
    form = refused_form(act.arguments)
    form.refuse(act.findings, page_remedy)
    with transaction() as session:
        part = _part(session, request, act.arguments["market"])
        record = _own(session, part, act.arguments["number"])
        return _page(request, session, part, form, changing=record)


def show_refused_cancel(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the bookings with every reason for which one was not given up."""
    with transaction() as session:
        part = _part(session, request, act.arguments["market"])
        form = _empty_form(part)
        form.refuse(act.findings, page_remedy)
        return _page(request, session, part, form)


def _wish(request: SignedInRequest, market: str, kind: Act.Kind) -> HttpResponse:
    with transaction() as session:
        part = _part(session, request, market)
        rules = _online(part)
        form = read_wish(request.POST, part.names, rules.time_zone, rules.currency)
        if form.request is None:
            return _page(request, session, part, form)
    words = f"{shown.SIDES[form.request.side]} {energy(form.request.energy_wh)}"
    subject = f"{market}, {form.request.point}: {words}"
    arguments = {**form.arguments, "market": market}
    return _ask(request, kind, subject, arguments, show_refused_wish)


def _ask(
    request: SignedInRequest, kind: Act.Kind, subject: str, arguments: Mapping[str, Any], show: Any
) -> HttpResponse:
    """Ask for an act, once for each form that moves something.

    A form that went back to its reader and came with another wish is no second sending of the
    first: the worker refuses it.
    """
    if kind != Act.Kind.QUOTE:
        before = Act.objects.defer("content").filter(
            user=request.user, kind=kind, arguments__key=arguments["key"],
            state__in=(Act.State.ASKED, Act.State.DONE),
        )  # fmt: skip
        for again in before:
            if _wish_of(again.arguments) == _wish_of(arguments):
                return answer(request, again, show)
    return answer(request, ask(request.user, kind, subject, arguments), show)


def _wish_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what arguments ask for, however it was typed."""
    return {name: value for name, value in arguments.items() if name != "typed"}


def _part(session: Session, request: SignedInRequest, market: str) -> Part:
    if market not in markets(session):
        raise Http404("no such market")
    now = timezone.now()
    ahead = queries.ahead(session, market)
    last = last_of_now(session, market)
    known = [each.at for each in (ahead, last) if each is not None]
    clock = max(known, default=None)
    day = queries.local_day(session, market, clock or now)
    rules = queries.market_rules(session, market, day)
    points = queries.own_points(session, rules, request.viewer.acts_for, day) if rules else []
    if ahead is not None and queries.runs_in_real_time(rules):
        ahead = ahead.without(ahead.begun(now))
    begun_us = queries.begun_us(rules, clock, now)
    return Part(market, rules, clock, begun_us, ahead, points)


def _online(part: Part) -> MarketRules:
    if part.rules is None or part.rules.online is None or not part.points:
        raise Http404("nothing that this user may ask of this market")
    return part.rules


def _own(session: Session, part: Part, number: int) -> BookingRecord:
    _online(part)
    return _stands(session, part, number)


def _stands(session: Session, part: Part, number: int) -> BookingRecord:
    for record in queries.bookings(session, part.market):
        if record.number == number and record.request.point in part.names:
            return record
    raise Http404("no such booking of this user")


def _empty_form(part: Part) -> WishForm:
    if part.ahead is None or part.rules is None:
        return WishForm({"side": Side.BUY.value})
    zone = ZoneInfo(part.rules.time_zone)
    earliest, latest = (
        (part.ahead.begins_at + after).astimezone(zone).strftime(shown.TYPED_MOMENT)
        for after in (dt.timedelta(), WINDOW)
    )
    return WishForm({"side": Side.BUY.value, "earliest": earliest, "latest": latest})


def _form_of(record: BookingRecord, part: Part) -> WishForm:
    return WishForm(shown.typed_wish(record.request, ZoneInfo(_online(part).time_zone)))


def _became(market: str, found: Mapping[str, Any]) -> Became:
    with transaction() as session:
        return Became(*queries.became(session, market, found))


def _page(
    request: SignedInRequest,
    session: Session,
    part: Part,
    form: WishForm,
    *,
    told: Mapping[str, object] | None = None,
    changing: BookingRecord | None = None,
    alone: str | None = None,
) -> HttpResponse:
    found, rules = queries.bookings(session, part.market), part.rules
    named = [each for each in found if alone in (None, str(each.number))]
    if alone is not None and not named:
        raise Http404("no such booking for this user")
    keep_list(request, is_everybodys=request.viewer.participants is None)
    context: dict[str, object] = {
        "market": part.market,
        "rules": rules,
        "clock": part.clock,
        "points": part.points,
        "form": form,
        "told": told,
        "found": found,
        "changing": changing and shown.ShownBooking(changing, rules, part.begun_us)
        if rules
        else None,
        "section": SECTION,
        "is_all": request.viewer.participants is None,
    }
    if rules is not None:
        listed = [shown.ShownBooking(each, rules, part.begun_us) for each in named]
        page = page_of(request, listed, BOOKINGS_A_PAGE)
        owed = queries.own_owed(session, part.market, rules) if part.points else []
        context |= {
            "page": page,
            "alone": named[0] if alone is not None else None,
            "billed": billed_lines(
                session, part.market, (each.record for each in page), request.viewer.participants
            ),
            "entitlements": shown.entitlements(part.points, owed, found),
            "owed_day": owed[0].day if owed else None,
        }
    status = UNPROCESSABLE if form.beside else 200
    return render(request, "market/bookings.html", context, status=status)
