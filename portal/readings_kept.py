"""Reads of another's data: each leaves an entry in the audit trail, once an hour.

Whoever acts for a participant reads their own. Who sees it by a role reads another's, and whatever
lets them see it calls here first: no entry, no page.
"""

import datetime as dt

from django.contrib.auth.models import User
from django.utils import timezone

from portal.access import SignedInRequest, Viewer
from portal.audit import Action, record
from portal.models import AuditEntry

EVERYBODY = "everybody"
"""The subject of a list in which each participant stands."""
ONCE_IN = dt.timedelta(hours=1)
"""For so long one entry says it, however many pages are opened: the trail stays readable."""


def keep_reading(user: User, viewer: Viewer, market: str, participant: str) -> None:
    """Keep that somebody reads the affairs of a participant, unless they act for it."""
    if (market, participant) not in viewer.acts_for:
        _keep_once(user, f"{market}/{participant}")


def keep_list(request: SignedInRequest, *, is_everybodys: bool) -> None:
    """Keep that somebody reads a list in which everybody stands, and not their own alone."""
    if is_everybodys:
        _keep_once(request.user, EVERYBODY)


def _keep_once(user: User, subject: str) -> None:
    now = timezone.now()
    recent = AuditEntry.objects.filter(
        at__gt=now - ONCE_IN, account=user.get_username(), action=Action.READING, subject=subject
    )
    if not recent.exists():
        record(user, Action.READING, subject, at=now)
