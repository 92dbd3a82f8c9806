"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from database.session import transaction
from portal.access import NOBODY, Viewer, roles_of, viewer_of
from portal.demo import is_demo
from portal.queries.notices import notices_for, overseen_notices
from portal.reading_marks import read_keys


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the viewer of the page, and whether it shows a demonstration."""
    user = getattr(request, "user", None)
    # Where no view was found, nobody has asked yet what the user may see.
    viewer = getattr(request, "viewer", None) or (viewer_of(user) if user else NOBODY)
    return {
        "viewer": viewer,
        "roles": SimpleLazyObject(lambda: sorted(roles_of(user)) if user else []),
        "lacks_second_factor": getattr(request, "lacks_second_factor", False),
        "is_demo": settings.TALLYSTICK_DEMO or is_demo(),
        # Lazy: what htmx asks for every two seconds shows no count, and derives no notices.
        "unread_notices": SimpleLazyObject(lambda: _unread_count(user, viewer)),
    }


def _unread_count(user: Any, viewer: Viewer) -> int:
    """Return how many notices a participant has not read; those of others are not counted."""
    if user is None or not (viewer.participants or viewer.sees_people):
        return 0
    with transaction() as session:
        if viewer.participants:
            found = notices_for(session, viewer, timezone.now())
        else:
            found = overseen_notices(session, viewer)
    read = read_keys(user) if found else set()
    return sum(notice.key not in read for notice in found)
