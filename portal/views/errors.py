"""Pages for what went wrong; each says what happened and where to go on."""

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from database.outages import is_busy
from portal.busy import busy_response
from portal.middleware import UnreadableRequest


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the address or the form makes no sense."""
    # Django's own exceptions may quote what was sent; only ours are written for people.
    sentence = str(exception) if isinstance(exception, UnreadableRequest) else ""
    return render(request, "errors/400.html", {"sentence": sentence}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: signed in, but with another role."""
    return render(request, "errors/403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without its token, as from a page left open over a sign-in."""
    return render(request, "errors/stale_form.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no such page, or none that this user may see; the two look alike on purpose."""
    return render(request, "errors/404.html", status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours; the page uses no database, which may be what failed.

    503 instead where the database only had no time: so it may be outside of any view, too.
    """
    error = sys.exception()
    if error is not None and is_busy(error):
        return busy_response()
    return HttpResponse(SERVER_ERROR, status=500)


SERVER_ERROR = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Something failed on our side - Tallystick</title>
<link rel="stylesheet" href="/static/tallystick.css"></head>
<body><main class="page narrow" id="main"><h1>Something failed on our side</h1>
<p class="lead">Nothing was changed. The fault is in our log; please try again in a moment.</p>
<p><a href="/">To the start page</a></p></main></body></html>
"""
