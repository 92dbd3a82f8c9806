"""Accounts as people sign in to them: a password and a second factor, beside the rights they have.

Django keeps who signs in how, under the name of the account; what an account may do stands in the
schema `people`. An account gets its first password by an invitation, which holds for some days.
"""

import datetime as dt
import secrets

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.people import tokens

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
"""What is one: recovery codes replace it for a day, and are made with it."""


def invite(account: str) -> str:
    """Return the key by which whoever gets it sets the first password, once.

    It holds until a password is set, and no longer than PASSWORD_RESET_TIMEOUT.

    Raises:
        Refused: as `open_invitation` does.
    """
    return invitation_key(open_invitation(account))


def open_invitation(account: str) -> User:
    """Let an account be invited to set a password.

    One that has a password is invited to another only where a second factor still says who signs
    in: else whoever invites could become whom they invite.

    Raises:
        Refused: the account has a password and nothing else.
    """
    user, is_new = User.objects.get_or_create(username=account)
    if is_new:
        user.set_unusable_password()
        user.save()
    if user.has_usable_password() and not is_mfa_enabled(user, SECOND_FACTORS):
        raise Refused(
            [
                Finding(
                    "invitation-taken", f"account {account}", "a password, and no second factor",
                    "whoever invites could sign in as an account whose password is all it has",
                    "make another account of the same person, and have its rights granted",
                )
            ]
        )  # fmt: skip
    return user


def invitation_key(user: User) -> str:
    """Return a key of an invitation; each that is made holds until one of them is used."""
    return default_token_generator.make_token(user)


def invited(account: str, key: str) -> User | None:
    """Return whom a key invites; None where it invites nobody, or nobody any more."""
    user = User.objects.filter(username=account).first()
    return user if user and default_token_generator.check_token(user, key) else None


def accept_invitation(account: str, key: str, password: str) -> User:
    """Set a password by an invitation.

    Raises:
        Refused: there is no such invitation, or the password is weak.
    """
    user = invited(account, key)
    if user is None:
        raise Refused(
            [
                Finding(
                    "invitation-unknown", f"account {account}", "no invitation that holds",
                    "an invitation sets one password, within three days",
                    "sign in with the password that it set, or ask whoever invited you for another",
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
    user.save(update_fields=["password"])  # all that the web process may change of an account
    return user


def sign_in_command(session: Session, account: str) -> str:
    """Return a token by which commands act as an account for some hours."""
    return sign_in_service(session, account, dt.timedelta(hours=tokens.COMMAND_HOURS))


def sign_in_service(session: Session, account: str, lasting: dt.timedelta) -> str:
    """Return a token by which a service acts, such as a timer, for so long."""
    token = secrets.token_urlsafe(tokens.TOKEN_BYTES)
    tokens.accept(tokens.through(session), account, token, lasting)
    return token
