"""Settling what is due and billing a month, for operators, from the page of the calendar."""

from django.http import HttpResponse

from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.acts.settling import SETTLES
from portal.confirmation import confirms
from portal.days import parse_day
from portal.form_alone import takes_form
from portal.models import Act
from portal.views.calendar import calendar_response
from portal.views.page_remedies import page_sentences

CHOOSE = "Choose a range that the calendar lists as due."
CHOOSE_MONTH = "Choose a month of the calendar."


def settles(viewer: Viewer) -> bool:
    """Return whether this user settles and bills."""
    return bool(viewer.roles & SETTLES)


@takes_form
@open_to(settles)
@confirms("calendar")
def settle(request: SignedInRequest) -> HttpResponse:
    """Settle and post a range of days that is due."""
    names = ("market", "kind", "first_day", "last_day")
    asked = {name: request.POST.get(name, "") for name in names}
    if not all((parse_day(asked["first_day"]), parse_day(asked["last_day"]), asked["market"])):
        return calendar_response(request, [CHOOSE])
    subject = "{kind} of {market}, {first_day} to {last_day}".format(**asked)
    return answer(request, ask(request.user, Act.Kind.SETTLE, subject, asked), show_refused)


@takes_form
@open_to(settles)
@confirms("calendar")
def issue(request: SignedInRequest) -> HttpResponse:
    """Issue the documents of a month."""
    market, month = request.POST.get("market", ""), parse_day(request.POST.get("month", ""))
    if month is None or month.day != 1 or not market:
        return calendar_response(request, [CHOOSE_MONTH])
    arguments = {"market": market, "month": str(month)}
    act = ask(request.user, Act.Kind.ISSUE, f"{market}, {month:%B %Y}", arguments)
    return answer(request, act, show_refused)


def show_refused(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the calendar with every reason why nothing was settled or issued."""
    return calendar_response(request, page_sentences(act.findings), act.arguments["market"])
