"""Accounts as people sign in to them: a password and a second factor, beside the rights they have.

Django keeps who signs in how, under the name of the account; what an account may do stands in the
schema `people`. An account gets its first password by an invitation, which holds for some days.
"""

import datetime as dt
import secrets

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.people import tokens


def invite(account: str) -> str:
    """Return the key by which whoever gets it sets the first password, or another, once.

    It holds until a password is set, and no longer than PASSWORD_RESET_TIMEOUT.
    """
    user, is_new = get_user_model().objects.get_or_create(username=account)
    if is_new:
        user.set_unusable_password()
        user.save()
    return default_token_generator.make_token(user)


def accept_invitation(account: str, key: str, password: str) -> User:
    """Set a password by an invitation.

    Raises:
        Refused: there is no such invitation, or the password is weak.
    """
    user = get_user_model().objects.filter(username=account).first()
    if user is None or not default_token_generator.check_token(user, key):
        raise Refused(
            [
                Finding(
                    "invitation-unknown", f"account {account}", "no invitation that holds",
                    "an invitation sets one password, within some days",
                    "ask for another: `manage.py people invite`",
                )
            ]
        )  # fmt: skip
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise Refused(
            [
                Finding("password-weak", f"account {account}", "this password", each.rstrip("."),
                        "choose another")
                for each in weak.messages
            ]
        ) from None  # fmt: skip
    user.set_password(password)
    user.save()
    return user


def sign_in_command(session: Session, account: str) -> str:
    """Return a token by which commands act as an account for some hours."""
    return sign_in_service(session, account, dt.timedelta(hours=tokens.COMMAND_HOURS))


def sign_in_service(session: Session, account: str, lasting: dt.timedelta) -> str:
    """Return a token by which a service acts, such as a timer, for so long."""
    token = secrets.token_urlsafe(tokens.TOKEN_BYTES)
    tokens.accept(session, account, token, lasting)
    return token
