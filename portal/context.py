"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.access import NOBODY, viewer_of
from portal.demo import has_demo_sign_ins


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the viewer of the page, and whether it shows a demonstration."""
    user = getattr(request, "user", None)
    viewer = getattr(request, "viewer", None) or (viewer_of(user) if user else NOBODY)
    return {"viewer": viewer, "is_demo": settings.TALLYSTICK_DEMO or has_demo_sign_ins()}
