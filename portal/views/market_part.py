"""What the page of a market now shows beside its prices: quotes ahead, and a participant's part."""

from django.http import HttpRequest
from django.utils import timezone
from sqlalchemy.orm import Session

from market.core.booking_records import State
from portal import market_bookings_view as shown
from portal.access import viewer_in
from portal.market_ahead import shown_ahead
from portal.queries import market_bookings as queries
from portal.queries.market_now import OnlineLaw, last_of_now
from portal.views.market_bookings import sees_bookings

MOST_OWN = 3
"""Bookings of one's own that are named there; the others are counted."""


def now_context(
    request: HttpRequest, session: Session, market: str, law: object
) -> dict[str, object]:
    """Return what the page of a market now shows beside its prices: quotes, and one's own part."""
    if not isinstance(law, OnlineLaw) or law.rules.online is None:
        return {}
    viewer = viewer_in(request)
    points = queries.own_points(session, law.rules, viewer.acts_for, law.day)
    now = timezone.now()
    wanted, node = request.GET.get("at", ""), points[0].node if points else None
    context: dict[str, object] = {"ahead": shown_ahead(session, market, law, wanted, node, now)}
    if not sees_bookings(viewer):
        return context
    found = queries.bookings(session, market) if points else []
    open_now = [each for each in found if each.state in (State.BOOKED, State.WAITING)]
    last = last_of_now(session, market)
    begun_us = queries.begun_us(law.rules, last.at if last else None, now)
    own = [shown.ShownBooking(each, law.rules, begun_us) for each in open_now[:MOST_OWN]]
    return context | {"own": own, "own_more": len(open_now) - len(own), "own_points": len(points),
                      "sees_bookings": True}  # fmt: skip
