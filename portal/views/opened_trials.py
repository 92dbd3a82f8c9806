"""Figures of a trial, opened: days, settlement periods and lines, two trees of one; and prices."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from database.session import transaction
from portal import explanations, jobs
from portal.access import SignedInRequest, Viewer, open_to
from portal.bodies import Refusal
from portal.explanations import State, Subject
from portal.paging import page_of
from portal.queries.rules import market_zone
from portal.quotas import refused
from portal.readings_kept import keep_list, keep_reading
from portal.trials import opened_pages as pages
from portal.trials.compared_trees import two_trees
from portal.trials.opened_prices import agrees, days_prices, periods_prices, prices_chart, zoomed
from portal.trials.opened_tables import (
    SIDE_TITLES,
    by_difference,
    days_grid,
    line_words,
    lines_grid,
    periods_charts,
    periods_grid,
    row_words,
)
from portal.trials.opening import OWN_NUMBER, Opened, may_open, participant_of, row_of
from settlement.trials.records import Trial
from settlement.trials.report import DRAFTS
from settlement.trials.rows import ReportRow
from settlement.trials.seen import PublicTrial
from settlement.trials.store import find_trial

LINES_A_PAGE = 100


def opens_trials(viewer: Viewer) -> bool:
    """Return whether there are figures of trials that this user may open."""
    return viewer.sees_studies


class Shown(NamedTuple):
    """The trial of a page, its row, what is opened of it, and the zone of its market.

    Attributes:
        tried: the whole trial, or what everybody may know of it.
        sides: the names of its sides, the law first.
        currency: of its amounts.
    """

    tried: Trial | PublicTrial
    row: ReportRow | None
    opened: Opened
    zone: str
    sides: list[str]
    currency: str

    @property
    def day_count(self) -> int:
        """How many days the trial has."""
        return (self.tried.last_day - self.tried.first_day).days + 1

    def address(self, **parts: object) -> str:
        """Return the address of what lies below the row: a day, a line of it, an interval."""
        opened, below = self.opened, ("row", "day", "line", "trees")[len(parts)]
        named: dict[str, object] = {"trial_id": self.tried.id}
        if opened.own:
            return reverse(f"trial-own-{below}", kwargs=named | {"participant": opened.own} | parts)
        return reverse(f"trial-{below}", kwargs=named | {"row": opened.row} | parts)

    def crumbs(self, name: str) -> list[tuple[str, str]]:
        """Return what lies above the page and the page itself, with their addresses."""
        opened, tried = self.opened, self.tried
        above = reverse("trial-prices", args=[tried.id]) if self.row is None else self.address()
        found = [(name, above)]
        if opened.day is not None:
            words = f"{opened.day.day} {opened.day:%b %Y}"
            found.append((words, "" if self.row is None else self.address(day=opened.day)))
        if opened.line:
            address = self.address(day=opened.day, line=opened.line)
            found.append((f"Line {opened.line}", address))
        if opened.interval:
            found.append((f"Period {opened.interval}", ""))
        return found


@require_safe
@open_to(opens_trials)
def row(request: SignedInRequest, trial_id: uuid.UUID, row: int) -> HttpResponse:
    """Show a row of a trial, day by day."""
    return row_page(request, _find_row(request, Opened(trial_id, row)))


def row_page(request: SignedInRequest, shown: Shown) -> HttpResponse:
    """Show the days of a row."""
    # One request serves all rows: what is dear is to settle the days, not to sum them.
    asked = shown.opened if shown.opened.own else Opened(shown.tried.id)
    number = shown.opened.row or OWN_NUMBER

    def context(page: pages.RowsPage) -> dict[str, Any]:
        grid = days_grid(page, number, shown.sides, lambda day: shown.address(day=day))
        recorded = shown.row.received_micro(shown.sides) if shown.row else ()
        sums = tuple(map(sum, zip(*page.received_micro[number], strict=True)))
        return {"grid": grid, "agrees": sums == recorded and not page.other_sides}

    return _answer(request, shown, asked, "trials/row.html", context)


@require_safe
@open_to(opens_trials)
def day(request: SignedInRequest, trial_id: uuid.UUID, row: int, day: dt.date) -> HttpResponse:
    """Show a day of a row: its settlement periods, and the lines that they are made of."""
    return day_page(request, _find_row(request, Opened(trial_id, row, day)))


def day_page(request: SignedInRequest, shown: Shown) -> HttpResponse:
    """Show a day of a row."""
    day = shown.opened.day
    assert day is not None

    def context(page: pages.RowDayPage) -> dict[str, Any]:
        lines = page_of(request, by_difference(page.lines), LINES_A_PAGE)
        return {
            "grid": periods_grid(page.periods, shown.sides),
            "charts": list(periods_charts(day, page.periods, shown.sides, shown.currency)),
            "lines": lines,
            "lines_grid": lines_grid(
                lines.rows, shown.sides, lambda line: shown.address(day=day, line=line)
            ),
        }

    return _answer(request, shown, shown.opened, "trials/day.html", context)


@require_safe
@open_to(opens_trials)
def line(
    request: SignedInRequest, trial_id: uuid.UUID, row: int, day: dt.date, line: int
) -> HttpResponse:
    """Show a line of a day: energy, price and amount of each settlement period."""
    return line_page(request, _find_row(request, Opened(trial_id, row, day, counted(line))))


def line_page(request: SignedInRequest, shown: Shown) -> HttpResponse:
    """Show a line of a day."""
    day, line = shown.opened.day, shown.opened.line
    assert day is not None

    def context(page: pages.LinePage) -> dict[str, Any]:
        def address_of(interval: int) -> str:
            return shown.address(day=day, line=line, interval=interval)

        return {
            "line": page.line,
            "words": line_words(page.line),
            "grid": periods_grid(page.periods, shown.sides, address_of),
            "charts": list(periods_charts(day, page.periods, shown.sides, shown.currency)),
        }

    return _answer(request, shown, shown.opened, "trials/line.html", context)


@require_safe
@open_to(opens_trials)
def trees(
    request: SignedInRequest,
    trial_id: uuid.UUID,
    row: int,
    day: dt.date,
    line: int,
    interval: int,
) -> HttpResponse:
    """Show why a line has its amount in an interval, under the law and under a draft."""
    opened = Opened(trial_id, row, day, counted(line), counted(interval))
    return trees_page(request, _find_row(request, opened))


def counted(number: int) -> int:
    """Return the number of a line or an interval of an address; 0 would ask for all of them.

    Raises:
        Http404: it is 0.
    """
    if not number:
        raise Http404("lines and intervals are counted from 1")
    return number


def trees_page(request: SignedInRequest, shown: Shown) -> HttpResponse:
    """Show two trees of an interval.

    Raises:
        Http404: the trial has no draft of that name.
    """
    day, line, interval = shown.opened.day, shown.opened.line, shown.opened.interval
    drafts = [side for side in shown.sides if side in DRAFTS]
    draft = request.GET.get("draft", drafts[0])
    if draft not in drafts:
        raise Http404("no such draft in this trial")

    def context(page: pages.TreesPage) -> dict[str, Any]:
        return {
            "line": page.line,
            "words": line_words(page.line),
            "page": page,
            "found": two_trees(page, shown.sides, draft, shown.currency),
            "draft": draft,
            "draft_title": SIDE_TITLES[draft].lower(),
            "drafts": [(name, SIDE_TITLES[name].lower()) for name in drafts],
            "before": shown.address(day=day, line=line, interval=interval - 1)
            if interval > 1
            else "",
            "after": shown.address(day=day, line=line, interval=interval + 1)
            if interval < page.count
            else "",
        }

    return _answer(request, shown, shown.opened, "trials/trees.html", context)


@require_safe
@open_to(opens_trials)
def prices(
    request: SignedInRequest, trial_id: uuid.UUID, day: dt.date | None = None
) -> HttpResponse:
    """Show the prices of a trial, day by day, or those of a day by settlement period."""
    trial, zone = _find_trial(trial_id, day)
    if not may_open(request.viewer, trial.market, None):
        raise PermissionDenied
    shown = _whole(trial, None, Opened(trial_id, day=day), zone)

    def address_of(day: dt.date) -> str:
        return reverse("trial-prices-of-day", args=[trial_id, day])

    def context(page: pages.RowsPage) -> dict[str, Any]:
        grid = (
            days_prices(page, shown.sides, address_of)
            if day is None
            else periods_prices(page, day, shown.sides)
        )
        return {
            "grid": grid,
            "chart": prices_chart(page, shown.sides, shown.currency, day),
            "zoom": zoomed(page, shown.sides, shown.currency) if day is None else None,
            "agrees": agrees(page, trial.report, shown.sides),
        }

    return _answer(request, shown, Opened(trial_id), "trials/prices.html", context)


def _find_trial(trial_id: uuid.UUID, day: dt.date | None) -> tuple[Trial, str]:
    """Return a trial that has a day, and the zone of its market."""
    with transaction() as session:
        trial = find_trial(session, trial_id)
        zone = "UTC" if trial is None else market_zone(session, trial.market)
    if trial is None:
        raise Http404("no such trial")
    if day is not None and not trial.first_day <= day <= trial.last_day:
        raise Http404("no day of this trial")
    return trial, zone


def _find_row(request: SignedInRequest, opened: Opened) -> Shown:
    """Return the trial and the row of a page, and keep that it is read."""
    trial, zone = _find_trial(opened.trial_id, opened.day)
    row = row_of(trial, opened.row)
    if row is None:
        raise Http404("no such row in this trial")
    participant = participant_of(row)
    if not may_open(request.viewer, trial.market, participant):
        raise PermissionDenied
    # Whoever sees everybody's figures sees them in the trees of one participant, too.
    if participant is None or (opened.interval and may_open(request.viewer, trial.market, None)):
        keep_list(request, is_everybodys=True)
    else:
        keep_reading(request.user, request.viewer, trial.market, participant)
    return _whole(trial, row, opened, zone)


def _whole(trial: Trial, row: ReportRow | None, opened: Opened, zone: str) -> Shown:
    sides = [side.side for side in trial.sides]
    return Shown(trial, row, opened, zone, sides, str(trial.report["currency"]))


def _answer(
    request: SignedInRequest,
    shown: Shown,
    opened: Opened,
    template: str,
    context_of: Callable[[Any], dict[str, Any]],
) -> HttpResponse:
    """Show what was opened, or that it is being worked out; the page then leads on by itself."""
    subject = Subject(opened.document, opened.line, opened.day, opened.interval or None)
    asked = explanations.ask(request.user, request.viewer, subject)
    if isinstance(asked, Refusal):
        return refused(asked)
    if asked.state == State.NOTHING:
        raise Http404("nothing of the kind in this trial")
    name, table = row_words(shown.row) if shown.row else ("Prices", "Every settlement period")
    context: dict[str, Any] = {
        "section": "trials",
        "tried": shown.tried,
        "day_count": shown.day_count,
        "zone": shown.zone,
        "crumbs": shown.crumbs(name),
        "row_name": name,
        "row_table": table,
        "day": shown.opened.day,
        "interval": shown.opened.interval,
        "is_long": opened.is_long,
        "currency": shown.currency,
    }
    if asked.state != State.READY:
        context |= {"asked": asked, "has_worker": jobs.is_worker_there()}
        partial_page = "why/_state.html"
        return render(request, partial_page if request.htmx else "trials/opening.html", context)
    if request.htmx:
        return HttpResponseClientRedirect(request.get_full_path())
    found: pages.Page = opened.pages.validate_json(asked.content)
    if isinstance(found, pages.NotOpened):
        return render(request, "trials/not_opened.html", context | {"reasons": found.reasons})
    return render(request, template, context | context_of(found))
