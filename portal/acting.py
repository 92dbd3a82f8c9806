"""The token by which a request acts as the account that is signed in."""

import datetime as dt
import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest

from ledger.people import tokens

ACTS = "acts_by"
"""Of a session: the key for which its token was accepted. Signing in anew makes another."""


def token_of(request: HttpRequest) -> str | None:
    """Return the token of a request, accepted once a session; None where nobody is signed in."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    token = _token(request)
    mark = sha256(token.encode()).hexdigest()
    if request.session.get(ACTS) != mark:
        lasting = dt.timedelta(seconds=request.session.get_expiry_age())
        tokens.accept(run, user.get_username(), token, lasting)
        request.session[ACTS] = mark
    return token


def end_token(request: HttpRequest) -> None:
    """Let nobody act by the token of a session that ends."""
    tokens.end(run, _token(request))


def run(statement: str, values: Mapping[str, Any]) -> None:
    """Run a statement about tokens by Django's connection: the one that reads facts makes none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _token(request: HttpRequest) -> str:
    """Return what is made of a session's key, which it gets when it is stored first."""
    if request.session.session_key is None:
        request.session.save()
    words = f"act {request.session.session_key}"
    return hmac.new(settings.SECRET_KEY.encode(), words.encode(), sha256).hexdigest()
