"""The forms that take a code of a second factor, which may be tried so often and no more."""

from allauth.core import context
from allauth.mfa.base import forms
from django.core.exceptions import ValidationError

from portal.throttle import TOO_MANY_CODES, Kind, begin_request, succeed


class _Throttled(forms.BaseAuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    def clean_code(self) -> str:
        """Return the code if it is right, and if it may be tried at all."""
        attempt = begin_request(Kind.CODE, f"user {self.user.pk}", context.request)
        if attempt is None:
            raise ValidationError(TOO_MANY_CODES)
        code: str = super().clean_code()
        succeed(attempt)
        return code


class AuthenticateForm(_Throttled, forms.AuthenticateForm):  # type: ignore[misc]  # as above
    """The code with which one signs in."""


class ReauthenticateForm(_Throttled, forms.ReauthenticateForm):  # type: ignore[misc]  # as above
    """The code with which one confirms that it is they."""
