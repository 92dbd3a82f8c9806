"""What a page says of an act: what it came to, or that it is being done."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from portal.access import SignedInRequest
from portal.models import Act

ShowRefused = Callable[[SignedInRequest, Act], HttpResponse]


def answer(request: SignedInRequest, act: Act, show_refused: ShowRefused) -> HttpResponse:
    """Lead on to what an act did, show its form again with every reason, or its own page."""
    if act.state == Act.State.REFUSED:
        return show_refused(request, act)
    if act.state != Act.State.DONE:
        return redirect("act", act.pk)
    for note in act.outcome["notes"]:
        messages.info(request, note)
    if act.outcome["told"]:
        messages.success(request, act.outcome["told"])
    return redirect(*act.outcome["where"])
