"""How one signs in: with a password of an account that somebody else made, tried so often only."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from portal.throttle import TOO_MANY, Kind, account_of, begin_request, succeed

CONFIRM_BY = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Accounts are made by the market's operator; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False, always."""
        return False

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Store a new password, which is all that the web process may change of an account."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return by what a user may confirm that it is they, in our words."""
        return [
            {**method, "description": CONFIRM_BY.get(method["id"], method["description"])}
            for method in super().get_reauthentication_methods(user)
        ]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Leave the count of attempts to `authenticate`, which takes back those that succeed."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Return whose password it is, if anybody's, and if it may be tried at all.

        Raises:
            ValidationError: too many failed; the password was not looked at.
        """
        account = account_of(credentials.get("username", ""))
        attempt = begin_request(Kind.PASSWORD, account, request)
        if attempt is None:
            raise ValidationError(TOO_MANY)
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            succeed(attempt)
        return user
