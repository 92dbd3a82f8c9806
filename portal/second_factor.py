"""The second factor: who must have one, where it is set up, and how its secrets are kept."""

import base64
import secrets
from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import salted_hmac

from ledger.people.roles import Role
from portal.access import NOBODY, roles_of, viewer_of
from portal.demo import is_demo
from portal.people import SECOND_FACTORS

DO_WITHOUT = {Role.PARTICIPANT}
"""Roles that may do without; any other, one that is added too, needs a second factor."""
OF_THE_ACCOUNT = ("account_", "mfa_")
"""How the names of those pages begin that are about the account itself: all that is open to whoever
lacks a second factor. One is set up there, and one signs out."""


def lacks_second_factor(user: User) -> bool:
    """Return whether a user must set up a second factor before anything else."""
    return _lacks_one_for(roles_of(user), user)


def _lacks_one_for(roles: frozenset[Role], user: User) -> bool:
    if roles <= DO_WITHOUT or is_mfa_enabled(user, SECOND_FACTORS):
        return False
    return not has_grace()


def has_grace() -> bool:
    """Return whether this is a demonstration, whose passwords are printed anyway."""
    return bool(settings.DEMO_HAS_GRACE) and is_demo()


class RequireSecondFactor:
    """Lead whoever lacks a second factor to the page where it is set up, from any other.

    In one place, so that a page that is added tomorrow is closed to them too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Say what the user may see, and whether they may see it yet."""
        user = request.user
        if not user.is_authenticated:
            return None
        viewer = viewer_of(user)
        lacks = _lacks_one_for(viewer.roles, user)
        setattr(request, "viewer", NOBODY if lacks else viewer)  # noqa: B010
        setattr(request, "lacks_second_factor", lacks)  # noqa: B010
        name = (request.resolver_match and request.resolver_match.url_name) or ""
        return redirect("mfa_index") if lacks and not name.startswith(OF_THE_ACCOUNT) else None


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Keeps secrets of second factors under SECRET_KEY, which is not in the database."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "Incorrect code. The app shows another every half minute, and each opens "
        "once: type the one that it shows now. If that is refused too, let the phone set its clock "
        "by itself.",
    }

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Return what a passkey is called until its owner says otherwise."""
        has = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {has + 1}"

    def encrypt(self, text: str) -> str:
        """Return a secret as it is stored."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a stored secret; of one that is not ours, another that nobody knows.

        Whoever wrote a secret of their own into the table has no code that fits, and the page for
        it answers as for a wrong code.
        """
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(20)).decode()


def _cipher() -> Fernet:
    key = salted_hmac(__name__, "secrets", algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))
