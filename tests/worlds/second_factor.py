"""A second factor of a user, and the code that its app shows."""

import time

from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.test import Client


def give_second_factor(user: User) -> str:
    """Turn on an authenticator app for a user, and return the secret that it shares."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return secret


def code_of(secret: str, at_s: float | None = None) -> str:
    """Return the code that the app shows at a moment, or now."""
    counter = int(at_s if at_s is not None else time.time()) // 30
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def confirm(client: Client, user: User, at_s: float | None = None) -> None:
    """Let a browser be one whose user confirmed of late that it is they."""
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": at_s or time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
