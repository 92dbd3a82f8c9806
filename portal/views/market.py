"""Markets online: which there are, and what one is now, for everybody."""

import datetime as dt
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
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
from portal.market_view import Holarchy, MarketNow, lines_chart
from portal.queries import market_now as queries
from portal.queries.market_watch import Watch, watch
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
    """Show a market now; with `part=rest`, only what a page that is open asks for again."""
    now = timezone.now()
    with transaction() as session:
        if market not in markets(session):
            raise Http404("no such market")
        place = queries.newest_place(session, market)
        if request.GET.get("part") == "rest":
            return HttpResponse(_rest_at(session, market, place, now))
        context = _context(session, market, place, now)
        if "shown" in context:
            context["rest"] = _rest_at(session, market, place, now)
        context["watch"] = _watch(session, market, context["law"], now)
        context |= now_context(request, session, market, context["law"])
    if context["watch"]:
        # It names units and supply points of everybody.
        keep_list(cast(SignedInRequest, request), is_everybodys=True)
    context |= {"section": SECTION, "is_wall": "wall" in request.GET}
    return render(request, "market/now.html", context)


def _context(session: Session, market: str, place: Place, now: dt.datetime) -> dict[str, object]:
    last = queries.last_of_now(session, market)
    law = queries.law_now(session, market, last, now)
    context: dict[str, object] = {
        "market": market,
        "law": law,
        "is_led": queries.is_led(session, market),
        "last": last,
        # Read before what is shown, so that a stream from here leaves nothing out.
        "place": place,
        "wall_now": now,
    }
    since = queries.since_whole(session, market)
    # Told of another law, such as one that was corrected since, there are no prices to name.
    if last is None or law is None or not since or not Holarchy(law).is_of(since[0]):
        return context
    age = now - last.published_at
    return context | {
        "shown": MarketNow(law, since),
        "is_fresh": age < FRESH,
        "is_quiet": age > QUIET,
    }


def _watch(session: Session, market: str, law: object, now: dt.datetime) -> Watch | None:
    """Return what became of the events of the market's yesterday and today, for who runs it."""
    today = law.day if isinstance(law, queries.OnlineLaw) else now.date()
    return watch(session, market, today - dt.timedelta(days=1), today)


_kept: dict[str, tuple[Place, SafeString]] = {}
"""Of each market, where its log was, and what was shown of it: a hundred pages ask for the same."""


def _rest_at(session: Session, market: str, place: Place, now: dt.datetime) -> SafeString:
    """Return what a page shows of a market beside its map, made once for each publication."""
    kept = _kept.get(market)
    if kept is None or kept[0] != place:
        kept = _kept[market] = (place, _rest(session, market, place, now))
    return kept[1]


def _rest(session: Session, market: str, place: Place, now: dt.datetime) -> SafeString:
    context = _context(session, market, place, now)
    law, shown = context["law"], context.get("shown")
    if isinstance(law, queries.OnlineLaw) and isinstance(shown, MarketNow):
        before = law.day - dt.timedelta(days=1)
        ends = queries.interval_ends(session, market, before, law.day)
        context |= {
            "bindings": shown.bindings[:MOST_BINDINGS],
            "more_bindings": len(shown.bindings[MOST_BINDINGS:]),
            "short": shown.short[:MOST_SHORT],
            "more_short": len(shown.short[MOST_SHORT:]),
            "chart": lines_chart(law, ends),
            "service": service(law, ends),
            "published": queries.last_published(session, market),
        }
    return render_to_string("market/_rest.html", context)
