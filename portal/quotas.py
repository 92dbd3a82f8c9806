"""What one account may ask for in an hour, so that nobody's haste is everybody's wait.

Each use is a row; rows older than the hour are removed as new ones come. A refusal is a page with
status 429 that says when there is room again.
"""

import datetime as dt
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import NamedTuple, ParamSpec

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from portal.access import GuardedView, SignedInRequest
from portal.bodies import Refusal, refusal_page
from portal.models import Use

P = ParamSpec("P")
HOUR = dt.timedelta(hours=1)
LOCK_SPACE = 0x7A12
"""First half of the key of the advisory lock under which the uses of an account are counted."""


class Kind(StrEnum):
    """What is counted."""

    EXPORT = "export"
    UPLOAD = "upload"
    REPLAY = "replay"
    TRIAL = "trial"
    EXPLANATION = "explanation"


class Quota(NamedTuple):
    """How many an hour, and what people call it."""

    most: int
    words: str


QUOTAS = {
    Kind.EXPORT: Quota(120, "files"),
    Kind.UPLOAD: Quota(60, "uploads"),
    Kind.REPLAY: Quota(20, "replays"),
    Kind.TRIAL: Quota(40, "trials"),
    Kind.EXPLANATION: Quota(1_200, "explanations"),
}


def spend(user: User, kind: Kind, now: dt.datetime) -> Refusal | None:
    """Count one use, or return why there is no room; a use that is refused is not counted."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Of two requests at once the second counts the first.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, user.pk])
        Use.objects.filter(user=user, at__lte=now - HOUR).delete()
        if is_used_up(user, kind, now):
            return too_many(kind, _seconds_to_room(user, kind, now))
        Use.objects.create(user=user, kind=kind, at=now)
    return None


def is_used_up(user: User, kind: Kind, now: dt.datetime | None = None) -> bool:
    """Return whether an account has had its number of a kind in the hour before `now`."""
    since = (now or timezone.now()) - HOUR
    return Use.objects.filter(user=user, kind=kind, at__gt=since).count() >= QUOTAS[kind].most


def too_many(kind: Kind, retry_seconds: int = 60) -> Refusal:
    """Return the refusal of a use beyond the quota."""
    quota = QUOTAS[kind]
    minutes = -(-retry_seconds // 60)
    return Refusal(
        429,
        f"That is more {quota.words} than an hour has room for",
        f"An account may ask for {quota.most} {quota.words} an hour, and yours has. "
        "Nothing was started or stored.",
        f"Ask again in {minutes} minute{'s' if minutes > 1 else ''}; what you have stays yours.",
        retry_seconds,
    )


def refused(refusal: Refusal) -> HttpResponse:
    """Return a refusal as a page."""
    answer = HttpResponse(refusal_page(refusal), status=refusal.status)
    if refusal.retry_seconds:
        answer["Retry-After"] = str(refusal.retry_seconds)
    return answer


def spends(
    kind: Kind, when: Callable[[HttpRequest], bool] = lambda _: True
) -> Callable[[GuardedView[P]], GuardedView[P]]:
    """Return a decorator, inside of `open_to`: 429 once the account has used up its quota.

    Args:
        kind: of what the view does.
        when: whether a request does it; a form with an optional file may not.
    """

    def decorate(view: GuardedView[P]) -> GuardedView[P]:
        @wraps(view)
        def counted(
            request: SignedInRequest, /, *args: P.args, **named: P.kwargs
        ) -> HttpResponseBase:
            refusal = spend(request.user, kind, timezone.now()) if when(request) else None
            return refused(refusal) if refusal else view(request, *args, **named)

        return counted

    return decorate


def sends_file(request: HttpRequest) -> bool:
    """Return whether a form came with a file."""
    return bool(request.FILES)


def _seconds_to_room(user: User, kind: Kind, now: dt.datetime) -> int:
    """Return when the oldest use that counts will count no more."""
    uses = Use.objects.filter(user=user, kind=kind, at__gt=now - HOUR).order_by("-at")
    oldest = uses.values_list("at", flat=True)[QUOTAS[kind].most - 1]
    return max(1, int((oldest + HOUR - now).total_seconds()) + 1)
