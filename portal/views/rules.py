"""Rules in force, on any day, open to everyone; registrations to those whom they concern."""

import datetime as dt
from typing import NamedTuple

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from database.session import transaction
from portal.access import viewer_in
from portal.charts.chart import Chart
from portal.curve_view import curve_figures
from portal.days import day_complaint, known_complaints, parse_day, parse_known
from portal.document_view import fields_of
from portal.grid_view import grid_chart
from portal.holarchy_view import holarchy_chart
from portal.queries import rules as queries
from portal.queries.decided import decided_addresses
from portal.queries.drafts import may_write
from portal.queries.standing import (
    Ending,
    ending_of,
    next_beginning,
    shown_history,
    shown_law,
    shown_text,
)
from portal.readings_kept import keep_reading
from rulebook.clause_text import fill_clause
from rulebook.comparing import NO_CURRENCY
from rulebook.days import day_of
from rulebook.documents import Document, GridModel, MarketRules
from rulebook.store import records
from rulebook.versions import instant_shown

DIGEST_LETTERS = 64
OK, BAD_REQUEST = 200, 400
SHOWN_NOW = "Shown as known now."


class Asked(NamedTuple):
    """The day and the moment of knowledge that an address asks for, or what was wrong with them.

    Attributes:
        known: the moment by whose record the law is shown; None for the present.
        now: the present.
        zone: by whose clock the moment is written.
        refused: what was asked for as a moment and is none. No law is shown then: that of the
            present would be taken for an answer.
    """

    on: dt.date
    known: dt.datetime | None
    now: dt.datetime
    complaint: str
    zone: str
    refused: str = ""

    @property
    def moment(self) -> dt.datetime:
        """As of when the page speaks."""
        return self.known or self.now

    @property
    def is_to_come(self) -> bool:
        """Whether the law of a day is shown that has not come yet."""
        return self.on > self.moment.date()

    @property
    def known_text(self) -> str:
        """The moment of knowledge as addresses write it."""
        return instant_shown(self.known)

    @property
    def known_question(self) -> str:
        """What the address of a page without another question appends, to the same end."""
        return f"?{self.known_query.removeprefix('&')}" if self.known else ""

    @property
    def known_query(self) -> str:
        """What a link of the page appends, so that it is answered by the same record."""
        return f"&known={instant_shown(self.known)}" if self.known else ""


@require_safe
def in_force(request: HttpRequest) -> HttpResponse:
    """List the versions in force on a day, by market and kind."""
    asked = _asked(request)
    if asked.refused:
        return refused_page(request, asked)
    viewer = viewer_in(request)
    with transaction() as session:
        laws = queries.rules_in_force(session, asked.on, asked.known)
        shown = [shown_law(session, law, asked.on, asked.moment).visible_to(viewer) for law in laws]
    context = _context(asked) | {"markets": shown, "sees_all": viewer.sees_registrations}
    return render(request, "rules/in_force.html", context, status=status_of(asked.complaint))


@require_safe
def document(request: HttpRequest, instrument: str) -> HttpResponse:
    """Show the version of an instrument that is in force on a day."""
    return document_on(request, instrument, _asked(request, instrument.partition("/")[0]))


def document_on(request: HttpRequest, instrument: str, asked: Asked) -> HttpResponse:
    """Show the version of an instrument that is in force on a day that is asked for."""
    if asked.refused:
        return refused_page(request, asked)
    with transaction() as session:
        found = queries.rule_on(session, instrument, asked.on, asked.known)
        if found is None:
            return _gap_page(request, session, instrument, asked)
        return _version_page(request, session, found, asked)


def _gap_page(
    request: HttpRequest, session: Session, instrument: str, asked: Asked
) -> HttpResponse:
    versions = queries.rule_history(session, instrument)
    if not versions or not versions[0].is_open_to(viewer_in(request)):
        raise Http404("no such instrument for this user")
    zone, title = versions[0].zone, {each.id: each.document.title for each in versions}
    history = records(session, versions[0].market, [instrument])[instrument]
    at = queries.start_of_day(asked.on, zone)
    entries = shown_history(history, zone, asked.moment)
    context = _context(asked) | {
        "instrument": instrument,
        "standing": [(each, title[each.record.id]) for each in entries if each.stands],
        "needed_every_day": versions[0].needed_every_day,
        "ending": _ending_before(ending_of(history, zone, asked.moment), asked.on),
        "ahead": next_beginning(history, zone, at, asked.moment),
        "zone": zone,
    }
    return render(request, "rules/gap.html", context, status=404)


def _ending_before(ending: Ending | None, day: dt.date) -> Ending | None:
    """Return how a document ends, where it has ended before a day."""
    return ending if ending and ending.last_day < day else None


@require_safe
def version(request: HttpRequest, digest: str) -> HttpResponse:
    """Show the document with a digest, in force or not."""
    wanted = digest_of(digest)
    with transaction() as session:
        found = queries.rule_by_digest(session, wanted)
        if found is None:
            raise Http404("no such version")
        return _version_page(request, session, found, None)


def digest_of(written: str) -> bytes:
    """Return the digest that an address names.

    Raises:
        Http404: it names none.
    """
    try:
        wanted = bytes.fromhex(written)
    except ValueError:
        raise Http404("not a digest") from None
    # `fromhex` takes any even number of letters, and spaces between them.
    if len(written) != DIGEST_LETTERS:
        raise Http404("not a digest")
    return wanted


def _version_page(
    request: HttpRequest,
    session: Session,
    found: queries.RuleVersion,
    asked: Asked | None,
) -> HttpResponse:
    viewer = viewer_in(request)
    if not found.is_open_to(viewer):
        raise Http404("no such document for this user")
    owner, user = found.owner, request.user
    if owner and isinstance(user, User) and viewer.may_read_registration(*owner):
        keep_reading(user, viewer, *owner)
    currency = queries.currency_of(session, found)
    moment = asked.moment if asked else timezone.now()
    history = records(session, found.market, [found.instrument])[found.instrument]
    at = queries.start_of_day(asked.on, found.zone) if asked else None
    context = (_context(asked) if asked else {"section": "rules"}) | {
        "version": found,
        "document": found.document,
        "clauses": [
            (clause, fill_clause(found.document, clause.text, currency))
            for clause in found.document.clauses
        ],
        "fields": fields_of(found.document, currency, found.withheld_from(viewer)),
        "withholds": bool(found.withheld_from(viewer)),
        "pictures": _pictures(found.document),
        "curves": curve_figures(found.document) if isinstance(found.document, MarketRules) else (),
        "text": shown_text(found.digest, history, found.zone, moment, at),
        "history": shown_history(history, found.zone, moment),
        "ending": ending_of(history, found.zone, moment),
        "decided": decided_addresses(session, viewer, {each.approval for each in history}),
        "today": day_of(moment, found.zone),
        "lacks_currency": currency == NO_CURRENCY,
        "may_write": viewer.writes_law and may_write(viewer, found.market, found.instrument),
    }
    status = status_of(asked.complaint if asked else "")
    return render(request, "rules/document.html", context, status=status)


def _pictures(document: Document) -> list[Chart]:
    """Return the grid of a grid model, and what lies in what, as far as there is room for them."""
    if not isinstance(document, GridModel):
        return []
    return [each for each in (grid_chart(document), holarchy_chart(document)) if each]


def _context(asked: Asked) -> dict[str, object]:
    """Return what every page of the law of a day says of the day and the moment."""
    return {
        "asked": asked,
        "on": asked.on,
        "complaint": asked.complaint,
        "section": "rules",
    }


def refused_page(request: HttpRequest, asked: Asked) -> HttpResponse:
    """Say what is wrong with the moment of knowledge that was asked for, with the form to mend it.

    What is not there and what is not open to the reader look the same, as nothing is read.
    """
    # A permanent address holds its day already.
    context = _context(asked) | {"asks_for_day": "/law/" not in request.path}
    return render(request, "rules/refused.html", context, status=BAD_REQUEST)


def _asked(request: HttpRequest, market: str = "") -> Asked:
    """Return the day asked for by ?on= and the moment by ?known=, or the present."""
    day, complaint = chosen_day(request)
    return asked_on(request, day, market, complaint)


def asked_on(request: HttpRequest, on: dt.date, market: str, complaint: str = "") -> Asked:
    """Return a day and the moment asked for by ?known=, or the present.

    The moment is by the clock of the market, or as `clock_of` says.
    """
    now, written = timezone.now(), request.GET.get("known", "").strip()
    with transaction() as session:
        zone = queries.clock_of(session, market)
    if not written:
        return Asked(on, None, now, complaint, zone)
    known = parse_known(written, zone, now)
    wrong = known_complaints(written, known, zone, now)
    if not wrong:
        return Asked(on, known, now, complaint, zone)
    said = " ".join([*filter(None, [complaint]), *wrong])
    return Asked(on, None, now, said, zone, written)


def chosen_day(request: HttpRequest) -> tuple[dt.date, str]:
    """Return the day asked for by ?on=, or today; and what was wrong with it, if anything."""
    asked = request.GET.get("on", "").strip()
    today = timezone.now().date()
    if not asked:
        return today, ""
    found = parse_day(asked)
    return (today, f"{day_complaint(asked)} Shown for today.") if found is None else (found, "")


def status_of(complaint: str) -> int:
    """Return the status of a page that says what was wrong with its address, if anything was."""
    return BAD_REQUEST if complaint else OK
