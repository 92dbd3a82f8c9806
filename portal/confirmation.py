"""Before money moves, whoever is signed in confirms that it is still they: by password or code.

The form that they sent waits in their session, which is sealed, and is sent on as soon as they
confirmed; nothing of it is typed again. A file is not kept so: who sends one unconfirmed is led
back to an empty form, and told; pages offer a file only to those who are confirmed.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from portal.access import GuardedView, SignedInRequest

P = ParamSpec("P")


def is_confirmed(request: HttpRequest) -> bool:
    """Return whether who is signed in confirmed it within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    return bool(did_recently_reauthenticate(request))


def confirms(
    page: str, *parts: str, when: Callable[[str], bool] | None = None
) -> Callable[[GuardedView[P]], GuardedView[P]]:
    """Return a decorator, inside of `open_to`, of a view that moves money by a form.

    Args:
        page: name of the page on which the form stands.
        parts: of the view's address that are also of that page's.
        when: whether an action, as the address names it, is such; without, the view always is.
    """

    def decorate(view: GuardedView[P]) -> GuardedView[P]:
        @wraps(view)
        def confirmed(
            request: SignedInRequest, /, *args: P.args, **named: P.kwargs
        ) -> HttpResponseBase:
            if (when and not when(str(named["action"]))) or is_confirmed(request):
                return view(request, *args, **named)
            if request.FILES:
                return _ask_without_form(request, reverse(page, kwargs=_only(named, parts)))
            raise ReauthenticationRequired  # allauth keeps the form, asks, and sends it on

        setattr(confirmed, "confirms", True)  # noqa: B010 - for the test that asks every address
        return confirmed

    return decorate


def _ask_without_form(request: HttpRequest, back_to: str) -> HttpResponse:
    messages.warning(
        request,
        "Nothing was done yet. Files are taken once you have confirmed that it is you: then fill "
        "in the form again, which is empty now, and choose the file once more.",
    )
    asking = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
    return redirect(f"{asking}?{urlencode({'next': back_to})}")


def _only(named: object, parts: tuple[str, ...]) -> dict[str, object]:
    given = dict(named) if isinstance(named, dict) else {}
    return {part: given[part] for part in parts}
