"""Who may send a file: somebody who is signed in, and has not sent too many of late.

Asked by the edge with the head of a request alone, before the body is read.
"""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest

from portal.bodies import Refusal
from portal.quotas import Kind, is_used_up, too_many

NOT_SIGNED_IN = Refusal(
    401,
    "Sign in first",
    "Files are taken from people who are signed in. Nothing of what you sent was stored.",
    "Sign in, go back to the form, and send it again.",
)


def judge_uploader(headers: dict[str, str]) -> Refusal | None:
    """Return why nobody takes a file from who sends a request, or None.

    Args:
        headers: of the request, by lower-case name.
    """
    request = HttpRequest()
    request.session = _session_of(headers.get("cookie", ""))
    try:
        user = get_user(request)
        if not user.is_authenticated:
            return NOT_SIGNED_IN
        return too_many(Kind.UPLOAD) if is_used_up(user, Kind.UPLOAD) else None
    finally:
        connections.close_all()  # this is no request of Django's, which would close it


def _session_of(cookie_header: str):  # type: ignore[no-untyped-def]  # of the engine that is set
    try:
        morsel = SimpleCookie(cookie_header).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        morsel = None
    engine = import_module(settings.SESSION_ENGINE)
    return engine.SessionStore(morsel.value if morsel else None)
