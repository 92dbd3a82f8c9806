"""The start page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import viewer_in
from rulebook.store import markets


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What this is, for everyone; a user with a role goes to where that role starts."""
    viewer = viewer_in(request)
    if viewer.home:
        return redirect(viewer.home)
    with transaction() as session:
        known = markets(session)
    return render(request, "home.html", {"markets": known})
