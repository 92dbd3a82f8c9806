"""What one account may ask for in an hour or a day, so that nobody's haste is everybody's wait.

Each use is a row; rows older than that are removed as new ones come. A refusal is a page with
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
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
LOCK_SPACE = 0x7A12
"""First half of the key of the advisory lock under which the uses of an account are counted."""


class Kind(StrEnum):
    """What is counted."""

    EXPORT = "export"
    UPLOAD = "upload"
    REPLAY = "replay"
    TRIAL = "trial"
    REPORT = "report"
    EXPLANATION = "explanation"


class Quota(NamedTuple):
    """How many within a span, and what people call them."""

    most: int
    words: str
    span: dt.timedelta = HOUR

    @property
    def span_words(self) -> str:
        """What people call the span."""
        return "a day" if self.span == DAY else "an hour"


QUOTAS = {
    Kind.EXPORT: Quota(120, "files"),
    Kind.UPLOAD: Quota(60, "uploads"),
    Kind.REPLAY: Quota(20, "replays"),
    # A year takes minutes of the one worker that tries drafts, and each is kept for good.
    Kind.TRIAL: Quota(60, "trials", DAY),
    Kind.REPORT: Quota(60, "fairness reports", DAY),
    Kind.EXPLANATION: Quota(1_200, "explanations"),
}


def spend(user: User, kind: Kind, now: dt.datetime) -> Refusal | None:
    """Count one use, or return why there is no room; a use that is refused is not counted."""
    with transaction.atomic():
        lock_account(user)
        Use.objects.filter(user=user, kind=kind, at__lte=now - QUOTAS[kind].span).delete()
        if is_used_up(user, kind, now):
            return too_many(kind, _seconds_to_room(user, kind, now))
        Use.objects.create(user=user, kind=kind, at=now)
    return None


def lock_account(user: User) -> None:
    """Let whoever counts what an account has, too, wait until this transaction ends.

    Of two requests at once the second counts the first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, user.pk])


def is_used_up(user: User, kind: Kind, now: dt.datetime | None = None) -> bool:
    """Return whether an account has had its number of a kind in the span before `now`."""
    since = (now or timezone.now()) - QUOTAS[kind].span
    return Use.objects.filter(user=user, kind=kind, at__gt=since).count() >= QUOTAS[kind].most


def too_many(kind: Kind, retry_seconds: int = 60) -> Refusal:
    """Return the refusal of a use beyond the quota."""
    quota = QUOTAS[kind]
    minutes = -(-retry_seconds // 60)
    return Refusal(
        429,
        f"That is more {quota.words} than {quota.span_words} has room for",
        f"An account may ask for {quota.most} {quota.words} {quota.span_words}, and yours has. "
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
    span = QUOTAS[kind].span
    uses = Use.objects.filter(user=user, kind=kind, at__gt=now - span).order_by("-at")
    oldest = uses.values_list("at", flat=True)[QUOTAS[kind].most - 1]
    return max(1, int((oldest + span - now).total_seconds()) + 1)
