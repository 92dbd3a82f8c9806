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
from portal.trials.opening import Opened, may_open, participant_of, row_of
from settlement.trials.records import Trial
from settlement.trials.report import DRAFTS
from settlement.trials.rows import ReportRow, report_rows
from settlement.trials.store import find_trial

LINES_A_PAGE = 100


def opens_trials(viewer: Viewer) -> bool:
    """Return whether there are figures of trials that this user may open."""
    return viewer.sees_studies


class _Shown(NamedTuple):
    """The trial of a page, its row, and what the worker made of it."""

    trial: Trial
    row: ReportRow | None
    opened: Opened
    zone: str

    @property
    def sides(self) -> list[str]:
        """The names of its sides, the law first."""
        return [side.side for side in self.trial.sides]

    @property
    def currency(self) -> str:
        """Of its amounts."""
        return str(self.trial.report["currency"])

    def address(self, **parts: object) -> str:
        """Return the address of what lies below the page."""
        named = {"trial_id": self.trial.id, "row": self.opened.row}
        route = {1: "trial-day", 2: "trial-line", 3: "trial-trees"}[len(parts)]
        return reverse(route, kwargs=named | parts)


@require_safe
@open_to(opens_trials)
def row(request: SignedInRequest, trial_id: uuid.UUID, row: int) -> HttpResponse:
    """Show a row of a trial, day by day."""
    shown = _find_row(request, Opened(trial_id, row))
    # One request serves all rows: what is dear is to settle the days, not to sum them.
    every = Opened(trial_id)

    def context(page: pages.RowsPage) -> dict[str, Any]:
        grid = days_grid(page, row, shown.sides, lambda day: shown.address(day=day))
        recorded = report_rows(shown.trial.report)[row - 1].received_micro(shown.sides)
        sums = tuple(map(sum, zip(*page.received_micro[row], strict=True)))
        return {"grid": grid, "agrees": sums == recorded and not page.other_sides}

    return _answer(request, shown, every, "trials/row.html", context)


@require_safe
@open_to(opens_trials)
def day(request: SignedInRequest, trial_id: uuid.UUID, row: int, day: dt.date) -> HttpResponse:
    """Show a day of a row: its settlement periods, and the lines that they are made of."""
    shown = _find_row(request, Opened(trial_id, row, day))

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
    if not line:
        raise Http404("lines are counted from 1")
    shown = _find_row(request, Opened(trial_id, row, day, line))

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
    if not line or not interval:
        raise Http404("lines and intervals are counted from 1")
    shown = _find_row(request, Opened(trial_id, row, day, line, interval))
    drafts = [side for side in shown.sides if side in DRAFTS]
    wanted = request.GET.get("draft")
    draft = wanted if wanted in drafts else drafts[0]

    def context(page: pages.TreesPage) -> dict[str, Any]:
        return {
            "line": page.line,
            "words": line_words(page.line),
            "page": page,
            "found": two_trees(page, shown.trial, draft, shown.currency),
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
    shown = _Shown(trial, None, Opened(trial_id, day=day), zone)

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


def _find_row(request: SignedInRequest, opened: Opened) -> _Shown:
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
    return _Shown(trial, row, opened, zone)


def _answer(
    request: SignedInRequest,
    shown: _Shown,
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
        "tried": shown.trial,
        "zone": shown.zone,
        "row": shown.opened.row,
        "row_name": name,
        "row_table": table,
        "day": shown.opened.day,
        "line_number": shown.opened.line,
        "interval": shown.opened.interval,
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
