"""The audit trail of the portal: each write and each file leaves an entry, for good."""

import datetime as dt
from email.message import Message

from allauth.account.signals import authentication_step_completed, password_changed
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import connection
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from portal.models import AuditEntry

Action = AuditEntry.Action
SUBJECT_LETTERS = 200
APPEND = """
INSERT INTO portal.portal_auditentry (at, account, action, subject, reason)
VALUES (%s, %s, %s, %s, %s)
"""


def record(
    user: User | None,
    action: Action,
    subject: str = "",
    reason: str = "",
    at: dt.datetime | None = None,
) -> None:
    """Append an entry: who, when, what and why."""
    account = user.get_username() if user else ""
    # As text: some words are translated late.
    said = map(str, (action, subject, reason))
    # Django asks for what it inserted, and a row is read by policy: nobody acts yet who signs in.
    with connection.cursor() as cursor:
        cursor.execute(APPEND, [at or timezone.now(), account, *said])


def record_file(request: HttpRequest, answer: HttpResponseBase) -> None:
    """Append an entry for a file that leaves the portal; a page leaves none."""
    disposition = Message()
    disposition["Content-Disposition"] = answer.headers.get("Content-Disposition", "inline")
    if disposition.get_content_disposition() == "attachment" and isinstance(request.user, User):
        subject = f"{disposition.get_filename()} from {request.path}"
        record(request.user, Action.EXPORT, subject[:SUBJECT_LETTERS])


@receiver(user_logged_in)
def _record_sign_in(sender: object, user: User, **_: object) -> None:
    record(user, Action.SIGN_IN)


@receiver(user_logged_out)
def _record_sign_out(sender: object, request: HttpRequest, user: User | None, **_: object) -> None:
    if user is not None:
        from portal.acting import end_token  # commands that sign nobody out need no accounts

        record(user, Action.SIGN_OUT)
        end_token(request)


@receiver(user_login_failed)
def _record_refused_sign_in(sender: object, credentials: dict[str, str], **_: object) -> None:
    # A name that is no user's may be a password typed into the wrong field: it is not kept.
    name = credentials.get("username", "")
    known = get_user_model().objects.filter(username=name).first()
    record(known, Action.SIGN_IN_REFUSED)


@receiver(password_changed)
def _record_password_change(sender: object, user: User, **_: object) -> None:
    record(user, Action.PASSWORD)


@receiver(authentication_step_completed)
def _record_confirmation(
    sender: object, user: User, method: str, reauthenticated: bool = False, **_: object
) -> None:
    if reauthenticated:
        record(user, Action.CONFIRMED, "second factor" if method == "mfa" else method)


@receiver(authenticator_added)
def _record_factor_added(
    sender: object, user: User, authenticator: Authenticator, **_: object
) -> None:
    record(user, Action.APP_ADDED, authenticator.get_type_display())


@receiver(authenticator_removed)
def _record_factor_removed(
    sender: object, user: User, authenticator: Authenticator, **_: object
) -> None:
    record(user, Action.APP_REMOVED, authenticator.get_type_display())


@receiver(authentication_failed)
def _record_refused_factor(
    sender: object, user: User, authenticator: Authenticator, **_: object
) -> None:
    record(user, Action.FACTOR_REFUSED, authenticator.get_type_display())


@receiver(authenticator_reset)
def _record_new_codes(sender: object, user: User, **_: object) -> None:
    record(user, Action.CODES_MADE)


@receiver(authenticator_used)
def _record_used_code(
    sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_: object
) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        authenticator.refresh_from_db()  # the code was marked as used on another copy of it
        left = len(authenticator.wrap().get_unused_codes())
        told = f"{left or 'none'} left"
        record(user, Action.CODE_USED, told)
        messages.warning(
            request,
            f"You used a recovery code, which is spent: {told}. Set up your app anew if the phone "
            "is lost, and make new codes before the last is gone.",
        )
