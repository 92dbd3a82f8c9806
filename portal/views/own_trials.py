"""What a trial says of a participant, opened by whoever acts for it; nobody else's is there.

The report of a trial is hidden from them, so a row is named by its participant, and what may be
known of the trial comes by the functions of the database that say who is asked.
"""

import datetime as dt
import uuid

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from database.session import transaction
from portal.access import SignedInRequest, Viewer, open_to
from portal.queries.rules import market_zone
from portal.readings_kept import keep_reading
from portal.trials.opening import Opened
from portal.views import opened_trials
from portal.views.opened_trials import Shown
from settlement.trials.report import LAW
from settlement.trials.rows import PARTICIPANT, ReportRow
from settlement.trials.seen import find_public_trial, own_rows


def acts_in_markets(viewer: Viewer) -> bool:
    """Return whether there is any participant for which this user acts."""
    return bool(viewer.acts_for)


@require_safe
@open_to(acts_in_markets)
def row(request: SignedInRequest, trial_id: uuid.UUID, participant: str) -> HttpResponse:
    """Show what a participant receives under a draft, day by day."""
    return opened_trials.row_page(request, _find(request, Opened(trial_id, own=participant)))


@require_safe
@open_to(acts_in_markets)
def day(
    request: SignedInRequest, trial_id: uuid.UUID, participant: str, day: dt.date
) -> HttpResponse:
    """Show a day of a participant: its settlement periods, and its lines."""
    opened = Opened(trial_id, day=day, own=participant)
    return opened_trials.day_page(request, _find(request, opened))


@require_safe
@open_to(acts_in_markets)
def line(
    request: SignedInRequest, trial_id: uuid.UUID, participant: str, day: dt.date, line: int
) -> HttpResponse:
    """Show a line of a participant's day."""
    opened = Opened(trial_id, 0, day, opened_trials.counted(line), own=participant)
    return opened_trials.line_page(request, _find(request, opened))


@require_safe
@open_to(acts_in_markets)
def trees(
    request: SignedInRequest,
    trial_id: uuid.UUID,
    participant: str,
    day: dt.date,
    line: int,
    interval: int,
) -> HttpResponse:
    """Show why a participant's line has its amount in an interval, under the law and a draft."""
    counted = opened_trials.counted
    opened = Opened(trial_id, 0, day, counted(line), counted(interval), participant)
    return opened_trials.trees_page(request, _find(request, opened))


def _find(request: SignedInRequest, opened: Opened) -> Shown:
    """Return a trial that everybody may know of, and the row of a participant of the reader."""
    with transaction() as session:
        tried = find_public_trial(session, opened.trial_id)
        if tried is None or tried.public is None:
            raise Http404("no such trial for this user")
        own = own_rows(session, opened.trial_id)
        zone = market_zone(session, tried.market)
    total = next((each.total for each in own if each.participant == opened.own), None)
    # Another's looks like one that is not there.
    if total is None or (tried.market, opened.own) not in request.viewer.acts_for:
        raise Http404("no such participant of this user in the trial")
    if opened.day is not None and not tried.first_day <= opened.day <= tried.last_day:
        raise Http404("no day of this trial")
    keep_reading(request.user, request.viewer, tried.market, opened.own)
    return Shown(
        tried,
        ReportRow(PARTICIPANT, opened.own, total),
        opened,
        zone,
        [LAW, *(draft["name"] for draft in tried.drafts)],
        tried.currency,
    )
