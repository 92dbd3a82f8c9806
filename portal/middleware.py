"""What every request is held to, and what every answer carries."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict

from database.outages import is_busy
from database.session import Patience, acting_by, waiting_at_most
from portal.acting import token_of
from portal.apps import act_on_connection
from portal.busy import busy_response
from portal.health import health_response

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the QR code of an authenticator app is a data address
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


HEALTHY_PATH = "/healthy/"


class AnswerProbes:
    """Answer a monitor before anything asks by which name or scheme it came.

    A load balancer asks each machine by its address, without TLS and without the headers that a
    proxy adds: Django would refuse the name of the host, or redirect to one that is nobody's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a probe, or let others answer."""
        if request.path_info == HEALTHY_PATH and request.method in ("GET", "HEAD"):
            return health_response(is_strict="all" in request.GET)
        return self.get_response(request)


class ContentSecurityPolicy:
    """Let pages load only what this server serves; no inline script or style runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the policy."""
        response = self.get_response(request)
        # A view may have set a stricter policy, as that of attachments does.
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


_UNREADABLE = re.compile("[\0\ud800-\udfff]")


class UnreadableRequest(BadRequest):
    """A request that nothing here can answer; its sentence is shown on the page for 400."""


class RefuseUnreadable:
    """Refuse what no text of the database can hold, once, before any view asks with it.

    The sign NUL, and halves of a pair of UTF-16, reach a view percent-coded in an address, in a
    form, or escaped in a cookie; as an instrument, a document or a session they would all end in an
    error of the database.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, unless address or cookies are unreadable."""
        _refuse("The address", chain((request.path_info,), _texts(request.GET)))
        _refuse("A cookie", request.COOKIES.values())
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Read the form, unless it is unreadable."""
        if request.method == "POST":
            _refuse("The form", _texts(request.POST))


def _texts(sent: QueryDict) -> Iterator[str]:
    for name, values in sent.lists():
        yield name
        yield from map(str, values)


def _refuse(where: str, texts: Iterable[str]) -> None:
    for text in texts:
        if _UNREADABLE.search(text):
            raise UnreadableRequest(
                f"{where} holds a sign that is no part of any text (U+0000, or half of a pair of "
                "UTF-16): type it again, or follow a link."
            )


class ActAsAccount:
    """Let what a request reads and writes be read and written as whoever is signed in.

    The token is made of the session's key, which the browser alone holds, and of the secret of this
    portal; it ends with the session. So neither who reads the tables nor who writes a session there
    can act.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, as the account of whoever is signed in."""
        with acting_by(token_of(request)):
            act_on_connection()
            return self.get_response(request)


PATIENT = Patience(lock_ms=3_000, statement_ms=20_000)
IMPATIENT = PATIENT._replace(lock_ms=250)
PATIENT_REQUESTS = 2
"""Requests at once that may wait for a lock: others find threads to answer them."""


class LimitWaits:
    """Let no request wait long for the database, nor many of them together.

    A command may hold the ledger for minutes. Who waited for it on a page would see nothing, and a
    few of them would take all threads, those that tell a monitor that the portal is up too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._counting = threading.Lock()
        self._under_way = 0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, within the time that the request may wait."""
        with self._counting:
            self._under_way += 1
            patience = PATIENT if self._under_way <= PATIENT_REQUESTS else IMPATIENT
        try:
            with waiting_at_most(patience):
                return self.get_response(request)
        finally:
            with self._counting:
                self._under_way -= 1

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say that the database is busy, where that is all that a view failed at."""
        return busy_response() if is_busy(exception) else None
