"""The page on which who was invited sets a password; the second factor follows the sign-in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from common.refusals import Refused
from portal.audit import Action, record
from portal.people import accept_invitation, invited
from portal.throttle import TOO_MANY, Kind, account_of, begin_request, succeed

UNPROCESSABLE, GONE = 422, 404


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, account: str, key: str) -> HttpResponse:
    """Ask whoever holds an invitation for a password, twice, and lead them to sign in with it."""
    if request.method == "POST":
        return _accept(request, account, key)
    if invited(account, key) is None:
        return _page(request, account, is_known=False, status=GONE)
    return _page(request, account)


def _accept(request: HttpRequest, account: str, key: str) -> HttpResponse:
    attempt = begin_request(Kind.PASSWORD, account_of(account), request)
    if attempt is None:
        return _page(request, account, (TOO_MANY,), status=UNPROCESSABLE)
    if invited(account, key) is None:
        return _page(request, account, is_known=False, status=GONE)
    succeed(attempt)  # the key was right: a weak password is no guess
    password = request.POST.get("password", "")
    if password != request.POST.get("again", ""):
        differ = "The two passwords differ. Type the same one twice."
        return _page(request, account, (differ,), status=UNPROCESSABLE)
    try:
        user = accept_invitation(account, key, password)
    except Refused as refused:
        complaints = tuple(f"{each.limit}." for each in refused.findings)
        return _page(request, account, complaints, status=UNPROCESSABLE)
    record(user, Action.FIRST_PASSWORD)
    messages.success(request, f"The password of {account} is set. Sign in with it.")
    return redirect("account_login")


def _page(
    request: HttpRequest,
    account: str,
    complaints: tuple[str, ...] = (),
    *,
    is_known: bool = True,
    status: int = 200,
) -> HttpResponse:
    context = {"account": account, "complaints": complaints, "is_known": is_known, "section": ""}
    return render(request, "account/invitation.html", context, status=status)
