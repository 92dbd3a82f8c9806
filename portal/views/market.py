"""Markets online: which there are, and what one is now, for everybody."""

import datetime as dt
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from database.session import transaction
from market.places import Place
from portal.access import SignedInRequest
from portal.market_service import service
from portal.market_view import Holarchy, MarketNow, lines_chart, titles_of
from portal.queries import market_now as queries
from portal.queries.market_watch import Watch, leaderships, watch
from portal.queries.rules import market_zone
from portal.readings_kept import keep_list
from portal.views.market_part import now_context
from rulebook.store import markets

SECTION = "market"
FRESH, QUIET = dt.timedelta(minutes=1), dt.timedelta(minutes=2)
"""Up to which a page counts no minutes, and after which it says that nothing was published."""
MOST_BINDINGS, MOST_SHORT = 4, 12
"""That are named; the others are counted."""


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """List the markets, and which of them are online."""
    with transaction() as session:
        found = queries.list_markets(session, timezone.now())
    return render(request, "market/listing.html", {"markets": found, "section": SECTION})


@require_safe
def page(request: HttpRequest, market: str) -> HttpResponse:
    """Show a market now; with `part=rest` or `part=state`, what a page that is open asks again."""
    now = timezone.now()
    with transaction() as session:
        if market not in markets(session):
            raise Http404("no such market")
        if request.GET.get("part") == "state":
            return render(request, "market/_state.html", _state(session, market, now))
        place = queries.newest_place(session, market)
        if request.GET.get("part") == "rest":
            return HttpResponse(_rest_at(session, market, place, now))
        context = _context(session, market, place, now)
        if "shown" in context:
            context["rest"] = _rest_at(session, market, place, now)
        context["watch"] = _watch(session, market, context["last"], now)
        context |= now_context(request, session, market, context["law"])
    if context["watch"]:
        # It names units and supply points of everybody.
        keep_list(cast(SignedInRequest, request), is_everybodys=True)
    context |= {"section": SECTION, "is_wall": "wall" in request.GET}
    return render(request, "market/now.html", context)


@require_safe
def parts(request: HttpRequest, market: str, law: str) -> HttpResponse:
    """Name the parts of the grid, as publications of a law number them, as JSON."""
    with transaction() as session:
        found = queries.law_told(session, market, law)
    if found is None:
        raise Http404("no law that the market was told has this digest")
    titles = titles_of(found)
    named = enumerate(Holarchy(found).names)
    return JsonResponse(
        {
            "market": market,
            "law": law,
            "day": found.day,
            "currency": found.rules.currency,
            "parts": [
                {"holon": index, "layer": layer, "name": name, "title": titles[name]}
                for index, (layer, name) in named
            ],
        }
    )


def _context(session: Session, market: str, place: Place, now: dt.datetime) -> dict[str, object]:
    last = queries.last_of_now(session, market)
    law = queries.law_now(session, market, last, now)
    context: dict[str, object] = {
        "market": market,
        "law": law,
        "last": last,
        # Read before what is shown, so that a stream from here leaves nothing out.
        "place": place,
        **_state(session, market, now, last),
    }
    since = queries.since_whole(session, market)
    if last is None or law is None or not since or since[0].law != law.digest:
        return context
    is_fresh = now - last.published_at < FRESH
    return context | {"shown": MarketNow(law, since), "is_fresh": is_fresh}


def _state(
    session: Session, market: str, now: dt.datetime, last: queries.Published | None = None
) -> dict[str, object]:
    """Return who leads a market, what waits for it, and whether it is quiet."""
    last = last or queries.last_of_now(session, market)
    leadership = leaderships(session).get(market)
    return {
        "market": market,
        "wall_now": now,
        "zone": market_zone(session, market),
        "last": last,
        "leadership": leadership,
        "waits_too_long": leadership is not None and leadership.waits_too_long(now),
        "is_quiet": last is not None and now - last.published_at > QUIET,
    }


def _watch(session: Session, market: str, last: object, now: dt.datetime) -> Watch | None:
    """Return what became of the events of the market's yesterday and today, for who runs it."""
    today = last.day if isinstance(last, queries.Published) else now.date()
    return watch(session, market, today - dt.timedelta(days=1), today)


_kept: dict[str, tuple[Place, SafeString]] = {}
"""Of each market, where its log was, and what was shown of it: a hundred pages ask for the same."""


def _rest_at(session: Session, market: str, place: Place, now: dt.datetime) -> SafeString:
    """Return what a page shows of a market beside its map, made once for each publication."""
    kept = _kept.get(market)
    # What is shown follows from what is published, each by its own law, and from nothing else.
    if kept is None or kept[0] != place:
        kept = _kept[market] = (place, _rest(session, market, place, now))
    return kept[1]


def _rest(session: Session, market: str, place: Place, now: dt.datetime) -> SafeString:
    context = _context(session, market, place, now)
    law, shown = context["law"], context.get("shown")
    if isinstance(law, queries.OnlineLaw) and isinstance(shown, MarketNow):
        today = shown.last.day
        ends = queries.interval_ends(session, market, today - dt.timedelta(days=1), today)
        laws = queries.laws_of(session, market, law, ends)
        context |= {
            "bindings": shown.bindings[:MOST_BINDINGS],
            "more_bindings": len(shown.bindings[MOST_BINDINGS:]),
            "short": shown.short[:MOST_SHORT],
            "more_short": len(shown.short[MOST_SHORT:]),
            "chart": lines_chart(law, ends, laws),
            "service": service(law, ends),
            "published": queries.last_published(session, market),
        }
    return render_to_string("market/_rest.html", context)
