"""Addresses that take a form and show nothing: whoever opens one by hand is led to its page."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
NOT_ALLOWED = 405


def takes_form(view: View[P]) -> View[P]:
    """Let a view take a form alone; all else is answered 405, by a page that leads on."""

    @wraps(view)
    def taking(request: HttpRequest, /, *args: P.args, **named: P.kwargs) -> HttpResponseBase:
        if request.method == "POST":
            return view(request, *args, **named)
        return _led_on(request)

    setattr(taking, "takes_form_alone", True)  # noqa: B010 - so that nobody is led from one to it
    return taking


def _led_on(request: HttpRequest) -> HttpResponse:
    context = {"page_address": _page_over(request.path)}
    answer = render(request, "errors/405.html", context, status=NOT_ALLOWED)
    answer.headers["Allow"] = "POST"
    return answer


def _page_over(address: str) -> str:
    """Return the nearest address above this one that shows a page."""
    parts = address.strip("/").split("/")
    for count in range(len(parts) - 1, 0, -1):
        above = f"/{'/'.join(parts[:count])}/"
        try:
            found = resolve(above)
        except Resolver404:
            continue
        if not getattr(found.func, "takes_form_alone", False):
            return above
    return "/"
